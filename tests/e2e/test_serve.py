"""``clearline serve`` from start to stop, as a process manager uses it."""

import json
import os
import signal
import socket
import time

import httpx
import pytest

from clearline.cli.exit_status import UNAVAILABLE
from tests.builders.processes import alive, children, eventually, free_port
from tests.builders.server import AUTHORITY, Server, ticket
from tests.patience import patient, stretched

IGNORING_SIGINT = ("sh", "-c", "trap '' INT; exec \"$@\"", "sh")
"""Starts a command with SIGINT ignored, as a script does with ``&``."""


def _create(server: Server, name: str) -> str:
    answer = httpx.post(
        f"{server.url}/v2/support-tickets", json=ticket(name), headers=server.headers(), timeout=patient(10)
    )
    assert answer.status_code == 200
    number: str = answer.json()["id"]
    return number


def _name_of(server: Server, number: str) -> str:
    answer = httpx.get(f"{server.url}/v2/support-tickets/{number}", headers=server.headers(), timeout=patient(10))
    assert answer.status_code == 200
    name: str = answer.json()["name"]
    return name


def _with_processes(server: Server, processes: int) -> list[int]:
    """Start several server processes, with one for mail; return their ids."""
    server.environment["CLEARLINE_PROCESSES"] = str(processes)
    server.environment["CLEARLINE_MAIL_LISTEN"] = f"lmtp://{AUTHORITY}:{free_port()}"
    server.start("--demo")
    return [pid for pid in children(server.pid) if pid not in server.supervisors()]


def _send_half(server: Server, body: bytes) -> socket.socket:
    """Send the head of a request and a part of its body; return the connection."""
    sender = socket.create_connection((AUTHORITY, server.port), timeout=patient(15))
    head = (
        f"POST /v2/support-tickets HTTP/1.1\r\nHost: desk.example.com\r\nAuthorization: Bearer {server.secret()}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    sender.sendall(head.encode() + body[:10])
    time.sleep(patient(0.3))  # nothing signals that the server has read it
    return sender


def _received(sender: socket.socket) -> bytes:
    received = b""
    while part := sender.recv(65536):
        received += part
    return received


@pytest.mark.parametrize("stop_signal", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_server_and_database_and_a_second_start_continues(
    server: Server, stop_signal: signal.Signals
) -> None:
    server.start("--demo")
    number = _create(server, "Before the stop")
    assert server.processes()
    assert server.stop(stop_signal) == 0
    assert server.processes() == []
    assert server.ready() == 0
    assert "Traceback" not in server.err
    server.start()
    assert _name_of(server, number) == "Before the stop"
    assert server.stop() == 0


@pytest.mark.usefixtures("with_demo_data")
@pytest.mark.parametrize("stop_signal", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("processes", [1, 2])
def test_a_server_that_was_started_with_sigint_ignored_stops(
    server: Server, processes: int, stop_signal: signal.Signals
) -> None:
    server.prefix = [*IGNORING_SIGINT]
    _with_processes(server, processes)
    assert server.stop(stop_signal) == 0
    assert eventually(lambda: not server.processes())


@pytest.mark.parametrize("stop_signal", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_during_the_start_also_stops_the_database(server: Server, stop_signal: signal.Signals) -> None:
    server.prefix = [*IGNORING_SIGINT]
    server.launch("--demo")
    assert eventually(server.postmaster)
    server.stop(stop_signal)
    assert eventually(lambda: not server.processes())
    assert "Traceback" not in server.err


@pytest.mark.usefixtures("with_demo_data")
def test_several_processes_serve_and_sigterm_stops_them_all(server: Server) -> None:
    serving = _with_processes(server, 2)
    numbers = [_create(server, f"Ticket {index}") for index in range(8)]
    assert [_name_of(server, number) for number in numbers] == [f"Ticket {index}" for index in range(8)]
    assert server.stop() == 0
    assert eventually(lambda: not any(alive(pid) for pid in serving), 5)
    assert server.processes() == []
    assert "Traceback" not in server.err


@pytest.mark.slow
@pytest.mark.usefixtures("with_demo_data")
def test_a_process_that_is_silent_for_some_seconds_is_not_replaced(server: Server) -> None:
    _with_processes(server, 2)
    before = server.http_processes()
    os.kill(min(before), signal.SIGSTOP)
    time.sleep(6)  # uvicorn's own limit is five seconds
    os.kill(min(before), signal.SIGCONT)
    assert all(eventually(lambda: server.ready() == 200) for _ in range(10)), "both answer"
    assert server.http_processes() == before
    assert server.stop() == 0


@pytest.mark.usefixtures("with_demo_data")
def test_killing_the_parent_of_several_processes_ends_them_and_the_database(server: Server) -> None:
    serving = _with_processes(server, 2)
    assert len(serving) >= 2
    number = _create(server, "Before the kill")
    os.kill(server.pid, signal.SIGKILL)
    assert eventually(lambda: not any(alive(pid) for pid in serving), 8)
    assert eventually(lambda: not server.processes(), 8)
    assert eventually(server.ended, 1)
    server.start()
    assert _name_of(server, number) == "Before the kill"


@pytest.mark.usefixtures("with_demo_data")
@pytest.mark.parametrize("processes", [1, 2])
def test_a_running_request_is_finished_on_sigterm(server: Server, processes: int) -> None:
    _with_processes(server, processes)
    body = json.dumps(ticket("Slow upload")).encode()
    with _send_half(server, body) as sender:
        assert server.process is not None
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.7)
        assert not server.ended()
        sender.sendall(body[10:])
        answer = _received(sender)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert server.process.wait(patient(15)) == 0
    number = json.loads(answer.partition(b"\r\n\r\n")[2])["id"]
    server.start()
    assert _name_of(server, number) == "Slow upload"


@pytest.mark.usefixtures("with_demo_data")
def test_a_request_that_never_ends_delays_the_stop_for_a_limited_time(server: Server) -> None:
    server.environment["CLEARLINE_SHUTDOWN_SECONDS"] = "1"
    server.start("--demo")
    with _send_half(server, b"{" * 100) as sender:
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < stretched(8)
        head, _, body = _received(sender).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 ")
    assert b"\r\nretry-after: 1\r\n" in head
    assert json.loads(body)["error"]["statusCode"] == 503
    assert server.processes() == []
    assert "Traceback" not in server.err


def test_a_port_in_use_is_an_error_and_starts_no_database(server: Server) -> None:
    with socket.create_server((AUTHORITY, server.port)):
        server.launch()
        assert eventually(server.ended)
    assert server.process is not None
    assert server.process.returncode == UNAVAILABLE
    assert server.err.startswith(f"error: cannot listen on {AUTHORITY}:{server.port}: Address already in use")
    assert server.err.endswith("; set CLEARLINE_BIND to another address\n")
    assert not server.data_dir.exists()


@pytest.mark.usefixtures("with_demo_data")
def test_a_data_directory_in_use_is_an_error(server: Server) -> None:
    server.start()
    second = Server(server.folder / "second", {"CLEARLINE_DATA_DIR": str(server.data_dir)})
    second.folder.mkdir()
    second.launch()
    try:
        assert eventually(second.ended)
    finally:
        second.discard()
    assert second.process is not None
    assert second.process.returncode == UNAVAILABLE
    assert f"is in use by another Clearline (process {server.pid})" in second.err
    assert server.ready() == 200


@pytest.mark.usefixtures("with_demo_data")
def test_logs_are_json_lines_without_keys_and_without_ticket_text(server: Server) -> None:
    server.start("--demo")
    body = ticket("Hush-hush title", "Hush-hush description")
    with httpx.Client(base_url=server.url, headers=server.headers(), timeout=patient(10)) as client:
        number = client.post("/v2/support-tickets", json=body).json()["id"]
        client.post(f"/v2/support-tickets/{number}/addNote", json={"noteText": "Hush-hush note"})
        client.post("/v2/support-tickets", json={**body, "issueType": "Hush-hush"})
        client.get("/v2/support-tickets?status=open", headers={"Authorization": "Bearer clk_hush-hush"})
    assert server.stop() == 0
    lines = server.err.splitlines()
    lines.remove(f"Listening on {server.url} (Ctrl-C to stop)")
    entries = [json.loads(line) for line in lines]
    statuses = [
        entry["status"] for entry in entries if entry["event"] == "request" and entry["path"].startswith("/v2/")
    ]
    assert statuses == [200, 200, 400, 401]
    written = [server.err, *(file.read_text() for file in (server.data_dir / "postgresql" / "log").iterdir())]
    for text in written:
        assert server.secret() not in text
        assert "hush-hush" not in text.lower()


@pytest.mark.usefixtures("with_demo_data")
def test_readyz_reports_an_unavailable_database_and_its_recovery(server: Server) -> None:
    server.start("--demo")
    number = _create(server, "Before the crash")
    before = server.postmaster()
    assert before is not None
    [supervisor] = server.supervisors()
    os.kill(supervisor, signal.SIGSTOP)  # or the database might restart before /readyz is read
    os.kill(before, signal.SIGKILL)
    assert eventually(lambda: server.ready() == 503, 5)
    os.kill(supervisor, signal.SIGCONT)
    assert eventually(lambda: server.ready() == 200, 20)
    assert server.postmaster() not in {None, before}
    assert _name_of(server, number) == "Before the crash"
    assert httpx.get(f"{server.url}/healthz", timeout=patient(5)).status_code == 200
