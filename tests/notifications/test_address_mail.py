"""An unconfirmed address gets one invitation, and nothing else; a replaced one is told."""

from datetime import timedelta
from uuid import uuid4

import pytest
from msgspec.structs import replace

from clearline.accounts import usecases as accounts
from clearline.events.event_types import NotificationKind
from clearline.identity import OPERATOR, Actor, Role, User
from clearline.notifications import preference_usecases as preferences
from clearline.notifications.domain import DeliveryMode
from clearline.platform.database.transactions import Tx
from clearline.tickets import usecases as tickets
from clearline.tickets.contact import Contact
from clearline.tickets.links import watcher_usecases as watchers
from clearline.tickets.note_domain import Visibility
from tests.builders.mail.notification_rig import NotificationRig, note
from tests.builders.people import NOW, new_person
from tests.builders.tickets import a_new_ticket

MINUTE = timedelta(minutes=1)


async def run_all(rig: NotificationRig) -> None:
    await rig.advance(MINUTE)
    while await rig.jobs[2].run():
        pass


async def claim(rig: NotificationRig, address: str) -> tuple[Actor, User]:
    """Let the admin of the customer add a user with an address; return both."""

    async def work(tx: Tx) -> tuple[Actor, User]:
        admin = await new_person(tx, "Ida Moss", Role.CUSTOMER_ADMIN, company=rig.tenant.company.code)
        user = await accounts.add_user(
            tx, admin, rig.tenant.company.id, name="Buy http://spam.example", email=address, phone="", now=NOW
        )
        return admin, user

    result: tuple[Actor, User] = await rig.transact(work)
    return result


async def raise_ticket(rig: NotificationRig, contact: str, watcher: User | None = None) -> int:
    async def work(tx: Tx) -> int:
        new = replace(a_new_ticket(), contact=Contact("Cleo", "", contact))
        ticket = (await tickets.create_ticket(tx, rig.tenant.actor, new, now=NOW)).ticket
        if watcher is not None:
            await watchers.watch(tx, OPERATOR, ticket.number, watcher.id, now=NOW)
        return ticket.number

    number: int = await rig.transact(work)
    return number


async def test_an_unconfirmed_address_gets_one_invitation_without_text_of_the_customer(rig: NotificationRig) -> None:
    address = f"{uuid4().hex[:8]}@victim.example.org"
    _admin, user = await claim(rig, address)
    await run_all(rig)
    [mail] = await rig.take_sent()
    assert (mail.to, mail.kind, mail.number, mail.subject) == (
        address,
        "invitation",
        None,
        "Confirm your e-mail address",
    )
    assert rig.tenant.company.name in mail.text
    assert "/confirm/" in mail.text
    assert "/confirm/" in mail.html
    assert "spam" not in mail.text + mail.html
    await run_all(rig)
    assert await rig.take_sent() == []
    assert not user.is_confirmed


@pytest.mark.parametrize("relation", ["contact", "watcher", "company"])
async def test_an_unconfirmed_address_gets_nothing_about_tickets_until_it_is_confirmed(
    rig: NotificationRig, relation: str
) -> None:
    address = f"{uuid4().hex[:8]}@victim.example.org"
    _admin, user = await claim(rig, address)
    rules = {"rules": {NotificationKind.COMPANY_TICKET: DeliveryMode.EMAIL}}
    if relation == "company":
        await rig.transact(
            lambda tx: preferences.change_preferences(tx, OPERATOR, user.company_id, user.id, rules, now=NOW)
        )
    contact = address.upper() if relation == "contact" else "other@example.com"
    number = await raise_ticket(rig, contact, user if relation == "watcher" else None)
    agent = await rig.transact(lambda tx: new_person(tx, role=Role.AGENT))
    await rig.transact(note(number, "First", agent))
    await run_all(rig)
    kinds = [mail.kind for mail in await rig.take_sent() if mail.to.lower() == address]
    assert kinds == ["invitation"]
    confirmed = {"is_confirmed": True}
    await rig.transact(lambda tx: accounts.change_user(tx, OPERATOR, user.company_id, user.id, confirmed, now=NOW))
    await rig.transact(note(number, "Second", agent))
    await run_all(rig)
    texts = [mail.text for mail in await rig.take_sent() if mail.to.lower() == address]
    assert len(texts) == 1
    assert ("First" in texts[0], "Second" in texts[0]) == (False, True)


async def test_a_user_whose_address_is_changed_gets_no_more_mail(rig: NotificationRig) -> None:
    address = f"{uuid4().hex[:8]}@victim.example.org"
    admin, _user = await claim(rig, f"{uuid4().hex[:8]}@example.com")
    watcher = await rig.transact(lambda tx: new_person(tx, role=Role.CUSTOMER, company=rig.tenant.company.code))
    number = await raise_ticket(rig, "other@example.com", watcher.user)
    await run_all(rig)
    await rig.take_sent()
    agent = await rig.transact(lambda tx: new_person(tx, role=Role.AGENT))
    await rig.transact(note(number, "Secret", agent))
    await rig.record()
    user = watcher.user
    await rig.transact(
        lambda tx: accounts.change_user(tx, admin, user.company_id, user.id, {"email": address}, now=NOW)
    )
    await run_all(rig)
    sent = {(mail.to, mail.kind): mail for mail in await rig.take_sent() if mail.to != "other@example.com"}
    assert set(sent) == {(address, "invitation"), (user.email, "address_changed")}
    assert address not in sent[user.email, "address_changed"].text


async def test_a_claim_does_not_take_the_staff_s_view_from_an_agent(rig: NotificationRig) -> None:
    agent = await rig.transact(lambda tx: new_person(tx, "Mara Lind", Role.AGENT))
    number = await raise_ticket(rig, "other@example.com", agent.user)
    _admin, claimed = await claim(rig, agent.user.email)
    await rig.transact(lambda tx: watchers.watch(tx, OPERATOR, number, claimed.id, now=NOW))
    other = await rig.transact(lambda tx: new_person(tx, "Ben Ito", Role.AGENT))
    await rig.transact(note(number, "Internal matter", other, Visibility.INTERNAL))
    await run_all(rig)
    mails = [mail for mail in await rig.take_sent() if mail.to == agent.user.email and mail.kind != "invitation"]
    assert any("Internal matter" in mail.text for mail in mails)


async def test_an_address_that_was_confirmed_in_the_meantime_gets_no_invitation(rig: NotificationRig) -> None:
    _admin, user = await claim(rig, f"{uuid4().hex[:8]}@example.com")
    values = {"is_confirmed": True}
    await rig.transact(lambda tx: accounts.change_user(tx, OPERATOR, user.company_id, user.id, values, now=NOW))
    await run_all(rig)
    assert await rig.take_sent() == []


async def test_an_invitation_that_is_sent_again_is_the_same_mail(rig: NotificationRig) -> None:
    admin, user = await claim(rig, f"{uuid4().hex[:8]}@victim.example.org")
    await run_all(rig)
    [first] = await rig.take_sent()
    later = NOW + timedelta(hours=2)
    await rig.transact(lambda tx: accounts.invite_user(tx, admin, user.company_id, user.id, now=later))
    await run_all(rig)
    [second] = await rig.take_sent()
    assert (second.to, second.kind, second.text) == (first.to, first.kind, first.text)


async def test_a_claim_that_the_provider_refused_gets_no_mail(rig: NotificationRig) -> None:
    _admin, user = await claim(rig, f"{uuid4().hex[:8]}@victim.example.org")
    await rig.transact(
        lambda tx: accounts.decide_claim(tx, OPERATOR, user.company_id, user.id, is_confirmed=False, now=NOW)
    )
    await run_all(rig)
    assert await rig.take_sent() == []
