"""Stored answers, with which a retried request is answered instead of executed twice."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from clearline.platform.database.transactions import Tx


class KeptAnswer(NamedTuple):
    """The first answer to a request, and the fingerprint of the request."""

    fingerprint: bytes
    status: int
    body: bytes
    location: str | None


async def claim(tx: Tx, api_key_id: UUID, route: str, key: str) -> bool:
    """Lock an idempotency key until the transaction ends; return False when another transaction has the lock.

    An advisory lock, not a row: a process that dies in the middle leaves nothing behind that says "running".
    """
    name = f"idempotency {api_key_id} {route} {key}"
    return bool(await tx.fetchval("select pg_try_advisory_xact_lock(hashtextextended($1, 0))", name))


async def find(
    tx: Tx, company_id: UUID, api_key_id: UUID, route: str, key: str, *, since: datetime
) -> KeptAnswer | None:
    """Return the answer stored under a key at or after ``since``, or None."""
    row = await tx.fetchrow(
        """select fingerprint, status, body, location from idempotency_key
            where company_id = $1 and api_key_id = $2 and route = $3 and key = $4 and created_at >= $5""",
        company_id,
        api_key_id,
        route,
        key,
        since,
    )
    return None if row is None else KeptAnswer(*row)


async def save(
    tx: Tx, company_id: UUID, api_key_id: UUID, route: str, key: str, answer: KeptAnswer, *, now: datetime
) -> None:
    """Store an answer; it replaces one that is too old to count."""
    await tx.write(
        """insert into idempotency_key
                  (company_id, api_key_id, route, key, fingerprint, status, body, created_at, location)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
           on conflict (company_id, api_key_id, route, key) do update
              set fingerprint = excluded.fingerprint, status = excluded.status, body = excluded.body,
                  created_at = excluded.created_at, location = excluded.location""",
        company_id,
        api_key_id,
        route,
        key,
        answer.fingerprint,
        answer.status,
        answer.body,
        now,
        answer.location,
    )


async def purge(tx: Tx, *, before: datetime, limit: int) -> int:
    """Delete at most ``limit`` answers stored before a time; return how many. Served by ``idempotency_key_age``."""
    row = await tx.write(
        """with deleted as (
               delete from idempotency_key where ctid = any(array(
                   select ctid from idempotency_key where created_at < $1 limit $2 for update skip locked))
               returning 1)
           select count(*) from deleted""",
        before,
        limit,
    )
    return 0 if row is None else int(row[0])
