"""HTTP/1.1 on one connection: uvicorn's protocol, with limits on what a client may do before it is known.

uvicorn and httptools have no setting for any of them.
"""

import re
from asyncio import AbstractEventLoop, TimerHandle, Transport
from collections import Counter
from functools import lru_cache
from http import HTTPStatus
from ipaddress import IPv6Address
from typing import Any

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from clearline.settings.defaults import HEADERS_MAX

HEADERS_SECONDS = 15
"""How long a client may take for them, and to begin after it has connected."""
BODY_GRACE_SECONDS, BODY_RATE = 30, 1000
"""For how long a body may be slow, and the bytes in a second that it must have on average after that."""
READ_SECONDS, READ_RATE = 60, 100
"""How long a client that does not keep up is watched, and the bytes in a second that it must have read then."""
STOP_SECONDS = 3
"""How long a stopping server lets clients read the rest of their answers."""
CHECK_SECONDS = 5
"""How often the progress of a slow client is checked."""

LINGER_SECONDS = 1
"""How long a refused client may go on sending."""
_REFUSED_MAX = 100
"""Connections beyond the limit that are open for that long."""

_JOINED_MAX = 64 * 1024
"""Bytes of the largest part that is copied behind the one before it."""

_HOST = re.compile(
    r"(?:\[([0-9A-Fa-f:.]{2,45})\]|(?=[^:]{1,255}(?::|\Z))[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?)(?::([0-9]{1,5}))?"
)
_PORT_MAX = 65535
_STATE = "clearline.connections"


class Connections:
    """How many connections a process has, in all and of each address; 0 is no limit.

    ``headers_max`` is the most bytes of the request line and the headers of each.
    """

    def __init__(self, in_all: int, per_peer: int, headers_max: int = HEADERS_MAX) -> None:
        self.in_all, self.per_peer, self.headers_max = in_all, per_peer, headers_max
        self.by_peer: Counter[str] = Counter()

    def state(self) -> dict[str, Any]:
        """Return what the application's lifespan yields, for the protocol to find it."""
        return {_STATE: self}


class _Refused(Exception):
    """The request is refused before the application sees it."""


@lru_cache(maxsize=1024)
def _is_host(value: bytes) -> bool:
    match = _HOST.fullmatch(value.decode("latin-1"))
    if match is None or int(match[2] or 0) > _PORT_MAX:
        return False
    try:
        return match[1] is None or IPv6Address(match[1]) is not None
    except ValueError:
        return False


class _JoiningTransport:
    """A transport that sends the parts of an answer together: its headers with the first part of its body.

    uvicorn writes them apart, which costs a second system call, and often a second packet. Everything else goes on to
    the transport itself, after what was written before it.
    """

    __slots__ = ("_loop", "_part", "_transport", "is_closing")

    def __init__(self, transport: Transport, loop: AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._part = b""
        self.is_closing = transport.is_closing

    def __getattr__(self, name: str) -> Any:
        """Return the attribute of the transport itself."""
        self._flush()
        return getattr(self._transport, name)

    def write(self, part: bytes) -> None:
        """Write a part together with the next one, or at the end of this turn of the loop when there is none."""
        if not self._part:
            self._part = part
            self._loop.call_soon(self._flush)
        elif len(part) > _JOINED_MAX:
            self._flush()
            self._transport.write(part)
        else:
            self._part += part
            self._flush()

    def _flush(self) -> None:
        if self._part:
            part, self._part = self._part, b""
            self._transport.write(part)


class LimitedProtocol(HttpToolsProtocol):
    """One connection. Timers run only for clients that are slow."""

    _pending = 0
    """Bytes since the last request was complete."""
    _has_begun = False
    """Whether a part of a request line was received."""
    _in_body = False
    """Whether the headers are complete, and the body is not."""
    _refusal: tuple[HTTPStatus, str] | None = None
    _is_refused = False
    _limits: Connections | None = None
    _headers_max = HEADERS_MAX
    _peer = ""
    _headers_timer: TimerHandle | None = None
    _body_timer: TimerHandle | None = None
    _read_timer: TimerHandle | None = None
    _body_began = 0.0
    _body_size = 0
    _unread, _unread_since = 0, 0.0

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Accept the connection, or close it when there are too many."""
        super().connection_made(_JoiningTransport(transport, self.loop))  # type: ignore[arg-type]
        limits: Connections | None = self.app_state.get(_STATE)
        if limits is not None:
            self._limits, self._peer = limits, self.client[0] if self.client else ""
            self._headers_max = limits.headers_max
            limits.by_peer[self._peer] += 1
            too_many_in_all = limits.in_all and len(self.connections) > limits.in_all
            if too_many_in_all or (limits.per_peer and limits.by_peer[self._peer] > limits.per_peer):
                whose = "the server has" if too_many_in_all else "your address has"
                self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, f"{whose} too many connections: try again later")
                return
        self._expect_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop all timers."""
        super().connection_lost(exc)
        if self._limits is not None:
            self._limits.by_peer[self._peer] -= 1
            if not self._limits.by_peer[self._peer]:
                del self._limits.by_peer[self._peer]
            self._limits = None
        for timer in (self._headers_timer, self._body_timer, self._read_timer):
            if timer is not None:
                timer.cancel()

    def data_received(self, data: bytes) -> None:
        """Parse bytes of the client, and watch it if they do not complete a request."""
        if self._refusal is not None:
            return
        self._pending += len(data)
        self._body_size += len(data)
        super().data_received(data)
        if self._in_body:
            if self._body_timer is None:
                self._expect_body()
        elif self._has_begun or self._pending:
            if self._pending > self._headers_max:
                self._refuse(*self._too_long())
            elif self._headers_timer is None:
                self._expect_headers()

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self._has_begun = True

    def on_headers_complete(self) -> None:
        """Check the headers, then let the application answer."""
        if self._headers_timer is not None:
            self._headers_timer.cancel()
            self._headers_timer = None
        if self._pending > self._headers_max and self._headers_size() > self._headers_max:
            self._refusal = self._too_long()
            raise _Refused
        hosts = [value for name, value in self.headers if name == b"host"]
        if len(hosts) != 1 or not _is_host(hosts[0]):
            is_old = not hosts and self.parser.get_http_version() == "1.0"  # which did not have it
            if not is_old:
                self._refusal = (HTTPStatus.BAD_REQUEST, "the Host header must be given once, as a name or an address")
                raise _Refused
        super().on_headers_complete()
        self._in_body = True

    def on_message_complete(self) -> None:
        """Expect the next request."""
        super().on_message_complete()
        self._has_begun = self._in_body = False
        self._pending = 0
        if self._body_timer is not None:
            self._body_timer.cancel()
            self._body_timer = None

    def send_400_response(self, msg: str) -> None:
        """Answer what cannot be parsed, or is refused."""
        status, detail = self._refusal or (HTTPStatus.BAD_REQUEST, msg)
        self._refuse(status, detail)

    def pause_writing(self) -> None:
        """Watch a client that does not read its answer fast enough."""
        super().pause_writing()
        self._unread, self._unread_since = self.transport.get_write_buffer_size(), self.loop.time()
        if self._read_timer is None:
            self._read_timer = self.loop.call_later(CHECK_SECONDS, self._check_reader)

    def resume_writing(self) -> None:
        """Stop watching the client."""
        super().resume_writing()
        if self._read_timer is not None:
            self._read_timer.cancel()
            self._read_timer = None

    def shutdown(self) -> None:
        """Let the running answer end, and do not wait long for a client that does not read it."""
        super().shutdown()
        self.loop.call_later(STOP_SECONDS, self._abort_unread)

    def _abort_unread(self) -> None:
        if self.flow.write_paused or (self.transport.is_closing() and self.transport.get_write_buffer_size()):
            self.transport.abort()

    def _headers_size(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def _expect_headers(self) -> None:
        self._headers_timer = self.loop.call_later(HEADERS_SECONDS, self._refuse_slow)

    def _too_long(self) -> tuple[HTTPStatus, str]:
        detail = f"the request line and the headers must not be longer than {self._headers_max} bytes"
        return HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, detail

    def _refuse_slow(self) -> None:
        if self._has_begun or self._pending:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, "the request took too long to arrive")
        else:
            self.transport.close()

    def _expect_body(self) -> None:
        self._body_began, self._body_size = self.loop.time(), 0
        self._body_timer = self.loop.call_later(CHECK_SECONDS, self._check_body)

    def _check_body(self) -> None:
        """Refuse a body that arrives too slowly, unless it is the application that does not read it."""
        seconds = self.loop.time() - self._body_began - BODY_GRACE_SECONDS
        if self.flow.read_paused:
            self._body_began += CHECK_SECONDS
        elif seconds > 0 and self._body_size < seconds * BODY_RATE:
            self._refuse_slow()
            return
        self._body_timer = self.loop.call_later(CHECK_SECONDS, self._check_body)

    def _check_reader(self) -> None:
        """Abort the connection to a client that has read too little for a while."""
        unread, now = self.transport.get_write_buffer_size(), self.loop.time()
        if self._unread - unread >= (now - self._unread_since) * READ_RATE:
            self._unread, self._unread_since = unread, now
        elif now - self._unread_since >= READ_SECONDS:
            self.transport.abort()
            return
        self._read_timer = self.loop.call_later(CHECK_SECONDS, self._check_reader)

    def _refuse(self, status: HTTPStatus, detail: str) -> None:
        """Answer a problem (RFC 9457) if no answer has begun, and close the connection.

        What the client still sends is read for a moment: closed at once, the connection is reset, and the answer lost.
        """
        if self._is_refused or self.transport.is_closing():
            return
        self._is_refused, self._refusal = True, (status, detail)
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is None or cycle.response_complete or not cycle.response_started:
            body = msgspec.json.encode({"title": status.phrase, "status": status, "detail": detail})
            self.transport.write(
                b"HTTP/1.1 %d %b\r\ncontent-type: application/problem+json\r\ncontent-length: %d\r\n"
                b"cache-control: no-store\r\nconnection: close\r\n\r\n%b"
                % (status, status.phrase.encode(), len(body), body)
            )
            is_crowded = self._limits is not None and len(self.connections) > self._limits.in_all + _REFUSED_MAX
            if self.transport.can_write_eof() and not is_crowded:
                self.transport.write_eof()
                self.loop.call_later(LINGER_SECONDS, self.transport.close)
                return
        self.transport.close()
