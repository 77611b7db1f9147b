"""Change the people of a ticket: its other contacts with their roles, and who gets copies of its mail."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec.structs import replace

from clearline.accounts import user_store
from clearline.errors import NotFound, RuleCode, TicketFinished, Violation, require_valid
from clearline.identity import Actor
from clearline.platform.database.transactions import Tx
from clearline.text import normalized_address
from clearline.tickets import store as ticket_store
from clearline.tickets.change_usecases import lock_ticket
from clearline.tickets.contact import NOBODY, Person, PersonKind, check_people
from clearline.tickets.contacts import store as people_store
from clearline.tickets.contacts.domain import Difference, difference, removed
from clearline.tickets.domain import Ticket, TicketView
from clearline.tickets.status_domain import OPEN


async def set_people(
    tx: Tx,
    actor: Actor,
    number: int,
    *,
    contacts: Sequence[Person] | None = None,
    cc: Sequence[Person] | None = None,
    now: datetime,
) -> TicketView:
    """Replace the other contacts of a ticket, the addresses that get copies, or both; return the ticket before that.

    None leaves them as they are. A contact with a ``user_id`` has the values of that user. If nothing changes, no event
    is stored.

    Raises:
        NotFound: no such ticket for this actor.
        InvalidInput: a value breaks a rule, names no active user of the ticket's company or, for a customer, names an
            address that left the ticket.
        TicketFinished: the ticket is closed, cancelled or rejected.
    """
    view = await lock_ticket(tx, actor, number)
    if view.ticket.status not in OPEN:
        raise TicketFinished(view.ticket.status)
    before = view.people
    given_contacts = before.contacts if contacts is None else await _resolved(tx, view.ticket, contacts)
    given_cc = before.cc if cc is None else [replace(person, email=person.email.strip()) for person in cc]
    require_valid(check_people(given_contacts, given_cc, view.ticket.contact))
    if not actor.is_staff:
        _require_nobody_left(before.left, given_contacts, given_cc)
    kinds = [kind for kind, given in ((PersonKind.CONTACT, contacts), (PersonKind.CC, cc)) if given is not None]
    wanted = [person for person in (*given_contacts, *given_cc) if person.kind in kinds]
    await _save(tx, actor, view.ticket, difference(before, wanted, kinds), now=now)
    return view


async def begin_with(
    tx: Tx,
    actor: Actor,
    ticket: Ticket,
    *,
    contacts: Sequence[Person] = (),
    cc: Sequence[Person] = (),
    now: datetime,
) -> None:
    """Store the people of a ticket that was created in this transaction; it stays at its first version.

    Raises:
        InvalidInput: as ``set_people``.
    """
    named = await _resolved(tx, ticket, contacts)
    require_valid(check_people(named, cc, ticket.contact))
    kinds = (PersonKind.CONTACT, PersonKind.CC)
    await _save(tx, actor, ticket, difference(NOBODY, [*named, *cc], kinds), is_new=True, now=now)


async def _resolved(tx: Tx, ticket: Ticket, contacts: Sequence[Person]) -> list[Person]:
    """Return contacts with the values of the users whom they name."""
    resolved, violations = [], []
    for place, person in enumerate(contacts):
        user = None
        if person.user_id is not None:
            user = await user_store.get(tx, ticket.company_id, UUID(person.user_id))
            if user is None or not user.is_active:
                rule = "must be the id of an active user of the ticket's company"
                violations.append(Violation(f"contacts.{place}.user_id", rule, RuleCode.REFERENCE))
        named = person if user is None else replace(person, name=user.name, email=user.email, phone=user.phone)
        roles = tuple(dict.fromkeys(named.roles))
        resolved.append(replace(named, email=named.email.strip(), roles=roles))
    require_valid(violations)
    return resolved


def _require_nobody_left(left: Sequence[Person], contacts: Sequence[Person], cc: Sequence[Person]) -> None:
    gone = {person.key for person in left}
    rule = "left this ticket by the link in a mail: only the provider's people can add the address again"
    require_valid([
        Violation(f"{name}.{place}.email", rule, RuleCode.REFERENCE)
        for name, people in (("contacts", contacts), ("cc", cc))
        for place, person in enumerate(people)
        if person.key in gone
    ])  # fmt: skip


async def _save(
    tx: Tx, actor: Actor, ticket: Ticket, changed: Difference, *, is_new: bool = False, now: datetime
) -> None:
    if not (changed.stored or changed.deleted):
        return
    await people_store.save(tx, ticket.company_id, ticket.number, changed, now=now)
    if not changed.facts:
        return
    if not is_new:
        await people_store.touch(tx, ticket.company_id, ticket.number, now=now)
    await ticket_store.append_facts(tx, actor, ticket.company_id, ticket.number, changed.facts, now=now)


async def add_person(tx: Tx, actor: Actor, number: int, person: Person, *, now: datetime) -> None:
    """Add a contact or a copy to a ticket; one with the same address becomes what ``person`` is.

    Raises:
        As ``set_people``.
    """
    view = await lock_ticket(tx, actor, number)
    people = view.people
    contacts = [each for each in people.contacts if each.key != person.key]
    cc = [each for each in people.cc if each.key != person.key]
    (cc if person.kind is PersonKind.CC else contacts).append(person)
    await set_people(tx, actor, number, contacts=contacts, cc=cc, now=now)


async def add_copies(tx: Tx, actor: Actor, number: int, addresses: Sequence[str], *, now: datetime) -> None:
    """Have addresses get copies of a ticket's mail, besides those that do; its contacts stay what they are.

    Raises:
        As ``set_people``.
    """
    view = await lock_ticket(tx, actor, number)
    people = view.people
    known = {
        normalized_address(view.ticket.contact.email),
        *(person.key[0] for person in (*people.contacts, *people.cc)),
    }
    names = {person.key[0]: person.name for person in people.suggested}
    new: dict[str, str] = {}
    for address in addresses:
        new.setdefault(normalized_address(address), address)
    added = [Person(PersonKind.CC, address, names.get(key, "")) for key, address in new.items() if key not in known]
    if added:
        await set_people(tx, actor, number, cc=[*people.cc, *added], now=now)


async def remove_person(tx: Tx, actor: Actor, number: int, person_id: int, *, now: datetime) -> Person:
    """Remove a contact, a copy or a suggestion from a ticket, whatever its status; return it.

    Raises:
        NotFound: no such ticket for this actor, or no such person.
    """
    view = await lock_ticket(tx, actor, number)
    people = view.people
    for person in (*people.contacts, *people.cc, *people.suggested):
        if person.id == person_id:
            facts = [] if person.kind is PersonKind.SUGGESTED else [removed(person)]
            await _save(tx, actor, view.ticket, Difference([], [person_id], facts), now=now)
            return person
    raise NotFound("contact", str(person_id))


async def leave(tx: Tx, actor: Actor, ticket: Ticket, address: str, *, now: datetime) -> bool:
    """Remove an address from a locked ticket, in the name of its owner; return False if it is none of its people.

    It is kept as one that left: a customer cannot add it again.
    """
    person = await people_store.find(tx, ticket.company_id, ticket.number, normalized_address(address))
    if person is None or person.kind not in {PersonKind.CONTACT, PersonKind.CC}:
        return False
    gone = Person(PersonKind.LEFT, person.email, person.name, id=person.id)
    await _save(tx, actor, ticket, Difference([gone], [], [removed(person)]), now=now)
    return True
