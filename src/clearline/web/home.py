"""The start page: it leads customers and the support team to the sign-in, and developers to the APIs."""

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from clearline.accounts import usecases as accounts
from clearline.branding import usecases as branding
from clearline.branding.domain import Branding
from clearline.platform.database.errors import DatabaseUnavailable
from clearline.platform.database.transactions import Database
from clearline.web.branding.brand import PRODUCT
from clearline.web.language.readers import names_of_language
from clearline.web.templating import render

_HEADERS = {
    "content-security-policy": "default-src 'self'; script-src 'none'; object-src 'none'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "referrer-policy": "same-origin",
    "cache-control": "no-cache",
}


def home_route(database: Database) -> Route:
    """Return the route of the page."""

    async def answer(_request: Request) -> Response:
        try:
            async with database.statement() as tx:
                name = (await accounts.provider(tx)).name
                stored = await branding.public_branding(tx)
        except DatabaseUnavailable:
            name, stored = PRODUCT, Branding()
        return HTMLResponse(render("home.html", provider=name, branding=stored), headers=_HEADERS | names_of_language())

    return Route("/", answer)
