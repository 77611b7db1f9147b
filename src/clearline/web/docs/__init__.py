"""The pages that need no key: the start page, and the reference that is made from OpenAPI documents."""

from collections.abc import Collection, Mapping, Sequence
from importlib.resources import files
from typing import Any

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
        "cache-control": "public, max-age=300",
    }


_HEADERS = page_headers()
ENVIRONMENT = Environment(
    loader=PackageLoader("clearline.web"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)
_METHODS = ("get", "post", "put", "patch", "delete")


def document_route(path: str, document: dict[str, Any]) -> Route:
    """Return the route of an OpenAPI document."""

    async def answer(_request: Request) -> JSONResponse:
        return JSONResponse(document, headers={"cache-control": "public, max-age=300"})

    return Route(path, answer)


def reference_routes(documents: Mapping[str, tuple[str, dict[str, Any]]]) -> Sequence[BaseRoute]:
    """Return a page for each wire, by its path, with where its OpenAPI document is; and the style that they need."""
    links = [(path, document["info"]["title"]) for path, (_source, document) in documents.items()]
    pages = [_page(path, render(document, source, path, links)) for path, (source, document) in documents.items()]
    return [*pages, Mount("/static", StaticFiles(packages=[("clearline.web", "static")]))]


def start_routes(documents: Mapping[str, tuple[str, dict[str, Any]]], problems: str) -> Sequence[BaseRoute]:
    """Return the start page and the icon that browsers request; ``problems`` is the path of the list of problems."""
    links = [(path, document["info"]["title"], source) for path, (source, document) in documents.items()]
    icon = files("clearline.web").joinpath("static", "favicon.ico").read_bytes()

    async def favicon(_request: Request) -> Response:
        return Response(icon, media_type="image/x-icon", headers={"cache-control": "public, max-age=86400"})

    page = ENVIRONMENT.get_template("start.html").render(links=links, problems=problems)
    return [_page("/", page), Route("/favicon.ico", favicon)]


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
    template = ENVIRONMENT.get_template("problem.html")
    everything = _page(path, template.render(kinds=kinds, path=path, title="Problems"))
    return [
        everything,
        *(_page(f"{path}/{kind.code}", template.render(kinds=[kind], path=path, title=kind.title)) for kind in kinds),
    ]


def _page(path: str, page: str) -> Route:
    async def answer(_request: Request) -> HTMLResponse:
        return HTMLResponse(page, headers=_HEADERS)

    return Route(path, answer)


def render(document: dict[str, Any], source: str, path: str, links: Sequence[tuple[str, str]]) -> str:
    """Render the page of a wire: ``source`` is where its document is, ``links`` the paths and titles of all pages."""
    return ENVIRONMENT.get_template("reference.html").render(
        document=document,
        source=source,
        path=path,
        links=links,
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
