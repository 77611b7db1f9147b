"""The OpenAPI 3.1 document of a wire, made from its table of operations."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import msgspec
from msgspec import Struct

from clearline import __version__
from clearline.facades.http.body import BODY_MAX
from clearline.facades.http.table import Operation

_REF = "#/components/schemas/{name}"
_EVERYWHERE = (401, 405, 429, 500, 503)
_WITH_BODY = (400, 409, 413, 415)
_ABOUT = {
    400: "The request is wrong; the message names every fault.",
    401: "The key is missing, malformed, unknown, expired, revoked, or lacks the scope.",
    404: "There is no such ticket for this key.",
    405: "The resource does not take this method.",
    409: "The first request with this Idempotency-Key is still running.",
    413: f"The body is longer than {BODY_MAX} bytes.",
    415: "The body is not `application/json`.",
    429: "The key has made too many requests; `Retry-After` says when to try again.",
    500: "A fault of ours; the message has the request's id.",
    503: "The database is away; `Retry-After` says when to try again.",
}
_TEXT = {"type": "string"}
_NUMBER = {"type": "integer", "minimum": 0}
_SHARED_HEADERS = {
    "X-Request-Id": ("The request's id: the one sent, or a new one.", _TEXT),
    "RateLimit-Policy": ("The key's quota (draft-ietf-httpapi-ratelimit-headers).", _TEXT),
    "RateLimit": ("What is left of the quota.", _TEXT),
    "X-RateLimit-Limit": ("Requests a minute.", _NUMBER),
    "X-RateLimit-Remaining": ("Requests left now.", _NUMBER),
    "X-RateLimit-Reset": ("When the quota is whole again, in Unix seconds.", _NUMBER),
}
# Told in words, not declared: whether a key may be sent depends on what was sent with it before, which no schema says.
_RETRIES = (
    "\n\nA retry is safe with the header `Idempotency-Key` (1 to 255 printable characters, quoted or not): for 24 "
    "hours the same key with the same body is answered as it was the first time, with `Idempotent-Replayed: true`. "
    "With another body it is refused."
)


class About(Struct, frozen=True):
    """What a document says of itself."""

    title: str
    version: str
    description: str
    servers: Sequence[str]
    error: type[Struct]


def document(about: About, operations: Sequence[Operation]) -> dict[str, Any]:
    """The whole document."""
    kinds = [about.error]
    for operation in operations:
        kinds += [kind for kind in (operation.answer, operation.body) if kind is not None]
    schemas, components = msgspec.json.schema_components(kinds, ref_template=_REF)
    by_kind = dict(zip(map(str, kinds), schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, by_kind, about.error)
    return {
        "openapi": "3.1.0",
        "info": {"title": about.title, "version": f"{about.version}+{__version__}", "description": about.description},
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


def _operation(operation: Operation, schemas: dict[str, Any], error: type[Struct]) -> dict[str, Any]:
    cached = {"304": {"description": "The client's copy, named by If-None-Match, is still good."}}
    statuses = {*operation.errors, *_EVERYWHERE, *(_WITH_BODY if operation.body else ())}
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "description": f"{operation.about}\n\nScope: {f'`{operation.scope}`' if operation.scope else 'any valid key'}.",
        "parameters": [*_path_parameters(operation), *_query_parameters(operation)],
        "responses": {
            "200": _success(operation, schemas[str(operation.answer)]),
            **(cached if operation.method == "GET" else {}),
            **{str(status): _refusal(status, schemas[str(error)]) for status in sorted(statuses)},
        },
    }
    if operation.body is not None:
        described["description"] += _RETRIES
        described["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schemas[str(operation.body)]}},
        }
    return described


def _path_parameters(operation: Operation) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, **about} for name, about in operation.path_parameters.items()
    ]


def _query_parameters(operation: Operation) -> list[dict[str, Any]]:
    if operation.query is None:
        return []
    schema = msgspec.json.schema_components([operation.query], ref_template=_REF)[1][operation.query.__name__]
    required = schema.get("required", ())
    found = []
    for name, one in schema["properties"].items():
        member = dict(one)
        about = {"description": text} if (text := member.pop("description", None)) else {}
        found.append({"name": name, "in": "query", "required": name in required, **about, "schema": member})
    return found


def _headers(*names: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in (*_SHARED_HEADERS, *names)}


def _success(operation: Operation, schema: dict[str, Any]) -> dict[str, Any]:
    headers = _headers() | {
        header.name: {"description": header.about, "schema": header.schema} for header in operation.answer_headers
    }
    if operation.method == "GET":
        headers["ETag"] = {"description": "Names this answer; send it as If-None-Match.", "schema": _TEXT}
    return {
        "description": operation.summary,
        "headers": headers,
        "content": {"application/json": {"schema": schema}},
    }


def _refusal(status: int, schema: dict[str, Any]) -> dict[str, Any]:
    about = _ABOUT.get(status, HTTPStatus(status).phrase)
    return {"description": about, "content": {"application/json": {"schema": schema}}}
