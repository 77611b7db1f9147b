"""For whom a sender may act, and which delivery reports suppress an address."""

from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from clearline.identity import OPERATOR
from clearline.mail.inbound import usecases as inbound_mail
from clearline.mail.inbound.domain import InboundMail, InboundState
from clearline.mail.outbound import usecases as outbound_mail
from clearline.mail.outbound.domain import MailState
from clearline.platform.database.transactions import Database
from clearline.search import worker as indexing
from clearline.tickets import usecases as tickets
from clearline.tickets.attachments import usecases as attachments
from clearline.tickets.contact import Contact
from clearline.tickets.domain import Ticket
from clearline.tickets.note_domain import Visibility
from tests.builders.mail.inbound_rig import SUPPORT, InboundMailRig, a_mail, new_inbound_rig
from tests.builders.people import Tenant


@pytest.fixture(scope="module")
async def rig(database: Database, tmp_path_factory: pytest.TempPathFactory) -> InboundMailRig:
    return await new_inbound_rig(database, Path(tmp_path_factory.mktemp("blobs")))


@pytest.fixture(autouse=True)
async def _fresh_day(rig: InboundMailRig) -> None:
    rig.at += timedelta(days=2)


FINAL = "Final-Recipient: rfc822; {}"


@pytest.mark.parametrize(
    ("name", "fields", "status", "is_suppressed"),
    [
        ("bounce", FINAL, "5.1.1", True),
        ("bounce", FINAL, "5.1.10", True),
        ("bounce", "Final-Recipient: rfc822; elsewhere@example.org\r\nOriginal-Recipient: rfc822;<{}>", "5.1.2", True),
        ("bounce", "Final-Recipient: rfc822; elsewhere@example.org", "5.1.1", False),
        ("bounce", FINAL, "5.7.1", False),
        ("bounce", FINAL, "5.2.2", False),
        ("bounce", FINAL, "5.1.8", False),
        ("bounce", FINAL, "5.0.0", False),
        ("bounce-exim", "", "5.1.1", False),
        ("bounce-qmail", "", "", False),
    ],
)
async def test_a_bounce_suppresses_an_address_that_the_report_says_is_invalid(
    rig: InboundMailRig, name: str, fields: str, status: str, *, is_suppressed: bool
) -> None:
    ticket, to = await rig.ticket(), f"{uuid4().hex[:8]}@contact.example.org"
    raw = rig.corpus_mail(name, ticket, await rig.send_mail(ticket, to=to))
    raw = raw.replace(FINAL.format(rig.sender).encode(), fields.format(to.upper()).encode())
    raw = raw.replace(b"Message-ID: <bounce", f"Message-ID: <{uuid4().hex}".encode())
    raw = raw.replace(b"Status: 5.1.1", f"Status: {status}".encode()).replace(rig.sender.encode(), to.encode())
    mail = await rig.receive(raw)
    assert (mail.state, mail.ticket_number) == (InboundState.BOUNCE, ticket.number)
    async with rig.database.transaction() as tx:
        [sent] = await outbound_mail.list_mails(tx, OPERATOR, ticket_number=ticket.number, limit=5)
        assert await outbound_mail.may_mail(tx, to) is not is_suppressed
    assert sent.state is MailState.BOUNCED


@pytest.mark.parametrize(("before", "state"), [(9, InboundState.BOUNCE), (10, InboundState.IGNORED)])
async def test_at_most_ten_mails_of_a_delivery_report_are_looked_up(
    rig: InboundMailRig, before: int, state: InboundState
) -> None:
    ticket = await rig.ticket()
    raw = rig.corpus_mail("bounce-headers-only", ticket, await rig.send_mail(ticket))
    raw = raw.replace(b"<bounce", f"<{uuid4().hex}".encode())
    others = "".join(f"Message-ID: <{uuid4().hex}@example.org>\r\n" for _ in range(before)).encode()
    mark = b"Content-Type: text/rfc822-headers\r\n\r\n"
    assert (await rig.receive(raw.replace(mark, mark + others))).state is state


@pytest.mark.parametrize("kind", ["a mail to them", "a reply that was received", "a mail to another"])
async def test_staff_reply_only_to_mail_that_was_sent_to_them(rig: InboundMailRig, kind: str) -> None:
    ticket = await rig.ticket()
    assert rig.staff.user is not None
    address = rig.staff.user.email
    answered = {
        "a mail to them": await rig.send_mail(ticket, to=address.upper()),
        "a reply that was received": (await rig.receive(a_mail(rig.sender, rig.reply_to(ticket)))).message_id,
        "a mail to another": await rig.send_mail(ticket),
    }[kind]
    before = len(await rig.notes(ticket.number))
    mail = await rig.receive(a_mail(address, SUPPORT, "Pay here", head=f"References: {answered}\r\n"))
    if kind == "a mail to them":
        assert (mail.state, mail.ticket_number) == (InboundState.ACCEPTED, ticket.number)
        assert (await rig.notes(ticket.number))[-1].visibility is Visibility.INTERNAL
    else:
        assert (mail.state, mail.company_id, mail.ticket_number) == (InboundState.QUARANTINED, None, None)
        assert len(await rig.notes(ticket.number)) == before


async def test_notes_by_mail_of_the_staff_are_internal(rig: InboundMailRig) -> None:
    ticket = await rig.ticket()
    assert rig.staff.user is not None
    await rig.receive(rig.corpus_mail("staff-with-a-file", ticket, "").replace(b"See the log.", b"x" * 5000))
    assert {file.name for file in await rig.files(ticket.number)} == {"log.txt", "mail.txt"}
    async with rig.database.transaction() as tx:
        visible = await tickets.get_ticket_with_notes(tx, rig.tenant.actor, ticket.number)
        assert visible.notes == []
        assert await attachments.list_attachments(tx, rig.tenant.actor, ticket.number) == []


async def release(rig: InboundMailRig, mail: InboundMail, to: Tenant | Ticket) -> None:
    async with rig.database.transaction() as tx:
        if isinstance(to, Ticket):
            await inbound_mail.release_to_ticket(tx, rig.staff, mail.id, to.number, context=rig.context, now=rig.at)
        else:
            await inbound_mail.release_as_ticket(
                tx, rig.staff, mail.id, to.company.code, context=rig.context, now=rig.at
            )


async def test_the_contact_of_a_ticket_raises_no_tickets_of_its_company(rig: InboundMailRig) -> None:
    address = f"{uuid4().hex[:8]}@contact.example.org"
    ticket = await rig.ticket(contact=address)
    for job in indexing.jobs(rig.database):
        while await job.run():
            pass
    answer = await rig.receive(a_mail(address, rig.reply_to(ticket), "An answer"))
    assert (answer.state, answer.ticket_number) == (InboundState.ACCEPTED, ticket.number)
    fresh = await rig.receive(a_mail(address, SUPPORT, "A new matter"))
    assert (fresh.state, fresh.reason) == (InboundState.QUARANTINED, "its sender is unknown")
    assert (fresh.company_id, fresh.ticket_number) == (None, None)


@pytest.mark.parametrize("as_note", [True, False])
async def test_a_sender_released_for_exactly_one_company_raises_tickets(rig: InboundMailRig, *, as_note: bool) -> None:
    address = f"{uuid4().hex[:8]}@contact.example.org"
    first = await rig.receive(a_mail(address, SUPPORT, "A first matter"))
    assert first.state is InboundState.QUARANTINED
    await release(rig, first, await rig.ticket() if as_note else rig.tenant)
    second = await rig.receive(a_mail(f"Cleo Marsh <{address.upper()}>", SUPPORT, "A new matter"))
    assert (second.state, second.company_id) == (InboundState.ACCEPTED, rig.tenant.company.id)
    async with rig.database.transaction() as tx:
        raised = (await tickets.get_ticket(tx, OPERATOR, second.ticket_number or 0)).ticket
    assert raised.contact == Contact("Cleo Marsh", "", address)
    other = await rig.ticket(tenant=rig.other, contact=address)
    quarantined = await rig.receive(a_mail("eve@example.org", rig.reply_to(other)))
    async with rig.database.transaction() as tx:
        await tx.write("update inbound_mail set sender = $2 where id = $1", quarantined.id, address)
    await release(rig, quarantined, other)
    unclear = await rig.receive(a_mail(address, SUPPORT, "A new matter"))
    assert (unclear.state, unclear.reason) == (InboundState.QUARANTINED, "its sender belongs to several companies")


async def test_a_different_mail_with_the_same_message_id_is_stored(rig: InboundMailRig) -> None:
    async def keep(text: str, sender: str = "robot@example.com") -> bool:
        raw = (
            f"From: {sender}\r\nTo: {SUPPORT}\r\nSubject: Alarm\r\nMessage-ID: <constant@example.com>\r\n\r\n{text}\r\n"
        ).encode()
        async with rig.database.transaction() as tx:
            stored = await inbound_mail.receive(
                tx, rig.mailbox, raw, envelope_from=sender, envelope_to=[SUPPORT], now=rig.at
            )
        return stored is not None

    assert await keep("Port one is down")
    assert not await keep("Port one is down")
    assert not await keep("Port one is down  \r\n")
    assert await keep("Port two is down")
    assert await keep("Port one is down", "thief@example.com")
