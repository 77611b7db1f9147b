"""House API v1: webhook subscriptions."""

from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from clearline.identity import Scope
from clearline.webhooks import subscription_usecases as subscriptions
from clearline.webhooks.subscription_domain import ROTATION_PERIOD, Subscription
from clearline.wires.house.parameters import EXAMPLE_ID, id_in_path, uuid_of
from clearline.wires.house.records import (
    change_record,
    delete_record,
    get_record,
    list_records,
    time_and_id,
    time_and_id_keys,
)
from clearline.wires.house.secret_answer import SecretAnswer
from clearline.wires.house.webhooks import wire
from clearline.wires.house.webhooks.mapping import delivery_out, subscription_made_out, subscription_out
from clearline.wires.house.wire import Page, PageQuery, set_fields
from clearline.wires.http.call import Answer, Call
from clearline.wires.http.table import Operation

SUBSCRIPTIONS = "/api/v1/subscriptions"
_ID = id_in_path("id", "The subscription's id.", example=EXAMPLE_ID)


def _subscription_id(call: Call) -> tuple[UUID]:
    return (uuid_of(call.path["id"], subscriptions.KIND),)


def _with_secret(status: int, subscription: Subscription, secret: str, location: str | None) -> SecretAnswer:
    return SecretAnswer(
        status,
        sent=subscription_made_out(subscription, secret),
        stored=subscription_made_out(subscription, None),
        resource=subscription_out(subscription),
        location=location,
    )


def _values(body: wire.SubscriptionIn | wire.SubscriptionPatch) -> dict[str, Any]:
    values = set_fields(body)
    if "types" in values:
        values["types"] = tuple(dict.fromkeys(values["types"]))
    return values


async def list_subscriptions(call: Call) -> Page[wire.SubscriptionOut]:
    """Return the company's subscriptions, oldest first."""
    return await list_records(
        call, (), subscriptions.list_subscriptions, time_and_id, time_and_id_keys, subscription_out
    )


async def create_subscription(call: Call) -> Answer:
    """Create a subscription."""
    body = call.body(wire.SubscriptionIn)
    settings = call.services.settings
    async with call.transaction() as tx:
        subscription, secret = await subscriptions.add_subscription(
            tx,
            call.actor,
            _values(body),
            networks=settings.webhook_networks,
            most=settings.company_subscriptions_max,
            now=call.now,
        )
    call.location = f"{SUBSCRIPTIONS}/{subscription.id}"
    return _with_secret(201, subscription, secret, call.location)


async def get_subscription(call: Call) -> wire.SubscriptionOut:
    """Return a subscription."""
    return await get_record(call, _subscription_id(call), subscriptions.get_subscription, subscription_out)


async def change_subscription(call: Call) -> wire.SubscriptionOut:
    """Change a subscription."""
    ids, values = _subscription_id(call), _values(call.body(wire.SubscriptionPatch))
    change = partial(subscriptions.change_subscription, networks=call.services.settings.webhook_networks)
    return await change_record(call, ids, values, subscriptions.lock_subscription, change, subscription_out)


async def delete_subscription(call: Call) -> None:
    """Delete a subscription."""
    ids = _subscription_id(call)
    await delete_record(call, ids, subscriptions.lock_subscription, subscriptions.delete_subscription, subscription_out)


async def rotate_secret(call: Call) -> Answer:
    """Rotate the secret of a subscription."""
    subscription_id = uuid_of(call.path["id"], subscriptions.KIND)
    call.body(wire.RotateIn)
    async with call.transaction() as tx:
        rotated, secret = await subscriptions.rotate_secret(tx, call.actor, subscription_id, now=call.now)
    return _with_secret(200, rotated, secret, None)


async def ping(call: Call) -> wire.DeliveryOut:
    """Send a ping."""
    subscription_id = uuid_of(call.path["id"], subscriptions.KIND)
    call.body(wire.PingIn)
    async with call.transaction() as tx:
        delivery = await subscriptions.ping(tx, call.actor, subscription_id, now=call.now)
    call.location = f"{SUBSCRIPTIONS}/{subscription_id}/deliveries/{delivery.id}"
    return delivery_out(delivery)


OPERATIONS = (
    Operation(
        "listSubscriptions", "GET", SUBSCRIPTIONS, list_subscriptions,
        "List subscriptions", "Returns the company's webhook subscriptions, oldest first. For admins: a customer's see "
        "their company's subscriptions, the provider's see the provider's.",
        Scope.ACCOUNTS_READ, Page[wire.SubscriptionOut], query=PageQuery, errors=(400,),
    ),
    Operation(
        "createSubscription", "POST", SUBSCRIPTIONS, create_subscription,
        "Create a subscription", "Events of the company are sent to the URL from now on, as far as its admins may see "
        "them; the provider's subscriptions receive all events of every company. The answer contains the secret that "
        "signs the requests, which is not shown again. The URL must be https and lead to a public address, unless the "
        "provider allows a private network. A company has at most 20. For admins; the key also needs `tickets:read` "
        "and `audit:read`.",
        Scope.ACCOUNTS_WRITE, wire.SubscriptionMade, body=wire.SubscriptionIn, errors=(409,), status=201,
    ),
    Operation(
        "getSubscription", "GET", SUBSCRIPTIONS + "/{id}", get_subscription,
        "Read a subscription", "Returns a subscription, with the failures of its receiver. For admins.",
        Scope.ACCOUNTS_READ, wire.SubscriptionOut, path_parameters=_ID, errors=(404,),
    ),
    Operation(
        "changeSubscription", "PATCH", SUBSCRIPTIONS + "/{id}", change_subscription,
        "Change a subscription", "Sets the values in the merge-patch. A subscription that is activated again has no "
        "failures, and its waiting deliveries are sent; events from the time when it was not active are not. For "
        "admins; to change the URL, the types or the activity the key also needs `tickets:read` and `audit:read`.",
        Scope.ACCOUNTS_WRITE, wire.SubscriptionOut, body=wire.SubscriptionPatch, path_parameters=_ID, errors=(404,),
        conditional=True,
    ),
    Operation(
        "deleteSubscription", "DELETE", SUBSCRIPTIONS + "/{id}", delete_subscription,
        "Delete a subscription", "Deletes the subscription with its deliveries. For admins.",
        Scope.ACCOUNTS_WRITE, None, path_parameters=_ID, errors=(404,), status=204, conditional=True,
    ),
    Operation(
        "rotateSubscriptionSecret", "POST", SUBSCRIPTIONS + "/{id}/rotate", rotate_secret,
        "Rotate the secret", f"Returns a new secret. For {ROTATION_PERIOD // timedelta(hours=1)} hours the previous "
        "one signs too, so that there is time to change the receiver: until `old_secret_until`. Rotating again within "
        "that time ends the secret before it at once. For admins.",
        Scope.ACCOUNTS_WRITE, wire.SubscriptionMade, body=wire.RotateIn, path_parameters=_ID, errors=(404,),
    ),
    Operation(
        "pingSubscription", "POST", SUBSCRIPTIONS + "/{id}/ping", ping,
        "Send a ping", "Creates a delivery of type `ping`, which is sent at once, also while the receiver is paused "
        "after failures. Read the delivery to see the result. For admins.",
        Scope.ACCOUNTS_WRITE, wire.DeliveryOut, body=wire.PingIn, path_parameters=_ID, errors=(404, 409), status=202,
    ),
)  # fmt: skip
