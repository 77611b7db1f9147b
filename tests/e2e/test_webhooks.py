"""Webhooks sent by worker processes that are killed: no event is lost, and duplicates have the same id."""

import asyncio
import json
import signal
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import asyncpg
import pytest

from clearline.platform.postgres import embedded as embedded_postgres
from tests.builders.processes import eventually
from tests.builders.server import Server
from tests.patience import patient

TICKETS = 40


class Sink(ThreadingHTTPServer):
    """A server that accepts requests slowly and stores them."""

    daemon_threads = True

    def __init__(self) -> None:
        self.received: list[tuple[str, dict[str, Any]]] = []
        self.seconds = 0.05
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/"


class Handler(BaseHTTPRequestHandler):
    server: Sink

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.received.append((self.headers["webhook-id"], body))
        threading.Event().wait(self.server.seconds)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_args: object) -> None:
        """Log nothing."""


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def delivered(server: Server, webhook: str) -> dict[str, int]:
    deliveries = json.loads(server.command("webhook", "deliveries", webhook, "--limit", "1000", "--json").stdout)
    states = [delivery["state"] for delivery in deliveries]
    return {state: states.count(state) for state in set(states)}


def raise_tickets(server: Server, company: str, count: int) -> None:
    body = "\n".join(
        json.dumps({
            "company": company, "title": f"line {number}", "description": "No light",
            "issue_type": "Circuit Down", "service": {"id": "anything", "type": "Non-Console Service"},
            "contact": {"name": "Ada", "email": "ada@example.com"}, "created_at": "2025-01-31T10:00:00Z",
        })
        for number in range(count)
    )  # fmt: skip
    (server.folder / "tickets.ndjson").write_text(body)
    done = server.command("ticket", "import", str(server.folder / "tickets.ndjson"), "--json")
    assert done.returncode == 0, done.stderr


async def expire_claims(server: Server, count: int) -> None:
    """Let the claims of waiting deliveries expire; check how many there were."""
    url = embedded_postgres.running_url(server.data_dir)
    assert url is not None
    connection = await asyncpg.connect(url)
    done = await connection.execute(
        "update delivery set due_at = now(), claimed_until = now() where claimed_until > now() and state = 'waiting'"
    )
    await connection.close()
    assert done == f"UPDATE {count}", "only a killed process leaves claimed deliveries"


@pytest.mark.usefixtures("with_demo_data")
@pytest.mark.slow
def test_every_event_is_delivered_although_the_worker_is_killed_while_it_sends(server: Server, sink: Sink) -> None:
    server.environment |= {"CLEARLINE_WEBHOOK_NETWORKS": "127.0.0.0/8", "CLEARLINE_WORKERS": "off"}
    server.start("--demo")
    company = json.loads(server.command("company", "list", "--json").stdout)[0]["code"]
    added = server.command("webhook", "add", sink.url, "--type", "ticket.created", "--json")
    assert added.returncode == 0, added.stderr
    webhook = json.loads(added.stdout)["id"]
    raise_tickets(server, company, TICKETS)
    assert sink.received == [], "a server whose workers are off sends nothing"
    killed = server.beside("work")
    assert eventually(lambda: len(sink.received) >= 6), server.err
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert set(delivered(server, webhook)) == {"delivered", "waiting"}
    asyncio.run(expire_claims(server, 4))
    stopped = server.beside("work")
    before = len(sink.received)
    assert eventually(lambda: len(sink.received) >= before + 6)
    stopped.send_signal(signal.SIGTERM)
    assert stopped.wait(patient(10)) == 0
    sink.seconds = 0
    asyncio.run(expire_claims(server, 0))
    last = server.beside("work")
    try:
        assert eventually(lambda: delivered(server, webhook) == {"delivered": TICKETS}), delivered(server, webhook)
    finally:
        last.send_signal(signal.SIGTERM)
        assert last.wait(patient(10)) == 0
    titles = {body["data"]["ticket"] for _, body in sink.received}
    ids = {key for key, _ in sink.received}
    assert len(titles) == len(ids) == TICKETS
    assert len(sink.received) - TICKETS <= 4, "at most the claimed deliveries are sent twice"
    events = {key: body["data"]["id"] for key, body in sink.received}
    assert all(events[key] == body["data"]["id"] for key, body in sink.received)
