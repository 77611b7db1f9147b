"""Nothing that the tests start outlives them, however they end. Runs by itself, with the standard library alone.

Every process of a run carries a mark in its environment, and so does what it starts. The guardian holds the read end of
a pipe; when the run is gone, even killed, the pipe ends and everything that is marked is killed.
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
    """The living processes of a run, but for one."""
    mark = f"{MARK}={run}".encode()
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if int(entry.name) != but and mark in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
    return found


def kill(run: str, *, but: int) -> list[int]:
    """Kill the processes of a run, and what they may have started meanwhile; the ids of those that were there."""
    began, first = time.monotonic(), marked(run, but=but)
    left = first
    while left and time.monotonic() - began < 10:
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)
        left = marked(run, but=but)
    return first


def watch(run: str) -> "subprocess.Popen[bytes]":
    """Have a guardian watch over this process, and mark what it starts from now on."""
    command = [sys.executable, "-I", __file__, run]
    guardian = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
    os.environ[MARK] = run
    return guardian


def main() -> None:
    """Wait until the run is gone, then kill what it left."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    sys.stdin.buffer.read()
    kill(sys.argv[1], but=os.getpid())


if __name__ == "__main__":
    main()
