"""Mail of web forms: the address in Reply-To is the sender, with no more rights than a From that nobody proved."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from clearline.accounts import usecases as accounts
from clearline.identity import OPERATOR, Role
from clearline.mail.inbound import mailbox_usecases as mailboxes
from clearline.mail.inbound import review_usecases as inbound_review
from clearline.mail.inbound.domain import InboundMail, InboundState
from clearline.mail.inbound.mailbox_domain import Mailbox
from clearline.mail.inbound.secret_box import SecretBox
from clearline.mail.outbound import usecases as outbound_mail
from clearline.mail.outbound.domain import INVITATION, NewMail
from clearline.queues import usecases as queues
from clearline.tickets import usecases as tickets
from clearline.tickets.domain import Ticket, ticket_number
from tests.builders.mail.inbound_rig import SETTINGS, SUPPORT, InboundMailRig, a_mail
from tests.builders.people import NOW, new_person

pytestmark = pytest.mark.usefixtures("fresh_day", "forms")

FORM = "form@www.example.net"
UNKNOWN = "its sender is unknown"


async def change(rig: InboundMailRig, **values: Any) -> Mailbox:
    async with rig.database.transaction() as tx:
        return await mailboxes.change_mailbox(
            tx, OPERATOR, rig.mailbox.id, values, secret_box=SecretBox(b"k"), now=rig.at
        )


@pytest.fixture(scope="module")
async def forms(rig: InboundMailRig) -> None:
    rig.mailbox = await change(rig, form_addresses=[FORM.upper(), SUPPORT])


def form_mail(reply_to: str, *, sender: str = f"Website <{FORM}>", subject: str = "Port", head: str = "") -> bytes:
    return a_mail(sender, SUPPORT, "Port down", subject, f"Reply-To: {reply_to}\r\n{head}")


async def ticket_of(rig: InboundMailRig, mail: InboundMail) -> Ticket:
    assert (mail.state, mail.reason) == (InboundState.ACCEPTED, None)
    async with rig.database.transaction() as tx:
        return (await tickets.get_ticket(tx, OPERATOR, mail.ticket_number or 0)).ticket


async def test_the_sender_of_a_form_is_in_reply_to(rig: InboundMailRig) -> None:
    mail = await rig.receive(form_mail(f"Ada Okoro <{rig.sender.upper()}>"))
    ticket = await ticket_of(rig, mail)
    assert (mail.sender, ticket.company_id, ticket.contact.email) == (rig.sender, rig.tenant.company.id, rig.sender)


async def test_a_form_may_send_from_the_address_of_the_mailbox(rig: InboundMailRig) -> None:
    mail = await rig.receive(form_mail(rig.sender, sender=SUPPORT))
    assert (await ticket_of(rig, mail)).company_id == rig.tenant.company.id


async def test_a_mail_of_ours_that_comes_back_stays_a_loop(rig: InboundMailRig) -> None:
    for reply_to in (SUPPORT, rig.reply_to(await rig.ticket())):
        mail = await rig.receive(form_mail(reply_to, sender=SUPPORT))
        assert mail.reason == "it is from one of our own addresses: a mail loop"


async def test_mail_from_the_sender_of_a_queue_is_a_loop(rig: InboundMailRig) -> None:
    async with rig.database.transaction() as tx:
        name, address = f"Queue {uuid4().hex}", f"{uuid4().hex[:20]}@example.net"
        await queues.add_queue(tx, OPERATOR, name=name, sender_address=address, now=NOW)
    mail = await rig.receive(a_mail(address.upper(), SUPPORT))
    assert mail.reason == "it is from one of our own addresses: a mail loop"


@pytest.mark.parametrize("sender", ["other@www.example.net", "form+x@www.example.net", "form@example.net"])
async def test_reply_to_of_any_other_sender_means_nothing(rig: InboundMailRig, sender: str) -> None:
    mail = await rig.receive(form_mail(rig.sender, sender=sender))
    assert (mail.state, mail.sender, mail.reason) == (InboundState.QUARANTINED, sender, UNKNOWN)


async def test_a_name_that_looks_like_the_form_means_nothing(rig: InboundMailRig) -> None:
    mail = await rig.receive(form_mail(rig.sender, sender=f'"{FORM}" <mallory@example.org>'))
    assert (mail.state, mail.sender) == (InboundState.QUARANTINED, "mallory@example.org")


@pytest.mark.parametrize(
    "reply_to", ["", "nonsense", "{0}, b@example.org", "group: {0};", "{0}\r\nReply-To: b@example.org", FORM]
)
async def test_a_form_without_exactly_one_reply_to_is_the_sender_itself(rig: InboundMailRig, reply_to: str) -> None:
    mail = await rig.receive(form_mail(reply_to.format(rig.sender)))
    assert (mail.state, mail.sender, mail.reason) == (InboundState.QUARANTINED, FORM, UNKNOWN)


async def test_another_mailbox_does_not_know_the_form(rig: InboundMailRig) -> None:
    async with rig.database.transaction() as tx:
        other = await mailboxes.add_mailbox(
            tx, OPERATOR, {"address": "noc@example.net"}, secret_box=SecretBox(b"k"), now=NOW
        )
    known, rig.mailbox = rig.mailbox, other
    try:
        mail = await rig.receive(form_mail(rig.sender))
    finally:
        rig.mailbox = known
    assert (mail.state, mail.sender) == (InboundState.QUARANTINED, FORM)


async def test_staff_do_not_write_through_forms(rig: InboundMailRig) -> None:
    assert rig.staff.user is not None
    ticket, staff = await rig.ticket(), rig.staff.user.email
    sent = await rig.send_mail(ticket, to=staff)
    subject = f"Re: [{ticket_number(ticket.number)}]"
    mail = await rig.receive(form_mail(staff, subject=subject, head=f"In-Reply-To: {sent}\r\n"))
    assert mail.state is InboundState.QUARANTINED
    assert mail.reason == "it is from a web form, and names an address of the provider's staff"
    assert await rig.notes(ticket.number) == []


async def test_an_address_that_is_not_confirmed_is_nobody_in_a_form(rig: InboundMailRig) -> None:
    address = f"{uuid4().hex[:8]}@victim.example.org"
    async with rig.database.transaction() as tx:
        claimant = await new_person(tx, "Ida Moss", Role.CUSTOMER_ADMIN, company=rig.other.company.code)
        company = rig.other.company.id
        await accounts.add_user(tx, claimant, company, name="Vic", email=address, phone="", now=NOW)
        invitation = NewMail(
            recipient=address, subject="Confirm", text="Hello", html=None, kind=INVITATION, company_id=company,
            ticket_number=None,
        )  # fmt: skip
        mail_id = await outbound_mail.enqueue(tx, invitation, now=rig.at, settings=SETTINGS)
        assert mail_id is not None
        sent, _ = await outbound_mail.get_mail(tx, OPERATOR, mail_id)
    mail = await rig.receive(form_mail(address, head=f"In-Reply-To: {sent.message_id}\r\n"))
    assert mail.state is InboundState.QUARANTINED
    assert mail.reason == f"{UNKNOWN}; claimed without proof by {rig.other.company.code}"


async def test_a_form_writes_to_no_ticket_of_another_company(rig: InboundMailRig) -> None:
    ticket = await rig.ticket()
    mail = await rig.receive(form_mail(rig.other.user.email, subject=f"[{ticket_number(ticket.number)}]"))
    assert (await ticket_of(rig, mail)).company_id == rig.other.company.id
    assert await rig.notes(ticket.number) == []


async def test_a_form_that_fails_dmarc_is_quarantined(rig: InboundMailRig) -> None:
    head = f"Authentication-Results: mx.example.net; dmarc=fail header.from={FORM}\r\n"
    mail = await rig.receive(form_mail(rig.sender, head=head))
    assert (mail.state, mail.reason) == (InboundState.QUARANTINED, "its sender failed DMARC (dmarc=fail)")


async def test_the_limit_counts_the_writers_of_a_form_and_not_the_form(rig: InboundMailRig) -> None:
    for number in range(30):
        rig.at -= timedelta(hours=1)
        mail = await rig.receive(form_mail(f"writer-{number}@example.org"))
        assert mail.reason == UNKNOWN


async def test_a_released_mail_has_the_writer_as_the_contact(rig: InboundMailRig) -> None:
    mail = await rig.receive(form_mail("Cleo Marsh <cleo.marsh@contact.example.org>"))
    assert (mail.state, mail.sender) == (InboundState.QUARANTINED, "cleo.marsh@contact.example.org")
    async with rig.database.transaction() as tx:
        released = await inbound_review.release_as_ticket(
            tx, OPERATOR, mail.id, rig.tenant.company.code, context=rig.context, now=rig.at
        )
    contact = (await ticket_of(rig, released)).contact
    assert (contact.name, contact.email) == ("Cleo Marsh", "cleo.marsh@contact.example.org")
