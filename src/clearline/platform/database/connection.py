"""One connection to PostgreSQL: how it is made, and what it has to be."""

import os
import socket

import asyncpg
from asyncpg import exceptions as pg

from clearline.platform.database.addresses import Addresses, Server, Timing, parse_addresses
from clearline.platform.database.errors import DatabaseMisconfigured, DatabaseUnavailable, is_unavailable
from clearline.platform.database.pooler import TransactionPooling
from clearline.platform.database.session import SESSION_SETTINGS, TIME_LIMITS, settings_statement

OLDEST_SERVER = 15
"""The oldest major version of PostgreSQL that the schema and the statements need."""

PROBE_SECONDS = 3

_STATE = f"""
    select pg_backend_pid(), concat(pg_postmaster_start_time(), ' ', inet_server_addr()),
           array[{", ".join(f"current_setting('{name}')" for name in SESSION_SETTINGS)}]"""


class Connection(asyncpg.Connection):  # type: ignore[misc]
    """A connection of the driver that knows the running PostgreSQL at its other end."""

    instance: str
    backend: int


class Connector:
    """Makes connections to the first server of the address that answers and is the primary.

    The server that answered last is tried first, so that one which does not answer costs its time only once.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._addresses: Addresses | None = None

    async def connect(self, *, seconds: float | None) -> Connection:
        """Return a new connection, whose statements are given up after so many seconds.

        Raises:
            DatabaseUnavailable: no server answers in time, or none is a primary that has started.
            DatabaseMisconfigured: the address, role, password or database is wrong, or the server is too old.
        """
        connection = await self.log_in(seconds)
        try:
            await _set_up(connection, limited=seconds is not None)
        except BaseException:
            connection.terminate()
            raise
        return connection

    async def instance(self) -> str | None:
        """Return which PostgreSQL a new connection reaches; None when a pooler answers, and nobody behind it yet.

        Raises:
            DatabaseUnavailable: as for ``connect``.
        """
        connection = await self.log_in(PROBE_SECONDS)
        try:
            await _set_up(connection, limited=True)
        except DatabaseUnavailable:
            return None
        finally:
            connection.terminate()
        return connection.instance

    async def log_in(self, seconds: float | None) -> Connection:
        """Return a connection as the server gives it, without settings of ours."""
        if self._addresses is None:
            self._addresses = parse_addresses(self._url)
        servers, target, timing = self._addresses
        errors: list[DatabaseUnavailable] = []
        for server in list(servers):
            try:
                connection = await _log_in(server, target, timing, seconds)
            except DatabaseUnavailable as error:
                errors.append(error)
            else:
                servers.remove(server)
                servers.insert(0, server)
                return connection
        raise _combined(errors)


def _combined(errors: list[DatabaseUnavailable]) -> DatabaseUnavailable:
    """Return the failures of all servers as one. Waiting may help as long as one of them is only unavailable."""
    if len(errors) == 1:
        return errors[0]
    waiting = [error for error in errors if not isinstance(error, DatabaseMisconfigured)]
    kind = DatabaseUnavailable if waiting else DatabaseMisconfigured
    sqlstates = [error.sqlstate for error in errors if error.sqlstate is not None]
    return kind("; ".join(map(str, errors)), sqlstates[0] if sqlstates else None)


async def _log_in(server: Server, target: str, timing: Timing, seconds: float | None) -> Connection:
    try:
        connection: Connection = await asyncpg.connect(
            server.url,
            timeout=timing.connect_timeout,
            command_timeout=seconds,
            target_session_attrs=target,
            connection_class=Connection,
        )
    except (pg.PostgresError, pg.InterfaceError, pg.InternalClientError, ValueError, OSError) as error:
        raise _translated(error, server, target, timing) from error
    _watch_the_network(connection, timing)
    version = connection.get_server_version().major
    if version < OLDEST_SERVER:
        connection.terminate()
        raise DatabaseMisconfigured(f"PostgreSQL {version} is too old; Clearline needs {OLDEST_SERVER} or newer")
    return connection


def _translated(error: Exception, server: Server, target: str, timing: Timing) -> DatabaseUnavailable:
    """Return our own error with a text that says what to do. No text holds the password."""
    sqlstate = getattr(error, "sqlstate", None)
    if isinstance(error, TimeoutError):
        return DatabaseUnavailable(f"the database at {server.name} does not answer within {timing.connect_timeout} s")
    if isinstance(error, pg.TargetServerAttributeNotMatched):
        return DatabaseUnavailable(f"the PostgreSQL at {server.name} is not the {target} that the address asks for")
    if isinstance(error, OSError):
        reason = error.strerror or str(error) or type(error).__name__
        if isinstance(error, socket.gaierror):
            advice = "check the name in CLEARLINE_DATABASE_URL"
        else:
            reason = os.strerror(error.errno) if error.errno else reason
            advice = "start PostgreSQL there, or correct CLEARLINE_DATABASE_URL"
        if server.name.startswith("/"):
            advice = "start clearline serve if it is the embedded one, else PostgreSQL; if it starts already, try again"
        return DatabaseUnavailable(f"the database at {server.name} cannot be reached ({reason}): {advice}")
    if is_unavailable(error):
        return DatabaseUnavailable(f"the database at {server.name} is unavailable: {error}", sqlstate)
    return DatabaseMisconfigured(f"the database at {server.name} refuses: {error}", sqlstate)


def _watch_the_network(connection: Connection, timing: Timing) -> None:
    """Let the kernel end the connection when the other machine is silent. A Unix socket needs none of it."""
    transport_socket = connection._transport.get_extra_info("socket")  # noqa: SLF001 - the driver has no other way
    if transport_socket is None or transport_socket.family == socket.AF_UNIX:
        return
    options = {
        "TCP_USER_TIMEOUT": timing.tcp_user_timeout,
        "TCP_KEEPIDLE": timing.keepalives_idle,
        "TCP_KEEPINTVL": timing.keepalives_interval,
        "TCP_KEEPCNT": timing.keepalives_count,
    }
    transport_socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in options.items():
        if hasattr(socket, name):  # not every system has them all
            transport_socket.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


async def _set_up(connection: Connection, *, limited: bool) -> None:
    """Set what a session needs, and see that it is in force: not as parameters of the start, which poolers refuse.

    Raises:
        DatabaseMisconfigured: a pooler lends another session for each transaction, or changes the settings.
    """
    limits = TIME_LIMITS if limited else {**TIME_LIMITS, "statement_timeout": "0"}
    try:
        await connection.execute(settings_statement({**SESSION_SETTINGS, **limits}))
        backend, instance, values = await connection.fetchrow(_STATE)
    except (pg.DuplicatePreparedStatementError, pg.InvalidSQLStatementNameError) as error:
        raise TransactionPooling from error
    except (pg.PostgresError, pg.InterfaceError, OSError) as error:
        if is_unavailable(error):
            raise DatabaseUnavailable(str(error) or type(error).__name__, getattr(error, "sqlstate", None)) from error
        raise DatabaseMisconfigured(str(error), getattr(error, "sqlstate", None)) from error
    connection.instance, connection.backend = instance, backend
    actual = dict(zip(SESSION_SETTINGS, values, strict=True))
    wrong = [
        f"{name} is {actual[name]}, not {value}" for name, value in SESSION_SETTINGS.items() if actual[name] != value
    ]
    if wrong:
        raise DatabaseMisconfigured(f"a pooler does not keep the settings of a session: {', '.join(wrong)}")
