"""The way of a request through a wire: who asks, how often, what; then the handler; then the answer."""

import hashlib
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar
from urllib.parse import parse_qsl

import msgspec
import structlog
import xxhash
from msgspec import Struct
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from clearline.domain.errors import Unauthenticated, Violation
from clearline.domain.party import Actor
from clearline.facades.http.body import (
    BODY_MAX,
    BadRequest,
    BodyTooLarge,
    InvalidMembers,
    NotJson,
    parse_object,
    read_members,
)
from clearline.facades.http.call import Answer, Call, Headers
from clearline.facades.http.edge import KEY, header
from clearline.facades.http.limits import RateLimiter, TooManyRequests
from clearline.facades.http.table import Operation
from clearline.store.db import Database
from clearline.store.idempotency import KeptAnswer
from clearline.usecases import access, idempotency
from clearline.usecases.accounts import KeyRing

_log = structlog.get_logger("clearline.wire")
_encode = msgspec.json.Encoder().encode
_JSON = (b"content-type", b"application/json; charset=utf-8")
_VARY = (b"vary", b"Authorization")
_NO_STORE = (b"cache-control", b"no-store")
_REPLAYED = (b"idempotent-replayed", b"true")
_MEDIA_TYPE = re.compile(rb'application/json\s*(;\s*charset="?utf-8"?\s*)?', re.IGNORECASE)
_IDEMPOTENCY_KEY = re.compile(r'"[\x20-\x7e]{1,255}"|[\x21\x23-\x7e][\x21-\x7e]{0,254}')
"""A quoted string (RFC 9651, 3.3.3), or the same bare."""


class Desk(Struct, frozen=True):
    """What a wire works with for as long as the server runs."""

    database: Database
    keys: KeyRing
    limiter: RateLimiter
    now: Callable[[], datetime]


class MethodNotAllowed(Exception):
    """The resource does not take this method."""

    def __init__(self, allowed: Sequence[str]) -> None:
        super().__init__("this resource takes " + ", ".join(allowed))
        self.allowed = ", ".join(allowed)


class _ClientGone(Exception):
    """The client hung up before its body was whole."""


T = TypeVar("T", bound=Struct)
Refuse = Callable[[Exception, str], Answer]
"""A wire's dialect for errors: an exception and the request's id in, an answer out."""


def json_answer(status: int, value: object, headers: Headers) -> Answer:
    """An answer with a value as its JSON body."""
    return Answer(status, _encode(value), [_JSON, *headers])


def routes(operations: Sequence[Operation], desk: Desk, refuse: Refuse) -> list[Route]:
    """The routes of a table, in its order."""
    paths: dict[str, list[Operation]] = {}
    for operation in operations:
        paths.setdefault(operation.path, []).append(operation)
    return [Route(path, Resource(found, desk, refuse)) for path, found in paths.items()]


class Resource:
    """The operations of one path, as an ASGI application."""

    def __init__(self, operations: Sequence[Operation], desk: Desk, refuse: Refuse) -> None:
        self._operations = {operation.method: operation for operation in operations}
        if "GET" in self._operations:
            self._operations["HEAD"] = self._operations["GET"]
        self._desk = desk
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI 3)."""
        limits: Headers = []
        try:
            answer = await self._answer(scope, receive, limits)
        except _ClientGone:
            return
        except Exception as error:  # noqa: BLE001 - the last place where an error can become an answer
            request_id = scope[KEY].id.decode()
            answer = self._refuse(error, request_id)
            if answer.status >= 500:
                _log.error("request failed", request_id=request_id, exc_info=error)
        answer.headers += limits
        await answer.send(send)

    async def _answer(self, scope: Scope, receive: Receive, limits: Headers) -> Answer:
        operation = self._operations.get(scope["method"])
        now = self._desk.now()
        actor = await self._authenticate(scope, now)
        if actor.key_id is not None:
            told, wait = self._desk.limiter.spend(actor.key_id, now.timestamp())
            limits += told
            if wait:
                raise TooManyRequests(wait)
        if operation is None:
            raise MethodNotAllowed(sorted(self._operations))
        if operation.scope is not None:
            access.allow(actor, operation.scope)
        call = Call(self._desk.database, actor, scope, now)
        if operation.query is not None:
            call.query = read_query(scope["query_string"], operation.query)
        if operation.method == "GET":
            return _cached(scope, await _perform(operation, call))
        body = await _read_body(scope, receive)
        call.json = parse_object(body)
        key = header(scope, b"idempotency-key")
        if key is None:
            return await _perform(operation, call)
        return await self._once(operation, call, _idempotency_key(key), hashlib.sha256(body).digest())

    async def _authenticate(self, scope: Scope, now: datetime) -> Actor:
        given = header(scope, b"authorization")
        if given is None or given[:7].lower() != b"bearer ":
            raise Unauthenticated
        actor = await self._desk.keys.actor(given[7:].strip().decode("latin-1"), now)
        scope[KEY].actor = actor
        return actor

    async def _once(self, operation: Operation, call: Call, key: str, fingerprint: bytes) -> Answer:
        """Carry the request out unless it was before; the answer is kept by the commit that makes it true."""
        route = f"{operation.name} {call.path.get('id', '')}"
        async with self._desk.database.transaction() as tx:
            kept = await idempotency.replay(tx, call.actor, route, key, fingerprint, now=call.now)
            if kept is not None:
                return Answer(kept.status, kept.body, [_JSON, _NO_STORE, _REPLAYED])
            call.within(tx)
            answer = await _perform(operation, call)
            await idempotency.keep(
                tx, call.actor, route, key, KeptAnswer(fingerprint, answer.status, answer.body), now=call.now
            )
        return answer


async def _perform(operation: Operation, call: Call) -> Answer:
    result = await operation.handle(call)
    cache = operation.cache if operation.method == "GET" else b"no-store"
    return json_answer(200, result, [(b"cache-control", cache), _VARY, *call.headers])


def _cached(scope: Scope, answer: Answer) -> Answer:
    """The answer with a strong ETag (RFC 9110, 8.8.3), or 304 when the client has it already."""
    tag = b'"%b"' % xxhash.xxh3_128_hexdigest(answer.body).encode()
    answer.headers.append((b"etag", tag))
    known = header(scope, b"if-none-match")
    if known is not None and (known.strip() == b"*" or tag in re.findall(rb'"[^"]*"', known)):
        return Answer(304, b"", [pair for pair in answer.headers if pair is not _JSON])
    return answer


def read_query(raw: bytes, kind: type[T]) -> T:
    """The parameters of a query as a struct; those it does not know are ignored.

    Raises:
        InvalidMembers: naming every parameter that is missing, wrong or given twice.
    """
    pairs = parse_qsl(raw.decode("latin-1"), keep_blank_values=True)
    given = dict(pairs)
    if len(given) != len(pairs):
        names = [name for name, _ in pairs]
        twice = [name for name in given if names.count(name) > 1 and name in kind.__struct_encode_fields__]
        if twice:
            raise InvalidMembers([Violation(name, "must be given once") for name in twice])
    return read_members(given, kind, text=True)


async def _read_body(scope: Scope, receive: Receive) -> bytes:
    kind = header(scope, b"content-type")
    if kind is None or not _MEDIA_TYPE.fullmatch(kind.strip()):
        raise NotJson
    length = header(scope, b"content-length")
    if length is not None and length.isdigit() and int(length) > BODY_MAX:
        raise BodyTooLarge
    chunks = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _ClientGone
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > BODY_MAX:
            raise BodyTooLarge
        chunks.append(chunk)
        if not message.get("more_body"):
            return b"".join(chunks)


def _idempotency_key(value: bytes) -> str:
    """The key without its quotes, if it has any."""
    key = value.decode("latin-1").strip()
    if not _IDEMPOTENCY_KEY.fullmatch(key):
        raise BadRequest("Idempotency-Key must have 1 to 255 printable ASCII characters")
    return key[1:-1] if key.startswith('"') else key
