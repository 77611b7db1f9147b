"""Outbound mail and suppressed addresses at the command line."""

import asyncio
from uuid import uuid4

import pytest

from clearline.clock import now
from clearline.mail.outbound import usecases as outbound_mail
from clearline.mail.outbound.domain import MailSettings, NewMail
from clearline.platform.database.transactions import Database
from clearline.tickets.domain import ticket_number
from tests.builders.application import run_command, run_json, run_refused, run_text
from tests.builders.people import new_tenant
from tests.builders.tickets import raised

SETTINGS = MailSettings("Support <support@example.net>", b"secret", "https://desk.example.net", enabled=True)


async def _enqueue_mail(url: str) -> tuple[str, str]:
    database = await Database.open(url, size=2)
    try:
        tenant = await new_tenant(database, "Birch Telecom")
        async with database.transaction() as tx:
            number = await raised(tx, tenant)
            mail = NewMail(
                recipient="a,b@example.com", subject="Störung", text="Grüße\n", html="<p>Grüße</p>\n",
                kind="notification", company_id=tenant.company.id, ticket_number=number,
            )  # fmt: skip
            return ticket_number(number), str(await outbound_mail.enqueue(tx, mail, now=now(), settings=SETTINGS))
    finally:
        await database.close()


@pytest.fixture(scope="module")
def dead(database_url: str) -> tuple[str, str]:
    """Return the number of a ticket, and the id of a dead mail about it."""
    return asyncio.run(_enqueue_mail(database_url))


def test_the_outbox_lists_and_shows_mail(database_url: str, dead: tuple[str, str]) -> None:
    url, (number, mail_id) = database_url, dead
    lines = run_text(url, "mail", "outbox", "--ticket", number, "--state", "dead").splitlines()
    assert len(lines) == 2
    for word in (
        mail_id,
        "dead",
        "notification",
        "a,b@example.com",
        f"[{number}] Störung",
        "mail servers do not accept",
    ):
        assert word in lines[1]
    [listed] = run_json(url, "mail", "outbox", "--ticket", number)
    assert (listed["id"], listed["state"], listed["ticket"], listed["attempts"]) == (mail_id, "dead", number, 0)
    assert run_json(url, "mail", "outbox", "--ticket", number, "--state", "sent") == []
    shown = run_text(url, "mail", "show", mail_id)
    assert shown.startswith("dead (0 failed): mail servers do not accept such an address\n\n")
    assert f"Subject: [{number}] Störung\n" in shown
    assert shown.endswith("\nGrüße\n")
    details = run_json(url, "mail", "show", mail_id)
    assert (details["text"], details["html"]) == ("Grüße\n", "<p>Grüße</p>\n")
    assert details["message_id"] == listed["message_id"]
    raw = run_command(url, "mail", "show", mail_id, "--raw").stdout_bytes
    assert f"Message-ID: {listed['message_id']}\r\n".encode() in raw


def test_unknown_mails_and_suppressions_are_refused(database_url: str, dead: tuple[str, str]) -> None:
    url = database_url
    assert "does not exist" in run_refused(url, "mail", "show", str(uuid4()))
    assert run_command(url, "mail", "show", "nothing").exit_code == 2
    assert "does not exist" in run_refused(url, "mail", "outbox", "--ticket", "INC999999999999")
    assert "mail servers do not accept" in run_refused(url, "mail", "retry", dead[1])


def test_addresses_are_suppressed_and_unsuppressed(database_url: str) -> None:
    url, address = database_url, f"Ada.{uuid4().hex}@example.com"
    lower = address.lower()
    suppressed = run_text(url, "mail", "suppress", address, "--detail", "asked for it")
    assert suppressed == f"Address {lower} suppressed.\n"
    assert "exists already" in run_refused(url, "mail", "suppress", address)
    assert lower in run_text(url, "mail", "suppressed")
    [entry] = [suppression for suppression in run_json(url, "mail", "suppressed") if suppression["address"] == lower]
    assert (entry["reason"], entry["detail"]) == ("manual", "asked for it")
    assert lower not in run_text(url, "mail", "suppressed", "--after", lower)
    run_text(url, "mail", "unsuppress", address)
    assert "does not exist" in run_refused(url, "mail", "unsuppress", address)
    assert run_json(url, "mail", "suppress", address)["address"] == lower
    assert run_json(url, "mail", "unsuppress", address) is None


def test_a_test_mail_needs_a_server_and_is_queued(database_url: str) -> None:
    url = database_url
    assert "CLEARLINE_SMTP" in run_refused(url, "mail", "test", "ada@example.com")
    mail = {"CLEARLINE_SMTP": "smtp://127.0.0.1:9", "CLEARLINE_MAIL_FROM": "Desk <desk@example.net>"}
    queued = run_json(url, "mail", "test", "ada@example.com", **mail)
    assert (queued["state"], queued["kind"], queued["recipient"]) == ("waiting", "test", "ada@example.com")
    assert "From: Desk <desk@example.net>\n" in run_text(url, "mail", "show", queued["id"])
    assert run_json(url, "mail", "retry", queued["id"], **mail)["state"] == "waiting"
    assert "must be an address" in run_refused(url, "mail", "test", "a,b@example.com", **mail)
    assert "queued. See: clearline mail show" in run_text(url, "mail", "test", "ada@example.com", **mail)
