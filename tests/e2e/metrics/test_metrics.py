"""The metrics of a whole server: several processes, their deaths, and the port."""

import os
import signal
import socket
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import httpx
import pytest

from clearline.cli.exit_status import UNAVAILABLE
from clearline.metrics.folders import IN_MEMORY
from tests.builders.metrics.answers import OPENMETRICS, total, values
from tests.builders.processes import eventually, free_port
from tests.builders.server import AUTHORITY, Server
from tests.patience import patient

TOKEN = "a token for prometheus, 32 characters"
NUMBER, CLIENTS = 600, 8


def _with_metrics(server: Server, processes: int) -> str:
    """Start a server with metrics; return their address."""
    port = free_port()
    server.environment |= {
        "CLEARLINE_PROCESSES": str(processes),
        "CLEARLINE_METRICS_BIND": f"{AUTHORITY}:{port}",
        "CLEARLINE_METRICS_TOKEN": TOKEN,
        "CLEARLINE_MAIL_LISTEN": f"lmtp://{AUTHORITY}:{free_port()}",
    }
    server.start("--demo")
    return f"http://{AUTHORITY}:{port}/metrics"


def _scrape(address: str) -> str:
    headers = {"authorization": f"Bearer {TOKEN}", "accept": OPENMETRICS}
    got = httpx.get(address, headers=headers, timeout=patient(15))
    assert got.status_code == 200
    return got.text


def _load(server: Server, number: int) -> Counter[int]:
    """Send so many requests on several connections; return their statuses."""

    def send(count: int) -> Counter[int]:
        with httpx.Client(base_url=server.url, headers=server.headers(), timeout=patient(20)) as client:
            return Counter(client.get("/v2/support-tickets?page=1&size=5").status_code for _ in range(count))

    with ThreadPoolExecutor(CLIENTS) as pool:
        return sum(pool.map(send, [number // CLIENTS] * CLIENTS), Counter[int]())


def _counted(address: str) -> float:
    return total(_scrape(address), "clearline_http_requests_total", route="/v2/support-tickets")


def _has_another(server: Server, before: set[int]) -> bool:
    return len({*server.http_processes()} - before) == 1


@pytest.mark.usefixtures("with_demo_data")
def test_the_counts_of_several_processes_add_up_also_when_they_end(server: Server) -> None:
    address = _with_metrics(server, 3)
    statuses = _load(server, NUMBER)
    assert eventually(lambda: _counted(address) == statuses.total(), 10), _counted(address)
    text = _scrape(address)
    by_status = values(text, "clearline_http_requests_total")
    for status, count in statuses.items():
        assert by_status["GET", "/v2/support-tickets", str(status), "console_connect"] == count
    assert values(text, "clearline_processes") == {("mail",): 1, ("server",): 3}
    assert values(text, "clearline_pool_connections_max") == {("mail",): 20, ("server",): 60}
    assert values(text, "clearline_database_up") == {(): 1}

    for victim in server.http_processes():
        before = {*server.http_processes()}
        os.kill(victim, signal.SIGKILL)
        assert eventually(partial(_has_another, server, before))
    assert eventually(lambda: server.ready() == 200)
    assert _counted(address) == statuses.total()
    again = _load(server, NUMBER)
    assert eventually(lambda: _counted(address) == statuses.total() + again.total(), 10), _counted(address)
    text = _scrape(address)
    assert total(text, "clearline_http_request_duration_seconds_count", route="/v2/support-tickets") == 2 * NUMBER
    assert eventually(lambda: values(_scrape(address), "clearline_processes")["server",] == 3, 30)
    assert server.stop() == 0
    assert "Traceback" not in server.err


@pytest.mark.usefixtures("with_demo_data")
def test_metrics_have_a_port_of_their_own_and_leave_nothing_behind(server: Server) -> None:
    before = {*IN_MEMORY.glob("clearline-metrics-*")}
    address = _with_metrics(server, 1)
    assert httpx.get(address, timeout=patient(10)).status_code == 401
    assert server.status("/metrics") == 404
    assert eventually(lambda: total(_scrape(address), "clearline_http_requests_total", route="/readyz") > 0, 10)
    assert total(_scrape(address), "clearline_processes", process="server") == 1
    with httpx.Client(timeout=patient(10)) as kept_alive:  # as Prometheus keeps its connection
        kept_alive.get(address)
        assert server.stop() == 0
    assert "Traceback" not in server.err
    assert {*IN_MEMORY.glob("clearline-metrics-*")} <= before


def test_a_port_that_is_taken_stops_the_start(server: Server) -> None:
    with socket.create_server((AUTHORITY, 0)) as taken:
        server.environment["CLEARLINE_METRICS_BIND"] = f"{AUTHORITY}:{taken.getsockname()[1]}"
        server.launch()
        assert eventually(server.ended)
    assert server.process is not None
    assert server.process.returncode == UNAVAILABLE
    assert "set CLEARLINE_METRICS_BIND to another address" in server.err
    assert server.processes() == []
