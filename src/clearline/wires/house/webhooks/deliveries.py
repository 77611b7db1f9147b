"""House API v1: deliveries to webhook subscriptions."""

from datetime import datetime
from typing import Any
from uuid import UUID

from clearline.identity import Scope
from clearline.webhooks import delivery_usecases as deliveries
from clearline.webhooks import subscription_usecases as subscriptions
from clearline.webhooks.delivery_domain import Delivery, DeliveryState
from clearline.wires.house import paging
from clearline.wires.house.parameters import EXAMPLE_ID, id_in_path, uuid_of
from clearline.wires.house.records import span_of_query, time_and_number
from clearline.wires.house.webhooks import wire
from clearline.wires.house.webhooks.mapping import delivery_details_out, delivery_out, replay_out
from clearline.wires.house.wire import Page
from clearline.wires.http.call import Call
from clearline.wires.http.table import Operation

_SUBSCRIPTION_PATH = "/api/v1/subscriptions/{id}"
_SUBSCRIPTION = id_in_path("id", "The subscription's id.", example=EXAMPLE_ID)
_DELIVERY = _SUBSCRIPTION | id_in_path("delivery_id", "The delivery's id: its webhook-id.", example=EXAMPLE_ID)


async def list_deliveries(call: Call) -> Page[wire.DeliveryOut]:
    """Return deliveries, newest first."""
    subscription_id = uuid_of(call.path["id"], subscriptions.KIND)
    query: wire.DeliveriesQuery = call.query
    created = span_of_query(query.since, query.until)
    after: int | tuple[datetime, int] | None
    after = paging.read_cursor(call, int) if created is None else paging.read_cursor(call, time_and_number)
    async with call.transaction() as tx:
        rows = await deliveries.list_deliveries(
            tx, call.actor, subscription_id, state=query.state, created=created, after=after, limit=query.limit + 1
        )

    def keys(row: Delivery) -> list[Any]:
        return [row.number] if created is None else [row.created_at.isoformat(), row.number]

    return paging.page(call, rows, keys, delivery_out)


async def get_delivery(call: Call) -> wire.DeliveryDetail:
    """Return a delivery with its attempts."""
    subscription_id, delivery_id = _ids(call)
    async with call.transaction() as tx:
        return delivery_details_out(await deliveries.get_delivery(tx, call.actor, subscription_id, delivery_id))


async def replay_delivery(call: Call) -> wire.DeliveryOut:
    """Replay a delivery."""
    subscription_id, delivery_id = _ids(call)
    call.body(wire.ReplayOneIn)
    async with call.transaction() as tx:
        return delivery_out(await deliveries.replay(tx, call.actor, subscription_id, delivery_id, now=call.now))


async def replay_deliveries(call: Call) -> wire.ReplayOut:
    """Replay the deliveries of a time."""
    subscription_id = uuid_of(call.path["id"], subscriptions.KIND)
    body = call.body(wire.ReplayIn)
    async with call.transaction() as tx:
        count = await deliveries.replay_range(
            tx,
            call.actor,
            subscription_id,
            since=body.since,
            until=body.until,
            state=DeliveryState(body.state),
            now=call.now,
        )
    return replay_out(count)


def _ids(call: Call) -> tuple[UUID, UUID]:
    return uuid_of(call.path["id"], subscriptions.KIND), uuid_of(call.path["delivery_id"], deliveries.KIND)


OPERATIONS = (
    Operation(
        "listDeliveries", "GET", _SUBSCRIPTION_PATH + "/deliveries", list_deliveries,
        "List deliveries", "Returns the deliveries of a subscription, newest first. Finished ones are kept for 30 "
        "days, unless the provider sets another time. For admins.",
        Scope.ACCOUNTS_READ, Page[wire.DeliveryOut], query=wire.DeliveriesQuery, path_parameters=_SUBSCRIPTION,
        errors=(400, 404),
    ),
    Operation(
        "getDelivery", "GET", _SUBSCRIPTION_PATH + "/deliveries/{delivery_id}", get_delivery,
        "Read a delivery", "Returns a delivery with its body, and the result of each attempt. For admins; the key also "
        "needs `tickets:read` and `audit:read`.",
        Scope.ACCOUNTS_READ, wire.DeliveryDetail, path_parameters=_DELIVERY, errors=(404,),
    ),
    Operation(
        "replayDelivery", "POST", _SUBSCRIPTION_PATH + "/deliveries/{delivery_id}/replay", replay_delivery,
        "Replay a delivery", "Sends a finished delivery again under the same id, at once, also while the receiver is "
        "paused after failures. For admins; the key also needs `tickets:read` and `audit:read`.",
        Scope.ACCOUNTS_WRITE, wire.DeliveryOut, body=wire.ReplayOneIn, path_parameters=_DELIVERY,
        errors=(404, 409), status=202,
    ),
    Operation(
        "replayDeliveries", "POST", _SUBSCRIPTION_PATH + "/replay", replay_deliveries,
        "Replay the deliveries of a time", "Sends the dead letters of a time again, or its delivered ones, oldest "
        "first, at most 10,000 a request. Repeat the request for the rest of the dead letters; a time with more "
        "delivered ones is refused. For admins; the key also needs `tickets:read` and `audit:read`.",
        Scope.ACCOUNTS_WRITE, wire.ReplayOut, body=wire.ReplayIn, path_parameters=_SUBSCRIPTION, errors=(404, 409),
        status=202,
    ),
)  # fmt: skip
