"""Mail comes in by a process of its own: what strangers send there neither slows requests nor loses mail."""

import json
import os
import signal
import smtplib
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest

from tests.builders.processes import alive, children, command_of, eventually, free_port
from tests.builders.server import AUTHORITY, Server, running_server
from tests.patience import patient

ADDRESS = "support@example.net"
FLOODS = 4
DATA = b"LHLO a.example.com\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<support@example.net>\r\nDATA\r\n"


@pytest.fixture(scope="module")
def mail_server() -> Iterator[Server]:
    listen = f"lmtp://{AUTHORITY}:{free_port()}"
    with running_server("clearline-e2e-", "--demo", CLEARLINE_MAIL_LISTEN=listen) as server:
        assert server.command("mailbox", "add", ADDRESS).returncode == 0
        assert eventually(lambda: "mail listener started" in server.err)
        yield server


def port_of(server: Server) -> int:
    return int(server.environment["CLEARLINE_MAIL_LISTEN"].rpartition(":")[2])


def mail_process(server: Server) -> int:
    """Return the process for mail, as soon as it runs."""

    def processes() -> list[int]:
        return [pid for pid in children(server.pid) if "mail_process" in command_of(pid)]

    assert eventually(processes)
    return processes()[0]


def connected(server: Server) -> socket.socket:
    return socket.create_connection((AUTHORITY, port_of(server)), timeout=patient(20))


def received(connection: socket.socket) -> bytes:
    """Return what comes until the end of the connection; nothing when it is reset."""
    everything = b""
    try:
        while part := connection.recv(65536):
            everything += part
    except ConnectionResetError:
        return b""
    return everything


def mail(name: str) -> bytes:
    return f"From: a@example.com\r\nSubject: {name}\r\nMessage-ID: <{name}@example.com>\r\n\r\nIt is down.\r\n".encode()


def deliver(server: Server, name: str) -> None:
    with smtplib.LMTP(AUTHORITY, port_of(server), timeout=patient(20)) as client:
        client.sendmail("a@example.com", [ADDRESS], mail(name))


def stored(server: Server, name: str) -> list[str]:
    """Return the states of the mails with a subject."""
    done = server.command("inbound-mail", "list", "--limit", "100", "--json")
    return [mail["state"] for mail in json.loads(done.stdout) if mail["subject"] == name]


def test_the_51st_connection_is_answered_and_closed(mail_server: Server) -> None:
    with ExitStack() as stack:
        connections = [stack.enter_context(connected(mail_server)) for _ in range(50)]
        assert {connection.recv(3) for connection in connections} == {b"220"}
        further = stack.enter_context(connected(mail_server))
        further.sendall(b"LHLO a.example.com\r\n" * 100)
        assert received(further) == b"421 4.3.2 Too many connections; try again later\r\n"
        connections[0].close()

        def is_accepted() -> bool:
            with connected(mail_server) as connection:
                return connection.recv(3) == b"220"

        assert eventually(is_accepted)


def test_requests_are_answered_while_mail_floods_and_the_next_mail_is_stored(mail_server: Server) -> None:
    pid = mail_process(mail_server)
    replies: list[bytes] = []

    def flood() -> None:
        with connected(mail_server) as connection:
            connection.sendall(DATA + b"a\r\n" * 4_000_000 + b".\r\nQUIT\r\n")
            replies.append(received(connection))

    floods = [threading.Thread(target=flood) for _ in range(FLOODS)]
    for thread in floods:
        thread.start()
    with httpx.Client(base_url=mail_server.url, headers=mail_server.headers(), timeout=patient(10)) as client:
        statuses = {client.get("/api/v1/me").status_code for _ in range(50)}
        while any(thread.is_alive() for thread in floods):
            statuses.add(client.get("/api/v1/me").status_code)
    assert statuses == {200}
    assert len([reply for reply in replies if b"552 5.3.4 The mail has more than 1000000 lines" in reply]) == FLOODS
    deliver(mail_server, "after-the-flood")
    assert stored(mail_server, "after-the-flood")
    assert mail_process(mail_server) == pid


def test_a_mail_under_way_when_its_process_is_killed_is_not_answered_and_can_be_sent_again(mail_server: Server) -> None:
    pid = mail_process(mail_server)
    with connected(mail_server) as connection:
        connection.sendall(DATA + mail("killed")[:40])
        assert eventually(lambda: b"354 " in connection.recv(65536, socket.MSG_PEEK))
        os.kill(pid, signal.SIGKILL)
        assert b"250 2.0.0" not in received(connection)
    assert eventually(lambda: not alive(pid))
    deliver(mail_server, "killed")  # the port is open meanwhile: this waits for the next process
    assert mail_process(mail_server) != pid
    assert len(stored(mail_server, "killed")) == 1
    assert eventually(lambda: stored(mail_server, "killed") == ["quarantined"])
    assert mail_server.ready() == 200
    assert "mail process ended: it starts again" in mail_server.err


def test_without_workers_the_server_stores_mail_and_a_worker_files_it(mail_server: Server) -> None:
    assert mail_server.stop() == 0
    assert eventually(lambda: not mail_server.processes())
    mail_server.environment["CLEARLINE_WORKERS"] = "off"
    mail_server.start()
    deliver(mail_server, "waits")
    assert stored(mail_server, "waits") == ["waiting"]
    worker = mail_server.beside("work")
    assert eventually(lambda: stored(mail_server, "waits") == ["quarantined"], 40)
    [pid] = [pid for pid in children(worker.pid) if "mail_process" in command_of(pid)]
    worker.kill()
    assert eventually(lambda: not alive(pid))
    assert "Traceback" not in mail_server.err
