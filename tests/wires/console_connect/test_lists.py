"""The list of tickets on the Console Connect wire: order, pages, filters and conditional requests."""

import re

import httpx
import pytest

from clearline.platform.database.transactions import Database
from tests.builders.console_connect import PREFIXES, TICKETS, Json, assert_fault, fault, raise_ticket
from tests.builders.people import Tenant, new_tenant

HOST = "http://desk.example.com"


@pytest.fixture(scope="module")
async def raised(client: httpx.AsyncClient, tenant: Tenant) -> list[Json]:
    """Return five tickets, newest first."""
    tickets = [await raise_ticket(client, tenant, name=f"Ticket {index}") for index in range(5)]
    return tickets[::-1]


def links(answer: httpx.Response) -> dict[str, str]:
    return {rel: url for url, rel in re.findall(r'<([^>]*)>; rel="([a-z]+)"', answer.headers["link"])}


@pytest.mark.parametrize("prefix", PREFIXES)
async def test_the_list_contains_complete_tickets_newest_first(
    client: httpx.AsyncClient, tenant: Tenant, raised: list[Json], prefix: str
) -> None:
    answer = await client.get(f"{prefix}/support-tickets?status=open", headers=tenant.headers)
    assert answer.status_code == 200
    assert answer.json() == raised
    assert answer.headers["x-total-count"] == "5"
    url = f"{HOST}{prefix}/support-tickets?status=open&page=1&pageSize=50"
    assert answer.headers["link"] == f'<{url}>; rel="first", <{url}>; rel="last"'
    assert answer.headers["cache-control"] == "private, no-cache"


@pytest.mark.parametrize(
    ("page", "shown", "pages"),
    [
        (1, (0, 2), {"first": 1, "next": 2, "last": 3}),
        (2, (2, 4), {"first": 1, "prev": 1, "next": 3, "last": 3}),
        (3, (4, 5), {"first": 1, "prev": 2, "last": 3}),
        (4, (5, 5), {"first": 1, "prev": 3, "last": 3}),
        (1_000_000, (5, 5), {"first": 1, "prev": 3, "last": 3}),
    ],
)
async def test_a_page_contains_its_tickets_and_links_to_the_others(
    client: httpx.AsyncClient,
    tenant: Tenant,
    raised: list[Json],
    page: int,
    shown: tuple[int, int],
    pages: dict[str, int],
) -> None:
    answer = await client.get(TICKETS, headers=tenant.headers, params={"status": "open", "page": page, "pageSize": 2})
    assert answer.status_code == 200
    assert answer.json() == raised[shown[0] : shown[1]]
    assert answer.headers["x-total-count"] == "5"
    assert links(answer) == {
        rel: f"{HOST}{TICKETS}?status=open&page={number}&pageSize=2" for rel, number in pages.items()
    }


async def test_the_links_lead_from_the_first_page_to_the_last(
    client: httpx.AsyncClient, tenant: Tenant, raised: list[Json]
) -> None:
    url: str | None = f"{TICKETS}?status=open&pageSize=2"
    tickets: list[Json] = []
    while url is not None:
        answer = await client.get(url, headers=tenant.headers)
        tickets += answer.json()
        url = links(answer).get("next")
    assert tickets == raised


@pytest.mark.parametrize("status", ["open", "closed"])
async def test_a_company_without_tickets_gets_an_empty_list(
    client: httpx.AsyncClient, database: Database, status: str
) -> None:
    empty = await new_tenant(database)
    answer = await client.get(TICKETS, headers=empty.headers, params={"status": status})
    assert (answer.status_code, answer.content, answer.headers["x-total-count"]) == (200, b"[]", "0")
    assert set(links(answer)) == {"first", "last"}


@pytest.mark.parametrize(
    ("query", "rules"),
    [
        ("", "status is required"),
        ("?status=", "status must be one of closed, open"),
        ("?status=Open", "status must be one of closed, open"),
        ("?status=resolved", "status must be one of closed, open"),
        ("?status=open&status=closed", "status must be given once"),
        ("?status=open&page=0", "page must be a whole number from 1 to 1000000"),
        ("?status=open&page=-1", "page must be a whole number from 1 to 1000000"),
        ("?status=open&page=1000001", "page must be a whole number from 1 to 1000000"),
        ("?status=open&page=1.5", "page must be a whole number from 1 to 1000000"),
        ("?status=open&page=", "page must be a whole number from 1 to 1000000"),
        ("?status=open&page=" + "9" * 5000, "page must be a whole number from 1 to 1000000"),
        ("?status=open&pageSize=0", "pageSize must be a whole number from 1 to 200"),
        ("?status=open&pageSize=201", "pageSize must be a whole number from 1 to 200"),
        ("?status=open&pageSize=ten", "pageSize must be a whole number from 1 to 200"),
        (
            "?page=0&pageSize=201",
            (
                "status is required; page must be a whole number from 1 to 1000000; "
                "pageSize must be a whole number from 1 to 200"
            ),
        ),
    ],
    ids=lambda text: text[:40],
)
async def test_the_refusal_of_a_parameter_names_the_allowed_values(
    client: httpx.AsyncClient, tenant: Tenant, query: str, rules: str
) -> None:
    answer = await client.get(TICKETS + query, headers=tenant.headers)
    assert assert_fault(answer, 400) == f"Bad request: {rules}."
    assert answer.json() == fault(400, f"Bad request: {rules}.")


@pytest.mark.parametrize("query", ["page=1&pageSize=200", "page=1000000&pageSize=1", "sort=up&sort=down"])
async def test_parameters_at_their_limits_and_unknown_ones_are_accepted(
    client: httpx.AsyncClient, tenant: Tenant, query: str
) -> None:
    answer = await client.get(f"{TICKETS}?status=open&{query}", headers=tenant.headers)
    assert answer.status_code == 200


@pytest.mark.parametrize("path", ["?status=open", "/services", "/{id}"])
async def test_a_current_copy_is_not_sent_again(
    client: httpx.AsyncClient, tenant: Tenant, raised: list[Json], path: str
) -> None:
    url = TICKETS + path.format(id=raised[0]["id"])
    first = await client.get(url, headers={**tenant.headers, "Accept-Encoding": "identity"})
    tag = first.headers["etag"]
    assert re.fullmatch(r'"[0-9a-f]{32}"', tag)
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = await client.get(url, headers={**tenant.headers, "Accept-Encoding": "identity", "If-None-Match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == tag
        assert again.headers["cache-control"] == "private, no-cache"
        assert "content-type" not in again.headers
    other = await client.get(url, headers={**tenant.headers, "Accept-Encoding": "identity", "If-None-Match": '"other"'})
    assert (other.status_code, other.content) == (200, first.content)


async def test_the_etag_changes_with_the_ticket(client: httpx.AsyncClient, database: Database) -> None:
    tenant = await new_tenant(database)
    ticket = await raise_ticket(client, tenant)
    url = f"{TICKETS}/{ticket['id']}"
    tag = (await client.get(url, headers=tenant.headers)).headers["etag"]
    await client.post(f"{url}/addNote", headers=tenant.headers, json={"noteText": "news"})
    answer = await client.get(url, headers={**tenant.headers, "If-None-Match": tag})
    assert answer.status_code == 200
    assert answer.headers["etag"] != tag


async def test_head_returns_the_headers_of_get(client: httpx.AsyncClient, tenant: Tenant, raised: list[Json]) -> None:
    assert raised
    url = f"{TICKETS}?status=open"
    get = await client.get(url, headers=tenant.headers)
    head = await client.head(url, headers=tenant.headers)
    assert head.status_code == get.status_code
