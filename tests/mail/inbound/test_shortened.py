"""What is too long or too many for its place says so, and is whole in another one."""

from collections.abc import Sequence
from time import perf_counter

import pytest

from clearline.identity import OPERATOR
from clearline.mail.format.html_text import PARSED_MAX
from clearline.mail.inbound import usecases as inbound_mail
from clearline.mail.inbound.domain import InboundMail, follow_up_title
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import usecases as tickets
from clearline.tickets.attachments.blob_backend import Key
from clearline.tickets.attachments.domain import PER_TICKET_MAX
from clearline.tickets.domain import DESCRIPTION_MAX, TITLE_MAX, Status, Ticket
from clearline.tickets.links import merge_usecases as merging
from clearline.tickets.note_domain import TEXT_MAX, Note
from tests.builders.mail.inbound_rig import SUPPORT, InboundMailRig, a_mail
from tests.patience import stretched

pytestmark = pytest.mark.usefixtures("fresh_day")

PROGRAM = "application/x-msdownload"
REFUSED = "{} (files of type application/x-msdownload are not accepted)"


def with_files(sender: str, to: str, names: Sequence[str], kind: str, text: str = "See the files.") -> bytes:
    part = '--b\r\nContent-Type: {}\r\nContent-Disposition: attachment; filename="{}"\r\n\r\nx\r\n'
    head = a_mail(sender, to).partition(b"MIME-Version")[0].decode() + "MIME-Version: 1.0\r\n"
    parts = f"--b\r\nContent-Type: text/plain\r\n\r\n{text}\r\n" + "".join(part.format(kind, name) for name in names)
    return f"{head}Content-Type: multipart/mixed; boundary=b\r\n\r\n{parts}--b--\r\n".encode()


async def text_file(rig: InboundMailRig, number: int) -> str:
    """Return the content of ``mail.txt``."""
    [file] = [file for file in await rig.files(number) if file.name == "mail.txt"]
    content = rig.context.blobs.read(Key(file.company_id, file.id), length=file.size)
    return b"".join([block async for block in content]).decode()


async def reply(rig: InboundMailRig, ticket: Ticket, raw: bytes) -> Note:
    mail = await rig.receive(raw)
    assert (mail.state, mail.reason) == ("accepted", None)
    [note] = await rig.notes(ticket.number)
    return note


async def created_by(rig: InboundMailRig, mail: InboundMail) -> Ticket:
    async with rig.database.transaction() as tx:
        return (await tickets.get_ticket(tx, OPERATOR, mail.ticket_number or 0)).ticket


async def test_every_file_that_is_not_attached_is_named_in_the_note(rig: InboundMailRig) -> None:
    ticket, names = await rig.ticket(), [f"fix-{number}.exe" for number in range(40)]
    note = await reply(rig, ticket, with_files(rig.sender, rig.reply_to(ticket), names, PROGRAM))
    assert note.text == "See the files.\n\n[Not attached: " + "; ".join(map(REFUSED.format, names)) + "]"
    assert await rig.files(ticket.number) == []


async def test_names_that_do_not_fit_are_counted_and_listed_in_a_file(rig: InboundMailRig) -> None:
    ticket, names = await rig.ticket(), [f"fix-{number}-{'x' * 100}.exe" for number in range(150)]
    note = await reply(rig, ticket, with_files(rig.sender, rig.reply_to(ticket), names, PROGRAM))
    assert len(note.text) <= TEXT_MAX
    count = note.text.count(".exe")
    assert 15 < count < 150
    assert note.text.endswith(f"; and {150 - count} more. The whole list is attached as mail.txt.]")
    whole = "See the files.\n\n[Not attached: " + "; ".join(map(REFUSED.format, names)) + "]"
    assert await text_file(rig, ticket.number) == whole


async def test_a_name_is_never_cut(rig: InboundMailRig) -> None:
    ticket, name = await rig.ticket(), "x" * 240 + ".exe"
    note = await reply(rig, ticket, with_files(rig.sender, rig.reply_to(ticket), [name], PROGRAM))
    assert note.text == f"See the files.\n\n[Not attached: {REFUSED.format(name)}]"


async def test_files_beyond_the_limit_of_a_mail_are_named_in_the_file_and_in_the_mail(rig: InboundMailRig) -> None:
    ticket, names = await rig.ticket(), [f"log-{number:03}.txt" for number in range(260)]
    mail = await rig.receive(with_files(rig.sender, rig.reply_to(ticket), names, "text/plain"))
    attached = {file.name for file in await rig.files(ticket.number)}
    assert attached == {*names[: PER_TICKET_MAX - 1], "mail.txt"}
    whole = await text_file(rig, ticket.number)
    assert all(f"{name} (" in whole for name in names[PER_TICKET_MAX - 1 :])
    async with rig.database.transaction() as tx:
        parsed = (await inbound_mail.get_mail(tx, OPERATOR, mail.id)).parsed
    assert parsed is not None
    assert [file.name for file in parsed.files] + list(parsed.omitted_files) == names


async def test_an_empty_file_is_named(rig: InboundMailRig) -> None:
    ticket = await rig.ticket()
    raw = with_files(rig.sender, rig.reply_to(ticket), ["log.txt"], "text/plain").replace(b"\r\n\r\nx\r\n", b"\r\n\r\n")
    assert (await reply(rig, ticket, raw)).text == "See the files.\n\n[Not attached: log.txt (empty)]"


async def test_a_long_text_takes_the_place_of_the_last_file(rig: InboundMailRig) -> None:
    ticket, names = await rig.ticket(), [f"log-{number:03}.txt" for number in range(PER_TICKET_MAX)]
    text = "long " * 2000
    note = await reply(rig, ticket, with_files(rig.sender, rig.reply_to(ticket), names, "text/plain", text))
    assert "\n[Shortened. The whole text is attached as mail.txt.]\n\n[Not attached: log-099.txt (" in note.text
    assert (await text_file(rig, ticket.number)).startswith(text.strip())


async def test_a_text_without_room_for_a_file_is_kept_with_its_note(rig: InboundMailRig) -> None:
    ticket, names = await rig.ticket(), [f"log-{number:03}.txt" for number in range(PER_TICKET_MAX)]
    await rig.receive(with_files(rig.sender, rig.reply_to(ticket), names, "text/plain"))
    text = "long " * 1999 + "end"
    await rig.receive(a_mail(rig.sender, rig.reply_to(ticket), f"{text}\r\n\r\n-- \r\nAda"))
    note = (await rig.notes(ticket.number))[-1]
    assert note.text.endswith("\n[Shortened. The whole text is with the trimmed text of this note.]")
    async with rig.database.transaction() as tx:
        trimmed = await merging.trimmed_text(tx, OPERATOR, ticket.number, note.number)
    assert trimmed.text == f"{text}\n\n--\nAda"
    assert len(await rig.files(ticket.number)) == PER_TICKET_MAX


async def test_html_that_is_too_large_to_be_parsed_is_a_ticket_with_its_whole_text(rig: InboundMailRig) -> None:
    count = PARSED_MAX // 20
    source = "<html><body>" + "\r\n".join(f"<p>Port {number} is <b>down</b></p>" for number in range(count))
    raw = a_mail(rig.sender, SUPPORT, source).replace(b"text/plain", b"text/html")
    mail = await rig.receive(raw)
    assert (mail.state, mail.reason) == ("accepted", None)
    ticket = await created_by(rig, mail)
    assert ticket.description.endswith("\n[Shortened. The whole text is attached as mail.txt.]")
    whole = await text_file(rig, ticket.number)
    assert [line.split() for line in whole.split("\n")] == [["Port", str(n), "is", "down"] for n in range(count)]


@pytest.mark.parametrize("length", [TITLE_MAX, TITLE_MAX + 1, 900, 40_000])
async def test_a_subject_that_is_too_long_for_a_title_is_in_the_description(rig: InboundMailRig, length: int) -> None:
    subject = ("Port down " * 4000)[: length - 1] + "!"
    mail = await rig.receive(a_mail(rig.sender, SUPPORT, "Since 10:00.", subject))
    ticket = await created_by(rig, mail)
    if length == TITLE_MAX:
        assert (ticket.title, ticket.description, mail.subject) == (subject, "Since 10:00.", subject)
        return
    assert ticket.title == subject[: TITLE_MAX - 3] + "..."
    assert mail.subject == (subject if length <= 500 else subject[:497] + "...")
    whole = f"Subject: {subject}\n\nSince 10:00."
    if length < DESCRIPTION_MAX:
        assert ticket.description == whole
    else:
        assert ticket.description.endswith("\n[Shortened. The whole text is attached as mail.txt.]")
        assert await text_file(rig, ticket.number) == whole


async def test_each_header_and_recipient_is_kept_whole(rig: InboundMailRig) -> None:
    ticket = await rig.ticket()
    others = ", ".join(f"person-{number}@example.org" for number in range(2000))
    references = " ".join(f"<{number}@example.org>" for number in range(3000))
    sent = await rig.send_mail(ticket)
    head = f"X-Long: {'y' * 5000}\r\nReferences: {references} {sent}\r\nCc: {others}\r\n"
    head += "".join(f"X-{number}: z\r\n" for number in range(1500))
    raw = a_mail(rig.sender, SUPPORT, "Late headers.", head=head)
    mail = await rig.receive(raw)
    assert (mail.state, mail.ticket_number) == ("accepted", ticket.number)
    async with rig.database.transaction() as tx:
        parsed = (await inbound_mail.get_mail(tx, OPERATOR, mail.id)).parsed
    assert parsed is not None
    headers = dict(parsed.headers.all)
    assert (headers["X-Long"], headers["Cc"], headers["X-1499"]) == ("y" * 5000, others, "z")
    assert headers["References"] == f"{references} {sent}"


async def test_a_reply_address_after_many_recipients_is_found(rig: InboundMailRig) -> None:
    ticket = await rig.ticket()
    to = ", ".join([*(f"person-{number}@example.org" for number in range(2000)), rig.reply_to(ticket)])
    mail = await rig.receive(a_mail(rig.sender, to), to=SUPPORT)
    assert (mail.state, mail.ticket_number) == ("accepted", ticket.number)


async def test_envelope_recipients_are_kept_whole(rig: InboundMailRig) -> None:
    recipients = [f"support+{'x' * 200}-{number}@example.net" for number in range(50)]
    async with rig.database.transaction() as tx:
        mail_id = await inbound_mail.receive(
            tx, rig.mailbox, a_mail(rig.sender, SUPPORT), envelope_from="", envelope_to=recipients, now=rig.at
        )
        assert mail_id is not None
        kept = (await inbound_mail.get_mail(tx, OPERATOR, mail_id)).mail
    assert kept.envelope_to.split() == recipients


async def test_a_subject_that_is_too_long_for_a_ticket_that_follows_is_in_its_description(rig: InboundMailRig) -> None:
    finished, subject = await rig.ticket(), "Port down again " * 40
    async with rig.database.transaction() as tx:
        await ticket_changes.move_ticket(tx, OPERATOR, finished.number, Status.CANCELLED, reason="", now=rig.at)
    mail = await rig.receive(a_mail(rig.sender, rig.reply_to(finished), "Since 10:00.", subject))
    ticket = await created_by(rig, mail)
    assert ticket.number != finished.number
    assert ticket.description.startswith(f"Subject: {subject.strip()}\n\nFollow-up of ")


def test_a_subject_that_is_made_to_take_long_does_not() -> None:
    began = perf_counter()
    assert follow_up_title("re:" * 170_000 + "x" + "re :" * 100, "Port").startswith("xre :")
    assert follow_up_title("re: " * 100_000, "Port") == "Port"
    assert perf_counter() - began < stretched(1)
