"""A client of IMAP that connects to addresses which were checked, and reads limited answers."""

import imaplib
import socket
import ssl
from collections.abc import Sequence
from contextlib import suppress

from imapclient import IMAPClient, SocketTimeout  # type: ignore[import-untyped]

CONNECT_SECONDS, ANSWER_SECONDS = 10, 20

ANSWER_MAX = 4 * 1024**2
"""Bytes that a server may send in answer to one command; then the connection is closed."""


class Client(IMAPClient):  # type: ignore[misc]
    """A client of the server ``host``, whose name its certificate must have, at one of its ``addresses``."""

    def __init__(self, host: str, port: int, addresses: Sequence[str], *, uses_tls: bool) -> None:
        self._addresses = addresses
        super().__init__(host, port=port, ssl=uses_tls, timeout=SocketTimeout(CONNECT_SECONDS, ANSWER_SECONDS))

    def _create_IMAP4(self) -> imaplib.IMAP4:  # noqa: N802 - IMAPClient's name
        return _Connection(self.host, self.port, self._addresses, uses_tls=self.ssl)


class _Connection(imaplib.IMAP4):
    def __init__(self, host: str, port: int, addresses: Sequence[str], *, uses_tls: bool) -> None:
        self._addresses, self._uses_tls = addresses, uses_tls
        self._received = 0
        super().__init__(host, port, CONNECT_SECONDS)

    def _create_socket(self, timeout: float | None = None) -> socket.socket:
        connected = _connected(self._addresses, self.port, timeout)
        if not self._uses_tls:
            return connected
        try:
            return ssl.create_default_context().wrap_socket(connected, server_hostname=self.host)
        except BaseException:
            connected.close()
            raise

    def send(self, data: bytes) -> None:  # type: ignore[override]
        """Send a command: its answer is counted from 0."""
        self._received = 0
        super().send(data)

    def read(self, size: int) -> bytes:
        """Read a literal, whose size the server names."""
        self._count(size)
        return super().read(size)

    def readline(self) -> bytes:
        """Read a line."""
        line = super().readline()
        self._count(len(line))
        return line

    def _count(self, size: int) -> None:
        self._received += size
        if self._received > ANSWER_MAX:
            raise self.abort(f"more than {ANSWER_MAX} bytes in answer to one command")


def _connected(addresses: Sequence[str], port: int, timeout: float | None) -> socket.socket:
    """Return a connection to the first address that accepts one."""
    *others, last = addresses
    for address in others:
        with suppress(OSError):
            return socket.create_connection((address, port), timeout)
    return socket.create_connection((last, port), timeout)
