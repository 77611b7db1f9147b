"""Find the tickets that an actor may see. Every use case that touches a ticket comes through here."""

from collections.abc import Sequence
from uuid import UUID

from clearline.accounts.permissions import may_see_tickets, own_company, require_scope, ticket_companies
from clearline.errors import NotFound
from clearline.events.store import Event
from clearline.identity import Actor, Scope, User
from clearline.platform.database.transactions import Tx
from clearline.tickets import store as ticket_store
from clearline.tickets.domain import Ticket, parse_ticket_number, ticket_number
from clearline.tickets.lists.many_store import Key
from clearline.tickets.note_domain import Source, Visibility

_COMPANY_OF_TICKET = "company of ticket"
"""What the companies of tickets are called among the constants of a transaction."""


async def ticket_company(tx: Tx, actor: Actor, number: int) -> UUID | None:
    """Return the company to look for a ticket in, or None when there is no such ticket.

    For a customer without children this is its own company, without a query, so that another company's ticket and an
    unknown number take the same time. For others it is read once in a transaction: a ticket is never deleted, and does
    not change its company. Whoever moves a ticket to a queue beyond its limits still has it until the transaction ends.
    """
    if not _reads_place(actor):
        return own_company(actor).id
    key = (_COMPANY_OF_TICKET, number, actor.limits, None if actor.is_staff else ticket_companies(actor))
    company_id: UUID | None = tx.constants.get(key)
    if company_id is None:
        company_id, queue_id = await ticket_store.place_of(tx, number)
        if company_id is not None and not reaches(actor, company_id, queue_id):
            return None
        if company_id is not None:
            tx.constants[key] = company_id
    return company_id


def _reads_place(actor: Actor) -> bool:
    """Return whether only the place of a ticket, its company and its queue, says if the actor may see it."""
    return actor.is_staff or bool(actor.children)


def reaches(actor: Actor, company_id: UUID, queue_id: UUID | None) -> bool:
    """Return whether a ticket of a company in a queue is within the limits of the actor, or of a customer's companies.

    Those of a customer are its own and the children that share with it, however many levels there are below them.
    """
    if not actor.is_staff:
        return may_see_tickets(actor, company_id)
    return actor.limits is None or actor.limits.reaches_ticket(company_id, queue_id)


_OTHER_TICKETS = ("other", "into")
"""The members of events that name another ticket: the other end of a link, and what a ticket was merged into."""


async def events_within(tx: Tx, limits: User, events: Sequence[Event]) -> list[Event]:
    """Return the events of which the limits of one of the provider's people leave all tickets now.

    Those that name another ticket, of a link for example, are left out with it.
    """
    named = {event.offset: _tickets_named(event) for event in events}
    places = await ticket_store.places_of(tx, {number for numbers in named.values() for number in numbers})
    reached = {number for number, place in places.items() if limits.reaches_ticket(*place)}
    return [event for event in events if named[event.offset] and reached.issuperset(named[event.offset])]


def _tickets_named(event: Event) -> set[int]:
    """Return the tickets that an event is about or names; none if it is about no ticket."""
    if event.ticket_number is None:
        return set()
    others = (parse_ticket_number(str(event.data[name])) for name in _OTHER_TICKETS if name in event.data)
    return {event.ticket_number, *(number for number in others if number is not None)}


async def lock_ticket(tx: Tx, actor: Actor, number: int) -> Ticket:
    """Lock a ticket that the actor may see until the transaction ends, and return it.

    Raises:
        NotFound: no such ticket for this actor.
    """
    company_id = await ticket_company(tx, actor, number)
    ticket = None if company_id is None else await ticket_store.lock(tx, company_id, number)
    if ticket is None:
        raise NotFound("ticket", ticket_number(number))
    return ticket


async def require_ticket(tx: Tx, actor: Actor, number: int) -> UUID:
    """Return the company of a ticket that the actor may see.

    Raises:
        NotFound: no such ticket for this actor.
    """
    company_id = await ticket_company(tx, actor, number)
    # If the place was read, the company is that of the ticket itself.
    if company_id is None or not (_reads_place(actor) or await ticket_store.exists(tx, company_id, number)):
        raise NotFound("ticket", ticket_number(number))
    return company_id


async def require_about(tx: Tx, actor: Actor, number: int | None, kind: str, name: object) -> None:
    """Refuse a record about a ticket that the limits of the actor do not leave to it, or about none.

    Raises:
        NotFound: the limits do not leave it to the actor.
    """
    if actor.limits is not None and (number is None or await ticket_company(tx, actor, number) is None):
        raise NotFound(kind, str(name))


def parse_number(text: str) -> int:
    """Parse a ticket number.

    Raises:
        NotFound: the text is not a ticket number.
    """
    if (number := parse_ticket_number(text)) is None:
        raise NotFound("ticket", text)
    return number


def require_listed(actor: Actor, keys: Sequence[Key]) -> None:
    """Refuse tickets, by company and number, that a list of the actor cannot have.

    Raises:
        NotFound: a ticket is another company's.
        ScopeMissing: the actor's key may not read.
    """
    require_scope(actor, Scope.TICKETS_READ)
    for company_id, number in keys:
        if not (actor.is_staff or may_see_tickets(actor, company_id)):
            raise NotFound("ticket", ticket_number(number))


def visible_visibilities(actor: Actor) -> list[str]:
    """Return the visibilities of notes and attachments that the actor may read: for customers only public."""
    return [*Visibility] if actor.is_staff else [Visibility.PUBLIC]


def note_source(actor: Actor) -> Source:
    """Return the source of notes by this actor: seller for the provider's people, buyer for customers."""
    return Source.SELLER if actor.is_staff else Source.BUYER
