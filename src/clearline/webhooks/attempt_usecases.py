"""Decide what follows from a failed attempt: a retry, a pause, a dead letter, or a disabled subscription.

A receiver that cannot be reached is paused with all its deliveries, by the schedule. A delivery that the receiver
refuses is put off alone, by the same schedule. At the end of the schedule the subscription is disabled, or the delivery
is a dead letter.
"""

from datetime import datetime, timedelta

from msgspec.structs import replace

from clearline.clock import CLOCK_SECONDS
from clearline.identity import ALL_SCOPES, Actor, Role
from clearline.language.marks import gettext_noop
from clearline.platform.database.transactions import Tx
from clearline.platform.work.claims import LEASE_SECONDS
from clearline.webhooks import attempt_store, order_store, subscription_store
from clearline.webhooks.attempt_domain import (
    SCHEDULE,
    Attempt,
    Outcome,
    count_failure,
    longest_pause,
    outcome_of,
    pause_after,
)
from clearline.webhooks.attempt_store import Claim
from clearline.webhooks.delivery_domain import DeliveryState
from clearline.webhooks.subscription_domain import Subscription
from clearline.webhooks.subscription_usecases import disable

WEBHOOKS = Actor(Role.OPERATOR, "webhooks", scopes=ALL_SCOPES)
"""The actor that disables the subscription of a receiver that cannot be reached."""
SHORTENED = 5_000
"""Deliveries that are brought forward in one transaction after a clock was set back."""

_GONE = gettext_noop("the receiver answered 410: it wants nothing more")


async def record_failure(
    tx: Tx,
    claim: Claim,
    attempt: Attempt,
    *,
    retry_after: timedelta | None = None,
    chance: float,
    now: datetime,
) -> Subscription | None:
    """Store a failed attempt and the time of the next; return the subscription when it is disabled for the failure.

    ``retry_after`` is the pause that the receiver asks for, ``chance`` a random number from 0 to 1. Of the attempts
    that ran together, only the first that fails pauses the receiver. A refusal ends a series of failures, since
    the receiver was reached.
    """
    outcome = outcome_of(attempt.status)
    subscription = await subscription_store.lock(tx, claim.company_id, claim.subscription_id)
    if subscription is None:
        return None
    if outcome is Outcome.REFUSED:
        await _put_off(tx, claim, attempt, chance=chance, now=now)
        if subscription.is_active and subscription.failures:
            await subscription_store.save(tx, replace(subscription, failures=0, failing_since=None, resume_at=None))
        return None
    await attempt_store.store_failure(
        tx, claim, attempt, state=DeliveryState.WAITING, is_refusal=False, due_at=now, now=now
    )
    if not subscription.is_active:
        return None
    if outcome is Outcome.GONE:
        return await disable(tx, WEBHOOKS, subscription, _GONE, now=now)
    if subscription.failures == claim.failures:
        return await _pause(tx, subscription, attempt, retry_after=retry_after, chance=chance, now=now)
    return None  # another attempt at the same time failed first, or the receiver was reached since


async def shorten_waits(tx: Tx, *, now: datetime) -> int:
    """Bring forward some of what a clock that was ahead, and is set back now, made wait too long; return how much.

    Otherwise deliveries that were stored or claimed before would wait for as long as the clock was ahead.
    """
    pauses = [longest_pause(failures) for failures in range(len(SCHEDULE))]
    tolerance = timedelta(seconds=CLOCK_SECONDS)
    count = await attempt_store.shorten_waits(
        tx, lease=timedelta(seconds=LEASE_SECONDS), pauses=pauses, tolerance=tolerance, limit=SHORTENED, now=now
    )
    return count + await subscription_store.shorten_pauses(tx, longest=max(pauses), tolerance=tolerance, now=now)


async def _pause(
    tx: Tx, before: Subscription, attempt: Attempt, *, retry_after: timedelta | None, chance: float, now: datetime
) -> Subscription | None:
    since = before.failing_since
    pause_was_ended = before.failures > 0 and before.resume_at is None
    is_off_schedule = pause_was_ended or retry_after is not None
    failures = count_failure(before.failures, since, is_off_schedule=is_off_schedule, now=now)
    failing = replace(before, failures=failures, failing_since=since or now)
    pause = pause_after(failures, chance)
    if pause is None:
        reason = f"the receiver could not be reached {failures} times in a row: {attempt.error or attempt.status}"
        return await disable(tx, WEBHOOKS, failing, reason[:255], now=now)
    resume_at = now + (pause if retry_after is None else retry_after)
    await subscription_store.save(tx, replace(failing, resume_at=resume_at, paused_at=now))
    return None


async def _put_off(tx: Tx, claim: Claim, attempt: Attempt, *, chance: float, now: datetime) -> None:
    refusals = await attempt_store.lock_refusals(tx, claim) + 1
    pause = pause_after(refusals, chance)
    state = DeliveryState.DEAD if pause is None else DeliveryState.WAITING
    due_at = now if pause is None else now + pause
    await attempt_store.store_failure(tx, claim, attempt, state=state, is_refusal=True, due_at=due_at, now=now)
    if state is DeliveryState.DEAD:
        await order_store.make_next_due(tx, [claim], now=now)
