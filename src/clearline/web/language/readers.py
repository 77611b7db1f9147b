"""Who reads a page: the language and the time zone of a request."""

from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as AsgiScope

from clearline.language.languages import LANGUAGES
from clearline.language.reader import (
    Reader,
    first_language,
    preferred_language,
    read_by,
    reader,
    set_reader,
    zone_of,
)
from clearline.sign_in.domain import SessionActor
from clearline.web.branding.brand import Brand, brand, branded, set_brand
from clearline.web.branding.desk import Desk, DeskLook
from clearline.wires.http.edge import header


def accepted_language(scope: AsgiScope) -> str | None:
    """Return the language that the browser prefers of those that there are; None when it names none of them."""
    return preferred_language((header(scope, b"accept-language") or b"").decode("latin-1"))


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
