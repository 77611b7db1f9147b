"""``fields`` chooses members of tickets, and ``expand`` adds their lists."""

import httpx
import pytest

from tests.builders.house import TICKETS, Json, new_ticket, patch_ticket, problem
from tests.builders.people import Tenant

STAFF_ONLY = {"queue", "assignee", "tags"}


@pytest.fixture
async def ticket(client: httpx.AsyncClient, tenant: Tenant) -> Json:
    return await new_ticket(client, tenant)


@pytest.mark.parametrize(
    ("fields", "members"),
    [
        ("title", {"number", "title"}),
        ("number", {"number"}),
        ("status,title,status", {"number", "status", "title"}),
        ("contact,asked,external_ids", {"number", "contact", "asked", "external_ids"}),
        ("queue,assignee,tags", {"number"}),
    ],
)
async def test_only_the_members_that_are_named_are_returned(
    client: httpx.AsyncClient, tenant: Tenant, ticket: Json, fields: str, members: set[str]
) -> None:
    whole = {name: ticket[name] for name in members}
    one = await client.get(f"{TICKETS}/{ticket['number']}?fields={fields}", headers=tenant.headers)
    assert (one.status_code, one.json()) == (200, whole)
    page = await client.get(f"{TICKETS}?fields={fields}&limit=1", headers=tenant.headers)
    assert page.json()["data"] == [whole]
    following = await client.get(page.links["next"]["url"], headers=tenant.headers) if "next" in page.links else page
    assert set(following.json()["data"][0]) == members


async def test_the_provider_can_name_what_only_it_sees(
    client: httpx.AsyncClient, agent: dict[str, str], ticket: Json
) -> None:
    answer = await client.get(f"{TICKETS}/{ticket['number']}?fields=queue,assignee,tags", headers=agent)
    assert set(answer.json()) == {"number", *STAFF_ONLY}
    page = await client.get(f"{TICKETS}?fields=tags", headers=agent)
    assert {frozenset(each) for each in page.json()["data"]} == {frozenset({"number", "tags"})}


@pytest.mark.parametrize(
    "query", ["fields=colour", "fields=", "fields=title,", "fields=title%20", "expand=history", "expand=notes,x"]
)
async def test_what_there_is_not_is_refused_with_what_there_is(
    client: httpx.AsyncClient, tenant: Tenant, ticket: Json, query: str
) -> None:
    answer = await client.get(f"{TICKETS}/{ticket['number']}?{query}", headers=tenant.headers)
    [error] = problem(answer, "invalid-parameter")["errors"]
    assert error["pointer"] == query.partition("=")[0]
    assert error["detail"].startswith("must be some of n")


@pytest.mark.usefixtures("ticket")
async def test_a_list_has_descriptions_when_they_are_named(
    client: httpx.AsyncClient, tenant: Tenant, agent: dict[str, str]
) -> None:
    for headers in (tenant.headers, agent):
        listed = (await client.get(f"{TICKETS}?fields=description,title&limit=1", headers=headers)).json()["data"][0]
        single = await client.get(f"{TICKETS}/{listed['number']}?fields=description,title", headers=headers)
        assert listed == single.json()
        assert set(listed) == {"number", "description", "title"}
        [error] = problem(await client.get(f"{TICKETS}?fields=notes", headers=headers), "invalid-parameter")["errors"]
        assert error["detail"].startswith("must be some of number, company, title")
    assert "description" not in (await client.get(f"{TICKETS}?limit=1", headers=agent)).json()["data"][0]


EXPANSIONS = ("notes", "attachments", "links", "watchers")


async def test_a_list_is_expanded_with_the_first_of_each_list(
    client: httpx.AsyncClient, tenant: Tenant, other_tenant: Tenant, agent: dict[str, str]
) -> None:
    text = {"Content-Type": "text/plain"}
    tickets = [await new_ticket(client, tenant) for _ in range(3)]
    first, second, merged = (f"{TICKETS}/{ticket['number']}" for ticket in tickets)
    for number in range(11):
        await client.post(f"{first}/notes", headers=tenant.headers, json={"text": f"Note {number}"})
    await client.post(f"{merged}/notes", headers=tenant.headers, json={"text": "Merged"})
    await client.post(f"{second}/notes", headers=agent, json={"text": "secret", "visibility": "internal"})
    for name in ("b.txt", "a.txt"):
        await client.post(f"{second}/attachments?name={name}", headers=tenant.headers | text, content=b"x")
    await client.post(f"{first}/watchers", headers=agent, json={"user": "me"})
    await client.post(
        f"{second}/links", headers=tenant.headers, json={"type": "related", "ticket": tickets[0]["number"]}
    )
    foreign = await new_ticket(client, other_tenant)
    await client.post(f"{second}/links", headers=agent, json={"type": "related", "ticket": foreign["number"]})
    merge = await client.post(f"{merged}/merge", headers=agent, json={"into": tickets[1]["number"]})
    assert merge.status_code == 200, merge.text
    query = f"company={tenant.company.code}&state=all&limit=200&expand={','.join(EXPANSIONS)}"
    for headers in (tenant.headers, agent):
        data = (await client.get(f"{TICKETS}?{query}", headers=headers)).json()["data"]
        listed = {ticket["number"]: ticket for ticket in data}
        for ticket in tickets:
            path = f"{TICKETS}/{ticket['number']}"
            for name in EXPANSIONS:
                page = listed[ticket["number"]].pop(name)
                single = (await client.get(f"{path}/{name}?limit=10", headers=headers)).json()
                cursor, single_cursor = page.pop("next_cursor"), single.pop("next_cursor")
                assert page == single, (name, ticket["number"])
                assert (cursor is None) == (single_cursor is None)
                if cursor is not None:
                    rest = await client.get(f"{path}/{name}", headers=headers, params={"cursor": cursor})
                    assert [note["text"] for note in rest.json()["data"]] == ["Note 10"]
        plain = (await client.get(f"{TICKETS}?{query.partition('&expand')[0]}", headers=headers)).json()["data"]
        assert [listed[ticket["number"]] for ticket in plain if ticket["number"] in {t["number"] for t in tickets}] == [
            ticket for ticket in plain if ticket["number"] in {t["number"] for t in tickets}
        ]
    few = (await client.get(f"{TICKETS}?fields=title&expand=links&limit=1", headers=agent)).json()["data"][0]
    assert set(few) == {"number", "title", "links"}
    assert (
        await client.get(f"{TICKETS}?expand=notes&status=held&company={tenant.company.code}", headers=agent)
    ).json()["data"] == []
    [error] = problem(await client.get(f"{TICKETS}?expand=note", headers=agent), "invalid-parameter")["errors"]
    assert error["detail"] == "must be some of notes, attachments, links, watchers, separated by commas"


async def test_a_ticket_is_expanded_with_the_first_page_of_its_lists(
    client: httpx.AsyncClient, tenant: Tenant, ticket: Json
) -> None:
    path = f"{TICKETS}/{ticket['number']}"
    for number in range(51):
        await client.post(f"{path}/notes", headers=tenant.headers, json={"text": f"Note {number}"})
    text = tenant.headers | {"Content-Type": "text/plain"}
    await client.post(f"{path}/attachments?name=a.txt", headers=text, content=b"x")
    other = await new_ticket(client, tenant)
    await client.post(f"{path}/links", headers=tenant.headers, json={"type": "related", "ticket": other["number"]})
    await client.post(f"{path}/watchers", headers=tenant.headers, json={"user": "me"})
    answer = await client.get(f"{path}?expand=notes,attachments,links,watchers", headers=tenant.headers)
    body = answer.json()
    for name in ("notes", "attachments", "links", "watchers"):
        assert body.pop(name) == (await client.get(f"{path}/{name}", headers=tenant.headers)).json()
    assert body == (await client.get(path, headers=tenant.headers)).json()
    cursor = answer.json()["notes"]["next_cursor"]
    rest = await client.get(f"{path}/notes", headers=tenant.headers, params={"cursor": cursor})
    assert [note["text"] for note in rest.json()["data"]] == ["Note 50"]
    few = await client.get(f"{path}?fields=title&expand=links", headers=tenant.headers)
    assert set(few.json()) == {"number", "title", "links"}


async def test_an_expansion_shows_only_what_the_list_shows(
    client: httpx.AsyncClient, tenant: Tenant, other_tenant: Tenant, agent: dict[str, str], ticket: Json
) -> None:
    path = f"{TICKETS}/{ticket['number']}"
    await client.post(f"{path}/notes", headers=agent, json={"text": "secret", "visibility": "internal"})
    answer = await client.get(f"{path}?expand=notes", headers=tenant.headers)
    assert answer.json()["notes"]["data"] == []
    problem(await client.get(f"{path}?expand=notes&fields=title", headers=other_tenant.headers), "not-found")


@pytest.mark.parametrize("query", ["fields=title", "expand=notes", "fields=status&expand=links"])
async def test_the_tag_of_a_part_is_good_for_both_conditions(
    client: httpx.AsyncClient, tenant: Tenant, agent: dict[str, str], ticket: Json, query: str
) -> None:
    path = f"{TICKETS}/{ticket['number']}"
    tag = (await client.get(f"{path}?{query}", headers=tenant.headers)).headers["etag"]
    assert tag != (await client.get(path, headers=tenant.headers)).headers["etag"]
    again = await client.get(f"{path}?{query}", headers=tenant.headers | {"If-None-Match": tag})
    assert (again.status_code, again.headers["etag"]) == (304, tag)
    assert (await client.get(path, headers=tenant.headers | {"If-None-Match": tag})).status_code == 200
    matched = tenant.headers | {"If-Match": tag}
    assert (await client.patch(path, headers=matched, json={"external_ids": {"a": "1"}})).status_code == 200
    problem(await client.patch(path, headers=matched, json={"external_ids": {"a": "2"}}), "precondition-failed")
    await patch_ticket(client, agent, ticket["number"], {"title": "Another"})
    changed = await client.get(f"{path}?{query}", headers=tenant.headers | {"If-None-Match": tag})
    assert changed.status_code == 200


async def test_a_new_note_changes_the_tag_of_a_ticket_that_is_expanded_with_its_notes(
    client: httpx.AsyncClient, tenant: Tenant, ticket: Json
) -> None:
    path = f"{TICKETS}/{ticket['number']}?expand=notes"
    tag = (await client.get(path, headers=tenant.headers)).headers["etag"]
    await client.post(f"{TICKETS}/{ticket['number']}/notes", headers=tenant.headers, json={"text": "news"})
    assert (await client.get(path, headers=tenant.headers | {"If-None-Match": tag})).status_code == 200
