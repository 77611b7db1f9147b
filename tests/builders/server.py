"""A Clearline server in its own processes, as operators run it."""

import asyncio
import contextlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import clearline
from clearline.platform.postgres import supervisor
from clearline.platform.postgres.supervisor import is_postmaster, pid_in
from tests.builders.databases import reachable_dir
from tests.builders.processes import alive, children, command_of, eventually, free_port, kill_group, naming
from tests.patience import patient

AUTHORITY = "127.0.0.1"
START_SECONDS = 40
STOP_SECONDS = 20


class Server:
    """``clearline serve`` with its own data directory and port."""

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
            "CLEARLINE_CHRONIC_TICKETS": "0",  # tests raise many tickets on one service
            "CLEARLINE_COMPANY_SEARCHES": "1000",  # tests read everything back at once
            "PYTHONPATH": str(Path(clearline.__file__).parents[1]),  # the tested code, with any working directory
        }
        self.environment = {**clean, **own, **(environment or {})}
        self.process: subprocess.Popen[bytes] | None = None
        self._beside: list[subprocess.Popen[bytes]] = []
        self.starts = 0
        self.prefix: list[str] = []
        """What starts the server's own command."""
        self.python = sys.executable
        """The Python of the server and of its commands."""

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
        command = [*self.prefix, self.python, "-m", "clearline", "serve", *options]
        with (self.folder / "out").open("ab") as out, (self.folder / "err").open("ab") as err:
            self.process = self._open(command, stdout=out, stderr=err)
        self.starts += 1

    def beside(self, *arguments: str) -> "subprocess.Popen[bytes]":
        """Start another command of Clearline without waiting; its output goes to ``err``."""
        with (self.folder / "err").open("ab") as err:
            started = self._open([self.python, "-m", "clearline", *arguments], stdout=err, stderr=err)
        self._beside.append(started)
        return started

    def _open(self, command: Sequence[str], **streams: Any) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            command, env=self.environment, cwd="/", stdin=subprocess.DEVNULL, start_new_session=True, **streams
        )

    def start(self, *options: str) -> None:
        """Start the server and wait until it is ready."""
        self.launch(*options)
        assert eventually(lambda: self.ended() or self.ready() == 200, START_SECONDS), self.err
        assert not self.ended(), self.err

    def relaunch_if_ended(self, *options: str) -> None:
        """Start the server again if it has ended, without waiting."""
        if self.ended():
            self.launch(*options)

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run another command of Clearline with the server's settings, and wait for its end."""
        return subprocess.run(
            [self.python, "-m", "clearline", *arguments],
            env=self.environment,
            cwd="/",
            capture_output=True,
            text=True,
            timeout=patient(30),
            check=False,
        )

    def ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def ready(self) -> int:
        """Return the status of /readyz, or 0 without a response."""
        return self.status("/readyz")

    def status(self, path: str) -> int:
        """Return the status of a path, or 0 without a response. Polled: httpx would load certificates each time."""
        connection = HTTPConnection(AUTHORITY, self.port, timeout=patient(5))
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        except (OSError, HTTPException):
            return 0
        finally:
            connection.close()

    def secret(self) -> str:
        """Return the first key that the demo printed: a customer's."""
        return self._printed("API key:")

    def staff_secret(self) -> str:
        """Return the key of the admin of the provider."""
        return self._printed("Agent key:")

    def _printed(self, label: str) -> str:
        assert eventually(lambda: label in self.out)
        match = re.search(rf"{label} +(\S+)", self.out)
        assert match is not None
        return match[1]

    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.secret()}"}

    def postmaster(self) -> int | None:
        data = self.data_dir / "postgresql"
        pid = pid_in(data)
        return pid if pid is not None and is_postmaster(pid, data) else None

    def supervisors(self) -> list[int]:
        return [pid for pid in children(self.pid) if supervisor.__file__ in command_of(pid)]

    def http_processes(self) -> set[int]:
        """Return the processes that answer requests, when there are several."""
        return {pid for pid in children(self.pid) if "multiprocessing.spawn" in command_of(pid)}

    def backends(self) -> list[int]:
        """Return the PostgreSQL processes that serve our connections."""
        postmaster = self.postmaster()
        workers = children(postmaster) if postmaster is not None else []
        return [pid for pid in workers if command_of(pid).startswith("postgres: clearline clearline")]

    def victims(self, kind: str) -> list[int]:
        """Return the processes of a kind: the server, the supervisor of PostgreSQL, the postmaster, or its backends."""
        if kind == "server":
            return [self.pid]
        if kind == "supervisor":
            return self.supervisors()
        if kind == "backend":
            return self.backends()
        postmaster = self.postmaster()
        return [] if postmaster is None else [postmaster]

    def kill(self, pid: int) -> bool:
        """Kill one of the server's processes; return whether it was there. The server's own is waited for."""
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return False
        if self.process is not None and pid == self.pid:
            self.process.wait(patient(STOP_SECONDS))
        return True

    def processes(self) -> list[int]:
        """Return the processes whose command line names the data directory."""
        return naming(self.data_dir)

    def stop(self, signal_number: int = signal.SIGTERM) -> int:
        """Send the server a signal, and return its exit status."""
        assert self.process is not None
        self.process.send_signal(signal_number)
        return self.process.wait(patient(STOP_SECONDS))

    def discard(self) -> None:
        """Kill every process of the server and of its commands."""
        for process in self._beside:
            kill_group(process)
        if self.process is not None and not self.ended():
            descendants = children(self.pid)
            kill_group(self.process)
            eventually(lambda: not any(alive(pid) for pid in descendants), 10)
        eventually(lambda: not self.processes(), 10)
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


async def kill_at_random(
    server: Server,
    dice: random.Random,
    kinds: Sequence[str],
    *,
    most: int,
    seconds: float,
    answered: Callable[[], int],
    options: Sequence[str] = (),
) -> Counter[str]:
    """Kill the server's processes, each kind at least once, and restart the server; return the kills by kind.

    Between two kills there are sometimes no answered writes and sometimes five. At the end the server is ready.
    """
    kills: Counter[str] = Counter()
    until = time.monotonic() + patient(seconds)
    while kills.total() < most and time.monotonic() < until:
        before, patience = answered(), time.monotonic() + dice.choice([0.3, 5])
        while answered() < before + 5 and time.monotonic() < patience:
            server.relaunch_if_ended(*options)
            await asyncio.sleep(0.02)
        await asyncio.sleep(dice.uniform(0, 0.3))
        kind = dice.choice(kinds) if kills.total() >= len(kinds) else kinds[kills.total()]
        victims = server.victims(kind)
        if victims and not server.ended():
            kills[kind] += server.kill(dice.choice(victims))
        await asyncio.sleep(0.02)
        server.relaunch_if_ended(*options)
    await relaunch_until_ready(server, *options)
    return kills


async def relaunch_until_ready(server: Server, *options: str) -> None:
    """Start the server again as often as it ends, until it is ready, for at most START_SECONDS."""
    deadline = time.monotonic() + patient(START_SECONDS)
    # The processes of a server that was killed answer for a moment.
    while (server.ended() or await asyncio.to_thread(server.ready) != 200) and time.monotonic() < deadline:
        server.relaunch_if_ended(*options)
        await asyncio.sleep(0.05)


def ticket(name: str, description: str = "No light since 08:00 UTC") -> dict[str, object]:
    """Return the body of a ticket about a service of the first demo company."""
    return {
        "name": name,
        "description": description,
        "issueType": "Slow Response",
        "service": {"id": "NET-AMS-0012", "type": "Port"},
    }


@contextlib.contextmanager
def running_server(prefix: str, *options: str, **environment: str) -> Iterator[Server]:
    """Run a server in a new directory; stop it and delete all of it afterwards."""
    folder = reachable_dir(prefix)
    server = Server(folder, environment)
    try:
        server.start(*options)
        yield server
    finally:
        server.discard()
        shutil.rmtree(folder)
