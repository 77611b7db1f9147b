"""Delivery reports: which of our mails came back, and for good or not (RFC 3464; exim and qmail by their own words)."""

import re
from email.message import Message

from msgspec import Struct

from clearline.mail.format.headers import MailHeaders
from clearline.mail.format.reply_text import clean_text, decode

_MESSAGE_ID = re.compile(r"^\s{0,3}>?\s?message-id:\s*(<[^<>\s]{1,996}>)", re.IGNORECASE | re.MULTILINE)
_MAILER = re.compile(r"(mailer-daemon|postmaster|mail-daemon)@?", re.IGNORECASE)
_OURSELVES = (  # how exim, qmail and others begin
    "this is the mail system at host",
    "this message was created automatically by mail delivery software",
    "this is the qmail-send program",
    "a message that you sent could not be delivered",
    "undelivered mail returned to sender",
    "mail delivery failed",
    "delivery status notification",
    "undeliverable:",
    "unzustellbar",
    "returned mail:",
)
_DELAYED = re.compile(
    r"will (be retried|retry|continue to try)|has not yet been delivered|warning: message|delayed|"
    r"no action is required|you do not need to resend",
    re.IGNORECASE,
)
_BAD_ADDRESS = re.compile(r"5\.1\.(?:[012346]|10)(?!\d)")
"""No such mailbox or domain (RFC 3463, 3.2; RFC 7505). The others of 5.1 are about the sender, or no failure."""

_STATUS = re.compile(r"\b([245])\.\d{1,3}\.\d{1,3}\b")
_SEEN = 200_000
DETAIL_MAX = 255


class Bounce(Struct, frozen=True):
    """A mail that came back. ``message_ids`` are those that the report names.

    ``bad_addresses``, in small letters, are those of which the report says by the standard that they do not exist.
    """

    message_ids: tuple[str, ...]
    bad_addresses: tuple[str, ...]
    is_permanent: bool
    detail: str


def read_bounce(message: Message, headers: MailHeaders, text: str, *, envelope_from: str) -> Bounce | None:
    """The delivery report that a mail is, or None when it is none."""
    if message.get_content_type() == "multipart/report" and _report_type(message) in {"delivery-status", ""}:
        parts = [one for one in message.walk() if one.get_content_type() == "message/delivery-status"]
        if parts:
            return _of_report(parts[0], _named_in(message))
    sender = headers.sender.address if headers.sender else ""
    opening = f"{headers.subject}\n{text[:2000]}".lower()
    if not (envelope_from == "" or _MAILER.match(sender)) or not any(one in opening for one in _OURSELVES):
        return None
    ids = (*_MESSAGE_ID.findall(text[:_SEEN]), *_named_in(message))
    if not ids:
        return None
    return Bounce(tuple(dict.fromkeys(ids)), (), _DELAYED.search(text[:_SEEN]) is None, _reason(text))


def _report_type(message: Message) -> str:
    value = message.get_param("report-type", "")
    return (value[2] if isinstance(value, tuple) else str(value or "")).lower()


def _of_report(part: Message, ids: tuple[str, ...]) -> Bounce | None:
    """A report by the standard: blocks of fields, the first about the mail, the others about a recipient each."""
    payload = part.get_payload()
    blocks = [one for one in payload if isinstance(one, Message)] if isinstance(payload, list) else []
    bad = tuple(dict.fromkeys(one for block in blocks if _is_bad_address(block) for one in _addresses(block)))
    for block in blocks:
        action = _field(block, "action").lower()
        if action in {"failed", "delayed"}:
            said = f"{block.get('status', '')} {block.get('diagnostic-code', '')}"
            is_permanent = action == "failed" and not _field(block, "status").startswith("4")
            return Bounce(ids, bad, is_permanent, _short(said))
    return Bounce(ids, (), is_permanent=False, detail="no recipient failed")


def _field(block: Message, name: str) -> str:
    return str(block.get(name, "")).strip()


def _is_bad_address(block: Message) -> bool:
    return _field(block, "action").lower() == "failed" and _BAD_ADDRESS.match(_field(block, "status")) is not None


def _addresses(block: Message) -> list[str]:
    """Whom a block is about: the recipient in the end, and whom we wrote to, when that was forwarded."""
    values = [_field(block, name).rpartition(";")[2] for name in ("final-recipient", "original-recipient")]
    return [one for value in values if (one := value.strip().strip("<>").lower())]


def _named_in(message: Message) -> tuple[str, ...]:
    """The Message-IDs of the mails, or headers of mails, that came with the report."""
    found: list[str] = []
    for part in message.walk():
        kind = part.get_content_type()
        if kind == "message/rfc822" and isinstance(part.get_payload(), list):
            found += [str(one.get("message-id", "")).strip() for one in part.get_payload() if isinstance(one, Message)]
        elif kind in {"text/rfc822-headers", "message/rfc822-headers"}:
            content = part.get_payload(decode=True)
            if isinstance(content, bytes):
                found += _MESSAGE_ID.findall(decode(content[:_SEEN], None))
    return tuple(one for one in dict.fromkeys(found) if one)


def _reason(text: str) -> str:
    lines = [line.strip() for line in text[:_SEEN].split("\n")]
    said = next((line for line in lines if _STATUS.search(line) or re.match(r"\W*5\d\d\b", line)), "")
    return _short(said or next((line for line in lines if line), ""))


def _short(text: str) -> str:
    return " ".join(clean_text(text).split())[:DETAIL_MAX]
