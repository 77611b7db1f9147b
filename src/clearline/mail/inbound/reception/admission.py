"""Which connections are accepted for mail: so many in all and of one address. Others are told to come back."""

import asyncio
from collections import Counter
from contextlib import suppress
from ipaddress import ip_address
from typing import cast

LINGER_SECONDS = 5
"""How long a refused client may stay connected, so that the reply reaches it before the connection is closed."""

_REFUSED_MAX = 200
"""Refused clients that are connected for that long; beyond it they get no reply."""

_BUSY = b"421 4.3.2 Too many connections; try again later\r\n"
_PEER_BUSY = b"421 4.7.0 Too many connections from your address; try again later\r\n"


def peer_of(transport: asyncio.BaseTransport) -> str:
    """Return the address of the other side, or nothing when it has disconnected already."""
    name = transport.get_extra_info("peername")
    return str(name[0]) if name else ""


class Admission:
    """Counts the open connections, at most ``in_all`` and ``per_peer`` of one address; 0 of the latter is no limit.

    This machine's own addresses are limited in all only: a mail server in front has many connections.
    """

    def __init__(self, in_all: int, per_peer: int) -> None:
        self._in_all, self._per_peer = in_all, per_peer
        self._peers: dict[asyncio.BaseTransport, str] = {}
        self._by_peer: Counter[str] = Counter()
        self.refused: set[asyncio.BaseTransport] = set()

    def admit(self, transport: asyncio.BaseTransport) -> bytes | None:
        """Count a connection; return the reply that refuses it when there are too many."""
        peer = peer_of(transport)
        if len(self._peers) >= self._in_all:
            return _BUSY
        if self._per_peer and self._by_peer[peer] >= self._per_peer and not _is_own(peer):
            return _PEER_BUSY
        self._peers[transport] = peer
        self._by_peer[peer] += 1
        return None

    def close(self) -> None:
        """Close all connections."""
        for transport in [*self._peers, *self.refused]:
            cast("asyncio.Transport", transport).abort()

    def leave(self, transport: asyncio.BaseTransport) -> None:
        """Count a connection no more."""
        peer = self._peers.pop(transport, None)
        if peer is not None:
            self._by_peer[peer] -= 1
            if not self._by_peer[peer]:
                del self._by_peer[peer]


def _is_own(peer: str) -> bool:
    with suppress(ValueError):
        return ip_address(peer.partition("%")[0]).is_loopback
    return False


class Refusal(asyncio.Protocol):
    """A refused connection: it gets its reply and the end of the stream, and what it sends is not read as commands.

    To close at once would reset the connection if the client has sent something, and the reply would be lost.
    """

    def __init__(self, admission: Admission, reply: bytes) -> None:
        self._admission, self._reply = admission, reply
        self._timer: asyncio.TimerHandle | None = None
        self._transport: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Reply, and wait for the client to close."""
        writer = cast("asyncio.Transport", transport)  # uvloop's transports are not instances of it
        if len(self._admission.refused) >= _REFUSED_MAX:
            writer.abort()
            return
        self._transport = transport
        self._admission.refused.add(transport)
        writer.write(self._reply)
        writer.write_eof()
        self._timer = asyncio.get_running_loop().call_later(LINGER_SECONDS, writer.abort)

    def eof_received(self) -> bool:
        """Close: the client has read the reply, or does not care."""
        return False

    def connection_lost(self, _error: Exception | None) -> None:
        """Forget the connection."""
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self._admission.refused.discard(self._transport)
