"""The styles, scripts, icons and the font of the pages: built by ``make frontend``, named by their content."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import NamedTuple

import msgspec
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

PATH = "/static/built/"
MISSING = "The styles and scripts of the pages are not built: run `make frontend`, then start the server again."
_MEDIA_TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "woff2": "font/woff2",
}
_CODINGS = {"br": ".br", "gzip": ".gz"}
"""The codings of the files, the smallest first, and how the names of these files end."""
_FOR_A_YEAR = "public, max-age=31536000, immutable"
"""A file never changes: another content has another name."""


class Built(NamedTuple):
    """A built file in the codings that there are of it, by their names; the file itself is ``identity``."""

    media_type: str
    contents: Mapping[str, bytes]


def _folder() -> Traversable:
    return files("clearline.web").joinpath("built")


@cache
def manifest() -> Mapping[str, str]:
    """Return the file of each name, such as ``console.css``; empty when nothing is built."""
    path = _folder().joinpath("manifest.json")
    return msgspec.json.decode(path.read_bytes(), type=dict[str, str]) if path.is_file() else {}


def address(name: str) -> str:
    """Return the address of a built file by its name, such as ``console.css``.

    When nothing is built, there is nothing at it: pages that can do without styles are sent all the same.
    """
    built = manifest()
    return PATH + (built[name] if built else name)


@cache
def _built(file: str) -> Built | None:
    """Return a built file, or None when no name of the manifest stands for it."""
    if file not in manifest().values():
        return None
    folder = _folder()
    contents = {"identity": folder.joinpath(file).read_bytes()}
    for coding, suffix in _CODINGS.items():
        if (path := folder.joinpath(file + suffix)).is_file():
            contents[coding] = path.read_bytes()
    return Built(_MEDIA_TYPES[file.rpartition(".")[2]], contents)


def asset_route() -> Route:
    """Return the route of the built files."""

    async def answer(request: Request) -> Response:
        built = _built(request.path_params["file"])
        if built is None:
            return PlainTextResponse("There is no such file.\n", 404, headers={"cache-control": "no-store"})
        coding = preferred(request.headers.get("accept-encoding", ""), built.contents)
        headers = {"cache-control": _FOR_A_YEAR, "vary": "Accept-Encoding"}
        if coding != "identity":
            headers["content-encoding"] = coding
        return Response(built.contents[coding], media_type=built.media_type, headers=headers)

    return Route(PATH + "{file}", answer)


def preferred(accept_encoding: str, contents: Mapping[str, bytes]) -> str:
    """Return the smallest coding of a file that a client accepts (RFC 9110, 12.5.3)."""
    accepted = {}
    for part in accept_encoding.lower().split(","):
        coding, _semicolon, quality = part.replace(" ", "").partition(";q=")
        accepted[coding] = not quality or quality.strip("0.") != ""
    return next((name for name in _CODINGS if name in contents and accepted.get(name)), "identity")
