"""Mail that its recipients stopped."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from clearline.identity import Company
from clearline.mail.outbound.opt_out_domain import OptOut, StoredOptOut
from clearline.platform.database.transactions import Record, Tx

_STORED = """select o.id, o.company_id, (select name from company where id = o.company_id),
           (select code from company where id = o.company_id), o.recipient, o.topic, o.created_at
      from mail_opt_out o"""
"""Without a join, so that a page is read along its index and not sorted."""


def _stored(row: Record) -> StoredOptOut:
    return StoredOptOut(row[0], Company(row[1], row[2], row[3]), row[4], row[5], row[6])


async def exists(tx: Tx, opt_out: OptOut) -> bool:
    """Return whether the mail was stopped. Served by the primary key."""
    stopped = await tx.fetchval(
        """select exists (select from mail_opt_out where company_id = $1 and recipient = lower($2) and topic = $3)""",
        opt_out.company_id,
        opt_out.recipient,
        opt_out.topic,
    )
    return stopped is True


async def add(tx: Tx, opt_out: OptOut, *, now: datetime) -> UUID | None:
    """Store that the mail is stopped, and return the id; None when it already is, or there is no such company."""
    row = await tx.write(
        """insert into mail_opt_out (company_id, recipient, topic, created_at)
           select id, lower($2), $3, $4 from company where id = $1
           on conflict do nothing returning id""",
        opt_out.company_id,
        opt_out.recipient,
        opt_out.topic,
        now,
    )
    return None if row is None else row[0]


async def delete(tx: Tx, opt_out: OptOut) -> UUID | None:
    """Store that the mail is sent again, and return the id of the opt-out; None when it was not stopped."""
    row = await tx.write(
        "delete from mail_opt_out where company_id = $1 and recipient = lower($2) and topic = $3 returning id",
        opt_out.company_id,
        opt_out.recipient,
        opt_out.topic,
    )
    return None if row is None else row[0]


_AFTER_ALL = (datetime.max.replace(tzinfo=UTC), UUID(int=2**128 - 1))
"""The key before the newest opt-out of a list."""

PAGE = f"""{_STORED}
    where (o.created_at, o.id) < ($1, $2)
    order by o.created_at desc, o.id desc limit $3"""
PAGE_OF_RECIPIENT = f"""{_STORED}
    where o.recipient = lower($4) and (o.created_at, o.id) < ($1, $2)
    order by o.created_at desc, o.id desc limit $3"""


async def page(
    tx: Tx, *, recipient: str | None, before: tuple[datetime, UUID] | None, limit: int
) -> Sequence[StoredOptOut]:
    """Return opt-outs, newest first, after the given key; of one recipient, in any case, or of all.

    Served by ``mail_opt_out_newest`` or ``mail_opt_out_of_recipient``.
    """
    key = before or _AFTER_ALL
    if recipient is None:
        rows = await tx.fetch(PAGE, *key, limit)
    else:
        rows = await tx.fetch(PAGE_OF_RECIPIENT, *key, limit, recipient)
    return [_stored(row) for row in rows]


async def ids_between(tx: Tx, low: UUID, high: UUID, *, limit: int) -> list[UUID]:
    """Return the ids of opt-outs between two, both included. Served by ``mail_opt_out_by_id``."""
    rows = await tx.fetch(
        "select id from mail_opt_out where id between $1 and $2 order by id limit $3", low, high, limit
    )
    return [row[0] for row in rows]


async def get(tx: Tx, opt_out_id: UUID) -> StoredOptOut | None:
    """Return an opt-out, or None. Served by ``mail_opt_out_by_id``."""
    row = await tx.fetchrow(f"{_STORED} where o.id = $1", opt_out_id)
    return None if row is None else _stored(row)
