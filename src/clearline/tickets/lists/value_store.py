"""The walks of the values of own fields, ``ticket_field``, for lists that filter or sort by them."""

from collections.abc import Callable, Sequence

from clearline.tickets.lists.order import OwnKind

_TICKETS = """cross join lateral (
        select * from ticket where company_id = found.company_id and number = found.ticket_number offset 0) ticket"""
_COLUMNS = {OwnKind.NUMBER: "number", OwnKind.TEXT: "value"}
_EDGES = {OwnKind.NUMBER: "$2::double precision", OwnKind.TEXT: "left(lower($2::text), 200)"}


def key(kind: OwnKind) -> str:
    """Return the column of the sort key."""
    return _COLUMNS[kind]


def edge(kind: OwnKind, place: str) -> str:
    """Return a sort key that a statement binds, as the column has it."""
    return _EDGES[kind].replace("$2", place)


def _by_number(condition: str, *, company: str | None, state: str, past: list[str], direction: str) -> str:
    """Return the statement that reads the tickets whose values meet a condition in the order of their numbers."""
    of_company = "" if company is None else f" and company_id = {company}"
    is_open = " and is_open" if state == "open" else ""
    return f"""select ticket.*, ticket.number as sort_key from (select company_id, ticket_number from ticket_field
        where {condition}{of_company}{is_open} and {" and ".join(past)}
        order by ticket_number {direction} offset 0) found {_TICKETS}"""


def with_value(field: str, value: str, *, company: str | None, state: str, past: list[str], direction: str) -> str:
    """Return the statement that reads the tickets with a value of an own field in the order of their numbers.

    It walks ``ticket_field_open``, ``ticket_field_value`` or, of a company, ``ticket_field_company``.
    """
    condition = f"field_id = {field} and value = left(lower({value}), 200)"
    return _by_number(condition, company=company, state=state, past=past, direction=direction)


def within_span(
    field: str, least: str, below: str, *, company: str | None, state: str, past: list[str], direction: str
) -> str:
    """Return the statement that reads the tickets with a number of a span in the order of their numbers.

    It reads the span from ``ticket_field_number`` or, of a company, ``ticket_field_company_number``, and sorts it: a
    walk of the tickets that looks for the few in a narrow span would read them all. These indexes hold open tickets.
    """
    condition = f"field_id = {field} and number >= {least} and number < {below} and number is not null"
    return _by_number(condition, company=company, state=state, past=past, direction=direction)


READS: dict[tuple[str, ...], Callable[..., str]] = {("own_field",): with_value, ("own_number",): within_span}
"""What reads the tickets with a value of an own field by their numbers, by the filter that a list goes by."""


def in_order(kind: OwnKind, field: str, scope: Sequence[str], *, past: str, direction: str) -> str:
    """Return the statement that reads the open tickets with a value of an own field in the order of the values.

    ``scope`` is the condition on their company, queue or assignee, if any. It walks ``ticket_field_number`` or
    ``ticket_field_open`` and of these ``ticket_field_company_number``, ``ticket_field_queue_open`` and so on. The limit
    is none: the planner takes it for a tenth of the rows. Without it, it plans for all, as they are joined with their
    tickets, and may sort them.
    """
    column = _COLUMNS[kind]
    conditions = [f"field_id = {field}", *scope, "is_open", f"number is {'not ' * (kind is OwnKind.NUMBER)}null"]
    return f"""select ticket.*, found.sort_key from (
        select company_id, ticket_number, {column} as sort_key from ticket_field
         where {" and ".join(conditions)} and ({column}, ticket_number) {past} ({_EDGES[kind]}, $3)
         order by {column} {direction}, ticket_number {direction}
         limit (select null::bigint)) found {_TICKETS}"""
