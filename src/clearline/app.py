"""The composition root: settings in, a running application out. Nothing else builds long-lived objects."""

import asyncio
import gc
import os
import secrets
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from multiprocessing import parent_process

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from clearline import logs
from clearline.clock import now
from clearline.domain.attachment import Limits
from clearline.facades.api import reference as house_reference
from clearline.facades.api.errors import CATALOGUE
from clearline.facades.api.routes import wire_app as house_app
from clearline.facades.console_connect.reference import OpenApi, openapi
from clearline.facades.console_connect.routes import wire_app
from clearline.facades.http.call import Desk
from clearline.facades.http.cursors import Cursors
from clearline.facades.http.edge import Edge
from clearline.facades.http.limits import RateLimiter
from clearline.facades.probes import probes
from clearline.gateways.blobs import open_blobs
from clearline.settings import Settings, read_settings
from clearline.store import server
from clearline.store.db import Database
from clearline.usecases.keys import KeyRing
from clearline.web.docs import document_route, problem_routes, reference_routes
from clearline.workers import upkeep
from clearline.workers.runner import Runner

_CONSOLE_CONNECT = ("/v2/", "/auth/")
_HOUSE = "/api/v1/"
_HOUSE_DOCUMENT = "/api/v1/openapi.json"
_HOUSE_PROBLEMS = "/api/v1/problems"
_UNDER_API = ("/api/v2/", "/api/auth/")
_YOUNG_OBJECTS = 10_000
"""How many new objects wait for the garbage collector; the default of 700 has it run several times in a list."""


class Application:
    """The whole server as an ASGI application. Everything is made when it starts and let go when it stops."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._starter = Starlette(lifespan=self._life)
        self._edge: ASGIApp = self._starter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI 3)."""
        app = self._starter if scope["type"] == "lifespan" else self._edge
        await app(scope, receive, send)

    @asynccontextmanager
    async def _life(self, _app: Starlette) -> AsyncIterator[None]:
        settings = self._settings
        if settings.database_url is None:
            raise RuntimeError("an address of a database is needed here; clearline serve starts the embedded one")
        database = await Database.open(settings.database_url, size=settings.pool_size)
        keys = KeyRing(database)
        line = upkeep.ActorsLine(database, keys)
        blobs = open_blobs(settings)
        runner = Runner([*upkeep.own(keys, line), *upkeep.shared(database, blobs, settings, now)])
        try:
            await line.keep_up()
            async with database.transaction() as tx:
                secret = await server.secret(tx, "cursors", secrets.token_bytes(32))
            limits = Limits(settings.attachment_max, settings.attachment_types)
            limiter = RateLimiter(settings.rate_limit)
            desk = Desk(database, keys, limiter, Cursors(secret), now, blobs, limits)
            self._edge = Edge(_Switch(desk), access_log=settings.access_log)
            running = asyncio.create_task(runner.run())
            _stop_with_parent()
            gc.collect()
            gc.freeze()
            gc.set_threshold(_YOUNG_OBJECTS, 20, 50)
            yield
            runner.stop()
            await running
        finally:
            await line.close()
            await database.close()


class _Switch:
    """Hands a request to its wire by the beginning of its path, and to the pages and probes otherwise."""

    def __init__(self, desk: Desk) -> None:
        self._console_connect = wire_app(desk)
        self._house = house_app(desk)
        house = house_reference.openapi()
        rest: list[BaseRoute] = [
            *probes(desk.database),
            Route("/openapi.json", OpenApi(desk).answer),
            document_route(_HOUSE_DOCUMENT, house),
            *reference_routes({"/docs": ("/openapi.json", openapi()), "/docs/api": (_HOUSE_DOCUMENT, house)}),
            *problem_routes(_HOUSE_PROBLEMS, CATALOGUE.values()),
        ]
        self._rest = Starlette(routes=rest)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI 3)."""
        path = scope["path"]
        if path.startswith(_UNDER_API):
            scope["root_path"] = "/api"
            await self._console_connect(scope, receive, send)
        elif path.startswith(_CONSOLE_CONNECT):
            await self._console_connect(scope, receive, send)
        elif path.startswith(_HOUSE) and path != _HOUSE_DOCUMENT and not path.startswith(_HOUSE_PROBLEMS):
            await self._house(scope, receive, send)
        else:
            await self._rest(scope, receive, send)


def _stop_with_parent() -> None:
    """In one of several server processes: stop when the one that started it is gone, however it went."""
    parent = parent_process()
    if parent is not None:
        sentinel = parent.sentinel

        def stop() -> None:
            asyncio.get_running_loop().remove_reader(sentinel)
            os.kill(os.getpid(), signal.SIGTERM)

        asyncio.get_running_loop().add_reader(sentinel, stop)


def from_environment() -> Application:
    """The application of one of several server processes, as ``clearline serve`` starts them."""
    settings = read_settings(os.environ)
    logs.configure(settings.log_format, settings.log_level)
    return Application(settings)
