"""The pages of a sign-in by an identity provider: that which leads there, and that which the browser comes back to."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from urllib.parse import parse_qsl
from uuid import UUID

import structlog
from starlette.types import Receive, Send
from starlette.types import Scope as AsgiScope

from clearline.errors import NotFound
from clearline.metrics.domain import PAGES, Route
from clearline.sign_in.domain import TooManyAttempts, session_limits
from clearline.sign_in.identity_providers import flow_usecases as flows
from clearline.sign_in.identity_providers import usecases as identity_providers
from clearline.sign_in.identity_providers.domain import (
    CALLBACK_PATH,
    FlowRefused,
    PersonRefused,
    ProviderFailed,
    ProviderUnreachable,
)
from clearline.sign_in.identity_providers.flow_usecases import CameBack
from clearline.sign_in.identity_providers.openid_client import OpenIdClient
from clearline.web import cookies
from clearline.web.area import CONSOLE
from clearline.web.fields import known_id
from clearline.web.front import SIGN_IN, identify, respond
from clearline.web.sign_in.pages import begun, device
from clearline.web.sign_in.session_pages import LEAVE
from clearline.web.visit import Browser, page, redirect, safe_path
from clearline.wires.http.call import Answer, Headers, Services
from clearline.wires.http.edge import KEY

WITH = "/sign-in/with/"
"""The page that leads to an identity provider; its id follows."""
PREFIXES = (WITH, LEAVE, CALLBACK_PATH)
_VISITOR_MIN = 22
_PARAMETERS_MAX = 30
_NO_REFERRER = (b"referrer-policy", b"no-referrer")
"""The address of the page that the browser comes back to has a code."""
_log = structlog.get_logger("clearline.web")


class ProviderSignIn:
    """These pages, as an ASGI application."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._limits = session_limits(services.settings)
        self._client = OpenIdClient(services.settings.sign_in_networks)

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI 3)."""
        await respond(scope, receive, send, self._answer)

    async def _answer(self, browser: Browser, _receive: Receive) -> Answer:
        path = browser.scope["path"]
        if browser.scope["method"] != "GET":
            raise NotFound("page", path)
        prefix = next(prefix for prefix in PREFIXES if path.startswith(prefix))
        browser.scope[KEY].route = Route(PAGES, prefix + "{provider_id}")
        provider_id = known_id("identity provider", path.removeprefix(prefix))
        handle = {WITH: self._lead, LEAVE: self._leave, CALLBACK_PATH: self._come_back}[prefix]
        try:
            return await handle(browser, provider_id)
        except FlowRefused as error:
            return self._failed(browser, 400, provider_id, error)
        except ProviderUnreachable as error:
            async with self._services.database.statement() as tx:
                names = dict(await identity_providers.active_providers(tx))
            return self._failed(browser, 502, provider_id, error, unreachable=names.get(provider_id, ""))
        except ProviderFailed as error:
            return self._failed(browser, 502, provider_id, error)
        except PersonRefused as error:
            return self._failed(browser, 403, provider_id, error)
        except TooManyAttempts as error:
            return self._failed(browser, 429, provider_id, error, [(b"retry-after", b"%d" % error.retry_after)])

    async def _leave(self, browser: Browser, provider_id: UUID) -> Answer:
        """Send the browser to the sign-out of the identity provider, where it signed in.

        A page does that, and no redirect: a form of ours may not lead to another site.
        """
        scope = browser.scope
        if cookies.read_cookie(scope, cookies.PROVIDER) != str(provider_id):
            return redirect(browser, SIGN_IN)
        visitor, headers = self._visitor(browser)
        headers = [cookies.set_cookie(scope, cookies.PROVIDER, "", seconds=0), *headers]
        end = await flows.end_address(
            self._services.database, self._client, provider_id,
            state=_state_of_leaving(visitor), return_to=self._redirect_uri(provider_id),
        )  # fmt: skip
        if end is None:
            return redirect(browser, SIGN_IN, headers)
        name, address = end
        return page(browser, "leave.html", 200, [_NO_REFERRER, *headers], name=name, address=address)

    def _visitor(self, browser: Browser) -> tuple[str, Headers]:
        """Return the secret of the browser, and the header that sets it if it is new."""
        visitor = cookies.read_cookie(browser.scope, cookies.VISITOR)
        if len(visitor) >= _VISITOR_MIN:
            return visitor, []
        visitor = secrets.token_urlsafe(16)
        return visitor, [cookies.set_cookie(browser.scope, cookies.VISITOR, visitor, seconds=None)]

    async def _lead(self, browser: Browser, provider_id: UUID) -> Answer:
        """Send the browser to the identity provider."""
        visitor, headers = self._visitor(browser)
        address = await flows.begin(
            self._services.database, self._client, provider_id, visitor,
            redirect_uri=self._redirect_uri(provider_id),
            return_to=safe_path(browser.query.get("next", ""), CONSOLE.home),
            is_again=browser.query.get("again") == "1", address=device(browser.scope).address,
            now=self._services.now(),
        )  # fmt: skip
        return redirect(browser, address, headers)

    async def _come_back(self, browser: Browser, provider_id: UUID) -> Answer:
        """Begin a session with what the identity provider says, or show the sign-in after a sign-out there."""
        scope, services = browser.scope, self._services
        parameters = _parameters(scope)
        visitor = cookies.read_cookie(scope, cookies.VISITOR)
        if parameters.keys() == {"state"} and hmac.compare_digest(parameters["state"], _state_of_leaving(visitor)):
            return redirect(browser, SIGN_IN)
        token = cookies.read_cookie(scope, cookies.SESSION)
        session = await identify(services, scope, token, self._limits) if token else None
        came_back = CameBack(visitor, parameters, session)
        result, return_to = await flows.finish(
            services.database, self._client, provider_id, came_back, device(scope),
            redirect_uri=self._redirect_uri(provider_id), secret_key=services.settings.secret_key,
            limits=self._limits, now=services.now(),
        )  # fmt: skip
        answer = begun(browser, result, safe_path(return_to, CONSOLE.home), self._limits)
        answer.headers.append(cookies.set_cookie(scope, cookies.PROVIDER, str(provider_id), seconds=None))
        return answer

    def _redirect_uri(self, provider_id: UUID) -> str:
        return self._services.settings.page_url(f"{CALLBACK_PATH}{provider_id}")

    def _failed(
        self,
        browser: Browser,
        status: int,
        provider_id: UUID,
        error: Exception,
        headers: Headers | None = None,
        unreachable: str = "",
    ) -> Answer:
        """Return the one page of all failures. What went wrong is for the log: it could help whoever caused it."""
        _log.warning(
            "sign-in by an identity provider failed",
            request_id=browser.request_id, identity_provider=str(provider_id), error=str(error),
        )  # fmt: skip
        return page(
            browser, "sign_in_failed.html", status, [_NO_REFERRER, *(headers or [])],
            is_refused=isinstance(error, PersonRefused), unreachable=unreachable, request_id=browser.request_id,
        )  # fmt: skip


def _state_of_leaving(visitor: str) -> str:
    """Return the state that a browser brings back from the sign-out of an identity provider."""
    return hmac.digest(visitor.encode(), b"clearline.leave", hashlib.sha256).hex()


def _parameters(scope: AsgiScope) -> Mapping[str, str]:
    """Return the parameters of the address; each may be there once (RFC 6749, 3.1)."""
    try:
        pairs = parse_qsl(scope["query_string"].decode("ascii"), max_num_fields=_PARAMETERS_MAX)
    except ValueError:
        raise FlowRefused("the address has no parameters that can be read") from None
    parameters = dict(pairs)
    if len(parameters) < len(pairs):
        raise FlowRefused("the address has a parameter twice")
    return parameters
