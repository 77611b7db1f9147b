"""Backups of the embedded PostgreSQL, and kills of the commands that make and restore them at any moment."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builders.databases import reachable_dir
from tests.patience import patient

ROUNDS = 6


@pytest.fixture
def folder() -> Iterator[Path]:
    """Yield a folder with a data directory ``desk`` that has the demo, and room for temporary files."""
    path = reachable_dir("clearline-backup-")
    (path / "tmp").mkdir(mode=0o711)
    run(path, "desk", "demo")
    yield path
    shutil.rmtree(path)


def start(folder: Path, data: str, *arguments: str) -> "subprocess.Popen[str]":
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CLEARLINE_")}
    return subprocess.Popen(
        [sys.executable, "-m", "clearline", *arguments],
        env=kept | {"CLEARLINE_DATA_DIR": str(folder / data), "TMPDIR": str(folder / "tmp")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(folder: Path, data: str, *arguments: str, status: int = 0) -> str:
    """Run a command to its end, and return what it prints."""
    process = start(folder, data, *arguments)
    printed, said = process.communicate(timeout=patient(60))
    assert process.returncode == status, said
    return printed + said


def kill_after(seconds: float, process: "subprocess.Popen[str]") -> None:
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    process.communicate()


def whole(backups: Path) -> list[Path]:
    return sorted(path for path in backups.glob("2*"))


def test_a_killed_backup_is_never_taken_for_a_whole_one(folder: Path) -> None:
    backups = folder / "backups"
    began = time.monotonic()
    run(folder, "desk", "backup", str(backups))
    lasts = time.monotonic() - began
    for number in range(ROUNDS):
        kill_after(lasts * (number + 1) / ROUNDS, start(folder, "desk", "backup", str(backups), "--keep", "2"))
        for backup in whole(backups):
            assert "is whole" in run(folder, "desk", "verify-backup", str(backup))
    run(folder, "desk", "backup", str(backups), "--keep", "1")
    assert {path.name for path in backups.iterdir()} == {".lock", whole(backups)[0].name}


def test_a_killed_restore_leaves_no_desk_or_a_whole_one(folder: Path) -> None:
    backups = folder / "backups"
    run(folder, "desk", "backup", str(backups))
    companies = run(folder, "desk", "company", "list", "--json")
    began = time.monotonic()
    run(folder, "restored", "restore", str(backups))
    lasts = time.monotonic() - began
    assert run(folder, "restored", "company", "list", "--json") == companies
    for number in range(ROUNDS):
        data = f"restored-{number}"
        kill_after(lasts * (number + 1) / ROUNDS, start(folder, data, "restore", str(backups)))
        if not (folder / data / "postgresql").exists():
            run(folder, data, "restore", str(backups))
        assert run(folder, data, "company", "list", "--json") == companies
        assert "has a desk" in run(folder, data, "restore", str(backups), status=4)


def test_a_drill_leaves_nothing_even_when_it_is_killed(folder: Path) -> None:
    backups = folder / "backups"
    run(folder, "desk", "backup", str(backups))
    kill_after(1.5, start(folder, "desk", "restore", str(backups), "--drill"))
    report = json.loads(run(folder, "desk", "restore", str(backups), "--drill", "--json"))
    assert report["ok"] is True
    assert report["counts"]["ticket"] > 0
    assert report["seconds"] > 0
    assert list((folder / "tmp").glob("clearline-drill-*")) == []
