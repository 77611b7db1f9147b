"""What the benchmarks share: a database of their own, the two servers, wrk, and the CPU they use."""

import contextlib
import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from clearline.platform.postgres import embedded as embedded_postgres
from dataset import COMPANIES, SERVICE_ID, Tenant

HERE = Path(__file__).parent
TICKS = os.sysconf("SC_CLK_TCK")
OPERATIONS = ("read one", "list 50", "list 200", "house read", "house list 50", "create", "add note")
"""Reads first: the consumers work on what is created long after, on the two cores that a read is measured on."""


_LUA = """
local keys, companies, firsts = {%(keys)s}, {%(companies)s}, {%(firsts)s}
local step, each, operation = %(step)d, %(each)d, "%(operation)s"
local path, headers = "/v2/support-tickets", {["Content-Type"] = "application/json"}
local create = '{"name":"Port is slow","description":"Since 08:00 UTC we see between one and three per cent of loss.",'
  .. '"issueType":"Packet Loss/Drops","service":{"id":"%(service)s","type":"Port"},'
  .. '"customerContact":{"name":"Bo Bench","phone":"+1-555-0100","email":"bo@bench.example.com"}}'
local note = '{"noteText":"It got worse since the last note; the loss is now at four per cent."}'
function init(args) math.randomseed(os.time()) end
function request()
  local i = math.random(#keys)
  headers["Authorization"] = "Bearer " .. keys[i]
  headers["X-Company"] = companies[i]
  -- one ticket in ten is closed and takes no notes: those are left out
  local nth = math.random(0, each - 1)
  while math.floor((firsts[i] + nth * step) / 200) %% 10 == 0 do nth = math.random(0, each - 1) end
  local id = string.format("INC%%012d", firsts[i] + nth * step)
  if operation == "read one" then return wrk.format("GET", path .. "/" .. id, headers) end
  if operation == "list 50" then return wrk.format("GET", path .. "?status=open&pageSize=50", headers) end
  if operation == "list 200" then return wrk.format("GET", path .. "?status=open&pageSize=200", headers) end
  if operation == "house read" then return wrk.format("GET", "/api/v1/tickets/" .. id, headers) end
  if operation == "house list 50" then return wrk.format("GET", "/api/v1/tickets?limit=50", headers) end
  if operation == "create" then return wrk.format("POST", path, headers, create) end
  return wrk.format("POST", path .. "/" .. id .. "/addNote", headers, note)
end
"""
_DONE = """
function done(summary, latency, requests)
  io.write(string.format('{"requests":%d,"seconds":%f,"bad":%d,"p50":%f,"p95":%f,"p99":%f,"max":%f}',
    summary.requests, summary.duration / 1e6, summary.errors.status + summary.errors.connect + summary.errors.read
    + summary.errors.timeout, latency:percentile(50) / 1000, latency:percentile(95) / 1000,
    latency:percentile(99) / 1000, latency.max / 1000))
end
"""


class Sample(NamedTuple):
    """What one run of wrk measured: requests a second, milliseconds, and microseconds of CPU a request."""

    rate: float
    p50: float
    p95: float
    p99: float
    longest: float
    server_cpu: float
    database_cpu: float


class Server(NamedTuple):
    """A server under test."""

    name: str
    port: int
    pid: int


@contextlib.contextmanager
def database(*, needs_wrk: bool = True) -> Iterator[embedded_postgres.EmbeddedPostgres]:
    """Run a new embedded PostgreSQL with the product's settings, and delete it afterwards."""
    if needs_wrk and shutil.which("wrk") is None:
        sys.exit("wrk is needed to measure: apt-get install wrk")
    folder = Path(tempfile.mkdtemp(prefix="clearline-bench-"))
    folder.chmod(0o711)
    server = embedded_postgres.start(folder / "data")
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def floor(url: str, processes: int) -> Iterator[Server]:
    """Run the floor under the same uvicorn as Clearline."""
    with server_of("floor", "floor:app", {"FLOOR_DATABASE_URL": url}, processes) as server:
        yield server


@contextlib.contextmanager
def server_of(name: str, app: str, environment: dict[str, str], processes: int = 1) -> Iterator[Server]:
    """Run an application of this folder under the same uvicorn as Clearline."""
    port = _free_port()
    command = [
        sys.executable, "-m", "uvicorn", app, "--app-dir", str(HERE), "--port", str(port), "--loop", "uvloop",
        "--http", "httptools", "--ws", "none", "--no-access-log", "--log-level", "error", "--workers", str(processes),
    ]  # fmt: skip
    with _running(name, command, environment, port) as server:
        yield server


@contextlib.contextmanager
def clearline(url: str, processes: int) -> Iterator[Server]:
    """Clearline as it is served, with its log in a file; only the limit of requests is off."""
    port = _free_port()
    environment = {
        "CLEARLINE_DATABASE_URL": url,
        "CLEARLINE_BIND": f"127.0.0.1:{port}",
        "CLEARLINE_PROCESSES": str(processes),
        "CLEARLINE_RATE_LIMIT": "0",
    }
    with _running("clearline", [sys.executable, "-m", "clearline", "serve"], environment, port) as server:
        yield server


@contextlib.contextmanager
def _running(name: str, command: list[str], environment: dict[str, str], port: int) -> Iterator[Server]:
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=log, stderr=log)
        try:
            _await_answer(port)
            yield Server(name, port, process.pid)
        finally:
            process.terminate()
            process.wait()


def measure(
    server: Server, database_pid: int, tenants: list[Tenant], tickets: int, operation: str, *, seconds: int,
    connections: int = 16,
) -> Sample:  # fmt: skip
    """Load a server with one operation."""
    script = _LUA % {
        "keys": ",".join(f'"{tenant.key}"' for tenant in tenants),
        "companies": ",".join(f'"{tenant.company_id}"' for tenant in tenants),
        "firsts": ",".join(str(tenant.first) for tenant in tenants),
        "step": COMPANIES,
        "each": tickets // COMPANIES,
        "operation": operation,
        "service": SERVICE_ID,
    }
    return load(server, database_pid, script, operation, seconds=seconds, connections=connections)


def load(
    server: Server, database_pid: int, script: str, what: str, *, seconds: int, connections: int, path: str = ""
) -> Sample:
    """Load a server with what a script of wrk requests, or with one path; all of it must succeed."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script + _DONE)
        file.flush()
        before = cpu(server.pid), cpu(database_pid)
        done = subprocess.run(
            ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s", file.name,  # noqa: S607
             f"http://127.0.0.1:{server.port}{path}"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        after = cpu(server.pid), cpu(database_pid)
    figures = json.loads(done.stdout[done.stdout.rindex("{") :])
    requests = figures["requests"]
    if figures["bad"] or not requests:
        sys.exit(f"{server.name}: {figures['bad']} of {requests} requests for {what} failed")
    used = [(end - begin) / requests * 1e6 for begin, end in zip(before, after, strict=True)]
    latencies = (figures[name] for name in ("p50", "p95", "p99", "max"))
    return Sample(requests / figures["seconds"], *latencies, *used)


def cpu(pid: int) -> float:
    """Seconds of CPU that a process and all its descendants have used."""
    total = 0
    queue = [pid]
    while queue:
        one = queue.pop()
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
            queue += [int(child) for child in Path(f"/proc/{one}/task/{one}/children").read_text().split()]
    return total / TICKS


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _await_answer(port: int) -> None:
    """Wait until a server answers, whatever it answers: a parent listens before its processes are ready."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        with contextlib.suppress(OSError, http.client.HTTPException):
            with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
                connection.request("GET", "/")
                connection.getresponse()
            return
        time.sleep(0.05)
    sys.exit("a server did not start")


def get(url: str, key: str) -> bytes:
    """Return the answer to a GET, so that a run begins only when both servers answer."""
    asked = urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"})  # noqa: S310
    with urllib.request.urlopen(asked) as answer:  # noqa: S310
        body: bytes = answer.read()
        return body
