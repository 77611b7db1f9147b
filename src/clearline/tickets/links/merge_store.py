"""Merges, and the tickets that show what was merged into them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from msgspec.structs import astuple

from clearline.platform.database.transactions import Tx
from clearline.tickets.columns import next_version
from clearline.tickets.domain import MERGE_DEPTH_MAX, Status, Waiting
from clearline.tickets.links.domain import Merge
from clearline.tickets.links.store import FAMILY
from clearline.tickets.lists.many_store import Key, keys_apart

_read_waiting = msgspec.json.Decoder(Waiting).decode
_CHAIN = """
    with recursive chain (company_id, number, depth) as (
        select company_id, number, 0 from unnest($1::uuid[], $2::bigint[]) key (company_id, number)
        union all
        select c.company_id, m.into_number, c.depth + 1
          from chain c join ticket_merge m on m.company_id = c.company_id and m.ticket_number = c.number
         where c.depth < $3
    ), target as (
        select company_id, number from chain where depth > 0
        except
        select company_id, number from chain where depth = 0
    )"""
"""The tickets that some tickets were merged into, directly or through up to ``$3`` merges, without themselves."""


async def insert(tx: Tx, merge: Merge) -> None:
    """Store a merge, and increment the version of the target. Both tickets must be locked."""
    await tx.write(
        f"""with added as (
                insert into ticket_merge (company_id, ticket_number, into_number, status_before, merged_at,
                                          sub_status_before, waiting_before)
                values ($1, $2, $3, $4, $5, $6, $7::text::jsonb)
            )
            update ticket set {next_version("$5")}, has_merged = true where company_id = $1 and number = $3""",
        *astuple(merge)[:-1],
        None if merge.waiting_before is None else msgspec.json.encode(merge.waiting_before).decode(),
    )


async def get(tx: Tx, company_id: UUID, number: int) -> Merge | None:
    """Return the merge of a ticket, or None when it is not merged. Served by the primary key."""
    row = await tx.fetchrow(
        """select into_number, status_before, merged_at, sub_status_before, waiting_before::text from ticket_merge
            where company_id = $1 and ticket_number = $2""",
        company_id,
        number,
    )
    if row is None:
        return None
    waiting = None if row[4] is None else _read_waiting(row[4])
    return Merge(company_id, number, row[0], Status(row[1]), row[2], row[3], waiting)


async def delete(tx: Tx, merge: Merge, *, now: datetime) -> bool:
    """Delete a merge, and increment the version of the target; return False if the merge no longer exists.

    Both tickets must be locked.
    """
    row = await tx.write(
        f"""with deleted as (
                delete from ticket_merge where company_id = $1 and ticket_number = $2 and into_number = $3
                   and merged_at = $4 returning into_number
            )
            update ticket t set {next_version("$5")} from deleted
             where t.company_id = $1 and t.number = deleted.into_number returning t.number""",
        merge.company_id,
        merge.number,
        merge.into,
        merge.merged_at,
        now,
    )
    return row is not None


_DEPTH = f"{FAMILY} select max(depth) from family"


async def depth_below(tx: Tx, company_id: UUID, number: int) -> int:
    """Return the length of the longest chain of merges that ends in a ticket."""
    depth: int = await tx.fetchval(_DEPTH, company_id, number, MERGE_DEPTH_MAX)
    return depth


_TARGETS = f"{_CHAIN} select company_id, number from target order by number"


async def targets(tx: Tx, keys: Sequence[Key]) -> list[Key]:
    """Return what some tickets were merged into, directly or through other merges, without themselves; by number.

    Served by the primary key of ticket_merge.
    """
    rows = await tx.fetch(_TARGETS, *keys_apart(keys), MERGE_DEPTH_MAX)
    return [(row[0], row[1]) for row in rows]


TOUCH_TARGETS = f"""{_CHAIN}
    update ticket t set {next_version("$4", visible="$5::boolean")} from target
     where t.company_id = target.company_id and t.number = target.number
    """


async def touch_targets(tx: Tx, keys: Sequence[Key], *, is_visible: bool, now: datetime) -> None:
    """Increment the versions of what some tickets were merged into, which shows a change of theirs; see ``targets``.

    ``is_visible`` is whether the customer sees the change. All these tickets must be locked.
    """
    await tx.write(TOUCH_TARGETS, *keys_apart(keys), MERGE_DEPTH_MAX, now, is_visible)
