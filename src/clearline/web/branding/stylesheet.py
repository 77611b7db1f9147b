"""The stylesheet of an accent: what ``tokens.css`` says of it, in another hue. Its address names its content."""

from functools import cache

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from xxhash import xxh3_64_hexdigest

from clearline.branding.accent import HUE_MAX, accent_tokens

PATH = "/static/accent/"
_FOR_A_YEAR = {"cache-control": "public, max-age=31536000, immutable"}
_FOR_NOW = {"cache-control": "no-cache"}
"""For a page of another release, while servers are upgraded one by one: its address stands for another content."""


@cache
def stylesheet(hue: int) -> str:
    """Return the stylesheet of an accent."""
    tokens = (f"--{name}:light-dark({pair.light},{pair.dark})" for name, pair in accent_tokens(hue).items())
    return f"@layer tokens{{:root{{{';'.join(tokens)}}}}}\n"


@cache
def address(hue: int) -> str:
    """Return the address of the stylesheet of an accent."""
    return f"{PATH}{hue}.{xxh3_64_hexdigest(stylesheet(hue).encode())[:8]}.css"


def stylesheet_route() -> Route:
    """Return the route of the stylesheets."""

    async def answer(request: Request) -> Response:
        hue: int = request.path_params["hue"]
        if hue > HUE_MAX:
            return PlainTextResponse("There is no such file.\n", 404, headers={"cache-control": "no-store"})
        headers = _FOR_A_YEAR if request.url.path == address(hue) else _FOR_NOW
        return Response(stylesheet(hue), media_type="text/css", headers=headers)

    return Route(PATH + "{hue:int}.{digest}.css", answer)
