"""House API v1: subscriptions and deliveries as they travel."""

from typing import Any

import msgspec
from msgspec import structs

from clearline.tickets.domain import ticket_number
from clearline.webhooks.attempt_domain import Attempt
from clearline.webhooks.delivery_domain import Delivery
from clearline.webhooks.delivery_usecases import REPLAY_LIMIT, DeliveryDetails
from clearline.webhooks.signature import request_headers
from clearline.webhooks.subscription_domain import Subscription
from clearline.wires.house.webhooks import wire


def delivery_out(one: Delivery) -> wire.DeliveryOut:
    """Return a delivery without its body and attempts."""
    return wire.DeliveryOut(
        str(one.id),
        one.type,
        None if one.event_id is None else str(one.event_id),
        None if one.ticket_number is None else ticket_number(one.ticket_number),
        one.state,
        one.attempts,
        one.due_at,
        one.created_at,
        one.finished_at,
    )


def _attempt_out(one: Delivery, tried: Attempt) -> wire.AttemptOut:
    return wire.AttemptOut(
        tried.number,
        tried.at,
        request_headers(one.id, tried.at),
        tried.status,
        tried.error,
        tried.answer,
        tried.milliseconds,
    )


def _subscription_members(one: Subscription) -> dict[str, Any]:
    return {
        "id": str(one.id),
        "url": one.url,
        "description": one.description,
        "types": list(one.types),
        "is_active": one.is_active,
        "disabled_reason": one.disabled_reason,
        "failures": one.failures,
        "failing_since": one.failing_since,
        "resumes_at": one.resume_at,
        "old_secret_until": one.previous_until,
        "created_at": one.created_at,
        "updated_at": one.updated_at,
    }


def subscription_out(one: Subscription) -> wire.SubscriptionOut:
    """Return a subscription without its secret."""
    return wire.SubscriptionOut(**_subscription_members(one))


def subscription_made_out(one: Subscription, secret: str | None) -> wire.SubscriptionMade:
    """Return a subscription with its secret, which is None in an answer that is repeated."""
    return wire.SubscriptionMade(**_subscription_members(one), secret=secret)


def delivery_details_out(details: DeliveryDetails) -> wire.DeliveryDetail:
    """Return a delivery with its body and attempts."""
    delivery = details.delivery
    return wire.DeliveryDetail(
        **structs.asdict(delivery_out(delivery)),
        body=msgspec.json.decode(details.body),
        attempts=[_attempt_out(delivery, attempt) for attempt in details.attempts],
    )


def replay_out(count: int) -> wire.ReplayOut:
    """Return how many deliveries a replay sends again, and whether it stopped at its limit."""
    return wire.ReplayOut(count, count == REPLAY_LIMIT)
