"""The pages that need no key: the start page, and the reference that is made from OpenAPI documents."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from importlib.resources import files
from typing import Any, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope


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
_METHODS = ("get", "post", "put", "patch", "delete")


class Wire(NamedTuple):
    """A wire with a reference page at ``path``, which is made from its OpenAPI document at ``source``."""

    path: str
    source: str
    title: str
    document: Callable[[], dict[str, Any]]


def document_route(wire: Wire) -> Route:
    """Return the route of the OpenAPI document of a wire."""
    return _route(wire.source, lambda: bytes(JSONResponse(wire.document()).body), "application/json", _KEPT)


def reference_routes(wires: Sequence[Wire]) -> Sequence[BaseRoute]:
    """Return the reference page of each wire, and the style that they need."""
    pages = [_page(wire.path, partial(render, wire, wires)) for wire in wires]
    return [*pages, Mount("/static", StaticFiles(packages=[("clearline.web", "static")]))]


def start_routes(wires: Sequence[Wire], problems: str) -> Sequence[BaseRoute]:
    """Return the page that developers begin with, and the icon that browsers request; ``problems`` is the path of the list of problems."""
    icon = files("clearline.web").joinpath("static", "favicon.ico").read_bytes()

    async def favicon(_request: Request) -> Response:
        return Response(icon, media_type="image/x-icon", headers={"cache-control": "public, max-age=86400"})

    def start() -> str:
        return ENVIRONMENT.get_template("start.html").render(wires=wires, problems=problems)

    return [_page(DEVELOPERS, start), Route("/favicon.ico", favicon)]


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


def problem_routes(path: str, kinds: Collection[Any]) -> Sequence[BaseRoute]:
    """Return a page for each kind of problem under the path, and one that lists them.

    A kind has ``code``, ``status``, ``title`` and ``about``.
    """

    def page(address: str, shown: Collection[Any], title: str) -> Route:
        template = "problem.html"
        return _page(address, lambda: ENVIRONMENT.get_template(template).render(kinds=shown, path=path, title=title))

    return [page(path, kinds, "Problems"), *(page(f"{path}/{kind.code}", [kind], kind.title) for kind in kinds)]


def _page(path: str, make: Callable[[], str]) -> Route:
    return _route(path, make, "text/html", _HEADERS)


def _route(path: str, make: Callable[[], str | bytes], media_type: str, headers: Mapping[str, str]) -> Route:
    """Return the route of what is made at its first request, in a thread: the longest page takes 0.1 seconds of CPU."""
    content: str | bytes | None = None

    async def answer(_request: Request) -> Response:
        nonlocal content
        if content is None:
            content = await asyncio.to_thread(make)
        return Response(content, headers=headers, media_type=media_type)

    return Route(path, answer)


def render(wire: Wire, wires: Sequence[Wire]) -> str:
    """Render the page of a wire, with links to all."""
    document = wire.document()
    return ENVIRONMENT.get_template("reference.html").render(
        document=document,
        wire=wire,
        wires=wires,
        groups=_groups(document),
        schemas=document["components"]["schemas"],
        shape=shape,
    )


def _groups(document: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Return the operations by the group that their tag names, in the document's order; without tags, one group."""
    groups: dict[str, list[dict[str, Any]]] = {tag["name"]: [] for tag in document.get("tags", [])}
    for path, methods in document["paths"].items():
        for method in _METHODS:
            if method in methods:
                operation = {"path": path, "method": method.upper(), **methods[method]}
                groups.setdefault(next(iter(operation.get("tags", ["Operations"]))), []).append(operation)
    return groups


def shape(schema: dict[str, Any]) -> str:  # noqa: C901, PLR0911 - a table
    """Return a schema in a few words, such as ``string, 1 to 255 characters``."""
    match schema:
        case {"$ref": ref}:
            return str(ref).rpartition("/")[2]
        case {"anyOf": choices}:
            return " or ".join(shape(choice) for choice in choices if choice != {"type": "null"})
        case {"enum": values}:
            return "one of " + ", ".join(str(value) for value in values)
        case {"const": value}:
            return f"always {value}"
        case {"type": "array", "items": items}:
            return f"list of {shape(items)}"
        case {"type": "string", "minLength": least, "maxLength": most}:
            return f"string, {least} to {most} characters"
        case {"oneOf": choices}:
            return " or ".join(shape(choice) for choice in choices)
        case {"type": "object", "additionalProperties": dict(value_schema)}:
            return f"object of {shape(value_schema)}"
        case {"type": "string", "format": form}:
            return str(form)
        case {"type": "integer", "minimum": least, "maximum": most}:
            return f"integer, {least} to {most}"
        case {"type": [*kinds]}:
            return " or ".join(map(str, kinds))
        case {"type": kind}:
            return str(kind)
    return "anything"
