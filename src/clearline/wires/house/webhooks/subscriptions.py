"""House API v1: where events are sent to (webhooks)."""

from datetime import datetime
from typing import Any
from uuid import UUID

from starlette.types import Send

from clearline.identity import Scope
from clearline.webhooks import subscription_usecases as subscriptions
from clearline.webhooks.subscription_domain import Subscription
from clearline.wires.house import paging
from clearline.wires.house.tickets.handlers import EXAMPLE_ID, id_in_path, uuid_of
from clearline.wires.house.webhooks import wire
from clearline.wires.house.webhooks.mapping import delivery_out, subscription_made_out, subscription_out
from clearline.wires.house.wire import Page, PageQuery, set_fields
from clearline.wires.http.call import Answer, Call, encode, etag
from clearline.wires.http.resource import json_answer
from clearline.wires.http.table import Operation

SUBSCRIPTIONS = "/api/v1/subscriptions"
_ID = id_in_path("id", "The subscription's id.", example=EXAMPLE_ID)


class _ShownOnce(Answer):
    """An answer that goes back with the secret, and is kept for retries without it: no secret is stored anywhere."""

    __slots__ = ("_whole",)

    def __init__(self, status: int, one: Subscription, secret: str, location: str | None) -> None:
        headers = [
            (b"cache-control", b"no-store"),
            (b"vary", b"Authorization"),
            (b"etag", etag(encode(subscription_out(one)))),
        ]
        if location is not None:
            headers.append((b"location", location.encode()))
        whole, kept = (json_answer(status, subscription_made_out(one, shown), headers) for shown in (secret, None))
        super().__init__(status, kept.body, kept.headers)
        self._whole = whole.body

    async def send(self, send: Send) -> None:
        """Send it whole."""
        await Answer(self.status, self._whole, self.headers).send(send)


def _values(body: wire.SubscriptionIn | wire.SubscriptionPatch) -> dict[str, Any]:
    values = set_fields(body)
    if "types" in values:
        values["types"] = tuple(dict.fromkeys(values["types"]))
    return values


async def list_subscriptions(call: Call) -> Page[wire.SubscriptionOut]:
    """The company's subscriptions, oldest first."""
    after = paging.read_cursor(call, lambda at, one: (datetime.fromisoformat(at), UUID(one)))
    async with call.statement() as tx:
        found = await subscriptions.list_subscriptions(tx, call.actor, after=after, limit=call.query.limit + 1)
    return paging.page(call, found, lambda one: [one.created_at.isoformat(), str(one.id)], subscription_out)


async def create_subscription(call: Call) -> Answer:
    """Have events sent to a URL."""
    body = call.body(wire.SubscriptionIn)
    async with call.transaction() as tx:
        made, secret = await subscriptions.add_subscription(
            tx, call.actor, _values(body), networks=call.services.webhook_networks, now=call.now
        )
    call.location = f"{SUBSCRIPTIONS}/{made.id}"
    return _ShownOnce(201, made, secret, call.location)


async def get_subscription(call: Call) -> wire.SubscriptionOut:
    """One subscription."""
    which = uuid_of(call.path["id"], subscriptions.KIND)
    async with call.statement() as tx:
        return subscription_out(await subscriptions.get_subscription(tx, call.actor, which))


async def change_subscription(call: Call) -> wire.SubscriptionOut:
    """Change a subscription."""
    which = uuid_of(call.path["id"], subscriptions.KIND)
    values = _values(call.body(wire.SubscriptionPatch))
    async with call.transaction() as tx:
        call.check_if_match(subscription_out(await subscriptions.lock_subscription(tx, call.actor, which)))
        changed = await subscriptions.change_subscription(
            tx, call.actor, which, values, networks=call.services.webhook_networks, now=call.now
        )
    return subscription_out(changed)


async def delete_subscription(call: Call) -> None:
    """Send nothing there any more."""
    which = uuid_of(call.path["id"], subscriptions.KIND)
    async with call.transaction() as tx:
        call.check_if_match(subscription_out(await subscriptions.lock_subscription(tx, call.actor, which)))
        await subscriptions.delete_subscription(tx, call.actor, which, now=call.now)


async def rotate_secret(call: Call) -> Answer:
    """Sign with a new secret."""
    which = uuid_of(call.path["id"], subscriptions.KIND)
    call.body(wire.RotateIn)
    async with call.transaction() as tx:
        rotated, secret = await subscriptions.rotate_secret(tx, call.actor, which, now=call.now)
    return _ShownOnce(200, rotated, secret, None)


async def ping(call: Call) -> wire.DeliveryOut:
    """Send a ping."""
    which = uuid_of(call.path["id"], subscriptions.KIND)
    call.body(wire.PingIn)
    async with call.transaction() as tx:
        made = await subscriptions.ping(tx, call.actor, which, now=call.now)
    call.location = f"{SUBSCRIPTIONS}/{which}/deliveries/{made.id}"
    return delivery_out(made)


OPERATIONS = (
    Operation(
        "listSubscriptions", "GET", SUBSCRIPTIONS, list_subscriptions,
        "List subscriptions", "Where the company's events are sent to, oldest first. For admins: a customer's see "
        "their company's subscriptions, the provider's see the provider's.",
        Scope.ACCOUNTS_READ, Page[wire.SubscriptionOut], query=PageQuery, errors=(400,),
    ),
    Operation(
        "createSubscription", "POST", SUBSCRIPTIONS, create_subscription,
        "Have events sent to a URL", "Events of the company, as its people may know of them, are posted to the URL "
        "from now on; the provider hears of every company, and everything. The answer shows the secret that signs "
        "them, and nothing shows it again. The URL must be https and lead to a public address, unless the provider "
        "allows a private network. At most 20 a company. For admins; the key needs `tickets:read` and "
        "`audit:read` too.",
        Scope.ACCOUNTS_WRITE, wire.SubscriptionMade, body=wire.SubscriptionIn, errors=(409,), status=201,
    ),
    Operation(
        "getSubscription", "GET", SUBSCRIPTIONS + "/{id}", get_subscription,
        "Read a subscription", "One subscription, and how its receiver does. For admins.",
        Scope.ACCOUNTS_READ, wire.SubscriptionOut, path_parameters=_ID, errors=(404,),
    ),
    Operation(
        "changeSubscription", "PATCH", SUBSCRIPTIONS + "/{id}", change_subscription,
        "Change a subscription", "Sets the values that the merge-patch names. Activated again, it begins afresh, and "
        "what waits is sent; what happened while it was not active is not. For admins; for the URL, the types or "
        "whether it is active the key needs `tickets:read` and `audit:read` too.",
        Scope.ACCOUNTS_WRITE, wire.SubscriptionOut, body=wire.SubscriptionPatch, path_parameters=_ID, errors=(404,),
        conditional=True,
    ),
    Operation(
        "deleteSubscription", "DELETE", SUBSCRIPTIONS + "/{id}", delete_subscription,
        "Delete a subscription", "Nothing is sent there any more, and its deliveries are forgotten. For admins.",
        Scope.ACCOUNTS_WRITE, None, path_parameters=_ID, errors=(404,), status=204, conditional=True,
    ),
    Operation(
        "rotateSubscriptionSecret", "POST", SUBSCRIPTIONS + "/{id}/rotate", rotate_secret,
        "Sign with a new secret", "The answer shows the new secret. For 24 hours the one before signs too, so that the "
        "receiver can be changed meanwhile. For admins.",
        Scope.ACCOUNTS_WRITE, wire.SubscriptionMade, body=wire.RotateIn, path_parameters=_ID, errors=(404,),
    ),
    Operation(
        "pingSubscription", "POST", SUBSCRIPTIONS + "/{id}/ping", ping,
        "Send a ping", "Makes a delivery of type `ping`, which is sent at once, also while the receiver is paused for "
        "its failures. Read the delivery to see what came of it. For admins.",
        Scope.ACCOUNTS_WRITE, wire.DeliveryOut, body=wire.PingIn, path_parameters=_ID, errors=(404, 409), status=202,
    ),
)  # fmt: skip
