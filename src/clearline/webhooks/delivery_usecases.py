"""Events on their way to subscriptions: see them, send them again, and note what became of them."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from clearline.errors import Conflict, InvalidInput, NotFound, Violation
from clearline.events.event_types import Audience
from clearline.events.store import Event
from clearline.identity import ALL_SCOPES, PROVIDER_ID, Actor, Company, Role, Scope
from clearline.platform.database.transactions import Tx
from clearline.webhooks import delivery_store
from clearline.webhooks import store as subscription_store
from clearline.webhooks.delivery_store import Claimed, NewDelivery
from clearline.webhooks.domain import Subscription
from clearline.webhooks.protocol import (
    Attempt,
    Delivery,
    State,
    Verdict,
    delivery_id,
    failures_after,
    pause_after,
    shortened,
    verdict,
)
from clearline.webhooks.usecases import disable, get_subscription, lock_subscription, may_hear, of_company

KIND = "delivery"
WEBHOOKS = Actor(Role.OPERATOR, "webhooks", scopes=ALL_SCOPES)
"""Who gives up a receiver that cannot be reached."""

REPLAY_MOST = 10_000
"""Deliveries that one replay of a time puts up again."""

_PURGED_AT_ONCE = 1000

Render = Callable[[Event, Audience], bytes | None]
"""Makes the body that an audience is sent of an event, or None when it may not see the event."""


class Told(Struct, frozen=True):
    """A delivery with what it sends, and its attempts."""

    delivery: Delivery
    body: bytes
    attempts: list[Attempt]


async def list_deliveries(
    tx: Tx,
    actor: Actor,
    subscription_id: UUID,
    *,
    of: Company | None = None,
    state: State | None = None,
    after: int | None,
    limit: int,
) -> list[Delivery]:
    """Deliveries of a subscription, newest first, behind the one of this number. Served by the primary key.

    Raises:
        NotFound: the company has no such subscription.
        Forbidden: the actor is no admin, or its key may not read accounts.
    """
    one = await get_subscription(tx, actor, subscription_id, of=of)
    return await delivery_store.page(tx, one.company_id, one.id, state=state, after=after, limit=limit)


async def get_delivery(tx: Tx, actor: Actor, subscription_id: UUID, which: UUID, *, of: Company | None = None) -> Told:
    """One delivery with its attempts.

    Raises:
        NotFound: the company has no such subscription, or that has no such delivery.
        Forbidden: as ``list_deliveries`` and ``may_hear``.
    """
    company_id = of_company(actor, of, Scope.ACCOUNTS_READ)
    may_hear(actor)
    found = await delivery_store.told(tx, company_id, subscription_id, which)
    if found is None:
        raise NotFound(KIND, str(which))
    return Told(*found)


async def replay_one(
    tx: Tx, actor: Actor, subscription_id: UUID, which: UUID, *, of: Company | None = None, now: datetime
) -> Delivery:
    """Send a finished delivery again, under its id, at once also where the receiver failed before.

    Raises:
        NotFound: as ``get_delivery``.
        Forbidden: the actor is no admin, or its key may not write accounts, or not read what is sent.
        Conflict: the delivery waits still, or the subscription is not active.
    """
    company_id = of_company(actor, of, Scope.ACCOUNTS_WRITE)
    may_hear(actor)
    found = await delivery_store.get(tx, company_id, subscription_id, which)
    if found is None:
        raise NotFound(KIND, str(which))
    one = await _active(tx, actor, subscription_id, of)
    if not await delivery_store.replay(tx, found[0], now=now):
        raise Conflict("the delivery waits to be sent already")
    await subscription_store.hurry(tx, one)
    return replace(found[0], state=State.WAITING, refusals=0, due_at=now, finished_at=None)


async def replay_range(
    tx: Tx,
    actor: Actor,
    subscription_id: UUID,
    *,
    since: datetime,
    until: datetime,
    state: State = State.DEAD,
    of: Company | None = None,
    now: datetime,
) -> int:
    """Send finished deliveries again that were made in a time, oldest first, at most ``REPLAY_MOST``; how many.

    ``since`` is included, ``until`` is not. Dead ones that are left are sent by the next call; delivered ones would be
    the same again, so that more than ``REPLAY_MOST`` are refused.

    Raises:
        NotFound: the company has no such subscription.
        Forbidden: as ``replay_one``.
        InvalidInput: ``until`` is not after ``since``, or the state is that of those that wait, or too many were
            delivered in the time.
        Conflict: the subscription is not active.
    """
    one = await _active(tx, actor, subscription_id, of)
    may_hear(actor)
    if until <= since:
        raise InvalidInput([Violation("until", "must be after since")])
    if state is State.WAITING:
        raise InvalidInput([Violation("state", "must be dead or delivered")])
    limit = REPLAY_MOST + (state is State.DELIVERED)
    count = await delivery_store.replay_range(tx, one, since=since, until=until, state=state, limit=limit, now=now)
    if count > REPLAY_MOST:
        raise InvalidInput([Violation("until", f"must be earlier: more than {REPLAY_MOST} were delivered in the time")])
    await subscription_store.hurry(tx, one)
    return count


async def _active(tx: Tx, actor: Actor, subscription_id: UUID, of: Company | None) -> Subscription:
    one = await lock_subscription(tx, actor, subscription_id, of=of)
    if not one.is_active:
        raise Conflict("the subscription is not active: activate it first")
    return one


async def fan_out(tx: Tx, found: Sequence[Event], render: Render, *, now: datetime) -> int:
    """Make a delivery of each event for each subscription that wants it, and may know of it; how many.

    What happened before a subscription was made is not for it. An event that is read again makes none again. Without
    subscriptions this is one look into an index.
    """
    wanted = await subscription_store.active(tx, sorted({PROVIDER_ID, *(event.company_id for event in found)}))
    made = []
    for event in found if wanted else ():
        bodies: dict[Audience, bytes | None] = {}
        for one in wanted:
            audience = Audience.STAFF if one.company_id == PROVIDER_ID else Audience.COMPANY_ADMIN
            if not (audience is Audience.STAFF or one.company_id == event.company_id) or not one.wants(event.type):
                continue
            if event.at < one.created_at:
                continue
            if audience not in bodies:
                bodies[audience] = render(event, audience)
            if (body := bodies[audience]) is not None:
                made.append(_delivery(one, event, body))
    if made:
        await delivery_store.insert(tx, made, now=now)
    return len(made)


def _delivery(one: Subscription, event: Event, body: bytes) -> NewDelivery:
    key = delivery_id(one.id, event.offset.id, event.at)
    return NewDelivery(one.company_id, one.id, key, event.offset.id, event.type, event.ticket_number, shortened(body))


async def note_failure(
    tx: Tx, one: Claimed, tried: Attempt, *, asked: timedelta | None = None, chance: float, now: datetime
) -> Subscription | None:
    """Note an attempt that failed, and say when the next is; the subscription when it was given up for that.

    ``asked`` is how long the receiver wants to be left alone, ``chance`` a random number from 0 to 1. What failed at
    the receiver pauses everything for it, once for those under way together; what the receiver refused is put off by
    itself, and dead in the end: the receiver was reached, and that ends a run of failures.
    """
    means = verdict(tried.status)
    subscription = await subscription_store.lock(tx, one.company_id, one.subscription_id)
    if subscription is None:
        return None
    if means is Verdict.REFUSED:
        await _refused(tx, one, tried, chance=chance, now=now)
        if subscription.is_active and subscription.failures:
            await subscription_store.save(tx, replace(subscription, failures=0, failing_since=None, resume_at=None))
        return None
    await delivery_store.failed(tx, one, tried, state=State.WAITING, refused=False, due_at=now, now=now)
    if not subscription.is_active:
        return None
    if means is Verdict.GONE:
        return await disable(tx, WEBHOOKS, subscription, "the receiver answered 410: it wants nothing more", now=now)
    if subscription.failures == one.failures:
        return await _pause(tx, subscription, tried, asked=asked, chance=chance, now=now)
    return None  # another that was under way at the same time told it already, or the receiver is well again


async def _pause(
    tx: Tx, before: Subscription, tried: Attempt, *, asked: timedelta | None, chance: float, now: datetime
) -> Subscription | None:
    since = before.failing_since
    was_hurried = before.failures > 0 and before.resume_at is None
    failures = failures_after(before.failures, since, was_asked=was_hurried or asked is not None, now=now)
    failing = replace(before, failures=failures, failing_since=since or now)
    pause = pause_after(failures, chance)
    if pause is None:
        reason = f"the receiver could not be reached {failures} times in a row: {tried.error or tried.status}"
        return await disable(tx, WEBHOOKS, failing, reason[:255], now=now)
    await subscription_store.save(tx, replace(failing, resume_at=now + (pause if asked is None else asked)))
    return None


async def _refused(tx: Tx, one: Claimed, tried: Attempt, *, chance: float, now: datetime) -> None:
    count = await delivery_store.refusals(tx, one) + 1
    pause = pause_after(count, chance)
    state = State.DEAD if pause is None else State.WAITING
    due_at = now if pause is None else now + pause
    await delivery_store.failed(tx, one, tried, state=state, refused=True, due_at=due_at, now=now)


async def purge(tx: Tx, *, before: datetime) -> int:
    """Delete some of the deliveries that were finished before a time; return how many."""
    return await delivery_store.purge(tx, before=before, limit=_PURGED_AT_ONCE)
