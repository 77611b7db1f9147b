"""House API v1: its OpenAPI document."""

from typing import Any

from clearline.settings import Settings
from clearline.wires.house import wire
from clearline.wires.house.routes import GROUPS, OPERATIONS
from clearline.wires.http.openapi import About, document

ABOUT = About(
    title="Clearline house API",
    version="1.0.0",
    description="Everything that the portal and the console can do. Customers see their own company; the provider's "
    "people see all companies. Errors are RFC 9457 problems; each type has a page. Lists are paged by cursor. "
    "PATCH and DELETE require If-Match. Every POST accepts an Idempotency-Key. Times are RFC 3339 in UTC.",
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
        422: "Values are invalid.",
        428: "If-Match is missing.",
    },
)


def openapi(settings: Settings) -> dict[str, Any]:
    """Return the OpenAPI document of a server with these settings."""
    described = document(ABOUT, OPERATIONS, settings)
    described["tags"] = [{"name": name} for name in GROUPS]
    group_of = {operation.name: name for name, operations in GROUPS.items() for operation in operations}
    for methods in described["paths"].values():
        for operation in methods.values():
            operation["tags"] = [group_of[operation["operationId"]]]
    return described
