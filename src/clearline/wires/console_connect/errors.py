"""The errors of the Console Connect API v2, with the messages of its documentation.

The published examples write ``statusCode`` as the string "401," and put "404," into a 400; we send the real status as
a number. The wire has no 403, 409 or 422: a key without the scope is 401, a conflict is 400, except for an
Idempotency-Key still in use, which is 409 as its draft requires.
"""

from clearline.errors import (
    Conflict,
    Forbidden,
    IdempotencyKeyBusy,
    InvalidInput,
    NotFound,
    ScopeMissing,
    Unauthenticated,
)
from clearline.platform.database.errors import DatabaseUnavailable
from clearline.wires.console_connect import wire
from clearline.wires.http.body import BODY_MAX, BadRequest, BodyTooLarge, NotJson
from clearline.wires.http.call import Answer, Headers
from clearline.wires.http.limits import TooManyRequests
from clearline.wires.http.resource import MethodNotAllowed, NoSuchAddress, json_answer

NOTE_INVALID = (
    "Support Ticket Note is invalid: Ensure body includes a { noteText: 'text' } "
    "with a text size of >=1 characters and <= 4000 characters."
)
_FIELDS = {"title": "name", "contact": "customerContact", "text": "noteText", "page_size": "pageSize"}
_NO_STORE = (b"cache-control", b"no-store")
_SHOWN_MAX = 64


class InvalidTicketId(Exception):
    """The id in the path is not a ticket number."""


class InvalidNote(Exception):
    """The body of addNote has no usable note text."""


def _field(name: str) -> str:
    """Return the name of a field of the domain on this wire."""
    first, dot, path = name.partition(".")
    return _FIELDS.get(first, first) + dot + path


def _shown(text: str) -> str:
    return text if len(text) <= _SHOWN_MAX else text[:_SHOWN_MAX] + "..."


def refuse(error: Exception, request_id: str) -> Answer:
    """Return the answer to a request that failed."""
    status, message, headers = _explain(error, request_id)
    sendable = message.encode(errors="backslashreplace").decode()  # the message may quote the request
    body = wire.ErrorOut(wire.Fault(status, "Error", sendable))
    return json_answer(status, body, [_NO_STORE, *headers])


def _explain(error: Exception, request_id: str) -> tuple[int, str, Headers]:  # noqa: C901, PLR0911, PLR0912 - a table
    match error:
        case InvalidTicketId():
            return 400, f"Support Ticket: {_shown(str(error))} is not valid.", []
        case InvalidNote():
            return 400, NOTE_INVALID, []
        case InvalidInput():
            rules = "; ".join(f"{_field(v.field)} {v.rule}" for v in error.violations)
            return 400, f"Support Ticket is invalid: {rules}.", []
        case BadRequest():
            return 400, f"Bad request: {error}.", []
        case Unauthenticated():
            return 401, "Unauthorized: a valid API key is required.", [(b"www-authenticate", b"Bearer")]
        case ScopeMissing():
            challenge = f'Bearer error="insufficient_scope", scope="{error.scope}"'.encode()
            return 401, f"Unauthorized: {error}.", [(b"www-authenticate", challenge)]
        case Forbidden():
            return 401, f"Unauthorized: {error}.", [(b"www-authenticate", b"Bearer")]
        case NotFound():
            return 404, f"Support Ticket: {error.name} does not exist.", []
        case IdempotencyKeyBusy():
            return 409, f"Support Ticket: {error}.", [(b"retry-after", b"1")]
        case Conflict():
            return 400, f"Support Ticket: {error}.", []
        case MethodNotAllowed():
            return 405, f"Method not allowed: {error}.", [(b"allow", error.allowed.encode())]
        case BodyTooLarge():
            return 413, f"The body must not be longer than {BODY_MAX} bytes.", [(b"connection", b"close")]
        case NotJson():
            return 415, "The body must be JSON: send Content-Type: application/json.", []
        case TooManyRequests():
            return (
                429,
                f"Too many requests: try again in {error.retry_after} s.",
                [(b"retry-after", b"%d" % error.retry_after)],
            )
        case DatabaseUnavailable():
            return 503, "The desk is not available for the moment: try again.", [(b"retry-after", b"1")]
        case NoSuchAddress():
            return 404, "There is nothing at this address.", []
        case _:
            return 500, f"Something went wrong on our side. Request id: {request_id}.", []
