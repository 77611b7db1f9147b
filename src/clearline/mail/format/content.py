"""Decode the content of a part, as far as it can be (RFC 2045, section 6).

Every function accepts any input, and takes time in proportion to it.
"""

import re
from base64 import b64decode
from binascii import Error
from email.message import Message

_BASE64 = re.compile(rb"[A-Za-z0-9+/]*={0,3}")
_NO_BASE64 = re.compile(rb"\S[ \t]+\S|\A[^A-Za-z0-9+/]+\Z")
"""A line of text below base64: words with blanks between them, or a horizontal rule."""


def content_of(part: Message, *, is_text: bool = False) -> bytes:
    """Return the decoded bytes of a part; of one whose encoding is broken, what can be decoded.

    Lists and virus scanners append lines of text to text in base64: ``is_text`` keeps them.
    """
    if str(part.get("content-transfer-encoding", "")).strip().lower() == "base64" and not part.is_multipart():
        encoded = str(part.get_payload()).encode("utf-8", "surrogateescape")
        joined = b"".join(encoded.split())
        if not _BASE64.fullmatch(joined) or len(joined) % 4:
            return _from_broken_base64(encoded, is_text=is_text)
    try:
        content = part.get_payload(decode=True)
    except (ValueError, AssertionError):
        content = str(part.get_payload()).encode("utf-8", "surrogateescape")
    return content if isinstance(content, bytes) else b""


def _from_broken_base64(encoded: bytes, *, is_text: bool) -> bytes:
    """Decode base64 that is padded in between, has characters of no meaning, or has lines of text below it."""
    lines = encoded.splitlines()
    end = next((index for index, line in enumerate(lines) if _NO_BASE64.search(line.strip())), len(lines))
    out: list[bytes] = []
    pending: list[bytes] = []
    for line in lines[:end]:
        pending.append(line)
        if line.rstrip().endswith(b"="):
            out.append(_decoded(b"".join(pending)))
            pending = []
    out.append(_decoded(b"".join(pending)))
    rest = b"\n".join(lines[end:]).strip()
    return b"".join(out) + (b"\n\n" + rest if out != [b""] else rest) if is_text and rest else b"".join(out)


def _decoded(encoded: bytes) -> bytes:
    """Return the bytes of base64, without characters that do not belong to it, and without a part of a byte."""
    digits = b"".join(re.findall(rb"[A-Za-z0-9+/]+", encoded))
    digits = digits[: len(digits) - (len(digits) % 4 == 1)]
    try:
        return b64decode(digits + b"=" * (-len(digits) % 4))
    except Error:
        return b""
