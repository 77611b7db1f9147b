"""What agents do with the people of a ticket."""

from clearline.platform.database.transactions import Tx
from clearline.tickets.contacts import usecases as people
from clearline.web.tickets.people import person_id_in, person_in
from clearline.web.visit import Visit


async def add_person(visit: Visit, tx: Tx, number: int) -> None:
    """Add a contact, or one who gets copies; one with the same address becomes that."""
    await people.add_person(tx, visit.actor, number, person_in(visit.form), now=visit.now)


async def remove_person(visit: Visit, tx: Tx, number: int) -> None:
    """Remove a contact, a copy or a suggestion."""
    await people.remove_person(tx, visit.actor, number, person_id_in(visit.form), now=visit.now)
