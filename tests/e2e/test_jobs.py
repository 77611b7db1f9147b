"""A job continues after kills: each item is processed once."""

import json
import os
import signal
from collections import Counter
from typing import Any

import httpx
import pytest

from tests.builders.processes import eventually
from tests.builders.server import Server
from tests.patience import patient

LINES = 1500


def line(number: int) -> str:
    value = {
        "company": "AAA111",
        "title": f"line {number}",
        "description": "No light",
        "issue_type": "Circuit Down",
        "service": {"id": "anything", "type": "Non-Console Service"},
        "contact": {"name": "Ada", "email": "ada@example.com"},
        "created_at": "2025-01-31T10:00:00Z",
    }
    return json.dumps(value)


def read(server: Server, path: str) -> Any:
    """Return the response of the server, or None while it is unavailable."""
    try:
        answer = httpx.get(
            f"{server.url}{path}", headers={"Authorization": f"Bearer {server.staff_secret()}"}, timeout=patient(20)
        )
    except httpx.TransportError:
        return None
    return answer if answer.status_code == 200 else None


@pytest.mark.usefixtures("with_demo_data")
@pytest.mark.slow
def test_an_import_creates_each_ticket_once_despite_kills(server: Server) -> None:
    server.start("--demo")
    company = json.loads(server.command("company", "list", "--json").stdout)[0]["code"]
    body = "\n".join(map(line, range(LINES))).replace("AAA111", company)
    created = httpx.post(
        f"{server.url}/api/v1/imports",
        headers={"Authorization": f"Bearer {server.staff_secret()}", "Content-Type": "application/x-ndjson"},
        content=body,
        timeout=patient(20),
    )
    assert created.status_code == 202, created.text
    location = created.headers["location"]

    def done() -> int:
        answer = read(server, location)
        return 0 if answer is None else int(answer.json()["counts"]["done"])

    progress = 0
    for kind in ("server", "backend", "postmaster"):
        assert eventually(lambda: done() > progress), server.err  # noqa: B023 - called before the next turn
        for pid in server.victims(kind)[:1]:
            os.kill(pid, signal.SIGKILL)
        if kind == "server":
            assert eventually(server.ended)
        server.relaunch_if_ended()
        assert eventually(lambda: server.ended() or server.ready() == 200, 40)
        server.relaunch_if_ended()
        assert eventually(lambda: server.ready() == 200, 40), server.err
        progress = done()
        assert progress < LINES, "the job ended before the last kill"
    assert eventually(lambda: (job := read(server, location)) is not None and job.json()["state"] == "done", 60)
    assert read(server, location).json()["counts"] == {"done": LINES, "unchanged": 0, "refused": 0, "waiting": 0}
    exported = read(server, f"/api/v1/exports/tickets?company={company}").text
    titles = Counter(json.loads(line)["title"] for line in exported.splitlines())
    assert {title: count for title, count in titles.items() if title.startswith("line ")} == {
        f"line {number}": 1 for number in range(LINES)
    }
