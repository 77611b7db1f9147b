"""House API v1: subscriptions and deliveries as they travel."""

from typing import Any, Literal

import msgspec
from msgspec import structs

from clearline.tickets.domain import ticket_number
from clearline.webhooks.attempt_domain import Attempt
from clearline.webhooks.delivery_actions.domain import Action, DeliveryAction
from clearline.webhooks.delivery_domain import Delivery
from clearline.webhooks.delivery_usecases import REPLAY_LIMIT, DeliveryDetails
from clearline.webhooks.signature import request_headers
from clearline.webhooks.subscription_domain import Subscription
from clearline.wires.house.webhooks import wire


def delivery_out(delivery: Delivery) -> wire.DeliveryOut:
    """Return a delivery without its body and attempts."""
    return wire.DeliveryOut(
        str(delivery.id),
        delivery.type,
        None if delivery.event_id is None else str(delivery.event_id),
        None if delivery.ticket_number is None else ticket_number(delivery.ticket_number),
        delivery.state,
        delivery.attempts,
        delivery.due_at,
        delivery.created_at,
        delivery.finished_at,
    )


def _attempt_out(delivery: Delivery, attempt: Attempt) -> wire.AttemptOut:
    return wire.AttemptOut(
        attempt.number,
        attempt.at,
        request_headers(delivery.id, attempt.at),
        attempt.status,
        attempt.error,
        attempt.answer,
        attempt.milliseconds,
    )


def _action_out(action: DeliveryAction | None) -> wire.DeliveryActionOut | None:
    """Return an action of a subscription that is there: it is not being deleted."""
    if action is None:
        return None
    name: Literal["give_up", "resume"] = "give_up" if action.action is Action.GIVE_UP else "resume"
    return wire.DeliveryActionOut(name, action.done, action.total, action.started_at)


def _subscription_members(subscription: Subscription) -> dict[str, Any]:
    return {
        "id": str(subscription.id),
        "url": subscription.url,
        "description": subscription.description,
        "types": list(subscription.types),
        "is_active": subscription.is_active,
        "disabled_reason": subscription.disabled_reason,
        "failures": subscription.failures,
        "failing_since": subscription.failing_since,
        "resumes_at": subscription.resume_at,
        "old_secret_until": subscription.previous_until,
        "in_progress": _action_out(subscription.in_progress),
        "created_at": subscription.created_at,
        "updated_at": subscription.updated_at,
    }


def subscription_out(subscription: Subscription) -> wire.SubscriptionOut:
    """Return a subscription without its secret."""
    return wire.SubscriptionOut(**_subscription_members(subscription))


def subscription_made_out(subscription: Subscription, secret: str | None) -> wire.SubscriptionMade:
    """Return a subscription with its secret, which is None in an answer that is repeated."""
    return wire.SubscriptionMade(**_subscription_members(subscription), secret=secret)


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
