"""House API v1: what became of the events that are sent to subscriptions."""

from uuid import UUID

from clearline.identity import Scope
from clearline.webhooks import delivery_usecases as deliveries
from clearline.webhooks import subscription_usecases as subscriptions
from clearline.webhooks.delivery_domain import DeliveryState
from clearline.wires.house import paging
from clearline.wires.house.tickets.handlers import EXAMPLE_ID, id_in_path, uuid_of
from clearline.wires.house.webhooks import wire
from clearline.wires.house.webhooks.mapping import delivery_details_out, delivery_out, replay_out
from clearline.wires.house.wire import Page
from clearline.wires.http.call import Call
from clearline.wires.http.table import Operation

_ONE = "/api/v1/subscriptions/{id}"
_SUBSCRIPTION = id_in_path("id", "The subscription's id.", example=EXAMPLE_ID)
_DELIVERY = _SUBSCRIPTION | id_in_path("delivery_id", "The delivery's id: its webhook-id.", example=EXAMPLE_ID)


async def list_deliveries(call: Call) -> Page[wire.DeliveryOut]:
    """Deliveries, newest first."""
    which = uuid_of(call.path["id"], subscriptions.KIND)
    after = paging.read_cursor(call, int)
    async with call.transaction() as tx:
        found = await deliveries.list_deliveries(
            tx, call.actor, which, state=call.query.state, after=after, limit=call.query.limit + 1
        )
    return paging.page(call, found, lambda one: [one.number], delivery_out)


async def get_delivery(call: Call) -> wire.DeliveryDetail:
    """One delivery, with its attempts."""
    which, key = _ids(call)
    async with call.transaction() as tx:
        return delivery_details_out(await deliveries.get_delivery(tx, call.actor, which, key))


async def replay_delivery(call: Call) -> wire.DeliveryOut:
    """Send one again."""
    which, key = _ids(call)
    call.body(wire.ReplayOneIn)
    async with call.transaction() as tx:
        return delivery_out(await deliveries.replay(tx, call.actor, which, key, now=call.now))


async def replay_deliveries(call: Call) -> wire.ReplayOut:
    """Send those of a time again."""
    which = uuid_of(call.path["id"], subscriptions.KIND)
    body = call.body(wire.ReplayIn)
    async with call.transaction() as tx:
        count = await deliveries.replay_range(
            tx, call.actor, which, since=body.since, until=body.until, state=DeliveryState(body.state), now=call.now
        )
    return replay_out(count)


def _ids(call: Call) -> tuple[UUID, UUID]:
    return uuid_of(call.path["id"], subscriptions.KIND), uuid_of(call.path["delivery_id"], deliveries.KIND)


OPERATIONS = (
    Operation(
        "listDeliveries", "GET", _ONE + "/deliveries", list_deliveries,
        "List deliveries", "What was sent to a subscription, or is to be, newest first. Finished ones are kept for 30 "
        "days, unless the provider sets another time. For admins.",
        Scope.ACCOUNTS_READ, Page[wire.DeliveryOut], query=wire.DeliveriesQuery, path_parameters=_SUBSCRIPTION,
        errors=(400, 404),
    ),
    Operation(
        "getDelivery", "GET", _ONE + "/deliveries/{delivery_id}", get_delivery,
        "Read a delivery", "One delivery: its body, and what came of each attempt. For admins; the key needs "
        "`tickets:read` and `audit:read` too.",
        Scope.ACCOUNTS_READ, wire.DeliveryDetail, path_parameters=_DELIVERY, errors=(404,),
    ),
    Operation(
        "replayDelivery", "POST", _ONE + "/deliveries/{delivery_id}/replay", replay_delivery,
        "Send a delivery again", "Under the same id, at once, also while the receiver is paused for its failures. For "
        "admins; the key needs `tickets:read` and `audit:read` too.",
        Scope.ACCOUNTS_WRITE, wire.DeliveryOut, body=wire.ReplayOneIn, path_parameters=_DELIVERY,
        errors=(404, 409), status=202,
    ),
    Operation(
        "replayDeliveries", "POST", _ONE + "/replay", replay_deliveries,
        "Send the deliveries of a time again", "Those that are dead, or were delivered, oldest first, at most 10,000 a "
        "request: of the dead ones the next request sends the rest, a time with more delivered ones is refused. For "
        "admins; the key needs `tickets:read` and `audit:read` too.",
        Scope.ACCOUNTS_WRITE, wire.ReplayOut, body=wire.ReplayIn, path_parameters=_SUBSCRIPTION, errors=(404, 409),
        status=202,
    ),
)  # fmt: skip
