"""Mail from addresses that companies claim: nobody is spoken for who did not prove the address."""

from typing import Any
from uuid import uuid4

import pytest

from clearline.accounts import usecases as accounts
from clearline.identity import OPERATOR, Actor, Role, User
from clearline.mail.inbound import review_usecases as inbound_review
from clearline.mail.inbound.domain import InboundMail, InboundState
from clearline.mail.outbound import usecases as outbound_mail
from clearline.mail.outbound.domain import INVITATION, NewMail
from clearline.tickets.domain import ticket_number
from tests.builders.mail.inbound_rig import SETTINGS, SUPPORT, InboundMailRig, a_mail
from tests.builders.people import NOW, Tenant, new_person

pytestmark = pytest.mark.usefixtures("fresh_day")

UNKNOWN = "its sender is unknown"


@pytest.fixture(scope="module")
async def claimant(rig: InboundMailRig) -> Actor:
    async with rig.database.transaction() as tx:
        return await new_person(tx, "Ida Moss", Role.CUSTOMER_ADMIN, company=rig.other.company.code)


async def hold(rig: InboundMailRig, tenant: Tenant, address: str, by: Actor = OPERATOR, **values: Any) -> User:
    """Add a user with this address to a company, and change it."""
    async with rig.database.transaction() as tx:
        user = await accounts.add_user(tx, by, tenant.company.id, name="Vic", email=address, phone="", now=NOW)
        return await accounts.change_user(tx, by, tenant.company.id, user.id, values, now=NOW)


def some_address() -> str:
    return f"{uuid4().hex[:8]}@victim.example.org"


def claimed_by(rig: InboundMailRig, reason: str) -> str:
    return f"{reason}; claimed without proof by {rig.other.company.code}"


async def test_mail_of_an_unconfirmed_user_is_no_ticket_of_the_claimant(rig: InboundMailRig, claimant: Actor) -> None:
    address = some_address()
    await hold(rig, rig.other, address, claimant)
    mail = await rig.receive(a_mail(address, SUPPORT, "Our secrets"))
    assert (mail.state, mail.reason) == (InboundState.QUARANTINED, claimed_by(rig, UNKNOWN))
    assert (mail.company_id, mail.ticket_number) == (None, None)


async def test_an_address_that_a_customer_sets_for_an_old_user_is_a_claim(rig: InboundMailRig, claimant: Actor) -> None:
    user, address = await hold(rig, rig.other, some_address()), some_address()
    async with rig.database.transaction() as tx:
        await accounts.change_user(tx, claimant, rig.other.company.id, user.id, {"email": address}, now=NOW)
    mail = await rig.receive(a_mail(address, SUPPORT, "Our secrets"))
    assert (mail.state, mail.reason) == (InboundState.QUARANTINED, claimed_by(rig, UNKNOWN))
    mail = await rig.receive(a_mail(user.email, SUPPORT, "From the old address"))
    assert (mail.state, mail.reason) == (InboundState.QUARANTINED, UNKNOWN)


async def test_a_claim_does_not_silence_the_user_of_another_company(rig: InboundMailRig, claimant: Actor) -> None:
    address = some_address()
    await hold(rig, rig.tenant, address)
    await hold(rig, rig.other, address, claimant)
    mail = await rig.receive(a_mail(address, SUPPORT, "Port down"))
    assert (mail.state, mail.company_id) == (InboundState.ACCEPTED, rig.tenant.company.id)


async def test_a_claim_does_not_outrank_an_inactive_user_of_another_company(
    rig: InboundMailRig, claimant: Actor
) -> None:
    address = some_address()
    await hold(rig, rig.tenant, address, is_active=False)
    await hold(rig, rig.other, address, claimant)
    mail = await rig.receive(a_mail(address, SUPPORT, "Port down"))
    assert (mail.state, mail.reason) == (InboundState.QUARANTINED, claimed_by(rig, UNKNOWN))


async def test_a_claim_does_not_outrank_a_release(rig: InboundMailRig, claimant: Actor) -> None:
    address = some_address()
    first = await rig.receive(a_mail(address, SUPPORT, "First"))
    async with rig.database.transaction() as tx:
        await inbound_review.release_as_ticket(
            tx, rig.staff, first.id, rig.tenant.company.code, context=rig.context, now=rig.at
        )
    await hold(rig, rig.other, address, claimant)
    mail = await rig.receive(a_mail(address, SUPPORT, "Second"))
    assert (mail.state, mail.company_id) == (InboundState.ACCEPTED, rig.tenant.company.id)


async def test_a_claim_of_a_person_of_the_staff_changes_nothing_for_that_person(
    rig: InboundMailRig, claimant: Actor
) -> None:
    assert rig.staff.user is not None
    address = rig.staff.user.email
    await hold(rig, rig.other, address, claimant)
    mail = await rig.receive(a_mail(address, SUPPORT, "New matter"))
    assert mail.reason == "it is from the provider's staff: choose the company"
    ticket = await rig.ticket(tenant=rig.other)
    mail = await rig.receive(a_mail(address, rig.reply_to(ticket, address), "It is the optic"))
    assert [note.author for note in await rig.notes(ticket.number)] == ["Ben Ito"]


@pytest.mark.parametrize("how", ["reply address", "subject"])
async def test_an_unconfirmed_user_writes_no_notes(rig: InboundMailRig, claimant: Actor, how: str) -> None:
    address = some_address()
    await hold(rig, rig.other, address, claimant)
    ticket = await rig.ticket(tenant=rig.other)
    subject = f"[{ticket_number(ticket.number)}] Port"
    to = rig.reply_to(ticket, address) if how == "reply address" else SUPPORT
    mail = await rig.receive(a_mail(address, to, "Hello", subject=subject))
    assert mail.state is InboundState.QUARANTINED
    assert await rig.notes(ticket.number) == []


async def test_released_mail_of_an_unconfirmed_user_is_not_written_in_its_name(
    rig: InboundMailRig, claimant: Actor
) -> None:
    address = some_address()
    await hold(rig, rig.other, address, claimant)
    ticket = await rig.ticket(tenant=rig.other)
    mail = await rig.receive(a_mail(f"Cleo Marsh <{address}>", SUPPORT, "Hello"))
    async with rig.database.transaction() as tx:
        await inbound_review.release_to_ticket(tx, rig.staff, mail.id, ticket.number, context=rig.context, now=rig.at)
    [note] = await rig.notes(ticket.number)
    assert note.author == "Cleo Marsh"


async def invited(rig: InboundMailRig, tenant: Tenant, address: str) -> str:
    """Send the invitation of a company to an address, and return its Message-ID."""
    mail = NewMail(
        recipient=address, subject="Confirm", text="", html=None, kind=INVITATION, company_id=tenant.company.id
    )
    async with rig.database.transaction() as tx:
        mail_id = await outbound_mail.enqueue(tx, mail, now=rig.at, settings=SETTINGS)
        assert mail_id is not None
        return (await outbound_mail.get_mail(tx, OPERATOR, mail_id))[0].message_id


async def answer(rig: InboundMailRig, sender: str, message_id: str, head: str = "") -> InboundMail:
    return await rig.receive(a_mail(sender, SUPPORT, "Yes", head=f"In-Reply-To: {message_id}\r\n{head}"))


async def test_an_answer_to_the_invitation_confirms_the_address(rig: InboundMailRig, claimant: Actor) -> None:
    address = some_address()
    user = await hold(rig, rig.other, address, claimant)
    mail = await answer(rig, address.upper(), await invited(rig, rig.other, address))
    assert (mail.state, mail.reason) == (InboundState.IGNORED, "it confirmed the address of its sender")
    async with rig.database.transaction() as tx:
        assert (await accounts.get_user(tx, OPERATOR, rig.other.company.id, user.id)).is_confirmed
    mail = await rig.receive(a_mail(address, SUPPORT, "Port down"))
    assert (mail.state, mail.company_id) == (InboundState.ACCEPTED, rig.other.company.id)


AUTOMATIC = ("Auto-Submitted: auto-replied", "X-Autoreply: yes", "X-Autorespond: 1", "Precedence: bulk",
             "Precedence: auto_reply", "Precedence: junk")  # fmt: skip


@pytest.mark.parametrize("how", ["from another address", "to another mail", "of another company", *AUTOMATIC])
async def test_no_other_mail_confirms_an_address(rig: InboundMailRig, claimant: Actor, how: str) -> None:
    address = some_address()
    user = await hold(rig, rig.other, address, claimant)
    message_id = await invited(rig, rig.tenant if how == "of another company" else rig.other, address)
    sender = some_address() if how == "from another address" else address
    if how == "to another mail":
        message_id = await rig.send_mail(await rig.ticket(tenant=rig.other), to=address)
    await answer(rig, sender, message_id, f"{how}\r\n" if how in AUTOMATIC else "")
    async with rig.database.transaction() as tx:
        assert not (await accounts.get_user(tx, OPERATOR, rig.other.company.id, user.id)).is_confirmed


async def test_an_answer_counts_once(rig: InboundMailRig, claimant: Actor) -> None:
    address = some_address()
    await hold(rig, rig.other, address, claimant)
    message_id = await invited(rig, rig.other, address)
    await answer(rig, address, message_id)
    mail = await answer(rig, address, message_id)
    assert (mail.state, mail.company_id) == (InboundState.ACCEPTED, rig.other.company.id)
