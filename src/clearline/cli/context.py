"""The settings of a command, and its way to the database."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from enum import Enum
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from clearline.errors import OperationalError
from clearline.events import store as event_store
from clearline.platform.database import migrate
from clearline.platform.database.transactions import Database, Tx
from clearline.platform.postgres import embedded as embedded_postgres
from clearline.settings import file as settings_file
from clearline.settings.settings import Settings, read_settings

T = TypeVar("T")
Work = Callable[[Database], Coroutine[Any, Any, T]]


class MigrationsMissing(OperationalError):
    """The database lacks migrations, and another server may be using it."""


def current_settings() -> Settings:
    """Return the settings of this environment."""
    return read_settings(os.environ)


class ServerMissing(OperationalError):
    """A command that runs for long needs a server: alone it would keep the data directory from it."""


class DeskMissing(OperationalError):
    """The data directory has no database, and the command may not create one: the directory may be the wrong one."""


def exit_cleanly(_signal: int, _frame: object) -> NoReturn:
    """Exit on a signal through every ``finally``, which stop what was started."""
    raise SystemExit(0)


class Start(Enum):
    """What a command does about an embedded database that no process runs."""

    ITSELF = "start it, and stop it at the end of the command"
    BY_SERVER = "refuse: a server has to run it"
    AWAITED = "go on: the command waits for a server"


@contextmanager
def database_url(
    settings: Settings, *, may_create: bool = False, start: Start = Start.ITSELF
) -> Iterator[tuple[str, bool]]:
    """Yield where the database is, and whether only this process uses it.

    Raises:
        DeskMissing: the data directory has no database, and ``may_create`` is False.
        ServerMissing: no server runs the database, and ``start`` leaves that to one.
    """
    if settings.database_url is not None:
        yield settings.database_url, False
        return
    if start is Start.AWAITED:
        yield embedded_postgres.url_of(settings.data_dir), False
        return
    if not may_create:
        _require_desk(settings.data_dir)
    running = embedded_postgres.running_url(settings.data_dir)
    if running is not None:
        yield running, False
        return
    if start is Start.BY_SERVER:
        raise ServerMissing(f"no server runs on the data directory {settings.data_dir}: start clearline serve first")
    server = embedded_postgres.start(settings.data_dir, settings.postgres_user, settings.postgres_bin)
    try:
        yield server.url, True
    finally:
        server.stop()


def _require_desk(data_dir: Path) -> None:
    try:
        is_there = embedded_postgres.is_initialised(data_dir)
    except PermissionError:
        raise DeskMissing(
            f"this account cannot read the data directory {data_dir}: run the command as the account of the server"
        ) from None
    if not is_there:
        closed = f" ({settings_file.DEFAULT_FILE} is closed to this account)" if settings_file.is_closed() else ""
        raise DeskMissing(
            f"the data directory {data_dir} has no desk, and only clearline serve, migrate and demo create one: "
            f"set CLEARLINE_DATA_DIR or CLEARLINE_DATABASE_URL as your server has it, or name its file of settings "
            f"with --env-file{closed}"
        )


@asynccontextmanager
async def open_database(
    settings: Settings,
    url: str,
    *,
    may_migrate: bool,
    waits: bool = False,
    announce: migrate.Announce | None = None,
) -> AsyncIterator[Database]:
    """Open the database, and apply missing migrations where that is allowed.

    With ``waits`` wait as long as it takes until the database is available and another has migrated it. ``announce`` is
    told of breaking migrations.

    Raises:
        MigrationsMissing: it is not allowed.
    """
    database = Database(url, size=settings.pool_size)

    async def prepare() -> None:
        await database.connect()
        if may_migrate:
            await migrate.migrate(database, afterwards=event_store.renumber, announce=announce)
        elif await migrate.pending(database):
            raise MigrationsMissing("the database lacks migrations: run clearline migrate first")

    try:
        if waits:
            from clearline.platform.database.startup import when_available  # noqa: PLC0415 - slow to import: it logs

            await when_available(prepare, MigrationsMissing)
        else:
            await prepare()
        yield database
    finally:
        await database.close()


def run(work: Work[T], *, may_create: bool = False, may_migrate: bool = False, start: Start = Start.ITSELF) -> T:
    """Run a command's work with a migrated database.

    Args:
        work: what to do.
        may_create: whether a data directory without a database gets a new one.
        may_migrate: whether a database that others may use is migrated.
        start: what to do about an embedded database that no process runs. AWAITED also waits for any other database
            that is away or not migrated.
    """

    async def open_and_work(settings: Settings, url: str, *, may_migrate: bool) -> T:
        async with open_database(settings, url, may_migrate=may_migrate, waits=start is Start.AWAITED) as database:
            return await work(database)

    settings = current_settings()
    with database_url(settings, may_create=may_create, start=start) as (url, is_own):
        return asyncio.run(open_and_work(settings, url, may_migrate=is_own or may_migrate))


def run_unmigrated(work: Work[T], *, may_create: bool = True) -> T:
    """Run a command's work with the database as it is; ``may_create`` says whether a new one is created."""

    async def open_and_work(settings: Settings, url: str) -> T:
        database = await Database.open(url, size=settings.pool_size)
        try:
            return await work(database)
        finally:
            await database.close()

    settings = current_settings()
    with database_url(settings, may_create=may_create) as (url, _is_own):
        return asyncio.run(open_and_work(settings, url))


def transact(work: Callable[[Tx], Coroutine[Any, Any, T]]) -> T:
    """Run a command's work in one transaction."""

    async def in_transaction(database: Database) -> T:
        async with database.transaction() as tx:
            return await work(tx)

    return run(in_transaction)
