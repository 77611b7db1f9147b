"""Do something with all deliveries of a subscription, in batches: a subscription can have millions.

The first batch is done at once, which is all of it for most subscriptions; the rest is done by a job. Each batch is a
transaction that also stores how far the action is, so that a process that dies takes nothing with it but the batch that
it was at, which is done again.
"""

from datetime import datetime

from msgspec.structs import replace

from clearline.platform.database.transactions import Tx
from clearline.webhooks.delivery_actions import store
from clearline.webhooks.delivery_actions.domain import Action, DeliveryAction
from clearline.webhooks.delivery_actions.store import Key

BATCH = 2_000
"""Deliveries that a transaction looks at."""


async def begin(tx: Tx, key: Key, action: Action, *, now: datetime) -> DeliveryAction | None:
    """Begin an action with all deliveries of a locked subscription, in place of the one in progress.

    Return what is in progress then, or None when it is done. What is being given up is given up to the end, and not
    resumed.
    """
    current = await store.get(tx, key)
    if action is Action.RESUME and current is not None and current.action is Action.GIVE_UP:
        return current
    through = await store.last_number(tx, key)
    begun = DeliveryAction(action, after=0, through=through, done=0, total=None, started_at=now)
    await _go_on(tx, key, begun, now=now)
    return await store.get(tx, key)


async def go_on(tx: Tx, *, now: datetime) -> int:
    """Do the next batch of the action that is least far; return how many deliveries it looked at, at least 1, or 0.

    Actions that another process is at are left out.
    """
    locked = await store.lock_next(tx)
    if locked is None:
        return 0
    key, action = locked
    if action.total is None:
        action = replace(action, total=action.done + await store.count_rest(tx, key, action))
    return max(1, await _go_on(tx, key, action, now=now))


async def _go_on(tx: Tx, key: Key, action: DeliveryAction, *, now: datetime) -> int:
    batch = await store.change_batch(tx, key, action, limit=BATCH, now=now)
    if batch.looked == BATCH:
        await store.save(tx, key, replace(action, after=batch.last, done=action.done + batch.looked))
    elif action.action is Action.DELETE:
        await store.delete_subscription(tx, key)
    else:
        await store.end(tx, key)
        if action.action is Action.GIVE_UP:
            await store.end_waits_for_others(tx, key, now=now)
    return batch.looked
