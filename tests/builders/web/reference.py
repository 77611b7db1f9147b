"""The pages of the API reference, as a browser that is not signed in gets them."""

from functools import cache
from typing import Any, NamedTuple

from clearline.app import reference_site, reference_wires
from clearline.settings.settings import Settings
from clearline.web.docs.site import Site
from tests.builders.web.pages import Page

SLOTS = {"theme": "", "account": "", "key": "</code></pre>"}


class Place(NamedTuple):
    """An element with an id: whether it is a whole entry, or one that only leads on."""

    path: str
    is_moved: bool


@cache
def site() -> Site:
    return reference_site(reference_wires(Settings()), Settings())


@cache
def pages() -> dict[str, Page]:
    """Return every page by its path."""
    return {path: Page(site().render(path, SLOTS)) for path in site().templates}


@cache
def places() -> dict[str, list[Place]]:
    """Return where each id of all pages is."""
    by_id: dict[str, list[Place]] = {}
    for path, page in pages().items():
        for _tag, attributes in page.tags:
            if name := attributes.get("id"):
                by_id.setdefault(name, []).append(Place(path, "data-moved" in attributes))
    return by_id


def documents() -> list[dict[str, Any]]:
    """Return the OpenAPI documents, that of Console Connect first."""
    return [dict(plan.document) for plan in site().plans]
