"""Mail is in the language of its recipient: the person's, else its company's, else the desk's."""

from datetime import timedelta
from functools import partial
from uuid import uuid4

import pytest

from clearline.accounts import usecases as accounts
from clearline.companies import usecases as companies
from clearline.identity import OPERATOR, PROVIDER_ID, Role
from clearline.notifications.recipients import GROUPING_WINDOW
from clearline.platform.database.transactions import Tx
from clearline.sign_in import link_usecases as links
from clearline.sign_in import password_usecases as passwords
from clearline.sign_in.link_domain import LinkKind
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets.domain import Status
from clearline.web import mail as templates
from tests.builders.mail.notification_rig import SETTINGS, NotificationRig, new_watcher, note
from tests.builders.people import NOW, email_of, new_person
from tests.builders.tickets import STEPS, raised

MINUTE = timedelta(minutes=1)


async def set_languages(tx: Tx, rig: NotificationRig, company: str | None, desk: str | None) -> None:
    await companies.change_company(tx, OPERATOR, rig.tenant.company.id, {"language": company}, now=NOW)
    await companies.change_company(tx, OPERATOR, PROVIDER_ID, {"language": desk}, now=NOW)


async def move(tx: Tx, number: int, step: Status) -> None:
    await ticket_changes.move_ticket(tx, OPERATOR, number, step, reason="Optic changed.", now=NOW)


@pytest.mark.parametrize(
    ("company", "desk", "is_german"),
    [("de", None, True), (None, "de", True), ("en", "de", False), (None, None, False)],
)
async def test_a_contact_gets_mail_in_the_language_of_the_company_or_else_of_the_desk(
    rig: NotificationRig, company: str | None, desk: str | None, *, is_german: bool
) -> None:
    await rig.transact(lambda tx: set_languages(tx, rig, company, desk))
    number = await rig.transact(lambda tx: raised(tx, rig.tenant))
    await rig.advance(GROUPING_WINDOW)
    await rig.take_sent()
    for step in STEPS[Status.RESOLVED]:
        await rig.transact(partial(move, number=number, step=step))
    await rig.advance(GROUPING_WINDOW)
    [mail] = await rig.take_sent()
    await rig.transact(lambda tx: set_languages(tx, rig, None, None))
    german = (
        "Gelöst",
        "Status geändert von „in Bearbeitung“ auf „gelöst“.",
        "Dienst",
        "1. März 2026, 12:00 UTC",
        "Kontakt",
    )
    english = (
        "Resolved",
        "Changed the status from in progress to resolved.",
        "Service",
        "1 Mar 2026 12:00 UTC",
        "contact",
    )
    text = " ".join(mail.text.split())
    for word in german if is_german else english:
        assert word in text
        assert word in mail.html
    for word in english[:2] if is_german else german[:2]:
        assert word not in text
    assert f'<html lang="{"de" if is_german else "en"}">' in mail.html


async def test_each_watcher_gets_mail_in_its_own_language_and_zone(rig: NotificationRig) -> None:
    await rig.transact(lambda tx: set_languages(tx, rig, "de", None))
    number = await rig.transact(lambda tx: raised(tx, rig.tenant))
    await rig.advance(GROUPING_WINDOW)
    await rig.take_sent()
    code = rig.tenant.company.code
    watchers = {
        language: await rig.transact(lambda tx: new_watcher(tx, number, Role.CUSTOMER, code, time_zone="Europe/Berlin"))
        for language in ("de", "en")
    }
    for language, watcher in watchers.items():
        user = watcher.user
        await rig.transact(
            lambda tx, user=user, language=language: accounts.change_user(  # type: ignore[misc]
                tx, OPERATOR, user.company_id, user.id, {"language": language}, now=NOW
            )
        )
    await rig.transact(note(number, "Optic changed.", OPERATOR))
    await rig.advance(GROUPING_WINDOW)
    mails = {mail.to: mail for mail in await rig.take_sent()}
    await rig.transact(lambda tx: set_languages(tx, rig, None, None))
    assert "1. März 2026, 13:00 MEZ" in mails[email_of(watchers["de"])].text
    assert "Zeitzone: Europe/Berlin." in " ".join(mails[email_of(watchers["de"])].text.split())
    assert "1 Mar 2026 13:00 CET" in mails[email_of(watchers["en"])].text


async def test_an_invitation_is_in_the_language_of_the_user(rig: NotificationRig) -> None:
    address = f"{uuid4().hex[:8]}@victim.example.org"
    admin = await rig.transact(lambda tx: new_person(tx, "Ida", Role.CUSTOMER_ADMIN, company=rig.tenant.company.code))

    async def add(tx: Tx) -> None:
        await accounts.add_user(
            tx, admin, rig.tenant.company.id, name="Ada", email=address, phone="", language="de", now=NOW
        )

    await rig.transact(add)
    await rig.advance(MINUTE)
    while await rig.jobs[2].run():
        pass
    [mail] = await rig.take_sent()
    assert (mail.to, mail.subject) == (address, "Bestätigen Sie Ihre E-Mail-Adresse")
    assert "Wenn das stimmt, öffnen Sie diese Seite" in mail.text
    assert "Adresse bestätigen" in mail.html


@pytest.mark.parametrize(
    ("kind", "words"), [(LinkKind.INVITATION, "7 Tage lang"), (LinkKind.PASSWORD_RESET, "1 Stunde lang")]
)
async def test_a_link_says_in_german_how_long_it_works(rig: NotificationRig, kind: LinkKind, words: str) -> None:
    user = rig.tenant.user

    async def make(tx: Tx) -> None:
        await accounts.change_user(tx, OPERATOR, user.company_id, user.id, {"language": "de"}, now=NOW)
        await links.invite(
            tx, OPERATOR, user.id, company_ref=user.company_id, settings=SETTINGS, render=templates.render, now=NOW
        )

    if kind is LinkKind.PASSWORD_RESET:
        word = "correct horse battery staple"
        await passwords.set_password(rig.database, OPERATOR, user.company_id, user.id, word, now=NOW)
    await rig.transact(make)
    [mail] = await rig.take_sent()
    assert words in mail.text
    assert mail.subject in {"Einladung zum Support-Desk", "Neues Passwort wählen"}
    assert mail.subject in mail.html
