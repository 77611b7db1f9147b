"""The composition root: settings in, a running application out. Nothing else builds long-lived objects."""

import asyncio
import gc
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from multiprocessing import parent_process

import structlog
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from clearline import logs
from clearline.clock import now
from clearline.facades.console_connect.reference import OpenApi, openapi
from clearline.facades.console_connect.routes import wire_app
from clearline.facades.http.edge import Edge
from clearline.facades.http.limits import RateLimiter
from clearline.facades.http.resource import Desk
from clearline.facades.probes import probes
from clearline.settings import Settings, read_settings
from clearline.store.db import Database
from clearline.usecases.accounts import KeyRing
from clearline.web.docs import reference_routes
from clearline.workers import upkeep
from clearline.workers.runner import Runner

_log = structlog.get_logger("clearline")
_CONSOLE_CONNECT = ("/v2/", "/auth/")
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
        runner = Runner(upkeep.jobs(database, keys, line, now))
        try:
            await line.keep_up()
            desk = Desk(database, keys, RateLimiter(settings.rate_limit), now)
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
        rest: list[BaseRoute] = [
            *probes(desk.database),
            Route("/openapi.json", OpenApi(desk).answer),
            *reference_routes(openapi()),
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
