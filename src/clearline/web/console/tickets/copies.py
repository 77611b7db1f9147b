"""The Cc of a reply: who gets copies of the ticket's mail, changed in the composer before the reply is sent."""

from contextlib import suppress

from msgspec.structs import replace

from clearline.errors import Conflict, InvalidInput, NotFound
from clearline.platform.database.transactions import Tx
from clearline.tickets import access
from clearline.tickets.contacts import usecases as people
from clearline.web.console.changes import address
from clearline.web.console.ticket import ticket_page
from clearline.web.console.tickets.drafts import no_more_files, save_typed, typed_in
from clearline.web.language.refusals import refusal_text, rule_text
from clearline.web.multipart import receive_form
from clearline.web.tickets.people import person_id_in
from clearline.web.visit import Visit, redirect, refused_status
from clearline.web.words import gettext
from clearline.wires.http.call import Answer


async def change_copies(visit: Visit) -> Answer:
    """Add the typed addresses to those that get copies, or remove one; what was typed is saved as its draft."""
    number = access.parse_number(visit.path["number"])
    async with receive_form(visit, no_more_files):
        try:
            async with visit.services.database.transaction() as tx:
                if visit.form.get("person"):
                    with suppress(NotFound):  # somebody else removed it
                        await people.remove_person(tx, visit.actor, number, person_id_in(visit.form), now=visit.now)
                else:
                    await add_typed_copies(visit, tx, number)
                await save_typed(visit, tx, number)
        except (InvalidInput, Conflict) as error:
            problem = (copies_problem(error) if isinstance(error, InvalidInput) else "") or refusal_text(error)
            return await ticket_page(visit, refused_status(error), typed=replace(typed_in(visit.form), problem=problem))
    return await composer_again(visit, number, has_added=not visit.form.get("person"))


async def composer_again(visit: Visit, number: int, *, has_added: bool = False) -> Answer:
    """Open the ticket again whose composer is saved as a draft, unless ``has_added`` with what is typed into Cc.

    No draft has an address that is not added yet, so that the page has to show the form that was sent.
    """
    path = address(visit, number)
    if has_added or not visit.form.get("cc").strip():
        return redirect(visit.browser, path)
    visit.headers.append((b"hx-push-url", path.encode()))
    return await ticket_page(visit, typed=typed_in(visit.form))


async def add_typed_copies(visit: Visit, tx: Tx, number: int) -> None:
    """Have the addresses that were typed into Cc get copies; they stand between spaces, commas or semicolons."""
    if addresses := visit.form.get("cc").replace(",", " ").replace(";", " ").split():
        await people.add_copies(tx, visit.actor, number, addresses, now=visit.now)


def copies_problem(error: InvalidInput) -> str:
    """Return why addresses of copies are refused; empty when it is something else."""
    rules = [rule_text(each) for each in error.violations if each.field.partition(".")[0] == "cc"]
    return f"{gettext('Cc')}: {'. '.join(dict.fromkeys(rules))}" if rules else ""
