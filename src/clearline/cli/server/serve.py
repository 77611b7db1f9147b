"""Run the server and the migrations."""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import NoReturn

import click
import uvicorn
from uvicorn.supervisors import Multiprocess

from clearline import logs
from clearline.app import Application
from clearline.cli.context import UNAVAILABLE, as_json, emit, open_database, run_bare, settings
from clearline.cli.server import demo as demo_command
from clearline.demo.demo import DemoKey
from clearline.events import store as event_store
from clearline.platform.database import migrate as migrations
from clearline.platform.database.transactions import Database
from clearline.platform.postgres import embedded as embedded_postgres
from clearline.setting_values import Bind
from clearline.settings import PREFIX, Settings

_BACKLOG = 2048


@click.command()
@click.option("--demo", is_flag=True, help="Load the demo first, and show what to try.")
def serve(*, demo: bool) -> None:
    """Serve until Ctrl-C or SIGTERM: migrate the database, then answer requests and do the periodic work.

    Without CLEARLINE_DATABASE_URL the embedded PostgreSQL runs for as long as the server does.
    """
    found = settings()
    logs.configure(found.log_format, found.log_level)
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # it may be ignored: behind & in a script, after nohup
    with _listening(found.bind) as listener, _own_database(found) as url:
        host, port = listener.getsockname()[:2]
        ready = replace(found, database_url=url, bind=Bind(f"[{host}]:{port}" if ":" in host else f"{host}:{port}"))
        keys = asyncio.run(_prepare(ready, url, demo=demo))
        _serve(ready, listener, lambda: _greet(ready, keys))


@click.command()
@as_json
def migrate(*, as_json: bool) -> None:
    """Bring the database up to this version. Safe while a server runs, and when two do it at once."""

    async def done(database: Database) -> list[str]:
        return [
            f"{one.number:04d}_{one.name}"
            for one in await migrations.migrate(database, afterwards=event_store.renumber)
        ]

    applied = run_bare(done)
    if as_json:
        emit({"applied": applied})
    else:
        click.echo("\n".join(applied) if applied else "The database is up to date.")


def _leave(_signal: int, _frame: object) -> NoReturn:
    """End by way of every ``finally``, which stop what was started."""
    raise SystemExit(0)


@contextmanager
def _listening(bind: Bind) -> Iterator[socket.socket]:
    """The port, taken before anything else is started."""
    family = socket.AF_INET6 if ":" in bind.host else socket.AF_INET
    try:
        listener = socket.create_server((bind.host, bind.port), family=family, backlog=_BACKLOG)
    except OSError as error:
        click.echo(f"error: cannot serve on {bind}: {error.strerror}; set CLEARLINE_BIND to another address", err=True)
        raise SystemExit(UNAVAILABLE) from None
    with listener:
        listener.set_inheritable(True)
        yield listener


@contextmanager
def _own_database(found: Settings) -> Iterator[str]:
    """The address of the database; the embedded one is ours alone while the block runs."""
    if found.database_url is not None:
        yield found.database_url
        return
    server = embedded_postgres.start(found.data_dir, found.postgres_user)
    try:
        yield server.url
    finally:
        server.stop()


async def _prepare(found: Settings, url: str, *, demo: bool) -> list[DemoKey]:
    async with open_database(found, url, may_migrate=True) as database:
        return await demo_command.load(database) if demo else []


def _greet(found: Settings, keys: list[DemoKey]) -> None:
    click.echo(f"Clearline serves on http://{found.bind} (Ctrl-C stops it)", err=True)
    if keys:
        click.echo(demo_command.invitation(keys, found.bind))


class _Server(uvicorn.Server):
    """Says when it is ready."""

    def __init__(self, config: uvicorn.Config, greet: Callable[[], None]) -> None:
        super().__init__(config)
        self._greet = greet

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then greet."""
        await super().startup(sockets)
        if self.started:
            self._greet()


def _serve(found: Settings, listener: socket.socket, greet: Callable[[], None]) -> None:
    config = uvicorn.Config(
        "clearline.app:from_environment" if found.processes > 1 else Application(found),
        factory=found.processes > 1,
        workers=found.processes,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=found.shutdown_seconds,
    )
    with contextlib.suppress(KeyboardInterrupt):
        if found.processes > 1:
            os.environ[f"{PREFIX}DATABASE_URL"] = found.database_url or ""
            greet()
            Multiprocess(config, sockets=[listener]).run()
        else:
            server = _Server(config, greet)
            server.run(sockets=[listener])
            if not server.started:
                raise SystemExit(UNAVAILABLE)
