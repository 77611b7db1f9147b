"""The folder in which processes leave their counts."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from clearline.metrics import folders
from clearline.metrics.domain import SERVER, Snapshot

LEAVE = """
import os, sys
from pathlib import Path
from clearline.metrics.domain import Snapshot
from clearline.metrics.folders import OwnFile
OwnFile(Path(sys.argv[1])).write(Snapshot("server", os.getpid(), refused={"key": 2}, open_streams=7))
"""


def leave(folder: Path) -> None:
    """Let a process leave its counts and end."""
    subprocess.run([sys.executable, "-c", LEAVE, folder], check=True)


def test_what_ended_processes_counted_stays_and_is_gathered_in_one_file(tmp_path: Path) -> None:
    own = folders.OwnFile(tmp_path)
    own.write(Snapshot(SERVER, os.getpid(), refused={"key": 1}))
    own.write(Snapshot(SERVER, os.getpid(), refused={"key": 10}, open_streams=1))
    for _ in range(3):
        leave(tmp_path)
    for _ in range(2):  # the second time there is nothing to gather
        ended, running = folders.read(tmp_path)
        assert (ended.pid, ended.refused, ended.open_streams) == (0, {"key": 6}, 0)
        assert (running.refused, running.open_streams) == ({"key": 10}, 1)
        assert len([*tmp_path.iterdir()]) == 2
    leave(tmp_path)
    assert folders.read(tmp_path)[0].refused == {"key": 8}


def test_a_process_does_not_replace_the_counts_of_an_earlier_one_with_its_number(tmp_path: Path) -> None:
    for refused in (1, 2):
        folders.OwnFile(tmp_path).write(Snapshot(SERVER, os.getpid(), refused={"key": refused}))
    assert sorted(one.refused["key"] for one in folders.read(tmp_path)) == [1, 2]


def test_a_folder_lasts_as_long_as_its_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "IN_MEMORY", tmp_path)
    killed, ours = tmp_path / "clearline-metrics-killed", tmp_path / "clearline-metrics-other"
    for folder in (killed, ours):
        folder.mkdir()
        (folder / "lock").touch()
        (folder / "1-a.json").touch()
    (tmp_path / "something-else").mkdir()
    with (ours / "lock").open("rb+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with folders.new_folder() as folder:
            assert folder.parent == tmp_path
            assert folder.stat().st_mode & 0o777 == 0o700
            assert sorted(tmp_path.iterdir()) == sorted([folder, ours, tmp_path / "something-else"])
            with folders.new_folder() as second:
                assert folder.exists()
                assert second.exists()
        assert sorted(tmp_path.iterdir()) == sorted([ours, tmp_path / "something-else"])


def test_where_there_is_no_place_in_memory_it_is_among_temporary_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "IN_MEMORY", tmp_path / "missing")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with folders.new_folder() as folder:
        assert folder.parent == tmp_path
