"""The page of system health."""

from datetime import timedelta

import httpx
import pytest

from clearline.clock import now
from clearline.health import usecases as health
from clearline.health.domain import Backlog, Check
from clearline.identity import OPERATOR, Role
from clearline.mail.inbound import mailbox_store
from clearline.mail.inbound import mailbox_usecases as mailboxes
from clearline.mail.inbound.secret_box import SecretBox
from clearline.platform.database.transactions import Database
from clearline.version import version
from tests.builders.mail.outbox import write
from tests.builders.people import new_tenant
from tests.builders.web.pages import Person, person

HEALTH = "/console/admin/health"


@pytest.fixture
async def admin(client: httpx.AsyncClient, database: Database) -> Person:
    return await person(client, database, Role.ADMIN, "Ada Admin")


async def test_the_page_has_the_checks_the_version_and_the_work(admin: Person) -> None:
    page = await admin.page(HEALTH)
    for text in (version(), "PostgreSQL", "migrations all are applied", "MiB free", "clock", "Webhook deliveries"):
        assert text in page.text
    for name in ("routing", "search", "webhooks", "notifications"):
        assert name in [text.strip() for text in page.texts]


async def test_work_that_nobody_does_is_late(database: Database, admin: Person) -> None:
    [mail_id] = await write(database, await new_tenant(database))
    async with database.transaction() as tx:
        at = now() - timedelta(minutes=7)
        await tx.write("update outbound_mail set due_at = $2 where id = $1", mail_id, at)
    page = await admin.page(HEALTH)
    assert "need attention." in page.text or "needs attention." in page.text
    assert "7m: no worker does it" in page.text
    async with database.transaction() as tx:
        await tx.write("delete from outbound_mail where id = $1", mail_id)


async def test_a_mailbox_shows_its_last_poll_and_its_error_and_no_secret(database: Database, admin: Person) -> None:
    values = {
        "address": "polled@example.net", "imap_host": "imap.example.com", "imap_user": "desk",
        "imap_password": "only-for-the-server",
    }  # fmt: skip
    async with database.transaction() as tx:
        mailbox = await mailboxes.add_mailbox(tx, OPERATOR, values, secret_box=SecretBox(b"k"), now=now())
        await mailbox_store.note_poll(tx, mailbox.id, "the server refused the user or the password", now=now())
    answer = await admin.get(HEALTH)
    assert "the server refused the user or the password" in answer.text
    assert f"/console/admin/mailboxes/{mailbox.id}" in answer.text
    assert "only-for-the-server" not in answer.text
    async with database.transaction() as tx:
        await mailboxes.delete_mailbox(tx, OPERATOR, mailbox.id, now=now())


async def test_warnings_are_counted(admin: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    checks = [
        Check("minor release", ok=True, detail="old; update", warning=True),
        Check("disk", ok=True, detail="9 MiB free"),
    ]

    async def checked(*_arguments: object) -> list[Check]:
        return checks

    async def no_work(*_arguments: object) -> list[Backlog]:
        return []

    monkeypatch.setattr(health, "check_server", checked)
    monkeypatch.setattr(health, "backlogs", no_work)
    page = await admin.page(HEALTH)
    assert "Everything works. 1 warning says what to do before long." in page.text
    assert page.text.index("minor release") < page.text.index("9 MiB free")
    checks.pop(0)
    assert "Everything works." in (await admin.page(HEALTH)).text
    assert "warning" not in (await admin.page(HEALTH)).text
