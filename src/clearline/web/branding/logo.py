"""The picture of a logo, for pages and mail. Its address names its content."""

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from clearline.branding import usecases as branding
from clearline.branding.logo_domain import LOGO_PATH, logo_path
from clearline.platform.database.errors import DatabaseUnavailable
from clearline.platform.database.transactions import Database

_FOR_A_YEAR = {
    "cache-control": "public, max-age=31536000, immutable",
    "content-security-policy": "default-src 'none'; sandbox",
    "cross-origin-resource-policy": "cross-origin",
}
"""A picture never changes. Mail that is read in a browser shows it, too."""
_FOR_NOW = {"cache-control": "no-store"}


def logo_route(database: Database) -> Route:
    """Return the route of the logos. An earlier one leads to the present one: mail that was sent before names it."""

    async def answer(request: Request) -> Response:
        name = request.path_params["name"]
        try:
            async with database.statement() as tx:
                content = await branding.logo_content(tx, name)
                present = None if content is not None else (await branding.public_branding(tx)).logo
        except DatabaseUnavailable:
            return PlainTextResponse("Not available at the moment.\n", 503, headers=_FOR_NOW)
        if content is not None:
            return Response(content, media_type="image/png", headers=_FOR_A_YEAR)
        if present is not None:
            return RedirectResponse(logo_path(present), 302, headers=_FOR_NOW)
        return PlainTextResponse("There is no such file.\n", 404, headers=_FOR_NOW)

    return Route(LOGO_PATH + "{name}.png", answer)
