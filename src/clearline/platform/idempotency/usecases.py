"""Retries: a request that carries an Idempotency-Key is carried out once, and its answer is given again.

Follows the IETF draft "The Idempotency-Key HTTP Header Field" (07), except that the key is never required.
"""

from datetime import datetime, timedelta
from uuid import UUID

from clearline.errors import Forbidden, IdempotencyKeyBusy, IdempotencyKeyReused
from clearline.identity import Actor
from clearline.platform.database.transactions import Tx
from clearline.platform.idempotency import store as idempotency_store
from clearline.platform.idempotency.store import KeptAnswer

KEPT_FOR = timedelta(hours=24)
_PURGE_AT_ONCE = 1000


async def replay(tx: Tx, actor: Actor, route: str, key: str, fingerprint: bytes, *, now: datetime) -> KeptAnswer | None:
    """Claim the key for this transaction; answers what the first request was answered, or None for the first.

    Raises:
        IdempotencyKeyBusy: the first request is still running.
        IdempotencyKeyReused: the first request was a different one.
    """
    company, key_id = _owner(actor)
    if not await idempotency_store.claim(tx, key_id, route, key):
        raise IdempotencyKeyBusy
    kept = await idempotency_store.find(tx, company, key_id, route, key, since=now - KEPT_FOR)
    if kept is not None and kept.fingerprint != fingerprint:
        raise IdempotencyKeyReused
    return kept


async def keep(tx: Tx, actor: Actor, route: str, key: str, answer: KeptAnswer, *, now: datetime) -> None:
    """Keep the answer with what it answers: both are there after the commit, or neither."""
    company, key_id = _owner(actor)
    await idempotency_store.save(tx, company, key_id, route, key, answer, now=now)


def _owner(actor: Actor) -> tuple[UUID, UUID]:
    if actor.company is None or actor.key_id is None:
        raise Forbidden("only API keys make requests that can be repeated")
    return actor.company.id, actor.key_id


async def purge(tx: Tx, *, now: datetime) -> int:
    """Delete some of the answers that are too old to be given again; how many."""
    return await idempotency_store.forget(tx, before=now - KEPT_FOR, limit=_PURGE_AT_ONCE)
