"""``/metrics``: who gets it, and the labels under which requests are counted."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import product
from pathlib import Path

import httpx
import pytest

from clearline.metrics.domain import OTHER
from clearline.metrics.exposition import Exposition
from clearline.settings.settings import Settings
from clearline.web.console.admin.pages import ADMIN_PAGES
from clearline.web.console.pages import PAGES
from clearline.web.portal.pages import PORTAL_PAGES
from clearline.wires.console_connect.routes import OPERATIONS as CONSOLE_CONNECT
from clearline.wires.house.routes import OPERATIONS as HOUSE
from clearline.wires.metrics import metrics_app
from tests.builders.application import serving
from tests.builders.metrics.answers import OPENMETRICS, parsed, values
from tests.builders.people import Tenant

TOKEN = "a token for prometheus, 32 characters"


async def answered(accept: str) -> tuple[bytes, str]:
    return b"# EOF\n" * 1000, accept


def client_of(token: str | None) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(metrics_app(answered, token))
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:9464")


@pytest.mark.parametrize(
    "sent",
    [
        {}, {"authorization": ""}, {"authorization": f"Bearer {TOKEN}x"}, {"authorization": f"Bearer {TOKEN[:-1]}"},
        {"authorization": f"Basic {TOKEN}"}, {"authorization": TOKEN}, {"authorization": "Bearer"},
        {"authorization": "Bearer t\xf6ken".encode("latin-1")},
    ],
)  # fmt: skip
async def test_without_its_token_there_are_no_metrics(sent: dict[str, str]) -> None:
    async with client_of(TOKEN) as client:
        refused = await client.get("/metrics", headers=sent)
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, 'Bearer realm="metrics"')
    assert "EOF" not in refused.text


@pytest.mark.parametrize("token", [None, TOKEN])
async def test_with_its_token_or_where_none_is_set_there_are(token: str | None) -> None:
    async with client_of(token) as client:
        got = await client.get("/metrics", headers={"authorization": f"bearer {TOKEN}", "accept": OPENMETRICS})
        assert (got.status_code, got.headers["content-type"]) == (200, OPENMETRICS)
        assert got.headers["content-encoding"] == "gzip"
        assert got.headers["cache-control"] == "no-store"
        assert got.text.startswith("# EOF")
        assert (await client.post("/metrics")).status_code == 405
        assert (await client.get("/")).status_code == 404


@asynccontextmanager
async def counting(url: str, folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Start the application with metrics; what it counted is in the folder when the block has ended."""
    settings = Settings(database_url=url, workers=False, rate_limit=20)
    async with serving(settings, folder) as client:
        yield client


async def requests_of(url: str, folder: Path) -> dict[tuple[str, ...], float]:
    """Return the requests by method, route, status and wire."""
    exposed = Exposition(url, folder, folder)
    try:
        text = (await exposed.text(OPENMETRICS))[0].decode()
    finally:
        await exposed.close()
    assert parsed(text)
    return values(text, "clearline_http_requests_total")


async def test_requests_are_counted_by_wire_and_route(database_url: str, fresh: Tenant, tmp_path: Path) -> None:
    async with counting(database_url, tmp_path) as client:
        for path in (
            "/v2/support-tickets", "/api/v2/support-tickets", "/v2/support-tickets/INC000000000001", "/api/v1/tickets",
            "/api/v1/tickets/INC000000000001", "/v2/nothing", "/api/v1/nothing/here",
        ):  # fmt: skip
            await client.get(path, headers=fresh.headers)
        for path in (
            "/healthz",
            "/sign-in",
            "/console/tickets/1",
            "/portal",
            "/console/a/b/c/d",
            "/static/x.css",
            "/x",
        ):
            await client.get(path)
        await client.request("PURGE", "/api/v1/tickets")
        await client.head("/healthz")
    found = await requests_of(database_url, tmp_path)
    assert {(method, route, wire): count for (method, route, _status, wire), count in found.items()} == {
        ("GET", "/v2/support-tickets", "console_connect"): 2,
        ("GET", "/v2/support-tickets/{id}", "console_connect"): 1,
        ("GET", OTHER, "console_connect"): 1,
        ("GET", "/api/v1/tickets", "house"): 1,
        ("GET", "/api/v1/tickets/{number}", "house"): 1,
        ("GET", OTHER, "house"): 1,
        (OTHER, "/api/v1/tickets", "house"): 1,
        ("GET", "/healthz", "pages"): 1,
        ("HEAD", "/healthz", "pages"): 1,
        ("GET", "/sign-in", "pages"): 1,
        ("GET", "/static", "pages"): 1,
        ("GET", OTHER, "pages"): 1,
        ("GET", "/console/tickets/{number}", "console"): 1,
        ("GET", OTHER, "console"): 1,
        ("GET", "/portal", "portal"): 1,
    }


async def test_a_thousand_unknown_paths_and_numbers_make_few_series(database_url: str, tmp_path: Path) -> None:
    starts = (
        "/", "/api/v1/", "/v2/", "/console/", "/portal/", "/static/", "/docs/api/", "/api/v1/tickets/INC", "/assets/",
        "/sign-in/with/",
    )  # fmt: skip
    async with counting(database_url, tmp_path) as client:
        for number, start in product(range(100), starts):
            await client.get(f"{start}{number:012}")
    found = await requests_of(database_url, tmp_path)
    assert sum(found.values()) == 1000
    assert len(found) <= 2 * len(starts)
    assert not any(re.search("[0-9]{3}", route) for _method, route, _status, _wire in found)


async def test_refused_requests_are_counted_by_their_limit(database_url: str, fresh: Tenant, tmp_path: Path) -> None:
    async with counting(database_url, tmp_path) as client:
        statuses = [(await client.get("/v2/support-tickets", headers=fresh.headers)).status_code for _ in range(25)]
    exposed = Exposition(database_url, tmp_path, tmp_path)
    text = (await exposed.text(OPENMETRICS))[0].decode()
    await exposed.close()
    refused = statuses.count(429)
    assert refused >= 4
    others = ("company", "unknown_keys", "searches", "kept_answers", "streams")
    assert values(text, "clearline_http_refused_requests_total") == {
        ("key",): refused, **{(limit,): 0 for limit in others},
    }  # fmt: skip
    assert (
        values(text, "clearline_http_requests_total")["GET", "/v2/support-tickets", "429", "console_connect"] == refused
    )


async def test_the_public_port_has_no_metrics(database_url: str, tmp_path: Path) -> None:
    async with counting(database_url, tmp_path) as client:
        assert (await client.get("/metrics")).status_code == 404


def test_the_series_of_all_routes_are_bounded() -> None:
    routes = {operation.path for operation in (*HOUSE, *CONSOLE_CONNECT)}
    routes |= {page.path for page in (*ADMIN_PAGES, *PAGES, *PORTAL_PAGES)}
    assert 100 < len(routes) < 600
    assert all(re.fullmatch(r"/[\w/{}:.-]*", route) for route in routes)
