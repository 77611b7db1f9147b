"""Compression of answers for clients that accept it, and the ETag and Vary that belong to it.

An answer that is sent whole is compressed with Brotli or gzip, as the client prefers; one that is sent in parts, such
as an export, with gzip or not at all.

A compressed answer is another representation, so it has another strong ETag (RFC 9110, 8.8.3.3): that of the identity
representation with ``-br`` or ``-gzip`` at its end. In If-Match and If-None-Match all name the same state of the
resource.
"""

import asyncio
from collections.abc import Awaitable
from functools import lru_cache
from typing import NamedTuple

import brotli
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipResponder, IdentityResponder
from starlette.types import ASGIApp, Message, Receive, Scope, Send

Headers = list[tuple[bytes, bytes]]

SIZE_MIN = 1024
"""Bytes of the shortest body that is compressed; a shorter one fits into one packet as it is."""

GZIP_LEVEL = 1
"""A list of 50 tickets is 5 % of its size at this level; higher ones save little and take up to ten times as long."""

BROTLI_QUALITY = 1
"""Lists of 50 and 200 tickets take 0.11 and 0.38 ms, and are 10 % smaller than with gzip, which takes 0.27 and 0.95 ms.

Quality 2 takes twice as long for 5 % less; 5 takes seven times as long for 16 % less.
"""

UNSENT_SIZE = "clearline.unsent_size"
"""Where the scope has the length of the body that an answer with 304 does not repeat."""

_THREAD_MIN = 512 * 1024
"""Bytes from which on Brotli compresses in a thread: below it the others wait for 2 ms at most."""
_REMEMBERED_MAX = 200
"""Bytes of the longest Accept-Encoding that is remembered once it was read."""
_EXCLUDED = (*DEFAULT_EXCLUDED_CONTENT_TYPES, "message/rfc822")
"""Media types that are not compressed: what is compressed already, event streams, and mail as it was received."""

_BR, _GZIP = b"br", b"gzip"
_MARKS = {_BR: b'-br"', _GZIP: b'-gzip"'}
"""How an ETag ends, by the coding of the answer."""
_CONDITIONS = {b"if-match", b"if-none-match"}
_READ = {b"accept-encoding", *_CONDITIONS}
_EXACT = {b"content-digest", b"repr-digest"}
"""Headers of an answer that names its bytes: an attached file."""


class Accepted(NamedTuple):
    """The coding that a client prefers of those for answers that are sent whole, and for those in parts, if any."""

    whole: bytes | None
    in_parts: bytes | None


class Compression:
    """Wraps an ASGI application.

    With ``varies``, Vary names Accept-Encoding in each answer that would be compressed for another client.
    """

    def __init__(self, app: ASGIApp, *, varies: bool = False) -> None:
        self._app = app
        self._varies = varies

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Serve one request (ASGI 3)."""
        accept_encoding, known = b"", None
        for name, value in scope["headers"]:
            if name in _READ:
                if name == b"accept-encoding":
                    accept_encoding = b"%b,%b" % (accept_encoding, value) if accept_encoding else value
                else:
                    known = known or _coding_of_tag(value)
        if known is not None:
            scope["headers"] = [
                (name, _unmarked(value) if name in _CONDITIONS else value) for name, value in scope["headers"]
            ]
        if accept_encoding and (accepted := accepted_codings(accept_encoding)).whole is not None:
            return self._compressed(scope, receive, send, accepted, known)
        return self._app(scope, receive, _varying(send, scope) if self._varies else send)

    async def _compressed(
        self, scope: Scope, receive: Receive, send: Send, accepted: Accepted, known: bytes | None
    ) -> None:
        """Serve a request whose client accepts a coding. ``known`` is the coding of an answer that it has a tag of."""

        async def send_marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message["headers"]
                if message["status"] != 304:
                    coding = next((value for name, value in headers if name == b"content-encoding"), None)
                elif _stands_for_long(message, scope):
                    coding = accepted.whole
                else:
                    coding = known
                mark = _MARKS.get(coding) if coding is not None else None
                headers = headers if mark is None else _marked(headers, mark)
                message["headers"] = _varied(headers) if _stands_for_long(message, scope) else headers
            await send(message)

        await self._app(scope, receive, _Answer(send_marked, self._app, accepted).send)


class _Answer:
    """An answer that waits for its body: most are short, and go on as they are."""

    __slots__ = ("_accepted", "_app", "_responder", "_send", "_start")

    def __init__(self, send: Send, app: ASGIApp, accepted: Accepted) -> None:
        self._send, self._app, self._accepted = send, app, accepted
        self._start: Message | None = None
        self._responder: IdentityResponder | None = None

    async def send(self, message: Message) -> None:
        """Send a message on, or keep it until the next one."""
        if self._responder is not None:
            await self._responder.send_with_compression(message)
        elif message["type"] == "http.response.start":
            self._start = message
        elif self._start is not None:
            start, self._start = self._start, None
            is_whole = message["type"] == "http.response.body" and not message.get("more_body")
            coding = self._accepted.whole if is_whole else self._accepted.in_parts
            if coding is None or (is_whole and len(message.get("body", b"")) < SIZE_MIN) or _is_unchanged(start):
                await self._send(start)
                await self._send(message)
                return
            self._responder = (
                _BrotliResponder(self._app, SIZE_MIN, exclude_content_types=_EXCLUDED)
                if coding is _BR
                else GZipResponder(self._app, SIZE_MIN, GZIP_LEVEL, exclude_content_types=_EXCLUDED)
            )
            self._responder.send = self._send
            await self._responder.send_with_compression(start)
            await self._responder.send_with_compression(message)
        else:
            await self._send(message)


class _BrotliResponder(IdentityResponder):
    """Compresses an answer that is sent whole with Brotli."""

    content_encoding = "br"

    async def apply_compression(self, body: bytes, *, more_body: bool) -> bytes:  # noqa: ARG002 - there is no more
        """Return the compressed body."""
        if len(body) < _THREAD_MIN:
            return _brotli(body)
        return await asyncio.to_thread(_brotli, body)


def _brotli(body: bytes) -> bytes:
    compressed: bytes = brotli.compress(body, quality=BROTLI_QUALITY)
    return compressed


def _is_unchanged(start: Message) -> bool:
    """Return whether an answer has no body, or names its bytes."""
    return start["status"] in {204, 304} or any(name in _EXACT for name, _ in start["headers"])


def _stands_for_long(start: Message, scope: Scope) -> bool:
    """Return whether an answer is a 304 for one that would be compressed: its Vary is the same (RFC 9110, 15.4.5)."""
    return bool(start["status"] == 304 and scope.get(UNSENT_SIZE, 0) >= SIZE_MIN)


def _varying(send: Send, scope: Scope) -> Send:
    """Return what sends an answer on that is not compressed, with Vary if it would be for another client."""

    def send_varied(message: Message) -> Awaitable[None]:
        if message["type"] == "http.response.start":
            headers = message["headers"]
            name, value = headers[-1]  # the length of an answer that is sent whole
            if (name == b"content-length" and int(value) >= SIZE_MIN) or _stands_for_long(message, scope):
                message["headers"] = _varied(headers)
        return send(message)

    return send_varied


@lru_cache(maxsize=256)
def _is_excluded(content_type: bytes) -> bool:
    media_type = content_type.partition(b";")[0].strip().lower().decode("latin-1")
    return media_type in _EXCLUDED or media_type.partition("/")[0] + "/*" in _EXCLUDED


def _varied(headers: Headers) -> Headers:
    """Return headers whose Vary also names Accept-Encoding, unless the answer is compressed for no client."""
    at = None
    for index, (name, value) in enumerate(headers):
        if name == b"vary":
            at = index
        elif name in _EXACT or (name == b"content-type" and _is_excluded(value)):
            return headers
    if at is None:
        return [*headers, (b"vary", b"Accept-Encoding")]
    return [*headers[:at], (b"vary", headers[at][1] + b", Accept-Encoding"), *headers[at + 1 :]]


def _marked(headers: Headers, mark: bytes) -> Headers:
    """Return headers with the tag of the compressed representation. A weak one stands for all."""
    return [
        (name, value[:-1] + mark if name == b"etag" and not value.startswith(b"W/") else value)
        for name, value in headers
    ]


def _coding_of_tag(condition: bytes) -> bytes | None:
    """Return the coding of a compressed answer whose tag a condition has, or None when it has none."""
    return next((coding for coding, mark in _MARKS.items() if mark in condition), None)


def _unmarked(condition: bytes) -> bytes:
    """Return a condition with the tags of the identity representations."""
    for mark in _MARKS.values():
        condition = condition.replace(mark, b'"')
    return condition


def accepted_codings(accept_encoding: bytes) -> Accepted:
    """Return the codings that a client prefers (RFC 9110, 12.5.3), Brotli before gzip at the same quality.

    A coding has the quality at its name, or else that at ``*``; with 0, or less than ``identity`` has by name, it is
    not used.
    """
    read = _accepted_codings if len(accept_encoding) <= _REMEMBERED_MAX else _accepted_codings.__wrapped__
    return read(accept_encoding)


@lru_cache(maxsize=256)
def _accepted_codings(accept_encoding: bytes) -> Accepted:
    """See ``accepted_codings``. Remembered, because clients repeat it."""
    qualities = {}
    for part in accept_encoding.lower().split(b","):
        coding, _, parameter = part.partition(b";")
        qualities[coding.strip()] = _quality(parameter)
    others = qualities.get(b"*", 0.0)
    gzip = qualities.get(b"gzip", qualities.get(b"x-gzip", others))
    brotli_quality = qualities.get(b"br", others)
    least = qualities.get(b"identity", 0.0)
    in_parts = _GZIP if gzip > 0 and gzip >= least else None
    return Accepted(_BR if brotli_quality > 0 and brotli_quality >= max(gzip, least) else in_parts, in_parts)


def _quality(parameter: bytes) -> float:
    """Return the quality in what follows a coding; 1 without one, or when it is no number."""
    weight = parameter.replace(b" ", b"").replace(b"\t", b"").removeprefix(b"q=")
    if weight and not weight.strip(b"0."):
        return 0.0
    return float(weight) if weight.replace(b".", b"", 1).isdigit() else 1.0
