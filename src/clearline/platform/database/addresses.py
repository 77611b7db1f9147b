"""The address of a database: one server, or several of which one is the primary."""

import re
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, unquote, urlencode

from clearline.platform.database.errors import DatabaseMisconfigured

_ADDRESS = re.compile(r"(postgres(?:ql)?)://([^/?]*)([^?]*)(?:\?(.*))?")
"""Not by the standard library, which refuses several hosts in brackets."""
_DEFAULT_PORT = "5432"


class Timing(NamedTuple):
    """How long the network may be silent, by libpq's parameters of the same names."""

    connect_timeout: int = 3
    """Seconds for one server, from the first packet until it has accepted the login."""
    tcp_user_timeout: int = 10_000
    """Milliseconds after which sent data must have been acknowledged."""
    keepalives_idle: int = 10
    """Seconds of silence before the first keepalive."""
    keepalives_interval: int = 3
    """Seconds between two keepalives."""
    keepalives_count: int = 3
    """Keepalives without an answer that end the connection."""


class Server(NamedTuple):
    """One server: its address for the driver, and its name for people, without user and password."""

    url: str
    name: str


class Addresses(NamedTuple):
    """The servers in the order of the address, what the session must be able to do, and the times."""

    servers: list[Server]
    target: str
    timing: Timing


def parse_addresses(url: str) -> Addresses:
    """Parse an address as libpq does: hosts and ports between commas, in the address or as its parameters.

    Raises:
        DatabaseMisconfigured: the numbers of hosts and ports differ, or a time is no whole number.
    """
    match = _ADDRESS.fullmatch(url)
    if match is None:
        raise DatabaseMisconfigured("the address must be postgresql://user:password@host:port/database")
    scheme, netloc, path, query = match.groups(default="")
    parameters = dict(parse_qsl(query, keep_blank_values=True))
    userinfo, at, hosts = netloc.rpartition("@")
    in_address = [_split(host) for host in hosts.split(",")] if hosts else []
    names = _listed(parameters.pop("host", "")) or [name for name, _port in in_address]
    ports = _listed(parameters.pop("port", "")) or [port for _name, port in in_address]
    if len(ports) == 1:
        ports *= max(1, len(names))
    if len(ports) not in {0, len(names)} and names:
        raise DatabaseMisconfigured(f"the address names {len(names)} hosts and {len(ports)} ports")
    timing = Timing(**{name: _number(parameters, name) for name in Timing._fields if name in parameters})
    target = parameters.pop("target_session_attrs", "primary")
    servers = [
        _server((scheme, f"{userinfo}{at}", path), parameters, name, ports[index] if ports else "")
        for index, name in enumerate(names or [""])
    ]
    return Addresses(servers, target, timing)


def _server(start: tuple[str, str, str], parameters: dict[str, str], name: str, port: str) -> Server:
    scheme, user, path = start
    port = port or _DEFAULT_PORT
    own = dict(parameters)
    if name.startswith("/"):
        netloc, own["host"], own["port"] = user, name, port
        shown = f"{name}/.s.PGSQL.{port}"
    else:
        shown = f"[{name}]:{port}" if ":" in name else f"{name}:{port}"
        netloc = f"{user}{shown}" if name else user
    query = urlencode(own, quote_via=quote)
    return Server(f"{scheme}://{netloc}{path}{query and f'?{query}'}", shown if name else "its default address")


def _split(host: str) -> tuple[str, str]:
    """Return a host and its port from an address; IPv6 is in brackets."""
    if host.startswith("["):
        name, _bracket, port = host[1:].partition("]")
        return name, port.removeprefix(":")
    name, _colon, port = host.partition(":")
    return unquote(name), port


def _listed(value: str) -> list[str]:
    return [item.strip("[]") for item in value.split(",")] if value else []


def _number(parameters: dict[str, str], name: str) -> int:
    value = parameters.pop(name)
    if not (value.isascii() and value.isdigit() and int(value)):
        raise DatabaseMisconfigured(f"{name} in the address must be a whole number from 1")
    return int(value)
