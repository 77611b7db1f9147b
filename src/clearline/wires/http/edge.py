"""The outermost layer: gives each request an id, each answer its safe headers, and the log a line."""

import re
import secrets
from asyncio import CancelledError
from collections.abc import Awaitable
from itertools import count
from time import perf_counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from clearline.identity import Actor
from clearline.logs import line_writer
from clearline.metrics.domain import UNKNOWN_ROUTE, RequestCounts
from clearline.stopping import Stopping

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
_PROCESS = secrets.token_hex(8).encode()
_count = count(1)
"""An id that a request gets here is that of the process and its number in it: unique, without a system call."""
_NOSNIFF = (b"x-content-type-options", b"nosniff")
_CLOSE = (b"connection", b"close")
_STOPPING_TEXT = b"The server stops: try again.\n"
_STOPPING = (
    (b"content-type", b"text/plain; charset=utf-8"),
    (b"content-length", b"%d" % len(_STOPPING_TEXT)),
    (b"retry-after", b"1"),
    (b"cache-control", b"no-store"),
)
KEY = "clearline.request"


class RequestFacts:
    """What the log and the metrics say about a request: its id, its actor, its route, its status and its times."""

    __slots__ = ("actor", "began", "id", "is_long", "route", "status")

    def __init__(self, request_id: bytes) -> None:
        self.id = request_id
        self.actor: Actor | None = None
        self.route = UNKNOWN_ROUTE
        self.status = 0
        self.began = 0.0
        """When the answer began, by ``perf_counter``."""
        self.is_long = False
        """Whether the answer lasts as long as its reader wants."""


def header(scope: Scope, name: bytes) -> bytes | None:
    """Return the first value of a header, by its lower-case name, or None."""
    for key, value in scope["headers"]:
        if key == name:
            first: bytes = value
            return first
    return None


class Edge:
    """Wraps the whole application."""

    def __init__(
        self, app: ASGIApp, stopping: Stopping, *, access_log: bool, counts: RequestCounts | None = None
    ) -> None:
        """Wrap an application. ``counts`` is None when there are no metrics."""
        self._app, self._stopping = app, stopping
        self._access_log = access_log
        self._counts = counts
        self._log = line_writer("info")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI 3)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = perf_counter()
        sent = header(scope, b"x-request-id")
        facts = RequestFacts(sent if sent and _REQUEST_ID.fullmatch(sent) else b"%b%08x" % (_PROCESS, next(_count)))
        scope[KEY] = facts

        def send_marked(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start":
                facts.status = message["status"]
                facts.began = perf_counter()
                message["headers"] = [*message["headers"], (b"x-request-id", facts.id), _NOSNIFF]
                if self._stopping.is_draining:  # so that none waits for the next request when the server ends
                    message["headers"].append(_CLOSE)
            return send(message)

        try:
            await self._app(scope, receive, send_marked)
        except CancelledError:  # the stopping server has waited for long enough; it cuts an answer that has begun
            if not facts.status:
                await send_marked({"type": "http.response.start", "status": 503, "headers": [*_STOPPING]})
                await send_marked({"type": "http.response.body", "body": _STOPPING_TEXT})
        finally:
            ended = perf_counter()
            seconds = (facts.began if facts.is_long and facts.began else ended) - started
            if self._counts is not None:
                self._counts.add(facts.route, scope["method"], facts.status, seconds)
            if self._access_log:
                self._log_request(scope, facts, seconds, ended)

    def _log_request(self, scope: Scope, facts: RequestFacts, seconds: float, ended: float) -> None:
        """Log the request. For a long answer ``ms`` is the time until it began, and ``open_s`` how long it lasted."""
        actor = facts.actor
        line = {
            "method": scope["method"],
            "path": scope["path"],
            "status": facts.status,
            "ms": round(seconds * 1000, 1),
            "request_id": facts.id.decode(),
            "company": actor.company.code if actor and actor.company else None,
            "key": actor.key_id if actor else None,
            "event": "request",
        }
        if facts.is_long:
            line["open_s"] = round(ended - facts.began)
        self._log(line)
