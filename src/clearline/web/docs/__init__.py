"""The reference pages, made from OpenAPI documents."""

from collections.abc import Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

_CSP = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_METHODS = ("get", "post", "put", "patch", "delete")


def reference_routes(document: dict[str, Any]) -> Sequence[BaseRoute]:
    """``/docs``, a page about the wire that the document describes, and the style it needs."""
    page = render(document)

    async def docs(_request: Request) -> HTMLResponse:
        return HTMLResponse(
            page,
            headers={
                "content-security-policy": _CSP,
                "referrer-policy": "no-referrer",
                "cache-control": "public, max-age=300",
            },
        )

    return [Route("/docs", docs), Mount("/static", StaticFiles(packages=[("clearline.web", "static")]))]


def render(document: dict[str, Any]) -> str:
    """The page."""
    environment = Environment(
        loader=PackageLoader("clearline.web"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("reference.html").render(
        document=document,
        operations=[
            {"path": path, "method": method.upper(), **methods[method]}
            for path, methods in document["paths"].items()
            for method in _METHODS
            if method in methods
        ],
        schemas=document["components"]["schemas"],
        shape=shape,
    )


def shape(schema: dict[str, Any]) -> str:  # noqa: PLR0911 - a table
    """A schema in a few words, such as ``string, 1 to 255 characters``."""
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
        case {"type": "integer", "minimum": least, "maximum": most}:
            return f"integer, {least} to {most}"
        case {"type": kind}:
            return str(kind)
    return "anything"
