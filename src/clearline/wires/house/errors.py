"""House API v1: its errors, as RFC 9457 problems. Each kind has a page under ``/api/v1/problems/``."""

from collections.abc import Sequence

from msgspec import Struct

from clearline import errors as refusals
from clearline import limit_errors
from clearline.errors import DeskError, OperationalError, RuleCode, Violation
from clearline.platform.database.errors import DatabaseUnavailable
from clearline.tickets.attachments.blob_backend import BlobMissing, BlobsFull, BlobsUnavailable
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
    """The requested range begins after the end (RFC 9110, 15.5.17)."""

    def __init__(self, size: int) -> None:
        super().__init__(f"the content has only {size} bytes")
        self.size = size


class Kind(Struct, frozen=True):
    """A kind of problem: its code, which is also the name of its page, its status, its title and how to solve it."""

    code: str
    status: int
    title: str
    about: str


_KINDS = (
    Kind(
        "malformed",
        400,
        "The request cannot be parsed",
        "Correct the body or the header that `detail` names, and send the request again. A body must be a JSON "
        "object without duplicate members, and must not be nested too deeply.",
    ),
    Kind(
        "invalid-parameter",
        400,
        "Invalid query parameter",
        "`errors` lists every invalid parameter. Unknown parameters are refused, never ignored; `detail` names the "
        "known ones.",
    ),
    Kind(
        "invalid-cursor",
        400,
        "Invalid cursor",
        "A cursor is valid only for the list and the filters that returned it. Start again without a cursor.",
    ),
    Kind(
        "unauthenticated",
        401,
        "A valid API key is required",
        "Send `Authorization: Bearer <key>`. The key is missing, malformed, unknown, expired or revoked, or its "
        "user is not active. The answer does not say which.",
    ),
    Kind(
        "forbidden",
        403,
        "Not allowed",
        "Your role does not allow the request. Ask an admin.",
    ),
    Kind(
        "scope-missing",
        403,
        "The API key lacks a scope",
        "`detail` names the scope. Create a key that has it; your role must allow it too.",
    ),
    Kind(
        "not-found",
        404,
        "Not found",
        "The resource does not exist, or belongs to another company. The answer does not say which.",
    ),
    Kind(
        "content-missing",
        404,
        "The content of the attachment is missing",
        "The attachment was not deleted, but its file is not in the provider's store. Keep what you have of it. Trying "
        "again does not help: report the `request_id` to the provider, or attach the file again.",
    ),
    Kind(
        "no-such-address",
        404,
        "No resource at this address",
        "Check the path. `/docs/api` lists all paths.",
    ),
    Kind(
        "method-not-allowed",
        405,
        "Method not allowed",
        "The `Allow` header lists the methods of the resource.",
    ),
    Kind(
        "conflict",
        409,
        "Conflict with the current state",
        "The request is valid, but the state of the resource does not allow it. See `detail`, get the resource "
        "again, and correct the request.",
    ),
    Kind(
        "illegal-transition",
        409,
        "The status does not allow this transition",
        "Get the ticket again: its status may have changed. The documentation of statuses lists the allowed "
        "transitions.",
    ),
    Kind(
        "ticket-finished",
        409,
        "The ticket is finished",
        "A closed, cancelled or rejected ticket cannot be changed. Create a new ticket and link it.",
    ),
    Kind(
        "already-exists",
        409,
        "Already exists",
        "Another resource has this name. Use it, or choose another name.",
    ),
    Kind(
        "too-many-attachments",
        409,
        "The ticket has the maximum number of attachments",
        "Delete an attachment, or put several files into an archive.",
    ),
    Kind(
        "idempotency-key-busy",
        409,
        "The first request with this Idempotency-Key is running",
        "Try again in a moment with the same key.",
    ),
    Kind(
        "idempotency-key-reused",
        422,
        "The Idempotency-Key was used for another request",
        "Use a new key for every new request.",
    ),
    Kind(
        "precondition-failed",
        412,
        "The resource has changed",
        "Somebody changed the resource after you read it. Get it again, review the changes, and send the request "
        'with the new ETag. A weak ETag (`W/"..."`) never matches: a proxy that compresses made it weak.',
    ),
    Kind(
        "precondition-required",
        428,
        "If-Match is required",
        "Send the ETag of the resource in `If-Match`, or `If-Match: *` to overwrite it in any state.",
    ),
    Kind(
        "too-large",
        413,
        "The body is too large",
        "`detail` names the limit.",
    ),
    Kind(
        "attachments-full",
        413,
        "The attachments of your company have the maximum size",
        "Delete attachments that are not needed, or ask the provider for more space.",
    ),
    Kind(
        "unsupported-media-type",
        415,
        "Unsupported media type",
        "`detail` names the accepted types.",
    ),
    Kind(
        "range-not-satisfiable",
        416,
        "The range begins after the end",
        "`Content-Range` contains the size in bytes.",
    ),
    Kind(
        "invalid-input",
        422,
        "Invalid values",
        "`errors` lists every violation: `pointer` is a JSON Pointer to the member, `code` the kind of rule, and "
        "`detail` the rule.",
    ),
    Kind(
        "quota-exceeded",
        429,
        "Too many requests",
        "Wait for the number of seconds in `Retry-After`.",
    ),
    Kind(
        "internal",
        500,
        "Internal error",
        "Report the `request_id` to the provider.",
    ),
    Kind(
        "unavailable",
        503,
        "Clearline is temporarily unavailable",
        "Try again after the number of seconds in `Retry-After`. With an `Idempotency-Key`, every request is safe "
        "to repeat.",
    ),
    Kind(
        "insufficient-storage",
        507,
        "The server has no room for files",
        "Nothing was stored. The provider has to make room; try again after the number of seconds in `Retry-After`.",
    ),
)
CATALOGUE = {kind.code: kind for kind in _KINDS}
"""Every kind of problem, by its code. The pages and the reference are derived from it."""

RULES: dict[RuleCode, str] = {
    RuleCode.REQUIRED: "The value is missing, or empty where something must be given.",
    RuleCode.UNKNOWN: "There is no member or parameter of this name here.",
    RuleCode.DUPLICATE: "The same is given more than once.",
    RuleCode.TYPE: "The value has another JSON type than it must have.",
    RuleCode.FORMAT: "The text does not have the form it must have, such as that of a UUID, a time or an address.",
    RuleCode.CHOICE: "The value is not one of those that are possible here.",
    RuleCode.LENGTH: "The text or the file is too short or too long.",
    RuleCode.COUNT: "There are too few or too many items.",
    RuleCode.RANGE: "The number is too small or too large.",
    RuleCode.ORDER: "The time or value is on the wrong side of another one.",
    RuleCode.BLANK: "The text has no visible character.",
    RuleCode.CHARACTERS: "The text contains characters that cannot be stored.",
    RuleCode.REFERENCE: "The value does not name a resource that you can see and use here.",
    RuleCode.INVALID: "Another rule is broken; `detail` says which.",
}
"""What each code of an item of `errors` means. The reference is derived from it."""

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
    limit_errors.AttachmentsFull: "attachments-full",
    limit_errors.TooManyAttachments: "too-many-attachments",
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
    BlobMissing: "content-missing",
    BlobsFull: "insufficient-storage",
    BlobsUnavailable: "unavailable",
}
_DETAILS = {
    "content-missing": "the file of the attachment is missing in the provider's store; trying again does not help",
    "invalid-cursor": "the cursor does not belong to this list with these filters; begin again without a cursor",
    "no-such-address": "there is no resource at this address; /docs/api lists all paths",
    "precondition-failed": "the resource does not have the ETag in If-Match",
    "precondition-required": "send the ETag of the resource in the If-Match header, or * to overwrite it in any state",
    "too-large": f"the body must not be longer than {BODY_MAX} bytes",
    "unsupported-media-type": "send Content-Type: application/json",
}


def kind_of(error: Exception) -> Kind:
    """Return the kind of problem of an exception."""
    for base in type(error).__mro__:
        if base in _CODES:
            return CATALOGUE[_CODES[base]]
    return CATALOGUE["internal"]


def refuse(error: Exception, request_id: str) -> Answer:
    """Return the answer to a failed request."""
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
        return "the error is logged with the request id" if kind.code == "internal" else "try again in a moment"
    shown = "" if isinstance(error, OperationalError) else str(error)
    return _sendable(shown or _DETAILS.get(kind.code, kind.title))


def _sendable(text: str) -> str:
    """Escape lone surrogates, which a text may repeat from the request and which cannot be encoded."""
    return text.encode(errors="backslashreplace").decode()


def _errors(error: Exception) -> list[ProblemError]:
    violations: Sequence[Violation] = getattr(error, "violations", ())
    is_query = isinstance(error, InvalidQuery)
    return [
        ProblemError(_pointer(violation.field, is_query=is_query), violation.code, _sendable(violation.rule))
        for violation in violations
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
        case BlobsFull():
            return [(b"retry-after", b"60")]
        case refusals.IdempotencyKeyBusy() | DatabaseUnavailable() | BlobsUnavailable():
            return [(b"retry-after", b"1")]
    return []
