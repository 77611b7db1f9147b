"""Parse a mail into headers, text and files (RFC 2045 to 2049, RFC 3676, RFC 2392)."""

import mimetypes
import re
import unicodedata
from base64 import b64decode
from email.message import Message
from email.parser import BytesFeedParser
from email.policy import Compat32
from io import BytesIO
from typing import Any

from msgspec import Struct

from clearline.mail.format.body_text import clean_text, combined, join_flowed
from clearline.mail.format.charset import charset_of_html, decode, is_text_of
from clearline.mail.format.content import content_of
from clearline.mail.format.headers import MailHeaders, decode_words, headers_of, read_headers, unfolded
from clearline.mail.format.html_text import text_from_html
from clearline.tickets.attachments import domain as attachment
from clearline.tickets.attachments.domain import ANY_TYPE

FILES_MAX = 200
"""The most files of a mail that are read; the others are only named."""

DEPTH_MAX = 40
"""The deepest nesting of parts."""

PARTS_MAX, BOUNDARIES_MAX = 5000, 100
"""The most lines that may begin a part, and the most boundaries; a mail with more is not parsed."""

LINES_MAX, BLOCKS_MAX, HEADERS_MAX, HEADER_LINES_MAX = 1_000_000, 20_000, 512 * 1024, 10_000
"""The most lines of a mail, blank lines of a delivery report, and bytes and lines of headers.

A mail with more is not parsed.
"""

PARAMETERS_MAX = 10_000
"""Characters in which the parameters of a header are looked for; the standard library takes quadratic time."""

_FED_AT_ONCE = 64 * 1024
TRACKER_MAX = 512
"""Bytes of an inline image; smaller ones are tracking pixels and left out."""

_SIGNATURES = {"application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature"}
_ENCRYPTED_TYPES = {"multipart/encrypted", "application/pgp-encrypted"}
_SMIME_TYPES = {"application/pkcs7-mime", "application/x-pkcs7-mime"}
_UNNAMED = {"application/ms-tnef": "winmail.dat", "application/vnd.ms-tnef": "winmail.dat"}
_UNTYPED = {*_UNNAMED, "text/calendar", "application/ics"}
"""Types stored as files without a type: Clearline cannot read them, but somebody may need them."""

_TEXTS = {"text/plain", "text/html"}
_NO_TEXTS = {"text/calendar", "text/rtf", "text/vcard", "text/x-vcard", "text/directory", "text/rfc822-headers"}
"""Types of text that are files, even without a name. Any other is text as text/plain (RFC 2046, section 4.1.4)."""

_BOUNDARY = re.compile(rb"boundary[*0-9]{0,9}\s{0,99}=", re.IGNORECASE)
_REPORT = re.compile(rb"message/(?:global-)?delivery-status", re.IGNORECASE)
_BLANK = re.compile(rb"\n\r?\n|\r\r")
_HIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


class MailFile(Struct, frozen=True):
    """A file of a mail. Its name is valid for an attachment."""

    name: str
    media_type: str
    content: bytes


class ParsedMail(Struct, frozen=True):
    """A parsed mail. ``omitted_files`` names the files after ``FILES_MAX``. An encrypted mail has no readable text."""

    headers: MailHeaders
    text: str
    files: tuple[MailFile, ...]
    omitted_files: tuple[str, ...]
    is_encrypted: bool


class MailUnreadable(Exception):
    """The structure of the mail cannot be parsed. The text says why."""


class _Exact(Compat32):
    """Keeps headers as they were received: the policies of the standard library change blanks and long lines."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        """Return the name and the value of a header, with the blanks around it."""
        name, _, value = sourcelines[0].partition(":")
        return name, "".join((value, *sourcelines[1:])).rstrip("\r\n")

    def header_fetch_parse(self, name: str, value: str) -> Any:
        """Return the value of a header as other policies do."""
        value = value.lstrip(" \t")
        has_parameters = name.lower().startswith("content-")
        return super().header_fetch_parse(name, value[:PARAMETERS_MAX] if has_parameters else value)

    def fold_binary(self, name: str, value: str) -> bytes:
        """Return a header with its line end."""
        return f"{name}:{value}{self.linesep}".encode("utf-8", "surrogateescape")


_EXACT = _Exact()


class _Contents:
    """The files in the parts so far."""

    def __init__(self) -> None:
        self.files: list[MailFile] = []
        self.omitted_files: list[str] = []
        self.is_encrypted = False
        self.has_text = False

    def add(self, name: str, media_type: str, content: bytes) -> None:
        valid_name = _file_name(name, media_type, len(self.files) + len(self.omitted_files) + 1)
        if len(self.files) < FILES_MAX:
            stored_type = ANY_TYPE if media_type in _UNTYPED else media_type
            self.files.append(MailFile(valid_name, stored_type, content))
        else:
            self.omitted_files.append(valid_name)


def message_of(raw: bytes) -> Message:
    """Parse a raw mail with the standard library.

    Raises:
        MailUnreadable: parts are nested too deep, or there are too many parts or lines.
    """
    _refuse_bombs(raw)
    linesep = "\r\n" if 2 * raw.count(b"\r\n") > raw.count(b"\n") else "\n"
    try:
        parser = BytesFeedParser(policy=_EXACT.clone(linesep=linesep))
        for at in range(0, len(raw), _FED_AT_ONCE):  # message_from_bytes takes five times the memory
            parser.feed(raw[at : at + _FED_AT_ONCE])
        return parser.close()
    except RecursionError:
        raise MailUnreadable("its parts are nested too deep") from None


def _refuse_bombs(raw: bytes) -> None:
    """Refuse mail that the standard library parses too slowly: it compares each line with every open boundary."""
    if raw.count(b"\n--") + raw.count(b"\r--") > PARTS_MAX:
        raise MailUnreadable("too many parts")
    if sum(1 for _ in _BOUNDARY.finditer(raw)) > BOUNDARIES_MAX:
        raise MailUnreadable("its parts are nested too deep")
    if raw.count(b"\n") + raw.count(b"\r") - raw.count(b"\r\n") > LINES_MAX:
        raise MailUnreadable("too many lines")
    if _REPORT.search(raw) and sum(1 for _ in _BLANK.finditer(raw)) > BLOCKS_MAX:
        raise MailUnreadable("too many parts")
    end = _BLANK.search(raw)
    size = len(raw) if end is None else end.start()
    if size > HEADERS_MAX or raw.count(b"\n", 0, size) > HEADER_LINES_MAX:
        raise MailUnreadable("its headers are too long")


def parse(raw: bytes) -> ParsedMail:
    """Parse a raw mail. Archives are not opened. The type of a file is what its part declares.

    Raises:
        MailUnreadable: as for ``message_of``.
    """
    return read_message(message_of(raw))


def read_message(message: Message) -> ParsedMail:
    """Return the headers, text and files of a parsed message.

    Raises:
        MailUnreadable: parts are nested too deep.
    """
    contents = _Contents()
    text = _read(message, contents, 0)
    return ParsedMail(
        headers_of(message),
        text.strip("\n"),
        tuple(contents.files),
        tuple(contents.omitted_files),
        contents.is_encrypted,
    )


def _read(part: Message, contents: _Contents, depth: int) -> str:
    """Return the text of a part, and add its files to ``contents``."""
    if depth > DEPTH_MAX:
        raise MailUnreadable("its parts are nested too deep")
    kind = part.get_content_type()
    if kind in _ENCRYPTED_TYPES:
        contents.is_encrypted = True
    if part.is_multipart() and not kind.startswith("message/"):
        inner_parts = [inner_part for inner_part in part.get_payload() if isinstance(inner_part, Message)]
        if kind == "multipart/alternative":
            return _best(
                [
                    (inner_part.get_content_type(), _read_choice(inner_part, contents, depth))
                    for inner_part in inner_parts
                ]
            )
        texts = [_read(inner_part, contents, depth + 1) for inner_part in inner_parts]
        return "\n\n".join(text for text in texts if text.strip())
    if _is_text(part, kind, contents):
        text = _text(part, kind)
        contents.has_text = contents.has_text or bool(text.strip())
        return text
    _add_file(part, kind, contents)
    return ""


def _read_choice(part: Message, contents: _Contents, depth: int) -> str:
    """Return the text of one of several alternatives: none of them is a file because of its name."""
    had_text, contents.has_text = contents.has_text, False
    text = _read(part, contents, depth + 1)
    contents.has_text = contents.has_text or had_text
    return text


def _best(choices: list[tuple[str, str]]) -> str:
    """Return the best of several alternatives: plain text, unless it is empty, with what it lacks of the others."""
    filled = [(kind, text) for kind, text in choices if text.strip()]
    plain = [text for kind, text in filled if kind == "text/plain"]
    best = next(iter(plain), filled[-1][1] if filled else "")
    for _, text in filled:
        best = combined(best, text)
    return best


def _is_text(part: Message, kind: str, contents: _Contents) -> bool:
    """Return whether a part is text of the mail: plain text or HTML, or the first text of a type that has no name."""
    if kind in _TEXTS or kind.startswith("multipart/"):
        return not _is_file(part, contents)
    is_text = kind.startswith("text/") and kind not in _NO_TEXTS and not contents.has_text
    return is_text and part.get_content_disposition() != "attachment" and not _declared_name(part)


def _is_file(part: Message, contents: _Contents) -> bool:
    """Return whether a part with text is a file: an attachment, or one with a name below the text of the mail."""
    return part.get_content_disposition() == "attachment" or (contents.has_text and bool(_declared_name(part)))


def _text(part: Message, kind: str) -> str:
    content, charset = content_of(part, is_text=True), _parameter(part, "charset")
    if kind == "text/html" and not is_text_of(content, charset):
        charset = charset_of_html(content) or charset
    text = clean_text(decode(content, charset))
    if kind == "text/html":
        return text_from_html(text)
    if _parameter(part, "format").lower() == "flowed":
        return join_flowed(text, deletes_space=_parameter(part, "delsp").lower() == "yes")
    return text


def _add_file(part: Message, kind: str, contents: _Contents) -> None:
    name = _declared_name(part)
    if kind in _SIGNATURES:
        return
    if kind in _SMIME_TYPES:
        contents.is_encrypted = True
    if kind.startswith("message/") and part.is_multipart():
        content, subject = mail_in(part)
        contents.add(name or f"{subject[:100] or kind.partition('/')[2]}.eml", "message/rfc822", content)
        return
    content = content_of(part)
    is_shown = part.get_content_disposition() == "inline" or part.get("content-id") is not None or not name
    if kind.startswith("image/") and is_shown and len(content) <= TRACKER_MAX:
        return
    if content or name:
        contents.add(name, kind if kind != "text/plain" or _is_plain(part) else ANY_TYPE, content)


def _is_plain(part: Message) -> bool:
    """Return whether a part says that it is plain text, rather than nothing readable (RFC 2045, section 5.2)."""
    return str(part.get("content-type", "text/plain")).strip().lower().startswith("text/plain")


def mail_in(part: Message) -> tuple[bytes, str]:
    """Return the bytes of a mail, or of other fields, in a part that was parsed as one, and its subject.

    Some programs encode it, against RFC 2046, section 5.2.1.
    """
    mails = [mail for mail in part.get_payload() if isinstance(mail, Message)]
    content = b"\n".join(map(_bytes_of, mails))
    if str(part.get("content-transfer-encoding", "")).strip().lower() == "base64" and not any(
        mail.keys() for mail in mails
    ):
        try:
            content = b64decode(b"".join(content.split()), validate=True)
        except ValueError:
            return content, ""
        return content, read_headers(content).subject
    return content, decode_words(str(mails[0].get("subject", ""))) if len(mails) == 1 else ""


def _bytes_of(part: Message) -> bytes:
    """Return a mail in a mail as it was received, so that its signatures stay valid."""
    from email.generator import BytesGenerator  # noqa: PLC0415 - only for mails in mails

    out = BytesIO()
    try:
        BytesGenerator(out, mangle_from_=False, maxheaderlen=0, policy=part.policy).flatten(part)
    except (ValueError, TypeError, KeyError, LookupError):
        return str(part.get_payload()).encode("utf-8", "replace")
    return out.getvalue()


def _parameter(part: Message, name: str) -> str:
    try:
        value = part.get_param(name, "")
    except (ValueError, TypeError, AttributeError, LookupError):
        return ""
    return _decoded(value).strip()


def _decoded(value: tuple[str | None, str | None, str] | str | None) -> str:
    """Return a parameter as text; a tuple is one in a charset of its own (RFC 2231)."""
    if not isinstance(value, tuple):
        return str(value or "")
    charset, _, text = value
    return decode(text.encode("latin-1", "replace"), charset)


def _declared_name(part: Message) -> str:
    for header, value in part.raw_items():
        if header.lower() in {"content-type", "content-disposition"} and not str(value).isascii():
            part.replace_header(header, unfolded(value))
    for header, parameter in (("content-disposition", "filename"), ("content-type", "name")):
        try:
            values: list[Any] = [value for key, value in part.get_params([], header) if key.lower() == parameter]
            extended = next((value for value in values if isinstance(value, tuple)), None)  # RFC 6266, section 4.3
            name = decode_words(_decoded(extended or next(iter(values), ""))).strip()
        except (ValueError, TypeError, AttributeError, LookupError):
            continue
        if name:
            return name
    return ""


def _file_name(name: str, media_type: str, number: int) -> str:
    """Return a valid file name: the last part of a path, without invisible characters, and not too long."""
    name = unicodedata.normalize("NFC", _HIDDEN.sub("", clean_text(name))).replace("\\", "/").rpartition("/")[2]
    name = (
        " ".join(name.split()).strip(". ")
        or _UNNAMED.get(media_type)
        or f"file-{number}{mimetypes.guess_extension(media_type) or '.bin'}"
    )
    if len(name) > attachment.NAME_MAX:
        stem, dot, ending = name.rpartition(".")
        short = f"{dot}{ending}" if dot and len(ending) <= 10 else ""
        name = (stem or name)[: attachment.NAME_MAX - len(short)] + short
    return name
