"""The HTTP client of webhooks.

URLs come from users: the client connects only to addresses that may be reached, limits the time of a request, and does
not follow redirects.
"""

import asyncio
import contextlib
import socket
import ssl
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial
from time import monotonic
from urllib.parse import urlsplit

import httpcore
from msgspec import Struct

from clearline.platform.network.addresses import may_reach, origin
from clearline.webhooks.http.resolver import Resolver, ResolveTimeout

BODY_READ_MAX = 2000
"""Bytes of a response's body that are read; then the connection is closed."""

_IDLE_SECONDS = 20
ORIGINS_MAX = 500
"""Origins whose idle connections are kept."""

_IDLE_MAX = 200
"""Idle connections to one origin that stay open for the next request."""

_BODY_SECONDS = 1
_INVALID_NAME = "the name is not valid"

_PRINTABLE = str.maketrans({0: "\N{REPLACEMENT CHARACTER}"})

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Returns the addresses of a host and port."""


class Unreachable(Exception):
    """There was no response. The text says why, without anything that the other side sent."""


class Response(Struct, frozen=True):
    """The status, the header Retry-After, and the beginning of the body."""

    status: int
    retry_after: str | None
    body: str


class _AddressForbidden(Exception):
    """A name has an address that may not be reached."""


class _PinnedBackend(httpcore.AsyncNetworkBackend):
    """Connects to the addresses that were checked, whatever the name resolves to by then."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self._addresses = addresses
        self._network = httpcore.AnyIOBackend()
        self._opened: httpcore.AsyncNetworkStream | None = None

    async def connect_tcp(
        self,
        host: str,  # noqa: ARG002 - its addresses are known
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's own
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address that accepts a connection."""
        *others, last = self._addresses
        connect = partial(
            self._network.connect_tcp,
            port=port,
            timeout=timeout,
            local_address=local_address,
            socket_options=socket_options,
        )
        for address in others:
            with contextlib.suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                self._opened = await connect(address)
                return self._opened
        self._opened = await connect(last)
        return self._opened

    async def sleep(self, seconds: float) -> None:
        """Wait between two tries, for httpcore."""
        await asyncio.sleep(seconds)

    async def close(self) -> None:
        """Close the TCP connection."""
        if self._opened is not None:
            await self._opened.aclose()


class _Connection(httpcore.AsyncHTTPConnection):
    """A connection that can be closed after its TLS handshake was cancelled, when httpcore no longer knows it."""

    def __init__(self, to: httpcore.Origin, addresses: Sequence[str], trust: ssl.SSLContext | None) -> None:
        self._backend = _PinnedBackend(addresses)
        super().__init__(to, ssl_context=trust, keepalive_expiry=_IDLE_SECONDS, network_backend=self._backend)

    async def aclose(self) -> None:
        """Close the connection, whether or not it was established."""
        await super().aclose()
        await self._backend.close()


class _Origin:
    """The idle connections to one origin.

    It uses httpcore's connections and not its pool: the pool looks at every connection for every request that waits,
    which took nine tenths of the time with 200 concurrent requests.
    """

    __slots__ = ("_connect", "idle", "used_at", "users")

    def __init__(self, connect: Callable[[], Awaitable[_Connection]]) -> None:
        self._connect = connect
        self.idle: list[_Connection] = []
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

    async def _on(self, connection: _Connection, request: httpcore.Request) -> Response:
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
            raise Unreachable(_INVALID_NAME) from None
        connections.users += 1
        try:
            async with asyncio.timeout(self._seconds) as limit:
                return await connections.post(request, limit)
        except ResolveTimeout:
            raise Unreachable("the name was not resolved in time") from None
        except TimeoutError:
            raise Unreachable(f"no answer within {self._seconds:g} s") from None
        except _AddressForbidden:
            raise Unreachable("the name leads to no public address, or to one that may not be reached") from None
        except socket.gaierror:
            raise Unreachable("the name is not known") from None
        except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
            raise Unreachable(_connect_error(error)) from None
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, OSError) as error:
            raise Unreachable(f"the connection broke off ({type(error).__name__})") from None
        except ValueError:  # raised by IDNA (RFC 5890) and TLS for invalid names; after OSError, which some of them are
            raise Unreachable(_INVALID_NAME) from None
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

    async def _connect(self, to: httpcore.Origin) -> _Connection:
        """Return a new connection to the addresses of the origin's host.

        Raises:
            _AddressForbidden: one of the addresses may not be reached, or there is none.
        """
        is_plain = to.scheme == b"http"
        host = to.host.decode("ascii").strip("[]")
        addresses = list(dict.fromkeys(await self._resolve(host, to.port)))
        if not addresses or not all(may_reach(address, self._networks, is_plain=is_plain) for address in addresses):
            raise _AddressForbidden
        if not is_plain and self._trust is None:
            self._trust = httpcore.default_ssl_context()  # takes a tenth of a second: only when it is needed
        return _Connection(to, addresses, self._trust)

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


def _connect_error(error: Exception) -> str:
    """Return why a connection was not made, without the other side's words."""
    inner: BaseException | None = error
    while inner is not None:
        if isinstance(inner, ssl.SSLCertVerificationError):
            return f"the certificate is not good: {inner.verify_message}"
        if isinstance(inner, ssl.SSLError):
            return "TLS failed"
        if isinstance(inner, ConnectionRefusedError):
            return "the connection was refused"
        inner = inner.__cause__ or inner.__context__
    return "no connection was made"
