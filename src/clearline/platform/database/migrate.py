"""Numbered SQL files, applied once each, in order, by one process at a time."""

import re
from collections.abc import Awaitable, Callable
from importlib import resources
from typing import NamedTuple

from clearline.clock import now
from clearline.errors import OperationalError
from clearline.platform.database.errors import StatementFailed
from clearline.platform.database.transactions import Database, Tx

_BLOCKED = {"40P01", "55P03"}
"""The errors of a deadlock, and of a lock that was not granted in time."""

_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")


class MigrationBlocked(OperationalError):
    """Another process uses the tables that a migration changes."""

    def __init__(self) -> None:
        super().__init__(
            "the database is in use, and cannot be changed now: stop every older server and what else "
            "works in it, then try again; nothing was changed"
        )


class SchemaTooNew(OperationalError):
    """The database was migrated by a newer Clearline than this one."""

    def __init__(self, newest: int, known: int) -> None:
        super().__init__(
            f"the database is at migration {newest:04d}, and this Clearline knows only up to {known:04d}: "
            "start the newer Clearline, or restore the backup taken before the upgrade"
        )


class Migration(NamedTuple):
    """One file: its number, its name, its SQL."""

    number: int
    name: str
    sql: str


def known() -> list[Migration]:
    """Return the migrations of this code, in order."""
    files = resources.files("clearline.platform.database").joinpath("migrations").iterdir()
    return sorted(
        Migration(int(match[1]), match[2], file.read_text(encoding="utf-8"))
        for file in files
        if (match := _NAME.fullmatch(file.name))
    )


async def applied(database: Database) -> int:
    """Return the number of the newest migration in the database; 0 for an empty one."""
    async with database.statement() as tx:
        if await tx.fetchval("select to_regclass('schema_migration')") is None:
            return 0
        return int(await tx.fetchval("select coalesce(max(number), 0) from schema_migration"))


async def pending(database: Database) -> list[Migration]:
    """Return the migrations that the database lacks.

    Raises:
        SchemaTooNew: the database has one that this code does not know.
    """
    return _after(await applied(database))


async def migrate(database: Database, *, afterwards: Callable[[Tx], Awaitable[object]]) -> list[Migration]:
    """Bring the database up to this code, then do ``afterwards`` in a transaction; return what was applied.

    Each file is a transaction; a second server waits for the first. ``afterwards`` is what has to be done before the
    first read, whether or not a migration was missing: ``event_store.renumber``.

    Raises:
        SchemaTooNew: the database has a migration that this code does not know; nothing was changed.
        MigrationBlocked: other processes locked the tables for too long.
    """
    try:
        return await _migrate(database, afterwards)
    except StatementFailed as error:
        if error.sqlstate in _BLOCKED:
            raise MigrationBlocked from None
        raise


async def _migrate(database: Database, afterwards: Callable[[Tx], Awaitable[object]]) -> list[Migration]:
    async with database.alone("clearline migrations") as session:
        async with session.transaction() as tx:
            await tx.write_script(
                "create table if not exists schema_migration "
                "(number integer primary key, name text not null, applied_at timestamptz not null)"
            )
            missing = _after(await tx.fetchval("select coalesce(max(number), 0) from schema_migration"))
        for migration in missing:
            async with session.transaction() as tx:
                await tx.write_script(migration.sql)
                await tx.write(
                    "insert into schema_migration values ($1, $2, $3)", migration.number, migration.name, now()
                )
        async with session.transaction() as tx:
            await afterwards(tx)
    return missing


def _after(newest: int) -> list[Migration]:
    migrations = known()
    known_newest = migrations[-1].number
    if newest > known_newest:
        raise SchemaTooNew(newest, known_newest)
    return [migration for migration in migrations if migration.number > newest]
