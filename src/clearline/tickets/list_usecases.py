"""List tickets: the filters that an actor may have, and the orders that an index serves."""

from collections.abc import Callable, Sequence
from typing import TypeVar
from uuid import UUID

from clearline.accounts import company_store, permissions
from clearline.accounts.tiers.usecases import require_lists_by_tier
from clearline.errors import Forbidden, InvalidInput, RuleCode, Violation, require_valid
from clearline.fields.domain import RecordKind
from clearline.fields.usecases import definitions
from clearline.identity import Actor, Scope
from clearline.platform.database.errors import QUERY_CANCELED, DatabaseUnavailable, StatementFailed
from clearline.platform.database.transactions import Record, Tx, set_statement_timeout
from clearline.tickets import access, list_store
from clearline.tickets.columns import view_of
from clearline.tickets.domain import Status, TicketView
from clearline.tickets.list_store import Filter, Position
from clearline.tickets.lists.order import OF_OPEN, OWN_FIELD, SORTS, UNSORTED, AnyOrder, Order, OwnOrder

T = TypeVar("T")
_LISTED_AT_ONCE = list_store.BOUNDS[-1]
_MERGED_MAX = 100
"""The most companies of tiers whose lists are merged."""


async def list_tickets(
    tx: Tx,
    actor: Actor,
    filters: Filter,
    *,
    after: Position | None,
    limit: int,
    newest_first: bool = True,
    order: AnyOrder = Order.NUMBER,
) -> list[TicketView]:
    """Return tickets: see ``list_tickets_as``."""
    return await list_tickets_as(
        view_of, tx, actor, filters, after=after, limit=limit, newest_first=newest_first, order=order
    )


async def list_many_tickets(
    tx: Tx, actor: Actor, filters: Filter, *, limit: int, newest_first: bool = True, order: AnyOrder = Order.NUMBER
) -> list[TicketView]:
    """Return at most ``limit`` tickets for the provider's people, however many: see ``list_tickets_as``."""
    listed: list[TicketView] = []
    position: Position | None = None
    while len(listed) < limit:
        size = min(limit - len(listed), _LISTED_AT_ONCE)
        page = await list_tickets(
            tx, actor, filters, after=position, limit=size, newest_first=newest_first, order=order
        )
        listed += page
        if len(page) < size:
            break
        position = list_store.position_of(page[-1].ticket, filters, order)
    return listed


async def list_tickets_as(
    make: Callable[[Record], T],
    tx: Tx,
    actor: Actor,
    filters: Filter,
    *,
    after: Position | None,
    limit: int,
    newest_first: bool = True,
    order: AnyOrder = Order.NUMBER,
    seconds: int | None = None,
) -> list[T]:
    """Return what ``make`` makes of at most ``limit`` tickets after the position ``after``.

    Customers see only their own company's, and those of its children. A wire has its bodies made of the rows at
    once (``columns.row_reader``). A list by number with a time of creation is in the order of that time. With
    ``newest_first`` keys and numbers descend; by priority the critical tickets come first without it.

    ``seconds`` limits a list with filters or an order that no index has together (``list_store.checked``): ``tx`` must
    be a transaction then.

    Raises:
        Forbidden: a customer filters by queue, team, assignee, tag or reminder, or sorts by reminders.
        InvalidInput: no index serves the filters: finished tickets by queue, team, assignee or last change, or a
            service, of no company; finished tickets by an order of open ones. Or the list took longer than ``seconds``.
        ScopeMissing: the actor's key may not read.
    """
    permissions.require_scope(actor, Scope.TICKETS_READ)
    filters = await _by_tier(tx, _listed_filter(actor, filters, order))
    checked = list_store.checked(filters, order) if seconds is not None else []
    if seconds is not None and checked:
        await set_statement_timeout(tx, seconds)
    try:
        return await list_store.tickets_as(
            make, tx, filters, for_staff=actor.is_staff, after=after, limit=limit, newest_first=newest_first,
            order=order,
        )  # fmt: skip
    except (StatementFailed, DatabaseUnavailable) as error:
        if not checked or error.sqlstate != QUERY_CANCELED:
            raise
        instead = "use the search" if filters.company_id is not None else "name a company, or use the search"
        rule = f"matches too few tickets to list them within {seconds} seconds: {instead}"
        raise InvalidInput([Violation(_PARAMETERS.get(checked[0], checked[0]), rule, RuleCode.INVALID)]) from None


async def _by_tier(tx: Tx, filters: Filter) -> Filter:
    """Return a filter by the companies of its tiers, if these are few: their lists are merged along an index.

    The tickets of many companies are found soon on a walk of all.
    """
    if not filters.tiers:
        return filters
    companies = await company_store.of_tiers(tx, filters.tiers, limit=_MERGED_MAX + 1)
    if len(companies) > _MERGED_MAX:
        return filters
    within = [each for each in companies if not filters.within_companies or each in filters.within_companies]
    return filters._replace(tiers=(), within_companies=tuple(within) or _NOTHING)


async def order_named(tx: Tx, actor: Actor, name: str) -> tuple[AnyOrder, bool]:
    """Return the order of a name, one of ``SORTS`` or ``field.KEY``, and whether its keys descend: after a minus.

    Raises:
        InvalidInput: there is none of the name for the actor.
    """
    bare = name.removeprefix("-")
    if not bare.startswith(OWN_FIELD):
        if name not in SORTS:
            rule = f"must be one of {', '.join(SORTS)}, or {OWN_FIELD} and the key of an own field"
            raise InvalidInput([Violation("sort", rule, RuleCode.CHOICE)])
        return Order(bare), name.startswith("-")
    field = (await definitions(tx)).of(RecordKind.TICKET).get(bare.removeprefix(OWN_FIELD))
    if field is None or not field.is_visible(for_staff=actor.is_staff):
        rule = f"must be {OWN_FIELD} and the key of a field of tickets"
        raise InvalidInput([Violation("sort", rule, RuleCode.UNKNOWN)])
    if field.type in UNSORTED:
        rule = f"must not be {OWN_FIELD}{field.key}: values of the type {field.type} are in no order"
        raise InvalidInput([Violation("sort", rule, RuleCode.CHOICE)])
    return OwnOrder(field), name.startswith("-")


_NO_REMINDERS = "only the provider's people list tickets by their reminders"
_PARAMETERS = {
    "assignee_id": "assignee", "case_number": "case", "created": "since", "has_no_file": "has_file",
    "is_chronic": "chronic", "is_not_chronic": "chronic", "issue_types": "issue_type", "own_field": "field",
    "own_number": "field", "occurred": "occurred_since", "priorities": "priority",
    "queue_id": "queue", "service_id": "service", "service_types": "service_type", "severities": "severity",
    "statuses": "status", "tiers": "tier", "team_id": "team", "unassigned": "assignee", "updated": "updated_since",
    "watcher_id": "watcher",
}  # fmt: skip
"""What filters are called in refusals, if otherwise."""


async def matching(tx: Tx, actor: Actor, filters: Filter, numbers: Sequence[int]) -> set[int]:
    """Return which of these tickets match a filter as the actor may have it: see ``visible_filter``."""
    permissions.require_scope(actor, Scope.TICKETS_READ)
    return await list_store.matching(tx, visible_filter(actor, filters), numbers, for_staff=actor.is_staff)


async def list_numbered(tx: Tx, actor: Actor, numbers: Sequence[int]) -> list[TicketView]:
    """Return those tickets with these numbers that the actor may see, in no order."""
    permissions.require_scope(actor, Scope.TICKETS_READ)
    company_id = None if actor.children else permissions.company_filter(actor)
    views = await list_store.numbered_as(view_of, tx, numbers, company_id, for_staff=actor.is_staff)
    return [view for view in views if access.reaches(actor, view.ticket.company_id, view.ticket.queue_id)]


def _listed_filter(actor: Actor, filters: Filter, order: AnyOrder) -> Filter:
    """Return the filter of a list as the actor may have it: a customer's is of its own company.

    Raises:
        Forbidden, InvalidInput: see ``list_tickets_as``.
    """
    filters = visible_filter(actor, filters)
    if order is Order.REMINDER and not actor.is_staff:
        raise Forbidden(_NO_REMINDERS)
    few = (
        filters.external_id,
        filters.case_number,
        filters.watcher_id,
        filters.cc,
        filters.has_reminder or None,
        filters.reminder,
    )
    is_few = any(each is not None for each in few) or (filters.contact is not None and filters.company_id is None)
    if filters.company_id is None and not is_few:
        require_valid(_unserved(filters, is_of_some=bool(actor.children)))
    if (isinstance(order, OwnOrder) or order in OF_OPEN) and filters.state != "open" and not is_few:
        rule = "must be open with this sort; sort finished tickets by created_at or number"
        raise InvalidInput([Violation("state", rule, RuleCode.CHOICE)])
    return filters


def visible_filter(actor: Actor, filters: Filter) -> Filter:
    """Return a filter as the actor may have it: a customer's is of its companies, others have limits.

    Raises:
        Forbidden: a customer filters by what only the provider's people see.
    """
    if actor.is_staff:
        return within_reach(actor, filters)
    if filters.queue_id or filters.assignee_id or filters.unassigned:
        raise Forbidden("only the provider's people list tickets by queue or assignee")
    if filters.team_id or filters.tags:
        raise Forbidden("only the provider's people list tickets by team or tag")
    if filters.is_chronic is not None:
        raise Forbidden("only the provider's people list tickets of chronic services")
    if filters.case_number is not None:
        raise Forbidden("only the provider's people list tickets by their cases at third parties")
    if filters.tiers:
        require_lists_by_tier(actor)
    if filters.sub_statuses or filters.waiting_reasons:
        raise Forbidden("only the provider's people list tickets by sub-status or why they wait")
    if filters.has_reminder is not None or filters.reminder is not None:
        raise Forbidden(_NO_REMINDERS)
    return within_reach(actor, filters)


def within_reach(actor: Actor, filters: Filter) -> Filter:
    """Return a filter of the tickets that the actor sees, of those that the filter has."""
    return _within_limits(actor, filters) if actor.is_staff else _within_companies(actor, filters)


def _within_companies(actor: Actor, filters: Filter) -> Filter:
    """Return a filter of the tickets that a customer sees: of its company, or with children of one or all of these."""
    own, *children = permissions.ticket_companies(actor)
    if filters.company_id in children:
        return filters
    if children and filters.company_id is None:
        return filters._replace(within_companies=(own, *children))
    return filters._replace(company_id=own)


_NOTHING = (UUID(int=0),)
"""The ids of no queue and no company: of those that a limit leaves, none."""


def _within_limits(actor: Actor, filters: Filter) -> Filter:
    """Return a filter of the tickets that the limits of the actor, if it has any, leave."""
    if actor.limits is None:
        return filters
    if (queues := actor.limits.only_queues) is not None:
        filters = filters._replace(within_queues=queues or _NOTHING)
    if (companies := actor.limits.only_companies) is not None:
        filters = filters._replace(within_companies=companies or _NOTHING)
    return filters


def _unserved(filters: Filter, *, is_of_some: bool) -> list[Violation]:
    """Return why no index serves a list of the tickets of all companies, or of some."""
    if filters.service_id is not None:
        return [Violation("company", "is required: the ids of services are a company's own", RuleCode.REQUIRED)]
    if is_of_some:
        return []
    if filters.state != "open":
        if filters.queue_id or filters.team_id or filters.assignee_id or filters.unassigned:
            return [Violation("state", "must be open here; name a company, or use the search", RuleCode.CHOICE)]
        if filters.updated is not None and filters.created is None:
            rule = "must be open for a time of change; name a company, give since too, or follow the events"
            return [Violation("state", rule, RuleCode.CHOICE)]
    if filters.status in {Status.CANCELLED, Status.REJECTED}:
        return [Violation("status", "is too rare to list for all; name a company, or use the search", RuleCode.CHOICE)]
    return []
