"""Read the tickets of a service, and mark those that are chronic."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from clearline.platform.database.transactions import Tx
from clearline.tickets.chronic.domain import READ_MAX, UNCOUNTED, ServiceTicket
from clearline.tickets.columns import next_version
from clearline.tickets.domain import Status

_UNCOUNTED = ", ".join(f"'{status}'" for status in UNCOUNTED)

COUNTED = f"""
    select number, title, status, created_at, is_open, is_chronic, queue_id
      from (select * from ticket where company_id = $1 and service_id = $2 and number <= $3
             order by number desc limit {READ_MAX}) t
     where service_type = $4 and created_at >= $5 and created_at <= $6 and status not in ({_UNCOUNTED})
       and issue_type <> all($7::text[])
       and not exists (select from ticket_merge m where m.company_id = $1 and m.ticket_number = t.number)
     order by number
    """


async def counted(
    tx: Tx,
    company_id: UUID,
    service_id: str,
    service_type: str,
    *,
    up_to: int,
    since: datetime,
    until: datetime,
    but: Sequence[str] = (),
) -> list[ServiceTicket]:
    """Return the tickets of a service up to a number that count, raised in a span of time, oldest first.

    Those with the types of issues in ``but`` do not.

    Served by ``ticket_by_service``: of a service, the newest tickets are read and no others.
    """
    rows = await tx.fetch(COUNTED, company_id, service_id, up_to, service_type, since, until, [*but])
    return [ServiceTicket(row[0], row[1], Status(row[2]), *row[3:7]) for row in rows]


async def mark(tx: Tx, company_id: UUID, numbers: Sequence[int], *, now: datetime) -> list[int]:
    """Mark the open ones of these tickets as chronic, and return those that were not. They stay locked.

    They are locked in the order of their numbers, as other transactions do. Served by the primary key.
    """
    rows = await tx.fetch(
        """select number from ticket where company_id = $1 and number = any($2::bigint[]) and is_open and not is_chronic
            order by number for update""",
        company_id,
        numbers,
    )
    marked = [row[0] for row in rows]
    if marked:
        await tx.write(
            f"""update ticket set is_chronic = true, {next_version("$3", visible="false")}
                 where company_id = $1 and number = any($2::bigint[])""",
            company_id,
            marked,
            now,
        )
    return marked
