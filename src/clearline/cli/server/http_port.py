"""The port that requests arrive at: bound before anything else is started, open once they can be answered."""

import ctypes
import socket
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import click

from clearline.cli.exit_status import UNAVAILABLE
from clearline.settings.values import Bind

ACCEPT_SECONDS = 0.2
"""How long a process goes on to accept what arrived at a port that takes no more."""

_BACKLOG = 2048
_SO_ATTACH_FILTER = 26
_DROP_ALL = struct.pack("HBBI", 0x06, 0, 0, 0)
"""A program of the classic Berkeley packet filter: return 0 bytes of each packet."""


@contextmanager
def bound(bind: Bind) -> Iterator[socket.socket]:
    """Bind the port. Until it is open, connections are refused, and a load balancer tries another server."""
    is_v6 = ":" in bind.host
    with socket.socket(socket.AF_INET6 if is_v6 else socket.AF_INET) as port:
        port.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if is_v6:
            port.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        try:
            port.bind((bind.host, bind.port))
        except OSError as error:
            _refuse(bind, error)
        port.set_inheritable(True)
        yield port


def open_port(port: socket.socket, bind: Bind) -> None:
    """Let connections arrive."""
    try:
        port.listen(_BACKLOG)
    except OSError as error:  # another server bound it at the same moment, and was faster
        _refuse(bind, error)


def _refuse(bind: Bind, error: OSError) -> None:
    click.echo(f"error: cannot listen on {bind}: {error.strerror}; set CLEARLINE_BIND to another address", err=True)
    raise SystemExit(UNAVAILABLE) from None


def take_no_more(ports: Sequence[socket.socket]) -> None:
    """Ignore new connections at a port, while those that arrived are accepted; then it can be closed without a loss.

    The system resets connections that were not accepted when a port is closed, and whoever sent a request on one does
    not know whether it was done. A new connection that is ignored is tried again after a second, and then refused: its
    client goes to another server. Linux only; elsewhere nothing happens.
    """
    program = ctypes.create_string_buffer(_DROP_ALL)
    for port in ports:
        with suppress(OSError):
            port.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HP", 1, ctypes.addressof(program)))
