"""Processing of inbound mail besides its content: duplicates, limits, order and failures."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from time import perf_counter
from uuid import uuid4

import pytest
from msgspec.structs import replace

from clearline.identity import OPERATOR, Role
from clearline.mail.inbound import mailbox_usecases as mailboxes
from clearline.mail.inbound import store as inbound_mail_store
from clearline.mail.inbound import usecases as inbound_mail
from clearline.mail.inbound import worker as inbound_worker
from clearline.mail.inbound.domain import BURST_LIMIT, CLAIM_DURATION, MAX_ATTEMPTS, InboundState
from clearline.mail.inbound.secret_box import SecretBox
from clearline.queues import usecases as queues
from clearline.retention.domain import Kind
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import usecases as tickets
from clearline.tickets.attachments.blobs import Blobs
from clearline.tickets.attachments.blobs_disk import DiskBackend
from clearline.tickets.domain import Status, Ticket
from clearline.tickets.links import merge_usecases as merging
from clearline.tickets.note_domain import Visibility
from tests.builders.jobs import purge_job
from tests.builders.mail.inbound_rig import SUPPORT, InboundMailRig, a_mail
from tests.builders.people import NOW, new_person
from tests.patience import stretched

pytestmark = pytest.mark.usefixtures("fresh_day")


async def put(rig: InboundMailRig, raw: bytes, to: str = SUPPORT) -> bool:
    """Store a mail, and do not process it."""
    async with rig.database.transaction() as tx:
        stored = await inbound_mail.receive(
            tx, rig.mailbox, raw, envelope_from="a@example.com", envelope_to=[to], now=rig.at
        )
    return stored is not None


async def move(rig: InboundMailRig, ticket: Ticket, *path: Status) -> None:
    async with rig.database.transaction() as tx:
        for status in path:
            await ticket_changes.move_ticket(tx, OPERATOR, ticket.number, status, reason="a test", now=NOW)


async def test_a_duplicate_is_not_stored_again(rig: InboundMailRig) -> None:
    raw = a_mail(rig.sender, SUPPORT)
    other_route = raw.replace(b"Subject: Port", b"Received: by mx.example.net\r\nSubject: Port")
    assert [await put(rig, raw), await put(rig, raw), await put(rig, other_route)] == [True, False, False]
    rig.at += timedelta(days=8)
    assert [await put(rig, raw), await put(rig, other_route)] == [False, True]
    await rig.process()


async def test_the_same_mail_at_two_mailboxes_is_one_note(rig: InboundMailRig) -> None:
    ticket = await rig.ticket()
    async with rig.database.transaction() as tx:
        values = {"address": f"noc-{uuid4().hex[:8]}@example.net"}
        noc = await mailboxes.add_mailbox(tx, OPERATOR, values, secret_box=SecretBox(b"k"), now=NOW)
    raw = a_mail(rig.sender, rig.reply_to(ticket), "Once.")
    first = await rig.receive(raw)
    second = await replace_mailbox(rig, noc.id).receive(raw)
    assert (first.state, second.state) == (InboundState.ACCEPTED, InboundState.IGNORED)
    assert second.reason == "the same mail was accepted at another mailbox"
    assert [note.text for note in await rig.notes(ticket.number)] == ["Once."]


def replace_mailbox(rig: InboundMailRig, mailbox_id: object) -> InboundMailRig:
    other = replace(rig)
    other.mailbox = replace(rig.mailbox, id=mailbox_id)
    return other


async def test_mail_beyond_the_limit_of_a_sender_is_quarantined(rig: InboundMailRig) -> None:
    ticket = await rig.ticket()
    for number in range(BURST_LIMIT + 1):
        assert await put(rig, a_mail(rig.sender, rig.reply_to(ticket), f"Mail {number}"), rig.reply_to(ticket))
        rig.at += timedelta(seconds=1)
    await rig.process()
    async with rig.database.transaction() as tx:
        quarantined = await inbound_mail_store.page(tx, state=InboundState.QUARANTINED, before=None, limit=1)
    assert [mail.reason for mail in quarantined] == ["its sender sent more than 20 mails in 10 minutes"]
    assert len(await rig.notes(ticket.number)) == BURST_LIMIT
    rig.at += timedelta(minutes=10)
    assert (await rig.receive(a_mail(rig.sender, rig.reply_to(ticket), "Later"))).state is InboundState.ACCEPTED


async def test_two_desks_that_reply_to_each_other_stop(rig: InboundMailRig) -> None:
    ticket = await rig.ticket()
    rounds = 0
    while True:  # the other desk replies to every note immediately, without the headers of automatic mail
        await put(rig, a_mail(rig.sender, rig.reply_to(ticket), f"We took your answer {rounds}"), rig.reply_to(ticket))
        await rig.process()
        rounds += 1
        if len(await rig.notes(ticket.number)) < rounds:
            break
        assert rounds <= BURST_LIMIT
        rig.at += timedelta(seconds=2)
    assert rounds == BURST_LIMIT + 1


async def test_automatic_mail_gets_no_reply(rig: InboundMailRig) -> None:
    ticket = await rig.ticket()
    message_id = await rig.send_mail(ticket, to=rig.sender)
    async with rig.database.transaction() as tx:
        row = await tx.fetchrow("select message from outbound_mail where message_id = $1", message_id)
    assert row is not None
    returned = row[0].replace(f"From: Support <{SUPPORT}>".encode(), f"From: {rig.sender}".encode(), 1)
    mail = await rig.receive(returned, envelope_from=rig.sender)
    assert (mail.state, mail.reason) == (InboundState.IGNORED, "it has the header Auto-Submitted: auto-generated")


async def test_a_reply_to_a_reply_finds_the_ticket(rig: InboundMailRig) -> None:
    ticket = await rig.ticket()
    first = await rig.receive(a_mail(rig.sender, rig.reply_to(ticket), "First"))
    head = f"References: {first.message_id}\r\n"
    second = await rig.receive(a_mail("cleo@contact.example.org", SUPPORT, "Second", head=head))
    assert (second.state, second.ticket_number) == (InboundState.ACCEPTED, ticket.number)


async def test_a_reply_to_a_merged_ticket_goes_to_the_target_of_the_merge(rig: InboundMailRig) -> None:
    ticket, into = await rig.ticket(), await rig.ticket()
    async with rig.database.transaction() as tx:
        await merging.merge_ticket(tx, OPERATOR, ticket.number, into.number, now=NOW)
    mail = await rig.receive(a_mail(rig.sender, rig.reply_to(ticket), "To both"))
    assert (mail.state, mail.ticket_number) == (InboundState.ACCEPTED, into.number)


@pytest.mark.parametrize(
    ("path", "state"),
    [
        ((Status.IN_PROGRESS, Status.RESOLVED), InboundState.ACCEPTED),
        ((Status.IN_PROGRESS, Status.RESOLVED, Status.CLOSED), InboundState.QUARANTINED),
        ((Status.REJECTED,), InboundState.QUARANTINED),
    ],
)
async def test_a_finished_ticket_accepts_no_mail_when_nothing_follows_it(
    rig: InboundMailRig, path: tuple[Status, ...], state: InboundState
) -> None:
    rig = replace(rig, context=replace(rig.context, follows_up=False))
    ticket = await rig.ticket()
    await move(rig, ticket, *path)
    mail = await rig.receive(a_mail(rig.sender, rig.reply_to(ticket), "Thanks"))
    assert (mail.state, mail.ticket_number) == (state, ticket.number)
    assert len(await rig.notes(ticket.number)) == (state is InboundState.ACCEPTED)


async def test_a_reply_to_a_pending_ticket_sets_it_in_progress(rig: InboundMailRig) -> None:
    ticket = await rig.ticket()
    await move(rig, ticket, Status.PENDING)
    await rig.receive(a_mail(rig.sender, rig.reply_to(ticket), "Here you are"))
    async with rig.database.transaction() as tx:
        assert (await tickets.get_ticket(tx, OPERATOR, ticket.number)).ticket.status is Status.IN_PROGRESS


async def test_a_viewer_adds_no_notes_by_mail(rig: InboundMailRig) -> None:
    async with rig.database.transaction() as tx:
        viewer = await new_person(tx, "Vic Stone", Role.VIEWER)
    assert viewer.user is not None
    ticket = await rig.ticket()
    mail = await rig.receive(a_mail(viewer.user.email, rig.reply_to(ticket, viewer.user.email)))
    assert (mail.state, mail.reason) == (InboundState.QUARANTINED, "the API key lacks the scope tickets:write")


async def test_a_new_ticket_goes_to_the_queue_of_the_mailbox(rig: InboundMailRig) -> None:
    async with rig.database.transaction() as tx:
        queue = await queues.add_queue(tx, OPERATOR, name=f"Queue {uuid4().hex[:8]}", now=NOW)
        values = {"address": f"sales-{uuid4().hex[:8]}@example.net", "queue_id": queue.queue.id}
        sales = await mailboxes.add_mailbox(tx, OPERATOR, values, secret_box=SecretBox(b"k"), now=NOW)
    mail = await replace_mailbox(rig, sales.id).receive(a_mail(rig.sender, sales.address, "A quote, please"))
    async with rig.database.transaction() as tx:
        assert (await tickets.get_ticket(tx, OPERATOR, mail.ticket_number or 0)).queue_name == queue.queue.name


async def test_a_reply_of_a_stranger_notifies_nobody(rig: InboundMailRig) -> None:
    theirs = await rig.ticket(tenant=rig.other)
    async with rig.database.transaction() as tx:
        before = await tx.fetchval("select count(*) from outbound_mail")
    mail = await rig.receive(a_mail(rig.sender, rig.reply_to(theirs), "Is this mine?"))
    assert (mail.state, mail.company_id, mail.ticket_number) == (InboundState.QUARANTINED, None, None)
    async with rig.database.transaction() as tx:
        assert await tx.fetchval("select count(*) from outbound_mail") == before
        assert await tx.fetchval("select count(*) from mail_reference where message_id = $1", mail.message_id) == 0
    assert await rig.notes(theirs.number) == []


def thousands_of_files(rig: InboundMailRig, to: str) -> bytes:
    part = b"--b\r\nContent-Type: text/plain\r\nContent-Disposition: attachment; filename=f.txt\r\n\r\nx\r\n"
    text = b"--b\r\nContent-Type: text/plain\r\n\r\nMany\r\n"
    head = a_mail(rig.sender, to).partition(b"MIME-Version")[0]
    return head + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + text + part * 4_000 + b"--b--\r\n"


def too_deep(rig: InboundMailRig, to: str) -> bytes:
    head = a_mail(rig.sender, to).partition(b"MIME-Version")[0]
    opened = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (level, level) for level in range(900)
    )
    return head + opened + b"Content-Type: text/plain\r\n\r\nDeep\r\n"


async def test_thousands_of_files_are_not_all_attached(rig: InboundMailRig) -> None:
    ticket = await rig.ticket()
    began = perf_counter()
    mail = await rig.receive(thousands_of_files(rig, rig.reply_to(ticket)))
    assert perf_counter() - began < stretched(10)
    assert mail.state is InboundState.ACCEPTED
    assert len(await rig.files(ticket.number)) == 100
    [note] = await rig.notes(ticket.number)
    count = note.text.count("f.txt")
    assert f"; and {3901 - count} more. The whole list is attached as mail.txt.]" in note.text


async def test_a_file_that_is_too_large_is_named_and_the_others_are_attached(rig: InboundMailRig) -> None:
    ticket = await rig.ticket()
    raw = rig.corpus_mail("attachment", ticket, await rig.send_mail(ticket))
    context = rig.context
    rig.context = replace(context, limits=replace(context.limits, size=5))
    try:
        await rig.receive(raw)
    finally:
        rig.context = context
    [note] = await rig.notes(ticket.number)
    assert note.text == "See the file.\n\n[Not attached: log.txt (larger than 5 bytes)]"
    assert note.visibility is Visibility.PUBLIC


@pytest.mark.parametrize("broken", [too_deep, lambda _rig, _to: b"", lambda _rig, _to: b"\x00\xff" * 5000])
async def test_a_mail_that_cannot_be_parsed_does_not_block_others(
    rig: InboundMailRig, broken: Callable[[InboundMailRig, str], bytes]
) -> None:
    ticket = await rig.ticket()
    to = rig.reply_to(ticket)
    assert await put(rig, broken(rig, to), to)
    assert await put(rig, a_mail(rig.sender, to, "Sound"), to)
    await rig.process()
    assert [note.text for note in await rig.notes(ticket.number)] == ["Sound"]
    assert await rig.waiting_count() == 0


async def test_a_mail_to_a_locked_ticket_is_tried_five_times(rig: InboundMailRig) -> None:
    locked, free = await rig.ticket(), await rig.ticket()
    assert await put(rig, a_mail(rig.sender, rig.reply_to(locked), "Held"), rig.reply_to(locked))
    assert await put(rig, a_mail(rig.sender, rig.reply_to(free), "Free"), rig.reply_to(free))
    async with rig.database.transaction() as holder:
        await ticket_changes.lock_ticket(holder, OPERATOR, locked.number)
        for done in range(1, MAX_ATTEMPTS):
            await rig.process(lock_timeout=20)
            assert (await rig.waiting_count(), len(await rig.notes(free.number))) == (1, 1), done
        await rig.process(lock_timeout=20)
    assert await rig.waiting_count() == 0
    async with rig.database.transaction() as tx:
        [quarantined, *_] = await inbound_mail_store.page(tx, state=InboundState.QUARANTINED, before=None, limit=5)
    assert (quarantined.attempts, quarantined.reason) == (
        MAX_ATTEMPTS,
        "an internal error (StatementFailed); see the log",
    )


async def test_a_mail_that_kills_its_process_is_quarantined_after_five_attempts(rig: InboundMailRig) -> None:
    ticket = await rig.ticket()
    assert await put(rig, a_mail(rig.sender, rig.reply_to(ticket), "Deadly"), rig.reply_to(ticket))
    for _ in range(MAX_ATTEMPTS):
        async with rig.database.statement() as tx:
            claimed = await inbound_mail_store.claim_next(tx, None, until=rig.at + CLAIM_DURATION, now=rig.at)
        assert claimed is not None
        await rig.process()  # no other process gets it before the claim expires
        assert (await rig.mail(claimed.id)).state is InboundState.WAITING
        rig.at += CLAIM_DURATION
    await rig.process()
    assert claimed is not None
    mail = await rig.mail(claimed.id)
    assert (mail.state, mail.reason) == (InboundState.QUARANTINED, "processing failed 5 times")
    assert await rig.notes(ticket.number) == []


async def test_a_mail_waits_while_attachments_cannot_be_stored(rig: InboundMailRig, tmp_path: Path) -> None:
    ticket = await rig.ticket()
    (tmp_path / "file").write_bytes(b"")
    raw = rig.corpus_mail("attachment", ticket, await rig.send_mail(ticket))
    assert await put(rig, raw, rig.reply_to(ticket))
    context = rig.context
    rig.context = replace(context, blobs=Blobs(DiskBackend(tmp_path / "file")))
    for _ in range(MAX_ATTEMPTS + 2):
        await rig.process()
    assert (await rig.waiting_count(), await rig.notes(ticket.number)) == (1, [])
    rig.context = context
    await rig.process()
    assert [file.name for file in await rig.files(ticket.number)] == ["log.txt"]


async def test_concurrent_processes_process_each_mail_once(rig: InboundMailRig) -> None:
    ticket = await rig.ticket()
    for number in range(BURST_LIMIT):
        rig.at += timedelta(minutes=1)
        assert await put(rig, a_mail(rig.sender, rig.reply_to(ticket), f"Mail {number}"), rig.reply_to(ticket))
    await asyncio.gather(*(inbound_worker.process_batch(rig.database, rig.context, rig.clock) for _ in range(4)))
    assert sorted(note.text for note in await rig.notes(ticket.number)) == sorted(
        f"Mail {n}" for n in range(BURST_LIMIT)
    )


async def test_the_content_of_a_mail_is_deleted_90_days_after_its_decision(rig: InboundMailRig) -> None:
    ticket = await rig.ticket()
    accepted = await rig.receive(a_mail(rig.sender, rig.reply_to(ticket)))
    quarantined = await rig.receive(a_mail("mallory@example.org", SUPPORT))
    for days, is_stored in ((89, True), (91, False)):
        later = rig.at + timedelta(days=days)
        await purge_job(rig.database, Kind.INBOUND_MAIL, lambda later=later: later).run()  # type: ignore[misc]
        async with rig.database.transaction() as tx:
            assert (await inbound_mail_store.raw(tx, accepted.id) is not None) == is_stored
            assert (await inbound_mail_store.raw(tx, quarantined.id) is not None) == is_stored
