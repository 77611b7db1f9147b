"""Retries: a request with an Idempotency-Key is executed once, and a retry receives the same answer.

Follows the IETF draft "The Idempotency-Key HTTP Header Field" (07), except that the key is never required.
"""

from datetime import datetime
from uuid import UUID

from clearline.errors import Forbidden, IdempotencyKeyBusy, IdempotencyKeyReused
from clearline.identity import Actor
from clearline.platform.database.transactions import Tx
from clearline.platform.idempotency import store as idempotency_store
from clearline.platform.idempotency.store import KeptAnswer

_PURGE_AT_ONCE = 1000


async def replay(
    tx: Tx, actor: Actor, route: str, key: str, fingerprint: bytes, *, since: datetime
) -> KeptAnswer | None:
    """Claim the key for this transaction; return the answer to the first request, or None when this is the first.

    Answers that were stored before ``since`` do not count.

    Raises:
        IdempotencyKeyBusy: the first request is still running.
        IdempotencyKeyReused: the first request was a different one.
    """
    company, owner_id = _owner(actor)
    if not await idempotency_store.claim(tx, owner_id, route, key):
        raise IdempotencyKeyBusy
    answer = await idempotency_store.find(tx, company, owner_id, route, key, since=since)
    if answer is not None and answer.fingerprint != fingerprint:
        raise IdempotencyKeyReused
    return answer


async def keep(tx: Tx, actor: Actor, route: str, key: str, answer: KeptAnswer, *, now: datetime) -> None:
    """Store the answer in the transaction of what it answers: both are there after the commit, or neither."""
    company, owner_id = _owner(actor)
    await idempotency_store.save(tx, company, owner_id, route, key, answer, now=now)


def _owner(actor: Actor) -> tuple[UUID, UUID]:
    """Return the company of an actor, and its API key; or the user, whose forms carry keys whatever the session."""
    owner_id = actor.key_id or (None if actor.user is None else actor.user.id)
    if actor.company is None or owner_id is None:
        raise Forbidden("only API keys and people make requests that can be repeated")
    return actor.company.id, owner_id


async def purge(tx: Tx, *, before: datetime) -> int:
    """Delete some of the answers that were stored before a time; return how many."""
    return await idempotency_store.purge(tx, before=before, limit=_PURGE_AT_ONCE)
