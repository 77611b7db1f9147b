"""A request in a wire, and its answer."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from datetime import datetime
from typing import Any, Protocol, TypeVar
from uuid import UUID

import msgspec
import xxhash
from msgspec import Struct
from starlette.types import Receive, Send
from starlette.types import Scope as AsgiScope

from clearline.accounts.key_ring import KeyRing
from clearline.event_stream.event_signal import EventSignal
from clearline.identity import Actor
from clearline.mail.templates.rendering import Render
from clearline.platform.database.transactions import Database, Transactions, Tx
from clearline.presence.presence_board import PresenceBoard
from clearline.settings.settings import Settings
from clearline.tickets.attachments.blobs import Blobs
from clearline.tickets.attachments.domain import Limits
from clearline.wires.http.body import read_members
from clearline.wires.http.cursors import Cursors
from clearline.wires.http.edge import header
from clearline.wires.http.limits import KeptAnswers, LookUps, OpenStreams, RateLimiter, Searches

T = TypeVar("T", bound=Struct)
Headers = list[tuple[bytes, bytes]]
encode = msgspec.json.Encoder().encode


def _nothing() -> None:
    """Do nothing."""


class Services(Struct, frozen=True):
    """The services that handlers use for as long as the server runs.

    ``forget_desk`` lets the next page read anew how the desk looks, before the database tells every process so.
    """

    database: Database
    keys: KeyRing
    limiter: RateLimiter
    cursors: Cursors
    now: Callable[[], datetime]
    blobs: Blobs
    attachments: Limits
    event_signal: EventSignal
    streams: OpenStreams
    render_mail: Render
    settings: Settings = msgspec.field(default_factory=Settings)
    look_ups: LookUps = msgspec.field(default_factory=LookUps)
    searches: Searches = msgspec.field(default_factory=Searches)
    kept_answers: KeptAnswers = msgspec.field(default_factory=KeptAnswers)
    presence: PresenceBoard = msgspec.field(default_factory=PresenceBoard)
    forget_desk: Callable[[], None] = _nothing

    def refused(self) -> dict[str, int]:
        """Return how many requests each limit of this process has refused."""
        return {
            "key": self.limiter.refused_of_keys,
            "company": self.limiter.refused_of_companies,
            "unknown_keys": self.look_ups.refused,
            "searches": self.searches.refused,
            "kept_answers": self.kept_answers.refused,
            "streams": self.streams.refused,
        }


class PreconditionFailed(Exception):
    """The resource changed after the client read it (RFC 9110, 13.1.1)."""


class PreconditionRequired(Exception):
    """The operation demands If-Match (RFC 6585, 3)."""


class _Stalled(Exception):
    """The client does not read its answer any more."""


class CutShort(Exception):
    """A stream ends early: the connection is closed, so that the client does not take it for complete."""


class Staged(Protocol):
    """A body that was received before any transaction."""

    fingerprint: bytes

    async def discard(self) -> None:
        """Delete what was received: nothing refers to it."""


class Answer:
    """What goes back: a status, a body, and headers besides Content-Length."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, body: bytes, headers: Headers) -> None:
        self.status, self.body, self.headers = status, body, headers

    async def send(self, send: Send) -> None:
        """Send it whole."""
        bodiless = self.status in {204, 304}
        headers = self.headers if bodiless else [*self.headers, (b"content-length", b"%d" % len(self.body))]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


class Stream:
    """An answer whose body is made while it is sent. Its first part is read before anything is sent.

    One that is ``is_long`` may last for days. ``patience`` is for how many seconds a client may read nothing before
    the connection is closed; None for no limit.
    """

    __slots__ = ("_first", "_parts", "_patience", "headers", "is_long", "status")

    def __init__(
        self,
        status: int,
        parts: AsyncIterator[bytes],
        headers: Headers,
        *,
        is_long: bool = False,
        patience: float | None = None,
    ) -> None:
        self.status, self._parts, self.headers = status, parts, headers
        self.is_long, self._patience = is_long, patience
        self._first = b""

    async def begin(self) -> None:
        """Ask for the first part, while a fault can still become another answer."""
        self._first = await anext(self._parts, b"")

    async def send(self, send: Send, receive: Receive) -> None:
        """Send it part by part, until it is complete or the client disconnects; then close the parts.

        An error in the middle closes the connection, so that the client does not take it for complete.
        """
        sending = asyncio.create_task(self._send(send))
        leaving = asyncio.create_task(_disconnected(receive))
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                sending.result()
        finally:
            sending.cancel()
            leaving.cancel()
            await asyncio.gather(sending, leaving, return_exceptions=True)
            if (close := getattr(self._parts, "aclose", None)) is not None:
                await close()

    async def _send(self, send: Send) -> None:
        with suppress(_Stalled, CutShort):  # the connection ends with this
            await self._send_one(send, {"type": "http.response.start", "status": self.status, "headers": self.headers})
            await self._send_one(send, {"type": "http.response.body", "body": self._first, "more_body": True})
            async for part in self._parts:
                await self._send_one(send, {"type": "http.response.body", "body": part, "more_body": True})
            await self._send_one(send, {"type": "http.response.body", "body": b""})

    async def _send_one(self, send: Send, message: dict[str, Any]) -> None:
        try:
            async with asyncio.timeout(self._patience):
                await send(message)
        except TimeoutError:
            raise _Stalled from None


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def download(services: "Services", customer: UUID | None, parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield the parts of a download, which counts as an open stream of its company until it ends, then close them.

    ``customer`` is None for the provider's people.

    Raises:
        TooManyStreams: there are too many already.
    """
    try:
        with services.streams.count_download(customer):
            async for part in parts:
                yield part
    finally:
        if (close := getattr(parts, "aclose", None)) is not None:
            await close()


def etag(body: bytes) -> bytes:
    """Return a strong validator of a body (RFC 9110, 8.8.3)."""
    return b'"%b"' % xxhash.xxh3_128_hexdigest(body).encode()


class Call:
    """One request for a handler: the actor, the parameters, the body, the time.

    ``customer`` is the company whose limits the actor shares, None for the provider's people, who have none;
    ``database`` is the share of it that the actor may use. ``headers`` are those that the handler adds to its answer,
    and ``location`` is the address of what it created.
    ``json`` is the decoded body, ``staged`` a body that is no JSON.
    """

    __slots__ = (
        "_tx",
        "actor",
        "customer",
        "database",
        "headers",
        "json",
        "location",
        "now",
        "path",
        "query",
        "scope",
        "services",
        "staged",
    )

    def __init__(
        self, services: Services, actor: Actor, customer: UUID | None, scope: AsgiScope, now: datetime
    ) -> None:
        self.services = services
        self.customer = customer
        self.database: Transactions = services.database if customer is None else services.database.share(customer)
        self._tx: Tx | None = None
        self.actor = actor
        self.scope = scope
        self.now = now
        self.path: dict[str, str] = scope["path_params"]
        self.query: Any = None
        self.json: Any = None
        self.staged: Any = None
        self.headers: Headers = []
        self.location: str | None = None

    def body(self, kind: type[T]) -> T:
        """Return the body as a struct.

        Raises:
            InvalidMembers: naming every member that is missing or wrong.
        """
        return read_members(self.json, kind)

    def within(self, tx: Tx) -> None:
        """Let the handler use this transaction, which the caller commits."""
        self._tx = tx

    def statement(self) -> AbstractAsyncContextManager[Tx]:
        """Return a transaction for a use case whose whole effect is one statement."""
        return self.database.statement() if self._tx is None else nullcontext(self._tx)

    def transaction(self) -> AbstractAsyncContextManager[Tx]:
        """Return a transaction for a use case of several statements."""
        return self.database.transaction() if self._tx is None else nullcontext(self._tx)

    def check_if_match(self, value: object) -> None:
        """Continue only if If-Match names ``value``, the resource as GET would answer it now.

        Call it in the transaction that locked the resource.

        Raises:
            PreconditionFailed: If-Match names something else.
        """
        if_match = header(self.scope, b"if-match") or b""
        if if_match.strip() != b"*" and etag(encode(value)) not in [
            _whole(tag.strip()) for tag in if_match.split(b",")
        ]:
            raise PreconditionFailed(_why_failed(if_match))


def _why_failed(if_match: bytes) -> str:
    """Return what to send instead of an If-Match that does not match."""
    tags = [tag.strip() for tag in if_match.split(b",")]
    if any(tag.startswith(b"W/") for tag in tags):
        return (
            'If-Match has a weak ETag (W/"..."), and those never match (RFC 9110, 13.1.1): send the ETag without W/. A '
            "proxy in front of this server made it weak, as nginx does when it compresses: its operator should switch "
            "that off"
        )
    if any(not tag.endswith(b'"') for tag in tags):
        return "an ETag in If-Match has quotation marks around it: send it exactly as it came in the ETag header"
    return "the resource does not have the ETag in If-Match: it has changed; get it again and send its new ETag"


def _whole(tag: bytes) -> bytes:
    """Return the ETag of the resource that a part shows; the ETag of a part has it before a full stop."""
    whole, stop, _part = tag.partition(b".")
    return whole + b'"' if stop else tag
