"""The pages of sign-in and sign-out."""

import secrets

from starlette.types import Receive, Send
from starlette.types import Scope as AsgiScope

from clearline.sign_in import session_usecases as sessions
from clearline.sign_in import usecases as sign_in
from clearline.sign_in.domain import Device, SignInRefused, TooManyAttempts, session_limits
from clearline.web import cookies, csrf
from clearline.web.front import HOME, SIGN_IN, identify, respond
from clearline.web.visit import THEMES, Browser, Visit, page, page_before, redirect, safe_path
from clearline.wires.http.call import Answer, Headers, Services
from clearline.wires.http.edge import header

SIGN_OUT = "/sign-out"
THEME = "/theme"


class SignIn:
    """The page of sign-in, as an ASGI application."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._limits = session_limits(services.settings)

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI 3)."""
        await respond(scope, receive, send, self._answer)

    async def _answer(self, browser: Browser, receive: Receive) -> Answer:
        to = safe_path(browser.query.get("next", ""), HOME)
        if browser.scope["method"] == "POST":
            return await self._sign_in(browser, receive, to)
        token = cookies.read_cookie(browser.scope, cookies.SESSION)
        is_signed_in = token and await identify(self._services, browser.scope, token, self._limits) is not None
        return redirect(browser, to) if is_signed_in else _form(browser)

    async def _sign_in(self, browser: Browser, receive: Receive, to: str) -> Answer:
        scope = browser.scope
        form = await browser.form(receive, cookies.read_cookie(scope, cookies.VISITOR))
        email, password = form.get("email").strip(), form.get("password")
        database, now = self._services.database, self._services.now()
        try:
            signed_in = await sign_in.sign_in(database, email, password, device(scope), limits=self._limits, now=now)
        except SignInRefused:
            return _form(browser, 422, email=email, refusal="wrong")
        except TooManyAttempts as error:
            wait = (b"retry-after", b"%d" % error.retry_after)
            return _form(browser, 429, wait, email=email, refusal="too many")
        age = round(self._limits.absolute.total_seconds())
        return redirect(browser, to, [cookies.set_cookie(scope, cookies.SESSION, signed_in.token, seconds=age)])


def _form(
    browser: Browser, status: int = 200, *headers_too: tuple[bytes, bytes], email: str = "", refusal: str = ""
) -> Answer:
    visitor = cookies.read_cookie(browser.scope, cookies.VISITOR)
    headers: Headers = [*headers_too]
    if len(visitor) < 22:
        visitor = secrets.token_urlsafe(16)
        headers.append(cookies.set_cookie(browser.scope, cookies.VISITOR, visitor, seconds=None))
    is_insecure = browser.scope.get("scheme") == "http" and not cookies.is_plain_loopback(browser.scope)
    return page(
        browser, "sign_in.html", status, headers, email=email, refusal=refusal, is_insecure=is_insecure,
        csrf_token=csrf.token_for(visitor),
    )  # fmt: skip


def device(scope: AsgiScope) -> Device:
    """Return what a request says about the device that it comes from."""
    client = scope.get("client")
    text = (header(scope, b"user-agent") or b"").decode("latin-1")
    return Device(text, client[0] if client else "")


async def sign_out(visit: Visit) -> Answer:
    """End the session."""
    async with visit.services.database.transaction() as tx:
        await sessions.sign_out(tx, visit.session, now=visit.now)
    gone = cookies.set_cookie(visit.browser.scope, cookies.SESSION, "", seconds=0)
    return redirect(visit.browser, SIGN_IN, [gone])


async def set_theme(visit: Visit) -> Answer:
    """Keep the theme in a cookie."""
    theme = visit.form.get("theme")
    cookie = cookies.set_cookie(visit.browser.scope, cookies.THEME, theme if theme in THEMES else "auto")
    return redirect(visit.browser, page_before(visit.browser.scope, HOME), [cookie])
