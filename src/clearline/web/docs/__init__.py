"""The pages that need no key: the start page, and the reference of the APIs, made from their OpenAPI documents."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from clearline.web.docs.plan import ERRORS, Wire


def page_headers(*, form_action: str = "'none'") -> dict[str, str]:
    """Return the headers of a page: a content security policy without scripts; where its forms may be sent."""
    policy = (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; "
        f"form-action {form_action}; frame-ancestors 'none'"
    )
    return {
        "content-security-policy": policy,
        "referrer-policy": "no-referrer",
        **_KEPT,
    }


_KEPT = {"cache-control": "public, max-age=300"}
_HEADERS = page_headers()
ENVIRONMENT = Environment(
    loader=PackageLoader("clearline.web"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)
DEVELOPERS = "/developers"
"""The page that developers begin with."""


def document_route(wire: Wire) -> Route:
    """Return the route of the OpenAPI document of a wire."""
    return _route(wire.source, lambda: bytes(JSONResponse(wire.document()).body), "application/json", _KEPT)


def start_routes(wires: Sequence[Wire]) -> Sequence[BaseRoute]:
    """Return the page that developers begin with, and the icons and styles that browsers request."""
    icon = files("clearline.web").joinpath("static", "favicon.ico").read_bytes()

    async def favicon(_request: Request) -> Response:
        return Response(icon, media_type="image/x-icon", headers={"cache-control": "public, max-age=86400"})

    def start() -> str:
        return ENVIRONMENT.get_template("start.html").render(wires=wires, errors=ERRORS)

    static = Mount("/static", StaticFiles(packages=[("clearline.web", "static")]))
    return [_page(DEVELOPERS, start), Route("/favicon.ico", favicon), static]


def wants_page(scope: Scope) -> bool:
    """Return whether the client is a browser that opens a page: it accepts HTML by name, and reads."""
    accept = next((value for name, value in scope["headers"] if name == b"accept"), b"")
    return scope["method"] in {"GET", "HEAD"} and b"text/html" in accept.lower()


async def not_found(request: Request, _error: Exception) -> Response:
    """Answer a request for an address that has nothing: with a page for browsers, and with a line for programs."""
    headers = {"cache-control": "no-store", "vary": "Accept"}
    if wants_page(request.scope):
        page = ENVIRONMENT.get_template("missing.html").render()
        return HTMLResponse(page, 404, headers={**_HEADERS, **headers})
    return PlainTextResponse("There is nothing at this address; / lists what there is.\n", 404, headers=headers)


def _page(path: str, make: Callable[[], str]) -> Route:
    return _route(path, make, "text/html", _HEADERS)


def _route(path: str, make: Callable[[], str | bytes], media_type: str, headers: Mapping[str, str]) -> Route:
    """Return the route of what is made at its first request, in a thread."""
    content: str | bytes | None = None

    async def answer(_request: Request) -> Response:
        nonlocal content
        if content is None:
            content = await asyncio.to_thread(make)
        return Response(content, headers=headers, media_type=media_type)

    return Route(path, answer)
