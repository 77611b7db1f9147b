import random
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from clearline.identity import Role, Scope
from clearline.platform.database.transactions import Database
from clearline.wires.house.routes import OPERATIONS
from clearline.wires.house.wire import LIMIT_MAX, PageQuery
from clearline.wires.http.cursors import Cursors, InvalidCursor, list_id
from tests.builders.house import TICKETS, new_ticket, pointers, problem
from tests.builders.people import Tenant, staff_key

MANY = 7
MISSING = "INC999999999999"


@pytest.fixture(scope="module")
async def lists(client: httpx.AsyncClient, tenant: Tenant) -> dict[str, str]:
    """Return the paths of lists with seven items each, by name."""
    numbers = [(await new_ticket(client, tenant))["number"] for _ in range(MANY)]
    path = f"{TICKETS}/{numbers[0]}"
    for index in range(MANY):
        await client.post(f"{path}/notes", headers=tenant.headers, json={"text": f"note {index}"})
    return {
        "newest": TICKETS,
        "oldest": f"{TICKETS}?sort=number",
        "of a company": f"{TICKETS}?company={tenant.company.code}&state=all",
        "notes": f"{path}/notes",
        "history": f"{path}/history",
    }


def url(path: str, **parameters: object) -> str:
    return str(httpx.URL(path).copy_merge_params({name: str(value) for name, value in parameters.items()}))


async def complete_list(client: httpx.AsyncClient, headers: dict[str, str], path: str) -> list[object]:
    page = (await client.get(url(path, limit=LIMIT_MAX), headers=headers)).json()
    assert (page["has_more"], page["next_cursor"]) == (False, None)
    data: list[object] = page["data"]
    return data


NAMES = ["newest", "oldest", "of a company", "notes", "history"]


@pytest.mark.parametrize("limit", [1, 3, MANY, MANY + 1])
@pytest.mark.parametrize("name", NAMES)
async def test_the_links_of_a_list_lead_through_all_pages(
    client: httpx.AsyncClient, tenant: Tenant, lists: dict[str, str], name: str, limit: int
) -> None:
    everything = await complete_list(client, tenant.headers, lists[name])
    items: list[object] = []
    next_one = url(lists[name], limit=limit)
    while True:
        answer = await client.get(next_one, headers=tenant.headers)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        items += page["data"]
        assert page["has_more"] is (page["next_cursor"] is not None) is ("next" in answer.links)
        assert len(page["data"]) == limit or not page["has_more"]
        assert page["data"], "no page is empty, the last one neither"
        if not page["has_more"]:
            break
        next_one = answer.links["next"]["url"]
        parts = urlsplit(next_one)
        assert (parts.scheme, parts.netloc, parts.path) == ("http", "desk.example.com", urlsplit(lists[name]).path)
        query = {key: [value] for key, [value] in parse_qs(urlsplit(lists[name]).query).items()}
        assert parse_qs(parts.query) == {**query, "limit": [str(limit)], "cursor": [page["next_cursor"]]}
    assert items == everything
    assert len(everything) >= MANY


@pytest.mark.usefixtures("lists")
async def test_new_tickets_do_not_shift_the_pages(client: httpx.AsyncClient, tenant: Tenant) -> None:
    before = await complete_list(client, tenant.headers, TICKETS)
    first = (await client.get(url(TICKETS, limit=3), headers=tenant.headers)).json()
    await new_ticket(client, tenant)
    second = await client.get(url(TICKETS, limit=200, cursor=first["next_cursor"]), headers=tenant.headers)
    assert first["data"] + second.json()["data"] == before


async def cursor_of(client: httpx.AsyncClient, headers: dict[str, str], path: str) -> str:
    cursor: str = (await client.get(url(path, limit=2), headers=headers)).json()["next_cursor"]
    return cursor


@pytest.mark.parametrize("limit", [1, 2, 200, None])
async def test_a_cursor_is_valid_with_another_limit(
    client: httpx.AsyncClient, tenant: Tenant, lists: dict[str, str], limit: int | None
) -> None:
    cursor = await cursor_of(client, tenant.headers, lists["newest"])
    limits = {} if limit is None else {"limit": limit}
    answer = await client.get(url(TICKETS, cursor=cursor, **limits), headers=tenant.headers)
    everything = await complete_list(client, tenant.headers, TICKETS)
    assert answer.json()["data"] == everything[2 : 2 + (limit or 50)]


@pytest.mark.usefixtures("lists")
async def test_a_cursor_is_valid_with_any_order_of_the_parameters(client: httpx.AsyncClient, tenant: Tenant) -> None:
    cursor = await cursor_of(client, tenant.headers, f"{TICKETS}?state=all&sort=number")
    answer = await client.get(f"{TICKETS}?cursor={cursor}&sort=number&limit=1&state=all", headers=tenant.headers)
    assert answer.status_code == 200


async def test_a_list_of_the_longest_names_can_be_paged(client: httpx.AsyncClient, database: Database) -> None:
    admin, chance = await staff_key(database, Role.ADMIN), random.Random(1)
    for _ in range(3):
        name = "".join(chr(chance.randrange(0x20000, 0x2A6D0)) for _ in range(255))
        created = await client.post("/api/v1/teams", headers=admin, json={"name": name})
        assert created.status_code == 201, created.text
    first = await client.get("/api/v1/teams?limit=1", headers=admin)
    second = await client.get(first.links["next"]["url"], headers=admin)
    assert second.status_code == 200, second.text
    assert second.json()["data"] != first.json()["data"]


TAMPERED: dict[str, Callable[[str], str]] = {
    "cut short": lambda cursor: cursor[:-1],
    "longer": lambda cursor: cursor + "A",
    "changed at its beginning": lambda cursor: ("A" if cursor[0] != "A" else "B") + cursor[1:],
    "without its signature": lambda cursor: cursor.rpartition(".")[0],
    "empty": lambda _cursor: "",
    "made up": lambda _cursor: "eyJhIjoxfQ.c2ln",
    "no ASCII": lambda _cursor: "\u00fc\u4e2d",
    "a number": lambda _cursor: "17",
    "of another secret": lambda _cursor: Cursors(b"x" * 32).make([1], list_id(TICKETS, {})),
}


@pytest.mark.usefixtures("lists")
@pytest.mark.parametrize("how", TAMPERED)
async def test_an_invented_cursor_is_refused(client: httpx.AsyncClient, tenant: Tenant, how: str) -> None:
    cursor = TAMPERED[how](await cursor_of(client, tenant.headers, TICKETS))
    problem(await client.get(url(TICKETS, cursor=cursor), headers=tenant.headers), "invalid-cursor")


@pytest.mark.parametrize("other", ["oldest", "of a company", "notes", "history"])
async def test_a_cursor_of_another_list_or_with_other_filters_is_refused(
    client: httpx.AsyncClient, tenant: Tenant, lists: dict[str, str], other: str
) -> None:
    for source, target in (("newest", other), (other, "newest")):
        cursor = await cursor_of(client, tenant.headers, lists[source])
        problem(await client.get(url(lists[target], cursor=cursor), headers=tenant.headers), "invalid-cursor")


async def test_a_cursor_of_another_tickets_notes_is_refused(
    client: httpx.AsyncClient, tenant: Tenant, lists: dict[str, str]
) -> None:
    number = (await new_ticket(client, tenant))["number"]
    cursor = await cursor_of(client, tenant.headers, lists["notes"])
    answer = await client.get(f"{TICKETS}/{number}/notes?cursor={cursor}", headers=tenant.headers)
    problem(answer, "invalid-cursor")


@pytest.mark.usefixtures("lists")
async def test_a_cursor_of_the_staff_shows_a_customer_nothing_of_others(
    client: httpx.AsyncClient, tenant: Tenant, other_tenant: Tenant, database: Database
) -> None:
    own = (await new_ticket(client, other_tenant))["number"]
    await new_ticket(client, tenant)
    cursor = await cursor_of(client, await staff_key(database, Role.VIEWER), TICKETS)
    answer = await client.get(url(TICKETS, cursor=cursor), headers=other_tenant.headers)
    assert [ticket["number"] for ticket in answer.json()["data"]] in ([own], [])


LISTS = sorted(
    (operation.path.replace("{number}", MISSING), operation.name)
    for operation in OPERATIONS
    if operation.query
    and {*PageQuery.__struct_fields__} <= {*operation.query.__struct_fields__}
    and operation.scope is Scope.TICKETS_READ
    and "{id}" not in operation.path
)


@pytest.mark.parametrize("limit", ["0", "-1", "201", "1.5", "", "many", "01", "+1", "\u0661", "9" * 30])
@pytest.mark.parametrize("path", [TICKETS, f"{TICKETS}/{MISSING}/history"])
async def test_a_limit_is_an_integer_from_1_to_200(
    client: httpx.AsyncClient, tenant: Tenant, path: str, limit: str
) -> None:
    answer = await client.get(path, params={"limit": limit}, headers=tenant.headers)
    assert pointers(answer, "invalid-parameter") == ["limit"]
    assert answer.json()["detail"] == "limit must be a whole number from 1 to 200"


@pytest.mark.parametrize(("path", "name"), LISTS)
async def test_the_refusal_of_an_unknown_parameter_lists_the_known_ones(
    client: httpx.AsyncClient, tenant: Tenant, path: str, name: str
) -> None:
    [operation] = [operation for operation in OPERATIONS if operation.name == name]
    assert operation.query is not None
    answer = await client.get(f"{path}?page=2&a.b=1", headers=tenant.headers)
    assert pointers(answer, "invalid-parameter") == ["page", "a.b"]
    detail = answer.json()["errors"][0]["detail"]
    assert detail == "is not known here; there are " + ", ".join(operation.query.__struct_encode_fields__)


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", f"{TICKETS}/{MISSING}/notes/x"), ("POST", TICKETS), ("POST", f"{TICKETS}/{MISSING}/notes")],
)
async def test_an_operation_without_parameters_accepts_none(
    client: httpx.AsyncClient, tenant: Tenant, method: str, path: str
) -> None:
    answer = await client.request(method, f"{path}?dry_run=true", headers=tenant.headers)
    assert pointers(answer, "invalid-parameter") == ["dry_run"]
    assert answer.json()["errors"][0]["detail"] == "is not known here; there is none"


@pytest.mark.parametrize(
    "query", ["limit=1&limit=2", "limit=1&limit=1", "cursor=a&limit=5&cursor=b", "sort=number&sort"]
)
async def test_a_parameter_given_twice_is_refused(client: httpx.AsyncClient, tenant: Tenant, query: str) -> None:
    answer = await client.get(f"{TICKETS}?{query}", headers=tenant.headers)
    assert [error["detail"] for error in problem(answer, "invalid-parameter")["errors"]] == ["must be given once"]


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ("state=closed", ["state"]),
        ("status=Open", ["status"]),
        ("sort=title", ["sort"]),
        ("service=" + "x" * 65, ["service"]),
        ("company=%00", ["company"]),
        ("service=a%00", ["service"]),
        ("limit=0&state=x&nothing=1", ["state", "limit", "nothing"]),
    ],
)
async def test_every_invalid_parameter_is_named(
    client: httpx.AsyncClient, tenant: Tenant, query: str, wrong: list[str]
) -> None:
    answer = await client.get(f"{TICKETS}?{query}", headers=tenant.headers)
    assert pointers(answer, "invalid-parameter") == wrong


def test_a_cursor_returns_the_keys_that_it_was_made_from() -> None:
    cursors = Cursors(b"secret" * 6)
    items = list_id("/x", {"a": "1", "b": "2"})
    assert items == list_id("/x", {"b": "2", "a": "1"})
    for keys in ([7], ["2026-03-01T12:00:00Z", "id"], [None, 1.5, "\u00fc"]):
        assert cursors.read(cursors.make(keys, items), items) == keys
    for other in (list_id("/y", {"a": "1", "b": "2"}), list_id("/x", {"a": "1"}), list_id("/x", {"a": "1", "b": ""})):
        with pytest.raises(InvalidCursor):
            cursors.read(cursors.make([7], items), other)
