"""The mails that messages of a ticket were made from: what was cut off, and the originals. Never their HTML."""

from collections.abc import AsyncIterator
from uuid import UUID

from clearline.errors import NotFound
from clearline.identity import Actor
from clearline.mail.format.parts import ParsedMail
from clearline.mail.inbound import usecases as inbound_mail
from clearline.platform.database.transactions import Tx
from clearline.tickets import access
from clearline.tickets.links import merge_usecases as merging
from clearline.web.console.tickets.pages import page_about
from clearline.web.fields import whole_number
from clearline.web.visit import Visit
from clearline.wires.http.call import Answer, Headers, Stream

TEXT_SHOWN_MAX = 100_000
"""Characters of a mail that a page shows; the download has all of it."""
DESCRIPTION = 0
"""In the place of a note's number: the description, which a mail may have raised the ticket with."""
_SHOWN_HEADERS = ("from", "to", "cc", "reply-to", "date", "subject", "message-id")


async def show_cut_text(visit: Visit) -> Answer:
    """Show what was cut off a mail, such as a quote and a signature, as a part of the ticket's page."""
    number, note = access.parse_number(visit.path["number"]), _note_number(visit)
    async with visit.services.database.transaction() as tx:
        trimmed = await merging.trimmed_text(tx, visit.actor, number, note)
    return visit.page("console/cut_text.html", text=trimmed.text)


async def show_mail(visit: Visit) -> Answer:
    """Show the headers and the text of a mail, and the names of its files."""
    number, note = access.parse_number(visit.path["number"]), _note_number(visit)
    async with visit.services.database.transaction() as tx:
        details = await inbound_mail.get_mail(tx, visit.actor, await _mail_of(tx, visit.actor, number, note))
    parsed = details.parsed
    return await page_about(
        visit, "console/mail.html", mail=details.mail, parsed=parsed, shown=shown_headers(parsed), note=note,
        most=TEXT_SHOWN_MAX,
    )  # fmt: skip


async def download_mail(visit: Visit) -> Stream:
    """Send a mail as it was received, byte for byte."""
    number, note = access.parse_number(visit.path["number"]), _note_number(visit)
    async with visit.services.database.transaction() as tx:
        mail_id = await _mail_of(tx, visit.actor, number, note)
        return raw_mail(mail_id, await inbound_mail.get_raw(tx, visit.actor, mail_id))


def shown_headers(parsed: ParsedMail | None) -> list[tuple[str, str]]:
    """Return the headers of a mail that people read, in their order."""
    headers = [] if parsed is None else parsed.headers.all
    return [pair for wanted in _SHOWN_HEADERS for pair in headers if pair[0].lower() == wanted]


def raw_mail(mail_id: UUID, raw: bytes) -> Stream:
    """Return a mail as it was received, as a file to download."""
    headers: Headers = [
        (b"content-type", b"message/rfc822"),
        (b"content-length", b"%d" % len(raw)),
        (b"content-disposition", f'attachment; filename="{mail_id}.eml"'.encode()),
        (b"content-security-policy", b"sandbox; default-src 'none'"),
        (b"cache-control", b"private, no-store"),
    ]
    return Stream(200, _blocks(raw), headers)


async def _mail_of(tx: Tx, actor: Actor, number: int, note: int) -> UUID:
    if note == DESCRIPTION:
        mail_id = await inbound_mail.mail_of_description(tx, actor, number)
    else:
        entry = await merging.note_with_merged(tx, actor, number, note)
        mail_id = None if entry is None else entry.mail_id
    if mail_id is None:
        raise NotFound("mail", f"of message {note}")
    return mail_id


def _note_number(visit: Visit) -> int:
    text = visit.path["note"]
    if (note := whole_number(text, digits=12)) is None:
        raise NotFound("note", text)
    return note


async def _blocks(content: bytes) -> AsyncIterator[bytes]:
    yield content
