"""The process for mail beside a server or a worker: it starts when mail is expected, and again if it dies."""

import asyncio
import contextlib
import os
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from clearline.clock import monotonic
from clearline.errors import OperationalError
from clearline.logs import Logger
from clearline.mail.inbound import mailbox_store
from clearline.mail.inbound.parsing.parser import MALLOC
from clearline.platform.database.errors import StatementFailed
from clearline.platform.database.transactions import Database
from clearline.settings.settings import PREFIX

LOOK_SECONDS = 5
"""Between two looks whether there is a mailbox."""

PAUSE_SECONDS, PAUSE_MAX = 1, 60
"""The pause before a process that died starts again; it doubles each time."""

STABLE_SECONDS = 60
"""After so long the next pause is the first one again."""

STOP_SECONDS = 10
"""How long a stopping process may take; then it is killed. What it was doing is done again later."""

_log = Logger("clearline.mail")


class MailSupervisor:
    """Keeps one process running. With a ``port`` it listens there, and starts at once; else with the first mailbox."""

    def __init__(self, url: str, port: socket.socket | None, *, files_mail: bool) -> None:
        self._url, self._port, self._files_mail = url, port, files_mail
        self._stopped = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_stopping = False

    def stop(self) -> None:
        """End the process, and let ``run`` return soon. May be called from any thread and from a signal handler."""
        self._is_stopping = True
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop may be closed
                self._loop.call_soon_threadsafe(self._stopped.set)

    async def run(self) -> None:
        """Start the process, and again whenever it ends, until ``stop``."""
        self._loop = asyncio.get_running_loop()
        if self._port is None:
            await self._until_mail_is_expected()
        pause = PAUSE_SECONDS
        while not self._stops():
            began = monotonic()
            status = await self._run_process()
            if self._stops():
                return
            pause = PAUSE_SECONDS if monotonic() - began > STABLE_SECONDS else min(2 * pause, PAUSE_MAX)
            _log.error("mail process ended: it starts again", status=status, seconds=pause)
            await self._wait(pause)

    async def _run_process(self) -> int | str:
        """Run the process until it ends, or until ``stop``; return its exit status, or why it did not start."""
        try:
            process = await self._start_process()
        except OSError as error:  # such as no memory
            return str(error)
        _log.info("mail process started", pid=process.pid)
        ended, stopped = asyncio.create_task(process.wait()), asyncio.create_task(self._stopped.wait())
        await asyncio.wait({ended, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if not ended.done():
            process.terminate()
            await asyncio.wait({ended}, timeout=STOP_SECONDS)
        if not ended.done():
            process.kill()
        return await ended

    async def _start_process(self) -> asyncio.subprocess.Process:
        port = "-" if self._port is None else str(self._port.fileno())
        return await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", "clearline.cli.server.mail_process",
            port, "files" if self._files_mail else "stores",
            stdin=asyncio.subprocess.PIPE,
            env={**os.environ, **MALLOC, f"{PREFIX}DATABASE_URL": self._url},
            pass_fds=() if self._port is None else (self._port.fileno(),),
        )  # fmt: skip

    async def _until_mail_is_expected(self) -> None:
        database = Database(self._url, size=2)
        try:
            while not self._stops() and not await _expects_mail(database):
                await self._wait(LOOK_SECONDS)
        finally:
            await database.close()

    def _stops(self) -> bool:
        return self._is_stopping

    async def _wait(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopped.wait()


async def _expects_mail(database: Database) -> bool:
    """Return whether there is mail to poll or to file; not while the database is away or not migrated."""
    try:
        if not database.is_open:
            await database.connect()
        async with database.statement() as tx:
            return await mailbox_store.expects_mail(tx)
    except (OperationalError, StatementFailed):
        return False


@contextmanager
def in_thread(supervisor: MailSupervisor | None) -> Iterator[None]:
    """Run a supervisor, if there is one, in a thread of its own until the block ends."""
    if supervisor is None:
        yield
        return
    thread = threading.Thread(target=lambda: asyncio.run(supervisor.run()), name="mail supervisor", daemon=True)
    thread.start()
    try:
        yield
    finally:
        supervisor.stop()
        thread.join()
