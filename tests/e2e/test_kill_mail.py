"""A mail that was answered with 250 becomes one ticket, whatever is killed in between."""

import json
import random
import shutil
import smtplib
import threading
import time
from functools import partial
from typing import Any

import pytest

from tests.builders.databases import reachable_dir
from tests.builders.processes import eventually, free_port
from tests.builders.server import AUTHORITY, Server
from tests.patience import patient

SENDERS, EACH, KILLS = 4, 15, 4
CALM_SECONDS = 40
ADDRESS = "support@example.net"


def senders(server: Server) -> list[str]:
    """The addresses of people of a new customer."""
    assert server.command("company", "add", "Birch Telecom", "--code", "BIRCH").returncode == 0
    found = [f"person{number}@birch.example.com" for number in range(SENDERS)]
    for one in found:
        done = server.command("user", "add", "--company", "BIRCH", "--name", "Ada Okoro", "--email", one)
        assert done.returncode == 0, done.stderr
    assert server.command("mailbox", "add", ADDRESS).returncode == 0
    return found


def mail(sender: str, number: int) -> str:
    return (
        f"From: {sender}\r\nTo: {ADDRESS}\r\nSubject: Matter {number} of {sender}\r\n"
        f"Message-ID: <{number}.{sender}>\r\n\r\nIt is down.\r\n"
    )


def hand_over(port: int, sender: str, number: int) -> None:
    """Hand a mail over again and again until it is answered, as mail servers do."""
    while True:
        try:
            with smtplib.LMTP(AUTHORITY, port, timeout=patient(10)) as client:
                client.sendmail(sender, [ADDRESS], mail(sender, number))
        except (OSError, smtplib.SMTPException):
            time.sleep(0.1)
        else:
            return


def listed(server: Server, state: str) -> list[dict[str, Any]]:
    done = server.command("inbound-mail", "list", "--state", state, "--limit", "1000", "--json")
    found: list[dict[str, Any]] = json.loads(done.stdout) if done.returncode == 0 else [{}]
    return found


@pytest.mark.slow
def test_an_answered_mail_is_neither_lost_nor_doubled() -> None:
    port = free_port()
    server = Server(reachable_dir("clearline-e2e-"), {"CLEARLINE_MAIL_LISTEN": f"lmtp://{AUTHORITY}:{port}"})
    try:
        server.start()
        people = senders(server)
        answered: list[tuple[str, int]] = []

        def load(sender: str) -> None:
            for number in range(EACH):
                hand_over(port, sender, number)
                answered.append((sender, number))
                time.sleep(0.1)

        loaders = [threading.Thread(target=load, args=(one,), daemon=True) for one in people]
        for one in loaders:
            one.start()

        def has_answered(enough: int) -> bool:
            return len(answered) >= enough

        for kill in range(1, KILLS + 1):
            assert eventually(partial(has_answered, kill * SENDERS * EACH // (KILLS + 2)), CALM_SECONDS)
            time.sleep(random.random() / 4)
            assert server.process is not None
            server.process.kill()
            server.process.wait()
            server.start()
        for one in loaders:
            one.join(patient(CALM_SECONDS))
        assert len(answered) == SENDERS * EACH
        assert eventually(lambda: listed(server, "waiting") == [], CALM_SECONDS)
        accepted = listed(server, "accepted")
        assert sorted(one["subject"] for one in accepted) == sorted(f"Matter {n} of {one}" for one, n in answered)
        assert len({one["ticket"] for one in accepted}) == SENDERS * EACH
        done = server.command("ticket", "list", "--company", "BIRCH", "--limit", "1000", "--json")
        assert len(json.loads(done.stdout)) == SENDERS * EACH, done.stdout[:500]
    finally:
        server.discard()
        shutil.rmtree(server.folder, ignore_errors=True)
