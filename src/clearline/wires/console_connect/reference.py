"""The OpenAPI document of this wire."""

import copy
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from clearline.catalogue.published import ServiceType
from clearline.catalogue.usecases import current_catalogue
from clearline.errors import DeskError
from clearline.inventory import usecases as inventory
from clearline.settings.settings import Settings
from clearline.wires.console_connect import wire
from clearline.wires.console_connect.mapping import services_out
from clearline.wires.console_connect.reference_examples import SAMPLES
from clearline.wires.console_connect.routes import OPERATIONS
from clearline.wires.http.call import Services
from clearline.wires.http.examples import Examples
from clearline.wires.http.openapi import About, document

ABOUT = About(
    title="Support tickets, Console Connect API v2",
    version="2.0.0",
    description="Raise and follow trouble tickets about ports, circuits, cloud routers and internet access.\n\n"
    "Asked for with an API key, this document also lists the services that the key can raise tickets about.",
    servers=("/", "/api"),
    error=wire.ErrorOut,
)
_MOST_LISTED = 500


def openapi(settings: Settings) -> dict[str, Any]:
    """Return the public document of a server with these settings."""
    described = document(ABOUT, OPERATIONS, settings)
    components = described["components"]["schemas"]
    examples = Examples(components, SAMPLES)
    described["components"]["schemas"] = {
        name: schema | {"examples": [examples.of(name)]} for name, schema in components.items()
    }
    return described


def for_services(described: dict[str, Any], services: list[wire.ServiceOut]) -> dict[str, Any]:
    """Return the document for a company: ``service`` is one of its own, or a Non-Console Service."""
    if len(services) > _MOST_LISTED:
        return described
    by_type: dict[str, list[str]] = {}
    for service in services:
        by_type.setdefault(service.type, []).append(service.value)
    own = copy.deepcopy(described)
    general = own["components"]["schemas"]["ServiceIn"]
    free = general["properties"]["id"]
    general["oneOf"] = [
        {"properties": {"type": {"const": kind}, "id": {"enum": ids} if (ids := by_type.get(kind)) else free}}
        for kind in (*by_type, ServiceType.NON_CONSOLE)
    ]
    general["properties"]["type"] = {"enum": [*by_type, ServiceType.NON_CONSOLE]}
    return own


class OpenApi:
    """Answers ``/openapi.json``."""

    def __init__(self, services: Services, document: Callable[[], dict[str, Any]]) -> None:
        """``document`` returns the public document."""
        self._services = services
        self._document = document

    async def answer(self, request: Request) -> JSONResponse:
        """Return the document; with a valid key, it lists the services of the key's company."""
        described = self._document()
        scheme, _, secret = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            try:
                actor = await self._services.keys.actor(secret.strip(), self._services.now())
                async with self._services.database.statement() as tx:
                    services = await inventory.list_services(tx, actor)
                    described = for_services(described, services_out(services, await current_catalogue(tx)))
            except DeskError:
                pass  # without a valid key: the public document
        return JSONResponse(described, headers={"cache-control": "private, no-cache", "vary": "Authorization"})
