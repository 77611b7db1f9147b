"""Queues, and the counts of their tickets."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from clearline.identity import PROVIDER_ID, Role
from clearline.platform.database.transactions import Record, Tx
from clearline.queues.domain import Assignment, Queue


class QueueDetails(NamedTuple):
    """A queue with its team's name, and its number of open tickets.

    ``unassigned`` are those without an assignee; ``unreachable`` those whose assignee gets no mail: inactive, a viewer,
    or with a suppressed address.
    """

    queue: Queue
    team_name: str | None
    open: int
    unassigned: int
    unreachable: int


COLUMNS = """q.id, q.name, q.description, q.team_id, q.assignment, q.last_assignee_id, q.created_at,
             q.sender_name, q.sender_address"""

_ASSIGNMENT = {str(member): member for member in Assignment}


def queue_of(row: Record) -> Queue:
    """Return the queue in a row that begins with ``COLUMNS``."""
    return Queue(row[0], row[1], row[2], row[3], _ASSIGNMENT[row[4]], *row[5:9])


async def get(tx: Tx, queue_id: UUID) -> Queue | None:
    """Return a queue, or None. Served by the primary key."""
    row = await tx.fetchrow(f"select {COLUMNS} from queue q where q.id = $1", queue_id)
    return None if row is None else queue_of(row)


async def find(tx: Tx, name: str) -> Queue | None:
    """Return the queue of this name, in any case, or None. Served by ``queue_name``."""
    row = await tx.fetchrow(f"select {COLUMNS} from queue q where lower(q.name) = lower($1)", name)
    return None if row is None else queue_of(row)


async def sends_from(tx: Tx, address: str) -> bool:
    """Return whether an address, in lower case, is the sender of a queue. Queues are few: all are read."""
    is_sender: bool = await tx.fetchval("select exists (select from queue where lower(sender_address) = $1)", address)
    return is_sender


async def of_team(tx: Tx, team_id: UUID) -> list[UUID]:
    """Return the ids of the queues of a team, in no order. Queues are few: all are read."""
    return [row[0] for row in await tx.fetch("select id from queue where team_id = $1", team_id)]


async def lock_turn(tx: Tx, queue_id: UUID) -> Queue | None:
    """Lock the turns of a queue until the transaction ends; return it, or None. Tickets may still be added to it."""
    row = await tx.fetchrow(f"select {COLUMNS} from queue q where q.id = $1 for no key update", queue_id)
    return None if row is None else queue_of(row)


async def lock(tx: Tx, queue_id: UUID) -> Queue | None:
    """Lock a queue until the transaction ends: no ticket can be added to it. Return it, or None."""
    row = await tx.fetchrow(f"select {COLUMNS} from queue q where q.id = $1 for update", queue_id)
    return None if row is None else queue_of(row)


_UNREACHABLE = f"""
    select u.id from app_user u
     where u.company_id = '{PROVIDER_ID}'
       and (not u.is_active or u.role = '{Role.VIEWER}'
            or lower(u.email) in (select address from mail_suppression))"""
"""The provider's people who work no tickets, or get no mail. Read once for a statement."""

_DETAILS = """
    select {columns}, team.name, waiting.all, waiting.unassigned, waiting.unreachable
      from queue q
      left join team on team.id = q.team_id
     cross join lateral (select count(*) as all, count(*) filter (where t.assignee_id is null) as unassigned,
                                count(*) filter (where t.assignee_id in ({unreachable})) as unreachable
                           from ticket t where t.queue_id = q.id and t.is_open {counted}) waiting"""
_OF_ALL = _DETAILS.format(columns=COLUMNS, unreachable=_UNREACHABLE, counted="")
_OF_SOME = _DETAILS.format(columns=COLUMNS, unreachable=_UNREACHABLE, counted="and t.company_id = any($1)")


def _details(row: Record) -> QueueDetails:
    return QueueDetails(queue_of(row), *row[9:13])


async def details(tx: Tx, queue_id: UUID, *, companies: Sequence[UUID] | None = None) -> QueueDetails | None:
    """Return a queue with its counts, or None. Served by the primary key and ``ticket_open_by_queue``.

    With ``companies`` only their tickets are counted.
    """
    if companies is None:
        row = await tx.fetchrow(f"{_OF_ALL} where q.id = $1", queue_id)
    else:
        row = await tx.fetchrow(f"{_OF_SOME} where q.id = $2", companies, queue_id)
    return None if row is None else _details(row)


_PAGE = "{} where lower(q.name) > lower(${}) order by lower(q.name) limit ${}"
PAGE = _PAGE.format(_OF_ALL, 1, 2)
PAGE_OF_SOME = _PAGE.format(_OF_SOME, 2, 3)


async def page(tx: Tx, *, after: str | None, limit: int, companies: Sequence[UUID] | None = None) -> list[QueueDetails]:
    """Return the queues after the name ``after``, by name, with their counts. Served by ``queue_name``.

    Tickets are counted in ``ticket_open_by_queue``: open tickets are read, finished ones are not. With ``companies``
    only their tickets are counted.
    """
    if companies is None:
        rows = await tx.fetch(PAGE, after or "", limit)
    else:
        rows = await tx.fetch(PAGE_OF_SOME, companies, after or "", limit)
    return [_details(row) for row in rows]


NAMED = f"""
    select {COLUMNS}, exists (select from team_member m where m.team_id = q.team_id and m.user_id = $1)
      from queue q order by lower(q.name) limit $2"""


async def named_for(tx: Tx, user_id: UUID | None, *, limit: int) -> list[tuple[Queue, bool]]:
    """Return the queues by name, each with whether a team of the user has it. Served by ``queue_name``."""
    return [(queue_of(row), row[9]) for row in await tx.fetch(NAMED, user_id, limit)]


async def lock_setup(tx: Tx) -> None:
    """Lock teams, queues, rules and macros against changes by others until the transaction ends."""
    await tx.fetchval("select pg_advisory_xact_lock(hashtextextended('desk setup', 0))")


async def save(tx: Tx, queue: Queue) -> bool:
    """Store a queue, new or changed; False when another queue has its name, in any case. The caller locks the setup."""
    row = await tx.write(
        """insert into queue (id, name, description, team_id, assignment, created_at, sender_name, sender_address)
           select $1, $2, $3, $4, $5, $6, $7, $8
            where not exists (select from queue where lower(name) = lower($2) and id <> $1)
           on conflict (id) do update set name = $2, description = $3, team_id = $4, assignment = $5, sender_name = $7,
                                          sender_address = $8 returning id""",
        queue.id,
        queue.name,
        queue.description,
        queue.team_id,
        queue.assignment,
        queue.created_at,
        queue.sender_name,
        queue.sender_address,
    )
    return row is not None


async def save_turn(tx: Tx, queue_id: UUID, user_id: UUID) -> None:
    """Store who got the last ticket by round robin."""
    await tx.write("update queue set last_assignee_id = $2 where id = $1", queue_id, user_id)


async def has_tickets(tx: Tx, queue_id: UUID) -> bool:
    """Return whether any ticket, open or finished, is in a queue.

    No index serves finished tickets: this is for deletions, which are rare.
    """
    has_any: bool = await tx.fetchval("select exists (select from ticket where queue_id = $1)", queue_id)
    return has_any


async def rules_into(tx: Tx, queue_id: UUID) -> list[str]:
    """Return the names of the routing rules that choose a queue, in their order."""
    rows = await tx.fetch("select name from routing_rule where queue_id = $1 order by position, id", queue_id)
    return [row[0] for row in rows]


async def delete(tx: Tx, queue_id: UUID) -> None:
    """Delete a queue that no ticket and no rule refers to."""
    await tx.write("delete from queue where id = $1", queue_id)
