"""The OpenAPI document of this wire."""

from typing import Any

from clearline.wires.house import wire
from clearline.wires.house.routes import GROUPS, OPERATIONS
from clearline.wires.http.openapi import About, document

ABOUT = About(
    title="Clearline house API",
    version="1.0.0",
    description="Everything that the portal and the console can do. Customers see their own company; the provider's "
    "people see every one. Errors are RFC 9457 problems, each kind with a page of its own; lists go on by cursor; "
    "PATCH and DELETE demand If-Match; every POST takes an Idempotency-Key; times are RFC 3339 in UTC.",
    servers=("/",),
    error=wire.Problem,
    error_media="application/problem+json",
    with_body=(400, 409, 413, 415, 422),
    everywhere=(400, 401, 403, 405, 429, 500, 503),
    statuses={
        400: "The request cannot be read, or a query parameter is wrong.",
        401: "The key is missing, malformed, unknown, expired or revoked.",
        403: "The role or the key does not allow it.",
        404: "There is no such thing for this key.",
        409: "It does not fit the present state, or the first request with this Idempotency-Key still runs.",
        412: "It has changed since If-Match was read.",
        422: "Values break a rule.",
        428: "If-Match is missing.",
    },
)


def openapi() -> dict[str, Any]:
    """Return the document."""
    described = document(ABOUT, OPERATIONS)
    described["tags"] = [{"name": name} for name in GROUPS]
    group_of = {operation.name: name for name, operations in GROUPS.items() for operation in operations}
    for methods in described["paths"].values():
        for operation in methods.values():
            operation["tags"] = [group_of[operation["operationId"]]]
    return described
