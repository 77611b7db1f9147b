"""The pages of people who are not signed in yet: sign-in, a forgotten password, the links with which one is chosen."""

import secrets
from collections.abc import Awaitable, Callable
from urllib.parse import urlencode

from starlette.types import Receive, Send
from starlette.types import Scope as AsgiScope

from clearline.errors import AlreadyExists, InvalidInput, NotFound
from clearline.identity import PROVIDER_ID
from clearline.metrics.domain import PAGES, Route
from clearline.sign_in import link_usecases as links
from clearline.sign_in import set_up_usecases as set_up
from clearline.sign_in import usecases as sign_in
from clearline.sign_in.domain import (
    CHALLENGE_LIFETIME,
    CompanyNeeded,
    Device,
    PasswordReplaced,
    SecondFactorNeeded,
    SessionLimits,
    SignedIn,
    SignInRefused,
    TooManyAttempts,
    session_limits,
)
from clearline.sign_in.identity_providers import usecases as identity_providers
from clearline.sign_in.link_domain import LINK_PATH, SET_UP_PATH
from clearline.sign_in.password_store import USERS_MAX
from clearline.sign_in.second_factors import usecases as second_factors
from clearline.sign_in.second_factors.domain import CodeRefused
from clearline.web import cookies, csrf, mail
from clearline.web.area import EVERYBODY, page_after_sign_in
from clearline.web.fields import known_id
from clearline.web.front import SIGN_IN, identify, respond
from clearline.web.language.refusals import rule_text
from clearline.web.visit import Browser, Form, page, redirect, safe_path
from clearline.web.words import gettext
from clearline.wires.http.call import Answer, Headers, Services
from clearline.wires.http.edge import KEY, header

FORGOTTEN = "/sign-in/forgotten"
CODE = "/sign-in/code"
COMPANY = "/sign-in/company"
PATHS = {SIGN_IN, COMPANY, CODE, FORGOTTEN, LINK_PATH, SET_UP_PATH}
_LIMITED = {FORGOTTEN: "forgotten.html", CODE: "code.html"}
"""The templates of pages other than the sign-in that say that too many attempts failed."""
_AFTER_SET_UP = "/console/admin"
_Page = Callable[[Browser], Awaitable[Answer]]
_Sending = Callable[[Browser, Form], Awaitable[Answer]]
_BETWEEN_TOKENS = "."
_NO_REFERRER = (b"referrer-policy", b"no-referrer")
"""For pages whose address has a secret."""


class SignIn:
    """These pages, as an ASGI application."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._limits = session_limits(services.settings)
        self._pages: dict[str, tuple[_Page, _Sending]] = {
            SIGN_IN: (self._show, self._sign_in),
            COMPANY: (self._show_companies, self._choose_company),
            CODE: (self._show_code, self._use_code),
            FORGOTTEN: (self._show_forgotten, self._send_link),
            LINK_PATH: (self._show_link, self._use_link),
            SET_UP_PATH: (self._show_set_up, self._set_up),
        }

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI 3)."""
        await respond(scope, receive, send, self._answer)

    async def _answer(self, browser: Browser, receive: Receive) -> Answer:
        path = browser.scope["path"]
        browser.scope[KEY].route = Route(PAGES, path)
        show, sending = self._pages[path]
        if browser.scope["method"] != "POST":
            return await show(browser)
        form = await browser.form(receive, cookies.read_cookie(browser.scope, cookies.VISITOR))
        try:
            return await sending(browser, form)
        except TooManyAttempts as error:
            wait = (b"retry-after", b"%d" % error.retry_after)
            values: dict[str, object] = {"email": form.get("email"), "refusal": "too many"}
            template = _LIMITED.get(browser.scope["path"])
            if template is None:
                return await self._sign_in_form(browser, 429, [wait], **values)
            return self._form(browser, template, 429, [wait], **values)

    async def _show(self, browser: Browser) -> Answer:
        token = cookies.read_cookie(browser.scope, cookies.SESSION)
        session = await identify(self._services, browser.scope, token, self._limits) if token else None
        if session is None:
            return await self._sign_in_form(browser)
        return redirect(browser, page_after_sign_in(session.session.company_id, _target(browser)))

    async def _sign_in_form(
        self, browser: Browser, status: int = 200, headers: Headers | None = None, **values: object
    ) -> Answer:
        """Return the page of the sign-in, with the identity providers that can be used instead of a password."""
        async with self._services.database.statement() as tx:
            providers = await identity_providers.active_providers(tx)
        following = urlencode({"next": _target(browser)})
        return self._form(browser, "sign_in.html", status, headers, providers=providers, following=following, **values)

    async def _sign_in(self, browser: Browser, form: Form) -> Answer:
        email, password = form.get("email").strip(), form.get("password")
        database, now = self._services.database, self._services.now()
        where = device(browser.scope)
        try:
            signed_in = await sign_in.sign_in(database, email, password, where, limits=self._limits, now=now)
        except PasswordReplaced as error:
            return await self._sign_in_form(browser, 422, email=email, refusal="replaced", provider=error.provider)
        except SignInRefused:
            return await self._sign_in_form(browser, 422, email=email, refusal="wrong")
        return begun(browser, signed_in, _target(browser), self._limits)

    async def _show_companies(self, browser: Browser, status: int = 200) -> Answer:
        async with self._services.database.statement() as tx:
            companies = await sign_in.companies_to_choose(tx, _choices(browser.scope), now=self._services.now())
        if not companies:
            return redirect(browser, SIGN_IN)
        return self._form(browser, "company.html", status, companies=companies, provider_id=PROVIDER_ID)

    async def _choose_company(self, browser: Browser, form: Form) -> Answer:
        tokens, where, now = _choices(browser.scope), device(browser.scope), self._services.now()
        company_id = known_id("company", form.get("company"))
        try:
            async with self._services.database.transaction() as tx:
                signed_in = await sign_in.choose_company(tx, tokens, company_id, where, limits=self._limits, now=now)
        except PasswordReplaced as error:
            return await self._sign_in_form(browser, 422, refusal="replaced", provider=error.provider)
        except SignInRefused:
            return redirect(browser, SIGN_IN)
        return begun(browser, signed_in, _target(browser), self._limits)

    async def _show_code(self, browser: Browser) -> Answer:
        return self._form(browser, "code.html") if _has_challenge(browser.scope) else redirect(browser, SIGN_IN)

    async def _use_code(self, browser: Browser, form: Form) -> Answer:
        scope, services = browser.scope, self._services
        token, now = cookies.read_cookie(scope, cookies.CHALLENGE), services.now()
        try:
            signed_in = await second_factors.sign_in_with_code(
                services.database, token, form.get("code"), device(scope),
                secret_key=services.settings.secret_key, limits=self._limits, now=now,
            )  # fmt: skip
        except CodeRefused:
            return self._form(browser, "code.html", 422, refusal="wrong")
        return begun(browser, signed_in, _target(browser), self._limits)

    async def _show_forgotten(self, browser: Browser) -> Answer:
        if self._services.settings.smtp is None:
            raise NotFound("page", FORGOTTEN)
        return self._form(browser, "forgotten.html")

    async def _send_link(self, browser: Browser, form: Form) -> Answer:
        settings, now = self._services.settings, self._services.now()
        email = form.get("email").strip()
        await links.request_reset(
            self._services.database, email, device(browser.scope), settings=settings, render=mail.render, now=now
        )
        return self._form(browser, "forgotten.html", email=email, is_sent=True)

    async def _show_link(self, browser: Browser) -> Answer:
        return await self._link_form(browser)

    async def _link_form(self, browser: Browser, status: int = 200, problem: str = "") -> Answer:
        async with self._services.database.statement() as tx:
            kind, user = await links.link_user(tx, browser.query.get("token", ""), now=self._services.now())
        return self._form(
            browser, "choose_password.html", status, [_NO_REFERRER], kind=kind, user=user, problem=problem
        )

    async def _use_link(self, browser: Browser, form: Form) -> Answer:
        token, password = browser.query.get("token", ""), form.get("password")
        database, now = self._services.database, self._services.now()
        try:
            signed_in = await links.use_link(
                database, token, password, device(browser.scope), limits=self._limits, now=now
            )
        except InvalidInput as error:
            return await self._link_form(browser, 422, rule_text(error.violations[0]))
        return begun(browser, signed_in, EVERYBODY.home, self._limits)

    async def _show_set_up(self, browser: Browser) -> Answer:
        return await self._set_up_form(browser)

    async def _set_up_form(
        self, browser: Browser, status: int = 200, form: Form | None = None, problems: dict[str, str] | None = None
    ) -> Answer:
        async with self._services.database.statement() as tx:
            await set_up.require_set_up_link(tx, browser.query.get("token", ""), now=self._services.now())
        return self._form(
            browser, "set_up.html", status, [_NO_REFERRER], problems=problems or {},
            values={name: form.get(name) if form else "" for name in ("provider_name", "name", "email")},
        )  # fmt: skip

    async def _set_up(self, browser: Browser, form: Form) -> Answer:
        database, now = self._services.database, self._services.now()
        provider_name, name, email = (form.get(field).strip() for field in ("provider_name", "name", "email"))
        token, password, where = browser.query.get("token", ""), form.get("password"), device(browser.scope)
        try:
            signed_in = await set_up.set_up(
                database, token, provider_name, name, email, password, where, limits=self._limits, now=now
            )
        except InvalidInput as error:
            problems = {violation.field: rule_text(violation) for violation in reversed(error.violations)}
            return await self._set_up_form(browser, 422, form, problems)
        except AlreadyExists:
            taken = gettext("must be another name: a customer has this one")
            return await self._set_up_form(browser, 409, form, {"provider_name": taken})
        return begun(browser, signed_in, _AFTER_SET_UP, self._limits)

    def _form(
        self, browser: Browser, template: str, status: int = 200, headers: Headers | None = None, **values: object
    ) -> Answer:
        """Return a page with a form whose token belongs to a random secret in a cookie."""
        headers = headers or []
        visitor = cookies.read_cookie(browser.scope, cookies.VISITOR)
        if len(visitor) < 22:
            visitor = secrets.token_urlsafe(16)
            headers = [*headers, cookies.set_cookie(browser.scope, cookies.VISITOR, visitor, seconds=None)]
        values = {
            "email": "", "refusal": "", "is_sent": False, "csrf_token": csrf.token_for(visitor),
            "is_insecure": browser.scope.get("scheme") == "http" and not cookies.is_plain_loopback(browser.scope),
            "has_mail": self._services.settings.smtp is not None,
        } | values  # fmt: skip
        return page(browser, template, status, headers, **values)


def begun(
    browser: Browser, result: SignedIn | SecondFactorNeeded | CompanyNeeded, to: str, limits: SessionLimits
) -> Answer:
    """Give the browser the session that has begun, and lead it on; or ask for the company, or for the code."""
    scope = browser.scope
    if isinstance(result, SignedIn):
        age = round(limits.absolute.total_seconds())
        session = cookies.set_cookie(scope, cookies.SESSION, result.token, seconds=age)
        ended = [
            name for name in (cookies.CHALLENGE, cookies.CHOICE, cookies.PROVIDER) if cookies.read_cookie(scope, name)
        ]
        gone = [cookies.set_cookie(scope, name, "", seconds=0) for name in ended]
        return redirect(browser, page_after_sign_in(result.session.company_id, to), [session, *gone])
    age = round(CHALLENGE_LIFETIME.total_seconds())
    if isinstance(result, CompanyNeeded):
        name, path, tokens = cookies.CHOICE, COMPANY, _BETWEEN_TOKENS.join(result.tokens)
    else:
        name, path, tokens = cookies.CHALLENGE, CODE, result.token
    return redirect(
        browser, f"{path}?{urlencode({'next': to})}", [cookies.set_cookie(scope, name, tokens, seconds=age)]
    )


def _has_challenge(scope: AsgiScope) -> bool:
    return cookies.read_cookie(scope, cookies.CHALLENGE) != ""


def _choices(scope: AsgiScope) -> list[str]:
    """Return the tokens of a sign-in that waits for a choice of the company."""
    return cookies.read_cookie(scope, cookies.CHOICE).split(_BETWEEN_TOKENS)[:USERS_MAX]


def _target(browser: Browser) -> str:
    return safe_path(browser.query.get("next", ""), EVERYBODY.home)


def device(scope: AsgiScope) -> Device:
    """Return what a request says about the device that it comes from."""
    client = scope.get("client")
    text = (header(scope, b"user-agent") or b"").decode("latin-1")
    return Device(text, client[0] if client else "")
