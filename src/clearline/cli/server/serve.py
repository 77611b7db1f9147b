"""The command that runs the server."""

import asyncio
import contextlib
import os
import resource
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import FrameType
from typing import NamedTuple

import click
import structlog
import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from clearline import logs
from clearline.app import Application, log_breaking_migrations
from clearline.cli.context import current_settings, exit_cleanly, open_database
from clearline.cli.exit_status import UNAVAILABLE
from clearline.cli.server import demo as demo_command
from clearline.cli.server import http_port
from clearline.cli.server.demo import DemoAccess
from clearline.cli.server.mail_supervisor import MailSupervisor, in_thread
from clearline.cli.server.metrics_server import metrics_port, serving_metrics
from clearline.cli.server.setup_link import new_token_if_open, set_up_url
from clearline.clock import monotonic
from clearline.mail.inbound.reception.listener import open_port
from clearline.metrics import folders
from clearline.platform.database.errors import DatabaseMisconfigured, DatabaseUnavailable
from clearline.platform.database.startup import RETRY_SECONDS, when_available
from clearline.platform.postgres import embedded as embedded_postgres
from clearline.platform.postgres.embedded import DataDirectoryInUse, EmbeddedPostgres
from clearline.settings.settings import PREFIX, Settings
from clearline.settings.values import Bind
from clearline.wires.http.protocol import LimitedProtocol

_OTHER_FILES = 1000
"""Open files of a process beside connections of clients: of the database, of attachments, of mail."""
_SILENT_SECONDS = 15
"""How long one of several processes may not answer its parent, which then replaces it: a start on a busy machine takes
longer than the five seconds that uvicorn waits."""
_log = structlog.get_logger("clearline.server")


@click.command()
@click.option("--demo", is_flag=True, help="Load demo data first, and print commands to try.")
def serve(*, demo: bool) -> None:
    """Run the server until Ctrl-C or SIGTERM: migrate the database, then answer requests and run the workers.

    Without CLEARLINE_DATABASE_URL the embedded PostgreSQL runs for as long as the server does.
    """
    settings = current_settings()
    logs.configure(settings.log_format, settings.log_level)
    signal.signal(signal.SIGTERM, exit_cleanly)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # it may be ignored: behind & in a script, after nohup
    with (
        http_port.bound(settings.bind) as listener,
        _mail_port(settings.mail_listen) as mail_port,
        metrics_port(settings) as port_for_metrics,
        _own_database(settings) as url,
    ):
        host, port = listener.getsockname()[:2]
        bound = Bind(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
        ready = replace(settings, database_url=url, bind=bound)
        access = asyncio.run(_prepare(ready, url, demo=demo))
        has_mail = mail_port is not None or settings.workers
        mail = MailSupervisor(url, mail_port, files_mail=settings.workers) if has_mail else None
        with serving_metrics(ready, url, port_for_metrics), in_thread(mail):
            _serve(ready, listener, mail, lambda: _print_address(ready, access))


@contextmanager
def _mail_port(address: str | None) -> Iterator[socket.socket | None]:
    """Bind the port for mail, which stays open while the process that serves it is started again."""
    if address is None:
        yield None
        return
    try:
        port = open_port(address)
    except OSError as error:
        click.echo(f"error: {error.strerror}", err=True)
        raise SystemExit(UNAVAILABLE) from None
    with port:
        yield port


def _start_when_free(settings: Settings) -> EmbeddedPostgres:
    """Start the embedded PostgreSQL, after a command that uses the data directory while no server runs."""
    is_waiting = False
    while True:
        try:
            return embedded_postgres.start(
                settings.data_dir, settings.postgres_user, settings.postgres_bin, for_server=True
            )
        except DataDirectoryInUse as error:
            if not error.is_command:
                raise
            if not is_waiting:
                _log.warning("waiting for a command that uses the data directory", process=error.pid)
            is_waiting = True
        time.sleep(RETRY_SECONDS)


@contextmanager
def _own_database(settings: Settings) -> Iterator[str]:
    """Yield the address of the database; the embedded one runs only for this process until the block ends."""
    if settings.database_url is not None:
        yield settings.database_url
        return
    server = _start_when_free(settings)
    try:
        yield server.url
    finally:
        server.stop()


class _Access(NamedTuple):
    """What is printed at the start: the keys and passwords of the demo, or the token of the set-up, if it is open."""

    demo: DemoAccess | None = None
    set_up_token: str | None = None


async def _prepare(settings: Settings, url: str, *, demo: bool) -> _Access:
    """Migrate the database and load the demo. Without a demo the server itself waits for a database that is away."""

    async def migrate_and_load() -> _Access:
        opened = open_database(settings, url, may_migrate=True, announce=log_breaking_migrations)
        async with opened as database:
            if demo:
                return _Access(await demo_command.load(database))
            return _Access(set_up_token=await new_token_if_open(database))

    if demo:
        return await when_available(migrate_and_load)
    try:
        return await migrate_and_load()
    except DatabaseMisconfigured:
        raise
    except DatabaseUnavailable:
        return _Access()


def _print_address(settings: Settings, access: _Access) -> None:
    click.echo(f"Listening on http://{settings.bind} (Ctrl-C to stop)", err=True)
    if access.set_up_token is not None:
        click.echo(f"Set up this desk (once, within a day): {set_up_url(settings, access.set_up_token)}", err=True)
    if access.demo is not None:
        click.echo(demo_command.examples(access.demo, settings.bind))


class _Server(uvicorn.Server):
    """A server that calls ``when_ready`` once it answers requests, and stops the process for mail when it stops."""

    def __init__(self, config: uvicorn.Config, mail: MailSupervisor | None, when_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._mail, self._when_ready = mail, when_ready

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop on a signal."""
        if self._mail is not None:
            self._mail.stop()
        super().handle_exit(sig, frame)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and call ``when_ready``."""
        await super().startup(sockets)
        if self.started:
            self._when_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept what has arrived, then close the port and stop."""
        http_port.take_no_more(sockets or [])
        await asyncio.sleep(http_port.ACCEPT_SECONDS)
        await super().shutdown(sockets)


class _Processes(Multiprocess):
    """Several server processes, each of which is started again when it dies."""

    is_told_to_stop = False
    mail: MailSupervisor | None = None
    drain_seconds = 0

    def handle_int(self) -> None:
        """Stop on SIGINT."""
        self._stop_mail()
        super().handle_int()

    def handle_term(self) -> None:
        """Stop on SIGTERM."""
        self._stop_mail()
        super().handle_term()

    def terminate_all(self) -> None:
        """Stop all processes. They close the port in their own time, and this one has to have closed it before."""
        if not self.drain_seconds:
            self._close_port()
            time.sleep(http_port.ACCEPT_SECONDS)
        super().terminate_all()

    def join_all(self) -> None:
        """Wait for the processes, and close the port shortly before they do; another signal ends their wait."""
        until = monotonic() + self.drain_seconds - 2 * http_port.ACCEPT_SECONDS
        while monotonic() < until and any(process.process.is_alive() for process in self.processes):
            if self.signal_queue:
                super().terminate_all()
                break
            time.sleep(http_port.ACCEPT_SECONDS / 2)
        self._close_port()
        super().join_all()

    def _close_port(self) -> None:
        http_port.take_no_more(self.sockets)
        for port in self.sockets:
            port.close()

    def _stop_mail(self) -> None:
        self.is_told_to_stop = True
        if self.mail is not None:
            self.mail.stop()


def _allow_open_files(number: int) -> None:
    """Let this process and those that it starts have so many open files, as far as the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = number if hard == resource.RLIM_INFINITY else min(number, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _serve(
    settings: Settings, listener: socket.socket, mail: MailSupervisor | None, when_ready: Callable[[], None]
) -> None:
    _allow_open_files(settings.connections + _OTHER_FILES)
    http_port.open_port(listener, settings.bind)
    config = uvicorn.Config(
        "clearline.app:from_environment"
        if settings.processes > 1
        else Application(settings, folders.inherited(os.environ)),
        factory=settings.processes > 1,
        workers=settings.processes,
        loop="uvloop",
        http=LimitedProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=settings.shutdown_seconds,
        timeout_worker_healthcheck=_SILENT_SECONDS,
    )
    with contextlib.suppress(KeyboardInterrupt):
        if settings.processes > 1:
            os.environ[f"{PREFIX}DATABASE_URL"] = settings.database_url or ""
            when_ready()
            processes = _Processes(config, sockets=[listener])
            processes.mail = mail
            processes.drain_seconds = settings.drain_seconds
            processes.run()
            if processes.is_told_to_stop:
                return
        else:
            _run_alone(_Server(config, mail, when_ready), listener)
        raise SystemExit(UNAVAILABLE)  # nobody asked for this end: whoever started the server has to start it again


def _run_alone(server: _Server, listener: socket.socket) -> None:
    """Run the only process. A signal that stops it is raised again by uvicorn, so that this does not return."""
    try:
        server.run(sockets=[listener])
    except SystemExit as ended:
        if ended.code != STARTUP_FAILURE:
            raise
