"""What happened to everything, newest first.

Every function is one statement, a walk down one index; the filters that the index does not know are checked on the way.
"""

from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from clearline.events.event_types import EVENT_TYPES, EventType, Visibility, types_with
from clearline.events.store import Event, event_of
from clearline.platform.database.transactions import Tx

Place = tuple[datetime, int, int]
"""Where a page goes on: the time, the id and the transaction of the last event of the page before."""

AFTER_ALL: Place = (datetime(9999, 12, 31, tzinfo=UTC), 2**63 - 1, 2**63 - 1)


class Wanted(NamedTuple):
    """Which events; what is None does not matter.

    ``type`` is exact, or ends with a dot and is a beginning. ``since`` is included, ``until`` is not.
    ``for_customers`` leaves out what only the provider may know.
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
"""What ``visible_data`` returns something of to a company's admin."""

_ALWAYS = [*types_with(Visibility.ALWAYS), *types_with(Visibility.COMPANY_ADMINS)]
_WHEN_PUBLIC = types_with(Visibility.WHEN_PUBLIC)
_SOME_FIELDS = types_with(Visibility.SOME_FIELDS)
_FIELDS = sorted(EVENT_TYPES[EventType.TICKET_CHANGED].visible_fields)

# One case: PostgreSQL takes it for true of every second event. By its parts it would expect next to none to pass, and
# rather sort a whole company's events than walk down an index for long.
_FILTERS = f"""case when ($5::text is null or type = $5 or (right($5, 1) = '.' and starts_with(type, $5)))
    and ($6::uuid is null or company_id = $6) and ($7::uuid is null or actor_id = $7) and {_VISIBLE}
    then true end"""

_BY_TIME = f"""select {_COLUMNS} from event where (at, id) < ($1, $2)
       and at >= coalesce($3::timestamptz, '-infinity') and at < coalesce($4::timestamptz, 'infinity')
       and {_FILTERS} {{only}}
     order by at desc, id desc limit $13"""

# All statements bind the same values; the walks by id have no use for the first. Their times are no range of an index,
# which the plan that serves any values would take for a narrow one and sort.
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


def values(wanted: Wanted, after: Place | None, limit: int) -> tuple[object, ...]:
    """What all statements bind."""
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


async def everything(tx: Tx, wanted: Wanted, after: Place | None, limit: int) -> list[Event]:
    """Events of all companies, by time. Served by ``event_by_time``."""
    return [event_of(row) for row in await tx.fetch(EVERYTHING, *values(wanted, after, limit))]


async def records(tx: Tx, wanted: Wanted, after: Place | None, limit: int) -> list[Event]:
    """Events about what is no ticket, of all companies, by time. Served by ``event_of_records``."""
    return [event_of(row) for row in await tx.fetch(RECORDS, *values(wanted, after, limit))]


async def of_company(tx: Tx, wanted: Wanted, after: Place | None, limit: int) -> list[Event]:
    """Events of one company, the last in the log first. Served by the primary key."""
    xid = str((after or AFTER_ALL)[2])
    return [event_of(row) for row in await tx.fetch(OF_COMPANY, *values(wanted, after, limit), xid)]


async def records_of_company(tx: Tx, wanted: Wanted, after: Place | None, limit: int) -> list[Event]:
    """Events about what is no ticket, of one company, the last stored first. Served by ``event_of_company_records``."""
    return [event_of(row) for row in await tx.fetch(RECORDS_OF_COMPANY, *values(wanted, after, limit))]


async def of_ticket(tx: Tx, wanted: Wanted, number: int, after: Place | None, limit: int) -> list[Event]:
    """What happened to a ticket of the company, the last stored first. Served by ``event_by_ticket``."""
    return [event_of(row) for row in await tx.fetch(OF_TICKET, *values(wanted, after, limit), number)]
