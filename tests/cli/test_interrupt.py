"""Ctrl-C in a command."""

import fcntl
import os
import signal
import subprocess
import sys
import termios
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import clearline
from clearline.platform.database.transactions import Database
from clearline.tickets.domain import ticket_number
from tests.builders.application import run_json
from tests.builders.databases import session
from tests.builders.people import Tenant
from tests.builders.processes import eventually, started
from tests.builders.tickets import import_line, raised
from tests.patience import patient


@contextmanager
def running(url: str, *arguments: str, **options: Any) -> "Iterator[subprocess.Popen[str]]":
    """Start a command in a process of its own."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CLEARLINE_")}
    environment = {
        **clean,
        "CLEARLINE_DATABASE_URL": url,
        "PYTHONPATH": str(Path(clearline.__file__).parents[1]),
    }
    command = [sys.executable, "-m", "clearline", *arguments]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with started(command, env=environment, text=True, **pipes, **options) as process:
        yield process


def job_of(process: "subprocess.Popen[str]") -> str:
    """Wait for the line that names the job, and return its id."""
    first = process.stderr.readline() if process.stderr else ""
    assert first.startswith("Job "), first
    return first.split()[1].rstrip(":")


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("as_json", [(), ("--json",)])
async def test_an_interrupted_bulk_cancels_what_waits(
    database_url: str, database: Database, tenant: Tenant, sent: int, as_json: tuple[str, ...]
) -> None:
    async with database.transaction() as tx:
        numbers = [ticket_number(await raised(tx, tenant)) for _ in range(4)]
    async with session(database_url) as holder:
        transaction = holder.transaction()
        await transaction.start()
        await holder.execute("select from ticket where number = $1 for update", int(numbers[1][3:]))
        with running(database_url, "bulk", "tag", *numbers, "--add", "cut", *as_json) as process:
            job = job_of(process)
            assert eventually(lambda: run_json(database_url, "job", "show", job)["counts"]["done"] == 1)
            process.send_signal(sent)
            out, err = process.communicate(timeout=patient(30))
        await transaction.rollback()
    assert process.returncode == 130, err
    shown = run_json(database_url, "job", "show", job)
    assert shown["state"] == "cancelled"
    assert shown["counts"] == {"done": 1, "unchanged": 0, "refused": 3, "waiting": 0}
    assert (job in out, "Aborted" in err, "Traceback" in err) == (True, False, False)
    if not as_json:
        assert out == f"1 done, 0 unchanged, 0 refused, 3 cancelled (job {job}).\n"
    assert {run_json(database_url, "ticket", "show", number)["tags"] == ["cut"] for number in numbers[1:]} == {False}


async def test_an_interrupted_import_cancels_what_waits(database_url: str, fresh: Tenant, tmp_path: Path) -> None:
    file = tmp_path / "tickets.ndjson"
    lines = [import_line(fresh, external={"system": "old", "id": str(index)}) for index in range(3)]
    file.write_text("".join(lines))
    lock = "select pg_advisory_lock(hashtextextended($1, 0))"
    async with session(database_url) as holder:
        await holder.fetchval(lock, f"import {fresh.company.id} old 1")
        with running(database_url, "ticket", "import", str(file)) as process:
            job = job_of(process)
            assert eventually(lambda: run_json(database_url, "job", "show", job)["counts"]["done"] == 1)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=patient(30))
    assert (process.returncode, out) == (130, f"1 done, 0 unchanged, 0 refused, 2 cancelled (job {job}).\n"), err
    assert run_json(database_url, "job", "show", job)["state"] == "cancelled"


async def test_ctrl_c_before_anything_was_stored_is_status_130(database_url: str) -> None:
    with running(database_url, "ticket", "import", "-", stdin=subprocess.PIPE) as process:
        assert process.stdin
        process.stdin.write("x")
        process.stdin.flush()
        assert eventually(lambda: not _unread(process))
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=patient(30))
    assert (process.returncode, out, err) == (130, "", "Interrupted.\n")


def _unread(process: "subprocess.Popen[str]") -> int:
    """Return how many bytes of its standard input a process did not read yet."""
    return array("i", fcntl.ioctl(process.stdin or -1, termios.FIONREAD, bytes(4)))[0]
