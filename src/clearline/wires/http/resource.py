"""A request in a wire: authentication, rate limit, scope, query and body; then the handler; then the answer."""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import chain
from typing import Any, TypeVar
from urllib.parse import parse_qsl, quote

import structlog
from msgspec import Struct
from starlette.routing import compile_path
from starlette.types import Receive, Scope, Send

from clearline.accounts import permissions
from clearline.clock import monotonic
from clearline.errors import OperationalError, RuleCode, Unauthenticated, Violation
from clearline.identity import Actor
from clearline.metrics.domain import OTHER, Route
from clearline.platform.database.errors import DatabaseUnavailable
from clearline.platform.database.outage import OUTAGE
from clearline.platform.idempotency import usecases as idempotency
from clearline.platform.idempotency.store import KeptAnswer
from clearline.wires.http.body import (
    BODY_MAX,
    BadRequest,
    BodyTooLarge,
    InvalidMembers,
    InvalidQuery,
    NotJson,
    parse_object,
    read_members,
    violations,
)
from clearline.wires.http.call import Answer, Call, Headers, PreconditionRequired, Services, Stream, encode, etag
from clearline.wires.http.compression import UNSENT_SIZE
from clearline.wires.http.edge import KEY, header
from clearline.wires.http.limits import TooManyRequests, customer_id
from clearline.wires.http.table import Operation

_log = structlog.get_logger("clearline.wire")
_JSON = (b"content-type", b"application/json; charset=utf-8")
_VARY = (b"vary", b"Authorization")
_NO_STORE = (b"cache-control", b"no-store")
_REPLAYED = (b"idempotent-replayed", b"true")
_MEDIA_TYPE = re.compile(rb'application/json\s*(;\s*charset="?utf-8"?\s*)?', re.IGNORECASE)
_PATCH_TYPE = re.compile(rb'application/(merge-patch\+)?json\s*(;\s*charset="?utf-8"?\s*)?', re.IGNORECASE)
_REMEMBERED_MAX = 200
"""Bytes of the longest query that is remembered once it was read."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_ROUTE_MAX = 200
"""Characters of what an Idempotency-Key is kept under; an index has no room for any length."""
IDEMPOTENCY_KEY = re.compile(r'"[\x20-\x7e]{1,255}"|[\x21\x23-\x7e][\x21-\x7e]{0,254}')
"""A quoted string (RFC 9651, 3.3.3), or the same bare."""


class NoSuchAddress(Exception):
    """No operation has this path."""


class MethodNotAllowed(Exception):
    """The resource does not support this method."""

    def __init__(self, allowed: Sequence[str]) -> None:
        super().__init__("this resource takes " + ", ".join(allowed))
        self.allowed = ", ".join(allowed)


class _ClientGone(Exception):
    """The client disconnected before its body was complete."""


T = TypeVar("T", bound=Struct)
Refuse = Callable[[Exception, str], Answer]
"""A wire's dialect for errors: an exception and the request's id in, an answer out."""


def everybody(actor: Actor) -> Actor:
    """Admit everybody who has a valid key."""
    return actor


class Dialect(Struct, frozen=True):
    """How a wire differs from others: its name, errors, whom it admits and as whom, the query of what has none."""

    name: str
    refuse: Refuse
    admit: Callable[[Actor], Actor] = everybody
    no_query: type[Struct] | None = None


def json_answer(status: int, value: object, headers: Headers) -> Answer:
    """Return an answer with a value as its JSON body."""
    return Answer(status, encode(value), [_JSON, *headers])


class Wire:
    """The operations of a table, in its order, as an ASGI application."""

    def __init__(self, operations: Sequence[Operation], services: Services, dialect: Dialect) -> None:
        paths: dict[str, list[Operation]] = {}
        for operation in operations:
            paths.setdefault(operation.path, []).append(operation)
        self._without_parameters: dict[str, Resource] = {}
        self._patterns: dict[int, list[tuple[re.Pattern[str], Resource]]] = {}
        self._open_patterns: list[tuple[re.Pattern[str], Resource]] = []
        for path, operations_here in paths.items():
            resource = Resource(operations_here, services, dialect, Route(dialect.name, path))
            if ":path}" in path:
                self._open_patterns.append((compile_path(path)[0], resource))
            elif "{" in path:
                self._patterns.setdefault(path.count("/"), []).append((compile_path(path)[0], resource))
            else:
                self._without_parameters[path] = resource
        self._refuse = dialect.refuse
        self._no_route = Route(dialect.name, OTHER)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Serve one request (ASGI 3)."""
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        resource, scope["path_params"] = self._find(path)
        if resource is None:
            scope[KEY].route = self._no_route
            return self._refuse(NoSuchAddress(), scope[KEY].id.decode()).send(send)
        scope[KEY].route = resource.route
        return resource(scope, receive, send)

    def _find(self, path: str) -> "tuple[Resource | None, dict[str, str]]":
        """Return the resource of a path, and its parameters; no path contains control characters.

        A parameter is one segment, so only paths of as many segments are tried, then those with one that may have more
        (``{name:path}``): a router that tries all of them in turn takes a tenth of a read.
        """
        resource = self._without_parameters.get(path)
        if resource is None and not _CONTROL.search(path):
            for pattern, candidate in chain(self._patterns.get(path.count("/"), ()), self._open_patterns):
                if (match := pattern.match(path)) is not None:
                    return candidate, match.groupdict()
        return resource, {}


class Resource:
    """The operations of one path, as an ASGI application."""

    def __init__(self, operations: Sequence[Operation], services: Services, dialect: Dialect, route: Route) -> None:
        self.route = route
        self._operations = {operation.method: operation for operation in operations}
        if "GET" in self._operations:
            self._operations["HEAD"] = self._operations["GET"]
        self._services = services
        self._dialect = dialect

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI 3)."""
        limits: Headers = []
        answer: Answer | Stream
        try:
            answer = await self._answer(scope, receive, limits)
        except _ClientGone:
            return
        except asyncio.CancelledError:  # the stopping server has waited for long enough
            answer = self._dialect.refuse(DatabaseUnavailable("the server stops"), scope[KEY].id.decode())
        except Exception as error:  # noqa: BLE001 - the last place where an error can become an answer
            request_id = scope[KEY].id.decode()
            answer = self._dialect.refuse(error, request_id)
            if isinstance(error, DatabaseUnavailable):
                OUTAGE.log("request refused: the database is unavailable", error, request_id=request_id)
            elif isinstance(error, OperationalError):
                _log.warning("request refused", request_id=request_id, error=str(error))
            elif answer.status >= 500:
                _log.error("request failed", request_id=request_id, exc_info=error)
        answer.headers += limits
        if isinstance(answer, Stream):
            scope[KEY].is_long = answer.is_long
            await answer.send(send, receive)
        else:
            await answer.send(send)

    async def _answer(self, scope: Scope, receive: Receive, limits: Headers) -> Answer | Stream:
        operation = self._operations.get(scope["method"])
        now = self._services.now()
        actor = await self._authenticate(scope, now)
        customer = customer_id(actor)
        if actor.key_id is not None:
            headers, wait = self._services.limiter.spend(actor.key_id, monotonic(), now.timestamp(), company=customer)
            limits += headers
            if wait:
                raise TooManyRequests(wait)
        actor = self._dialect.admit(actor)
        if operation is None:
            raise MethodNotAllowed(sorted(self._operations))
        if operation.scope is not None:
            permissions.require_scope(actor, operation.scope)
        call = Call(self._services, actor, customer, scope, now)
        if (query := operation.query or self._dialect.no_query) is not None:
            call.query = read_query(scope["query_string"], query)
        if operation.method == "GET":
            answer = await _perform(operation, call)
            return _cached(scope, answer) if isinstance(answer, Answer) else answer
        if operation.conditional and header(scope, b"if-match") is None:
            raise PreconditionRequired
        if operation.stage is not None:
            return await self._staged(operation, operation.stage, call, receive)
        body = b""
        if operation.body is not None:
            body = await _read_body(scope, receive, _PATCH_TYPE if operation.method == "PATCH" else _MEDIA_TYPE)
            call.json = parse_object(body)
        return await self._once(operation, call, body)

    async def _authenticate(self, scope: Scope, now: datetime) -> Actor:
        secret = key_in(scope)
        actor = self._services.keys.known(secret, now)
        if actor is None:
            with self._services.look_ups.count(scope.get("client")):
                actor = await self._services.keys.actor(secret, now)
        scope[KEY].actor = actor
        return actor

    async def _staged(
        self, operation: Operation, stage: Callable[..., Any], call: Call, receive: Receive
    ) -> Answer | Stream:
        """Receive the body, then execute the request; delete what was received unless the request succeeded."""
        call.staged = await stage(call, _chunks(receive))
        used = False
        try:
            answer = await self._once(operation, call, call.staged.fingerprint)
            used = answer.status < 400 and _REPLAYED not in answer.headers
        finally:
            if not used:
                await call.staged.discard()
        return answer

    async def _once(self, operation: Operation, call: Call, body: bytes) -> Answer | Stream:
        """Execute the request unless it was executed before; the answer is stored in the transaction of the change."""
        sent_key = header(call.scope, b"idempotency-key")
        if sent_key is None:
            return await _perform(operation, call)
        key = _idempotency_key(sent_key)
        fingerprint = hashlib.sha256(body)
        if operation.query is not None:
            fingerprint.update(call.scope["query_string"])
        route = _route(operation, call)
        async with call.database.transaction() as tx:
            since = call.now - timedelta(days=self._services.settings.keep_idempotency_keys_days)
            kept = await idempotency.replay(tx, call.actor, route, key, fingerprint.digest(), since=since)
            if kept is not None:
                return _replayed(operation, kept)
            self._services.kept_answers.require(call.customer)
            call.within(tx)
            answer = await _perform(operation, call)
            if isinstance(answer, Stream):
                raise TypeError("an answer that is a stream cannot be kept")
            kept = KeptAnswer(fingerprint.digest(), answer.status, answer.body, call.location)
            await idempotency.keep(tx, call.actor, route, key, kept, now=call.now)
            self._services.kept_answers.spend(call.customer, len(answer.body))
        return answer


def key_in(scope: Scope) -> str:
    """Return the API key of a request (RFC 6750, 2.1).

    Raises:
        Unauthenticated: there is none.
    """
    credentials = header(scope, b"authorization")
    if credentials is None or credentials[:7].lower() != b"bearer ":
        raise Unauthenticated
    return credentials[7:].strip().decode("latin-1")


def _route(operation: Operation, call: Call) -> str:
    """Return what an Idempotency-Key belongs to: the operation and the parameters of the path."""
    text = " ".join([operation.name, *map(quote, call.path.values())])
    return text if len(text) <= _ROUTE_MAX else hashlib.sha256(text.encode()).hexdigest()


def _replayed(operation: Operation, kept: KeptAnswer) -> Answer:
    """Return the first answer again."""
    headers = [_NO_STORE, _REPLAYED, *_located(kept.location)]
    if not kept.body:
        return Answer(kept.status, b"", headers)
    return Answer(kept.status, kept.body, [_JSON, *headers, *_tagged(operation, kept.body)])


async def _perform(operation: Operation, call: Call) -> Answer | Stream:
    result = await operation.handle(call)
    if isinstance(result, Stream):
        await result.begin()
    if isinstance(result, (Answer, Stream)):
        return result
    cache = operation.cache if operation.method == "GET" else b"no-store"
    headers = [(b"cache-control", cache), _VARY, *_located(call.location), *call.headers]
    if operation.answer is None:
        return Answer(operation.status, b"", headers)
    answer = json_answer(operation.status, result, headers)
    answer.headers += _tagged(operation, answer.body)
    return answer


def _tagged(operation: Operation, body: bytes) -> Headers:
    """Return the ETag header of what was created or changed."""
    return [(b"etag", etag(body))] if operation.takes_if_match or operation.status == 201 else []


def _located(location: str | None) -> Headers:
    return [] if location is None else [(b"location", location.encode("latin-1"))]


def _cached(scope: Scope, answer: Answer) -> Answer:
    """Return the answer with a strong ETag (RFC 9110, 8.8.3), or 304 when the client has it already."""
    tag = dict(answer.headers).get(b"etag")
    if tag is None:
        tag = etag(answer.body)
        answer.headers.append((b"etag", tag))
    known = header(scope, b"if-none-match")
    if known is not None and (known.strip() == b"*" or tag in re.findall(rb'"[^"]*"', known)):
        scope[UNSENT_SIZE] = len(answer.body)
        return Answer(304, b"", [pair for pair in answer.headers if pair is not _JSON])
    return answer


def read_query(raw: bytes, kind: type[T]) -> T:
    """Return the parameters of a query as a struct; unknown ones are ignored, or refused if the struct forbids them.

    Raises:
        InvalidQuery: naming every parameter that is missing, wrong or given twice.
    """
    read = _read_query if len(raw) <= _REMEMBERED_MAX else _read_query.__wrapped__
    query: T = read(raw, kind)
    return query


@lru_cache(maxsize=1024)
def _read_query(raw: bytes, kind: type[T]) -> T:
    """See ``read_query``. Remembered, because clients repeat their queries: the structs are frozen."""
    pairs = parse_qsl(raw.decode("latin-1"), keep_blank_values=True)
    parameters = dict(pairs)
    if len(parameters) != len(pairs):
        names = [name for name, _ in pairs]
        twice = [name for name in parameters if name in kind.__struct_encode_fields__ and names.count(name) > 1]
        if twice:
            raise InvalidQuery([Violation(name, "must be given once", RuleCode.DUPLICATE) for name in twice])
    try:
        query = read_members(parameters, kind, text=True)
    except InvalidMembers as invalid:
        raise InvalidQuery(invalid.violations) from None
    # Reading numbers from text also accepts "null" for none, and a number for a time.
    values = (getattr(query, name) for name in kind.__struct_fields__)
    doubtful = b"null" in raw.lower() or any(isinstance(value, datetime) for value in values)
    if doubtful and (wrong := violations(parameters, kind, text=True)):
        raise InvalidQuery(wrong)
    return query


async def _read_body(scope: Scope, receive: Receive, media_type: re.Pattern[bytes]) -> bytes:
    kind = header(scope, b"content-type")
    if kind is None or not media_type.fullmatch(kind.strip()):
        accepted = (
            "application/merge-patch+json or application/json" if media_type is _PATCH_TYPE else "application/json"
        )
        raise NotJson(f"send Content-Type: {accepted}, and the body in UTF-8")
    length = header(scope, b"content-length")
    if length is not None and length.isdigit() and int(length) > BODY_MAX:
        raise BodyTooLarge
    chunks = []
    size = 0
    async for chunk in _chunks(receive):
        size += len(chunk)
        if size > BODY_MAX:
            raise BodyTooLarge
        chunks.append(chunk)
    return b"".join(chunks)


async def _chunks(receive: Receive) -> AsyncIterator[bytes]:
    """Yield a body as it is received."""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _ClientGone
        yield message.get("body", b"")
        if not message.get("more_body"):
            return


def _idempotency_key(value: bytes) -> str:
    """Return the key without its quotes, if it has any."""
    key = value.decode("latin-1").strip(" \t")
    if not IDEMPOTENCY_KEY.fullmatch(key):
        raise BadRequest("Idempotency-Key must have 1 to 255 printable ASCII characters")
    return key[1:-1] if key.startswith('"') else key
