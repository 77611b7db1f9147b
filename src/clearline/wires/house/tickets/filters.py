"""House API v1: the filters and orders of lists of tickets, as the store has them."""

from collections.abc import Callable
from typing import Any, TypeVar

from clearline.accounts import permissions
from clearline.accounts.tiers import usecases as tiers
from clearline.catalogue import usecases as catalogue
from clearline.catalogue.assessment import Priority, Severity
from clearline.errors import InvalidInput, Violation
from clearline.fields import value_usecases as own_values
from clearline.identity import Actor
from clearline.platform.database.transactions import Tx
from clearline.tickets.domain import Status, parse_ticket_number
from clearline.tickets.label_domain import normalize_tags
from clearline.tickets.list_store import Filter, Position
from clearline.tickets.lists.order import RANKS, AnyOrder, Order, OwnOrder, key_in, own_key
from clearline.tickets.status_domain import State, state_of
from clearline.wires.house.parameters import id_in_query, user_in_query
from clearline.wires.house.records import span_of_query
from clearline.wires.house.tickets.filter_wire import Filters
from clearline.wires.house.tickets.wire import TicketSummary
from clearline.wires.http.body import InvalidQuery

Member = TypeVar("Member")


def _members(kind: Callable[[str], Member], text: str | None) -> tuple[Member, ...]:
    return () if text is None else tuple(kind(name) for name in dict.fromkeys(text.split(",")))


async def filter_of(tx: Tx, actor: Actor, query: Filters, *, state: State | None = None) -> Filter:
    """Return the filter of a query; ``state`` is that of a query without one.

    Raises:
        Forbidden: a customer names a tier.
        InvalidQuery: a parameter names no id, or a span of time ends before it begins.
        NotFound: there is no such company for this actor.
    """
    statuses = _members(Status, query.status)
    assignee = None if query.assignee == "none" else query.assignee
    system, _, number = (query.external_id or "").partition(":")
    company = None if query.company is None else await permissions.ticket_company_typed(tx, actor, query.company)
    return Filter(
        state=query.state or state or state_of(statuses),
        company_id=None if company is None else company.id,
        queue_id=id_in_query("queue", query.queue, "must be the id of a queue"),
        assignee_id=user_in_query(actor, "assignee", assignee, "must be me, none or the id of a user"),
        unassigned=query.assignee == "none",
        status=statuses[0] if len(statuses) == 1 else None,
        service_id=query.service,
        created=span_of_query(query.since, query.until),
        updated=span_of_query(query.updated_since, query.updated_until, "updated_until"),
        statuses=statuses if len(statuses) > 1 else (),
        priorities=_members(Priority, query.priority),
        severities=_members(Severity, query.severity),
        issue_types=await catalogue.issue_keys(tx, _members(str, query.issue_type)),
        service_types=await catalogue.service_keys(tx, _members(str, query.service_type)),
        tags=normalize_tags(_members(str, query.tags)),
        sub_statuses=_members(str, query.sub_status),
        tiers=await tiers.tier_keys(tx, actor, _members(str, query.tier)),
        waiting_reasons=_members(str, query.waiting),
        contact=query.contact,
        cc=query.cc,
        external_id=None if query.external_id is None else (system, number),
        case_number=query.case,
        has_file=query.has_file,
        team_id=id_in_query("team", query.team, "must be the id of a team"),
        has_reminder=query.has_reminder,
        reminder=span_of_query(query.reminder_since, query.reminder_until, "reminder_until"),
        watcher_id=user_in_query(actor, "watcher", query.watcher, "must be me or the id of a user"),
        occurred=span_of_query(query.occurred_since, query.occurred_until, "occurred_until"),
        is_chronic=query.chronic,
        **await _own_field(tx, actor, query.field),
    )


async def _own_field(tx: Tx, actor: Actor, text: str | None) -> dict[str, Any]:
    """Return the filters by an own field that a parameter names, ``circuit_ref:BIR-104`` or ``size:10..20``."""
    if text is None:
        return {}
    key, _, value = text.partition(":")
    try:
        return await own_values.list_filter(tx, actor, key, value)
    except InvalidInput as error:
        raise InvalidQuery(
            [Violation("field", violation.rule, violation.code) for violation in error.violations]
        ) from None


_MORE = (
    "team", "watcher", "service_type", "issue_type", "priority", "severity", "tags", "contact", "cc",
    "external_id", "case", "has_file", "has_reminder", "reminder_since", "reminder_until", "occurred_since",
    "occurred_until", "chronic", "sub_status", "waiting", "field",
)  # fmt: skip


def has_more_filters(query: Filters) -> bool:
    """Return whether a list has filters that may make it walk very many tickets for the few that match."""
    return "," in (query.status or "") or any(getattr(query, name) is not None for name in _MORE)


def key_reader(order: AnyOrder) -> Callable[..., Position]:
    """Return the function that makes a position of the sort keys in a cursor."""
    if order is Order.NUMBER:
        return int

    def position(key: object, number: int) -> Position:
        return key_in(order, key), number

    return position


def sort_keys(order: AnyOrder) -> Callable[[TicketSummary], list[Any]]:
    """Return the function that returns the sort keys of a ticket, as values that JSON can represent."""

    def keys(ticket: TicketSummary) -> list[Any]:
        number = parse_ticket_number(ticket.number)
        if isinstance(order, OwnOrder):
            return [own_key(order.field, ticket.fields.get(order.field.key)), number]
        if order is Order.NUMBER:
            return [number]
        if order is Order.PRIORITY:
            return [RANKS[ticket.priority], number]
        time = ticket.occurred_at or ticket.created_at if order is Order.OCCURRED else getattr(ticket, order)
        return [time.isoformat(), number]

    return keys
