"""Replies that quote our own mail, from the mailbox to the note."""

import pytest

from clearline.identity import OPERATOR
from clearline.tickets.domain import Ticket
from clearline.tickets.links import merge_usecases as merging
from tests.builders.mail.inbound_rig import SUPPORT, InboundMailRig, a_mail

pytestmark = pytest.mark.usefixtures("fresh_day")

OURS = "Ben Ito, 1 March 2026:\n\n  Which port is it? We see errors on two of them.\n\nReply to this mail.\n"
UNKNOWN = "Ngo 1 Mashi 2026, uSupport <support@example.net> ubhale:"


async def sent(rig: InboundMailRig, ticket: Ticket, text: str = OURS, html: str | None = None) -> str:
    """Send a mail about a ticket; return the header of a reply to it."""
    return f"In-Reply-To: {await rig.send_mail(ticket, text=text, html=html)}\r\n"


async def note_of(rig: InboundMailRig, ticket: Ticket, raw: bytes) -> tuple[str, str]:
    """Receive a mail; return the text of its note and what was trimmed."""
    mail = await rig.receive(raw)
    assert (mail.state, mail.ticket_number) == ("accepted", ticket.number), mail.reason
    note = (await rig.notes(ticket.number))[-1]
    async with rig.database.transaction() as tx:
        [entry] = await merging.notes_with_merged(tx, OPERATOR, ticket.number, after=note.number - 1, limit=1)
        if not entry.has_trimmed_text:
            return note.text, ""
        return note.text, (await merging.trimmed_text(tx, OPERATOR, ticket.number, note.number)).text


@pytest.mark.parametrize("mark", ["> ", ""])
async def test_the_lines_of_our_mail_are_trimmed_in_any_language(rig: InboundMailRig, mark: str) -> None:
    ticket = await rig.ticket()
    head = await sent(rig, ticket)
    quote = UNKNOWN + "\n" + "\n".join(f"{mark}{line}".rstrip() for line in OURS.strip().split("\n"))
    above = await note_of(rig, ticket, a_mail(rig.sender, SUPPORT, f"Port 7.\n\n{quote}", head=head))
    below = await note_of(rig, ticket, a_mail(rig.sender, SUPPORT, f"{quote}\n\nPort 7.", head=head))
    assert above == below == ("Port 7.", quote)


async def test_our_html_is_known_too(rig: InboundMailRig) -> None:
    ticket = await rig.ticket()
    head = await sent(rig, ticket, "Text", "<p>Which port is it?</p><p>We see errors on <b>two</b> of them.</p>")
    quote = f"{UNKNOWN}\n\nWhich port is it?\n\nWe see errors on *two* of them."
    assert await note_of(rig, ticket, a_mail(rig.sender, SUPPORT, f"Port 7.\n\n{quote}", head=head)) == (
        "Port 7.",
        quote,
    )


async def test_our_mail_about_another_ticket_is_not_known(rig: InboundMailRig) -> None:
    ticket, another = await rig.ticket(), await rig.ticket(tenant=rig.other)
    await sent(rig, another)
    head = (await sent(rig, another)).replace("In-Reply-To", "References")
    text = f"Port 7.\n\n{UNKNOWN}\n{OURS.strip()}"
    note, trimmed = await note_of(rig, ticket, a_mail(rig.sender, rig.reply_to(ticket), text, head=head))
    assert (note.replace("\n", ""), trimmed) == (text.replace("\n", ""), "")


async def test_the_text_of_a_mail_that_quotes_nothing_else_is_kept(rig: InboundMailRig) -> None:
    ticket = await rig.ticket()
    quote = "\n".join(f"> {line}".rstrip() for line in OURS.strip().split("\n"))
    assert await note_of(rig, ticket, a_mail(rig.sender, SUPPORT, quote, head=await sent(rig, ticket))) == (quote, "")


async def test_a_name_of_the_sender_is_a_signature(rig: InboundMailRig) -> None:
    ticket = await rig.ticket()
    sender = f"Ada Okoro <{rig.sender}>"
    to = rig.reply_to(ticket)
    assert await note_of(rig, ticket, a_mail(sender, to, "Up.\n\nRegards\nAda")) == ("Up.", "Regards\nAda")
    assert await note_of(rig, ticket, a_mail(sender, to, "Up.\n\nRegards\nPort 7")) == ("Up.\n\nRegards\nPort 7", "")


async def test_a_forwarded_mail_is_content(rig: InboundMailRig) -> None:
    ticket = await rig.ticket()
    text = "FYI\n\nFrom: Bo <bo@example.org>\nSent: 1 March 2026 11:00\nTo: Ada\nSubject: Cut\n\nFibre cut"
    raw = a_mail(rig.sender, rig.reply_to(ticket), text, subject="Fwd: Cut")
    assert await note_of(rig, ticket, raw) == (text, "")


@pytest.mark.parametrize(
    ("media_type", "name"),
    [
        ("application/x-zip-compressed", "logs.zip"),
        ("application/x-gzip", "log.gz"),
        ("application/x-tar", "logs.tar"),
        ("application/x-7z-compressed", "logs.7z"),
        ("text/x-log", "router.log"),
        ("text/html", "page.html"),
        ("video/mp4", "led.mp4"),
        ("application/vnd.ms-excel.sheet.macroEnabled.12", "ports.xlsm"),
        ("application/rtf", "letter.rtf"),
        ("x-nonsense", "file.x"),
    ],
)
async def test_a_file_of_any_type_is_kept(rig: InboundMailRig, media_type: str, name: str) -> None:
    ticket = await rig.ticket()
    head = "Content-Type: multipart/mixed; boundary=b\r\n"
    text = (
        "--b\r\nContent-Type: text/plain\r\n\r\nSee the file.\r\n"
        f'--b\r\nContent-Type: {media_type}\r\nContent-Disposition: attachment; filename="{name}"\r\n\r\nx\r\n--b--'
    )
    raw = a_mail(rig.sender, rig.reply_to(ticket), text, head=head).replace(
        b"Content-Type: text/plain; charset=utf-8\r\n", b"", 1
    )
    assert await note_of(rig, ticket, raw) == ("See the file.", "")
    assert [file.name for file in await rig.files(ticket.number)] == [name]


async def test_a_text_that_exceeds_its_note_is_attached_whole(rig: InboundMailRig) -> None:
    ticket = await rig.ticket()
    words = "word " * 200_000
    note, _ = await note_of(rig, ticket, a_mail(rig.sender, rig.reply_to(ticket), f"{words}\nlast"))
    assert note.endswith("[Shortened. The whole text is attached as mail.txt.]")
    [file] = await rig.files(ticket.number)
    assert (file.name, file.size) == ("mail.txt", len(f"{words.rstrip()}\nlast"))
