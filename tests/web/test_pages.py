"""The pages that need no key are safe, can be read by everybody, and lead somewhere."""

import re
from html.parser import HTMLParser
from itertools import pairwise

import httpx
import pytest

from tests.builders.house import problem

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
PAGES = ["/nothing"]


class Page(HTMLParser):
    """What a test asks of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_runs_no_script_and_has_the_structure_that_screen_readers_need(
    client: httpx.AsyncClient, path: str
) -> None:
    answer = await client.get(path, headers=BROWSER)
    assert answer.status_code == (404 if path == "/nothing" else 200)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"]
    for rule in ("default-src 'none'", "frame-ancestors 'none'", "form-action 'none'", "base-uri 'none'"):
        assert rule in policy
    assert "script-src" not in policy
    assert "unsafe" not in policy
    page = Page(answer.text)
    assert page.all("script") == []
    assert [attributes for _tag, attributes in page.tags if any(name.startswith("on") for name in attributes)] == []
    assert [attributes for _tag, attributes in page.tags if "style" in attributes] == []
    assert page.all("html") == [{"lang": "en"}]
    assert (len(page.all("h1")), len(page.all("main")), len(page.all("title"))) == (1, 1, 1)
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in page.all("meta")
    levels = [int(tag[1]) for tag, _attributes in page.tags if re.fullmatch("h[1-6]", tag)]
    assert all(below - above <= 1 for above, below in pairwise(levels)), levels
    names = [attributes["id"] for _tag, attributes in page.tags if "id" in attributes]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("path", PAGES)
async def test_every_link_of_a_page_leads_somewhere(client: httpx.AsyncClient, path: str) -> None:
    page = Page((await client.get(path, headers=BROWSER)).text)
    links = [attributes["href"] or "" for attributes in page.all("a") + page.all("link")]
    for link in {link for link in links if not link.startswith("#")}:
        assert (await client.get(link, headers=BROWSER)).status_code == 200, link


async def test_the_start_of_the_reference_names_the_apis_and_the_commands_for_a_key(
    client: httpx.AsyncClient,
) -> None:
    text = (await client.get("/docs")).text
    for part in ("support desk", "/docs", "/docs/api", "/openapi.json", "/api/v1/openapi.json", "/api/v1/problems"):
        assert part in text
    for command in ("clearline demo", "clearline serve --demo", "make run", "clearline key create --company EXF001"):
        assert command in text


async def test_browsers_find_an_icon(client: httpx.AsyncClient) -> None:
    icon = await client.get("/favicon.ico")
    assert (icon.status_code, icon.headers["content-type"]) == (200, "image/x-icon")
    assert icon.content.startswith(b"\x00\x00\x01\x00")
    drawn = await client.get("/static/icon.svg")
    assert (drawn.status_code, drawn.headers["content-type"]) == (200, "image/svg+xml")


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/v1", "/api/v1/"])
async def test_a_browser_above_the_house_api_is_led_to_its_reference_and_a_program_is_not(
    client: httpx.AsyncClient, path: str
) -> None:
    for method in ("GET", "HEAD"):
        led = await client.request(method, path, headers=BROWSER)
        assert (led.status_code, led.headers["location"], led.headers["vary"]) == (303, "/docs/api", "Accept")
    for accept in ("*/*", "application/json"):
        problem(await client.get(path, headers={"Accept": accept}), "no-such-address")
    problem(await client.post(path, headers=BROWSER), "no-such-address")


@pytest.mark.parametrize("path", ["/v2", "/v2/", "/api/v2", "/api/v2/"])
async def test_a_browser_above_the_published_api_is_led_to_its_reference(client: httpx.AsyncClient, path: str) -> None:
    led = await client.get(path, headers=BROWSER)
    assert (led.status_code, led.headers["location"]) == (303, "/docs/console-connect")
    assert (await client.get(led.headers["location"], headers=BROWSER)).status_code == 200
    assert (await client.get(path, headers={"Accept": "application/json"})).status_code == 404


@pytest.mark.parametrize("path", ["/docs", "/docs/api", "/console/mine", "/portal/tickets", "/sign-in"])
async def test_a_slash_at_the_end_of_an_address_does_no_harm(client: httpx.AsyncClient, path: str) -> None:
    led = await client.get(f"{path}/", headers=BROWSER)
    assert (led.status_code, led.headers["location"]) == (303, path)


@pytest.mark.parametrize("path", ["/nothing", "/static/nothing.css", "/docs/nothing", "/api/v1/problems/nothing"])
async def test_an_unknown_address_is_answered_in_text_or_as_a_page(client: httpx.AsyncClient, path: str) -> None:
    response = await client.get(path)
    assert (response.status_code, response.headers["content-type"]) == (404, "text/plain; charset=utf-8")
    assert response.text == "There is nothing at this address; / lists what there is.\n"
    page = await client.get(path, headers=BROWSER)
    assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert 'href="/"' in page.text
