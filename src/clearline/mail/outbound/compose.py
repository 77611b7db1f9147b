"""Compose a mail as a message (RFC 5322), and decode a composed message."""

import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime
from email import message_from_bytes, policy
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage, MIMEPart
from email.utils import format_datetime, parseaddr
from uuid import UUID

from msgspec import Struct

from clearline.mail.outbound.domain import (
    DESK_SENDER,
    MailSettings,
    NewMail,
    Sender,
    address_of,
    message_id_for,
    prefixed_subject,
    reply_address,
    root_id,
    thread_index,
    thread_of,
    wire_address,
)
from clearline.text import is_mailable

SUBJECT_MAX = 400
"""Characters of a subject. The number and title of a ticket are shorter."""

_LINK = re.compile(r"(https?://|mailto:)[\x21\x23-\x3b\x3d\x3f-\x7e]+")
_ATOMS = re.compile(r"[\w!#$%&'*+/=?^`{|}~ -]+", re.ASCII)
_NAME_MAX = 100
_ONE_CLICK = "List-Unsubscribe=One-Click"
_NOT_SHOWN = {"Cc", "Cs", "Zl", "Zp"}


class ComposedMail(Struct, frozen=True):
    """A message that is ready to send."""

    message_id: str
    subject: str
    message: bytes


class DecodedMail(Struct, frozen=True):
    """A decoded message: its headers in order, its text and its HTML."""

    headers: list[tuple[str, str]]
    text: str
    html: str | None


def compose(
    mail: NewMail,
    mail_id: UUID,
    thread: Sequence[str],
    *,
    sender: Sender = DESK_SENDER,
    settings: MailSettings,
    now: datetime,
) -> ComposedMail:
    """Compose the message of a mail: text, with an HTML alternative if there is one; in ASCII unless an address is not.

    ``thread`` holds the Message-IDs of the ticket so far, oldest first. Text that people wrote cannot inject a header.
    The thread, and the address for replies unless mail to that of ``sender`` arrives, are those of the desk.
    """
    subject = one_line(prefixed_subject(mail.subject, mail.ticket_number))[:SUBJECT_MAX] or "(no subject)"
    message_id = message_id_for(mail_id, mail.ticket_number, settings.sender)
    message = EmailMessage()
    message["Date"] = format_datetime(now)
    _add_addresses(message, mail, sender, settings)
    _add_automation(message, mail)
    message.set_content(mail.text, cte="quoted-printable")
    if mail.html is not None:
        message.add_alternative(mail.html, subtype="html", cte="quoted-printable")
    # Python decodes encoded words in text that people wrote, so these headers are folded here.
    lines = [("Message-ID", message_id), ("To", _to(mail)), ("Subject", _text(subject, "Subject"))]
    lines += _unsubscribe(mail)
    if mail.ticket_number is not None:
        lines += _thread(mail, mail.ticket_number, thread, settings)
    head = "".join(f"{name}: {value}\r\n" for name, value in lines)
    addresses = (mail.recipient, settings.address, sender.address)
    plain = all(wire_address(address).isascii() for address in addresses)
    chosen = policy.SMTP if plain else policy.SMTPUTF8
    return ComposedMail(message_id, subject, head.encode() + message.as_bytes(policy=chosen))


def one_line(text: str) -> str:
    """Return text for a header: without control characters and line breaks, in any script."""
    shown = (" " if unicodedata.category(char) in _NOT_SHOWN else char for char in text)
    return " ".join("".join(shown).split())


def decode(message: bytes) -> DecodedMail:
    """Decode a message that ``compose`` made."""
    parsed = message_from_bytes(message, policy=policy.default)
    text, html = parsed.get_body(("plain",)), parsed.get_body(("html",))
    headers = [(name, str(value)) for name, value in parsed.items()]
    return DecodedMail(headers, _content(text) or "", _content(html))


def _content(part: MIMEPart | None) -> str | None:
    return None if part is None else str(part.get_content()).replace("\r\n", "\n")


def _add_addresses(message: EmailMessage, mail: NewMail, sender: Sender, settings: MailSettings) -> None:
    name = one_line(sender.name or parseaddr(settings.sender)[0])
    local, _at, domain = wire_address(sender.address or settings.address).rpartition("@")
    message["From"] = Address(name, local, domain)
    if mail.ticket_number is not None:
        mailbox = wire_address(sender.address if sender.accepts_mail else settings.address)
        message["Reply-To"] = address_of(reply_address(mailbox, mail.ticket_number, mail.recipient, settings.secret))


def _add_automation(message: EmailMessage, mail: NewMail) -> None:
    """Add the headers that prevent automatic replies (RFC 3834, section 5; Exchange; Precedence for old programs)."""
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    if mail.kind == "digest":
        message["Precedence"] = "bulk"


def _unsubscribe(mail: NewMail) -> list[tuple[str, str]]:
    """Return the headers of a link that stops such mail (RFC 2369); a POST to it does so at once (RFC 8058)."""
    if not _LINK.fullmatch(mail.unsubscribe):
        return []
    one_click = [] if mail.unsubscribe.startswith("mailto:") else [("List-Unsubscribe-Post", _ONE_CLICK)]
    return [("List-Unsubscribe", f"<{mail.unsubscribe}>"), *one_click]


def _thread(mail: NewMail, number: int, known: Sequence[str], settings: MailSettings) -> list[tuple[str, str]]:
    thread = thread_of(root_id(number, settings.sender), known)
    topic = one_line(prefixed_subject(mail.topic or mail.subject, None)) or "(no subject)"
    return [
        ("In-Reply-To", thread[-1]),
        ("References", "\r\n ".join(thread)),
        ("Thread-Topic", _text(topic[:SUBJECT_MAX], "Thread-Topic")),
        ("Thread-Index", thread_index(number, settings.sender)),
    ]


def _to(mail: NewMail) -> str:
    """Return the recipient for a header: the address, after the name if there is one (RFC 5322, section 3.4)."""
    if not is_mailable(mail.recipient):
        return "undisclosed:;"
    address, name = wire_address(mail.recipient), one_line(mail.recipient_name)[:_NAME_MAX]
    if not name:
        return address
    if _ATOMS.fullmatch(name) or not _is_plain(name):
        phrase = _text(name, "To")
    else:
        phrase = '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'
    return f"{phrase}\r\n <{address}>"


def _is_plain(text: str) -> bool:
    return text.isascii() and "=?" not in text


def _text(text: str, name: str) -> str:
    """Return text as a header's value, folded: plain ASCII, or encoded words for anything else (RFC 2047)."""
    is_plain = _is_plain(text)
    header = Header(text, "us-ascii" if is_plain else "utf-8", header_name=name, maxlinelen=76)
    return header.encode(linesep="\r\n")
