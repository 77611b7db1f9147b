"""Find the tickets that an actor may see. Every use case that touches a ticket comes through here."""

from uuid import UUID

from clearline.accounts.permissions import own_company
from clearline.errors import NotFound
from clearline.identity import Actor
from clearline.platform.database.transactions import Tx
from clearline.tickets import store as ticket_store
from clearline.tickets.domain import Ticket, parse_ticket_number, ticket_number
from clearline.tickets.note_domain import Source, Visibility


async def ticket_company(tx: Tx, actor: Actor, number: int) -> UUID | None:
    """In which company the actor may look for a ticket. A customer's own, unasked: foreign costs what unknown costs."""
    if actor.is_staff:
        return await ticket_store.company_of(tx, number)
    return own_company(actor).id


async def ticket_to_change(tx: Tx, actor: Actor, number: int) -> Ticket:
    """A ticket that the actor may see, held against changes by others until the transaction ends.

    Raises:
        NotFound: no such ticket for this actor.
    """
    company_id = await ticket_company(tx, actor, number)
    ticket = None if company_id is None else await ticket_store.lock(tx, company_id, number)
    if ticket is None:
        raise NotFound("ticket", ticket_number(number))
    return ticket


async def ticket_to_read(tx: Tx, actor: Actor, number: int) -> UUID:
    """The company of a ticket that exists and that the actor may see.

    Raises:
        NotFound: no such ticket for this actor.
    """
    company_id = await ticket_company(tx, actor, number)
    if company_id is None or not await ticket_store.exists(tx, company_id, number):
        raise NotFound("ticket", ticket_number(number))
    return company_id


def check_number(text: str) -> int:
    """The number that a person typed.

    Raises:
        NotFound: it is no ticket number at all.
    """
    if (number := parse_ticket_number(text)) is None:
        raise NotFound("ticket", text)
    return number


def readable(actor: Actor) -> list[str]:
    """Which notes and attachments the actor may read: customers never the internal ones."""
    return [*Visibility] if actor.is_staff else [Visibility.PUBLIC]


def note_source(actor: Actor) -> Source:
    """For which side the actor speaks."""
    return Source.SELLER if actor.is_staff else Source.BUYER
