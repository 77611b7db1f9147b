"""House API v1: follow tickets."""

from uuid import UUID

from clearline.errors import InvalidInput, Violation
from clearline.identity import Actor, Scope
from clearline.tickets import access
from clearline.tickets.domain import ticket_number
from clearline.tickets.links import watcher_usecases as watchers
from clearline.wires.house import paging
from clearline.wires.house.parameters import EXAMPLE_ID, id_in_path, uuid_of
from clearline.wires.house.tickets.handlers import NUMBER, TICKETS
from clearline.wires.house.tickets.links import watcher_wire as wire
from clearline.wires.house.tickets.links.mapping import watcher_out
from clearline.wires.house.wire import Page, PageQuery
from clearline.wires.http.call import Call
from clearline.wires.http.table import Operation

_WATCHERS = TICKETS + "/{number}/watchers"
_USER = id_in_path("user_id", "The id of the user who follows.", example=EXAMPLE_ID)


async def list_watchers(call: Call) -> Page[wire.WatcherOut]:
    """Who follows a ticket."""
    number = access.parse_number(call.path["number"])
    after = paging.read_cursor(call, UUID)
    async with call.statement() as tx:
        found = await watchers.list_watchers(tx, call.actor, number, after=after, limit=call.query.limit + 1)
    return paging.page(call, found, lambda one: [str(one.user.id)], watcher_out)


async def add_watcher(call: Call) -> wire.WatcherOut:
    """Have somebody follow a ticket."""
    number = access.parse_number(call.path["number"])
    who = _user_in_body(call.actor, call.body(wire.WatcherIn).user)
    async with call.statement() as tx:
        found = await watchers.watch(tx, call.actor, number, who, now=call.now)
    call.location = f"{TICKETS}/{ticket_number(number)}/watchers/{found.user.id}"
    return watcher_out(found)


def _user_in_body(actor: Actor, text: str) -> UUID:
    if text == "me":
        return watchers.own_user(actor)
    try:
        return UUID(text)
    except ValueError:
        raise InvalidInput([Violation("user", "must be the id of a user, or me")]) from None


async def get_watcher(call: Call) -> wire.WatcherOut:
    """Somebody who follows a ticket."""
    number = access.parse_number(call.path["number"])
    user_id = uuid_of(call.path["user_id"], "watcher")
    async with call.statement() as tx:
        return watcher_out(await watchers.get_watcher(tx, call.actor, number, user_id))


async def remove_watcher(call: Call) -> None:
    """Have somebody follow a ticket no more."""
    number = access.parse_number(call.path["number"])
    user_id = uuid_of(call.path["user_id"], "watcher")
    async with call.transaction() as tx:
        call.check_if_match(watcher_out(await watchers.lock_watcher(tx, call.actor, number, user_id)))
        await watchers.unwatch(tx, call.actor, number, user_id, now=call.now)


OPERATIONS = (
    Operation(
        "listWatchers", "GET", _WATCHERS, list_watchers,
        "List who follows a ticket", "Customers see their own people. Raising a ticket makes nobody follow it.",
        Scope.TICKETS_READ, Page[wire.WatcherOut], query=PageQuery, path_parameters=NUMBER, errors=(400, 404),
    ),
    Operation(
        "addWatcher", "POST", _WATCHERS, add_watcher,
        "Follow a ticket", "Customers name themselves or a colleague; the provider's people also each other. "
        "Who follows already goes on.",
        Scope.TICKETS_WRITE, wire.WatcherOut, body=wire.WatcherIn, path_parameters=NUMBER, errors=(404,), status=201,
    ),
    Operation(
        "getWatcher", "GET", _WATCHERS + "/{user_id}", get_watcher,
        "Read who follows a ticket", "One person who follows the ticket.",
        Scope.TICKETS_READ, wire.WatcherOut, path_parameters=NUMBER | _USER, errors=(404,),
    ),
    Operation(
        "removeWatcher", "DELETE", _WATCHERS + "/{user_id}", remove_watcher,
        "Stop following a ticket", "The person follows the ticket no more.",
        Scope.TICKETS_WRITE, None, path_parameters=NUMBER | _USER, errors=(404,), status=204, conditional=True,
    ),
)  # fmt: skip
