"""Poolers between us and PostgreSQL. Session pooling is transparent; transaction pooling loses writes and locks."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

from asyncpg import exceptions as pg

from clearline.platform.database.errors import DatabaseMisconfigured

ROUNDS = 3
SECONDS = 3
"""How long a second session is waited for. A pooler that has none to lend is not in transaction mode."""

_MARK = "select current_setting('clearline.session', true)"


class TransactionPooling(DatabaseMisconfigured):
    """A pooler lends another session of PostgreSQL for each transaction."""

    def __init__(self) -> None:
        super().__init__(
            "the pooler at CLEARLINE_DATABASE_URL uses transaction pooling, with which Clearline would lose settings, "
            "locks and notifications: use session pooling (PgBouncer: pool_mode = session), or PostgreSQL itself"
        )


async def refuse_transaction_pooling(first: Any, log_in: Callable[[], Awaitable[Any]]) -> None:
    """Refuse a pooler that lends another session for each transaction. Costs nothing without a pooler.

    The driver knows the process at the other end from the login. A pooler gives a number of its own there; then two
    connections are used in turn, and a mark that one of them set must be seen by that one alone.

    Raises:
        TransactionPooling: the mark is seen by the other, or not by the first.
    """
    if first.get_server_pid() == first.backend:
        return
    second = None
    try:
        async with asyncio.timeout(SECONDS):
            second = await log_in()
            if await _share_sessions(first, second):
                raise TransactionPooling
    except (pg.DuplicatePreparedStatementError, pg.InvalidSQLStatementNameError) as error:
        raise TransactionPooling from error
    except TimeoutError:
        pass
    finally:
        if second is not None:
            second.terminate()


async def _share_sessions(first: Any, second: Any) -> bool:
    mark = uuid4().hex
    await first.execute(f"set clearline.session = '{mark}'")
    for _ in range(ROUNDS):
        if await second.fetchval(_MARK) == mark:
            return True
        await second.execute("begin")  # now the first cannot get that session
        kept = await first.fetchval(_MARK)
        await second.execute("rollback")
        if kept != mark:
            return True
    return False
