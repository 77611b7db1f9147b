"""The table of actions in progress, and the batches of deliveries that they change."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from clearline.platform.database.transactions import Record, Tx
from clearline.webhooks.delivery_actions.domain import Action, DeliveryAction

COLUMNS = "a.action, a.after, a.through, a.done, a.total, a.started_at"


class Key(NamedTuple):
    """The subscription whose deliveries are changed."""

    company_id: UUID
    subscription_id: UUID


class Batch(NamedTuple):
    """How many deliveries were looked at, and the number of the last of them."""

    looked: int
    last: int


def delivery_action(values: Record | tuple[object, ...]) -> DeliveryAction:
    """Return an action from the values of ``COLUMNS``."""
    action, *rest = values
    return DeliveryAction(Action(str(action)), *rest)


async def get(tx: Tx, key: Key) -> DeliveryAction | None:
    """Return the action of a subscription that is locked, or None. Served by the primary key."""
    row = await tx.fetchrow(
        f"select {COLUMNS} from delivery_action a where a.company_id = $1 and a.subscription_id = $2", *key
    )
    return None if row is None else delivery_action(row)


LOCK_NEXT = f"""
    select a.company_id, a.subscription_id, {COLUMNS}
      from delivery_action a join subscription s on s.company_id = a.company_id and s.id = a.subscription_id
     order by a.done, a.started_at limit 1 for no key update of s, a skip locked"""


async def lock_next(tx: Tx) -> tuple[Key, DeliveryAction] | None:
    """Return the action that is least far, locked with its subscription until the transaction ends, or None."""
    row = await tx.fetchrow(LOCK_NEXT)
    return None if row is None else (Key(row[0], row[1]), delivery_action(tuple(row)[2:]))


async def last_number(tx: Tx, key: Key) -> int:
    """Return the number of the newest delivery of a subscription, or 0. Served by the primary key."""
    number = await tx.fetchval(
        """select number from delivery where company_id = $1 and subscription_id = $2 order by number desc limit 1""",
        *key,
    )
    return int(number or 0)


async def save(tx: Tx, key: Key, action: DeliveryAction) -> None:
    """Store an action, in place of the one that its subscription has."""
    await tx.write(
        """insert into delivery_action as a (company_id, subscription_id, action, after, through, done, total,
                                             started_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8)
               on conflict (company_id, subscription_id) do update
              set action = $3, after = $4, through = $5, done = $6, total = $7, started_at = $8""",
        *key,
        action.action,
        action.after,
        action.through,
        action.done,
        action.total,
        action.started_at,
    )


_COUNT = """select count(*) from delivery
     where company_id = $1 and subscription_id = $2 and number > $3 and number <= $4 {only}"""
_OPEN = "and state <> 'delivered'"


async def count_rest(tx: Tx, key: Key, action: DeliveryAction) -> int:
    """Return how many deliveries an action has still to look at. Served as ``change_batch``."""
    only = "" if action.action is Action.DELETE else _OPEN
    return int(await tx.fetchval(_COUNT.format(only=only), *key, action.after, action.through))


_NEXT = """
    select number from delivery
     where company_id = $1 and subscription_id = $2 and number > $3 and number <= $4 {only}
     order by number limit $5"""
_IN_BATCH = """company_id = $1 and subscription_id = $2 and number > $3 and number <= (select max(number) from next)"""
_CHANGES = {
    Action.GIVE_UP: f"""
        update delivery set state = 'dead', due_at = null, claimed_until = null, finished_at = $6
         where {_IN_BATCH} and state = 'waiting'""",
    Action.RESUME: f"""
        update delivery set due_at = $6
         where {_IN_BATCH} and state = 'waiting' and claimed_until is null and due_at > $6""",
    Action.DELETE: f"""
        delete from delivery where {_IN_BATCH}""",
}
"""The batch is a range of numbers: a join by the key could be planned with another index, which walks all of them."""

CHANGE_BATCH = {
    action: f"""
    with next as ({_NEXT.format(only="" if action is Action.DELETE else _OPEN)}),
         changed as ({change} returning 1)
    select count(*), max(number) from next"""
    for action, change in _CHANGES.items()
}


async def change_batch(tx: Tx, key: Key, action: DeliveryAction, *, limit: int, now: datetime) -> Batch:
    """Do the action to the next ``limit`` deliveries, in the order of their numbers.

    Served by ``delivery_open``, a deletion by the primary key.
    """
    times = () if action.action is Action.DELETE else (now,)
    row = await tx.write(CHANGE_BATCH[action.action], *key, action.after, action.through, limit, *times)
    return Batch(0, action.after) if row is None or row[1] is None else Batch(row[0], row[1])


async def end(tx: Tx, key: Key) -> None:
    """Delete an action: it is done. Served by the primary key."""
    await tx.write("delete from delivery_action where company_id = $1 and subscription_id = $2", *key)


async def end_waits_for_others(tx: Tx, key: Key, *, now: datetime) -> None:
    """Make deliveries due that wait for others of their tickets: those were given up. Served by ``delivery_due``."""
    await tx.write(
        """update delivery set due_at = $3
            where company_id = $1 and subscription_id = $2 and state = 'waiting' and due_at is null""",
        *key,
        now,
    )


async def delete_subscription(tx: Tx, key: Key) -> None:
    """Delete a subscription with its action, and with deliveries that were made since the action began."""
    await tx.write("delete from subscription where company_id = $1 and id = $2", *key)
