"""The errors of the database, in the place of the driver's."""

from collections.abc import Awaitable
from typing import TypeVar

from asyncpg import exceptions as pg

from clearline.errors import OperationalError

T = TypeVar("T")

UNAVAILABLE = (
    OSError,  # a refused or broken socket; a TimeoutError is one too
    pg.InterfaceError,
    pg.InternalClientError,
    pg.PostgresConnectionError,
    pg.InsufficientResourcesError,
    pg.AdminShutdownError,
    pg.CrashShutdownError,
    pg.CannotConnectNowError,
    pg.ReadOnlySQLTransactionError,
    pg.QueryCanceledError,
)
"""What the driver raises when the database is unavailable."""

QUERY_CANCELED = "57014"
"""PostgreSQL cancelled the statement, at its time limit or because an operator said so; the connection is sound."""
TRANSIENT = frozenset({"40001", "40P01", "55P03", QUERY_CANCELED})
"""SQLSTATEs of faults that may not recur: serialization failure, deadlock, lock timeout, cancelled statement."""


class DatabaseUnavailable(OperationalError):
    """The database cannot be reached, is starting, refuses writes, or has no room left.

    Nothing was committed, or it is not known whether the last commit was: success must not be reported. ``sqlstate`` is
    PostgreSQL's code, None when there was no answer of PostgreSQL.
    """

    def __init__(self, text: str = "", sqlstate: str | None = None) -> None:
        super().__init__(text)
        self.sqlstate = sqlstate


class DatabaseMisconfigured(DatabaseUnavailable):
    """The address, the credentials or the version of the database is wrong; trying again will not help.

    A request is answered as for any unavailable database: only an operator can repair either.
    """


class StatementFailed(Exception):
    """PostgreSQL refused a statement, which is an internal error.

    It replaces the driver's own error, whose text may repeat what people wrote. ``sqlstate`` is PostgreSQL's code.
    """

    def __init__(self, error: BaseException) -> None:
        self.sqlstate: str | None = getattr(error, "sqlstate", None)
        constraint = getattr(error, "constraint_name", None)
        super().__init__(" ".join(filter(None, [type(error).__name__, self.sqlstate, constraint])))


class UniqueViolation(StatementFailed):
    """Another row has this value, which must be unique."""


def is_unavailable(error: BaseException) -> bool:
    """Return whether the database is unavailable. asyncpg's errors about wrong arguments have such a base, too."""
    return isinstance(error, UNAVAILABLE) and not isinstance(error, ValueError)


def translate(error: Exception) -> None:
    """Raise our own error in the place of the driver's; return when the error is not the driver's.

    The driver's text is hidden where it may repeat what people wrote.
    """
    if is_unavailable(error):
        raise DatabaseUnavailable(str(error) or type(error).__name__, getattr(error, "sqlstate", None)) from error
    if isinstance(error, pg.UniqueViolationError):
        raise UniqueViolation(error) from None
    if isinstance(error, (pg.PostgresError, pg.InterfaceError)):
        raise StatementFailed(error) from None


async def call(call: Awaitable[T]) -> T:
    """Await a call of the driver and translate its error."""
    try:
        return await call
    except Exception as error:
        translate(error)
        raise
