"""House API v1: the watchers of a ticket."""

from uuid import UUID

from clearline.errors import InvalidInput, RuleCode, Violation
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
_USER = id_in_path("user_id", "The id of the watcher.", example=EXAMPLE_ID)


async def list_watchers(call: Call) -> Page[wire.WatcherOut]:
    """List the watchers of a ticket."""
    number = access.parse_number(call.path["number"])
    after = paging.read_cursor(call, UUID)
    async with call.statement() as tx:
        ticket_watchers = await watchers.list_watchers(tx, call.actor, number, after=after, limit=call.query.limit + 1)
    return paging.page(call, ticket_watchers, lambda watcher: [str(watcher.user.id)], watcher_out)


async def add_watcher(call: Call) -> wire.WatcherOut:
    """Add a watcher."""
    number = access.parse_number(call.path["number"])
    user_id = _user_in_body(call.actor, call.body(wire.WatcherIn).user)
    async with call.statement() as tx:
        watcher = await watchers.watch(tx, call.actor, number, user_id, now=call.now)
    call.location = f"{TICKETS}/{ticket_number(number)}/watchers/{watcher.user.id}"
    return watcher_out(watcher)


def _user_in_body(actor: Actor, text: str) -> UUID:
    if text == "me":
        return watchers.own_user(actor)
    try:
        return UUID(text)
    except ValueError:
        raise InvalidInput([Violation("user", "must be the id of a user, or me", RuleCode.REFERENCE)]) from None


async def get_watcher(call: Call) -> wire.WatcherOut:
    """Get a watcher."""
    number = access.parse_number(call.path["number"])
    user_id = uuid_of(call.path["user_id"], "watcher")
    async with call.statement() as tx:
        return watcher_out(await watchers.get_watcher(tx, call.actor, number, user_id))


async def remove_watcher(call: Call) -> None:
    """Remove a watcher."""
    number = access.parse_number(call.path["number"])
    user_id = uuid_of(call.path["user_id"], "watcher")
    async with call.transaction() as tx:
        call.check_if_match(watcher_out(await watchers.lock_watcher(tx, call.actor, number, user_id)))
        await watchers.unwatch(tx, call.actor, number, user_id, now=call.now)


OPERATIONS = (
    Operation(
        "listWatchers", "GET", _WATCHERS, list_watchers,
        "List watchers", "Customers see the watchers of their own company. Creating a ticket adds no watchers.",
        Scope.TICKETS_READ, Page[wire.WatcherOut], query=PageQuery, path_parameters=NUMBER, errors=(400, 404),
    ),
    Operation(
        "addWatcher", "POST", _WATCHERS, add_watcher,
        "Add a watcher", "Customers can add people of their company; the provider's people can add each other too. "
        "No effect if the user already watches the ticket.",
        Scope.TICKETS_WRITE, wire.WatcherOut, body=wire.WatcherIn, path_parameters=NUMBER, errors=(404,), status=201,
    ),
    Operation(
        "getWatcher", "GET", _WATCHERS + "/{user_id}", get_watcher,
        "Get a watcher", "A user who watches the ticket.",
        Scope.TICKETS_READ, wire.WatcherOut, path_parameters=NUMBER | _USER, errors=(404,),
    ),
    Operation(
        "removeWatcher", "DELETE", _WATCHERS + "/{user_id}", remove_watcher,
        "Remove a watcher", "The user no longer watches the ticket.",
        Scope.TICKETS_WRITE, None, path_parameters=NUMBER | _USER, errors=(404,), status=204, conditional=True,
    ),
)  # fmt: skip
