"""A bounce of an agent's address: admins get a mail, the tickets stay, and the next answer reaches somebody."""

from datetime import timedelta
from typing import Any

import pytest

from clearline.accounts import usecases as accounts
from clearline.identity import OPERATOR, PROVIDER_ID, Actor, Role
from clearline.mail.outbound import usecases as outbound_mail
from clearline.mail.outbound.domain import MailSettings, NewMail
from clearline.platform.database.transactions import Tx
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import usecases as tickets
from tests.builders.mail.notification_rig import NotificationRig, SentMail, note
from tests.builders.people import NOW, email_of, id_of, new_person
from tests.builders.tickets import raised

MINUTE = timedelta(minutes=1)
SETTINGS = MailSettings("Support <support@example.net>", b"secret", "https://desk.example.net", enabled=True)
CHANGES: dict[str, dict[str, Any]] = {"an inactive agent": {"is_active": False}, "a viewer": {"role": Role.VIEWER}}


async def people(rig: NotificationRig) -> tuple[int, Actor, Actor]:
    """Return a ticket, its assignee, and the only admin of the provider who gets mail."""

    async def work(tx: Tx) -> tuple[int, Actor, Actor]:
        await tx.write("update app_user set is_active = false where company_id = $1 and role = 'admin'", PROVIDER_ID)
        agent, admin = await new_person(tx, "Ben Ito"), await new_person(tx, "Ida Moss", Role.ADMIN)
        number = await raised(tx, rig.tenant)
        await ticket_changes.assign(tx, OPERATOR, number, id_of(agent), now=NOW)
        return number, agent, admin

    result: tuple[int, Actor, Actor] = await rig.transact(work)
    await rig.advance(MINUTE)
    await rig.take_sent()
    return result


async def bounce(rig: NotificationRig, address: str, *, is_bad: bool = True) -> None:
    """Record that a mail to an address bounced."""

    async def work(tx: Tx) -> None:
        mail = NewMail(recipient=address, subject="Port", text="x", html="x", kind="test", company_id=PROVIDER_ID)
        mail_id = await outbound_mail.enqueue(tx, mail, now=rig.now, settings=SETTINGS)
        assert mail_id is not None
        sent, _message = await outbound_mail.get_mail(tx, OPERATOR, mail_id)
        bad = (address.lower(),) if is_bad else ()
        await outbound_mail.record_bounce(tx, sent.message_id, "5.1.1 no such user", bad_addresses=bad, now=rig.now)
        await tx.write("delete from outbound_mail where id = $1", mail_id)

    await rig.transact(work)


async def taken(rig: NotificationRig) -> list[SentMail]:
    await rig.advance(MINUTE)
    return [mail for mail in await rig.take_sent() if mail.kind == "agent_unreachable"]


async def test_the_admins_get_a_mail_and_the_tickets_stay(rig: NotificationRig) -> None:
    number, agent, admin = await people(rig)
    await bounce(rig, email_of(agent))
    [mail] = await taken(rig)
    assert (mail.to, mail.subject) == (email_of(admin), "Mail to Ben Ito comes back")
    words = " ".join(mail.text.split())
    assert "5.1.1 no such user" in words
    assert "Open tickets of Ben Ito: 1." in words
    assert f"/api/v1/companies/{PROVIDER_ID}/users/{id_of(agent)}" in mail.text
    assert f"/api/v1/mail-suppressions/{email_of(agent)}" in mail.text
    view = await rig.transact(lambda tx: tickets.get_ticket(tx, OPERATOR, number))
    assert view.ticket.assignee_id == id_of(agent)
    await bounce(rig, email_of(agent))
    assert await taken(rig) == []
    await rig.transact(note(number, "Still down", rig.tenant.actor, at=rig.now))
    await rig.advance(MINUTE)
    assert email_of(admin) in {mail.to for mail in await rig.take_sent() if "Still down" in mail.text}


@pytest.mark.parametrize("what", ["another failure", "by hand", "an inactive agent", "a viewer", "a customer"])
async def test_other_suppressions_and_bounces_are_not_reported(rig: NotificationRig, what: str) -> None:
    _number, agent, _admin = await people(rig)
    address = email_of(agent)
    if what == "by hand":
        await rig.transact(lambda tx: outbound_mail.suppress(tx, OPERATOR, address, now=rig.now))
    elif what == "a customer":
        await bounce(rig, rig.tenant.user.email)
    else:
        values = CHANGES.get(what, {})
        await rig.transact(
            lambda tx: accounts.change_user(tx, OPERATOR, PROVIDER_ID, id_of(agent), values, now=rig.now)
        )
        await bounce(rig, address, is_bad=what != "another failure")
    assert await taken(rig) == []


async def test_an_admin_gets_no_mail_about_the_own_address(rig: NotificationRig) -> None:
    _number, _agent, admin = await people(rig)
    other = await rig.transact(lambda tx: new_person(tx, "Mara Lind", Role.ADMIN))
    await bounce(rig, email_of(admin))
    assert [mail.to for mail in await taken(rig)] == [email_of(other)]
