"""The process for mail that comes in. It listens, polls mailboxes, and files mail, so that mail never slows requests.

``mail_supervisor.py`` starts it, and ends it by closing its standard input. Its arguments are the descriptor of the
listening port, or ``-``, and whether it polls and files mail.
"""

import asyncio
import os
import signal
import socket
import sys

import uvloop

from clearline import logs
from clearline.cli.context import MigrationsMissing, current_settings
from clearline.clock import now
from clearline.errors import OperationalError
from clearline.logs import Logger
from clearline.mail.inbound import worker as inbound_mail
from clearline.mail.inbound.parsing.parser import PARSER
from clearline.metrics import folders
from clearline.metrics.domain import MAIL
from clearline.metrics.worker import snapshot_job
from clearline.platform.database import migrate
from clearline.platform.database.horizon import HorizonMonitor
from clearline.platform.database.startup import when_available
from clearline.platform.database.transactions import Database
from clearline.platform.work.runner import Runner
from clearline.schedule import database_jobs
from clearline.settings.settings import Settings
from clearline.tickets.attachments.blobs import open_blobs
from clearline.web.mail import render

NAME = "mail"
"""What the log calls this process."""

GRACE_SECONDS = 5
"""How long a stopping process works on the mail that it is filing; another process files it later."""

_NICE = 5
"""How much the process gives way to those that answer requests."""

_CANNOT_RUN = 4
_log = Logger("clearline.mail")


class MailProcess:
    """What the process runs."""

    def __init__(self, settings: Settings, port: socket.socket | None, *, files_mail: bool) -> None:
        self._database = Database(settings.database_url or "", size=settings.pool_size)
        self._port = port
        self._listener = inbound_mail.listener(self._database, settings, settings.mail_listen or "", now)
        self._stopped = asyncio.Event()
        jobs = database_jobs(self._database, HorizonMonitor(self._database))
        if files_mail:
            jobs += inbound_mail.jobs(self._database, open_blobs(settings), settings, now, render, self._stopped)
        folder = folders.inherited(os.environ)
        if folder is not None:
            jobs.append(snapshot_job(folder, MAIL, self._database))
        self._runner = Runner(jobs, yields_to_requests=False)

    def stop(self) -> None:
        """Let ``run`` return soon."""
        self._stopped.set()
        self._runner.stop()

    async def run(self) -> None:
        """Listen at once, and file mail as soon as the database is available and migrated, until ``stop``."""
        work = asyncio.create_task(self._work(), name="mail")
        stopped = asyncio.create_task(self._stopped.wait())
        try:
            if self._port is not None:
                await self._listener.start(self._port)
            await asyncio.wait({work, stopped}, return_when=asyncio.FIRST_COMPLETED)
            await self._listener.stop()
            await asyncio.wait({work}, timeout=GRACE_SECONDS)
        finally:
            PARSER.close()
            work.cancel()
            await asyncio.wait({work})
            await self._database.close()
        if not work.cancelled():
            work.result()

    async def _work(self) -> None:
        await when_available(self._prepare, MigrationsMissing)
        await self._runner.run()

    async def _prepare(self) -> None:
        await self._database.connect()
        if await migrate.pending(self._database):
            raise MigrationsMissing("the database lacks migrations: run clearline migrate first")


async def _run(settings: Settings, port: socket.socket | None, *, files_mail: bool) -> None:
    process = MailProcess(settings, port, files_mail=files_mail)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, process.stop)

    def stop_with_parent() -> None:
        loop.remove_reader(sys.stdin)
        process.stop()

    loop.add_reader(sys.stdin, stop_with_parent)
    await process.run()


def main() -> None:
    """Run until a signal, or until the process that started this one ends."""
    descriptor, files_mail = sys.argv[1:]
    settings = current_settings()
    logs.configure(settings.log_format, settings.log_level, process=NAME)
    os.nice(_NICE)
    port = None if descriptor == "-" else socket.socket(fileno=int(descriptor))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            runner.run(_run(settings, port, files_mail=files_mail == "files"))
        except OperationalError as error:
            _log.error("mail cannot be received", error=str(error))
            sys.exit(_CANNOT_RUN)
        except Exception:  # noqa: BLE001 - logged like everything else, and the process is started again
            _log.exception("mail cannot be received")
            sys.exit(1)


if __name__ == "__main__":
    main()
