"""One request on its way through a wire, and its answer."""

from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import datetime
from typing import Any, TypeVar

from msgspec import Struct
from starlette.types import Scope as AsgiScope
from starlette.types import Send

from clearline.domain.party import Actor
from clearline.facades.http.body import read_members
from clearline.store.db import Database, Tx

T = TypeVar("T", bound=Struct)
Headers = list[tuple[bytes, bytes]]


class Answer:
    """What goes back: a status, a body, and headers besides Content-Type and Content-Length."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, body: bytes, headers: Headers) -> None:
        self.status, self.body, self.headers = status, body, headers

    async def send(self, send: Send) -> None:
        """Send it whole."""
        headers = [*self.headers, (b"content-length", b"%d" % len(self.body))] if self.status != 304 else self.headers
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


class Call:
    """What a handler works with: who asks, what, and when.

    ``headers`` are those that the handler adds to its answer. ``json`` is the decoded body.
    """

    __slots__ = ("_database", "_tx", "actor", "headers", "json", "now", "path", "query", "scope")

    def __init__(self, database: Database, actor: Actor, scope: AsgiScope, now: datetime) -> None:
        self._database = database
        self._tx: Tx | None = None
        self.actor = actor
        self.scope = scope
        self.now = now
        self.path: dict[str, str] = scope["path_params"]
        self.query: Any = None
        self.json: Any = None
        self.headers: Headers = []

    def body(self, kind: type[T]) -> T:
        """The body as a struct.

        Raises:
            InvalidMembers: naming every member that is missing or wrong.
        """
        return read_members(self.json, kind)

    def within(self, tx: Tx) -> None:
        """Have the handler work in this transaction, which the caller commits."""
        self._tx = tx

    def statement(self) -> AbstractAsyncContextManager[Tx]:
        """A transaction for a use case whose whole effect is one statement."""
        return self._database.statement() if self._tx is None else nullcontext(self._tx)
