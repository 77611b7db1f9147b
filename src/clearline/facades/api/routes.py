"""House API v1: everything that a page can do, a program can do."""

from itertools import chain

from starlette.routing import Router
from starlette.types import Receive, Send
from starlette.types import Scope as AsgiScope

from clearline.facades.api import (
    attachments,
    audit,
    companies,
    errors,
    exports,
    jobs,
    keys,
    links,
    macros,
    merging,
    notes,
    queues,
    routing,
    search,
    services,
    teams,
    tickets,
    users,
    views,
    watchers,
)
from clearline.facades.api.wire import NoQuery
from clearline.facades.http.call import Desk
from clearline.facades.http.edge import KEY
from clearline.facades.http.resource import Dialect, routes
from clearline.facades.http.table import Operation

GROUPS: dict[str, tuple[Operation, ...]] = {
    "Tickets": tickets.OPERATIONS,
    "Notes": notes.OPERATIONS,
    "Attachments": attachments.OPERATIONS,
    "Assignment and routing": (*routing.OPERATIONS, *queues.OPERATIONS, *teams.OPERATIONS),
    "Watchers": watchers.OPERATIONS,
    "Links, merging, splitting": (*links.OPERATIONS, *merging.OPERATIONS),
    "Search and views": (*search.OPERATIONS, *views.OPERATIONS),
    "Macros": macros.OPERATIONS,
    "Many tickets": (*jobs.OPERATIONS, *exports.OPERATIONS),
    "Companies, people, keys": (*companies.OPERATIONS, *users.OPERATIONS, *keys.OPERATIONS),
    "Services": services.OPERATIONS,
    "Audit": audit.OPERATIONS,
}
"""The table, in the order of the reference. Routes, scopes, OpenAPI and the reference page are all made from it."""

OPERATIONS = tuple(chain.from_iterable(GROUPS.values()))

DIALECT = Dialect(errors.refuse, no_query=NoQuery)


def wire_app(desk: Desk) -> Router:
    """This wire as an application. It answers under ``/api/v1``."""

    async def nowhere(scope: AsgiScope, _receive: Receive, send: Send) -> None:
        await errors.refuse(errors.NoSuchAddress(), scope[KEY].id.decode()).send(send)

    return Router(routes(OPERATIONS, desk, DIALECT), redirect_slashes=False, default=nowhere)
