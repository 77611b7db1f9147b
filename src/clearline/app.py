"""The composition root: settings in, a running application out. Nothing else builds long-lived objects."""

import asyncio
import gc
import os
import re
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any, NoReturn

import structlog
from starlette.applications import Starlette
from starlette.responses import RedirectResponse
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.config import STARTUP_FAILURE

from clearline import logs, schedule
from clearline.accounts.key_ring import KeyRing
from clearline.catalogue.usecases import current_catalogue
from clearline.clock import now
from clearline.errors import OperationalError
from clearline.event_stream.event_signal import EventSignal
from clearline.events import store as event_store
from clearline.mail.inbound.parsing.parser import PARSER
from clearline.metrics import folders
from clearline.metrics.domain import RequestCounts
from clearline.platform.database import migrate
from clearline.platform.database.horizon import HorizonMonitor
from clearline.platform.database.server import shared_secret
from clearline.platform.database.startup import when_available
from clearline.platform.database.transactions import Database, Tx
from clearline.platform.work.runner import PeriodicJob, Runner
from clearline.presence.presence_board import PresenceBoard
from clearline.settings.settings import Settings, read_settings
from clearline.stopping import Stopping
from clearline.tickets.attachments.blobs import Blobs, open_blobs
from clearline.tickets.attachments.domain import attachment_limits
from clearline.tickets.attachments.marks.worker import StoreMonitor
from clearline.version import version
from clearline.web import assets, mail
from clearline.web.area import CONSOLE, EVERYBODY, PORTAL
from clearline.web.branding.desk import Desk
from clearline.web.branding.logo import logo_route
from clearline.web.branding.stylesheet import stylesheet_route
from clearline.web.console.admin.pages import ADMIN_PAGES
from clearline.web.console.pages import PAGES
from clearline.web.docs.plan import ERRORS, Wire
from clearline.web.docs.reference import Reference, document_route
from clearline.web.docs.site import Catalogue, Site
from clearline.web.front import Front
from clearline.web.home import home_route
from clearline.web.language.readers import ByBrowser
from clearline.web.mail_pages.confirmation import confirmation_route
from clearline.web.mail_pages.feedback import feedback_routes
from clearline.web.mail_pages.leaving import leaving_routes
from clearline.web.mail_pages.unsubscribe import unsubscribe_routes
from clearline.web.open_pages.answer import not_found, wants_page
from clearline.web.open_pages.icons import icon_routes
from clearline.web.portal.pages import PORTAL_PAGES
from clearline.web.sign_in.pages import PATHS, SignIn
from clearline.web.sign_in.provider_pages import PREFIXES, ProviderSignIn
from clearline.web.sign_in.session_pages import SESSION_PAGES
from clearline.wires.console_connect.reference import ABOUT, OpenApi, openapi
from clearline.wires.console_connect.routes import wire_app as console_connect_app
from clearline.wires.house import reference as house_reference
from clearline.wires.house.errors import CATALOGUE
from clearline.wires.house.event_stream.webhook_body import webhook_body
from clearline.wires.house.routes import wire_app as house_app
from clearline.wires.http.call import Services
from clearline.wires.http.compression import Compression
from clearline.wires.http.cursors import Cursors
from clearline.wires.http.edge import Edge
from clearline.wires.http.limits import KeptAnswers, LookUps, OpenStreams, RateLimiter, Searches
from clearline.wires.http.protocol import Connections
from clearline.wires.metrics import counted, counts_job
from clearline.wires.probes import probes

_CONSOLE_CONNECT = ("/v2/", "/auth/")
_HOUSE = "/api/v1/"
_HOUSE_PAGE, _CONSOLE_CONNECT_PAGE = "/docs/api", "/docs/console-connect"
_ROOTS = {
    **dict.fromkeys(("/api", "/api/", "/api/v1", "/api/v1/"), _HOUSE_PAGE),
    **dict.fromkeys(("/v2", "/v2/", "/api/v2", "/api/v2/"), _CONSOLE_CONNECT_PAGE),
}
"""Paths above the APIs, with the reference of each. They have no resource, but people open them in a browser."""
_HOUSE_DOCUMENT = "/api/v1/openapi.json"
_WITH_SLASH = re.compile(r"(?:/[\w.-]+)+/", re.ASCII)
"""The path of a page with a slash too many at its end. What could name another host is none."""
_LED = {"cache-control": "no-store", "vary": "Accept"}
"""Headers of the answer that leads a browser elsewhere."""
_SESSION_PATHS = {page.path for page in SESSION_PAGES}
_UNDER_API = ("/api/v2/", "/api/auth/")
_PREPARE_SECONDS = 5
"""How long a starting process waits for its database before it answers requests that this is unavailable."""
_YOUNG_OBJECTS = 10_000
"""How many new objects start the garbage collector; with the default of 700 one list starts it several times."""

_log = structlog.get_logger("clearline.server")


def shared_jobs(database: Database, blobs: Blobs, settings: Settings) -> list[PeriodicJob]:
    """Return the jobs that any process can run, with the wires' bodies and the pages' templates.

    Those for mail that comes in are not among them: they run in a process of their own.
    """
    return schedule.shared_jobs(database, blobs, settings, webhook_body, mail.render, now)


class Application:
    """The whole server as an ASGI application. It opens everything when it starts and closes it when it stops."""

    def __init__(self, settings: Settings, metrics_folder: Path | None = None) -> None:
        """Make a server that leaves its counts in ``metrics_folder``, or counts nothing."""
        self._settings, self._metrics_folder = settings, metrics_folder
        self._starter = Starlette(lifespan=self._life)
        self._edge: ASGIApp = self._starter
        self._has_failed = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or start and stop (ASGI 3)."""
        if scope["type"] == "lifespan":
            await self._starter(scope, receive, partial(self._send_without_traceback, send))
        else:
            await self._edge(scope, receive, send)

    async def _send_without_traceback(self, send: Send, message: Message) -> None:
        """Send what the server is told of the start or the stop; it would log Starlette's traceback.

        When the background work fails, its error is logged already, and Starlette's is only that the start did not end.
        """
        await send({"type": message["type"]} if self._has_failed else message)

    @asynccontextmanager
    async def _life(self, _app: Starlette) -> AsyncIterator[dict[str, Any]]:
        settings = self._settings
        if settings.database_url is None:
            raise RuntimeError("an address of a database is needed here; clearline serve starts the embedded one")
        _log.info("the server starts", version=version())
        database = Database(settings.database_url, size=settings.pool_size)
        keys, cursors, horizon = KeyRing(database), Cursors(), HorizonMonitor(database)
        presence = PresenceBoard()
        desk = Desk(database)
        listener = schedule.ServerListener(database, keys, presence, desk.forget)
        blobs = open_blobs(settings)
        store = StoreMonitor(database, blobs, now)
        shared = shared_jobs(database, blobs, settings) if settings.workers else []
        event_signal = EventSignal(database)
        limits = attachment_limits(settings)
        limiter = RateLimiter(settings.rate_limit, settings.requests_of_company)
        streams = OpenStreams(per_company=settings.company_streams, in_all=settings.streams)
        services = Services(
            database, keys, limiter, cursors, now, blobs, limits, event_signal, streams, mail.render, settings=settings,
            look_ups=LookUps(settings.unknown_keys),
            searches=Searches(settings.company_searches),
            kept_answers=KeptAnswers(settings.company_idempotency_max),
            presence=presence,
            forget_desk=desk.forget,
        )  # fmt: skip
        stopping = Stopping(settings.drain_seconds, event_signal.stop)
        counts = None if self._metrics_folder is None else RequestCounts()
        switch = _Switch(services, horizon, store, desk, stopping)
        self._edge = Edge(switch, stopping, access_log=settings.access_log, counts=counts)
        jobs = [*schedule.database_jobs(database, horizon), *schedule.server_jobs(keys, listener), store.job(), *shared]
        if self._metrics_folder is not None and counts is not None:
            jobs.append(counts_job(self._metrics_folder, services, counts))
        runner = Runner(jobs)

        async def prepare() -> None:
            await _prepare(database, cursors)
            await listener.connect()
            async with database.statement() as tx:
                await current_catalogue(tx)

        background = _Background(prepare, runner)
        try:
            await background.start()
            gc.collect()
            gc.freeze()
            gc.set_threshold(_YOUNG_OBJECTS, 20, 50)
            with stopping.on_signals():
                yield Connections(settings.connections, settings.peer_connections, settings.headers_max).state()
        except asyncio.CancelledError:
            self._has_failed = background.has_failed
            if not self._has_failed:
                raise
        finally:
            await background.stop()
            PARSER.close()
            await event_signal.close()
            await listener.close()
            await database.close()


async def _prepare(database: Database, cursors: Cursors) -> None:
    """Migrate the database and connect to it, so that requests are answered from then on."""

    async def before_the_first_read(tx: Tx) -> None:
        await event_store.renumber(tx)
        cursors.sign_with(await shared_secret(tx, "cursors", secrets.token_bytes(32)))

    await migrate.migrate(database, afterwards=before_the_first_read, announce=log_breaking_migrations)
    await database.connect()


def log_breaking_migrations(announcement: migrate.Announcement) -> None:
    """Log that servers of older versions will not be ready any more, or are not."""
    _log.warning(announcement.text)


class _Background:
    """What a process does beside its requests: it prepares the database as soon as that is available, then runs jobs.

    Meanwhile requests are answered that the database is unavailable. Ends the process when that cannot be mended by
    waiting, or when the jobs end although nobody stopped them: whoever started the process starts it again.
    """

    def __init__(self, prepare: Callable[[], Awaitable[None]], runner: Runner) -> None:
        self._prepare, self._runner = prepare, runner
        self._is_tried, self._is_prepared = asyncio.Event(), False
        self.has_failed = False
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin. Return when the database is prepared, is unavailable, or takes longer than usual."""
        self._task = asyncio.create_task(self._run(), name="background")
        tried = asyncio.create_task(self._is_tried.wait())
        await asyncio.wait({self._task, tried}, timeout=_PREPARE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        tried.cancel()

    async def stop(self) -> None:
        """Stop the jobs, and wait for their end."""
        self._runner.stop()
        if self._task is None:
            return
        if not self._is_prepared:
            self._task.cancel()
        await asyncio.wait({self._task})

    async def _run(self) -> None:
        try:
            await when_available(self._try_to_prepare)
            self._is_prepared = True
            await self._runner.run()
        except OperationalError as error:
            _log.error("the server cannot start", error=str(error))
            self._fail()
        except Exception:  # noqa: BLE001 - a server without its jobs would look well
            _log.exception("the server ends: its background work failed")
            self._fail()

    def _fail(self) -> NoReturn:
        self.has_failed = True
        raise SystemExit(STARTUP_FAILURE)

    async def _try_to_prepare(self) -> None:
        try:
            await self._prepare()
        finally:
            self._is_tried.set()


def reference_wires(settings: Settings) -> tuple[Wire, Wire]:
    """Return the wires that have reference pages, with their OpenAPI documents of a server with these settings."""
    own, house = cache(partial(openapi, settings)), cache(partial(house_reference.openapi, settings))
    return (
        Wire(_CONSOLE_CONNECT_PAGE, "/openapi.json", ABOUT.title, own),
        Wire(_HOUSE_PAGE, _HOUSE_DOCUMENT, house_reference.ABOUT.title, house),
    )


def reference_site(wires: Sequence[Wire], settings: Settings) -> Site:
    """Return the reference pages of a server with these settings."""
    hours = settings.keep_idempotency_keys_days * 24
    return Site(wires, Catalogue(CATALOGUE.values(), settings.page_url(""), settings.rate_limit, hours))


def _led_to(scope: Scope, path: str) -> str | None:
    """Return where a browser is led that opens an address without a page: above an API, or with a slash too many."""
    if path in _ROOTS:
        to = _ROOTS[path]
    elif path.endswith("/") and _WITH_SLASH.fullmatch(path) and not path.startswith((*_CONSOLE_CONNECT, "/api/")):
        query = scope["query_string"].decode("latin-1")
        to = path[:-1] + (f"?{query}" if query else "")
    else:
        return None
    return to if wants_page(scope) else None


class _Switch:
    """Passes a request to its wire by the prefix of its path, and to the pages and probes otherwise."""

    def __init__(
        self, services: Services, horizon: HorizonMonitor, store: StoreMonitor, desk: Desk, stopping: Stopping
    ) -> None:
        self._console_connect = Compression(console_connect_app(services))
        self._house = Compression(house_app(services), varies=True)
        wires = reference_wires(services.settings)
        reference = Reference(reference_site(wires, services.settings), services)
        self._areas = {
            area: ByBrowser(Compression(Front(table, area, services)), desk)
            for area, table in ((CONSOLE, (*ADMIN_PAGES, *PAGES)), (PORTAL, PORTAL_PAGES))
        }
        self._session_pages = ByBrowser(Compression(Front(SESSION_PAGES, EVERYBODY, services)), desk)
        self._sign_in = ByBrowser(Compression(SignIn(services)), desk)
        self._provider_sign_in = ByBrowser(Compression(ProviderSignIn(services)), desk)
        if not assets.manifest():
            _log.error("pages are not available", problem=assets.MISSING)
        other: list[BaseRoute] = [
            assets.asset_route(),
            stylesheet_route(),
            logo_route(services.database),
            *probes(services.database, lambda: [horizon.blocker, store.problem], stopping),
            home_route(services.database),
            Route("/openapi.json", OpenApi(services, wires[0].document).answer),
            document_route(wires[1]),
            *icon_routes(),
            confirmation_route(services.database, services.settings, services.now),
            *unsubscribe_routes(services.database, services.now),
            *leaving_routes(services.database, services.now),
            *feedback_routes(services.database, services.now),
            *reference.routes(),
        ]
        self._other = ByBrowser(
            Compression(Starlette(routes=counted(other), exception_handlers={404: not_found})), desk
        )

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Serve one request (ASGI 3)."""
        to = _led_to(scope, scope["path"])
        app = self._app_at(scope, scope["path"]) if to is None else RedirectResponse(to, 303, _LED)
        return app(scope, receive, send)

    def _app_at(self, scope: Scope, path: str) -> ASGIApp:
        if path.startswith(_UNDER_API):
            scope["root_path"] = "/api"
            return self._console_connect
        if path.startswith(_CONSOLE_CONNECT):
            return self._console_connect
        if _ROOTS.get(path) == _HOUSE_PAGE:
            return self._house
        if path.startswith(_HOUSE) and path != _HOUSE_DOCUMENT and not path.startswith(ERRORS):
            return self._house
        return self._page_at(path)

    def _page_at(self, path: str) -> ASGIApp:
        if path in PATHS:
            return self._sign_in
        if path.startswith(PREFIXES):
            return self._provider_sign_in
        if path in _SESSION_PATHS:
            return self._session_pages
        return next((app for area, app in self._areas.items() if area.has(path)), self._other)


def from_environment() -> Application:
    """Return the application of one of several server processes, as ``clearline serve`` starts them."""
    settings = read_settings(os.environ)
    logs.configure(settings.log_format, settings.log_level)
    return Application(settings, folders.inherited(os.environ))
