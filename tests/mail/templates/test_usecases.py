"""Texts of mail that admins write: who may, what is kept, and what is sent."""

from collections.abc import AsyncIterator
from datetime import datetime
from functools import partial
from typing import Any

import httpx
import pytest

from clearline.branding import usecases as branding
from clearline.health.mail_checks import mail_templates as check_mail_templates
from clearline.identity import ALL_SCOPES, OPERATOR, PROVIDER_ID, Actor, Role, User
from clearline.language.languages import LANGUAGES
from clearline.mail.outbound import usecases as outbound_mail
from clearline.mail.templates import usecases as mail_templates
from clearline.mail.templates.kinds import KINDS, MailKind
from clearline.mail.templates.shipped import shipped_text
from clearline.notifications.recipients import GROUPING_WINDOW
from clearline.platform.database.transactions import Database, Tx
from clearline.sign_in import link_usecases as links
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets.domain import Status
from clearline.web.mail import render
from tests.builders.databases import administer
from tests.builders.jobs import Clock
from tests.builders.mail.notification_rig import CONTACT, SETTINGS, NotificationRig, SentMail, new_watcher, note
from tests.builders.mail.outbox import eventually
from tests.builders.mail.outbox import working as sending
from tests.builders.mail.smtp_server import running
from tests.builders.people import NOW, new_staff, new_tenant, staff_key
from tests.builders.tickets import STEPS, raised

API = "/api/v1/mail-templates"
RECEIVED = f"{API}/ticket_received.en"
ANYWAY = {"if-match": "*"}
SHIPPED = shipped_text(MailKind.TICKET_RECEIVED, "en")


@pytest.fixture(autouse=True)
async def _shipped_after(database: Database) -> AsyncIterator[None]:
    yield
    async with database.transaction() as tx:
        await tx.write("delete from mail_template")


@pytest.fixture
async def rig(database: Database, database_url: str) -> NotificationRig:
    """Return the jobs of notifications with a new customer, past all earlier events, with no notification or mail."""
    new = NotificationRig(database, await new_tenant(database), database_url)
    await new.record()
    await administer(database_url, "delete from notification; delete from outbound_mail")
    return new


async def test_an_admin_changes_a_text_and_goes_back_to_the_shipped_one(
    client: httpx.AsyncClient, database: Database
) -> None:
    admin, agent = await staff_key(database, Role.ADMIN), await staff_key(database, Role.AGENT)
    before = await client.get(RECEIVED, headers=agent)
    assert before.status_code == 200, before.text
    assert before.json() | {"placeholders": []} == {
        "id": "ticket_received.en", "kind": "ticket_received", "language": "en",
        "title": "Ticket received", "subject": SHIPPED.subject,
        "is_edited": False, "is_outdated": False, "problems": [], "body": SHIPPED.body,
        "about": "To customers: the receipt of a new ticket.", "changed_at": None,
        "shipped": {"subject": SHIPPED.subject, "body": SHIPPED.body}, "placeholders": [],
    }  # fmt: skip
    body = "Thank you.\r\n\r\n{{ messages }}\r\n"
    changed = await client.patch(RECEIVED, json={"body": body}, headers={**admin, "if-match": before.headers["etag"]})
    assert changed.status_code == 200, changed.text
    assert (changed.json()["body"], changed.json()["is_edited"]) == ("Thank you.\n\n{{ messages }}", True)
    assert (await client.patch(RECEIVED, json={"subject": "Hi"}, headers=agent | ANYWAY)).status_code == 403
    stale = await client.delete(RECEIVED, headers={**admin, "if-match": before.headers["etag"]})
    assert stale.status_code == 412
    assert (await client.delete(RECEIVED, headers=admin | ANYWAY)).status_code == 204
    assert (await client.get(RECEIVED, headers=agent)).json() == before.json()
    async with database.transaction() as tx:
        rows = await tx.fetch(
            """select data->>'id', data->>'name', jsonb_array_length(data->'changes') from event
                where type = 'mail_template.changed' order by id desc limit 2"""
        )
    assert [tuple(row) for row in rows] == [("ticket_received.en", "Ticket received (en)", 1)] * 2


async def test_the_list_has_every_kind_in_every_language(client: httpx.AsyncClient, database: Database) -> None:
    agent = await staff_key(database, Role.AGENT)
    listed, query = [], "?limit=20"
    while query:
        page = (await client.get(f"{API}{query}", headers=agent)).json()
        listed += [(each["kind"], each["language"]) for each in page["data"]]
        query = f"?limit=20&cursor={page['next_cursor']}" if page["next_cursor"] else ""
    assert listed == [(kind, language) for kind in MailKind for language in LANGUAGES]
    for path in ("nothing.en", "ticket_received.fr", "ticket_received", "ticket_received."):
        assert (await client.get(f"{API}/{path}", headers=agent)).status_code == 404


async def test_a_wrong_text_is_refused_line_by_line(client: httpx.AsyncClient, database: Database) -> None:
    admin = await staff_key(database, Role.ADMIN)
    refused = await client.patch(RECEIVED, json={"body": "{{ x }}\n{{ y"}, headers=admin | ANYWAY)
    assert refused.status_code == 422
    assert [(each["pointer"], each["detail"]) for each in refused.json()["errors"]] == [
        ("/body", "line 1: {{ x }} is no placeholder of this mail"),
        ("/body", "line 2: a placeholder must have {{ before it and }} after it"),
        ("/body", "must have {{ messages }} on a line of its own"),
    ]


async def test_a_text_that_equals_the_shipped_one_is_not_stored(database: Database) -> None:
    async with database.transaction() as tx:
        for body in ("Thank you.\n\n{{ messages }}", SHIPPED.body):
            changed = await mail_templates.change_template(
                tx, OPERATOR, "ticket_received", "en", {"body": body}, now=NOW
            )
            assert (changed.stored is None) == (body == SHIPPED.body)


async def write(tx: Tx, kind: MailKind, subject: str, body: str, language: str = "en") -> None:
    values = {"subject": subject, "body": body}
    await mail_templates.change_template(tx, OPERATOR, kind, language, values, now=NOW)


async def move(tx: Tx, number: int, step: Status, now: datetime) -> None:
    await ticket_changes.move_ticket(tx, OPERATOR, number, step, reason="Optic changed.", now=now)


async def test_each_kind_of_news_has_its_text(rig: NotificationRig) -> None:
    kinds = ("received", "answered", "updated", "resolved")
    for kind in kinds:
        subject = kind + ": {{ ticket.title }}"
        body = "Dear {{ recipient.name }},\n\n{{ messages }}\n\n{{ feedback }}\n\nYour team of " + kind
        await rig.transact(partial(write, kind=MailKind(f"ticket_{kind}"), subject=subject, body=body))
    number = await rig.transact(lambda tx: raised(tx, rig.tenant))
    await rig.advance(GROUPING_WINDOW)
    mails = {"received": await rig.take_messages()}
    await rig.transact(note(number, "We look into it.", OPERATOR, at=rig.now))
    await rig.advance(GROUPING_WINDOW)
    mails["answered"] = await rig.take_messages()
    for step in STEPS[Status.RESOLVED]:
        await rig.transact(partial(move, number=number, step=step, now=rig.now))
        await rig.advance(GROUPING_WINDOW)
        mails["resolved" if step is Status.RESOLVED else "updated"] = await rig.take_messages()
    for kind in kinds:
        [mail] = [mail for mail in mails[kind] if CONTACT in str(mail["To"])]
        text, html = (part.get_content() for part in mail.iter_parts())
        title = str(mail["Thread-Topic"])
        assert str(mail["Subject"]) == f"[INC{number:012}] {kind}: {title}"
        for content in (text, html):
            assert f"Your team of {kind}" in content
            assert ("/feedback/" in content) == (kind == "resolved")
        assert mail["Auto-Submitted"] == "auto-generated"
        assert mail["Reply-To"] is not None


async def test_a_text_is_of_one_language(rig: NotificationRig) -> None:
    body = "{{ messages }}\n\nViele Grüße"
    await rig.transact(lambda tx: write(tx, MailKind.TICKET_RECEIVED, "{{ ticket.title }}", body, "de"))
    await rig.transact(lambda tx: raised(tx, rig.tenant))
    await rig.advance(GROUPING_WINDOW)
    [mail] = [mail for mail in await rig.take_sent() if mail.to == CONTACT]
    assert "Viele Grüße" not in mail.text
    assert "We have received the ticket" in mail.text


async def test_a_stored_text_that_this_version_refuses_loses_no_mail(rig: NotificationRig) -> None:
    async def break_it(tx: Tx) -> None:
        await write(tx, MailKind.TICKET_RECEIVED, "{{ ticket.title }}", "{{ messages }}")
        broken = "{{ messages }}\n{{ ticket.colour }}"
        await tx.write("update mail_template set body = $1, shipped_digest = repeat('0', 32)", broken)

    await rig.transact(break_it)
    check = await check_mail_templates(rig.database)
    assert (check.ok, check.warning) == (True, True)
    assert "ticket_received.en (body line 2: {{ ticket.colour }} is no placeholder of this mail)" in check.detail
    await rig.transact(lambda tx: raised(tx, rig.tenant))
    await rig.advance(GROUPING_WINDOW)
    [mail] = [mail for mail in await rig.take_sent() if mail.to == CONTACT]
    assert "We have received the ticket" in mail.text
    template = await rig.transact(lambda tx: mail_templates.get_template(tx, OPERATOR, "ticket_received", "en"))
    assert template.is_outdated
    saved = await rig.transact(
        lambda tx: mail_templates.change_template(
            tx, OPERATOR, "ticket_received", "en", {"body": "{{ messages }}"}, now=NOW
        )
    )
    assert not saved.is_outdated
    assert (await check_mail_templates(rig.database)).detail == "every text can be sent"


@pytest.mark.parametrize("kind", list(MailKind))
async def test_the_preview_is_the_mail_with_sample_values(
    client: httpx.AsyncClient, database: Database, kind: MailKind
) -> None:
    admin = await staff_key(database, Role.ADMIN)
    required = "\n".join(f"{{{{ {name} }}}}" for name in sorted(KINDS[kind].required))
    for body in ({}, {"subject": "Typed", "body": f"Typed words\n\n{required}"}):
        answer = await client.post(f"{API}/{kind}.de/preview", json=body, headers=admin)
        assert answer.status_code == 200, answer.text
        preview = answer.json()
        assert ("Typed words" in preview["text"]) == ("Typed words" in preview["html"]) == bool(body)
        assert '<html lang="de">' in preview["html"]
        assert (await client.get(f"{API}/{kind}.de", headers=admin)).json()["is_edited"] is False


async def test_a_test_goes_to_the_person_who_asks_for_it(database: Database) -> None:
    who = await new_staff(database, Role.ADMIN)
    async with database.transaction() as tx:
        admin = Actor(Role.ADMIN, who.user.name, None, who.user, scopes=ALL_SCOPES)
        settings = await outbound_mail.mail_settings(tx, SETTINGS)
        await tx.write("delete from outbound_mail")
        sent = await outbound_mail.send_template_test(
            tx, admin, ("digest", "de"), {"subject": "Probe"}, render=render, now=NOW, settings=settings
        )
    shown = (sent.recipient, sent.subject, sent.kind, sent.company_id)
    assert shown == (who.user.email, "Probe", "test", PROVIDER_ID)
    async with running() as server, sending(database, server, Clock()):
        await eventually(lambda: _has(server.received, 1))
    assert [str(mail.message["Subject"]) for mail in server.received] == ["Probe"]
    part = server.received[0].message.get_body(("plain",))
    assert part is not None
    assert "Neuigkeiten" in part.get_content()


async def _has(received: list[Any], count: int) -> bool:
    return len(received) >= count


async def invite(tx: Tx, user: User) -> None:
    company = user.company_id
    await links.invite(tx, OPERATOR, user.id, company_ref=company, settings=SETTINGS, render=render, now=NOW)


async def test_every_mail_for_customers_has_the_lines_of_the_branding_and_the_settings(rig: NotificationRig) -> None:
    lines = {"support_hours": "Always", "support_phone": "+1-555-0100", "footer": "Example Networks"}
    empty = dict.fromkeys(lines, "")
    await rig.transact(lambda tx: branding.change_branding(tx, OPERATOR, lines, now=NOW))
    number = await rig.transact(lambda tx: raised(tx, rig.tenant))
    code = rig.tenant.company.code
    await rig.transact(lambda tx: new_watcher(tx, number, Role.CUSTOMER, code))
    await rig.transact(lambda tx: new_watcher(tx, number, Role.AGENT))
    await rig.transact(note(number, "We look into it.", OPERATOR, at=rig.now))
    await rig.transact(lambda tx: invite(tx, rig.tenant.user))
    await rig.advance(GROUPING_WINDOW)
    mails = await rig.take_sent()
    await rig.transact(lambda tx: branding.change_branding(tx, OPERATOR, empty, now=NOW))
    pages: dict[str, list[SentMail]] = {"/console/me/notifications": [], "/portal/me/notifications": [], "": []}
    for mail in mails:
        page = next(page for page in pages if page in mail.text)
        pages[page].append(mail)
        assert (page in mail.html) is True
        for words in ("Support hours: Always", "Support phone: +1-555-0100", "Example Networks"):
            assert (words in mail.text) == (words in mail.html) == (page != "/console/me/notifications")
    assert all(pages.values())
    assert {mail.kind for mail in pages[""]} == {"notification", "sign_in_link"}
