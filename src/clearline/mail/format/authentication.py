"""Read what a mail server verified of the sender of a mail (``Authentication-Results``, RFC 8601).

All functions accept any input, and take time in proportion to it.
"""

import re
from collections.abc import Iterator

from msgspec import Struct

from clearline.mail.format.headers import MailHeaders

_HEADER = "authentication-results"
_PIECE = re.compile(r'"(?:[^"\\]|\\.)*"|;|\\.|[^"();\\]+')
_COMMENT_MARK = re.compile(r"\\.|[()]")
_EQUALS = re.compile(r"\s*=\s*")
_WORD = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[^\s"])+')
_ESCAPED = re.compile(r"\\(.)")


class _Malformed(Exception):
    """A header does not have the syntax of RFC 8601."""


class _Result(Struct, frozen=True):
    """The result of one method, such as ``dmarc``; its properties, such as ``header.from``. All in lower case."""

    method: str
    result: str
    properties: dict[str, str]


def is_authentic(headers: MailHeaders, server: str) -> bool:
    """Return whether a mail server verified the sender: DMARC passed, or the sender had signed in to that server.

    Only headers with ``server``, in lower case, as their authserv-id count: that server must remove such headers from
    the mail it receives (RFC 8601, section 5). In doubt the sender is not verified: if any of the headers is malformed,
    if DMARC has several results of which one is not a pass of the sender's domain, or if it names another domain.
    """
    sender = headers.sender
    if sender is None:
        return False
    try:
        results = [result for value in headers.values(_HEADER) for result in _results(value, server)]
    except _Malformed:
        return False
    domain = sender.address.rpartition("@")[2]
    dmarc = [result for result in results if result.method == "dmarc"]
    if dmarc:
        return all(result.result == "pass" and result.properties.get("header.from") == domain for result in dmarc)
    signed_in = [result for result in results if result.method == "auth"]
    return bool(signed_in) and all(
        result.result == "pass" and result.properties.get("smtp.auth") == sender.address for result in signed_in
    )


def _results(value: str, server: str) -> list[_Result]:
    """Return the results in the value of a header; none when another server added it."""
    first, *others = ["".join(part) for part in _parts(value)]
    words = _WORD.findall(first)
    if not words or _unquoted(words[0]) != server:
        return []
    return [_result(part) for part in others if part.strip().lower() not in {"", "none"}]


def _parts(value: str) -> Iterator[list[str]]:
    """Yield the parts between semicolons, without comments. Strings between quotes stay as they are."""
    part: list[str] = []
    at = 0
    while at < len(value):
        if value[at] == "(":
            at = _comment_end(value, at)
            part.append(" ")
            continue
        piece = _PIECE.match(value, at)
        if piece is None:
            raise _Malformed
        if piece[0] == ";":
            yield part
            part = []
        else:
            part.append(piece[0])
        at = piece.end()
    yield part


def _comment_end(value: str, start: int) -> int:
    """Return the index after a comment, in which others may be nested."""
    depth = 0
    for mark in _COMMENT_MARK.finditer(value, start):
        depth += {"(": 1, ")": -1}.get(mark[0], 0)
        if not depth:
            return mark.end()
    raise _Malformed


def _result(part: str) -> _Result:
    """Return the result in a part: ``method=result``, and properties ``type.name=value``, each at most once."""
    words = _WORD.findall(_without_blanks_at_equals(part))
    pairs = [
        (name.lower(), equals, _unquoted(value)) for name, equals, value in (word.partition("=") for word in words)
    ]
    if any(not equals or not name for name, equals, _value in pairs):
        raise _Malformed
    (method, _equals, result), *properties = pairs
    by_name = {name: value for name, _equals, value in properties}
    if len(by_name) < len(properties):
        raise _Malformed
    return _Result(method.partition("/")[0], result, by_name)


def _without_blanks_at_equals(part: str) -> str:
    """Return a part with no blanks around ``=``, except inside quotes."""
    pieces = re.split(r'("(?:[^"\\]|\\.)*")', part)
    pieces[::2] = [_EQUALS.sub("=", piece) for piece in pieces[::2]]
    return "".join(pieces)


def _unquoted(value: str) -> str:
    """Return a value in lower case, without the quotes around it."""
    if len(value) > 1 and value.startswith('"') and value.endswith('"') and _WORD.fullmatch(value):
        value = _ESCAPED.sub(r"\1", value[1:-1])
    return value.lower()
