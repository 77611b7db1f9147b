"""A Clearline in processes of its own, as people run it, and what is to be found of it in /proc."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import httpx

from clearline.gateways.postgres_supervisor import is_postmaster, pid_in

AUTHORITY = "127.0.0.1"
START_SECONDS = 40
STOP_SECONDS = 20


def free_port() -> int:
    with socket.create_server((AUTHORITY, 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def children(pid: int) -> list[int]:
    """The living children of a process."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            after_name = (entry / "stat").read_text().rpartition(")")[2].split()
            if int(after_name[1]) == pid and after_name[0] != "Z":
                found.append(int(entry.name))
    return found


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


def naming(path: Path) -> list[int]:
    """The processes whose command line names a path."""
    pids = [int(entry.name) for entry in Path("/proc").glob("[0-9]*")]
    return [pid for pid in pids if str(path) in command_of(pid)]


def alive(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def eventually(true: Callable[[], object], seconds: float = STOP_SECONDS) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if true():
            return True
        time.sleep(0.05)
    return bool(true())


class Running:
    """``clearline serve`` with a data directory and a port of its own."""

    def __init__(self, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.data_dir = folder / "data"
        self.port = free_port()
        self.url = f"http://{AUTHORITY}:{self.port}"
        clean = {name: value for name, value in os.environ.items() if not name.startswith("CLEARLINE_")}
        own = {
            "CLEARLINE_DATA_DIR": str(self.data_dir),
            "CLEARLINE_BIND": f"{AUTHORITY}:{self.port}",
            "CLEARLINE_RATE_LIMIT": "0",
        }
        self.environment = {**clean, **own, **(environment or {})}
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    @property
    def out(self) -> str:
        return (self.folder / "out").read_text()

    @property
    def err(self) -> str:
        return (self.folder / "err").read_text()

    def launch(self, *options: str) -> None:
        """Start the server and do not wait."""
        command = [sys.executable, "-m", "clearline", "serve", *options]
        with (self.folder / "out").open("ab") as out, (self.folder / "err").open("ab") as err:
            self.process = subprocess.Popen(
                command, env=self.environment, cwd="/", stdin=subprocess.DEVNULL, stdout=out, stderr=err
            )

    def start(self, *options: str) -> None:
        """Start the server and wait until it is ready."""
        self.launch(*options)
        assert eventually(lambda: self.ended() or self.ready() == 200, START_SECONDS), self.err
        assert not self.ended(), self.err

    def ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def ready(self) -> int:
        """The status of /readyz, or 0 when nobody answers."""
        try:
            return httpx.get(f"{self.url}/readyz", timeout=5).status_code
        except httpx.TransportError:
            return 0

    def secret(self) -> str:
        """The first key that the demo printed."""
        assert eventually(lambda: "API key:" in self.out)
        found = re.search(r"API key: +(\S+)", self.out)
        assert found is not None
        return found[1]

    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.secret()}"}

    def postmaster(self) -> int | None:
        data = self.data_dir / "postgresql"
        pid = pid_in(data)
        return pid if pid is not None and is_postmaster(pid, data) else None

    def supervisors(self) -> list[int]:
        return [pid for pid in children(self.pid) if "postgres_supervisor" in command_of(pid)]

    def backends(self) -> list[int]:
        """The PostgreSQL processes that serve our connections."""
        postmaster = self.postmaster()
        mine = children(postmaster) if postmaster is not None else []
        return [pid for pid in mine if command_of(pid).startswith("postgres: clearline clearline")]

    def processes(self) -> list[int]:
        """Everything that names the data directory in its command line."""
        return naming(self.data_dir)

    def stop(self, told: int = signal.SIGTERM) -> int:
        """Tell the server to stop; its exit status."""
        assert self.process is not None
        self.process.send_signal(told)
        return self.process.wait(STOP_SECONDS)

    def discard(self) -> None:
        """Leave nothing behind, whatever happened."""
        if self.process is not None and not self.ended():
            below = children(self.pid)
            self.process.kill()
            self.process.wait()
            eventually(lambda: not any(alive(pid) for pid in below), 10)
        eventually(lambda: not self.processes(), 10)
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def ticket(name: str, description: str = "No light since 08:00 UTC") -> dict[str, object]:
    """A ticket about a service of the first demo company."""
    return {
        "name": name,
        "description": description,
        "issueType": "Slow Response",
        "service": {"id": "NET-AMS-0012", "type": "Port"},
    }
