"""A mail that was answered with 250 becomes exactly one ticket while the server is killed."""

import json
import random
import smtplib
import threading
import time
from functools import partial
from typing import Any

import httpx
import pytest

from tests.builders.processes import eventually, free_port
from tests.builders.server import AUTHORITY, Server
from tests.patience import patient
from tests.rounds import ROUNDS

SENDERS, EACH, KILLS = 4, 5 + 5 * ROUNDS, 2 * ROUNDS
CALM_SECONDS = 40
ADDRESS = "support@example.net"


def senders(server: Server) -> list[str]:
    """Add a customer with users, and a mailbox; return the addresses of the users."""
    assert server.command("company", "add", "Birch Telecom", "--code", "BIRCH").returncode == 0
    addresses = [f"person{number}@birch.example.com" for number in range(SENDERS)]
    for address in addresses:
        done = server.command("user", "add", "--company", "BIRCH", "--name", "Ada Okoro", "--email", address)
        assert done.returncode == 0, done.stderr
    assert server.command("mailbox", "add", ADDRESS).returncode == 0
    return addresses


def mail(sender: str, number: int) -> str:
    return (
        f"From: {sender}\r\nTo: {ADDRESS}\r\nSubject: Matter {number} of {sender}\r\n"
        f"Message-ID: <{number}.{sender}>\r\n\r\nIt is down.\r\n"
    )


def deliver(port: int, sender: str, number: int) -> None:
    """Send a mail again and again until it is accepted, as mail servers do."""
    while True:
        try:
            with smtplib.LMTP(AUTHORITY, port, timeout=patient(10)) as client:
                client.sendmail(sender, [ADDRESS], mail(sender, number))
        except (OSError, smtplib.SMTPException):
            time.sleep(0.1)
        else:
            return


def listed(server: Server, state: str) -> list[dict[str, Any]]:
    """Return the mails of the test in a state, by the API: a command would take a quarter of a second of CPU time."""
    answer = httpx.get(
        f"{server.url}/api/v1/inbound-mails",
        params={"state": state, "limit": "200"},
        headers={"Authorization": f"Bearer {server.staff_secret()}"},
        timeout=patient(10),
    )
    page = answer.json()
    assert answer.status_code == 200, page
    assert page["next_cursor"] is None
    return [mail for mail in page["data"] if (mail["subject"] or "").startswith("Matter ")]


@pytest.mark.slow
@pytest.mark.chance
@pytest.mark.usefixtures("with_demo_data")
def test_an_accepted_mail_is_neither_lost_nor_duplicated(server: Server) -> None:
    port = free_port()
    server.environment["CLEARLINE_MAIL_LISTEN"] = f"lmtp://{AUTHORITY}:{port}"
    server.start("--demo")
    people = senders(server)
    answered: list[tuple[str, int]] = []

    def load(sender: str) -> None:
        for number in range(EACH):
            deliver(port, sender, number)
            answered.append((sender, number))
            time.sleep(0.1)

    loaders = [threading.Thread(target=load, args=(sender,), daemon=True) for sender in people]
    for loader in loaders:
        loader.start()

    def has_answered(enough: int) -> bool:
        return len(answered) >= enough

    for kill in range(1, KILLS + 1):
        assert eventually(partial(has_answered, kill * SENDERS * EACH // (KILLS + 2)), CALM_SECONDS)
        time.sleep(random.random() / 4)
        assert server.process is not None
        server.process.kill()
        server.process.wait()
        server.start()
    for loader in loaders:
        loader.join(patient(CALM_SECONDS))
    assert len(answered) == SENDERS * EACH
    assert eventually(lambda: listed(server, "waiting") == [], CALM_SECONDS)
    accepted = listed(server, "accepted")
    assert sorted(mail["subject"] for mail in accepted) == sorted(f"Matter {n} of {sender}" for sender, n in answered)
    assert len({mail["ticket"] for mail in accepted}) == SENDERS * EACH
    done = server.command("ticket", "list", "--company", "BIRCH", "--limit", "1000", "--json")
    assert len(json.loads(done.stdout)) == SENDERS * EACH, done.stdout[:500]
