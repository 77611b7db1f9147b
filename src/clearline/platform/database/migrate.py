"""Numbered SQL files, applied once each, in order, by one process at a time.

Each says whether servers of older versions work with what it leaves behind (expand and contract), so that a server
knows whether it can go on with what a newer one migrated. See CONTRIBUTING.md.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from importlib import resources
from typing import NamedTuple

from clearline.clock import now
from clearline.errors import OperationalError
from clearline.platform.database.errors import StatementFailed
from clearline.platform.database.transactions import Database, Transactions, Tx, set_lock_timeout

_BLOCKED = {"40P01", "55P03"}
"""The errors of a deadlock, and of a lock that was not granted in time."""
_LOCK_MILLISECONDS = 1000
"""How long a compatible migration waits for a lock at a time: the requests of the running servers queue behind it."""
_ATTEMPTS = 30
"""How often a compatible migration asks for its locks."""
_PAUSE_SECONDS = 1

_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")
_COMPATIBLE = re.compile(r"^-- Compatible: (?:(yes)|since (\d{4})|no)\b", re.MULTILINE)


class MigrationBlocked(OperationalError):
    """Another process uses the tables that a migration changes."""

    def __init__(self) -> None:
        super().__init__(
            "the database is in use, and cannot be changed now: stop every older server and what else "
            "works in it, then try again; nothing was changed"
        )


class SchemaTooNew(OperationalError):
    """The database was migrated by a newer Clearline than this one, and this one does not work with it."""

    def __init__(self, newest: int, known: int, incompatible: str | None = None) -> None:
        why = "" if incompatible is None else f", with which {incompatible} is not compatible"
        super().__init__(
            f"the database is at migration {newest:04d}, and this Clearline knows only up to {known:04d}{why}: "
            "start the newer Clearline, or restore the backup taken before the upgrade"
        )
        self.incompatible = incompatible


class Migration(NamedTuple):
    """One file: its number, its name, its SQL."""

    number: int
    name: str
    sql: str

    @property
    def label(self) -> str:
        """The name of the file without its ending, such as ``0001_foundation``."""
        return f"{self.number:04d}_{self.name}"

    @property
    def compatible_since(self) -> int | None:
        """The number of the migration that a server has to know, at least, to work with what this one leaves behind.

        0 for every server; None when it is breaking: a server has to know this one.
        """
        header = _COMPATIBLE.search(self.sql)
        if header is None:
            return None
        return 0 if header[1] else int(header[2]) if header[2] else None


class Schema(NamedTuple):
    """What was applied to a database: the newest number, and what of it this code does not know.

    ``newest`` is 0 for an empty database, ``incompatible`` the first of ``newer`` with which this code does not work.
    """

    newest: int
    newer: Sequence[str] = ()
    incompatible: str | None = None


class Announcement(NamedTuple):
    """What is said of breaking migrations, before they are applied and after."""

    migrations: Sequence[Migration]
    is_before: bool

    @property
    def text(self) -> str:
        """The announcement as a sentence."""
        labels = ", ".join(migration.label for migration in self.migrations)
        if self.is_before:
            return f"not compatible with older versions, whose servers will not be ready any more: {labels}"
        return f"servers of older versions are not ready any more, and have to be stopped, since: {labels}"


Announce = Callable[[Announcement], object]


def known() -> list[Migration]:
    """Return the migrations of this code, in order."""
    files = resources.files("clearline.platform.database").joinpath("migrations").iterdir()
    return sorted(
        Migration(int(match[1]), match[2], file.read_text(encoding="utf-8"))
        for file in files
        if (match := _NAME.fullmatch(file.name))
    )


def breaking(migrations: Sequence[Migration], newest: int) -> list[Migration]:
    """Return those of missing migrations with which servers do not work that know up to ``newest``.

    None for a new database: it has no servers.
    """
    if not newest:
        return []
    return [
        migration
        for migration in migrations
        if migration.compatible_since is None or migration.compatible_since > newest
    ]


async def applied(database: Database) -> int:
    """Return the number of the newest migration in the database; 0 for an empty one."""
    return (await schema(database)).newest


async def schema(database: Database) -> Schema:
    """Return what was applied to the database."""
    async with database.statement() as tx:
        if await tx.fetchval("select to_regclass('schema_migration')") is None:
            return Schema(0)
        return await _schema(tx, known()[-1].number)


async def pending(database: Database) -> list[Migration]:
    """Return the migrations that the database lacks. It may have compatible ones that this code does not know.

    Raises:
        SchemaTooNew: the database has one that this code neither knows nor works with.
    """
    return _after(await schema(database))


async def require_known(database: Database) -> int:
    """Return the number of the newest migration in the database; refuse one that this code does not know.

    Raises:
        SchemaTooNew: the database has one, compatible or not.
    """
    found, newest = await schema(database), known()[-1].number
    if found.newer:
        raise SchemaTooNew(found.newest, newest)
    return found.newest


async def migrate(
    database: Database, *, afterwards: Callable[[Tx], Awaitable[object]], announce: Announce | None = None
) -> list[Migration]:
    """Bring the database up to this code, then do ``afterwards`` in a transaction; return what was applied.

    Each file is a transaction; a second server waits for the first. ``afterwards`` is what has to be done before the
    first read, whether or not a migration was missing: ``event_store.renumber``. ``announce`` is told of breaking
    migrations of a database that has servers already, before and after.

    Raises:
        SchemaTooNew: the database has a migration that this code neither knows nor works with; nothing was changed.
        MigrationBlocked: other processes locked the tables for too long.
    """
    try:
        return await _migrate(database, afterwards, announce or _tell_nobody)
    except StatementFailed as error:
        if error.sqlstate in _BLOCKED:
            raise MigrationBlocked from None
        raise


def _tell_nobody(_announcement: Announcement) -> None:
    pass


async def _migrate(
    database: Database, afterwards: Callable[[Tx], Awaitable[object]], announce: Announce
) -> list[Migration]:
    async with database.alone("clearline migrations") as session:
        async with session.transaction() as tx:
            await _create_table(tx)
            found = await _schema(tx, known()[-1].number)
        missing = _after(found)
        breaks = breaking(missing, found.newest)
        if breaks:
            announce(Announcement(breaks, is_before=True))
        for migration in missing:
            await _apply(session, migration)
        if breaks:
            announce(Announcement(breaks, is_before=False))
        async with session.transaction() as tx:
            await afterwards(tx)
    return missing


async def _create_table(tx: Tx) -> None:
    """Create the table of migrations, or add what tables of earlier releases lack.

    Servers of those releases insert by position, so that new columns come last, and a missing value has to mean that
    older servers do not work with the migration. The table is altered only once: a backup that runs locks it.
    """
    await tx.write_script(
        "create table if not exists schema_migration "
        "(number integer primary key, name text not null, applied_at timestamptz not null, compatible_since integer)"
    )
    has_column = await tx.fetchval(
        "select true from pg_attribute where attrelid = 'schema_migration'::regclass and attname = 'compatible_since'"
    )
    if not has_column:
        await tx.write_script("alter table schema_migration add column compatible_since integer")


async def _apply(session: Transactions, migration: Migration) -> None:
    """Apply a migration. A compatible one does not make the requests of running servers wait for its locks for long."""
    is_gentle = migration.compatible_since is not None
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            async with session.transaction() as tx:
                if is_gentle:
                    await set_lock_timeout(tx, _LOCK_MILLISECONDS)
                await tx.write_script(migration.sql)
                await tx.write(
                    "insert into schema_migration values ($1, $2, $3, $4)",
                    migration.number, migration.name, now(), migration.compatible_since,
                )  # fmt: skip
        except StatementFailed as error:
            if not is_gentle or error.sqlstate not in _BLOCKED or attempt == _ATTEMPTS:
                raise
            await asyncio.sleep(_PAUSE_SECONDS)
        else:
            return


async def _schema(tx: Tx, newest: int) -> Schema:
    """Return what was applied, to code that knows migrations up to ``newest``.

    The column is read through JSON, where it may be missing: a database that another release migrated may lack it.
    """
    [row] = await tx.fetch(
        """select coalesce(max(number), 0),
                  coalesce(array_agg(label order by number) filter (where number > $1), '{}'),
                  (array_agg(label order by number) filter (where number > $1 and coalesce(since, number) > $1))[1]
             from schema_migration m
            cross join lateral (select lpad(number::text, 4, '0') || '_' || name as label,
                                       (to_jsonb(m) ->> 'compatible_since')::integer as since) facts""",
        newest,
    )
    return Schema(row[0], row[1], row[2])


def _after(found: Schema) -> list[Migration]:
    migrations = known()
    if found.incompatible is not None:
        raise SchemaTooNew(found.newest, migrations[-1].number, found.incompatible)
    return [migration for migration in migrations if migration.number > found.newest]
