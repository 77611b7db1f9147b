import asyncio
import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from click.testing import CliRunner, Result

from clearline.cli.main import main
from clearline.clock import now
from clearline.mail.inbound import worker as mail_in
from clearline.platform.database.transactions import Database
from clearline.settings import Settings
from tests.builders.mail.inbound_rig import a_mail
from tests.builders.people import Tenant, new_tenant

ADDRESS = "support@example.net"


@pytest.fixture(scope="module")
def tenant_here(database_url: str) -> Tenant:
    async def made() -> Tenant:
        database = await Database.open(database_url, size=2)
        try:
            return await new_tenant(database, "Birch Telecom")
        finally:
            await database.close()

    return asyncio.run(made())


@pytest.fixture(autouse=True)
def _environment(database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CLEARLINE_DATABASE_URL", database_url)
    monkeypatch.setenv("CLEARLINE_ATTACHMENTS", str(tmp_path))
    monkeypatch.setenv("CLEARLINE_MAIL_FROM", f"Support <{ADDRESS}>")


def run(*arguments: str, typed: str | bytes | None = None) -> Result:
    return CliRunner().invoke(main, arguments, input=typed)


def told(*arguments: str, typed: str | bytes | None = None) -> Any:
    """What a command that works prints as JSON."""
    done = run(*arguments, "--json", typed=typed)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def work(url: str) -> None:
    """Do what a worker does."""

    async def turn() -> None:
        database = await Database.open(url, size=3)
        try:
            for job in mail_in.jobs(database, None, Settings(mail_from=f"Support <{ADDRESS}>"), now):  # type: ignore[arg-type]
                if job.name == "mail that came in":
                    await job.run()
        finally:
            await database.close()

    asyncio.run(turn())


@pytest.fixture(scope="module")
def mailbox(database_url: str) -> str:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("CLEARLINE_DATABASE_URL", database_url)
        told("mailbox", "add", ADDRESS, "--name", "Support")
    return ADDRESS


def test_a_mailbox_is_added_changed_listed_and_deleted() -> None:
    address = f"{uuid4().hex[:8]}@example.net"
    assert run("mailbox", "add", address).stdout == f"Mailbox {address} added.\n"
    told("queue", "add", "Mail")
    options = ("--imap-host", "127.0.0.1", "--imap-port", "1", "--imap-user", "me", "--imap-password")
    changed = told("mailbox", "change", address, "--queue", "Mail", "--inactive", *options, typed="secret\n")
    assert (changed["imap"]["host"], changed["imap"]["port"], changed["is_active"]) == ("127.0.0.1", 1, False)
    assert "secret" not in str(changed)
    assert {**changed, "polled_at": None, "last_error": None} in told("mailbox", "list")
    assert address in run("mailbox", "list").stdout
    checked = run("mailbox", "check", address)
    assert (checked.exit_code, checked.stdout) == (3, "cannot reach the server: Connection refused\n")
    plain = told("mailbox", "change", address, "--imap-host", "none", "--queue", "none")
    assert (plain["imap"], plain["queue_id"]) == (None, None)
    assert run("mailbox", "delete", address).stdout == f"Mailbox {address} deleted.\n"
    assert run("mailbox", "delete", address).exit_code == 1


def test_a_mail_from_a_file_becomes_a_ticket(
    database_url: str, tenant_here: Tenant, mailbox: str, tmp_path: Path
) -> None:
    file = tmp_path / "one.eml"
    file.write_bytes(a_mail(tenant_here.user.email, mailbox, "It is down.", "Help"))
    [stored] = told("inbound-mail", "receive", str(file), "--to", mailbox)["ids"]
    assert told("inbound-mail", "receive", str(file), "--to", mailbox) == {"ids": []}
    work(database_url)
    shown = told("inbound-mail", "show", stored)
    assert (shown["state"], shown["text"]) == ("accepted", "It is down.")
    assert shown["ticket"] in run("inbound-mail", "show", stored).stdout
    assert run("inbound-mail", "show", stored, "--raw").stdout_bytes == file.read_bytes()


def test_a_quarantined_mail_is_listed_released_and_discarded(
    database_url: str, tenant_here: Tenant, mailbox: str
) -> None:
    stored = [
        told("inbound-mail", "receive", "-", "--to", mailbox, typed=a_mail("mallory@example.org", mailbox, text))["ids"]
        for text in ("To a company", "To a ticket", "To nowhere")
    ]
    work(database_url)
    listed = told("inbound-mail", "list", "--state", "quarantined")
    assert [[one["id"]] for one in listed] == stored[::-1]
    assert "its sender is unknown" in run("inbound-mail", "list").stdout
    [[first], [second], [third]] = stored
    ticket = told("inbound-mail", "release", first, "--company", tenant_here.company.code)["ticket"]
    assert run("inbound-mail", "release", second, "--ticket", ticket).stdout == f"Mail released to {ticket}.\n"
    assert told("inbound-mail", "discard", third)["state"] == "discarded"
    assert run("inbound-mail", "discard", third).exit_code == 1
    assert run("inbound-mail", "release", third).exit_code == 2


def test_a_mail_for_nobody_is_refused(mailbox: str) -> None:
    typed = a_mail("ada@example.com", mailbox)
    assert run("inbound-mail", "receive", "-", "--to", "nobody@example.net", typed=typed).exit_code == 1
