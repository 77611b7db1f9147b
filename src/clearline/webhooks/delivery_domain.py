"""Deliveries: one event for one subscription."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID, uuid5

import msgspec
from msgspec import Struct

from clearline.webhooks.subscription_domain import Subscription

PING = "ping"
"""The type of a delivery that is about no event, sent to try a receiver."""

BODY_MAX = 100_000
"""Bytes of a body; the schema has the same limit."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class DeliveryState(StrEnum):
    """What became of a delivery."""

    WAITING = "waiting"
    """It waits to be sent, or is being sent."""
    DELIVERED = "delivered"
    """The receiver took it."""
    DEAD = "dead"
    """A dead letter: given up, and not sent unless somebody replays it."""


REPLAYABLE = (DeliveryState.DEAD, DeliveryState.DELIVERED)
"""The states whose deliveries can be replayed by the time they were made."""


class Delivery(Struct, frozen=True):
    """One event for one subscription. ``id`` is the webhook-id, the same on every attempt.

    ``number`` gives the order within the subscription. ``attempts`` counts all attempts, ``refusals`` those in a row
    that the receiver refused since the delivery was made or replayed. ``event_id`` is None for a ping.
    """

    company_id: UUID
    subscription_id: UUID
    number: int
    id: UUID
    event_id: int | None
    type: str
    ticket_number: int | None
    state: DeliveryState
    attempts: int
    refusals: int
    due_at: datetime | None
    created_at: datetime
    finished_at: datetime | None


def derive_delivery_id(subscription_id: UUID, event_id: int, at: datetime) -> UUID:
    """Return the id of the delivery of an event: the same when the event is read again.

    It depends on the event's time too: a database that was restored from an older backup uses ids of events again.
    """
    return uuid5(subscription_id, f"{event_id}:{(at - _EPOCH) // timedelta(microseconds=1)}")


def ping_body(subscription: Subscription, now: datetime) -> bytes:
    """Return the body of a ping."""
    return msgspec.json.encode({"type": PING, "timestamp": now, "data": {"subscription": str(subscription.id)}})


def limit_body(body: bytes) -> bytes:
    """Return a body of at most ``BODY_MAX`` bytes: a longer one loses the event's own data, which the API returns."""
    if len(body) <= BODY_MAX:
        return body
    members = msgspec.json.decode(body)
    members["data"]["data"] = {}
    members["data"]["shortened"] = True
    return msgspec.json.encode(members)
