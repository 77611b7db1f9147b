"""Parse delivery reports (RFC 3464, and the texts of old mail servers): which mails bounced, and whether for good."""

import re
from collections.abc import Iterator
from email.message import Message
from email.parser import BytesHeaderParser
from email.policy import compat32
from quopri import decodestring

from msgspec import Struct
from msgspec.structs import replace

from clearline.mail.format.body_text import clean_text
from clearline.mail.format.charset import decode
from clearline.mail.format.content import content_of
from clearline.mail.format.headers import MailHeaders
from clearline.mail.format.parts import mail_in
from clearline.mail.outbound.came_back import came_back
from clearline.mail.outbound.domain import DETAIL_MAX

_MESSAGE_ID = re.compile(r"^\s{0,3}>?\s?message-id:\s*(<[^<>\s]{1,996}>)", re.IGNORECASE | re.MULTILINE)
_DAEMON = re.compile(r"(mailer-daemon|mail-daemon)@?", re.IGNORECASE)
_POSTMASTER = re.compile(r"postmaster@?", re.IGNORECASE)
_REPLY = re.compile(r"\s*(?:re|aw|antw|sv|vs|odp|r|rif|res|回复|答复|답장)\s?[:\uff1a]", re.IGNORECASE)
_COPY = re.compile(r"^[> ]{0,9}(?:received|return-path|message-id|mime-version)\s?:", re.IGNORECASE | re.MULTILINE)
"""The headers of the mail that a report returns."""

_REPORT_PHRASES = (  # the first words of exim, qmail and others
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
"""No such mailbox or domain (RFC 3463, section 3.2; RFC 7505). The other codes of 5.1 are about the sender, or are no
failure."""

_ENHANCED = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})(?!\d)")
_BAD_RECIPIENT = frozenset({550, 551, 553})
"""Replies to RCPT about the mailbox (RFC 5321, section 4.3.2), when they have no enhanced status code."""
_POLICY = re.compile(
    r"relay|authent|authori[sz]|polic|prohibit|denied|block|black ?list|spam|spf|dmarc|reputation|sender", re.IGNORECASE
)
"""Words of replies without an enhanced status code about us or the mail, such as exim's "relay not permitted"."""

_STATUS = re.compile(r"\b([245])\.\d{1,3}\.\d{1,3}\b")
_TEXT_MAX = 200_000
_STATUS_TYPE = "message/delivery-status"
_STATUSES = {_STATUS_TYPE, "message/global-delivery-status"}
_COPIES = {"message/rfc822", "message/global", "message/rfc822-headers", "message/global-headers"}
"""Types of the parts of a report: of the report itself, and of the mail that it returns (RFC 3464, RFC 6533)."""

_BLOCKS_MAX = 1000
_BLANK = re.compile(rb"\r?\n[ \t]*(?:\r?\n[ \t]*)+")


class Bounce(Struct, frozen=True):
    """A delivery report. ``message_ids`` are the mails that it names.

    ``bad_addresses``, in lower case, are those that do not exist, according to a report in the standard format. If it
    is not certain, a person may have written the mail: it is a report only if it is about a mail of ours.
    """

    message_ids: tuple[str, ...]
    bad_addresses: tuple[str, ...]
    is_permanent: bool
    detail: str
    is_certain: bool = True


def read_bounce(raw: bytes, message: Message, headers: MailHeaders, text: str, *, envelope_from: str) -> Bounce | None:
    """Return the delivery report in a mail, or None when it is not one. The other values are those of ``raw``."""
    if message.get_content_type() == "multipart/report":
        if _report_type(message) not in {"delivery-status", ""}:
            return None  # a receipt that a mail was read, or a complaint
        parts = [part for part in _parts_of(message) if part.get_content_type() in _STATUSES]
        if parts:
            return _of_report(parts, _named_in(message) or headers.references)
    is_certain = envelope_from == "" or _is_from(_DAEMON, headers)
    if not is_certain and (not _is_from(_POSTMASTER, headers) or _REPLY.match(headers.subject)):
        return None
    return _of_old_server(raw, message, headers, text[:_TEXT_MAX], is_certain=is_certain)


def refuses_address(code: int, text: str, *, is_rcpt: bool) -> bool:
    """Return whether a server's reply to RCPT, or to DATA, says that the recipient does not exist.

    A permanent reply counts with an enhanced status code (RFC 2034) of a bad address, the same as in a report. Without
    such a code it counts only as a reply to RCPT. One to DATA is about the text (RFC 5321, section 4.3.2), which a
    customer may have chosen.
    """
    enhanced = _ENHANCED.match(text)
    if enhanced is not None:
        return 500 <= code < 600 and _BAD_ADDRESS.fullmatch(enhanced[1]) is not None
    return is_rcpt and code in _BAD_RECIPIENT and _POLICY.search(text) is None


def _is_from(pattern: re.Pattern[str], headers: MailHeaders) -> bool:
    return headers.sender is not None and pattern.match(headers.sender.address) is not None


def _of_old_server(raw: bytes, message: Message, headers: MailHeaders, text: str, *, is_certain: bool) -> Bounce | None:
    """Return the report in a mail that is not in the standard format, or None."""
    ids = tuple(dict.fromkeys((*_MESSAGE_ID.findall(text), *_named_in(message), *headers.references)))
    parts = [part for part in _parts_of(message) if part.get_content_type() in _STATUSES]
    if parts:
        return replace(_of_report(parts, ids), is_certain=is_certain)
    opening = f"{headers.subject}\n{text[:2000]}".lower()
    if not (ids and any(phrase in opening for phrase in _REPORT_PHRASES)) and not came_back(raw):
        return None
    copy = _COPY.search(text)
    own_text = text if copy is None else text[: copy.start()]
    return Bounce(ids, (), _DELAYED.search(own_text) is None, _reason(own_text), is_certain)


def _parts_of(message: Message) -> Iterator[Message]:
    """Yield the parts of a mail, but not those of mails in it."""
    yield message
    if message.is_multipart() and message.get_content_maintype() != "message":
        for part in message.get_payload():
            if isinstance(part, Message):
                yield from _parts_of(part)


def _report_type(message: Message) -> str:
    value = message.get_param("report-type", "")
    return (value[2] if isinstance(value, tuple) else str(value or "")).lower()


def _of_report(parts: list[Message], ids: tuple[str, ...]) -> Bounce:
    """Parse a report in the standard format (RFC 3464, section 2.1), which some programs send in several parts.

    It has blocks of fields: the first is about the mail, each other one about a recipient. ``Action: failed`` is final,
    whatever the status is (section 2.3.3): a server gives up also after temporary errors.
    """
    blocks = [block for part in parts for block in _blocks_of(part)]
    bad_addresses = tuple(
        dict.fromkeys(address for block in blocks if _is_bad_address(block) for address in _addresses(block))
    )
    for is_action in (_has_failed, _is_delayed):
        block = next((block for block in blocks if is_action(block)), None)
        if block is not None:
            detail = f"{block.get('status', '')} {block.get('diagnostic-code', '')}"
            return Bounce(ids, bad_addresses, is_action is _has_failed, _short(detail))
    return Bounce(ids, (), is_permanent=False, detail="no recipient failed")


def _blocks_of(part: Message) -> list[Message]:
    """Return the blocks of fields in a part, which a program may have encoded (RFC 6533, section 3)."""
    encoding = str(part.get("content-transfer-encoding", "")).strip().lower()
    payload = part.get_payload()
    if part.get_content_type() == _STATUS_TYPE and encoding not in {"base64", "quoted-printable"}:
        return [block for block in payload if isinstance(block, Message)] if isinstance(payload, list) else []
    content = mail_in(part)[0] if part.is_multipart() else content_of(part)
    if encoding == "quoted-printable":
        content = decodestring(content)
    parser = BytesHeaderParser(policy=compat32)
    return [parser.parsebytes(block) for block in _BLANK.split(content[:_TEXT_MAX].strip(), _BLOCKS_MAX)]


def _field(block: Message, name: str) -> str:
    return str(block.get(name, "")).strip()


def _has_failed(block: Message) -> bool:
    """Return whether a recipient failed: ``failed``, maybe with a comment, or ``error`` (OpenSMTPD).

    Without an action, which some programs leave out, the class of the status says it.
    """
    action = _field(block, "action").lower()
    is_failure = not action and block.get("final-recipient") is not None and _field(block, "status").startswith("5.")
    return is_failure or action.startswith(("fail", "error"))


def _is_delayed(block: Message) -> bool:
    return _field(block, "action").lower().startswith("delay")


def _is_bad_address(block: Message) -> bool:
    return _has_failed(block) and _BAD_ADDRESS.match(_field(block, "status")) is not None


def _addresses(block: Message) -> list[str]:
    """Return the final recipient in a block and, when mail was forwarded, the original one."""
    values = [_field(block, name).rpartition(";")[2] for name in ("final-recipient", "original-recipient")]
    return [address for value in values if (address := value.strip().strip("<>").lower())]


def _named_in(message: Message) -> tuple[str, ...]:
    """Return the Message-IDs of the mails, or of the headers, that are attached to the report."""
    ids: list[str] = []
    for part in _parts_of(message):
        kind = part.get_content_type()
        if kind in _COPIES and part.is_multipart():
            ids += _MESSAGE_ID.findall(clean_text(decode(mail_in(part)[0][:_TEXT_MAX], None)).partition("\n\n")[0])
        elif kind in {"text/rfc822-headers", *_COPIES}:
            ids += _MESSAGE_ID.findall(decode(content_of(part)[:_TEXT_MAX], None))
    return tuple(dict.fromkeys(ids))


def _reason(text: str) -> str:
    lines = [line.strip() for line in text[:_TEXT_MAX].split("\n")]
    reason = next((line for line in lines if _STATUS.search(line) or re.match(r"\W*5\d\d\b", line)), "")
    return _short(reason or next((line for line in lines if line), ""))


def _short(text: str) -> str:
    return " ".join(clean_text(text).split())[:DETAIL_MAX]
