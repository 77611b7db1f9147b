"""The audit: events of all kinds, newest first.

Every function is one statement, a scan down one index; conditions that the index does not know are checked on the way.
"""

from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from clearline.events.event_types import EVENT_TYPES, EventType, Visibility, types_with
from clearline.events.store import Event, event_of
from clearline.platform.database.transactions import Tx

AuditPosition = tuple[datetime, int, int]
"""The last event of the page before: its time, its id and its transaction."""

AFTER_ALL: AuditPosition = (datetime(9999, 12, 31, tzinfo=UTC), 2**63 - 1, 2**63 - 1)


class AuditFilter(NamedTuple):
    """Which events. A condition that is None is not checked.

    ``type`` is exact, or a prefix when it ends with a dot. ``since`` is inclusive, ``until`` exclusive.
    ``for_customers`` leaves out what only the provider may see.
    """

    since: datetime | None = None
    until: datetime | None = None
    type: str | None = None
    company_id: UUID | None = None
    actor_id: UUID | None = None
    for_customers: bool = False


_COLUMNS = "xid::text::bigint, id, company_id, at, type, ticket_number, note_number, actor_id, actor_name, data"

_VISIBLE = """(not $8 or type = any($9)
    or (type = any($10) and data->>'visibility' = 'public')
    or (type = any($11)
        and exists (select from jsonb_array_elements(data->'changes') c where c->>'field' = any($12))))"""
"""The events of which ``visible_data`` returns something to a company's admin."""

_ALWAYS = [*types_with(Visibility.ALWAYS), *types_with(Visibility.COMPANY_ADMINS)]
_WHEN_PUBLIC = types_with(Visibility.WHEN_PUBLIC)
_SOME_FIELDS = types_with(Visibility.SOME_FIELDS)
_FIELDS = sorted(EVENT_TYPES[EventType.TICKET_CHANGED].visible_fields)

# One case: PostgreSQL expects it to be true of every second event. From its parts it would expect next to none to pass,
# and sort a whole company's events rather than scan an index for long.
_FILTERS = f"""case when ($5::text is null or type = $5 or (right($5, 1) = '.' and starts_with(type, $5)))
    and ($6::uuid is null or company_id = $6) and ($7::uuid is null or actor_id = $7) and {_VISIBLE}
    then true end"""

_BY_TIME = f"""select {_COLUMNS} from event where (at, id) < ($1, $2)
       and at >= coalesce($3::timestamptz, '-infinity') and at < coalesce($4::timestamptz, 'infinity')
       and {_FILTERS} {{only}}
     order by at desc, id desc limit $13"""

# All statements bind the same values; the scans by id do not use the first. Their times are not a range of an index: a
# generic plan would take that for a narrow range, and sort.
_BY_ID = f"""select {_COLUMNS} from event where $1::timestamptz is not null and {{before}}
       and case when at >= coalesce($3::timestamptz, '-infinity') and at < coalesce($4::timestamptz, 'infinity')
           then true end
       and {_FILTERS} {{only}}
     order by {{order}} limit $13"""
_ID: dict[str, str] = {"before": "id < $2", "order": "id desc"}

EVERYTHING = _BY_TIME.format(only="")
RECORDS = _BY_TIME.format(only="and ticket_number is null")
OF_COMPANY = _BY_ID.format(
    before="(xid, id) < ($14::text::xid8, $2)", only="and company_id = $6", order="event.xid desc, event.id desc"
)
RECORDS_OF_COMPANY = _BY_ID.format(**_ID, only="and company_id = $6 and ticket_number is null")
OF_TICKET = _BY_ID.format(**_ID, only="and company_id = $6 and ticket_number = $14")


def values(wanted: AuditFilter, after: AuditPosition | None, limit: int) -> tuple[object, ...]:
    """Return the values that every statement binds."""
    return (
        *(after or AFTER_ALL)[:2],
        wanted.since,
        wanted.until,
        wanted.type,
        wanted.company_id,
        wanted.actor_id,
        wanted.for_customers,
        _ALWAYS,
        _WHEN_PUBLIC,
        _SOME_FIELDS,
        _FIELDS,
        limit,
    )


async def everything(tx: Tx, wanted: AuditFilter, after: AuditPosition | None, limit: int) -> list[Event]:
    """Return events of all companies, by time. Served by ``event_by_time``."""
    return [event_of(row) for row in await tx.fetch(EVERYTHING, *values(wanted, after, limit))]


async def records(tx: Tx, wanted: AuditFilter, after: AuditPosition | None, limit: int) -> list[Event]:
    """Return events of all companies about other records than tickets, by time. Served by ``event_of_records``."""
    return [event_of(row) for row in await tx.fetch(RECORDS, *values(wanted, after, limit))]


async def of_company(tx: Tx, wanted: AuditFilter, after: AuditPosition | None, limit: int) -> list[Event]:
    """Return events of one company, by offset. Served by the primary key."""
    xid = str((after or AFTER_ALL)[2])
    return [event_of(row) for row in await tx.fetch(OF_COMPANY, *values(wanted, after, limit), xid)]


async def records_of_company(tx: Tx, wanted: AuditFilter, after: AuditPosition | None, limit: int) -> list[Event]:
    """Return events of one company about other records than tickets, by id. Served by ``event_of_company_records``."""
    return [event_of(row) for row in await tx.fetch(RECORDS_OF_COMPANY, *values(wanted, after, limit))]


async def of_ticket(tx: Tx, wanted: AuditFilter, number: int, after: AuditPosition | None, limit: int) -> list[Event]:
    """Return events of one ticket of the company, by id. Served by ``event_by_ticket``."""
    return [event_of(row) for row in await tx.fetch(OF_TICKET, *values(wanted, after, limit), number)]
