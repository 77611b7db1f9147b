"""The folder in which the processes of a server leave their snapshots: in memory where the system has such a place.

A process replaces its own file once a second, and its counts stay when it ends: what it served was served.
"""

import fcntl
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from clearline.metrics.domain import Snapshot, gathered

VARIABLE = "_CLEARLINE_METRICS"
"""The environment variable with which the server names the folder to the processes that it starts. Not a setting."""
IN_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of its own is made in it
"""Where folders are made, if the system has it."""
_PREFIX = "clearline-metrics-"
_LOCK = "lock"
_ENDED = "ended"
"""The file of the counts of all processes that have ended."""
_decode = msgspec.json.Decoder(list[Snapshot]).decode
_encode = msgspec.json.Encoder().encode


@contextmanager
def new_folder() -> Iterator[Path]:
    """Make a folder for the processes of a server, and delete it at the end of the block.

    Those that a killed server left behind are deleted: nobody holds their locks.
    """
    place = IN_MEMORY if os.access(IN_MEMORY, os.W_OK | os.X_OK) else Path(tempfile.gettempdir())
    for old in place.glob(f"{_PREFIX}*"):
        _delete_if_left(old)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=place))
    try:
        with (folder / _LOCK).open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _delete_if_left(folder: Path) -> None:
    with suppress(OSError), (folder / _LOCK).open("rb+") as lock:  # another account's, or just being made or deleted
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)


def inherited(environment: Mapping[str, str]) -> Path | None:
    """Return the folder that the server named to this process; None when it has no metrics."""
    folder = environment.get(VARIABLE)
    return Path(folder) if folder else None


class OwnFile:
    """The file of this process in the folder."""

    def __init__(self, folder: Path) -> None:
        # A later process can have the same pid, and must not replace what this one has counted.
        self._path = folder / f"{os.getpid()}-{secrets.token_hex(4)}.json"

    def write(self, snapshot: Snapshot) -> None:
        """Leave a snapshot in the place of the one before."""
        _replace(self._path, [snapshot])


def _replace(path: Path, snapshots: list[Snapshot]) -> None:
    partial = path.with_suffix(".new")
    partial.write_bytes(_encode(snapshots))
    partial.replace(path)


def read(folder: Path) -> list[Snapshot]:
    """Return the snapshots of all processes, those of ended ones gathered.

    Only one process may read the folder: it deletes the files of processes that have ended.
    """
    path_of_ended = folder / f"{_ENDED}.json"
    ended = _decode(path_of_ended.read_bytes()) if path_of_ended.exists() else []
    running: list[Snapshot] = []
    gone: list[Path] = []
    for path in sorted(folder.glob("*-*.json")):
        is_running = _is_running(int(path.stem.partition("-")[0]))  # before it is read: the end may be written between
        snapshots = _decode(path.read_bytes())
        if is_running:
            running += snapshots
        else:
            gone.append(path)
            ended += snapshots
    if gone:
        ended = gathered(ended)
        _replace(path_of_ended, ended)
        for path in gone:
            path.unlink()
    return [*ended, *running]


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another account's, with the number of one of ours
        return True
    return True
