"""HTTP requests to addresses that others chose: never into our own network, never for long, never followed."""

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

from clearline.webhooks.domain import may_reach, origin
from clearline.webhooks.resolver import NotInTime, Resolver

ANSWER_MAX = 2000
"""Bytes of an answer's body that are read; then the connection is closed."""

_IDLE_SECONDS = 20
_MOST_ORIGINS = 500
_KEPT = 200
"""Connections to one origin that stay open for the next request."""

_BODY_SECONDS = 1
_NO_NAME = "the name is not valid"

_PRINTABLE = str.maketrans({0: "\N{REPLACEMENT CHARACTER}"})

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host."""


class Unreachable(Exception):
    """Nobody answered; the text says why, without what the other side wrote."""


class Answer(Struct, frozen=True):
    """What came back: the status, the header Retry-After, and the beginning of the body."""

    status: int
    retry_after: str | None
    body: str


class _Forbidden(Exception):
    """A name leads into a network that may not be reached."""


class _Guarded(httpcore.AsyncNetworkBackend):
    """Connects to the very addresses that were checked: a name that changes in between changes nothing."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self._addresses = addresses
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,  # noqa: ARG002 - its addresses are known
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's own
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address that answers, whatever the host is called."""
        *others, last = self._addresses
        for address in others:
            with contextlib.suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                return await self._network.connect_tcp(address, port, timeout, local_address, socket_options)
        return await self._network.connect_tcp(last, port, timeout, local_address, socket_options)

    async def sleep(self, seconds: float) -> None:
        """Wait, as httpcore asks for."""
        await asyncio.sleep(seconds)


class _Origin:
    """The open connections to one origin that nobody uses.

    A list of httpcore's connections and not its pool: that looks at every connection for every request that waits,
    which took nine tenths of the time with two hundred under way.
    """

    __slots__ = ("_make", "idle", "used_at", "users")

    def __init__(self, make: Callable[[], Awaitable[httpcore.AsyncHTTPConnection]]) -> None:
        self._make = make
        self.idle: list[httpcore.AsyncHTTPConnection] = []
        self.users, self.used_at = 0, 0.0

    async def post(self, request: httpcore.Request, limit: asyncio.Timeout) -> Answer:
        """Send a request on an open connection, or on a new one when there is none, or it broke meanwhile.

        The ``limit`` does not count the time until the name is resolved.
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
        connection = await self._make()
        limit.reschedule(None if ends is None else ends + clock() - began)
        return await self._on(connection, request)

    async def _on(self, connection: httpcore.AsyncHTTPConnection, request: httpcore.Request) -> Answer:
        try:
            response = await connection.handle_async_request(request)
            try:
                return await _read(response)
            finally:
                await response.aclose()
        finally:
            if connection.is_idle() and len(self.idle) < _KEPT:
                self.idle.append(connection)
            else:
                await connection.aclose()
            while self.idle and self.idle[0].has_expired():
                await self.idle.pop(0).aclose()

    async def close(self) -> None:
        """Close the connections that nobody uses."""
        while self.idle:
            await self.idle.pop().aclose()


class HttpOut:
    """Posts to addresses that others chose.

    ``seconds`` is the most that a whole request may take once its name is resolved, ``networks`` the private ones that
    may be reached, plain HTTP included. ``trust`` is what certificates are checked against: by default the system's and
    certifi's authorities.
    """

    def __init__(
        self,
        *,
        seconds: float,
        networks: Sequence[str] = (),
        resolve: Resolve | None = None,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        self._seconds, self._networks, self._trust = seconds, networks, trust
        self._resolver = Resolver()
        self._resolve = resolve or self._resolver
        self._origins: OrderedDict[str, _Origin] = OrderedDict()

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send a body, and answer what came back; redirects are not followed.

        Raises:
            Unreachable: nobody answered in time, or the address may not be reached.
        """
        try:
            place, request = self._origin(url), _request(url, headers, body)
        except (ValueError, TypeError):  # httpcore's TypeError: not ASCII
            raise Unreachable(_NO_NAME) from None
        place.users += 1
        try:
            async with asyncio.timeout(self._seconds) as limit:
                return await place.post(request, limit)
        except NotInTime:
            raise Unreachable("the name was not resolved in time") from None
        except TimeoutError:
            raise Unreachable(f"no answer within {self._seconds:g} s") from None
        except _Forbidden:
            raise Unreachable("the name leads to no public address, or to one that may not be reached") from None
        except socket.gaierror:
            raise Unreachable("the name is not known") from None
        except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
            raise Unreachable(_why(error)) from None
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, OSError) as error:
            raise Unreachable(f"the connection broke off ({type(error).__name__})") from None
        except ValueError:  # what IDNA (RFC 5890) and TLS say of names that are none; after OSError, which some are too
            raise Unreachable(_NO_NAME) from None
        finally:
            place.users -= 1
            place.used_at = monotonic()
            await self._let_go()

    def _origin(self, url: str) -> _Origin:
        name = origin(url)
        if name not in self._origins:
            self._origins[name] = _Origin(partial(self._connection, httpcore.URL(url).origin))
        self._origins.move_to_end(name)
        return self._origins[name]

    async def _connection(self, to: httpcore.Origin) -> httpcore.AsyncHTTPConnection:
        """A new connection, to the addresses of the origin's host, if every one of them may be reached."""
        is_plain = to.scheme == b"http"
        host = to.host.decode("ascii").strip("[]")
        addresses = list(dict.fromkeys(await self._resolve(host, to.port)))
        if not addresses or not all(may_reach(one, self._networks, is_plain=is_plain) for one in addresses):
            raise _Forbidden
        if not is_plain and self._trust is None:
            self._trust = httpcore.default_ssl_context()  # a tenth of a second: only for those who need it
        return httpcore.AsyncHTTPConnection(
            to, ssl_context=self._trust, keepalive_expiry=_IDLE_SECONDS, network_backend=_Guarded(addresses)
        )

    async def _let_go(self) -> None:
        """Close what nobody used for a while, the longest unused first."""
        late = monotonic() - _IDLE_SECONDS
        while self._origins:
            name, first = next(iter(self._origins.items()))
            if first.users or (first.used_at > late and len(self._origins) <= _MOST_ORIGINS):
                return
            del self._origins[name]
            await first.close()

    async def close(self) -> None:
        """Close every connection, and wait for no name."""
        await self._resolver.close()
        while self._origins:
            await self._origins.popitem()[1].close()


def _request(url: str, headers: Mapping[str, str], body: bytes) -> httpcore.Request:
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    where = httpcore.URL(scheme=parts.scheme, host=parts.hostname or "", port=parts.port, target=target)
    sent = [("host", parts.netloc), *headers.items(), ("content-length", str(len(body)))]
    return httpcore.Request("POST", where, headers=sent, content=body)


async def _read(response: httpcore.Response) -> Answer:
    retry_after = next((value for name, value in response.headers if name.lower() == b"retry-after"), None)
    excerpt = bytearray()
    # The status is what counts: a body that never ends, or breaks off, takes nothing from it.
    with contextlib.suppress(httpcore.NetworkError, httpcore.ProtocolError, TimeoutError):
        async with asyncio.timeout(_BODY_SECONDS):
            async for chunk in response.aiter_stream():
                excerpt += chunk
                if len(excerpt) > ANSWER_MAX:
                    break
    text = bytes(excerpt[:ANSWER_MAX]).decode("utf-8", "replace").translate(_PRINTABLE)
    return Answer(response.status, None if retry_after is None else retry_after.decode("latin-1"), text)


def _why(error: Exception) -> str:
    """Why a connection was not made, in our own words."""
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
