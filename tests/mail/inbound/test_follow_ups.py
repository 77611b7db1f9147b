"""A mail about a finished ticket creates a ticket that follows it, once for a conversation."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from msgspec.structs import replace

from clearline.catalogue.published import ServiceType
from clearline.identity import OPERATOR
from clearline.mail.inbound import store as inbound_mail_store
from clearline.mail.inbound import usecases as inbound_mail
from clearline.mail.inbound.domain import NO_TEXT, InboundMail, InboundState
from clearline.notifications import worker as notifications
from clearline.queues import usecases as queues
from clearline.settings.settings import Settings
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import usecases as tickets
from clearline.tickets.domain import UNKNOWN_SERVICE, Channel, Status, Ticket, TicketView, ticket_number
from clearline.tickets.links import merge_usecases as merging
from clearline.tickets.links import usecases as links
from clearline.tickets.links import watcher_usecases as watchers
from clearline.tickets.links.domain import LinkedTicket, LinkType
from clearline.web import mail as templates
from tests.builders.mail.inbound_rig import SUPPORT, InboundMailRig, a_mail
from tests.builders.people import NOW, email_of, id_of, new_person
from tests.builders.tickets import STEPS

pytestmark = pytest.mark.usefixtures("fresh_day")

CONTACT = "cleo@contact.example.org"
FINISHED = (Status.CLOSED, Status.CANCELLED, Status.REJECTED)


async def move(rig: InboundMailRig, number: int, *path: Status) -> None:
    async with rig.database.transaction() as tx:
        for status in path:
            await ticket_changes.move_ticket(tx, OPERATOR, number, status, reason="", now=rig.at)


async def finished(rig: InboundMailRig, status: Status = Status.CLOSED) -> Ticket:
    """Return a ticket that was finished."""
    ticket = await rig.ticket()
    await move(rig, ticket.number, *STEPS[status])
    return ticket


async def view(rig: InboundMailRig, number: int | None) -> TicketView:
    async with rig.database.transaction() as tx:
        return await tickets.get_ticket(tx, OPERATOR, number or 0)


async def links_of(rig: InboundMailRig, number: int) -> list[LinkedTicket]:
    async with rig.database.transaction() as tx:
        return await links.list_links(tx, OPERATOR, number, after=None, limit=50)


async def answer(rig: InboundMailRig, ticket: Ticket, text: str = "It is down again", **more: str) -> InboundMail:
    sender = more.pop("sender", CONTACT)
    return await rig.receive(a_mail(sender, rig.reply_to(ticket, sender), text, **more))


@pytest.mark.parametrize("status", FINISHED)
@pytest.mark.parametrize("way", ["reply address", "thread", "subject"])
async def test_a_mail_about_a_finished_ticket_creates_one_that_follows_it(
    rig: InboundMailRig, way: str, status: Status
) -> None:
    ticket = await rig.ticket()
    sent_id = await rig.send_mail(ticket, to=CONTACT)
    await move(rig, ticket.number, *STEPS[status])
    name = ticket_number(ticket.number)
    subject = f"Re: [{name}] Port is slow"
    raw = {
        "reply address": a_mail(CONTACT, rig.reply_to(ticket, CONTACT), "It is down again", subject),
        "thread": a_mail(CONTACT, SUPPORT, "It is down again", "RE: Port is slow", f"In-Reply-To: {sent_id}\r\n"),
        "subject": a_mail(CONTACT, SUPPORT, "It is down again", subject),
    }[way]
    mail = await rig.receive(raw)
    assert mail.state is InboundState.ACCEPTED, mail.reason
    new = (await view(rig, mail.ticket_number)).ticket
    assert new.number != ticket.number
    assert (new.company_id, new.contact, new.channel) == (ticket.company_id, ticket.contact, Channel.EMAIL)
    assert (new.issue_type, new.service_type, new.service_id) == (
        ticket.issue_type, ticket.service_type, ticket.service_id,
    )  # fmt: skip
    assert (new.status, new.title) == (Status.ACKNOWLEDGED, "Port is slow")
    assert new.description == f"Follow-up of {name} (Port is slow), which is {status}.\n\nIt is down again"
    assert [(link.link.type, link.link.other_number) for link in await links_of(rig, new.number)] == [
        (LinkType.FOLLOW_UP_OF, ticket.number)
    ]
    assert [(link.link.type, link.link.other_number) for link in await links_of(rig, ticket.number)] == [
        (LinkType.FOLLOWED_UP_BY, new.number)
    ]
    assert [(note.text, note.author) for note in await rig.notes(new.number)] == [
        (f"Follows {name} (Port is slow), which is {status}", "Clearline")
    ]
    assert [(note.text, note.author) for note in await rig.notes(ticket.number)] == [
        (f"{ticket_number(new.number)} (Port is slow) follows this ticket: further replies belong there", "Clearline")
    ]
    assert (await view(rig, ticket.number)).ticket.status is status


async def test_later_mails_of_the_conversation_are_notes_of_the_ticket_that_follows(rig: InboundMailRig) -> None:
    ticket = await finished(rig)
    first = (await answer(rig, ticket)).ticket_number
    assert first is not None
    mails = [await answer(rig, ticket, "More"), await answer(rig, ticket, "And a user", sender=rig.sender)]
    assert [mail.ticket_number for mail in mails] == [first, first]
    texts = [note.text for note in await rig.notes(first)]
    assert texts[1:] == ["More", "And a user"]
    await move(rig, first, Status.IN_PROGRESS, Status.RESOLVED)
    assert (await answer(rig, ticket, "Not yet")).ticket_number == first
    assert (await view(rig, first)).ticket.status is Status.REOPENED
    await move(rig, first, Status.IN_PROGRESS, Status.RESOLVED, Status.CLOSED)
    second = (await answer(rig, ticket, "Again")).ticket_number
    assert second not in {None, first, ticket.number}
    assert [(link.link.type, link.link.other_number) for link in await links_of(rig, second or 0)] == [
        (LinkType.FOLLOW_UP_OF, first)
    ]
    assert (await answer(rig, ticket, "Once more")).ticket_number == second
    assert (await answer(rig, (await view(rig, first)).ticket, "Once more, please")).ticket_number == second


async def test_a_reply_that_names_a_mail_of_the_old_ticket_and_of_the_new_one_goes_to_the_new_one(
    rig: InboundMailRig,
) -> None:
    ticket = await rig.ticket()
    old_id = await rig.send_mail(ticket, to=CONTACT)
    await move(rig, ticket.number, *STEPS[Status.CLOSED])
    mail = await answer(rig, ticket)
    head = f"References: {old_id} {mail.message_id}\r\n"
    later = await rig.receive(a_mail(CONTACT, SUPPORT, "More", head=head))
    assert later.ticket_number == mail.ticket_number


async def test_a_mail_about_a_merged_ticket_follows_the_target_of_the_merge(rig: InboundMailRig) -> None:
    source, target = await rig.ticket(), await rig.ticket()
    async with rig.database.transaction() as tx:
        await merging.merge_ticket(tx, OPERATOR, source.number, target.number, now=NOW)
    await move(rig, target.number, *STEPS[Status.CLOSED])
    mail = await answer(rig, source)
    assert [link.link.other_number for link in await links_of(rig, mail.ticket_number or 0)] == [target.number]


async def test_a_mail_goes_where_the_ticket_that_follows_was_merged(rig: InboundMailRig) -> None:
    ticket, other = await finished(rig), await rig.ticket()
    following = (await answer(rig, ticket)).ticket_number or 0
    async with rig.database.transaction() as tx:
        await merging.merge_ticket(tx, OPERATOR, following, other.number, now=NOW)
    assert (await answer(rig, ticket, "More")).ticket_number == other.number


async def test_a_new_ticket_follows_when_staff_remove_the_link(rig: InboundMailRig) -> None:
    ticket = await finished(rig)
    first = (await answer(rig, ticket)).ticket_number
    [linked] = await links_of(rig, ticket.number)
    async with rig.database.transaction() as tx:
        await links.remove_link(tx, OPERATOR, ticket.number, linked.link.id, now=NOW)
    assert (await answer(rig, ticket, "More")).ticket_number not in {None, first, ticket.number}


@pytest.mark.parametrize(
    ("subject", "title"),
    [
        ("AW: Re: [INC000000000001] Port is slow", "Port is slow"),
        ("Another port", "Another port"),
        ("Re:", "Port is slow"),
        ("", "Port is slow"),
        ("x" * 300, "x" * 252 + "..."),
    ],
)
async def test_the_title_is_the_subject(rig: InboundMailRig, subject: str, title: str) -> None:
    mail = await answer(rig, await finished(rig), subject=subject)
    assert (await view(rig, mail.ticket_number)).ticket.title == title


async def test_the_quote_is_trimmed_and_kept_with_the_note(rig: InboundMailRig) -> None:
    ticket = await rig.ticket()
    sent_id = await rig.send_mail(ticket, text="We changed the optics. Please check the light.")
    await move(rig, ticket.number, *STEPS[Status.CLOSED])
    quote = "> We changed the optics. Please check the light."
    text = f"It is down again\r\n\r\nOn 1 March 2026 at 12:00 Support <{SUPPORT}> wrote:\r\n{quote}\r\n"
    mail = await answer(rig, ticket, text, sender=rig.sender, head=f"In-Reply-To: {sent_id}\r\n")
    new = (await view(rig, mail.ticket_number)).ticket
    assert new.description.endswith("which is closed.\n\nIt is down again")
    async with rig.database.transaction() as tx:
        for actor in (OPERATOR, rig.tenant.actor):
            trimmed = await merging.trimmed_text(tx, actor, new.number, mail.note_number or 0)
            assert quote in trimmed.text
    assert trimmed.mail_id == mail.id


async def test_a_mail_that_only_has_a_file_creates_a_ticket_with_the_file(rig: InboundMailRig) -> None:
    ticket = await finished(rig)
    part = (
        b'--b\r\nContent-Type: text/plain\r\nContent-Disposition: attachment; filename="port.log"\r\n\r\nx\r\n--b--\r\n'
    )
    head = a_mail(rig.sender, rig.reply_to(ticket)).partition(b"MIME-Version")[0]
    mail = await rig.receive(head + b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" + part)
    new = (await view(rig, mail.ticket_number)).ticket
    assert new.description.endswith(f"\n\n{NO_TEXT}")
    assert [file.name for file in await rig.files(new.number)] == ["port.log"]


async def test_the_new_ticket_has_the_queue_and_the_watchers_of_the_old_one_and_its_sender(rig: InboundMailRig) -> None:
    ticket = await rig.ticket()
    async with rig.database.transaction() as tx:
        queue = (await queues.add_queue(tx, OPERATOR, name=f"Queue {uuid4().hex[:8]}", now=NOW)).queue
        await ticket_changes.change_ticket(tx, OPERATOR, ticket.number, {"queue_id": queue.id}, now=NOW)
        agent = await new_person(tx, "Mara Lind")
        await watchers.watch(tx, OPERATOR, ticket.number, id_of(agent), now=NOW)
    await move(rig, ticket.number, *STEPS[Status.CLOSED])
    number = (await answer(rig, ticket, sender=rig.sender)).ticket_number or 0
    assert (await view(rig, number)).queue_name == queue.name
    async with rig.database.transaction() as tx:
        watching = await watchers.list_watchers(tx, OPERATOR, number, after=None, limit=10)
    assert {watcher.user.email for watcher in watching} == {email_of(agent), rig.sender}


async def test_a_service_that_is_gone_is_left_out(rig: InboundMailRig) -> None:
    ticket = await finished(rig)
    async with rig.database.transaction() as tx:
        await tx.write("update ticket set service_id = 'GONE-1' where number = $1", ticket.number)
    new = (await view(rig, (await answer(rig, ticket)).ticket_number)).ticket
    assert (new.service_type, new.service_id) == (ServiceType.NON_CONSOLE, UNKNOWN_SERVICE)


async def test_the_contact_gets_a_receipt_with_the_number(rig: InboundMailRig) -> None:
    settings = Settings(smtp="smtp://127.0.0.1:25", mail_from=f"Support <{SUPPORT}>")
    jobs = notifications.jobs(rig.database, settings, templates.render, rig.clock)
    ticket = await finished(rig)
    while await jobs[0].run():
        pass
    number = (await answer(rig, ticket)).ticket_number or 0
    while await jobs[0].run():
        pass
    rig.at += timedelta(minutes=5)
    while await jobs[1].run():
        pass
    async with rig.database.transaction() as tx:
        rows = await tx.fetch(
            "select subject, convert_from(message, 'UTF8') from outbound_mail where ticket_number = $1", number
        )
    [(subject, message)] = [tuple(row) for row in rows]
    assert subject == f"[{ticket_number(number)}] Port"
    assert f"Follow-up of {ticket_number(ticket.number)}" in message


MARKS = ("Auto-Submitted: auto-replied", "X-Autoreply: yes", "Precedence: bulk")


@pytest.mark.parametrize("mark", MARKS)
async def test_an_automatic_reply_creates_no_ticket(rig: InboundMailRig, mark: str) -> None:
    ticket = await finished(rig)
    mail = await answer(rig, ticket, "I am away", head=f"{mark}\r\n")
    assert mail.state in {InboundState.QUARANTINED, InboundState.IGNORED}
    assert await links_of(rig, ticket.number) == []


async def test_a_bounce_creates_no_ticket(rig: InboundMailRig) -> None:
    ticket = await rig.ticket()
    sent_id = await rig.send_mail(ticket)
    await move(rig, ticket.number, *STEPS[Status.CLOSED])
    raw = rig.corpus_mail("bounce", ticket, sent_id).replace(b"Message-ID: <bounce", b"Message-ID: <f.bounce")
    assert (await rig.receive(raw)).state is InboundState.BOUNCE
    assert await links_of(rig, ticket.number) == []


@pytest.mark.parametrize("who", ["staff", "a stranger"])
async def test_mail_of_staff_and_of_strangers_is_quarantined(rig: InboundMailRig, who: str) -> None:
    ticket = await finished(rig)
    sender = email_of(rig.staff) if who == "staff" else "eve@elsewhere.example.org"
    mail = await answer(rig, ticket, sender=sender)
    assert mail.state is InboundState.QUARANTINED
    assert await links_of(rig, ticket.number) == []


async def test_a_sender_who_may_not_write_to_the_ticket_that_follows_is_quarantined(rig: InboundMailRig) -> None:
    ticket = await finished(rig)
    number = (await answer(rig, ticket)).ticket_number or 0
    contact = replace(ticket.contact, email="dora@contact.example.org")
    async with rig.database.transaction() as tx:
        await ticket_changes.change_ticket(tx, OPERATOR, number, {"contact": contact}, now=NOW)
    mail = await answer(rig, ticket, "More")
    assert (mail.state, mail.ticket_number) == (InboundState.QUARANTINED, number)
    assert mail.reason == (
        f"ticket {ticket_number(ticket.number)} is closed, and its sender may not write to {ticket_number(number)}, "
        "which follows it"
    )


async def test_a_contact_whose_answer_created_a_ticket_is_still_unknown(rig: InboundMailRig) -> None:
    address = f"{uuid4().hex[:8]}@contact.example.org"
    ticket = await rig.ticket(contact=address)
    await move(rig, ticket.number, *STEPS[Status.CLOSED])
    assert (await answer(rig, ticket, sender=address)).state is InboundState.ACCEPTED
    async with rig.database.transaction() as tx:
        assert await inbound_mail_store.companies_of_sender(tx, address) == []
    assert (await rig.receive(a_mail(address, SUPPORT, "A new matter"))).state is InboundState.QUARANTINED


async def test_concurrent_mails_create_one_ticket(rig: InboundMailRig) -> None:
    ticket = await finished(rig)
    async with rig.database.transaction() as tx:
        mail_ids: list[Any] = [
            await inbound_mail.receive(
                tx, rig.mailbox, a_mail(rig.sender, rig.reply_to(ticket), f"Answer {index}"),
                envelope_from=rig.sender, envelope_to=[rig.reply_to(ticket)], now=rig.at,
            )
            for index in range(4)
        ]  # fmt: skip
    await asyncio.gather(*(rig.process() for _ in range(3)))
    numbers = {(await rig.mail(mail_id)).ticket_number for mail_id in mail_ids}
    assert len(numbers) == 1
    assert len(await links_of(rig, ticket.number)) == 1
    assert len(await rig.notes(numbers.pop() or 0)) == 4


@pytest.mark.parametrize("first", ["the answer", "the closing job"])
async def test_an_answer_is_not_lost_to_the_job_that_closes_the_ticket(rig: InboundMailRig, first: str) -> None:
    ticket = await rig.ticket()
    await move(rig, ticket.number, Status.IN_PROGRESS, Status.RESOLVED)
    rig.at += timedelta(days=8)
    after, closing_at = timedelta(days=7), rig.at
    async with rig.database.transaction() as tx:
        if first == "the closing job":
            await ticket_changes.close_resolved(tx, after=after, limit=1000, now=closing_at)
            waiting = asyncio.create_task(answer(rig, ticket))
            await asyncio.sleep(0.1)
            assert not waiting.done()
    mail = await (waiting if first == "the closing job" else answer(rig, ticket))
    async with rig.database.transaction() as tx:
        await ticket_changes.close_resolved(tx, after=after, limit=1000, now=closing_at)
    assert mail.state is InboundState.ACCEPTED
    if first == "the answer":
        assert mail.ticket_number == ticket.number
        assert (await view(rig, ticket.number)).ticket.status is Status.REOPENED
    else:
        assert mail.ticket_number != ticket.number
        assert (await view(rig, ticket.number)).ticket.status is Status.CLOSED
