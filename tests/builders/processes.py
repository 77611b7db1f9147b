"""Processes that end with a block, and information about processes from /proc."""

import contextlib
import itertools
import os
import pty
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.patience import patient


def kill_group(process: "subprocess.Popen[Any]") -> None:
    """Kill a process that leads a session, with all processes of the session, and wait for its end."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@contextmanager
def started(command: Sequence[str | Path], **options: Any) -> "Iterator[subprocess.Popen[Any]]":
    """Start a process in a new session; kill all processes of the session when the block ends."""
    with subprocess.Popen(command, start_new_session=True, **options) as process:
        try:
            yield process
        finally:
            kill_group(process)


_PORTS = 1000
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_offsets = itertools.count(os.getpid())


def free_port() -> int:
    """Return an unused port of the loopback interface, of those of this worker.

    It is below the ports that the system gives to connections, so that a server that starts again can have it again.
    """
    for offset in itertools.islice(_offsets, _PORTS):
        port = 20_000 + _WORKER % 12 * _PORTS + offset % _PORTS
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise OSError("no port is free")


def children(pid: int) -> list[int]:
    """Return the living children of a process."""
    pids = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            after_name = (entry / "stat").read_text().rpartition(")")[2].split()
            if int(after_name[1]) == pid and after_name[0] != "Z":
                pids.append(int(entry.name))
    return pids


def command_of(pid: int) -> str:
    """Return the command line of a process, or nothing when it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


def naming(path: Path) -> list[int]:
    """Return the processes whose command line names a path."""
    pids = [int(entry.name) for entry in Path("/proc").glob("[0-9]*")]
    return [pid for pid in pids if str(path) in command_of(pid)]


def alive(pid: int) -> bool:
    """Return whether a process runs."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def eventually(true: Callable[[], object], seconds: float = 20) -> bool:
    """Wait until a condition is true, checked every 50 ms; return whether it is."""
    until = time.monotonic() + patient(seconds)
    while time.monotonic() < until:
        if true():
            return True
        time.sleep(0.05)
    return bool(true())


def open_terminal() -> tuple[int, int]:
    """Open a pseudo-terminal: the end that reads and writes as a person does, and the end for the program."""
    try:
        return pty.openpty()
    except OSError:
        pytest.skip("there are no pseudo-terminals here: /dev/pts is not mounted")


def require_reachable(account: str) -> None:
    """Skip the test unless an account can run this interpreter: below /root it cannot."""
    try:
        subprocess.run([sys.executable, "-c", ""], user=account, cwd="/", timeout=patient(30), check=True)
    except PermissionError:
        pytest.skip(f"{account} cannot run {sys.executable}")
