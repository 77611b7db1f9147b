"""The pages of people who are signed in, as an ASGI application: who asks, whether they may, and errors as pages."""

from asyncio import CancelledError
from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import quote, urlencode

import structlog
from starlette.routing import compile_path
from starlette.types import Receive, Send
from starlette.types import Scope as AsgiScope

from clearline.accounts import permissions
from clearline.accounts.tiers.usecases import labels_of_database
from clearline.catalogue.term_usecases import terms_of_database
from clearline.catalogue.usecases import catalogue_of_database
from clearline.clock import monotonic
from clearline.errors import Conflict, DeskError, Forbidden, InvalidInput, NotFound, OperationalError, ScopeMissing
from clearline.identity import Actor
from clearline.metrics.domain import OTHER, Route
from clearline.platform.database.errors import DatabaseUnavailable
from clearline.platform.database.outage import OUTAGE
from clearline.sign_in import usecases as sign_in
from clearline.sign_in.domain import SessionActor, SessionLimits, session_limits
from clearline.sign_in.link_domain import LinkRefused
from clearline.tickets.attachments.blob_backend import BlobMissing
from clearline.web import assets, cookies
from clearline.web.area import CONSOLE, EVERYBODY, Area
from clearline.web.language.readers import read_by_person, read_in_console
from clearline.web.language.refusals import refusal_text
from clearline.web.multipart import read_fields
from clearline.web.tickets.terms import show_terms
from clearline.web.tickets.tier_names import show_tiers
from clearline.web.tickets.type_names import show_types
from clearline.web.visit import (
    Browser,
    FormRefused,
    Page,
    Visit,
    page,
    page_before,
    redirect,
    refused_status,
    safe_path,
)
from clearline.web.words import gettext
from clearline.wires.http.call import Answer, Headers, Services, Stream
from clearline.wires.http.cursors import InvalidCursor
from clearline.wires.http.edge import KEY
from clearline.wires.http.limits import TooManyRequests, customer_id

SIGN_IN = "/sign-in"
_log = structlog.get_logger("clearline.web")


class OtherArea(Forbidden):
    """The page is for the other kind of people than the actor, whose pages begin at ``home``."""

    code = "other_area"

    def __init__(self, actor: Actor, home: str) -> None:
        super().__init__(f"you are signed in as {actor.name}")
        self.name, self.home = actor.name, home


class Front:
    """The pages of a table for the people of an area, as an ASGI application."""

    def __init__(self, pages: Sequence[Page], area: Area, services: Services) -> None:
        self._area = area
        paths: dict[str, dict[str, Page]] = {}
        for entry in pages:
            paths.setdefault(entry.path, {})[entry.method] = entry
        self._routes = [(compile_path(path)[0], methods, Route(area.name, path)) for path, methods in paths.items()]
        self._no_route = Route(area.name, OTHER)
        self._services = services
        self._limits = session_limits(services.settings)

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI 3)."""
        await respond(scope, receive, send, self._answer, self._area.home)

    async def _answer(self, browser: Browser, receive: Receive) -> Answer | Stream:
        scope, now = browser.scope, self._services.now()
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        entry, scope["path_params"], scope[KEY].route = self._find(scope["path"], method)
        token = cookies.read_cookie(scope, cookies.SESSION)
        is_use = entry is None or not entry.in_background
        session = await identify(self._services, scope, token, self._limits, is_use=is_use) if token else None
        if session is None:
            address = f"{SIGN_IN}?{urlencode({'next': _came_from(scope, self._area.home)})}"
            written = await _written(browser, receive) if method == "POST" and entry and not entry.is_upload else []
            if written:
                return page(browser, "not_sent.html", 401, [], written=written, sign_in=address)
            return redirect(browser, address)
        scope[KEY].actor = session.actor
        self._read_by(session)
        self._count(session)
        if entry is None:
            raise NotFound("page", scope["path"])
        catalogue = await catalogue_of_database(self._services.database)
        show_types(catalogue, for_customers=not session.actor.is_staff)
        show_tiers(await labels_of_database(self._services.database))
        show_terms(await terms_of_database(self._services.database), for_customers=not session.actor.is_staff)
        visit = Visit(self._services, browser, session, token, catalogue, now)
        if not self._area.admits(session.actor):
            raise OtherArea(session.actor, visit.area.home)
        if session.lacks_second_factor:
            if not entry.without_second_factor:
                return redirect(browser, visit.area.second_factor)
        else:
            permissions.require_scope(session.actor, entry.scope)
        if entry.is_upload:
            browser.check_upload(token)
            visit.receive = receive
        elif entry.has_files and method == "POST" and browser.sends_files:
            visit.receive = receive
        elif method == "POST":
            visit.form = await browser.form(receive, token)
        return await entry.handle(visit)

    def _read_by(self, session: SessionActor) -> None:
        """Set who reads the page: the console is in English."""
        if self._area is CONSOLE and session.actor.is_staff:
            read_in_console()
        else:
            read_by_person(session)

    def _count(self, session: SessionActor) -> None:
        """Count a request of a person as one of a key is, whichever browser sends it.

        Raises:
            TooManyRequests: the person sent too many.
        """
        at, customer = self._services.now().timestamp(), customer_id(session.actor)
        _headers, wait = self._services.limiter.spend(session.session.user_id, monotonic(), at, company=customer)
        if wait:
            raise TooManyRequests(wait)

    def _find(self, path: str, method: str) -> tuple[Page | None, dict[str, str], Route]:
        for pattern, methods, route in self._routes:
            if (match := pattern.match(path)) is not None and method in methods:
                return methods[method], match.groupdict(), route
        return None, {}, self._no_route


async def respond(
    scope: AsgiScope,
    receive: Receive,
    send: Send,
    answering: Callable[[Browser, Receive], Awaitable[Answer | Stream]],
    home: str = EVERYBODY.home,
) -> None:
    """Answer a request for a page; an error is a page, too, with a way back ``home``."""
    browser = Browser(scope)
    try:
        answer = await answering(browser, receive) if assets.manifest() else _not_built()
        if isinstance(answer, Stream):
            scope[KEY].is_long = answer.is_long
            await answer.begin()
    except CancelledError:  # the stopping server has waited for long enough
        answer = _refused(browser, DatabaseUnavailable("the server stops"), home)
    except Exception as error:  # noqa: BLE001 - the last place where an error can become an answer
        answer = _refused(browser, error, home)
        if isinstance(error, DatabaseUnavailable):
            OUTAGE.log("page refused: the database is unavailable", error, request_id=browser.request_id)
        elif answer.status >= 500:
            _log.error("page failed", request_id=browser.request_id, exc_info=error)
    if isinstance(answer, Stream):
        await answer.send(send, receive)
    else:
        if scope["method"] == "HEAD":
            answer = Answer(answer.status, b"", answer.headers)
        await answer.send(send)


async def identify(
    services: Services, scope: AsgiScope, token: str, limits: SessionLimits, *, is_use: bool = True
) -> SessionActor | None:
    """Return the session of a token, if it is in force. ``is_use`` is whether this counts as a use of it."""
    client = scope.get("client")
    return await sign_in.session_actor(
        services.database, token, address=client[0] if client else "", limits=limits, is_use=is_use, now=services.now()
    )


async def _written(browser: Browser, receive: Receive) -> list[str]:
    """Return the words in a form that was sent without a session: without scripts they are nowhere else."""
    if not browser.navigates:
        return []
    try:
        form = await (read_fields(browser, receive) if browser.sends_files else browser.fields(receive))
    except FormRefused:
        return []
    return form.written()


def _came_from(scope: AsgiScope, home: str) -> str:
    """Return the page to open after the sign-in: the one that was asked for, or that whose form was sent."""
    if scope["method"] in {"GET", "HEAD"}:
        query = scope["query_string"].decode("latin-1")
        path = quote(scope["path"], safe="/")
        return safe_path(f"{path}?{query}" if query else path, home)
    return page_before(scope, home)


def _not_built() -> Answer:
    """Return the answer of every page while the styles and scripts are missing."""
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"cache-control", b"no-store")]
    return Answer(503, f"{assets.MISSING}\n".encode(), headers)


def _refused(browser: Browser, error: Exception, home: str) -> Answer:
    """Return the page of an error: what happened, what to do, the id of the request to quote, and a way back."""
    status, title, advice = _explained(error)
    if isinstance(error, OtherArea):
        home = error.home
    headers: Headers = []
    if isinstance(error, TooManyRequests):
        headers.append((b"retry-after", b"%d" % error.retry_after))
        if browser.is_partial:  # the form stays, with what was typed
            headers.append((b"hx-reswap", b"none"))
    written = error.form.written() if isinstance(error, FormRefused) and error.form and browser.navigates else []
    return page(
        browser, "error.html", status, headers, title=title, advice=advice, request_id=browser.request_id, home=home,
        written=written,
    )  # fmt: skip


def _explained(error: Exception) -> tuple[int, str, str]:  # noqa: C901, PLR0911 - a table
    """Return the status of an error, its title and what to do."""
    match error:
        case NotFound():
            return 404, gettext("Not found"), gettext("There is no such page, or nothing with this number or name.")
        case BlobMissing():
            return 404, gettext("This file is missing"), gettext("Its content is not in the file store of this desk.")
        case FormRefused():
            return (
                403,
                gettext("This form is too old"),
                gettext(
                    "It was not sent from a page of your present session. Go back, reload the page and send it again."
                ),
            )
        case OtherArea():
            is_staff = error.home == CONSOLE.home
            title = gettext("This page is for customers") if is_staff else gettext("This page is for the support team")
            return 403, title, gettext("you are signed in as %(name)s") % {"name": error.name}
        case Forbidden():
            return 403, gettext("Not allowed"), _forbidden(error)
        case LinkRefused():
            return (
                410,
                gettext("This link is not valid any more"),
                gettext("It was used, has expired, or a newer one took its place. Ask for a new one."),
            )
        case InvalidInput() | Conflict():
            return refused_status(error), gettext("Not saved"), refusal_text(error)
        case TooManyRequests():
            return 429, gettext("Too many at a time"), gettext("Try again in a few seconds.")
        case InvalidCursor():
            return 400, gettext("The list has changed"), gettext("Open the list again from its start.")
        case DatabaseUnavailable():
            return 503, gettext("Not available at the moment"), gettext("Try again in a few seconds.")
        case DeskError():
            return 422, gettext("Not done"), refusal_text(error)
        case OperationalError():
            return 503, gettext("Not available at the moment"), gettext("The operator of this desk has to look at it.")
    return 500, gettext("Something went wrong"), gettext("Nothing was changed. Try again, or quote the id to support.")


def _forbidden(error: Forbidden) -> str:
    """Return why somebody may not do something: people have a role, where keys have scopes."""
    if isinstance(error, ScopeMissing):
        return gettext("Your role may not do this. An admin can change your role.")
    return refusal_text(error)
