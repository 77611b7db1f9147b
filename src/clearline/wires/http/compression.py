"""Compression of answers for clients that accept gzip, and the entity tags that belong to it.

A compressed answer is another representation, so it has another strong ETag (RFC 9110, 8.8.3.3): that of the identity
representation with ``-gzip`` at its end. In If-Match and If-None-Match both name the same state of the resource.
"""

from collections.abc import Awaitable

from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipResponder
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SIZE_MIN = 1024
"""Bytes of the shortest body that is compressed; a shorter one fits into one packet as it is."""

LEVEL = 1
"""A list of 50 tickets is 5 % of its size at this level; higher ones save little and take up to ten times as long."""

UNSENT_SIZE = "clearline.unsent_size"
"""Where the scope has the length of the body that an answer with 304 does not repeat."""

_EXCLUDED = (*DEFAULT_EXCLUDED_CONTENT_TYPES, "message/rfc822")
"""Media types that are not compressed: what is compressed already, event streams, and mail as it was received."""

_MARK = b'-gzip"'
_CONDITIONS = {b"if-match", b"if-none-match"}
_READ = {b"accept-encoding", *_CONDITIONS}
_EXACT = {b"content-digest", b"repr-digest"}
"""Headers of an answer that names its bytes: an attached file."""


class Compression:
    """Wraps an ASGI application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Serve one request (ASGI 3)."""
        is_accepted = is_marked = False
        for name, value in scope["headers"]:
            if name in _READ:
                if name == b"accept-encoding":
                    is_accepted = accepts_gzip(value)
                else:
                    is_marked = is_marked or _MARK in value
        if is_marked:
            scope["headers"] = [
                (name, value.replace(_MARK, b'"') if name in _CONDITIONS else value) for name, value in scope["headers"]
            ]
        if is_accepted:
            return self._compressed(scope, receive, send, is_marked=is_marked)
        return self._app(scope, receive, send)

    async def _compressed(self, scope: Scope, receive: Receive, send: Send, *, is_marked: bool) -> None:
        """Serve a request whose client accepts gzip. ``is_marked``: it has a tag of a compressed answer."""

        async def send_marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message["headers"]
                is_unsent = message["status"] == 304 and (is_marked or scope.get(UNSENT_SIZE, 0) >= SIZE_MIN)
                if is_unsent or (b"content-encoding", b"gzip") in headers:
                    message["headers"] = [(name, _CHANGED.get(name, bytes)(value)) for name, value in headers]
            await send(message)

        await self._app(scope, receive, _Answer(send_marked, self._app).send)


class _Answer:
    """An answer that waits for its body: most are short, and go on as they are."""

    __slots__ = ("_app", "_responder", "_send", "_start")

    def __init__(self, send: Send, app: ASGIApp) -> None:
        self._send, self._app = send, app
        self._start: Message | None = None
        self._responder: _Responder | None = None

    async def send(self, message: Message) -> None:
        """Send a message on, or keep it until the next one."""
        if self._responder is not None:
            await self._responder.send_with_compression(message)
        elif message["type"] == "http.response.start":
            self._start = message
        elif self._start is not None:
            start, self._start = self._start, None
            if message["type"] == "http.response.body" and not message.get("more_body") and _is_short(message):
                await self._send(start)
                await self._send(message)
                return
            self._responder = _Responder(self._app, SIZE_MIN, LEVEL, exclude_content_types=_EXCLUDED)
            self._responder.send = self._send
            await self._responder.send_with_compression(start)
            await self._responder.send_with_compression(message)
        else:
            await self._send(message)


def _is_short(message: Message) -> bool:
    return len(message.get("body", b"")) < SIZE_MIN


class _Responder(GZipResponder):
    """Compresses an answer that has a body, unless the answer names its bytes."""

    is_unchanged = False

    async def send_with_compression(self, message: Message) -> None:
        """Send a part of the answer on, compressed or not."""
        if message["type"] == "http.response.start":
            self.is_unchanged = message["status"] in {204, 304} or any(name in _EXACT for name, _ in message["headers"])
        await (self.send(message) if self.is_unchanged else super().send_with_compression(message))


def _marked(tag: bytes) -> bytes:
    """Return the tag of the compressed representation. A weak one stands for both."""
    return tag if tag.startswith(b"W/") or tag.endswith(_MARK) else tag[:-1] + _MARK


def _once(vary: bytes) -> bytes:
    """Return a value of Vary that names each header once."""
    return b", ".join(dict.fromkeys(name.strip() for name in vary.split(b",")))


_CHANGED = {b"etag": _marked, b"vary": _once}
"""What becomes of the headers of an answer that is compressed."""


def accepts_gzip(accept_encoding: bytes) -> bool:
    """Return whether a client accepts gzip (RFC 9110, 12.5.3): by name, or by ``*``, and not with a quality of 0."""
    qualities = {}
    for part in accept_encoding.lower().split(b","):
        coding, _, parameter = part.partition(b";")
        weight = parameter.replace(b" ", b"").removeprefix(b"q=")
        qualities[coding.strip()] = not parameter or weight.strip(b"0.") != b""
    return qualities.get(b"gzip", qualities.get(b"x-gzip", qualities.get(b"*", False)))
