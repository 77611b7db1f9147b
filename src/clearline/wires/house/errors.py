"""The errors of the house API: RFC 9457 problems. Each kind has a page under ``/api/v1/problems/``."""

from collections.abc import Sequence

from msgspec import Struct

from clearline import errors as refusals
from clearline.errors import DeskError, Violation
from clearline.platform.database.errors import DatabaseUnavailable
from clearline.tickets.attachments.blob_backend import BlobsUnavailable
from clearline.wires.house.wire import Problem, ProblemError
from clearline.wires.http.body import BODY_MAX, DOT, BadRequest, BodyTooLarge, InvalidMembers, InvalidQuery, NotJson
from clearline.wires.http.call import Answer, Headers, PreconditionFailed, PreconditionRequired, encode
from clearline.wires.http.cursors import InvalidCursor
from clearline.wires.http.limits import TooManyRequests
from clearline.wires.http.resource import MethodNotAllowed, NoSuchAddress

TYPES = "/api/v1/problems/"
QUOTA = "https://iana.org/assignments/http-problem-types#quota-exceeded"
_PROBLEM = (b"content-type", b"application/problem+json; charset=utf-8")
_NO_STORE = (b"cache-control", b"no-store")


class RangeNotSatisfiable(Exception):
    """The part that is asked for begins after the end (RFC 9110, 15.5.17)."""

    def __init__(self, size: int) -> None:
        super().__init__(f"there are only {size} bytes")
        self.size = size


class Kind(Struct, frozen=True):
    """One kind of problem: its code, which is also the name of its page, its status, and what to do about it."""

    code: str
    status: int
    title: str
    about: str


_KINDS = (
    Kind(
        "malformed",
        400,
        "The request cannot be read",
        "Mend the body or the header that the detail names: it is no JSON, no object, names a member twice, "
        "or nests too deep.",
    ),
    Kind(
        "invalid-parameter",
        400,
        "A query parameter is wrong",
        "Every wrong parameter stands in `errors`. A parameter that the operation does not know is refused, "
        "never ignored; the detail names those it knows.",
    ),
    Kind(
        "invalid-cursor",
        400,
        "The cursor is not good here",
        "A cursor is good only on the list, and with the filters, that it came from. Begin again without one.",
    ),
    Kind(
        "unauthenticated",
        401,
        "A valid API key is required",
        "Send `Authorization: Bearer <key>`. The key is missing, malformed, unknown, expired or revoked, or "
        "its user is not active; which of these is not said.",
    ),
    Kind(
        "forbidden",
        403,
        "You may not do this",
        "Your role does not allow it. Ask an admin.",
    ),
    Kind(
        "scope-missing",
        403,
        "The key lacks a scope",
        "The detail names the scope. Issue a key that carries it; your role must allow it too.",
    ),
    Kind(
        "not-found",
        404,
        "There is no such thing",
        "It does not exist, or it is another company's: both are answered the same.",
    ),
    Kind(
        "no-such-address",
        404,
        "There is nothing at this address",
        "See `/docs/api` for what there is.",
    ),
    Kind(
        "method-not-allowed",
        405,
        "The resource does not take this method",
        "The header `Allow` names those it takes.",
    ),
    Kind(
        "conflict",
        409,
        "Not in the present state",
        "The request is sound, but what it is about stands in the way. Read the detail, read the resource "
        "again, and decide anew.",
    ),
    Kind(
        "illegal-transition",
        409,
        "The status does not allow this move",
        "Read the ticket: it may have moved meanwhile. The moves stand in the reference of statuses.",
    ),
    Kind(
        "ticket-finished",
        409,
        "The ticket has ended",
        "A closed, cancelled or rejected ticket takes nothing more. Raise a new one and link it.",
    ),
    Kind(
        "already-exists",
        409,
        "There is one already",
        "Another of the kind has this name. Use it, or choose another.",
    ),
    Kind(
        "too-many-attachments",
        409,
        "The ticket has as many attachments as one may have",
        "Delete one that nobody needs, or put several files into an archive.",
    ),
    Kind(
        "idempotency-key-busy",
        409,
        "The first request still runs",
        "Try again in a moment with the same key.",
    ),
    Kind(
        "idempotency-key-reused",
        422,
        "The Idempotency-Key was used before",
        "It came with a different request. Use a new key for a new request.",
    ),
    Kind(
        "precondition-failed",
        412,
        "It has changed since you read it",
        "Somebody changed the resource after you read it. Read it again, look at what changed, and send your "
        "change with the new ETag.",
    ),
    Kind(
        "precondition-required",
        428,
        "If-Match is required",
        "Send the ETag of the resource as you read it in `If-Match`, or `If-Match: *` to overwrite whatever is there.",
    ),
    Kind(
        "too-large",
        413,
        "The body is too long",
        "The detail names the limit.",
    ),
    Kind(
        "unsupported-media-type",
        415,
        "The body is of the wrong type",
        "The detail names the types that are taken.",
    ),
    Kind(
        "range-not-satisfiable",
        416,
        "The range begins after the end",
        "`Content-Range` says how many bytes there are.",
    ),
    Kind(
        "invalid-input",
        422,
        "Values break a rule",
        "Every broken rule stands in `errors` with a JSON Pointer to the member.",
    ),
    Kind(
        "quota-exceeded",
        429,
        "Too many requests",
        "Wait for the seconds in `Retry-After`.",
    ),
    Kind(
        "internal",
        500,
        "Something went wrong on our side",
        "Tell the provider the `request_id`.",
    ),
    Kind(
        "unavailable",
        503,
        "The desk is not available for the moment",
        "Try again after the seconds in `Retry-After`; with an `Idempotency-Key` that is safe for every request.",
    ),
)
CATALOGUE = {kind.code: kind for kind in _KINDS}
"""Every kind of problem, by its code. The pages and the reference are made from it."""

_CODES: dict[type[Exception], str] = {
    BadRequest: "malformed",
    InvalidQuery: "invalid-parameter",
    InvalidMembers: "invalid-input",
    InvalidCursor: "invalid-cursor",
    refusals.Unauthenticated: "unauthenticated",
    refusals.ScopeMissing: "scope-missing",
    refusals.Forbidden: "forbidden",
    refusals.NotFound: "not-found",
    NoSuchAddress: "no-such-address",
    MethodNotAllowed: "method-not-allowed",
    refusals.IllegalTransition: "illegal-transition",
    refusals.TicketFinished: "ticket-finished",
    refusals.AlreadyExists: "already-exists",
    refusals.TooManyAttachments: "too-many-attachments",
    refusals.IdempotencyKeyBusy: "idempotency-key-busy",
    refusals.IdempotencyKeyReused: "idempotency-key-reused",
    refusals.Conflict: "conflict",
    refusals.InvalidInput: "invalid-input",
    PreconditionFailed: "precondition-failed",
    PreconditionRequired: "precondition-required",
    BodyTooLarge: "too-large",
    NotJson: "unsupported-media-type",
    RangeNotSatisfiable: "range-not-satisfiable",
    TooManyRequests: "quota-exceeded",
    DatabaseUnavailable: "unavailable",
    BlobsUnavailable: "unavailable",
}
_DETAILS = {
    "invalid-cursor": "the cursor was not made for this list with these filters",
    "no-such-address": "there is nothing at this address",
    "precondition-failed": "the resource is not what If-Match names any more",
    "precondition-required": "send the ETag that you read in the header If-Match",
    "too-large": f"the body must not be longer than {BODY_MAX} bytes",
    "unsupported-media-type": "send Content-Type: application/json",
}


def kind_of(error: Exception) -> Kind:
    """Return the kind of problem that an exception is."""
    for base in type(error).__mro__:
        if base in _CODES:
            return CATALOGUE[_CODES[base]]
    return CATALOGUE["internal"]


def refuse(error: Exception, request_id: str) -> Answer:
    """Return the answer to a request that failed."""
    kind = kind_of(error)
    problem = Problem(
        QUOTA if kind.code == "quota-exceeded" else TYPES + kind.code,
        kind.title,
        kind.status,
        _detail(error, kind),
        error.code.replace("_", "-") if isinstance(error, DeskError) else kind.code,
        request_id,
        _errors(error),
    )
    return Answer(kind.status, encode(problem), [_PROBLEM, _NO_STORE, *_headers(error)])


def _detail(error: Exception, kind: Kind) -> str:
    if kind.status >= 500:
        return "the fault is noted under the request id" if kind.code == "internal" else "try again in a moment"
    return _sendable(str(error) or _DETAILS.get(kind.code, kind.title))


def _sendable(text: str) -> str:
    """Return text that can be encoded: it may repeat lone surrogates of the request."""
    return text.encode(errors="backslashreplace").decode()


def _errors(error: Exception) -> list[ProblemError]:
    violations: Sequence[Violation] = getattr(error, "violations", ())
    is_query = isinstance(error, InvalidQuery)
    return [
        ProblemError(_pointer(broken.field, is_query=is_query), "invalid", _sendable(broken.rule))
        for broken in violations
    ]


def _pointer(field: str, *, is_query: bool) -> str:
    if is_query or not field:
        return _sendable(field).replace(DOT, ".")
    return "/" + _sendable(field).replace("~", "~0").replace("/", "~1").replace(".", "/").replace(DOT, ".")


def _headers(error: Exception) -> Headers:  # noqa: PLR0911 - a table
    match error:
        case refusals.Unauthenticated():
            return [(b"www-authenticate", b"Bearer")]
        case refusals.ScopeMissing():
            return [(b"www-authenticate", f'Bearer error="insufficient_scope", scope="{error.scope}"'.encode())]
        case MethodNotAllowed():
            return [(b"allow", error.allowed.encode())]
        case BodyTooLarge():
            return [(b"connection", b"close")]
        case RangeNotSatisfiable():
            return [(b"content-range", b"bytes */%d" % error.size)]
        case TooManyRequests():
            return [(b"retry-after", b"%d" % error.retry_after)]
        case refusals.IdempotencyKeyBusy() | DatabaseUnavailable() | BlobsUnavailable():
            return [(b"retry-after", b"1")]
    return []
