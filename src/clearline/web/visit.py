"""A request for a page of a person who is signed in, the table of such pages, and their answers."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from urllib.parse import parse_qsl, urlsplit

from msgspec import Struct
from msgspec.structs import replace
from starlette.types import Receive
from starlette.types import Scope as AsgiScope

from clearline.catalogue.domain import Catalogue
from clearline.errors import Conflict, InvalidInput
from clearline.identity import Actor, Scope
from clearline.platform.database.transactions import Transactions
from clearline.sign_in.domain import SessionActor, SignedIn
from clearline.web import cookies, csrf
from clearline.web.area import area_of
from clearline.web.language.readers import language_headers
from clearline.web.templating import render
from clearline.wires.http.call import Answer, Headers, Services, Stream
from clearline.wires.http.edge import KEY, header
from clearline.wires.http.limits import customer_id

FORM_MAX = 512 * 1024
"""Bytes of the longest form: a description of 32,000 characters fits in any encoding."""
FIELDS_MAX = 3000
_WRITTEN = {
    "title", "description", "text", "note", "comment", "reason", "table", "intermittent", "testing_hours",
    "site_access_contact", "site_access_hours", "site_access_hazards",
    "waiting_text", "closure_root_cause", "closure_resolution",
}  # fmt: skip
"""The names of the fields into which people write words of their own."""
TOKEN_HEADER = b"x-csrf-token"
_FORM = b"application/x-www-form-urlencoded"
_FORM_WITH_FILES = b"multipart/form-data"
_HTML = (b"content-type", b"text/html; charset=utf-8")
POLICY = (
    "default-src 'self'; style-src-attr 'unsafe-inline'; object-src 'none'; base-uri 'none'; "
    "frame-ancestors 'none'; form-action 'self'"
)
_SAFE: Headers = [
    (b"content-security-policy", POLICY.encode()),
    (b"referrer-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
]
THEMES = ("auto", "light", "dark")


class Form:
    """The fields of a form that was sent. ``files`` say what each of its files is, and what its content is."""

    def __init__(self, pairs: list[tuple[str, str]], files: tuple[str, ...] = ()) -> None:
        self.pairs, self.files = pairs, files

    def get(self, name: str) -> str:
        """Return the first value of a field, or an empty text."""
        return next((value for key, value in self.pairs if key == name), "")

    def has(self, name: str) -> bool:
        """Return whether a field was sent, maybe empty."""
        return any(key == name for key, _value in self.pairs)

    def all(self, name: str) -> list[str]:
        """Return all values of a field."""
        return [value for key, value in self.pairs if key == name]

    def written(self) -> list[str]:
        """Return the texts that a person wrote into it."""
        return [value for name, value in self.pairs if name in _WRITTEN and value.strip()]


class FormRefused(Exception):
    """A form that was not sent from a page of this browser session, or is no form at all.

    ``form`` has its fields if a page of this host sent it, so that what somebody wrote can be shown again.
    """

    def __init__(self, form: Form | None = None) -> None:
        super().__init__("the form was refused")
        self.form = form


def refused_status(error: InvalidInput | Conflict) -> int:
    """Return the status of a page that says why a form was refused."""
    return 422 if isinstance(error, InvalidInput) else 409


class Browser:
    """What the browser of a request says: its cookies, whether it wants only a part of a page, its theme."""

    def __init__(self, scope: AsgiScope) -> None:
        self.scope = scope
        self.theme = cookies.read_cookie(scope, cookies.THEME)
        self.is_partial = header(scope, b"hx-request") == b"true" and not header(scope, b"hx-history-restore-request")
        try:
            self.query = dict(parse_qsl(scope["query_string"].decode("latin-1"), max_num_fields=FIELDS_MAX))
        except ValueError:  # no page of ours has so many parameters
            self.query = {}

    @property
    def request_id(self) -> str:
        """The id that people quote."""
        request_id: bytes = self.scope[KEY].id
        return request_id.decode()

    def check_upload(self, secret: str) -> None:
        """Refuse a file that a page of this browser session did not send: its token is in a header.

        Raises:
            FormRefused: another site sent it.
        """
        token = (header(self.scope, TOKEN_HEADER) or b"").decode("latin-1")
        if not _is_same_origin(self.scope) or not csrf.is_token_for(secret, token):
            raise FormRefused

    @property
    def navigates(self) -> bool:
        """Whether the answer is shown as a page: no script asked for it."""
        return not self.is_partial and (header(self.scope, b"sec-fetch-mode") or b"navigate") == b"navigate"

    @property
    def sends_files(self) -> bool:
        """Whether the request is a form with files."""
        return (header(self.scope, b"content-type") or b"").startswith(_FORM_WITH_FILES)

    def check_token(self, secret: str, form: Form) -> None:
        """Refuse a form that a page of this browser session did not send.

        Raises:
            FormRefused: another site sent it, or a page of an earlier session, with the form.
        """
        self.require_own_page()
        if not csrf.is_token_for(secret, form.get(csrf.FIELD)):
            raise FormRefused(form)

    async def form(self, receive: Receive, secret: str) -> Form:
        """Return the form that was sent, once it is certain that a page of this browser session sent it.

        Raises:
            FormRefused: another site sent it, or a page of an earlier session, it is too long, or no form.
        """
        form = await self.fields(receive)
        self.check_token(secret, form)
        return form

    async def fields(self, receive: Receive) -> Form:
        """Return the form that a page of this host sent, of any session.

        Raises:
            FormRefused: another site sent it, it is too long, or no form.
        """
        self.require_own_page()
        if not (header(self.scope, b"content-type") or b"").startswith(_FORM):
            raise FormRefused
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if len(body) > FORM_MAX or message["type"] == "http.disconnect":
                raise FormRefused
            if not message.get("more_body"):
                break
        try:
            pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=FIELDS_MAX)
        except ValueError:
            raise FormRefused from None
        return Form([(name, value.replace("\r\n", "\n")) for name, value in pairs])

    def require_own_page(self) -> None:
        """Refuse a form that no page of this host sent, as far as the browser says.

        Raises:
            FormRefused: another site sent it.
        """
        if not _is_same_origin(self.scope):
            raise FormRefused


def _is_same_origin(scope: AsgiScope) -> bool:
    """Return whether a form was sent from a page of this host, as far as the browser says."""
    site = header(scope, b"sec-fetch-site")
    if site is not None:
        return site == b"same-origin"
    origin = header(scope, b"origin")
    return origin is None or urlsplit(origin.decode("latin-1")).netloc == (header(scope, b"host") or b"").decode(
        "latin-1"
    )


class Visit:
    """One request of a signed-in person for a handler of a page.

    ``customer`` is the company whose limits the person shares, None for the provider's people, who have none;
    ``database`` is the share of it that the person may use. ``catalogue`` has the types of issues and services.
    """

    def __init__(
        self,
        services: Services,
        browser: Browser,
        session: SessionActor,
        secret: str,
        catalogue: Catalogue,
        now: datetime,
    ) -> None:
        self.services, self.browser, self.session, self.now = services, browser, session, now
        self.catalogue = catalogue
        self.actor: Actor = session.actor
        self.area = area_of(session.session.company_id)
        self.customer = customer_id(session.actor)
        shared = services.database
        self.database: Transactions = shared if self.customer is None else shared.share(self.customer)
        self.secret = secret
        self.form = Form([])
        self.receive: Receive | None = None
        self.headers: Headers = []

    @property
    def path(self) -> dict[str, str]:
        """The parameters of the path."""
        parameters: dict[str, str] = self.browser.scope["path_params"]
        return parameters

    @property
    def query(self) -> dict[str, str]:
        """The parameters of the query."""
        return self.browser.query

    def renew(self, signed_in: SignedIn) -> None:
        """Go on with another token of the session, which the browser gets with the answer."""
        self.session = replace(self.session, session=signed_in.session)
        self.secret = signed_in.token
        left = signed_in.session.expires_at - self.now
        self.headers.append(
            cookies.set_cookie(
                self.browser.scope, cookies.SESSION, signed_in.token, seconds=round(left.total_seconds())
            )
        )

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the file that is sent as the body, as it is received.

        Raises:
            FormRefused: the browser stopped in the middle.
        """
        while self.receive is not None:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise FormRefused
            yield message.get("body", b"")
            if not message.get("more_body"):
                break

    def page(self, template: str, status: int = 200, **values: object) -> Answer:
        """Return a page. Each has the actor, the theme, and the token for its forms."""
        return page(
            self.browser, template, status, self.headers, actor=self.actor, now=self.now,
            csrf_token=csrf.token_for(self.secret), **values,
        )  # fmt: skip


Handler = Callable[[Visit], Awaitable[Answer | Stream]]


class Page(Struct, frozen=True):
    """A page, or what a form does: its method and path, the scope that the actor needs, and its handler.

    An upload has the file itself as its body. The form of a page that ``has_files`` is received by its handler, with
    ``multipart.receive_form``, when the browser sends it with files. A person whose role needs a second factor that it
    has not set up yet gets only those ``without_second_factor``. What pages ask for by themselves is ``in_background``:
    it keeps no session from ending for want of use.
    """

    name: str
    method: str
    path: str
    handle: Handler
    scope: Scope
    is_upload: bool = False
    has_files: bool = False
    without_second_factor: bool = False
    in_background: bool = False


def page(browser: Browser, template: str, status: int, headers: Headers, **values: object) -> Answer:
    """Return a page, with the headers that keep it safe unless ``headers`` has a stricter one of that name."""
    theme = browser.theme if browser.theme in THEMES[1:] else ""
    text = render(template, theme=theme, is_partial=browser.is_partial, **values)
    names = {name for name, _value in headers}
    shared = (_HTML, *_SAFE, *language_headers())
    return Answer(status, text.encode(), [*(pair for pair in shared if pair[0] not in names), *headers])


def redirect(browser: Browser, to: str, headers: Headers | None = None) -> Answer:
    """Return an answer that leads to another page. ``to`` is a path of ours, or the address of an identity provider.

    It is never the client's own.
    """
    name = b"hx-redirect" if browser.is_partial and to.startswith("/sign-in") else b"location"
    status = 200 if name == b"hx-redirect" else 303
    return Answer(
        status, b"", [(name, to.encode("latin-1")), *_SAFE, (b"vary", b"Cookie, HX-Request"), *(headers or [])]
    )


def page_before(scope: AsgiScope, default: str) -> str:
    """Return the page from which a form was sent."""
    address = (header(scope, b"hx-current-url") or header(scope, b"referer") or b"").decode("latin-1")
    host = (header(scope, b"host") or b"").decode("latin-1")
    return safe_path(re.sub(rf"^https?://{re.escape(host)}(?=/)", "", address), default)


def safe_path(text: str, default: str) -> str:
    """Return a path of this server that a client names, or ``default`` for anything that could lead elsewhere."""
    parts = urlsplit(text)
    is_ours = text.startswith("/") and not text.startswith("//") and not parts.scheme and not parts.netloc
    is_plain = text.isascii() and text.isprintable() and "\\" not in text and " " not in text
    return text if is_ours and is_plain else default
