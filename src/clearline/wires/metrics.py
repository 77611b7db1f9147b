"""``/metrics`` for Prometheus, on a port of its own; and the names by which it knows the routes of pages."""

import hmac
from collections.abc import Awaitable, Callable, Sequence
from hashlib import sha256
from pathlib import Path

from msgspec.structs import replace
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from clearline.metrics.domain import PAGES, SERVER, RequestCounts, Snapshot
from clearline.metrics.domain import Route as CountedRoute
from clearline.metrics.worker import snapshot_job
from clearline.platform.work.runner import PeriodicJob
from clearline.wires.http.call import Services
from clearline.wires.http.edge import KEY

PATH = "/metrics"
_GZIP_LEVEL = 1
_NO_STORE = {"cache-control": "no-store"}
Text = Callable[[str], Awaitable[tuple[bytes, str]]]
"""Returns the metrics for an Accept header, and their media type."""


def metrics_app(text: Text, token: str | None) -> Starlette:
    """Return the application. With a ``token`` it has to be sent as ``Authorization: Bearer``."""
    digest = None if token is None else _digest(token)

    async def metrics(request: Request) -> Response:
        if digest is not None and not hmac.compare_digest(digest, _digest(_sent_token(request))):
            headers = {**_NO_STORE, "www-authenticate": 'Bearer realm="metrics"'}
            return PlainTextResponse("Send CLEARLINE_METRICS_TOKEN as a bearer token.\n", 401, headers)
        body, media_type = await text(request.headers.get("accept", ""))
        return Response(body, headers={**_NO_STORE, "content-type": media_type})

    return Starlette(routes=[Route(PATH, metrics)], middleware=[Middleware(GZipMiddleware, compresslevel=_GZIP_LEVEL)])


def _digest(token: str) -> bytes:
    return sha256(token.encode()).digest()


def _sent_token(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def counts_job(folder: Path, services: Services, counts: RequestCounts) -> PeriodicJob:
    """Return the job with which a process that answers requests leaves its counts."""

    def with_requests(snapshot: Snapshot) -> Snapshot:
        return replace(
            snapshot, requests=counts.series(), refused=services.refused(), open_streams=services.streams.open
        )

    return snapshot_job(folder, SERVER, services.database, with_requests)


def counted(routes: Sequence[BaseRoute]) -> list[BaseRoute]:
    """Return routes of pages whose requests are counted by the templates of their paths."""
    for route in routes:
        if isinstance(route, (Route, Mount)):
            route.app = _counted_as(CountedRoute(PAGES, route.path), route.app)
    return list(routes)


def _counted_as(name: CountedRoute, app: ASGIApp) -> ASGIApp:
    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        scope[KEY].route = name
        await app(scope, receive, send)

    return serve
