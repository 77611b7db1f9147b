"""House API v1: its OpenAPI document."""

from typing import Any

from clearline.settings.settings import Settings
from clearline.wires.house import wire
from clearline.wires.house.reference_examples import SAMPLES
from clearline.wires.house.reference_groups import GROUP_TEXTS
from clearline.wires.house.reference_meanings import MEANINGS
from clearline.wires.house.reference_webhooks import webhooks
from clearline.wires.house.routes import GROUPS, OPERATIONS
from clearline.wires.http.examples import Examples
from clearline.wires.http.openapi import About, document
from clearline.wires.http.resource import IDEMPOTENCY_KEY
from clearline.wires.http.table import Header

_RETRY = Header(
    "Idempotency-Key",
    "Makes the request safe to repeat: for 24 hours the same key with the same request returns the first answer.",
    {
        "type": "string",
        "pattern": f"^({IDEMPOTENCY_KEY.pattern})$",
        "examples": ["8f14e45f-ceea-467f-9f5a-0a3b7e3c9d21"],
    },
)
_CACHED = Header(
    "If-None-Match",
    "The ETag of an answer that you have. If nothing changed, the answer is 304 without a body.",
    {"type": "string"},
)
ABOUT = About(
    title="Clearline house API",
    version="1.0.0",
    description="Everything that the portal and the console can do. Customers see their own company; the provider's "
    "people see all companies. Errors are RFC 9457 problems; each type has a page. Lists are paged by cursor. "
    "PATCH and DELETE require If-Match. Every POST accepts an Idempotency-Key. Times are RFC 3339 in UTC. The section "
    "`webhooks` describes the requests that subscriptions receive.",
    servers=("/",),
    error=wire.Problem,
    error_media="application/problem+json",
    with_body=(400, 409, 413, 415, 422),
    everywhere=(400, 401, 403, 405, 429, 500, 503),
    statuses={
        400: "The request cannot be parsed, or a query parameter is invalid.",
        401: "The key is missing, malformed, unknown, expired or revoked.",
        403: "The role of the user or the scopes of the key do not allow the request.",
        404: "The resource does not exist, or the key may not see it.",
        409: "The request conflicts with the current state, or the first request with this Idempotency-Key is running.",
        412: "The resource does not have the ETag in If-Match.",
        422: "Values are invalid, or the Idempotency-Key was used for another request.",
        428: "If-Match is missing.",
    },
    request_headers={"GET": (_CACHED,), "POST": (_RETRY,)},
    retried=(409, 422),
)


def openapi(settings: Settings) -> dict[str, Any]:
    """Return the OpenAPI document of a server with these settings."""
    described = document(ABOUT, OPERATIONS, settings)
    described["tags"] = [{"name": name, "description": GROUP_TEXTS[name]} for name in GROUPS]
    group_of = {operation.name: name for name, operations in GROUPS.items() for operation in operations}
    for methods in described["paths"].values():
        for operation in methods.values():
            operation["tags"] = [group_of[operation["operationId"]]]
    described["webhooks"], schemas = webhooks()
    components = described["components"]["schemas"]
    components |= schemas
    examples = Examples(components, SAMPLES)
    described["components"]["schemas"] = {
        name: schema | {"title": name, "examples": [examples.of(name)]} | _meanings(name)
        for name, schema in components.items()
    }
    return described


def _meanings(name: str) -> dict[str, Any]:
    """Return what a schema says of its values, in an extension that viewers of OpenAPI documents know."""
    return {"x-enumDescriptions": MEANINGS[name]} if name in MEANINGS else {}
