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

OPERATIONS = tuple(
    chain(
        attachments.OPERATIONS,
        audit.OPERATIONS,
        companies.OPERATIONS,
        exports.OPERATIONS,
        jobs.OPERATIONS,
        keys.OPERATIONS,
        links.OPERATIONS,
        macros.OPERATIONS,
        merging.OPERATIONS,
        notes.OPERATIONS,
        queues.OPERATIONS,
        routing.OPERATIONS,
        search.OPERATIONS,
        services.OPERATIONS,
        teams.OPERATIONS,
        tickets.OPERATIONS,
        users.OPERATIONS,
        views.OPERATIONS,
        watchers.OPERATIONS,
    )
)
"""Routes, scopes, OpenAPI and the reference page are all made from this table."""

DIALECT = Dialect(errors.refuse, no_query=NoQuery)


def wire_app(desk: Desk) -> Router:
    """This wire as an application. It answers under ``/api/v1``."""

    async def nowhere(scope: AsgiScope, _receive: Receive, send: Send) -> None:
        await errors.refuse(errors.NoSuchAddress(), scope[KEY].id.decode()).send(send)

    return Router(routes(OPERATIONS, desk, DIALECT), redirect_slashes=False, default=nowhere)
