"""Mailboxes and inbound mail at the command line."""

import asyncio
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from click.testing import Result

from clearline.clock import now
from clearline.mail.inbound import worker as inbound_worker
from clearline.platform.database.transactions import Database
from clearline.settings.settings import Settings
from clearline.web.mail import render
from tests.builders.application import run_command, run_json
from tests.builders.mail.inbound_rig import a_mail
from tests.builders.people import Tenant

ADDRESS = "support@example.net"
MAIL_FROM = f"Support <{ADDRESS}>"


@pytest.fixture(scope="module")
def mailbox(database_url: str) -> str:
    """Add a mailbox; return its address."""
    run_json(database_url, "mailbox", "add", ADDRESS, "--name", "Support")
    return ADDRESS


def inbound(url: str, *arguments: str, text: bytes | None = None) -> Result:
    """Run a command of the group inbound-mail."""
    return run_command(url, "inbound-mail", *arguments, text=text, CLEARLINE_MAIL_FROM=MAIL_FROM)


def inbound_json(url: str, *arguments: str, text: bytes | None = None) -> Any:
    """Run a command of the group inbound-mail; return its JSON output."""
    return run_json(url, "inbound-mail", *arguments, text=text, CLEARLINE_MAIL_FROM=MAIL_FROM)


def classify(url: str) -> None:
    """Classify the waiting mails, as a worker does."""

    async def run_jobs() -> None:
        database = await Database.open(url, size=3)
        try:
            settings = Settings(mail_from=MAIL_FROM)
            for job in inbound_worker.jobs(database, None, settings, now, render):  # type: ignore[arg-type]
                if job.name == "inbound mail":
                    await job.run()
        finally:
            await database.close()

    asyncio.run(run_jobs())


def test_a_mailbox_whose_server_has_no_address_yet_is_added_with_a_warning(database_url: str) -> None:
    address, options = f"{uuid4().hex[:8]}@example.net", ("--imap-user", "me", "--imap-password")
    host = f"{'x' * 64}.example.net"  # no resolver accepts such a label
    added = run_command(database_url, "mailbox", "add", address, "--imap-host", host, *options, text="secret\n")
    assert (added.exit_code, added.stdout) == (0, f"Mailbox {address} added.\n")
    assert added.stderr == f"warning: the name {host} cannot be resolved now: the mailbox is polled as soon as it can\n"


def test_a_mailbox_is_added_changed_listed_and_deleted(database_url: str) -> None:
    url, address = database_url, f"{uuid4().hex[:8]}@example.net"
    assert run_command(url, "mailbox", "add", address).stdout == f"Mailbox {address} added.\n"
    run_json(url, "queue", "add", "Mail")
    options = ("--imap-host", "127.0.0.1", "--imap-port", "1", "--imap-user", "me", "--imap-password")
    networks = {"CLEARLINE_IMAP_NETWORKS": "127.0.0.0/8"}
    change = ("mailbox", "change", address, "--queue", "Mail", "--inactive", *options)
    early = run_command(url, *change, text="secret\n")
    assert (early.exit_code, early.stdout) == (1, "")
    assert "127.0.0.1 is not a public address: add its network to CLEARLINE_IMAP_NETWORKS" in early.stderr
    changed = run_json(url, *change, text="secret\n", **networks)
    assert (changed["imap"]["host"], changed["imap"]["port"], changed["is_active"]) == ("127.0.0.1", 1, False)
    assert "secret" not in str(changed)
    assert {**changed, "polled_at": None, "last_error": None} in run_json(url, "mailbox", "list")
    assert address in run_command(url, "mailbox", "list").stdout
    refused = run_command(url, "mailbox", "check", address)
    assert (refused.exit_code, refused.stdout) == (
        3,
        "127.0.0.1 is not a public address: add its network to CLEARLINE_IMAP_NETWORKS\n",
    )
    checked = run_command(url, "mailbox", "check", address, **networks)
    assert (checked.exit_code, checked.stdout) == (3, "cannot reach the server: Connection refused\n")
    unpolled = run_json(url, "mailbox", "change", address, "--imap-host", "none", "--queue", "none")
    assert (unpolled["imap"], unpolled["queue_id"]) == (None, None)
    forms = ("--form-address", "form@example.net", "--form-address", "shop@example.net")
    with_forms = run_json(url, "mailbox", "change", address, *forms)
    assert with_forms["form_addresses"] == ["form@example.net", "shop@example.net"]
    assert (
        run_json(url, "mailbox", "change", address, "--name", "NOC")["form_addresses"] == with_forms["form_addresses"]
    )
    assert run_json(url, "mailbox", "change", address, "--form-address", "none")["form_addresses"] == []
    assert run_command(url, "mailbox", "delete", address).stdout == f"Mailbox {address} deleted.\n"
    assert run_command(url, "mailbox", "delete", address).exit_code == 1


def test_a_mail_from_a_file_becomes_a_ticket(database_url: str, tenant: Tenant, mailbox: str, tmp_path: Path) -> None:
    file = tmp_path / "one.eml"
    file.write_bytes(a_mail(tenant.user.email, mailbox, "It is down.", "Help"))
    [stored] = inbound_json(database_url, "receive", str(file), "--to", mailbox)["ids"]
    assert inbound_json(database_url, "receive", str(file), "--to", mailbox) == {"ids": []}
    classify(database_url)
    shown = inbound_json(database_url, "show", stored)
    assert (shown["state"], shown["text"]) == ("accepted", "It is down.")
    assert shown["ticket"] in inbound(database_url, "show", stored).stdout
    assert inbound(database_url, "show", stored, "--raw").stdout_bytes == file.read_bytes()


def test_a_quarantined_mail_is_listed_released_and_discarded(database_url: str, tenant: Tenant, mailbox: str) -> None:
    url = database_url
    stored = []
    for text in ("To a company", "To a ticket", "To nowhere"):
        mail = a_mail("mallory@example.org", mailbox, text)
        stored += inbound_json(url, "receive", "-", "--to", mailbox, text=mail)["ids"]
    classify(url)
    listed = inbound_json(url, "list", "--state", "quarantined")
    assert [mail["id"] for mail in listed] == stored[::-1]
    assert "its sender is unknown" in inbound(url, "list").stdout
    first, second, third = stored
    ticket = inbound_json(url, "release", first, "--company", tenant.company.code)["ticket"]
    assert inbound(url, "release", second, "--ticket", ticket).stdout == f"Mail released to {ticket}.\n"
    assert inbound_json(url, "discard", third)["state"] == "discarded"
    assert inbound(url, "discard", third).exit_code == 1
    assert inbound(url, "release", third).exit_code == 2


def test_a_mail_for_an_unknown_address_is_refused(database_url: str, mailbox: str) -> None:
    mail = a_mail("ada@example.com", mailbox)
    assert inbound(database_url, "receive", "-", "--to", "nobody@example.net", text=mail).exit_code == 1
