"""Add, list and remove links between tickets."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid4

from clearline.accounts import permissions
from clearline.errors import AlreadyExists, Forbidden, InvalidInput, LinkCycle, NotFound, RuleCode, Violation
from clearline.identity import Actor, Scope
from clearline.limit_errors import TooManyLinks
from clearline.platform.database.transactions import Tx
from clearline.tickets import access
from clearline.tickets.domain import Ticket, ticket_number
from clearline.tickets.links import merge_store
from clearline.tickets.links import store as link_store
from clearline.tickets.links.domain import (
    CUSTOMER_LINK_TYPES,
    HIERARCHY,
    LINKS_MAX,
    MANUAL_LINK_TYPES,
    Link,
    LinkedTicket,
    LinkType,
)
from clearline.tickets.links.merge_usecases import lock_with_targets
from clearline.tickets.links.store import Reach
from clearline.tickets.lists.many_store import Key

KIND = "link"


async def list_links(
    tx: Tx, actor: Actor, number: int, *, after: tuple[datetime, UUID] | None, limit: int
) -> list[LinkedTicket]:
    """Return the links of a ticket and of everything merged into it, oldest first, after the time and id of another.

    Customers see only links to their own tickets. Served as ``link_store.page``.

    Raises:
        NotFound: no such ticket for this actor.
    """
    permissions.require_scope(actor, Scope.TICKETS_READ)
    company_id = await access.require_ticket(tx, actor, number)
    return await link_store.page(tx, company_id, number, only=_reach(actor), after=after, limit=limit)


async def first_links(tx: Tx, actor: Actor, keys: Sequence[Key], *, limit: int) -> dict[int, list[LinkedTicket]]:
    """Return the first links of each ticket of a list, by the tickets' numbers: see ``list_links``."""
    access.require_listed(actor, keys)
    return await link_store.first_pages(tx, keys, only=_reach(actor), limit=limit)


def _reach(actor: Actor) -> Reach | None:
    """Return the tickets to which the actor sees links."""
    if not actor.is_staff:
        return Reach(permissions.ticket_companies(actor))
    return None if actor.limits is None else Reach(actor.limits.only_companies, actor.limits.only_queues)


async def get_link(tx: Tx, actor: Actor, number: int, link_id: UUID) -> LinkedTicket:
    """Return a link of a ticket, or of one that was merged into it.

    Raises:
        NotFound: no such ticket for this actor, or no such link of it.
    """
    permissions.require_scope(actor, Scope.TICKETS_READ)
    return await _visible(tx, actor, await access.require_ticket(tx, actor, number), number, link_id)


async def add_link(tx: Tx, actor: Actor, number: int, kind: LinkType, other: int, *, now: datetime) -> LinkedTicket:
    """Link a ticket to another; ``kind`` is the type as seen from the first. Both get an event and a new version.

    What they were merged into gets a new version too.

    Raises:
        NotFound: the actor may not see one of the tickets, or it does not exist.
        Forbidden: customers may not add links of this type.
        InvalidInput: only a split adds links of this type, or both tickets are the same or, for a customer, of
            different companies.
        AlreadyExists: they have a link of this type, from one end or the other.
        LinkCycle: a ticket would become its own ancestor.
        TooManyLinks: one of them has 200 links.
    """
    permissions.require_scope(actor, Scope.TICKETS_WRITE)
    _check_kind(actor, kind)
    if number == other:
        raise InvalidInput([Violation("ticket", "must be another ticket", RuleCode.REFERENCE)])
    if kind in HIERARCHY:
        await link_store.lock_hierarchy(tx)
    locked = await lock_with_targets(tx, actor, number, other)
    ticket, other_ticket = locked[number], locked[other]
    if ticket.company_id != other_ticket.company_id and not actor.is_staff:
        raise InvalidInput([Violation("ticket", "must be a ticket of the same company", RuleCode.REFERENCE)])
    link = Link(uuid4(), kind, ticket.company_id, number, other_ticket.company_id, other, now)
    await _check_counts(tx, link)
    if kind in HIERARCHY:
        await _check_hierarchy(tx, *((ticket, other_ticket) if kind is LinkType.PARENT_OF else (other_ticket, ticket)))
    await link_store.insert(tx, actor, link, now=now)
    await _touch_targets(tx, link, now=now)
    return LinkedTicket(link, other_ticket.title, other_ticket.status)


async def lock_link(tx: Tx, actor: Actor, number: int, link_id: UUID) -> LinkedTicket:
    """Lock the tickets of a link that is about to be removed until the transaction ends, and return the link.

    Raises:
        NotFound: no such ticket for this actor, or no such link of it.
        Forbidden: customers may not remove links of this type.
    """
    permissions.require_scope(actor, Scope.TICKETS_WRITE)
    company_id = await access.require_ticket(tx, actor, number)
    link = (await _visible(tx, actor, company_id, number, link_id)).link
    _check_customer(actor, link.type)
    await lock_with_targets(tx, actor, link.number, link.other_number)
    return await _visible(tx, actor, company_id, number, link_id)


async def remove_link(tx: Tx, actor: Actor, number: int, link_id: UUID, *, now: datetime) -> None:
    """Remove a link from both tickets; each gets an event and a new version, what they were merged into a new version.

    Raises:
        As ``lock_link``.
    """
    linked = await lock_link(tx, actor, number, link_id)
    await link_store.delete(tx, actor, linked.link, now=now)
    await _touch_targets(tx, linked.link, now=now)


async def _visible(tx: Tx, actor: Actor, company_id: UUID, number: int, link_id: UUID) -> LinkedTicket:
    linked = await link_store.get(tx, company_id, number, link_id)
    if linked is None or not (actor.is_staff or permissions.may_see_tickets(actor, linked.link.other_company_id)):
        raise NotFound(KIND, str(link_id))
    await access.require_about(tx, actor, linked.link.other_number, KIND, link_id)
    return linked


async def _touch_targets(tx: Tx, link: Link, *, now: datetime) -> None:
    """Increment the versions of what the tickets of a link were merged into, which shows the link too."""
    keys = [(link.company_id, link.number), (link.other_company_id, link.other_number)]
    await merge_store.touch_targets(tx, keys, is_visible=link.company_id == link.other_company_id, now=now)


def _check_kind(actor: Actor, kind: LinkType) -> None:
    _check_customer(actor, kind)
    if kind not in MANUAL_LINK_TYPES:
        raise InvalidInput([Violation("type", "must be one of " + ", ".join(MANUAL_LINK_TYPES), RuleCode.CHOICE)])


def _check_customer(actor: Actor, kind: LinkType) -> None:
    if not actor.is_staff and kind not in CUSTOMER_LINK_TYPES:
        raise Forbidden("only the provider's people may add or remove links of this type")


async def _check_counts(tx: Tx, link: Link) -> None:
    counts = await link_store.link_counts(tx, link)
    if counts.is_linked:
        names = f"{link.type} between {ticket_number(link.number)} and {ticket_number(link.other_number)}"
        raise AlreadyExists(KIND, names)
    for number, count in ((link.number, counts.own), (link.other_number, counts.other)):
        if count >= LINKS_MAX:
            raise TooManyLinks(ticket_number(number), LINKS_MAX)


async def _check_hierarchy(tx: Tx, parent: Ticket, child: Ticket) -> None:
    if await link_store.is_ancestor(tx, child.number, parent.company_id, parent.number):
        raise LinkCycle(ticket_number(parent.number), ticket_number(child.number))
