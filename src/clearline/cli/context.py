"""What commands share: the way to the database, the operator, and how things are printed."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from typing import Any, TypeVar

import click
import msgspec
from rich.console import Console
from rich.table import Table

from clearline.events import store as event_store
from clearline.platform.database import migrate
from clearline.platform.database.transactions import Database, Tx
from clearline.platform.postgres import embedded as embedded_postgres
from clearline.settings import Settings, read_settings

T = TypeVar("T")

REFUSED = 1
"""Exit status: the desk understood and refused; nothing was changed."""
FAULT_FOUND = 3
"""Exit status: a check found something wrong."""
UNAVAILABLE = 4
"""Exit status: the database cannot be reached or used, or a setting is wrong."""

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
limit_option = click.option(
    "--limit", type=click.IntRange(1, 1000), default=200, show_default=True, help="At most so many."
)


class NotReady(Exception):
    """The database lacks migrations."""


def settings() -> Settings:
    """The settings of this environment."""
    return read_settings(os.environ)


@contextmanager
def database_url(found: Settings) -> Iterator[tuple[str, bool]]:
    """Where the database is, and whether it is ours alone: then the embedded one runs for as long as the block does."""
    if found.database_url is not None:
        yield found.database_url, False
        return
    running = embedded_postgres.running_url(found.data_dir)
    if running is not None:
        yield running, False
        return
    server = embedded_postgres.start(found.data_dir, found.postgres_user)
    try:
        yield server.url, True
    finally:
        server.stop()


@asynccontextmanager
async def open_database(found: Settings, url: str, *, may_migrate: bool) -> AsyncIterator[Database]:
    """The database, brought up to date when that is this command's to do.

    Raises:
        NotReady: migrations are missing, and another server may be using the database.
    """
    database = await Database.open(url, size=found.pool_size)
    try:
        if may_migrate:
            await migrate.migrate(database, afterwards=event_store.renumber)
        elif await migrate.pending(database):
            raise NotReady("the database lacks migrations: run clearline migrate first")
        yield database
    finally:
        await database.close()


def run(work: Callable[[Database], Coroutine[Any, Any, T]], *, may_migrate: bool = False) -> T:
    """Do a command's work with the database, once its migrations are there."""

    async def whole(found: Settings, url: str, *, ours: bool) -> T:
        async with open_database(found, url, may_migrate=ours or may_migrate) as database:
            return await work(database)

    found = settings()
    with database_url(found) as (url, ours):
        return asyncio.run(whole(found, url, ours=ours))


def run_bare(work: Callable[[Database], Coroutine[Any, Any, T]]) -> T:
    """Do a command's work with the database as it is."""

    async def whole(found: Settings, url: str) -> T:
        database = await Database.open(url, size=found.pool_size)
        try:
            return await work(database)
        finally:
            await database.close()

    found = settings()
    with database_url(found) as (url, _ours):
        return asyncio.run(whole(found, url))


def within(work: Callable[[Tx], Coroutine[Any, Any, T]]) -> T:
    """Do a command's work in one transaction."""

    async def whole(database: Database) -> T:
        async with database.transaction() as tx:
            return await work(tx)

    return run(whole)


def emit(value: object) -> None:
    """Print a value as JSON."""
    click.echo(json.dumps(msgspec.to_builtins(value), indent=2, ensure_ascii=False))


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows for people."""
    drawn = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        drawn.add_row(*(shown(value) for value in row))
    console = Console()
    if not sys.stdout.isatty():
        console.width = 10_000  # whole lines for grep; only a terminal has an edge
    console.print(drawn, markup=False, highlight=False, soft_wrap=not sys.stdout.isatty())


def shown(value: object) -> str:
    """A value as people read it; times in UTC, to the minute."""
    if value is None:
        return "-"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}Z"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, frozenset):
        return " ".join(sorted(value))
    return str(value)
