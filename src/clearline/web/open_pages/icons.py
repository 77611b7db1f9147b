"""The icons that browsers request by themselves."""

from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles


def icon_routes() -> list[BaseRoute]:
    """Return the routes of the icons."""
    icon = files("clearline.web").joinpath("static", "favicon.ico").read_bytes()

    async def favicon(_request: Request) -> Response:
        return Response(icon, media_type="image/x-icon", headers={"cache-control": "public, max-age=86400"})

    return [Route("/favicon.ico", favicon), Mount("/static", StaticFiles(packages=[("clearline.web", "static")]))]
