"""The HTTP client of webhooks.

URLs come from users: the client connects only to addresses that may be reached, limits the time of a request, and does
not follow redirects.
"""

import asyncio
import contextlib
import ssl
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from time import monotonic
from urllib.parse import urlsplit

import httpcore
from msgspec import Struct

from clearline.platform.network.addresses import origin
from clearline.platform.network.connections import (
    INVALID_NAME,
    Connection,
    Resolve,
    Unreachable,
    checked_connection,
    reported_failures,
)
from clearline.platform.network.resolver import Resolver

BODY_READ_MAX = 2000
"""Bytes of a response's body that are read; then the connection is closed."""

_IDLE_SECONDS = 20
ORIGINS_MAX = 500
"""Origins whose idle connections are kept."""

_IDLE_MAX = 200
"""Idle connections to one origin that stay open for the next request."""

_BODY_SECONDS = 1
_PRINTABLE = str.maketrans({0: "\N{REPLACEMENT CHARACTER}"})


class Response(Struct, frozen=True):
    """The status, the header Retry-After, and the beginning of the body."""

    status: int
    retry_after: str | None
    body: str


class _Origin:
    """The idle connections to one origin.

    It uses httpcore's connections and not its pool: the pool looks at every connection for every request that waits,
    which took nine tenths of the time with 200 concurrent requests.
    """

    __slots__ = ("_connect", "idle", "used_at", "users")

    def __init__(self, connect: Callable[[], Awaitable[Connection]]) -> None:
        self._connect = connect
        self.idle: list[Connection] = []
        self.users, self.used_at = 0, 0.0

    async def post(self, request: httpcore.Request, limit: asyncio.Timeout) -> Response:
        """Send a request on an idle connection, or on a new one when there is none, or it was closed in the meantime.

        The time until the name is resolved does not count for ``limit``.
        """
        while self.idle:
            connection = self.idle.pop()
            if connection.has_expired() or not connection.is_idle():
                await connection.aclose()
                continue
            with contextlib.suppress(httpcore.NetworkError, httpcore.RemoteProtocolError):
                return await self._on(connection, request)
            break
        clock, ends = asyncio.get_running_loop().time, limit.when()
        limit.reschedule(None)
        began = clock()
        connection = await self._connect()
        limit.reschedule(None if ends is None else ends + clock() - began)
        return await self._on(connection, request)

    async def _on(self, connection: Connection, request: httpcore.Request) -> Response:
        try:
            response = await connection.handle_async_request(request)
            try:
                return await _read(response)
            finally:
                await response.aclose()
        finally:
            if connection.is_available() and len(self.idle) < _IDLE_MAX:
                self.idle.append(connection)
            else:
                await connection.aclose()
            while self.idle and self.idle[0].has_expired():
                await self.idle.pop(0).aclose()

    async def close(self) -> None:
        """Close the idle connections."""
        while self.idle:
            await self.idle.pop().aclose()


class WebhookClient:
    """Sends webhooks.

    ``seconds`` limits a whole request once its name is resolved. ``networks`` are the private ones that may be reached,
    over plain HTTP too. Certificates are checked against ``trust``, by default the system's and certifi's authorities.
    """

    def __init__(
        self,
        *,
        seconds: float,
        networks: Sequence[str] = (),
        resolve: Resolve | None = None,
        trust: ssl.SSLContext | None = None,
        origins_max: int = ORIGINS_MAX,
    ) -> None:
        self._seconds, self._networks, self._trust = seconds, networks, trust
        self._origins_max = origins_max
        self._resolver = Resolver()
        self._resolve = resolve or self._resolver
        self._origins: OrderedDict[str, _Origin] = OrderedDict()

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Response:
        """Send a body and return the response. Redirects are not followed.

        Raises:
            Unreachable: there was no response in time, or the address may not be reached.
        """
        try:
            connections, request = self._origin(url), _request(url, headers, body)
        except (ValueError, TypeError):  # httpcore's TypeError: not ASCII
            raise Unreachable(INVALID_NAME) from None
        connections.users += 1
        try:
            with reported_failures(self._seconds):
                async with asyncio.timeout(self._seconds) as limit:
                    return await connections.post(request, limit)
        finally:
            connections.users -= 1
            connections.used_at = monotonic()
            await self._close_unused()

    def _origin(self, url: str) -> _Origin:
        name = origin(url)
        if name not in self._origins:
            self._origins[name] = _Origin(partial(self._connect, httpcore.URL(url).origin))
        self._origins.move_to_end(name)
        return self._origins[name]

    async def _connect(self, to: httpcore.Origin) -> Connection:
        if to.scheme != b"http" and self._trust is None:
            self._trust = httpcore.default_ssl_context()  # takes a tenth of a second: only when it is needed
        return await checked_connection(
            to, self._resolve, self._networks, trust=self._trust, keep_seconds=_IDLE_SECONDS
        )

    async def _close_unused(self) -> None:
        """Close the connections that were not used for a while, the longest unused first."""
        limit = monotonic() - _IDLE_SECONDS
        while self._origins:
            name, first = next(iter(self._origins.items()))
            if first.users or (first.used_at > limit and len(self._origins) <= self._origins_max):
                return
            del self._origins[name]
            await first.close()

    async def close(self) -> None:
        """Close every connection, and stop resolving names."""
        await self._resolver.close()
        while self._origins:
            await self._origins.popitem()[1].close()


def _request(url: str, headers: Mapping[str, str], body: bytes) -> httpcore.Request:
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    where = httpcore.URL(scheme=parts.scheme, host=parts.hostname or "", port=parts.port, target=target)
    sent = [("host", parts.netloc), *headers.items(), ("content-length", str(len(body)))]
    return httpcore.Request("POST", where, headers=sent, content=body)


async def _read(response: httpcore.Response) -> Response:
    retry_after = next((value for name, value in response.headers if name.lower() == b"retry-after"), None)
    excerpt = bytearray()
    # The status decides: a body that never ends, or breaks off, does not change it.
    with contextlib.suppress(httpcore.NetworkError, httpcore.ProtocolError, TimeoutError):
        async with asyncio.timeout(_BODY_SECONDS):
            async for chunk in response.aiter_stream():
                excerpt += chunk
                if len(excerpt) > BODY_READ_MAX:
                    break
    text = bytes(excerpt[:BODY_READ_MAX]).decode("utf-8", "replace").translate(_PRINTABLE)
    return Response(response.status, None if retry_after is None else retry_after.decode("latin-1"), text)
