"""Make deliveries of events; list, read and replay them."""

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from clearline.clock import Span
from clearline.errors import Conflict, InvalidInput, RuleCode, Violation, require_found
from clearline.events.event_types import Audience
from clearline.events.store import Event
from clearline.identity import PROVIDER_ID, Actor, Company, Scope
from clearline.platform.database.transactions import Tx
from clearline.webhooks import delivery_store, subscription_store
from clearline.webhooks.attempt_domain import Attempt
from clearline.webhooks.delivery_actions.domain import Action
from clearline.webhooks.delivery_domain import REPLAYABLE, Delivery, DeliveryState, derive_delivery_id, limit_body
from clearline.webhooks.delivery_store import NewDelivery
from clearline.webhooks.subscription_domain import Subscription
from clearline.webhooks.subscription_usecases import get_subscription, lock_active, owner_id, require_event_scopes

KIND = "delivery"

REPLAY_LIMIT = 10_000
"""Deliveries that one replay of a time sends again."""

_PURGE_BATCH = 1000

Render = Callable[[Event, Audience], bytes | None]
"""Makes the body that an audience is sent of an event, or None when it may not see the event."""


class DeliveryDetails(Struct, frozen=True):
    """A delivery with its body and its attempts."""

    delivery: Delivery
    body: bytes
    attempts: list[Attempt]


async def create_deliveries(tx: Tx, events: Sequence[Event], render: Render, *, now: datetime) -> int:
    """Make a delivery of each event for each active subscription that wants it and may see it; return how many.

    Events from before a subscription are not for it. An event that is read again makes no second delivery.
    """
    subscriptions = await subscription_store.active(tx, sorted({PROVIDER_ID, *(event.company_id for event in events)}))
    deliveries = []
    for event in events if subscriptions else ():
        bodies: dict[Audience, bytes | None] = {}
        for subscription in subscriptions:
            if not _is_for(event, subscription):
                continue
            audience = Audience.STAFF if subscription.company_id == PROVIDER_ID else Audience.COMPANY_ADMIN
            if audience not in bodies:
                bodies[audience] = render(event, audience)
            if (body := bodies[audience]) is not None:
                deliveries.append(_new_delivery(subscription, event, body))
    if deliveries:
        await delivery_store.insert(tx, deliveries, now=now)
    return len(deliveries)


def _is_for(event: Event, subscription: Subscription) -> bool:
    is_in_scope = subscription.company_id in {PROVIDER_ID, event.company_id}
    return is_in_scope and subscription.wants(event.type) and event.at >= subscription.created_at


def _new_delivery(subscription: Subscription, event: Event, body: bytes) -> NewDelivery:
    return NewDelivery(
        subscription.company_id,
        subscription.id,
        derive_delivery_id(subscription.id, event.offset.id, event.at),
        event.offset.id,
        event.type,
        event.ticket_number,
        limit_body(body),
    )


async def list_deliveries(
    tx: Tx,
    actor: Actor,
    subscription_id: UUID,
    *,
    of: Company | None = None,
    state: DeliveryState | None = None,
    created: Span | None = None,
    after: int | tuple[datetime, int] | None,
    limit: int,
) -> list[Delivery]:
    """Return deliveries of a subscription, newest first, after the one of this number, or of this time and number.

    Those ``created`` in a time have both. Served as ``store.page``, those of a time as ``store.dated_page``.
    """
    subscription = await get_subscription(tx, actor, subscription_id, of=of)
    key = (subscription.company_id, subscription.id)
    if created is None:
        number = after[1] if isinstance(after, tuple) else after
        return await delivery_store.page(tx, *key, state=state, after=number, limit=limit)
    position = None if isinstance(after, int) else after
    return await delivery_store.dated_page(tx, *key, state=state, created=created, after=position, limit=limit)


async def ids_between(
    tx: Tx, actor: Actor, subscription_id: UUID, low: UUID, high: UUID, *, of: Company | None = None, limit: int = 10
) -> list[UUID]:
    """Return the ids of deliveries of a subscription between two, both included. Served by ``delivery_by_id``."""
    company_id = owner_id(actor, of, Scope.ACCOUNTS_READ)
    return await delivery_store.ids_between(tx, company_id, subscription_id, low, high, limit=limit)


async def get_delivery(
    tx: Tx, actor: Actor, subscription_id: UUID, delivery_id: UUID, *, of: Company | None = None
) -> DeliveryDetails:
    """Return a delivery with its attempts."""
    company_id = (await get_subscription(tx, actor, subscription_id, of=of)).company_id
    require_event_scopes(actor)
    details = await delivery_store.get_with_attempts(tx, company_id, subscription_id, delivery_id)
    return DeliveryDetails(*require_found(details, KIND, delivery_id))


async def replay(
    tx: Tx, actor: Actor, subscription_id: UUID, delivery_id: UUID, *, of: Company | None = None, now: datetime
) -> Delivery:
    """Send a finished delivery again under its id, at once, also while the receiver is paused.

    Raises:
        Conflict: the delivery is not finished, the subscription is not active, or what waited when it was disabled is
            still being given up.
    """
    company_id = owner_id(actor, of, Scope.ACCOUNTS_WRITE)
    require_event_scopes(actor)
    delivery = require_found(await delivery_store.get(tx, company_id, subscription_id, delivery_id), KIND, delivery_id)
    subscription = await _lock_replayable(tx, actor, subscription_id, of=of)
    if not await delivery_store.replay(tx, delivery, now=now):
        raise Conflict("the delivery waits to be sent already")
    await subscription_store.end_pause(tx, subscription)
    return replace(delivery, state=DeliveryState.WAITING, refusals=0, due_at=now, finished_at=None)


async def _lock_replayable(tx: Tx, actor: Actor, subscription_id: UUID, *, of: Company | None) -> Subscription:
    """Lock an active subscription. What is replayed while deliveries are given up would be given up with them."""
    subscription = await lock_active(tx, actor, subscription_id, of=of)
    if subscription.in_progress is not None and subscription.in_progress.action is Action.GIVE_UP:
        raise Conflict("the deliveries that waited are still being given up: replay them when that is done")
    return subscription


async def replay_range(
    tx: Tx,
    actor: Actor,
    subscription_id: UUID,
    *,
    since: datetime,
    until: datetime,
    state: DeliveryState = DeliveryState.DEAD,
    of: Company | None = None,
    now: datetime,
) -> int:
    """Send finished deliveries again that were made in a time, oldest first, up to ``REPLAY_LIMIT``; return how many.

    ``since`` is inclusive, ``until`` exclusive. Of dead letters the next call sends the rest. Delivered ones would be
    the same again, so that a time with more than ``REPLAY_LIMIT`` of them is refused.

    Raises:
        Conflict: the subscription is not active, or what waited when it was disabled is still being given up.
    """
    subscription = await _lock_replayable(tx, actor, subscription_id, of=of)
    require_event_scopes(actor)
    if until <= since:
        raise InvalidInput([Violation("until", "must be after since", RuleCode.ORDER)])
    if state not in REPLAYABLE:
        raise InvalidInput([Violation("state", "must be " + " or ".join(REPLAYABLE), RuleCode.CHOICE)])
    limit = REPLAY_LIMIT + (state is DeliveryState.DELIVERED)
    count = await delivery_store.replay_range(
        tx, subscription, since=since, until=until, state=state, limit=limit, now=now
    )
    if count > REPLAY_LIMIT:
        raise InvalidInput(
            [
                Violation(
                    "until", f"must be earlier: more than {REPLAY_LIMIT} were delivered in the time", RuleCode.ORDER
                )
            ]
        )
    await subscription_store.end_pause(tx, subscription)
    return count


async def purge(tx: Tx, *, before: datetime) -> int:
    """Delete some of the deliveries that were finished before a time; return how many."""
    return await delivery_store.purge(tx, before=before, limit=_PURGE_BATCH)
