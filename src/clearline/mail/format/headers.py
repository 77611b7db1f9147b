"""Parse the headers of mail that may be malformed in any way (RFC 5322, RFC 2047)."""

import re
from base64 import b64decode
from collections.abc import Collection
from email.message import Message
from email.parser import BytesHeaderParser
from email.policy import compat32
from email.quoprimime import header_decode
from email.utils import getaddresses

from msgspec import Struct
from msgspec.structs import replace

from clearline.mail.format.body_text import clean_text
from clearline.mail.format.charset import decode
from clearline.text import EMAIL, EMAIL_MAX

HEADER_BYTES_MAX = 512 * 1024
"""Bytes of a mail in which its headers are looked for."""

MESSAGE_ID_MAX = 998
SENDER_MAX = 5000
"""Characters of a From or Reply-To that are parsed; a longer one does not name exactly one sender."""

HEADER_VALUE_MAX = 20_000
"""Characters of a Cc that are parsed."""

COPIED_MAX = 50
"""The most addresses in Cc that are read."""

REFERENCES_MAX = 50
"""The most mails that a mail may reply to, of which the most probable are looked up."""

_RECIPIENTS = ("to", "cc", "delivered-to", "x-original-to", "envelope-to", "x-forwarded-to")
_NEVER_ENCODED = {"authentication-results"}
_WORD = re.compile(r"=\?([^?\s*]{1,40})(?:\*[^?\s]{0,40})?\?([bBqQ])\?([^?]{0,5000})\?=")
_BETWEEN_WORDS = re.compile(r"(\?=)\s+(?==\?)")
_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,996}>")
_ONE_SENDER = re.compile(r"([^<>]{0,900}?)<\s{0,99}([^\s<>()\"',;:]{1,254})\s{0,99}>")
_AMBIGUOUS_NAME = re.compile(r"\S@\S|[,;:()]|=\?")
_COMMENT_AT_END = re.compile(r"\([^()]*\)$")
_UNREADABLE = (RecursionError, ValueError, LookupError, TypeError, AttributeError, AssertionError)
"""What the standard library raises for malformed headers."""


class Address(Struct, frozen=True):
    """A display name and an address, in lower case."""

    name: str
    address: str


class MailHeaders(Struct, frozen=True):
    """The headers of a mail.

    ``all`` holds each of them, with names as sent, in order; ``senders`` the addresses of From.

    ``from_count`` is the number of From headers, of which only the first is read. ``references`` are the mails that
    this one may reply to, the most probable first. Message-IDs keep their brackets. ``reply_to`` is the address in
    Reply-To, if it names exactly one. ``form`` is the address of the web form that sent the mail; the sender is then
    ``reply_to``. ``cc`` are the first addresses in Cc.
    """

    all: tuple[tuple[str, str], ...]
    senders: tuple[Address, ...]
    recipients: tuple[str, ...]
    subject: str
    message_id: str | None
    references: tuple[str, ...]
    from_count: int = 1
    reply_to: Address | None = None
    form: str | None = None
    cc: tuple[Address, ...] = ()

    def values(self, name: str) -> list[str]:
        """Return all values of a header, whose name is in lower case."""
        return [value for header, value in self.all if header.lower() == name]

    def first(self, name: str) -> str:
        """Return the first value of a header, or an empty string."""
        return next(iter(self.values(name)), "")

    @property
    def sender(self) -> Address | None:
        """The sender, when From holds exactly one valid address."""
        return self.senders[0] if len(self.senders) == 1 and self.from_count == 1 else None

    def sent_through(self, forms: Collection[str]) -> "MailHeaders":
        """Return the headers with the address in Reply-To as the sender, if From is the address of one of the forms."""
        if self.sender is None or self.reply_to is None or self.sender.address not in forms:
            return self
        return replace(self, senders=(self.reply_to,), form=self.sender.address)


NO_HEADERS = MailHeaders((), (), (), "", None, ())


def read_headers(raw: bytes) -> MailHeaders:
    """Return the headers of a raw mail; ``NO_HEADERS`` when they cannot be parsed."""
    try:
        return headers_of(BytesHeaderParser(policy=compat32).parsebytes(raw[:HEADER_BYTES_MAX]))
    except _UNREADABLE:
        return NO_HEADERS


def headers_of(message: Message) -> MailHeaders:
    """Return the headers of a parsed message."""
    items = list(message.raw_items())
    unfolded_items = [(name, unfolded(value)) for name, value in items]
    by_name: dict[str, list[str]] = {}
    for name, value in unfolded_items:
        by_name.setdefault(name.lower(), []).append(value)
    in_reply_to, references, message_ids = (
        [clean_text(message_id) for value in by_name.get(name, []) for message_id in _MESSAGE_ID.findall(value)]
        for name in ("in-reply-to", "references", "message-id")
    )
    froms, reply_tos = by_name.get("from", []), by_name.get("reply-to", [])
    repliers = _senders(reply_tos[0]) if len(reply_tos) == 1 else []
    return MailHeaders(
        tuple((clean_text(name), _shown(name, value)) for name, value in unfolded_items),
        tuple(_senders(froms[0])) if froms else (),
        tuple(dict.fromkeys(_recipients(by_name))),
        " ".join(decode_words(by_name.get("subject", [""])[0]).split()),
        message_ids[0][:MESSAGE_ID_MAX] if message_ids else None,
        tuple(dict.fromkeys((*in_reply_to, *reversed(references))))[:REFERENCES_MAX],
        len(froms),
        repliers[0] if len(repliers) == 1 else None,
        cc=tuple(_named_addresses(by_name.get("cc", [])))[:COPIED_MAX],
    )


def _shown(name: str, value: str) -> str:
    """Return a header's value as it is read: encoded words could add a result to what a server verified of a sender."""
    return value if name.strip().lower() in _NEVER_ENCODED else decode_words(value)


def unfolded(value: object) -> str:
    """Return a header's value in one line, whatever bytes it was sent in."""
    text = str(value)
    if not text.isascii():
        text = decode(text.encode("ascii", "surrogateescape") if _is_escaped(text) else text.encode(), None)
    return clean_text(text).replace("\n", " ").strip()


def _is_escaped(text: str) -> bool:
    return all(ord(char) < 128 or 0xDC80 <= ord(char) <= 0xDCFF for char in text)


def decode_words(value: str) -> str:
    """Return a header's value with its encoded words decoded (RFC 2047); malformed ones stay as they are."""
    joined = _BETWEEN_WORDS.sub(r"\1", value)
    out: list[str] = []
    pending: tuple[str, bytes] | None = None
    end = 0
    for match in _WORD.finditer(joined):
        content = _word(match[2], match[3])
        if content is None:
            continue
        charset = match[1].lower()
        if pending is not None and match.start() == end and pending[0] == charset:
            pending = charset, pending[1] + content  # a character may be cut in two
        else:
            if pending is not None:
                out.append(decode(pending[1], pending[0]))
            out.append(joined[end : match.start()])
            pending = charset, content
        end = match.end()
    if pending is not None:
        out.append(decode(pending[1], pending[0]))
    out.append(joined[end:])
    return clean_text("".join(out)).replace("\n", " ")


def _word(encoding: str, text: str) -> bytes | None:
    try:
        if encoding in "qQ":
            return header_decode(text.replace(" ", "_")).encode("latin-1")
        return b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return None


def _senders(value: str) -> list[Address]:
    """Return the addresses of a From header; none when it is ambiguous, since it could be read as another person's."""
    if len(value) > SENDER_MAX:
        return []
    value = _plain_sender(value)
    pairs = [(name, address) for name, address in _addresses([value]) if address or name]
    if len(pairs) == 1:
        name, address = pairs[0]
        plain = _COMMENT_AT_END.sub("", value.rstrip()).strip()
        if not (plain == address or plain.endswith(f"<{address}>")) or plain.count("<") > 1 + name.count("<"):
            return []
    return _valid(pairs)


def _valid(pairs: list[tuple[str, str]]) -> list[Address]:
    """Return those of some names and addresses whose address is valid."""
    return [
        Address(" ".join(decode_words(name).split())[:255], address.lower())
        for name, address in pairs
        if EMAIL.fullmatch(address) and len(address) <= EMAIL_MAX and address.count("@") == 1
    ]


def _named_addresses(values: list[str]) -> list[Address]:
    """Return the addresses of a header that names any number of people, such as Cc."""
    return _valid([pair for value in values for pair in _addresses([value[:HEADER_VALUE_MAX]])])


def _plain_sender(value: str) -> str:
    """Return a From header as RFC 5322 spells it, if it names one sender beyond doubt.

    Programs write blanks inside the brackets, the address as the name, signs in names that need quotes, and a separator
    at the end.
    """
    value = value if ":" in value else value.strip().rstrip(",; ")
    match = _ONE_SENDER.fullmatch(value.strip())
    if match is None:
        return value
    name, address = match[1].strip(), match[2]
    if name.strip("'\"").casefold() == address.casefold():
        return f"<{address}>"
    if name and '"' not in name and not _AMBIGUOUS_NAME.search(name):
        name = '"' + name.replace("\\", "\\\\") + '"'
    return f"{name} <{address}>".strip()


def _recipients(by_name: dict[str, list[str]]) -> list[str]:
    values = [value for name in _RECIPIENTS for value in by_name.get(name, [])]
    return [address.lower() for value in values for _, address in _addresses([value]) if EMAIL.fullmatch(address)]


def _addresses(values: list[str]) -> list[tuple[str, str]]:
    try:
        return getaddresses(values)
    except _UNREADABLE:
        return []
