"""Whatever the OpenAPI documents describe is on exactly one page of the reference, and every link leads somewhere."""

import re
from itertools import pairwise
from typing import Any

import pytest

from clearline.events.event_types import EventType
from clearline.webhooks.delivery_domain import PING
from clearline.wires.house.errors import CATALOGUE, RULES
from tests.builders.web.pages import Page
from tests.builders.web.reference import Place, documents, pages, places, site

Document = dict[str, Any]
CONSOLE_CONNECT, HOUSE = documents()
PATHS = [*site().templates]


def operation_ids(document: Document) -> list[str]:
    return [operation["operationId"] for methods in document["paths"].values() for operation in methods.values()]


def of_wire(document: Document, place: Place) -> bool:
    is_of_console_connect = place.path in {"/docs", "/docs/console-connect"}
    return is_of_console_connect == (document is CONSOLE_CONNECT)


@pytest.mark.parametrize("document", [CONSOLE_CONNECT, HOUSE], ids=["console-connect", "house"])
def test_every_operation_and_schema_is_on_exactly_one_page(document: Document) -> None:
    everywhere = places()
    for name in [*operation_ids(document), *(f"schema-{name}" for name in document["components"]["schemas"])]:
        defined = [place for place in everywhere[name] if of_wire(document, place) and not place.is_moved]
        assert len(defined) == 1, name


@pytest.mark.parametrize(
    ("document", "path"), [(CONSOLE_CONNECT, "/docs"), (HOUSE, "/docs/api")], ids=["console-connect", "house"]
)
def test_anchors_of_the_one_page_that_there_was_lead_on(document: Document, path: str) -> None:
    page = pages()[path]
    moved = [index for index, (_tag, attributes) in enumerate(page.tags) if "data-moved" in attributes]
    links = {page.tags[index][1]["id"]: page.tags[index + 1] for index in moved}
    for name in [*operation_ids(document), *(f"schema-{name}" for name in document["components"]["schemas"])]:
        tag, attributes = links[name]
        address, _, anchor = str(attributes["href"]).partition("#")
        assert (tag, anchor) == ("a", name)
        assert Place(address, is_moved=False) in places()[name]


def test_every_error_code_and_every_event_is_on_exactly_one_page() -> None:
    everywhere = places()
    for code in CATALOGUE:
        assert everywhere[code] == [Place("/api/v1/problems", is_moved=False)], code
    for kind in (PING, *EventType):
        assert everywhere[kind] == [Place("/docs/webhooks", is_moved=False)], kind
    for code in RULES:
        assert str(code) in pages()["/api/v1/problems"].texts


@pytest.mark.parametrize("path", PATHS)
def test_every_link_and_anchor_resolves(path: str) -> None:
    page = pages()[path]
    links = {href for attributes in page.all("a") if (href := attributes.get("href"))}
    assert links
    others = {
        "/", "/openapi.json", "/api/v1/openapi.json", "/sign-in?next=/docs", "/portal/company", "/console/me/keys",
    }  # fmt: skip
    for link in links - others:
        address, _, anchor = link.partition("#")
        target = address or path
        assert target in pages(), link
        assert not anchor or target in {place.path for place in places().get(anchor, ())}, link


@pytest.mark.parametrize("path", PATHS)
def test_a_page_has_the_structure_that_screen_readers_need_and_no_inline_script_or_style(path: str) -> None:
    page = pages()[path]
    assert [attributes for _tag, attributes in page.tags if any(name.startswith("on") for name in attributes)] == []
    assert [attributes for _tag, attributes in page.tags if "style" in attributes] == []
    assert page.all("style") == []
    assert [set(attributes) for attributes in page.all("script")] == [{"src", "type"}]
    assert page.all("html") == [{"lang": "en"}]
    assert (len(page.all("h1")), len(page.all("main")), len(page.all("title"))) == (1, 1, 1)
    start = next(index for index, (tag, _attributes) in enumerate(page.tags) if tag == "main")
    levels = [int(tag[1]) for tag, _attributes in page.tags[start:] if re.fullmatch("h[1-6]", tag)]
    assert all(below - above <= 1 for above, below in pairwise(levels)), levels
    ids = [str(attributes["id"]) for _tag, attributes in page.tags if "id" in attributes]
    assert sorted(set(ids)) == sorted(ids)


def test_the_index_of_every_page_lists_every_operation_code_and_event() -> None:
    names = {*operation_ids(CONSOLE_CONNECT), *operation_ids(HOUSE), *CATALOGUE, *EventType}
    for path, page in pages().items():
        assert names <= index_anchors(page), path


def index_anchors(page: Page) -> set[str]:
    tags = page.tags
    start = next(index for index, (tag, attributes) in enumerate(tags) if attributes.get("id") == "index")
    end = next(index for index, (tag, _attributes) in enumerate(tags) if tag == "main")
    return {str(attributes["href"]).partition("#")[2] for tag, attributes in tags[start:end] if tag == "a"}


def test_every_value_of_an_enumeration_has_a_meaning() -> None:
    """Types of issues and of services mean what they say; a column is the member of its name."""
    enumerations = {name: schema for name, schema in HOUSE["components"]["schemas"].items() if "enum" in schema}
    for name in enumerations.keys() - {"Column", "IssueType", "ServiceType"}:
        schema = enumerations[name]
        assert set(schema["x-enumDescriptions"]) == set(schema["enum"]), name
        texts = set(schema["x-enumDescriptions"].values())
        assert len(texts) == len(schema["enum"]), name
