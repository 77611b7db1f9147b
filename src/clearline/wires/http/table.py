"""The table of operations. Routes, authorization, OpenAPI and the reference are all made from it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from msgspec import Struct

from clearline.identity import Scope
from clearline.wires.http.call import Call, Staged

Handler = Callable[[Call], Awaitable[Any]]
Stage = Callable[[Call, AsyncIterator[bytes]], Awaitable[Staged]]


class Header(Struct, frozen=True):
    """A header of a request or an answer, as the reference shows it."""

    name: str
    about: str
    schema: dict[str, Any]


class Operation(Struct, frozen=True):
    """One operation of a wire.

    ``scope`` is what the key must carry; None for any valid key. ``query`` and ``body`` are structs whose fields are
    the parameters and the members. ``errors`` are the statuses that only this operation adds to those of every one.
    ``answer`` is None when there is no body to answer; ``part`` is what it answers when the query asks for a part.
    ``stage`` receives a body before any transaction, in the place of ``body``; ``media`` names what such a body, or an
    answer that is no JSON, may be.
    ``conditional`` demands If-Match; ``guarded`` takes it. ``request_headers`` are others that only it takes.
    """

    name: str
    method: str
    path: str
    handle: Handler
    summary: str
    about: str
    scope: Scope | None
    answer: Any
    part: Any = None
    query: type[Struct] | None = None
    body: type[Struct] | None = None
    path_parameters: dict[str, dict[str, Any]] = {}
    errors: tuple[int, ...] = ()
    answer_headers: tuple[Header, ...] = ()
    request_headers: tuple[Header, ...] = ()
    cache: bytes = b"private, no-cache"
    status: int = 200
    conditional: bool = False
    guarded: bool = False
    stage: Stage | None = None
    media: tuple[str, ...] = ()

    @property
    def takes_if_match(self) -> bool:
        """Whether If-Match may come with it."""
        return self.conditional or self.guarded
