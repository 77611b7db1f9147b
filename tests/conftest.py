"""A real PostgreSQL, started once; an empty database for each module; the real application over it."""

import gc
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import hypothesis
import pytest

from clearline.mail.inbound.parsing.parser import PARSER
from clearline.platform.database.session import SESSION_SETTINGS
from clearline.platform.database.transactions import Database
from clearline.platform.postgres import embedded as embedded_postgres
from clearline.settings.settings import Settings
from tests import guardian
from tests.builders.application import BuilderDatabase, serving
from tests.builders.databases import MANY_ROWS, administer_server, new_database, reachable_dir
from tests.builders.people import Tenant, new_tenant

hypothesis.settings.register_profile(
    "clearline", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("clearline")

_RUN = uuid4().hex
_GUARDIAN = pytest.StashKey[subprocess.Popen[bytes]]()
_SYSTEM = (
    "tests/clients/", "tests/docs/test_guides.py", "tests/docs/test_tutorial.py", "tests/e2e/",
    "tests/platform/postgres/test_embedded.py", "tests/platform/postgres/test_programs.py",
    "tests/platform/postgres/test_upgrade.py", "tests/release/test_container.py", "tests/release/test_dist.py",
    "tests/web/browser/",
)  # fmt: skip
"""The tests marked ``system``: they start whole servers, browsers or database clusters, each of which takes seconds."""


_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - pytest makes directories of its own in it
_ROOM = 4 << 30
"""Bytes of memory that temporary files may take: four times what they take with four processes."""


def _use_memory_for_temporary_files() -> None:
    """Keep temporary files in memory where there is room, unless TMPDIR names a place.

    The tests make and delete hundreds of databases. On ext4 that takes a sixth of the CPU time of all tests.
    """
    try:
        place = os.statvfs(_SHARED_MEMORY)
        available = re.search(r"MemAvailable: +(\d+) kB", Path("/proc/meminfo").read_text())
    except OSError:
        return
    memory = 0 if available is None else int(available[1]) * 1024
    has_room = min(place.f_bavail * place.f_frsize, memory // 2) > _ROOM
    is_usable = os.access(_SHARED_MEMORY, os.W_OK | os.X_OK) and not place.f_flag & os.ST_NOEXEC
    if "TMPDIR" not in os.environ and has_room and is_usable:
        os.environ["TMPDIR"] = tempfile.tempdir = str(_SHARED_MEMORY)


def pytest_configure(config: pytest.Config) -> None:
    """Start the guardian, which kills the processes that the tests leave behind."""
    _use_memory_for_temporary_files()
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # As after nohup, and behind & in a script. Child processes would inherit it and ignore SIGINT too.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config.stash[_GUARDIAN] = guardian.watch(_RUN)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return two processes more than there are cores, at most four: since tests of servers often wait."""
    return min(len(os.sched_getaffinity(0)) + 2, 4)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out the files of which ``-m`` chooses nothing: each process would import hundreds for that."""
    systems = [config.rootpath / system for system in _SYSTEM]
    has_only_system = any(collection_path.is_relative_to(system) for system in systems)
    has_system = has_only_system or any(system.is_relative_to(collection_path) for system in systems)
    return {"system": not has_system, "not system": has_only_system}.get(config.option.markexpr) or None


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Look for no garbage while the tests are collected, nor later among what is made here: all of it stays."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(tryfirst=True)  # before -m chooses by the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of whole systems, and run the files that take longest first.

    So at the end, no process works on one while the others have none left.
    """
    for item in items:
        if item.nodeid.startswith(_SYSTEM):
            item.add_marker("system")
    slow = Counter(item.path for item in items if item.get_closest_marker("slow"))
    size = Counter(item.path for item in items)
    items.sort(key=lambda item: (-slow[item.path], not item.nodeid.startswith(_SYSTEM), -size[item.path]))


@pytest.hookimpl(trylast=True)  # after the fixtures of an interrupted run
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail when a test left a process behind."""
    processes = guardian.kill(_RUN, but=os.getpid())
    if processes:
        session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED
        print(f"\nthe tests left {len(processes)} processes behind; they are killed")  # noqa: T201


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the guardian."""
    config.stash[_GUARDIAN].communicate()


@pytest.fixture(scope="session", autouse=True)
def parser() -> Iterator[None]:
    """End the process that parses mail, if a test needed it."""
    yield
    PARSER.close()


@pytest.fixture(scope="session")
async def postgres() -> AsyncIterator[str]:
    """Yield the URL of the embedded PostgreSQL that the whole run uses. It need not survive a power cut."""
    folder = reachable_dir("clearline-tests-")
    try:
        server = embedded_postgres.start(folder / "data")
        try:
            for setting in ("fsync", "full_page_writes"):
                await administer_server(server.url, f"alter system set {setting} = off")
            await administer_server(server.url, "select pg_reload_conf()")
            yield server.url
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
async def database_url(postgres: str) -> AsyncIterator[str]:
    async with new_database(postgres) as url:
        yield url


@pytest.fixture(scope="module")
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = await BuilderDatabase.open(database_url)
    yield opened
    await opened.close()


@pytest.fixture(scope="module")
async def tenant(database: Database) -> Tenant:
    return await new_tenant(database)


@pytest.fixture
async def fresh(database: Database) -> Tenant:
    """Return a new company without tickets, idempotency keys or events of its own."""
    return await new_tenant(database)


@pytest.fixture(scope="module")
async def other_tenant(database: Database) -> Tenant:
    return await new_tenant(database)


@pytest.fixture(scope="module")
async def filled(database_url: str) -> AsyncIterator[Any]:
    """Yield a connection to a database with many rows."""
    connection = await asyncpg.connect(database_url, server_settings=SESSION_SETTINGS)
    await connection.execute(MANY_ROWS)
    yield connection
    await connection.close()


@pytest.fixture(scope="module")
def has_workers() -> bool:
    """Whether the server does the background work. A module overrides it whose tests have nothing to wait for."""
    return True


@pytest.fixture(scope="module")
async def client(database_url: str, *, has_workers: bool) -> AsyncIterator[httpx.AsyncClient]:
    # Tests raise many tickets on one service: none of them is about a chronic one but those that run its worker.
    settings = Settings(
        database_url=database_url, rate_limit=0, access_log=False, workers=has_workers, chronic_tickets=0
    )
    async with serving(settings) as opened:
        yield opened
