"""``clearline serve`` from its start to its end, as a process manager sees it."""

import json
import os
import signal
import socket
import time

import httpx
import pytest

from clearline.cli.exit_status import UNAVAILABLE
from tests.e2e.running import AUTHORITY, Running, alive, children, eventually, ticket
from tests.patience import patient, stretched

IGNORING_SIGINT = ("sh", "-c", "trap '' INT; exec \"$@\"", "sh")
"""Starts a command as a script does behind ``&``."""


def _create(running: Running, name: str) -> str:
    answer = httpx.post(
        f"{running.url}/v2/support-tickets", json=ticket(name), headers=running.headers(), timeout=patient(10)
    )
    assert answer.status_code == 200
    number: str = answer.json()["id"]
    return number


def _name_of(running: Running, number: str) -> str:
    answer = httpx.get(f"{running.url}/v2/support-tickets/{number}", headers=running.headers(), timeout=patient(10))
    assert answer.status_code == 200
    name: str = answer.json()["name"]
    return name


def _with_processes(running: Running, processes: int) -> list[int]:
    """Start several server processes; their ids."""
    running.environment["CLEARLINE_PROCESSES"] = str(processes)
    running.start("--demo")
    return [pid for pid in children(running.pid) if pid not in running.supervisors()]


def _send_half(running: Running, body: bytes) -> socket.socket:
    """A request whose head has arrived, and whose body is still to come."""
    sender = socket.create_connection((AUTHORITY, running.port), timeout=patient(15))
    head = (
        f"POST /v2/support-tickets HTTP/1.1\r\nHost: desk.example.com\r\nAuthorization: Bearer {running.secret()}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    sender.sendall(head.encode() + body[:10])
    time.sleep(patient(0.3))  # when it has read so much nobody tells
    return sender


def _received(sender: socket.socket) -> bytes:
    received = b""
    while part := sender.recv(65536):
        received += part
    return received


@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_server_and_database_and_a_second_start_continues(
    running: Running, told: signal.Signals
) -> None:
    running.start("--demo")
    number = _create(running, "Before the stop")
    assert running.processes()
    assert running.stop(told) == 0
    assert running.processes() == []
    assert running.ready() == 0
    assert "Traceback" not in running.err
    running.start()
    assert _name_of(running, number) == "Before the stop"
    assert running.stop() == 0


@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("processes", [1, 2])
def test_a_server_that_was_started_with_sigint_ignored_stops_all_the_same(
    running: Running, processes: int, told: signal.Signals
) -> None:
    running.prefix = [*IGNORING_SIGINT]
    _with_processes(running, processes)
    assert running.stop(told) == 0
    assert eventually(lambda: not running.processes())


@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_it_starts_stops_the_database_too(running: Running, told: signal.Signals) -> None:
    running.prefix = [*IGNORING_SIGINT]
    running.launch("--demo")
    assert eventually(running.postmaster)
    running.stop(told)
    assert eventually(lambda: not running.processes())
    assert "Traceback" not in running.err


def test_several_processes_serve_and_sigterm_stops_them_all(running: Running) -> None:
    serving = _with_processes(running, 2)
    numbers = [_create(running, f"Ticket {index}") for index in range(8)]
    assert [_name_of(running, number) for number in numbers] == [f"Ticket {index}" for index in range(8)]
    assert running.stop() == 0
    assert eventually(lambda: not any(alive(pid) for pid in serving), 5)
    assert running.processes() == []
    assert "Traceback" not in running.err


def test_killing_the_parent_of_several_processes_ends_them_and_the_database(running: Running) -> None:
    serving = _with_processes(running, 2)
    assert len(serving) >= 2
    number = _create(running, "Before the kill")
    os.kill(running.pid, signal.SIGKILL)
    assert eventually(lambda: not any(alive(pid) for pid in serving), 8)
    assert eventually(lambda: not running.processes(), 8)
    assert eventually(running.ended, 1)
    running.start()
    assert _name_of(running, number) == "Before the kill"


@pytest.mark.parametrize("processes", [1, 2])
def test_a_request_under_way_is_finished_on_sigterm(running: Running, processes: int) -> None:
    _with_processes(running, processes)
    body = json.dumps(ticket("Slow upload")).encode()
    with _send_half(running, body) as sender:
        assert running.process is not None
        running.process.send_signal(signal.SIGTERM)
        time.sleep(0.7)
        assert not running.ended()
        sender.sendall(body[10:])
        answer = _received(sender)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert running.process.wait(patient(15)) == 0
    number = json.loads(answer.partition(b"\r\n\r\n")[2])["id"]
    running.start()
    assert _name_of(running, number) == "Slow upload"


def test_a_request_that_never_ends_holds_the_stop_up_only_for_so_long(running: Running) -> None:
    running.environment["CLEARLINE_SHUTDOWN_SECONDS"] = "1"
    running.start("--demo")
    with _send_half(running, b"{" * 100):
        began = time.monotonic()
        assert running.stop() == 0
        assert time.monotonic() - began < stretched(8)
    assert running.processes() == []


def test_a_port_in_use_is_said_clearly_and_starts_no_database(running: Running) -> None:
    with socket.create_server((AUTHORITY, running.port)):
        running.launch()
        assert eventually(running.ended)
    assert running.process is not None
    assert running.process.returncode == UNAVAILABLE
    assert running.err.startswith(f"error: cannot listen on {AUTHORITY}:{running.port}: Address already in use")
    assert running.err.endswith("; set CLEARLINE_BIND to another address\n")
    assert not running.data_dir.exists()


def test_a_data_directory_in_use_is_said_clearly(running: Running) -> None:
    running.start()
    second = Running(running.folder / "second", {"CLEARLINE_DATA_DIR": str(running.data_dir)})
    second.folder.mkdir()
    second.launch()
    try:
        assert eventually(second.ended)
    finally:
        second.discard()
    assert second.process is not None
    assert second.process.returncode == UNAVAILABLE
    assert f"is in use by another Clearline (process {running.pid})" in second.err
    assert running.ready() == 200


def test_logs_are_json_lines_without_keys_and_without_ticket_text(running: Running) -> None:
    running.start("--demo")
    body = ticket("Hush-hush title", "Hush-hush description")
    with httpx.Client(base_url=running.url, headers=running.headers(), timeout=patient(10)) as client:
        number = client.post("/v2/support-tickets", json=body).json()["id"]
        client.post(f"/v2/support-tickets/{number}/addNote", json={"noteText": "Hush-hush note"})
        client.post("/v2/support-tickets", json={**body, "issueType": "Hush-hush"})
        client.get("/v2/support-tickets?status=open", headers={"Authorization": "Bearer clk_hush-hush"})
    assert running.stop() == 0
    lines = running.err.splitlines()
    lines.remove(f"Listening on {running.url} (Ctrl-C to stop)")
    entries = [json.loads(line) for line in lines]
    statuses = [one["status"] for one in entries if one["event"] == "request" and one["path"].startswith("/v2/")]
    assert statuses == [200, 200, 400, 401]
    written = [running.err, *(file.read_text() for file in (running.data_dir / "postgresql" / "log").iterdir())]
    for text in written:
        assert running.secret() not in text
        assert "hush-hush" not in text.lower()


def test_readyz_says_when_the_database_is_away_and_when_it_came_back_by_itself(running: Running) -> None:
    running.start("--demo")
    number = _create(running, "Before the crash")
    before = running.postmaster()
    assert before is not None
    [supervisor] = running.supervisors()
    os.kill(supervisor, signal.SIGSTOP)  # or the database might be back before anybody looked
    os.kill(before, signal.SIGKILL)
    assert eventually(lambda: running.ready() == 503, 5)
    os.kill(supervisor, signal.SIGCONT)
    assert eventually(lambda: running.ready() == 200, 20)
    assert running.postmaster() not in {None, before}
    assert _name_of(running, number) == "Before the crash"
    assert httpx.get(f"{running.url}/healthz", timeout=patient(5)).status_code == 200
