"""HTTP connections to hosts that users name, only to addresses that may be reached."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from functools import partial

import httpcore

from clearline.platform.network.addresses import may_reach
from clearline.platform.network.resolver import ResolveTimeout

INVALID_NAME = "the name is not valid"

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Returns the addresses of a host and port."""


class Unreachable(Exception):
    """There was no response. The text says why, without anything that the other side sent."""


class AddressForbidden(Exception):
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


class Connection(httpcore.AsyncHTTPConnection):
    """A connection that can be closed after its TLS handshake was cancelled, when httpcore no longer knows it."""

    def __init__(
        self, to: httpcore.Origin, addresses: Sequence[str], trust: ssl.SSLContext | None, keep_seconds: float
    ) -> None:
        self._backend = _PinnedBackend(addresses)
        super().__init__(to, ssl_context=trust, keepalive_expiry=keep_seconds, network_backend=self._backend)

    async def aclose(self) -> None:
        """Close the connection, whether or not it was established."""
        await super().aclose()
        await self._backend.close()


async def checked_connection(
    to: httpcore.Origin,
    resolve: Resolve,
    networks: Sequence[str],
    *,
    trust: ssl.SSLContext | None,
    keep_seconds: float,
) -> Connection:
    """Return a new connection to the addresses of an origin's host. It is opened by its first request.

    ``networks`` are the private ones that may be reached, over plain HTTP too. ``keep_seconds`` is how long it stays
    open without a request.

    Raises:
        AddressForbidden: one of the addresses may not be reached, or there is none.
    """
    is_plain = to.scheme == b"http"
    host = to.host.decode("ascii").strip("[]")
    addresses = list(dict.fromkeys(await resolve(host, to.port)))
    if not addresses or not all(may_reach(address, networks, is_plain=is_plain) for address in addresses):
        raise AddressForbidden
    return Connection(to, addresses, trust, keep_seconds)


@contextlib.contextmanager
def reported_failures(seconds: float) -> Iterator[None]:
    """Raise ``Unreachable`` for whatever prevents a response; ``seconds`` is the limit of the request.

    Raises:
        Unreachable: there was no response.
    """
    try:
        yield
    except ResolveTimeout:
        raise Unreachable("the name was not resolved in time") from None
    except TimeoutError:
        raise Unreachable(f"no answer within {seconds:g} s") from None
    except AddressForbidden:
        raise Unreachable("the name leads to no public address, or to one that may not be reached") from None
    except socket.gaierror:
        raise Unreachable("the name is not known") from None
    except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
        raise Unreachable(_connect_error(error)) from None
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, OSError) as error:
        raise Unreachable(f"the connection broke off ({type(error).__name__})") from None
    except (
        ValueError,
        TypeError,
    ):  # raised by IDNA (RFC 5890), TLS and httpcore; after OSError, which some of them are
        raise Unreachable(INVALID_NAME) from None


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
