"""The routes of the reference. A page is rendered and compressed once, at its first request, in a thread."""

import asyncio
import gzip
from collections.abc import Mapping, Sequence
from functools import cache

import brotli
from msgspec import Struct
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from xxhash import xxh3_64_hexdigest

from clearline.accounts import key_usecases as keys
from clearline.accounts.domain import ApiKey
from clearline.identity import Actor, Scope
from clearline.platform.database.errors import DatabaseUnavailable
from clearline.sign_in.domain import session_limits
from clearline.web import cookies
from clearline.web.area import CONSOLE, PORTAL, Area, area_of
from clearline.web.docs.plan import ERRORS, Wire
from clearline.web.docs.site import START, Site
from clearline.web.front import SIGN_IN, identify
from clearline.web.templating import render
from clearline.web.visit import THEMES
from clearline.wires.http.call import Services
from clearline.wires.http.compression import accepted_codings
from clearline.wires.http.edge import header

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "content-type": "text/html; charset=utf-8",
    "referrer-policy": "same-origin",
    "vary": "Cookie, Accept-Encoding",
}
_FOR_ALL = {"cache-control": "public, max-age=300"}
_FOR_ONE = {"cache-control": "private, no-cache"}
KEYS_OF_COMPANY = f"{PORTAL.home}/company/keys/new"
"""Where an admin of a customer creates a key."""
_SLOT = "\x00"
_BROTLI_QUALITY = 9
"""A page takes 30 ms, once; at 11 it would take a second, and be 5 % smaller."""


class Reader(Struct, frozen=True):
    """What a page shows of its reader: the theme, its area if it is signed in, and its newest API key in force.

    ``new_key`` is where the reader creates a key; empty for one who may not.
    """

    theme: str = ""
    area: Area | None = None
    key: ApiKey | None = None
    new_key: str = ""


class _Page(Struct, frozen=True):
    """A rendered page between its slots, and compressed as a reader sees it of whom nothing is known."""

    parts: tuple[bytes, ...]
    names: tuple[str, ...]
    contents: Mapping[bytes | None, bytes]
    etag: str


def document_route(wire: Wire) -> Route:
    """Return the route of the OpenAPI document of a wire, which is made at the first request, in a thread."""
    made = cache(lambda: bytes(JSONResponse(wire.document()).body))

    async def answer(_request: Request) -> Response:
        return Response(await asyncio.to_thread(made), headers=_FOR_ALL, media_type="application/json")

    return Route(wire.source, answer)


class Reference:
    """Answers requests for the pages."""

    def __init__(self, site: Site, services: Services) -> None:
        self._site = site
        self._services = services
        self._limits = session_limits(services.settings)
        self._pages: dict[str, _Page] = {}

    def routes(self) -> list[Route]:
        """Return the routes of the start page and the page of errors, and of everything below them."""
        return [Route(f"{page}{below}", self._answer) for page in (START, ERRORS) for below in ("", "/{page:path}")]

    async def _answer(self, request: Request) -> Response:
        path = request.scope["path"]
        if path not in self._pages:
            await asyncio.to_thread(self._render, path)
        page = self._pages[path]
        reader = await self._reader(request)
        if reader == Reader():
            coding = accepted_codings(header(request.scope, b"accept-encoding") or b"").whole
            content, etag, headers = page.contents[coding], page.etag, {**_HEADERS, **_FOR_ALL}
            if coding is not None:
                headers["content-encoding"] = coding.decode()
        else:
            slots = _slots(reader)
            content = _filled(page.parts, page.names, slots)
            etag, headers = _tag(page.etag.encode() + b"".join(slots.values())), {**_HEADERS, **_FOR_ONE}
        headers["etag"] = etag
        if etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers={k: v for k, v in headers.items() if k != "content-encoding"})
        return Response(content, headers=headers)

    def _render(self, path: str) -> None:
        if path not in self._site.templates:
            raise HTTPException(404)
        text = self._site.render(path, {name: f"{_SLOT}{name}{_SLOT}" for name in ("theme", "account", "key")})
        pieces = text.split(_SLOT)
        parts, names = tuple(part.encode() for part in pieces[::2]), tuple(pieces[1::2])
        content = _filled(parts, names, _slots(Reader()))
        contents = {
            None: content,
            b"br": brotli.compress(content, quality=_BROTLI_QUALITY),
            b"gzip": gzip.compress(content, mtime=0),
        }
        self._pages[path] = _Page(parts, names, contents, _tag(content))

    async def _reader(self, request: Request) -> Reader:
        """Return who reads: nobody in particular when the session is not in force, or cannot be read."""
        theme = cookies.read_cookie(request.scope, cookies.THEME)
        theme = theme if theme in THEMES[1:] else ""
        token = cookies.read_cookie(request.scope, cookies.SESSION)
        if not token:
            return Reader(theme)
        try:
            session = await identify(self._services, request.scope, token, self._limits, is_use=False)
            if session is None or session.lacks_second_factor:
                return Reader(theme)
            async with self._services.database.statement() as tx:
                key = await keys.newest_own_key(tx, session.actor, now=self._services.now())
        except DatabaseUnavailable:
            return Reader(theme)
        return Reader(theme, area_of(session.session.company_id), key, _new_key(session.actor))


def _new_key(actor: Actor) -> str:
    if actor.is_staff:
        return f"{CONSOLE.account}/keys/new"
    return KEYS_OF_COMPANY if actor.is_company_admin and Scope.ACCOUNTS_WRITE in actor.scopes else ""


def _slots(reader: Reader) -> dict[str, bytes]:
    """Return what stands in the slots of a page for a reader."""
    texts = {
        "theme": f' data-theme="{reader.theme}"' if reader.theme else "",
        "account": render("docs/account.html", reader=reader, console=CONSOLE, sign_in=SIGN_IN),
        "key": render("docs/key.html", reader=reader, sign_in=SIGN_IN, new_key=KEYS_OF_COMPANY),
    }
    return {name: text.encode() for name, text in texts.items()}


def _filled(parts: Sequence[bytes], names: Sequence[str], slots: Mapping[str, bytes]) -> bytes:
    """Return a page: its parts, and what stands in the slots between them."""
    texts = [parts[0]]
    for name, part in zip(names, parts[1:], strict=True):
        texts += [slots[name], part]
    return b"".join(texts)


def _tag(content: bytes) -> str:
    return f'"{xxh3_64_hexdigest(content)}"'
