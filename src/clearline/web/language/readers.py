"""Who reads a page: the language and the time zone of a request."""

import re

from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as AsgiScope

from clearline.language.languages import LANGUAGES
from clearline.language.reader import Reader, first_language, read_by, reader, set_reader, zone_of
from clearline.sign_in.domain import SessionActor
from clearline.web.branding.brand import Brand, brand, branded, set_brand
from clearline.web.branding.desk import Desk, DeskLook
from clearline.wires.http.edge import header

_ACCEPTED_MAX = 20
_ACCEPTED = re.compile(r"\s*([A-Za-z]{1,8}|\*)(?:-[A-Za-z0-9-]*)?\s*(?:;\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*)?")


def accepted_language(scope: AsgiScope) -> str | None:
    """Return the language that the browser prefers of those that there are; None when it names none of them.

    RFC 9110, 12.5.4: of equal weights the first counts, and a weight of 0 refuses a language.
    """
    text = (header(scope, b"accept-language") or b"").decode("latin-1")
    weights: dict[str, float] = {}
    for part in text.split(",")[:_ACCEPTED_MAX]:
        match = _ACCEPTED.fullmatch(part)
        if match is not None and (code := match[1].lower()) in LANGUAGES:
            weights.setdefault(code, float(match[2] or 1))
    accepted = [code for code, weight in weights.items() if weight > 0]
    return max(accepted, key=weights.__getitem__, default=None)


class ByBrowser:
    """An ASGI application of pages, read in the language that the browser prefers, or else in that of the desk."""

    def __init__(self, app: ASGIApp, desk: Desk) -> None:
        self._app, self._desk = app, desk

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI 3)."""
        is_page = b"text/html" in (header(scope, b"accept") or b"")
        desk = await self._desk.get() if is_page else DeskLook()
        reader = Reader(accepted_language(scope) or desk.language, is_by_browser=True)
        with read_by(reader), branded(desk.brand):
            await self._app(scope, receive, send)


def read_in_console() -> None:
    """Set that the reader works in the console, which has English words, UTC, and the name of the product."""
    set_reader(Reader())
    set_brand(Brand(accent_hue=brand().accent_hue))


def read_by_person(session: SessionActor) -> None:
    """Set that the reader is signed in: the person's language, or its company's, counts before the browser's."""
    before = reader()
    is_by_browser = session.language not in LANGUAGES
    language = first_language(session.language, before.language)
    set_reader(Reader(language, zone_of(session.time_zone or "UTC"), is_by_browser))


def language_headers() -> list[tuple[bytes, bytes]]:
    """Return the headers that name the language of an answer, and what it depends on."""
    own = reader()
    varies = b", Accept-Language" if own.is_by_browser else b""
    return [(b"content-language", own.language.encode()), (b"vary", b"Cookie, HX-Request" + varies)]


def names_of_language() -> dict[str, str]:
    """Return the headers that name the language of a page without sign-in, and what it depends on."""
    return {"content-language": reader().language, "vary": "Accept-Language"}
