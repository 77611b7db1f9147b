"""Answers with pages that run no script, and may be opened by anybody."""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import Scope

from clearline.web.language.readers import names_of_language
from clearline.web.templating import render


def page_headers(*, form_action: str = "'none'") -> dict[str, str]:
    """Return the headers of a page: a content security policy without scripts; where its forms may be sent."""
    policy = (
        "default-src 'none'; style-src 'self'; img-src 'self'; font-src 'self'; base-uri 'none'; "
        f"form-action {form_action}; frame-ancestors 'none'"
    )
    return {"content-security-policy": policy, "referrer-policy": "no-referrer", "cache-control": "no-store"}


def open_page(template: str, status: int, headers: Mapping[str, str], **values: object) -> HTMLResponse:
    """Return a page without the frame of the console or the portal, in the theme of the system."""
    page = render(template, theme="", **values)
    return HTMLResponse(page, status, headers={**names_of_language(), **headers})


def wants_page(scope: Scope) -> bool:
    """Return whether the client is a browser that opens a page: it accepts HTML by name, and reads."""
    accept = next((value for name, value in scope["headers"] if name == b"accept"), b"")
    return scope["method"] in {"GET", "HEAD"} and b"text/html" in accept.lower()


async def not_found(request: Request, _error: Exception) -> Response:
    """Answer a request for an address that has nothing: with a page for browsers, and with a line for programs."""
    headers = {"cache-control": "no-store", "vary": "Accept, Accept-Language"}
    if wants_page(request.scope):
        return open_page("missing.html", 404, {**page_headers(), **headers})
    return PlainTextResponse("There is nothing at this address; / lists what there is.\n", 404, headers=headers)
