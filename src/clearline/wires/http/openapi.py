"""The OpenAPI 3.1 document of a wire, made from its table of operations."""

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import msgspec
from msgspec import Struct

from clearline.settings.settings import Settings
from clearline.version import version
from clearline.wires.http.body import BODY_MAX
from clearline.wires.http.table import Header, Operation

_PAGE_OF = re.compile(rb"\bPage_(\w+?)_(?=\")")
"""How msgspec names a page of a kind of item."""
_REF = "#/components/schemas/{name}"
_ABOUT = {
    400: "The request is wrong; the message names every fault.",
    401: "The key is missing, malformed, unknown, expired, revoked, or lacks the scope.",
    404: "There is no such ticket for this key.",
    405: "Method not allowed; `Allow` names the methods of the resource.",
    409: "The first request with this Idempotency-Key is still running.",
    413: f"The body is longer than {BODY_MAX} bytes.",
    415: "The body is not `application/json`.",
    429: "The key or its company has made too many requests; `Retry-After` says when to try again.",
    500: "Internal error; the message has the request's id.",
    503: "The database is unavailable; `Retry-After` says when to try again.",
    507: "The server has no room for files; `Retry-After` says when to try again.",
}
_TEXT = {"type": "string"}
_BINARY = {"type": "string", "format": "binary"}
_NUMBER = {"type": "integer", "minimum": 0}
_SHARED_HEADERS = {
    "X-Request-Id": ("The request's id: the one sent, or a new one.", _TEXT),
    "RateLimit-Policy": ("The key's quota (draft-ietf-httpapi-ratelimit-headers).", _TEXT),
    "RateLimit": ("What remains of the quota.", _TEXT),
    "X-RateLimit-Limit": ("Requests a minute.", _NUMBER),
    "X-RateLimit-Remaining": ("Requests left now.", _NUMBER),
    "X-RateLimit-Reset": ("When the full quota is available again, in Unix seconds.", _NUMBER),
}
_IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": True,
    "description": "The ETag of the resource as you read it, or `*`.",
    "schema": {"type": "string"},
}
RETRY_INTRO = "A retry is safe with the header `Idempotency-Key`"
"""How the paragraph begins that every POST has about retries."""
# Described, not declared: whether a key may be sent depends on earlier requests with it, which no schema expresses.
_RETRIES = (
    f"\n\n{RETRY_INTRO}"
    " (1 to 255 printable characters, quoted or not): for {hours} "
    "hours the same key with the same body is answered as it was the first time, with `Idempotent-Replayed: true`. "
    "With another body it is refused."
)


class About(Struct, frozen=True):
    """The texts of a document, and the statuses that its operations share."""

    title: str
    version: str
    description: str
    servers: Sequence[str]
    error: type[Struct]
    error_media: str = "application/json"
    everywhere: tuple[int, ...] = (401, 405, 429, 500, 503)
    with_body: tuple[int, ...] = (400, 409, 413, 415)
    statuses: dict[int, str] = {}
    request_headers: dict[str, tuple[Header, ...]] = {}
    """By method, headers that every operation takes."""
    retried: tuple[int, ...] = (409,)
    """Statuses that an Idempotency-Key can lead to."""


def document(about: About, operations: Sequence[Operation], settings: Settings) -> dict[str, Any]:
    """Return the whole document of a server with these settings."""
    retries = _RETRIES.format(hours=settings.keep_idempotency_keys_days * 24)
    kinds = [about.error]
    for operation in operations:
        kinds += [kind for kind in (operation.answer, operation.part, operation.body) if kind not in {None, bytes}]
    schemas, components = msgspec.json.schema_components(kinds, ref_template=_REF)
    by_kind = dict(zip(map(str, kinds), schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        address = operation.path.replace(":path}", "}")  # a parameter that may hold slashes, as Starlette writes it
        paths.setdefault(address, {})[operation.method.lower()] = _operation(operation, by_kind, about, retries)
    whole = {
        "openapi": "3.1.0",
        "info": {
            "title": about.title,
            "version": f"{about.version}+{version().replace('+', '.')}",
            "description": about.description,
        },
        "servers": [{"url": url} for url in about.servers],
        "security": [{"apiKey": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "headers": {
                name: {"description": text, "schema": schema} for name, (text, schema) in _SHARED_HEADERS.items()
            },
            "securitySchemes": {
                "apiKey": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "clk_...",
                    "description": "`Authorization: Bearer <API key>`. The provider issues keys; each has scopes.",
                }
            },
        },
    }
    named: dict[str, Any] = msgspec.json.decode(_PAGE_OF.sub(rb"\1Page", msgspec.json.encode(whole)))
    return named


def _operation(operation: Operation, schemas: dict[str, Any], about: About, retries: str) -> dict[str, Any]:
    cached = {"304": {"description": "The client's copy, named by If-None-Match, is still current."}}
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "description": f"{operation.about}\n\nScope: {f'`{operation.scope}`' if operation.scope else 'any valid key'}.",
        "parameters": [
            *_path_parameters(operation),
            *_query_parameters(operation),
            *([_IF_MATCH | {"required": operation.conditional}] if operation.takes_if_match else []),
            *_header_parameters([*about.request_headers.get(operation.method, ()), *operation.request_headers]),
        ],
        "responses": {
            str(operation.status): _success(operation, schemas),
            **(_part(operation, schemas) if _takes_range(operation) else {}),
            **(cached if operation.method == "GET" else {}),
            **{str(status): _refusal(status, schemas, about) for status in sorted(_statuses(operation, about))},
        },
    }
    if operation.method == "POST":
        described["description"] += retries
    if operation.body is not None:
        media = "application/merge-patch+json" if operation.method == "PATCH" else "application/json"
        described["requestBody"] = {
            "required": True,
            "content": {media: {"schema": schemas[str(operation.body)]}},
        }
    elif operation.stage is not None:
        described["requestBody"] = {
            "required": True,
            "content": {media: {"schema": _BINARY} for media in operation.media},
        }
    return described


def _statuses(operation: Operation, about: About) -> set[int]:
    takes_body = operation.body is not None or operation.stage is not None
    conditional = (412, 428) if operation.conditional else (412,) if operation.guarded else ()
    retried = about.retried if operation.method == "POST" else ()
    return {*operation.errors, *about.everywhere, *(about.with_body if takes_body else ()), *conditional, *retried}


def _header_parameters(headers: Sequence[Header]) -> list[dict[str, Any]]:
    return [
        {"name": header.name, "in": "header", "required": False, "description": header.about, "schema": header.schema}
        for header in headers
    ]


def _takes_range(operation: Operation) -> bool:
    return any(header.name == "Range" for header in operation.request_headers)


def _path_parameters(operation: Operation) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, **about} for name, about in operation.path_parameters.items()
    ]


def _query_parameters(operation: Operation) -> list[dict[str, Any]]:
    if operation.query is None:
        return []
    schema = msgspec.json.schema_components([operation.query], ref_template=_REF)[1][operation.query.__name__]
    required = schema.get("required", ())
    parameters = []
    for name, property_schema in schema["properties"].items():
        member = _not_null(property_schema)
        about = {"description": text} if (text := member.pop("description", None)) else {}
        parameters.append({"name": name, "in": "query", "required": name in required, **about, "schema": member})
    return parameters


def _not_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a parameter: one that may be left out is never sent as null."""
    match schema:
        case {"anyOf": [*choices]} if {"type": "null"} in choices:
            return dict(next(choice for choice in choices if choice != {"type": "null"}))
    return dict(schema)


def _headers(*names: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in (*_SHARED_HEADERS, *names)}


def _success(operation: Operation, schemas: dict[str, Any]) -> dict[str, Any]:
    headers = _headers() | {
        header.name: {"description": header.about, "schema": header.schema} for header in operation.answer_headers
    }
    if operation.method == "GET" or operation.takes_if_match or operation.status == 201:
        headers["ETag"] = {"description": "Names this answer; send it as If-None-Match or If-Match.", "schema": _TEXT}
    if operation.status in {201, 202}:
        headers["Location"] = {"description": "The address of the resource.", "schema": _TEXT}
    answer: dict[str, Any] = {"description": operation.summary, "headers": headers}
    if operation.answer is bytes:
        answer["content"] = {media: {"schema": _TEXT if _is_text(media) else _BINARY} for media in operation.media}
    elif operation.answer is not None:
        kinds = [schemas[str(kind)] for kind in (operation.answer, operation.part) if kind is not None]
        answer["content"] = {"application/json": {"schema": {"anyOf": kinds} if len(kinds) > 1 else kinds[0]}}
        if operation.method == "GET":
            answer["content"] |= {media: {"schema": {"type": "string"}} for media in operation.media}
    return answer


def _part(operation: Operation, schemas: dict[str, Any]) -> dict[str, Any]:
    """Return the answer with a part of the content (RFC 9110, 15.3.7)."""
    answer = _success(operation, schemas)
    answer["description"] = "The requested part."
    answer["headers"]["Content-Range"] = {
        "description": "The first and last byte of it, and the size.",
        "schema": _TEXT,
    }
    return {"206": answer}


def _is_text(media: str) -> bool:
    return media.startswith("text/") or media.partition(";")[0] in {"application/x-ndjson", "message/rfc822"}


def _refusal(status: int, schemas: dict[str, Any], about: About) -> dict[str, Any]:
    description = about.statuses.get(status) or _ABOUT.get(status, HTTPStatus(status).phrase)
    return {"description": description, "content": {about.error_media: {"schema": schemas[str(about.error)]}}}
