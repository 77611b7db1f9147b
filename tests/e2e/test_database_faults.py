"""A database that is away for a while, at the start or later, and processes that die meanwhile."""

import asyncio
import configparser
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from uvicorn.config import STARTUP_FAILURE

from clearline.cli.exit_status import UNAVAILABLE
from clearline.platform.postgres import embedded as embedded_postgres
from clearline.platform.postgres.embedded import EmbeddedPostgres
from tests.builders.databases import administer, new_database, reachable_dir
from tests.builders.processes import alive, eventually
from tests.builders.server import Server
from tests.patience import patient, stretched

UNIT = Path(__file__).parents[2] / "deploy" / "clearline.service"


class OwnDatabase:
    """A PostgreSQL of the operator's, which is stopped and started beside Clearline."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: EmbeddedPostgres | None = None
        self.url = self.start()

    def start(self) -> str:
        self._running = embedded_postgres.start(self._folder)
        return self._running.url

    def stop(self) -> None:
        if self._running is not None:
            self._running.stop()
            self._running = None


@pytest.fixture
def own_database() -> Iterator[OwnDatabase]:
    folder = reachable_dir("clearline-own-")
    database = OwnDatabase(folder / "data")
    yield database
    database.stop()
    shutil.rmtree(folder)


@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_server_that_starts_before_its_database_waits_for_it(
    server: Server, own_database: OwnDatabase, processes: str
) -> None:
    own_database.stop()
    server.environment |= {"CLEARLINE_DATABASE_URL": own_database.url, "CLEARLINE_PROCESSES": processes}
    server.launch()
    assert eventually(lambda: server.status("/healthz") == 200), server.err
    assert server.ready() == 503
    key = {"Authorization": f"Bearer clk_{'a' * 43}"}
    answer = httpx.get(f"{server.url}/api/v1/tickets", headers=key, timeout=patient(5))
    assert (answer.status_code, answer.headers["retry-after"], answer.json()["code"]) == (503, "1", "unavailable")
    assert not server.ended()
    own_database.start()
    assert eventually(lambda: server.ready() == 200), server.err
    assert "Traceback" not in server.err
    assert server.stop() == 0


def test_a_worker_that_starts_before_its_database_and_its_server_waits_for_both(
    server: Server, own_database: OwnDatabase
) -> None:
    own_database.stop()
    server.environment |= {"CLEARLINE_DATABASE_URL": own_database.url, "CLEARLINE_WORKERS": "off"}
    worker = server.beside("work")
    assert eventually(lambda: "waiting for the database" in server.err)
    own_database.start()
    assert eventually(lambda: "lacks migrations" in server.err), server.err
    assert worker.poll() is None
    server.start()
    assert eventually(lambda: "Worker started" in server.err), server.err
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(patient(15)) == 0


@pytest.mark.usefixtures("with_demo_data")
def test_a_process_that_dies_while_the_database_is_away_comes_back_with_it(server: Server) -> None:
    server.environment["CLEARLINE_PROCESSES"] = "2"
    server.start()
    [supervisor] = server.supervisors()
    postmaster = server.postmaster()
    assert postmaster is not None
    os.kill(supervisor, signal.SIGSTOP)
    os.kill(postmaster, signal.SIGKILL)
    assert eventually(lambda: server.ready() == 503)
    before = server.http_processes()
    assert len(before) == 2
    killed = min(before)
    os.kill(killed, signal.SIGKILL)
    assert eventually(lambda: len(server.http_processes() - {killed}) == len(before)), server.err
    time.sleep(stretched(4))
    assert not server.ended(), server.err
    assert eventually(lambda: server.ready() == 503), server.err
    os.kill(supervisor, signal.SIGCONT)
    assert eventually(lambda: server.ready() == 200), server.err
    assert all(eventually(lambda: server.ready() == 200) for _ in range(10)), "both answer"
    assert all(alive(pid) for pid in server.http_processes())
    assert server.stop() == 0


@pytest.mark.parametrize("processes", ["1", "2"])
async def test_an_end_that_nobody_asked_for_has_a_status_that_starts_the_server_again(
    server: Server, own_database: OwnDatabase, processes: str
) -> None:
    """A newer Clearline migrated the database that comes back: waiting does not help."""
    server.environment |= {"CLEARLINE_DATABASE_URL": own_database.url, "CLEARLINE_PROCESSES": processes}
    server.start()
    assert server.stop() == 0
    await administer(own_database.url, "insert into schema_migration values (9999, 'newer', now())")
    own_database.stop()
    server.launch()
    assert eventually(lambda: server.status("/healthz") == 200), server.err
    own_database.start()
    assert eventually(server.ended), server.err
    assert server.process is not None
    assert server.process.returncode == UNAVAILABLE
    assert "start the newer Clearline" in server.err
    assert "Traceback" not in server.err


async def test_a_process_that_cannot_start_logs_why_without_a_traceback(server: Server, postgres: str) -> None:
    """As one of several processes does that starts after a newer Clearline migrated the database."""
    async with new_database(postgres) as url:
        await administer(url, "insert into schema_migration values (9999, 'newer', now())")
        environment = {**server.environment, "CLEARLINE_DATABASE_URL": url}
        command = ["uvicorn", "clearline.app:from_environment", "--factory", "--lifespan", "on", "--port", "0"]
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", *command, env=environment, stderr=subprocess.PIPE
        )
        _, printed = await asyncio.wait_for(process.communicate(), patient(30))
    assert process.returncode == STARTUP_FAILURE, printed
    assert b"start the newer Clearline" in printed
    assert b"Traceback" not in printed


@pytest.mark.usefixtures("with_demo_data")
def test_a_worker_never_takes_the_embedded_database_from_its_server(server: Server) -> None:
    server.start("--demo")
    assert server.stop() == 0
    worker = server.beside("work")
    assert eventually(lambda: "waiting for the database" in server.err)
    assert "start clearline serve" in server.err
    assert server.postmaster() is None
    server.start()
    assert eventually(lambda: "Worker started" in server.err), server.err
    assert server.stop() == 0
    server.start()
    assert worker.poll() is None
    assert server.stop() == 0


@pytest.mark.usefixtures("with_demo_data")
def test_a_server_waits_for_a_command_that_uses_the_embedded_database(server: Server) -> None:
    server.start("--demo")
    assert server.stop() == 0
    command = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(server.data_dir)], env=server.environment, stdin=subprocess.PIPE, cwd="/"
    )
    try:
        assert eventually(lambda: server.postmaster() is not None)
        server.launch()
        assert eventually(lambda: "waiting for a command that uses the data directory" in server.err), server.err
        assert not server.ended()
    finally:
        command.communicate()
    assert eventually(lambda: server.ready() == 200), server.err
    assert server.stop() == 0


HOLDER = """
import sys
from pathlib import Path
from clearline.platform.postgres import embedded
running = embedded.start(Path(sys.argv[1]))
sys.stdin.read()
running.stop()
"""
"""Does what a command does that uses the embedded database for a while."""


@pytest.mark.usefixtures("with_demo_data")
def test_what_needs_a_server_for_long_says_so(server: Server) -> None:
    server.start("--demo")
    assert server.stop() == 0
    following = server.command("events", "tail", "--follow")
    assert following.returncode == UNAVAILABLE
    assert following.stderr == (
        f"error: no server runs on the data directory {server.data_dir}: start clearline serve first\n"
    )


@pytest.mark.usefixtures("with_demo_data")
def test_a_database_that_is_away_makes_one_short_line_a_second(server: Server) -> None:
    server.start("--demo")
    [supervisor] = server.supervisors()
    postmaster = server.postmaster()
    assert postmaster is not None
    os.kill(supervisor, signal.SIGSTOP)
    os.kill(postmaster, signal.SIGKILL)
    assert eventually(lambda: server.ready() == 503)
    began, before = time.monotonic(), len(server.err.splitlines())
    with httpx.Client(base_url=server.url, headers=server.headers(), timeout=patient(10)) as client:
        while time.monotonic() < began + 3:
            assert client.get("/v2/support-tickets?status=open").status_code == 503
    lines = [json.loads(line) for line in server.err.splitlines()[before:]]
    warnings = [line for line in lines if line["event"] != "request"]
    processes = Counter(line.get("process_name") for line in warnings)
    assert 1 <= max(processes.values()) <= time.monotonic() - began + 2
    assert {line["level"] for line in warnings} == {"warning"}
    assert all("sqlstate" in line and len(json.dumps(line)) < 500 for line in warnings)
    away = server.command("ticket", "list")
    assert (away.returncode, len(away.stderr.splitlines())) == (UNAVAILABLE, 1)
    assert "Errno" not in away.stderr
    assert "start clearline serve" in away.stderr
    os.kill(supervisor, signal.SIGCONT)
    assert eventually(lambda: server.ready() == 200)


def test_the_unit_of_systemd_starts_the_server_again_without_end() -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read(UNIT)
    assert unit["Unit"]["StartLimitIntervalSec"] == "0", "five bad starts in a row would be the end"
    assert unit["Service"]["Restart"] == "on-failure"
    assert float(unit["Service"]["RestartSec"]) > 0
