"""The mail of notifications has the texts that admins wrote."""

from collections.abc import AsyncIterator
from datetime import datetime
from functools import partial

import pytest

from clearline.branding import usecases as branding
from clearline.health.mail_checks import mail_templates as check_mail_templates
from clearline.identity import OPERATOR, Role, User
from clearline.mail.templates import usecases as mail_templates
from clearline.mail.templates.kinds import MailKind
from clearline.notifications.recipients import GROUPING_WINDOW
from clearline.platform.database.transactions import Database, Tx
from clearline.sign_in import link_usecases as links
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets.domain import Status
from clearline.web.mail import render
from tests.builders.databases import administer
from tests.builders.mail.notification_rig import CONTACT, SETTINGS, NotificationRig, SentMail, new_watcher, note
from tests.builders.people import NOW, new_tenant
from tests.builders.tickets import STEPS, raised


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
