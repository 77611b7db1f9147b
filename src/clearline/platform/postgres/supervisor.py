"""The process between Clearline and its embedded PostgreSQL. Runs as a program, with only the standard library.

It keeps PostgreSQL running: starts it again when it dies, and stops it when its own standard input ends. That is a
pipe whose other end Clearline holds and never writes to, so PostgreSQL stops soon after Clearline ends, however it
went. Called with what to start as JSON: ``command``, ``data`` (its directory), ``output`` (a file for what it says
before its own log is open), ``user`` and ``group`` (numbers to run it as, or null), and ``gives_up_after`` (seconds
without ever being ready after which it is not started again, or null).
"""

import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

STOP_SECONDS = 30
OUTPUT_MAX = 1024**2
RESTART_SECONDS = (0.1, 0.2, 0.5, 1)
CANNOT_START = 3
"""The exit status when PostgreSQL was never ready, and was started again for ``gives_up_after`` seconds."""


def pid_in(data: Path) -> int | None:
    """Return the process id in ``postmaster.pid``, or None when there is none to read."""
    try:
        return int((data / "postmaster.pid").read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return None


def is_postmaster(pid: int, data: Path) -> bool:
    """Whether the process is a PostgreSQL on this data directory, and not another that was given its old id."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except FileNotFoundError:
        if Path("/proc/self").exists():
            return False
        listed = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, check=False)  # noqa: S607
        command = listed.stdout.split()
    except OSError:
        return False
    return b"postgres" in command[0] and os.fsencode(data) in command


def is_ready(data: Path) -> bool:
    """Return whether a PostgreSQL on this data directory takes connections."""
    try:
        lines = (data / "postmaster.pid").read_text().split("\n")
        return lines[7].strip() == "ready" and is_postmaster(int(lines[0]), data)
    except (OSError, ValueError, IndexError):
        return False


def stop_orphan(data: Path) -> None:
    """Stop a PostgreSQL that a killed Clearline left behind on this data directory."""
    pid = pid_in(data)
    if pid is None or not is_postmaster(pid, data):
        return
    for order, seconds in ((signal.SIGINT, STOP_SECONDS), (signal.SIGQUIT, 10)):
        try:
            os.kill(pid, order)
        except ProcessLookupError:
            return
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if not is_postmaster(pid, data):
                return
            time.sleep(0.02)


def disown_stale_pid(data: Path) -> None:
    """Let PostgreSQL start although ``postmaster.pid`` names a running process that is not this PostgreSQL.

    PostgreSQL takes any living process for its predecessor, except its own parent. So the first line is made to name
    us. The file itself stays: its other lines let PostgreSQL see server processes that outlived their postmaster.
    """
    file = data / "postmaster.pid"
    pid = pid_in(data)
    if pid is None or is_postmaster(pid, data):
        return
    lines = file.read_text().split("\n")
    lines[0] = str(os.getpid())
    with file.open("r+") as opened:  # in place: its owner and mode are PostgreSQL's
        opened.write("\n".join(lines))
        opened.truncate()


def die_with_parent() -> None:
    """In the child, on Linux: have the kernel stop PostgreSQL when this supervisor is killed."""
    if sys.platform == "linux":
        parent_death_signal = 1
        ctypes.CDLL(None).prctl(parent_death_signal, signal.SIGINT)


def _output(order: dict[str, Any]) -> Path:
    """Open the file for PostgreSQL's output; empty it when it is large, since a crash writes to it at each start."""
    file = Path(order["output"])
    if file.exists() and file.stat().st_size > OUTPUT_MAX:
        os.truncate(file, 0)
    return file


def start(order: dict[str, Any]) -> "subprocess.Popen[bytes]":
    """Start PostgreSQL, as another user when the order names one."""
    data = Path(order["data"])
    stop_orphan(data)
    disown_stale_pid(data)
    user, group = order.get("user"), order.get("group")
    identity: dict[str, Any] = {} if user is None else {"user": user, "group": group, "extra_groups": []}
    with _output(order).open("ab") as output:  # what it says before its own log is open
        server: subprocess.Popen[bytes] = subprocess.Popen(
            order["command"],
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            preexec_fn=die_with_parent,  # noqa: PLW1509 - this process has one thread
            umask=0o077,
            **identity,
        )
    return server


def waits_for_backends(output: Path) -> bool:
    """Return whether PostgreSQL ended because statements of its killed predecessor still run. They will end."""
    return b"shared memory block" in output.read_bytes()[-500:]


def owner_has_ended(seconds: float) -> bool:
    """Wait for the other end of standard input to close, at most so long."""
    readable, _, _ = select.select([0], [], [], seconds)
    return bool(readable)


def stop(server: "subprocess.Popen[bytes]") -> None:
    """Stop PostgreSQL: at first with a checkpoint, in the end without."""
    for order in (signal.SIGINT, signal.SIGQUIT):
        server.send_signal(order)
        try:
            server.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            continue
        return
    server.kill()


def main() -> int:
    """Keep PostgreSQL running until the owner has ended."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)  # only the owner's end of the pipe says stop
    order = json.loads(sys.argv[1])
    output = Path(order["output"])
    output.write_bytes(b"")
    output.chmod(0o600)
    failures = 0
    first_start, was_ready = time.monotonic(), order["gives_up_after"] is None
    while True:
        server = start(order)
        started = time.monotonic()
        while server.poll() is None:
            if owner_has_ended(0.05):
                stop(server)
                return 0
            was_ready = was_ready or is_ready(Path(order["data"]))
        failures = 1 if time.monotonic() - started > 60 else failures + 1
        is_late = not was_ready and time.monotonic() - first_start > order["gives_up_after"]
        if is_late and not waits_for_backends(output):
            return CANNOT_START
        pause = RESTART_SECONDS[min(failures, len(RESTART_SECONDS)) - 1]
        if was_ready or failures == 1:
            print(f"PostgreSQL exited with status {server.returncode}; starting it again", file=sys.stderr, flush=True)
        if owner_has_ended(pause):
            return 0


if __name__ == "__main__":
    sys.exit(main())
