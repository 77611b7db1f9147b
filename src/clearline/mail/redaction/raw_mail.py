"""Rewrite a raw mail without words or files: decode each part, replace, and encode that part as it was.

Everything else stays as it was received. A mail that cannot be rewritten for sure is replaced by a note that says so.
"""

import codecs
import hashlib
import quopri
import re
from base64 import b64decode, encodebytes
from collections.abc import Collection
from email.errors import MessageError
from email.header import Header, decode_header
from email.message import Message
from email.parser import BytesHeaderParser
from email.policy import compat32
from email.utils import collapse_rfc2231_value

from clearline.mail.format.content import content_of
from clearline.mail.format.parts import DEPTH_MAX, MailUnreadable, message_of
from clearline.redactor import MARK, Redactor

UNREADABLE = "This mail held words that were redacted, and could not be rewritten without them."
"""What replaces a mail that cannot be rewritten."""

_BLANK = re.compile(rb"\r?\n\r?\n|\A\r?\n")
_FIELD = re.compile(rb"^[^\s:][^:\r\n]*:[^\r\n]*(?:\r?\n[ \t][^\r\n]*)*", re.MULTILINE)
_KEPT = {b"from", b"to", b"date", b"message-id", b"in-reply-to", b"references"}
_ADDRESSES = {"from", "to", "cc", "bcc", "reply-to", "sender"}
_NO_BASE64 = re.compile(rb"[^A-Za-z0-9+/=]")
_END = re.compile(rb"\s*\Z")
_REMOVED_HEADERS = {b"content-type", b"content-transfer-encoding", b"content-disposition", b"content-description"}
_ADDRESS = re.compile(r"(.*?)(<[^<>]*>[^<>]*)", re.DOTALL)


class _Unsafe(Exception):
    """A part cannot be rewritten for sure."""


def redact_mail(raw: bytes, redactor: Redactor, files: Collection[bytes] = ()) -> bytes | None:
    """Return a raw mail without the words, and without the files of these SHA-256; None when it has none of them."""
    try:
        redacted = _part(raw, redactor, files, "text/plain", 0)
        if redacted == raw and not _holds(raw, redactor, files):
            return None
        if redacted != raw and not _holds(redacted, redactor, files):
            return redacted
    except (_Unsafe, MailUnreadable, MessageError, ValueError, LookupError, RecursionError):
        if not redactor.is_in_bytes(raw) and not files:
            return None
    redactor.count += 1
    return _replaced(raw, redactor)


def _replaced(raw: bytes, redactor: Redactor) -> bytes:
    """Return the note that replaces a mail, with the headers by which it is found if they do not hold the words."""
    blank = _BLANK.search(raw)
    head = raw if blank is None else raw[: blank.start()]
    fields = [
        field
        for field in _FIELD.findall(head)
        if field.partition(b":")[0].strip().lower() in _KEPT and not redactor.is_in_bytes(field)
    ]
    fields.append(b"Content-Type: text/plain; charset=us-ascii")
    return b"\r\n".join(fields) + b"\r\n\r\n" + UNREADABLE.encode() + b"\r\n"


def _holds(raw: bytes, redactor: Redactor, files: Collection[bytes]) -> bool:
    """Return whether a mail holds the words or files, as the standard library reads it, or in its bytes."""
    if redactor.is_in_bytes(raw):
        return True
    for part in message_of(raw).walk():
        if any(redactor.holds(_decoded_header(str(value))) for value in part.values()):
            return True
        if redactor.holds(part.get_filename() or ""):
            return True
        if part.is_multipart():
            continue
        content = content_of(part, is_text=True)
        if redactor.is_in_bytes(content) or redactor.holds(content.decode("latin-1")):
            return True
        if hashlib.sha256(content_of(part)).digest() in files:
            return True
    return False


def _part(raw: bytes, redactor: Redactor, files: Collection[bytes], default_type: str, depth: int) -> bytes:
    """Return a part with its headers, rewritten."""
    if depth > DEPTH_MAX:
        raise _Unsafe
    blank = _BLANK.search(raw)
    head, gap, body = (raw, b"", b"") if blank is None else (raw[: blank.start()], blank[0], raw[blank.end() :])
    message = BytesHeaderParser(policy=compat32).parsebytes(head + b"\n\n")
    message.set_default_type(default_type)
    head = _FIELD.sub(lambda field: _field(field[0], redactor), head)
    kind, boundary = message.get_content_type(), message.get_boundary()
    if message.get_content_maintype() == "multipart" and boundary:
        inner = "message/rfc822" if kind == "multipart/digest" else "text/plain"
        return head + gap + _multipart(body, boundary, redactor, files, inner, depth)
    if kind in {"message/rfc822", "message/global"}:
        content = _decoded(message, body)
        redacted = _part(content, redactor, files, "text/plain", depth + 1)
        return head + gap + (body if redacted == content else _encoded(message, redacted, body))
    return _leaf(message, (head, gap, body), redactor, files)


def _multipart(
    body: bytes, boundary: str, redactor: Redactor, files: Collection[bytes], inner: str, depth: int
) -> bytes:
    """Return the parts between boundaries, each rewritten, with what stands before and after them."""
    line = re.escape(boundary.encode("utf-8", "surrogateescape"))
    pieces = re.split(rb"(?m)(^--" + line + rb"(?:--)?[ \t]*(?:\r?\n|\r?\Z))", body)
    out = [redactor.utf_8(pieces[0])]
    for delimiter, piece in zip(pieces[1::2], pieces[2::2], strict=True):
        is_end = delimiter.rstrip().endswith(boundary.encode("utf-8", "surrogateescape") + b"--")
        out += [delimiter, redactor.utf_8(piece) if is_end else _part(piece, redactor, files, inner, depth + 1)]
    return b"".join(out)


def _leaf(message: Message, parts: tuple[bytes, bytes, bytes], redactor: Redactor, files: Collection[bytes]) -> bytes:
    """Return a part without parts, rewritten; of a file with the words nothing stays but the mark."""
    head, gap, body = parts
    content = _decoded(message, body)
    if files and {hashlib.sha256(content).digest(), hashlib.sha256(_END.sub(b"", content)).digest(),
                  hashlib.sha256(re.sub(rb"\r?\n\Z", b"", content)).digest()} & set(files):  # fmt: skip
        redactor.count += 1
        return _removed(head, gap, body)
    if message.get_content_maintype() == "text":
        text, codec = _text(content, message.get_content_charset())
        redacted = redactor.text(text)
        if message.get_content_subtype() in {"html", "xml", "enriched"}:
            redacted = redactor.html(redacted)
        if redacted == text:
            return head + gap + body
        return head + gap + _encoded(message, redacted.encode(codec, "surrogateescape"), body)
    if redactor.is_in_bytes(content):
        redactor.count += 1
        return _removed(head, gap, body)
    return head + gap + body


def _removed(head: bytes, gap: bytes, body: bytes) -> bytes:
    """Return a part whose content is removed, and whose name is not told."""
    newline = b"\r\n" if b"\r\n" in gap else b"\n"
    fields = [
        field for field in _FIELD.findall(head) if field.partition(b":")[0].strip().lower() not in _REMOVED_HEADERS
    ]
    fields.append(b"Content-Type: text/plain; charset=us-ascii")
    end = _END.search(body)
    return newline.join(fields) + newline * 2 + MARK.encode() + (b"" if end is None else end[0])


def _encoding(message: Message) -> str:
    return str(message.get("content-transfer-encoding", "")).strip().lower()


def _decoded(message: Message, body: bytes) -> bytes:
    """Return the content of a part."""
    match _encoding(message):
        case "base64":
            digits = _NO_BASE64.sub(b"", body)
            try:
                return b64decode(digits + b"=" * (-len(digits) % 4))
            except ValueError:
                raise _Unsafe from None
        case "quoted-printable":
            return quopri.decodestring(body)
        case "x-uuencode" | "uuencode" | "x-uue" | "uue":
            raise _Unsafe
        case _:
            return body


def _encoded(message: Message, content: bytes, body: bytes) -> bytes:
    """Return content encoded as the body of its part was, with the same end of lines."""
    newline = b"\r\n" if b"\r\n" in body else b"\n"
    end = _END.search(body)
    last = b"" if end is None else end[0]
    match _encoding(message):
        case "base64":
            return newline.join(encodebytes(content).split(b"\n")).rstrip() + last
        case "quoted-printable":
            text = re.sub(rb"\r?\n", newline, quopri.encodestring(content.replace(b"\r\n", b"\n")))
            return re.sub(rb"\s*\Z", b"", text) + last
        case _:
            return content


def _text(content: bytes, charset: str | None) -> tuple[str, str]:
    """Return the text of bytes, and a codec that gives the same bytes again."""
    for label in (charset, "utf-8"):
        try:
            codec = codecs.lookup(label or "utf-8").name
            text = content.decode(codec)
            if text.encode(codec) == content:
                return text, codec
        except (LookupError, ValueError):
            continue
    return content.decode("utf-8", "surrogateescape"), "utf-8"


def _decoded_header(value: str) -> str:
    """Return the text of a header, whose words may be encoded (RFC 2047)."""
    unfolded = re.sub(r"\r?\n(?=[ \t])", "", value)
    texts = []
    for content, charset in decode_header(unfolded):
        if isinstance(content, str):
            texts.append(content)
        else:
            texts.append(_text(content, None if charset == "unknown-8bit" else charset)[0])
    return "".join(texts)


def _field(field: bytes, redactor: Redactor) -> bytes:
    """Return a field of a header, rewritten if it holds the words."""
    name, _, rest = field.decode("utf-8", "surrogateescape").partition(":")
    text = _decoded_header(rest)
    if name.strip().lower().startswith("content-"):
        return _content_field(field, name, redactor)
    if not redactor.holds(text) and not redactor.holds(rest):
        return field
    redacted = redactor.text(text).strip()
    if name.strip().lower() in _ADDRESSES:
        redacted = re.sub(_ADDRESS, _address, redacted) if "<" in redacted else redacted
    encoded = redacted if redacted.isascii() else Header(redacted, "utf-8", header_name=name).encode(linesep="\n")
    newline = b"\r\n" if b"\r\n" in field else b"\n"
    return f"{name}: {encoded}".encode("utf-8", "surrogateescape").replace(b"\n", newline)


def _address(match: re.Match[str]) -> str:
    name = match[1].strip(' \t"')
    if not name.isascii():
        return f"{Header(name, 'utf-8').encode(linesep='', maxlinelen=0)} {match[2]}"
    return f'"{name}" {match[2]}' if name else match[2]


def _content_field(field: bytes, name: str, redactor: Redactor) -> bytes:
    """Return a field that describes a part, rewritten if a parameter of it holds the words, such as a file's name."""
    message = BytesHeaderParser(policy=compat32).parsebytes(field + b"\n\n")
    parameters = message.get_params(header=name.strip()) or []
    values = [(key, collapse_rfc2231_value(value)) for key, value in parameters]
    texts = [(key, _decoded_header(value)) for key, value in values]
    if not any(redactor.holds(key) or redactor.holds(value) for key, value in texts):
        return field
    first = redactor.text(texts[0][0])
    rest = [f'{key}="{redactor.text(value)}"' for key, value in texts[1:]]
    line = "; ".join([first, *rest]).encode("ascii", "replace").decode()
    return f"{name}: {line}".encode()
