"""The complete application: its server and its commands."""

import asyncio
import atexit
import json
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, ClassVar
from unittest import mock

import httpx
from click.testing import CliRunner, Result

from clearline.app import Application
from clearline.cli.main import main
from clearline.platform.database.transactions import Database, Tx
from clearline.settings.defaults import data_dir as default_data_dir
from clearline.settings.settings import Settings

sys.modules.setdefault("sniffio", None)  # type: ignore[arg-type]
"""httpx looks for this module at every request, in every folder of Python's path: that takes a tenth of a request."""


class ServedDatabase(Database):
    """The database of an application that is served in this process."""

    served: ClassVar[set["ServedDatabase"]] = set()

    def __init__(self, url: str, *, size: int) -> None:
        super().__init__(url, size=size)
        self.url = url

    async def connect(self) -> None:
        await super().connect()
        self.served.add(self)

    async def close(self) -> None:
        self.served.discard(self)
        await super().close()

    @property
    def changes_heard(self) -> int:
        """How often the application was told to read anew what it has in memory."""
        return self.memory._generation  # noqa: SLF001 - nothing but tests counts them


class BuilderDatabase(Database):
    """A database by which tests change what an application has in memory.

    A transaction returns when the applications that are served here have heard of its change, which they do a little
    later than PostgreSQL has committed it.
    """

    def __init__(self, url: str, *, size: int = 10) -> None:
        super().__init__(url, size=size)
        self._url = url

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Tx]:
        heard = {each: each.changes_heard for each in ServedDatabase.served if each.url == self._url}
        async with super().transaction() as tx:
            yield tx
        if tx.changes_memory:
            for application, before in heard.items():
                await _until_heard(application, before)


async def _until_heard(application: ServedDatabase, before: int) -> None:
    """Wait for the notification of a change; of one that changed no row there is none."""
    for _ in range(200):
        if application.changes_heard != before or not application.memory.is_line_up:
            return
        await asyncio.sleep(0.005)


@cache
def data_dir_of(url: str) -> Path:  # noqa: ARG001 - there is one for each
    """Return the data directory of the servers and commands of a database: they mark the store of attachments in it."""
    folder = tempfile.mkdtemp(prefix="clearline-data-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


@asynccontextmanager
async def serving(settings: Settings, metrics_folder: Path | None = None) -> AsyncIterator[httpx.AsyncClient]:
    """Start the complete application as a server does, yield a client of it, and stop it at the end of the block."""
    if settings.data_dir == default_data_dir():
        settings = replace(settings, data_dir=data_dir_of(settings.database_url or ""))
    app = Application(settings, metrics_folder)
    started, stop, stopped = asyncio.Event(), asyncio.Event(), asyncio.Event()
    messages = iter([{"type": "lifespan.startup"}])

    async def receive() -> dict[str, str]:
        for message in messages:
            return message
        await stop.wait()
        return {"type": "lifespan.shutdown"}

    async def send(message: dict[str, str]) -> None:
        assert "failed" not in message["type"], message
        (started if message["type"] == "lifespan.startup.complete" else stopped).set()

    with mock.patch("clearline.app.Database", ServedDatabase):
        life = asyncio.create_task(app({"type": "lifespan", "state": {}}, receive, send))  # type: ignore[arg-type]
        await asyncio.wait({life, asyncio.create_task(started.wait())}, return_when=asyncio.FIRST_COMPLETED)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://desk.example.com") as client:
        yield client
    stop.set()
    await life


def run_command(url: str, *arguments: str, text: str | bytes | None = None, **settings: str) -> Result:
    """Run a command in this process, which takes a tenth of the time of a separate process.

    It runs in a thread with its own event loop. Its only settings are these, the address of the database and a data
    directory.
    """
    environment: dict[str, str | None] = {name: None for name in os.environ if name.startswith("CLEARLINE_")}
    environment |= {"CLEARLINE_DATABASE_URL": url, "CLEARLINE_DATA_DIR": str(data_dir_of(url)), **settings}
    with ThreadPoolExecutor(1) as thread:
        runner = CliRunner(env=environment)
        return thread.submit(runner.invoke, main, arguments, input=text, prog_name="clearline").result()


def run_json(url: str, *arguments: str, text: str | bytes | None = None, **settings: str) -> Any:
    """Run a command that succeeds, and return what it prints as JSON, or None when it prints nothing."""
    result = run_command(url, *arguments, "--json", text=text, **settings)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout) if result.stdout else None


def run_text(url: str, *arguments: str, **settings: str) -> str:
    """Run a command that succeeds, and return what it prints for people."""
    result = run_command(url, *arguments, **settings)
    assert result.exit_code == 0, result.output
    return result.stdout


def run_refused(url: str, *arguments: str, **settings: str) -> str:
    """Run a command that is refused, and return what it prints on standard error."""
    result = run_command(url, *arguments, **settings)
    assert (result.exit_code, result.stdout) == (1, ""), result.output
    return result.stderr
