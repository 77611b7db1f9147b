"""Continue the conversation about a finished ticket in a new ticket that follows it."""

from datetime import datetime
from uuid import UUID, uuid4

from msgspec.structs import replace

from clearline.accounts import permissions
from clearline.catalogue.published import ServiceType
from clearline.events.store import actor_id
from clearline.identity import Actor, Scope
from clearline.limit_errors import TooManyLinks
from clearline.platform.database.transactions import Tx
from clearline.tickets import store as ticket_store
from clearline.tickets.contact import PEOPLE_MAX
from clearline.tickets.contacts import store as people_store
from clearline.tickets.domain import UNKNOWN_SERVICE, Channel, NewTicket, Ticket, ticket_number
from clearline.tickets.links import store as link_store
from clearline.tickets.links import watcher_store
from clearline.tickets.links.domain import LINKS_MAX, Link, LinkType, split_off, system_note
from clearline.tickets.note_domain import NoteMail
from clearline.tickets.status_domain import FINISHED
from clearline.tickets.usecases import check_service, create_ticket

FOLLOW_UPS_READ_MAX = 100
"""How many follow-ups, each of the one before, are looked at for the last one."""


async def lock_final_ticket(tx: Tx, company_id: UUID, number: int) -> Ticket | None:
    """Lock and return a ticket until the transaction ends; if it was merged, the ticket that it was merged into.

    A merge that was committed during the wait for the lock counts, too.
    """
    final = await ticket_store.merge_target(tx, company_id, number)
    ticket = await ticket_store.lock(tx, company_id, final)
    if ticket is None or ticket.status not in FINISHED:
        return ticket
    is_merged = await ticket_store.merge_target(tx, company_id, final) != final
    return await lock_final_ticket(tx, company_id, final) if is_merged else ticket


async def lock_current_ticket(tx: Tx, ticket: Ticket) -> Ticket:
    """Lock and return the ticket in which the conversation about a locked ticket goes on.

    For an open ticket, and for one that nothing follows, that is the ticket itself; otherwise the last of the tickets
    that follow it.
    """
    for _ in range(FOLLOW_UPS_READ_MAX):
        latest = None
        if ticket.status in FINISHED:
            latest = await link_store.latest_follow_up(tx, ticket.company_id, ticket.number)
        following = None if latest is None else await lock_final_ticket(tx, ticket.company_id, latest)
        if following is None:
            break
        ticket = following
    return ticket


async def raise_follow_up(
    tx: Tx,
    actor: Actor,
    original: Ticket,
    *,
    title: str,
    description: str,
    channel: Channel,
    mail: NoteMail,
    sends_receipt: bool = True,
    now: datetime,
) -> tuple[Ticket, int | None]:
    """Create a ticket that follows a locked one, and return it with the number of its note that says so.

    It has the company, people, issue type and service of the original, and its watchers. A service that is no longer
    in the inventory is left out. Both tickets have a note about the other, and a link. ``mail`` is the mail that the
    new ticket is made from: its trimmed text is kept with that note.

    Raises:
        InvalidInput: a value breaks a rule.
        TooManyLinks: the original has 200 links.
    """
    permissions.require_scope(actor, Scope.TICKETS_WRITE)
    company_id = original.company_id
    new = await _with_known_service(tx, company_id, split_off(original, title, description, channel))
    created = await create_ticket(
        tx, actor, new, company_id=company_id, sends_receipt=sends_receipt, chooses_types=False, now=now
    )
    ticket = created.ticket
    link = Link(uuid4(), LinkType.FOLLOWED_UP_BY, company_id, original.number, company_id, ticket.number, now)
    if (await link_store.link_counts(tx, link)).own >= LINKS_MAX:
        raise TooManyLinks(ticket_number(original.number), LINKS_MAX)
    await link_store.insert(tx, actor, link, now=now)
    await watcher_store.copy(tx, actor, company_id, original.number, ticket.number, now=now)
    await people_store.copy(tx, actor, company_id, original.number, ticket.number, most=PEOPLE_MAX, now=now)
    original_name, new_name = ticket_number(original.number), ticket_number(ticket.number)
    first = replace(
        system_note(f"Follows {original_name} ({original.title}), which is {original.status}"),
        created_by=actor_id(actor),
        mail_id=mail.mail_id,
        trimmed_text=mail.trimmed_text or None,
    )
    note_number = await link_store.add_note(tx, actor, company_id, ticket.number, first, now=now)
    last = system_note(f"{new_name} ({title}) follows this ticket: further replies belong there")
    await link_store.add_note(tx, actor, company_id, original.number, last, now=now)
    return ticket, note_number


async def _with_known_service(tx: Tx, company_id: UUID, new: NewTicket) -> NewTicket:
    """Return a new ticket as it is, or without its service if the company has no such service any more."""
    if not await check_service(tx, company_id, new.service_id, new.service_type):
        return new
    return replace(new, service_type=ServiceType.NON_CONSOLE, service_id=UNKNOWN_SERVICE)
