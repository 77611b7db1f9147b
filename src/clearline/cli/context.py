"""The settings of a command, and its way to the database."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar

from clearline.errors import OperationalError
from clearline.events import store as event_store
from clearline.platform.database import migrate
from clearline.platform.database.transactions import Database, Tx
from clearline.platform.postgres import embedded as embedded_postgres
from clearline.settings import Settings, read_settings

T = TypeVar("T")
Work = Callable[[Database], Coroutine[Any, Any, T]]


class MigrationsMissing(OperationalError):
    """The database lacks migrations, and another server may be using it."""


def current_settings() -> Settings:
    """Return the settings of this environment."""
    return read_settings(os.environ)


@contextmanager
def database_url(settings: Settings) -> Iterator[tuple[str, bool]]:
    """Yield where the database is, and whether this process alone uses it.

    An embedded database that does not run yet is started, and stopped when the block ends.
    """
    if settings.database_url is not None:
        yield settings.database_url, False
        return
    running = embedded_postgres.running_url(settings.data_dir)
    if running is not None:
        yield running, False
        return
    server = embedded_postgres.start(settings.data_dir, settings.postgres_user)
    try:
        yield server.url, True
    finally:
        server.stop()


@asynccontextmanager
async def open_database(settings: Settings, url: str, *, may_migrate: bool) -> AsyncIterator[Database]:
    """Open the database, and apply missing migrations where that is allowed.

    Raises:
        MigrationsMissing: it is not allowed.
    """
    database = await Database.open(url, size=settings.pool_size)
    try:
        if may_migrate:
            await migrate.migrate(database, afterwards=event_store.renumber)
        elif await migrate.pending(database):
            raise MigrationsMissing("the database lacks migrations: run clearline migrate first")
        yield database
    finally:
        await database.close()


def run(work: Work[T], *, may_migrate: bool = False) -> T:
    """Run a command's work with a migrated database."""

    async def open_and_work(settings: Settings, url: str, *, may_migrate: bool) -> T:
        async with open_database(settings, url, may_migrate=may_migrate) as database:
            return await work(database)

    settings = current_settings()
    with database_url(settings) as (url, is_own):
        return asyncio.run(open_and_work(settings, url, may_migrate=is_own or may_migrate))


def run_unmigrated(work: Work[T]) -> T:
    """Run a command's work with the database as it is."""

    async def open_and_work(settings: Settings, url: str) -> T:
        database = await Database.open(url, size=settings.pool_size)
        try:
            return await work(database)
        finally:
            await database.close()

    settings = current_settings()
    with database_url(settings) as (url, _is_own):
        return asyncio.run(open_and_work(settings, url))


def transact(work: Callable[[Tx], Coroutine[Any, Any, T]]) -> T:
    """Run a command's work in one transaction."""

    async def in_transaction(database: Database) -> T:
        async with database.transaction() as tx:
            return await work(tx)

    return run(in_transaction)
