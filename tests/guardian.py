"""End every process that the tests start, however the run ends. Uses only the standard library.

Every process of a run has a mark in its environment, which its children inherit. The guardian holds the read end of
a pipe; when the run ends, even by a kill, the pipe closes and the guardian kills every marked process.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

MARK = "TESTS_RUN_BY"


def marked(run: str, *, but: int) -> list[int]:
    """Return the ids of the running processes of a run, except one."""
    mark = f"{MARK}={run}".encode()
    pids = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if int(entry.name) != but and mark in (entry / "environ").read_bytes().split(b"\0"):
                pids.append(int(entry.name))
    return pids


def kill(run: str, *, but: int) -> list[int]:
    """Kill the processes of a run, and those they start in the meantime; return the ids of the first ones."""
    began, first = time.monotonic(), marked(run, but=but)
    remaining = first
    while remaining and time.monotonic() - began < 10:
        for pid in remaining:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)
        remaining = marked(run, but=but)
    return first


def watch(run: str) -> "subprocess.Popen[bytes]":
    """Start a guardian for this process, and mark the processes that it starts from now on."""
    command = [sys.executable, "-I", __file__, run]
    guardian = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
    os.environ[MARK] = run
    return guardian


def main() -> None:
    """Wait until the run has ended, then kill its remaining processes."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    sys.stdin.buffer.read()
    kill(sys.argv[1], but=os.getpid())


if __name__ == "__main__":
    main()
