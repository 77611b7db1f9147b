"""The audit: events of all kinds, newest first. A list is one statement, which walks one index."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import chain, product
from typing import Literal, NamedTuple
from uuid import UUID

from clearline.events.consumer import CONSUMERS
from clearline.events.event_types import EventType, Visibility
from clearline.events.store import COLUMNS, Event, event_of
from clearline.events.type_table import EVENT_TYPES, types_with
from clearline.platform.database.transactions import Tx

AuditPosition = tuple[datetime, int, int]
"""The last event of the page before: its time, its id and its transaction."""

AFTER_ALL: AuditPosition = (datetime(9999, 12, 31, tzinfo=UTC), 2**63 - 1, 2**63 - 1)
BEFORE_ALL = datetime(1, 1, 1, tzinfo=UTC)


class AuditFilter(NamedTuple):
    """Which events. A condition that is None is not checked.

    ``type`` is exact, or a prefix when it ends with a dot. ``since`` is inclusive, ``until`` exclusive. A ticket needs
    its company. ``only_records`` leaves out the events of tickets, ``for_customers`` what only the provider may see.
    """

    since: datetime | None = None
    until: datetime | None = None
    type: str | None = None
    company_id: UUID | None = None
    actor_id: UUID | None = None
    ticket_number: int | None = None
    only_records: bool = False
    for_customers: bool = False


_BETWEEN = "at >= $2 and at < $3"

Scan = Literal["everything", "records", "of_company", "records_of_company", "of_ticket"]
_SCANS: dict[Scan, tuple[str, str]] = {
    "everything": (f"(at, id) < ($5, $4) and {_BETWEEN}", "at desc, id desc"),
    "records": (f"(at, id) < ($5, $4) and {_BETWEEN} and ticket_number is null", "at desc, id desc"),
    "of_company": (
        "company_id = $5 and (company_id, xid, id) < ($5, $6::text::xid8, $4)",
        "event.xid desc, event.id desc",
    ),
    "records_of_company": ("company_id = $5 and ticket_number is null and id < $4", "id desc"),
    "of_ticket": ("company_id = $5 and ticket_number = $6 and id < $4", "id desc"),
}
"""The range of an index, and its order. Each binds the limit, the times and the last id, and then values of its own.

That of a company names it twice: from ``(xid, id)`` alone PostgreSQL expects few events, for whose sake it would walk
the log of all companies.
"""

_FILTERS = {
    "type": "type = {}",
    "prefix": "starts_with(type, {})",
    "actor_id": "actor_id = {}",
    "for_customers": """(type = any({})
        or (type = any({}) and data->>'visibility' = 'public')
        or (type = any({})
            and exists (select from jsonb_array_elements(data->'changes') c where c->>'field' = any({}))))""",
}
"""The conditions that no index serves together with the order, with room for their values.

The last has the events of which ``visible_data`` returns something to a company's admin.
"""

_FOR_CUSTOMERS = (
    [*types_with(Visibility.ALWAYS), *types_with(Visibility.COMPANY_ADMINS)],
    types_with(Visibility.WHEN_PUBLIC),
    types_with(Visibility.SOME_FIELDS),
    sorted(EVENT_TYPES[EventType.TICKET_CHANGED].visible_fields),
)


def _statement(scan: Scan, names: Sequence[str]) -> str:
    """Return the statement of a list with these filters and no others.

    They are one case: PostgreSQL expects that to be true of every second event. From the conditions it would expect
    next to none to pass, and sort a whole company's events rather than scan an index for long. The times are among
    them where they are not a range of the index.
    """
    walked, order = _SCANS[scan]
    checked = [] if _BETWEEN in walked else [_BETWEEN]
    place = 6 if "$6" in walked else 5
    for name in names:
        count = _FILTERS[name].count("{}")
        checked.append(_FILTERS[name].format(*(f"${place + offset}" for offset in range(1, count + 1))))
        place += count
    case = f" and case when {' and '.join(checked)} then true end" if checked else ""
    return f"select {COLUMNS} from event where {walked}{case} order by {order} limit $1"


LISTS = {
    (scan, (*types, *actors, *customers)): _statement(scan, (*types, *actors, *customers))
    for scan, types, actors, customers in product(
        _SCANS, ((), ("type",), ("prefix",)), ((), ("actor_id",)), ((), ("for_customers",))
    )
}
"""The statements, by the index that they walk and the names of the filters."""


def _scan(filters: AuditFilter, after: AuditPosition) -> tuple[Scan, tuple[object, ...]]:
    """Return the scan that reads the fewest events, and the values that it binds."""
    at, _event_id, xid = after
    if filters.ticket_number is not None:
        return "of_ticket", (filters.company_id, filters.ticket_number)
    if filters.company_id is None:
        return "records" if filters.only_records else "everything", (at,)
    if filters.only_records:
        return "records_of_company", (filters.company_id,)
    return "of_company", (filters.company_id, str(xid))


def query(
    filters: AuditFilter, after: AuditPosition | None, limit: int
) -> tuple[tuple[Scan, tuple[str, ...]], tuple[object, ...]]:
    """Return the key of a list in ``LISTS``, and the values that its statement binds."""
    position = after or AFTER_ALL
    scan, walked = _scan(filters, position)
    conditions: dict[str, tuple[object, ...]] = {}
    if filters.type is not None:
        conditions["prefix" if filters.type.endswith(".") else "type"] = (filters.type,)
    if filters.actor_id is not None:
        conditions["actor_id"] = (filters.actor_id,)
    if filters.for_customers:
        conditions["for_customers"] = _FOR_CUSTOMERS
    times = filters.since or BEFORE_ALL, filters.until or AFTER_ALL[0]
    return (scan, tuple(conditions)), (limit, *times, position[1], *walked, *chain.from_iterable(conditions.values()))


async def page(tx: Tx, filters: AuditFilter, after: AuditPosition | None, limit: int) -> list[Event]:
    """Return events, newest first, after an event.

    Those of a ticket are served by ``event_by_ticket``, those of a company by the primary key (in the order of the log)
    or ``event_of_company_records``, others by ``event_of_records`` or ``event_by_time``.
    """
    key, values = query(filters, after, limit)
    return [event_of(row) for row in await tx.fetch(LISTS[key], *values)]


async def purge(tx: Tx, *, before: datetime, limit: int) -> int:
    """Delete at most ``limit`` events from before a time that are about no ticket; return how many.

    None that a consumer has not handled, nor its last one. Served by ``event_of_records``.
    """
    row = await tx.write(
        """with handled as (
               select min(coalesce(c.xid, '0'::xid8)) xid
                 from unnest($3::text[]) n (name) left join consumer c using (name)
           ), deleted as (
               delete from event e using (
                   select company_id, id from event
                    where ticket_number is null and at < $1 and xid < (select xid from handled)
                    order by at, id limit $2) old
                where e.company_id = old.company_id and e.id = old.id
               returning 1)
           select count(*) from deleted""",
        before,
        limit,
        CONSUMERS,
    )
    return 0 if row is None else int(row[0])
