"""A mail about a resolved ticket: an answer reopens it, and what a program wrote does not."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from msgspec.structs import replace

from clearline.accounts import usecases as accounts
from clearline.errors import TicketFinished
from clearline.identity import OPERATOR
from clearline.mail.inbound import review_usecases as inbound_review
from clearline.mail.inbound import usecases as inbound_mail
from clearline.mail.inbound.domain import NO_TEXT, InboundMail, InboundState
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import usecases as tickets
from clearline.tickets.domain import Status, Ticket, ticket_number
from clearline.tickets.links import merge_usecases as merging
from tests.builders.mail.inbound_rig import SUPPORT, InboundMailRig, a_mail
from tests.builders.people import NOW, email_of
from tests.builders.tickets import later_events

pytestmark = pytest.mark.usefixtures("fresh_day")

CONTACT = "cleo@contact.example.org"
REOPENED: tuple[str, dict[str, Any]] = (
    "ticket.status_changed",
    {"before": "resolved", "after": "reopened", "reason": "the customer answered"},
)


async def resolved(rig: InboundMailRig, ticket: Ticket | None = None) -> Ticket:
    """Return a resolved ticket."""
    ticket = ticket or await rig.ticket()
    async with rig.database.transaction() as tx:
        for status in (Status.IN_PROGRESS, Status.RESOLVED):
            await ticket_changes.move_ticket(tx, OPERATOR, ticket.number, status, reason="", now=NOW)
    return ticket


async def status_of(rig: InboundMailRig, ticket: Ticket) -> Status:
    async with rig.database.transaction() as tx:
        return (await tickets.get_ticket(tx, OPERATOR, ticket.number)).ticket.status


async def events_of(rig: InboundMailRig, ticket: Ticket) -> list[tuple[str, dict[str, Any]]]:
    async with rig.database.transaction() as tx:
        return await later_events(tx, ticket.number)


async def colleague(rig: InboundMailRig) -> str:
    """Add a user of the customer who has nothing to do with the ticket; return the address."""
    async with rig.database.transaction() as tx:
        address, code = f"{uuid4().hex[:8]}@example.com", rig.tenant.company.code
        await accounts.add_user(tx, OPERATOR, code, name="Bo Lund", email=address, phone="", now=NOW)
    return address


@pytest.mark.parametrize("sender", ["a user", "a colleague", "the contact"])
@pytest.mark.parametrize("way", ["reply address", "thread", "subject"])
async def test_a_customers_mail_reopens_a_resolved_ticket(rig: InboundMailRig, sender: str, way: str) -> None:
    ticket = await rig.ticket()
    address = {"a user": rig.sender, "the contact": CONTACT}.get(sender) or await colleague(rig)
    sent_id = await rig.send_mail(ticket, to=address)
    await resolved(rig, ticket)
    raw = {
        "reply address": a_mail(address, rig.reply_to(ticket, address)),
        "thread": a_mail(address, SUPPORT, head=f"In-Reply-To: {sent_id}\r\n"),
        "subject": a_mail(address, SUPPORT, subject=f"Re: [{ticket_number(ticket.number)}] Port is slow"),
    }[way]
    mail = await rig.receive(raw)
    assert (mail.state, mail.ticket_number) == (InboundState.ACCEPTED, ticket.number)
    assert await status_of(rig, ticket) is Status.REOPENED
    assert [kind for kind, _data in await events_of(rig, ticket)][-2:] == ["note.added", "ticket.status_changed"]
    assert (await events_of(rig, ticket))[-1] == REOPENED


async def test_a_mail_that_only_has_a_file_is_an_answer(rig: InboundMailRig) -> None:
    ticket = await resolved(rig)
    part = (
        b'--b\r\nContent-Type: text/plain\r\nContent-Disposition: attachment; filename="port.log"\r\n\r\nx\r\n--b--\r\n'
    )
    head = a_mail(rig.sender, rig.reply_to(ticket)).partition(b"MIME-Version")[0]
    await rig.receive(head + b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" + part)
    assert [note.text for note in await rig.notes(ticket.number)] == [NO_TEXT]
    assert [file.name for file in await rig.files(ticket.number)] == ["port.log"]
    events = await events_of(rig, ticket)
    assert [kind for kind, _data in events][-3:] == ["note.added", "ticket.status_changed", "attachment.added"]
    assert await status_of(rig, ticket) is Status.REOPENED


async def test_the_setting_lets_a_resolved_ticket_stay_so(rig: InboundMailRig) -> None:
    rig = replace(rig, context=replace(rig.context, reopens=False))
    ticket = await resolved(rig)
    mail = await rig.receive(a_mail(rig.sender, rig.reply_to(ticket)))
    assert (mail.state, mail.ticket_number) == (InboundState.ACCEPTED, ticket.number)
    assert len(await rig.notes(ticket.number)) == 1
    assert await status_of(rig, ticket) is Status.RESOLVED


MARKS = ("Auto-Submitted: auto-replied", "Auto-Submitted: auto-generated", "X-Autoreply: yes", "X-Autorespond: 1",
         "Precedence: bulk", "Precedence: auto_reply", "Precedence: junk")  # fmt: skip


@pytest.mark.parametrize("mark", [*MARKS, "an empty envelope sender"])
async def test_an_automatic_reply_leaves_a_ticket_resolved(rig: InboundMailRig, mark: str) -> None:
    ticket = await resolved(rig)
    head = f"{mark}\r\n" if mark in MARKS else ""
    raw = a_mail(rig.sender, rig.reply_to(ticket), "I am away until Monday.", head=head)
    await rig.receive(raw, envelope_from=None if mark in MARKS else "")
    assert await status_of(rig, ticket) is Status.RESOLVED


@pytest.mark.parametrize("mark", ["Precedence: list", "List-Id: <noc.example.com>", "X-Auto-Response-Suppress: All"])
async def test_a_person_may_write_to_a_list_or_with_outlook(rig: InboundMailRig, mark: str) -> None:
    ticket = await resolved(rig)
    await rig.receive(a_mail(rig.sender, rig.reply_to(ticket), head=f"{mark}\r\n"))
    assert await status_of(rig, ticket) is Status.REOPENED


@pytest.mark.parametrize("name", ["bounce", "bounce-exim", "bounce-delayed", "auto-generated"])
async def test_a_bounce_leaves_a_ticket_resolved(rig: InboundMailRig, name: str) -> None:
    ticket = await rig.ticket()
    sent_id = await rig.send_mail(ticket)
    await resolved(rig, ticket)
    mail = await rig.receive(
        rig.corpus_mail(name, ticket, sent_id).replace(f"Message-ID: <{name}".encode(), b"Message-ID: <r")
    )
    assert mail.state in {InboundState.BOUNCE, InboundState.IGNORED}
    assert await status_of(rig, ticket) is Status.RESOLVED


async def test_mail_of_staff_and_of_strangers_leaves_a_ticket_resolved(rig: InboundMailRig) -> None:
    ticket, staff = await resolved(rig), email_of(rig.staff)
    mail = await rig.receive(a_mail(staff, rig.reply_to(ticket, staff), "Looks good"))
    assert mail.state is InboundState.ACCEPTED
    mail = await rig.receive(a_mail("eve@elsewhere.example.org", rig.reply_to(ticket)))
    assert mail.state is InboundState.QUARANTINED
    assert await status_of(rig, ticket) is Status.RESOLVED


async def test_a_mail_that_is_received_twice_reopens_a_ticket_once(rig: InboundMailRig) -> None:
    ticket = await resolved(rig)
    raw = a_mail(rig.sender, rig.reply_to(ticket))
    await rig.receive(raw)
    async with rig.database.transaction() as tx:
        again = await inbound_mail.receive(
            tx, rig.mailbox, raw, envelope_from=rig.sender, envelope_to=[SUPPORT], now=rig.at
        )
    assert again is None
    assert (await events_of(rig, ticket)).count(REOPENED) == 1
    assert len(await rig.notes(ticket.number)) == 1


async def test_a_mail_about_a_merged_ticket_reopens_the_target_of_the_merge(rig: InboundMailRig) -> None:
    source, target = await rig.ticket(), await rig.ticket()
    async with rig.database.transaction() as tx:
        await merging.merge_ticket(tx, OPERATOR, source.number, target.number, now=NOW)
    await resolved(rig, target)
    await rig.receive(a_mail(rig.sender, rig.reply_to(source)))
    assert (await status_of(rig, source), await status_of(rig, target)) == (Status.CLOSED, Status.REOPENED)


async def quarantined(rig: InboundMailRig, ticket: Ticket, head: str = "") -> InboundMail:
    return await rig.receive(a_mail("eve@elsewhere.example.org", rig.reply_to(ticket), head=head))


@pytest.mark.parametrize("reopens", [True, False])
async def test_a_mail_that_is_released_from_quarantine_is_an_answer(rig: InboundMailRig, *, reopens: bool) -> None:
    ticket = await resolved(rig)
    mail = await quarantined(rig, ticket)
    context = replace(rig.context, reopens=reopens)
    async with rig.database.transaction() as tx:
        await inbound_review.release_to_ticket(tx, OPERATOR, mail.id, ticket.number, context=context, now=rig.at)
    assert await status_of(rig, ticket) is (Status.REOPENED if reopens else Status.RESOLVED)


async def test_an_automatic_reply_that_is_released_is_no_answer(rig: InboundMailRig) -> None:
    ticket = await resolved(rig)
    mail = await quarantined(rig, ticket, "Auto-Submitted: auto-replied\r\n")
    assert mail.state is InboundState.IGNORED
    async with rig.database.transaction() as tx:
        await inbound_review.release_to_ticket(tx, OPERATOR, mail.id, ticket.number, context=rig.context, now=rig.at)
    assert len(await rig.notes(ticket.number)) == 1
    assert await status_of(rig, ticket) is Status.RESOLVED


async def test_a_mail_is_not_released_to_a_closed_ticket(rig: InboundMailRig) -> None:
    ticket = await resolved(rig)
    async with rig.database.transaction() as tx:
        await ticket_changes.move_ticket(tx, OPERATOR, ticket.number, Status.CLOSED, reason="", now=NOW)
    mail = await quarantined(rig, ticket)
    with pytest.raises(TicketFinished):
        async with rig.database.transaction() as tx:
            await inbound_review.release_to_ticket(
                tx, OPERATOR, mail.id, ticket.number, context=rig.context, now=rig.at
            )


async def test_concurrent_mails_reopen_a_ticket_once(rig: InboundMailRig) -> None:
    ticket = await resolved(rig)
    async with rig.database.transaction() as tx:
        for index in range(4):
            raw = a_mail(rig.sender, rig.reply_to(ticket), f"Answer {index}")
            await inbound_mail.receive(
                tx, rig.mailbox, raw, envelope_from=rig.sender, envelope_to=[rig.reply_to(ticket)], now=rig.at
            )
    await asyncio.gather(*(rig.process() for _ in range(3)))
    assert len(await rig.notes(ticket.number)) == 4
    assert (await events_of(rig, ticket)).count(REOPENED) == 1
