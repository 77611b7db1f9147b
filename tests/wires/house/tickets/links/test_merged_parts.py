"""The notes, links and files of a merged ticket are visible at the ticket that it was merged into."""

from typing import Any, NamedTuple

import httpx
import pytest

from clearline.platform.database.transactions import Database
from tests.builders.house import ANY, TICKETS, new_ticket, problem, read_list
from tests.builders.people import Tenant, new_tenant
from tests.builders.queues import routed

Json = dict[str, Any]
Headers = dict[str, str]
CC = "/v2/support-tickets"


class Family(NamedTuple):
    """A ticket into which another was merged, into which a third one was merged before; and tickets linked to them."""

    tenant: Tenant
    target: str
    middle: str
    leaf: str
    linked: str
    foreign: str


async def post(client: httpx.AsyncClient, headers: Headers, path: str, body: Json) -> Json:
    answer = await client.post(f"{TICKETS}/{path}", headers=headers, json=body)
    assert answer.is_success, answer.text
    answered: Json = answer.json()
    return answered


async def attach(client: httpx.AsyncClient, headers: Headers, number: str, visibility: str) -> Json:
    answer = await client.post(
        f"{TICKETS}/{number}/attachments?name={number}-{visibility}.txt&visibility={visibility}",
        headers=headers | {"content-type": "text/plain"},
        content=f"{number} {visibility}".encode(),
    )
    assert answer.status_code == 201, answer.text
    attached: Json = answer.json()
    return attached


@pytest.fixture
async def family(client: httpx.AsyncClient, database: Database, fresh: Tenant, agent: Headers) -> Family:
    foreigner = await new_tenant(database)
    foreign = str((await new_ticket(client, foreigner))["number"])
    target, middle, leaf, linked = [str((await new_ticket(client, fresh))["number"]) for _ in range(4)]
    for number in (leaf, middle, target):
        await post(client, fresh.headers, f"{number}/notes", {"text": f"public {number}"})
        await post(client, agent, f"{number}/notes", {"text": f"internal {number}", "visibility": "internal"})
        await attach(client, fresh.headers, number, "public")
        await attach(client, agent, number, "internal")
        await post(client, agent, f"{number}/links", {"type": "causes", "ticket": linked})
        await post(client, agent, f"{number}/links", {"type": "related", "ticket": foreign})
    await post(client, agent, f"{leaf}/links", {"type": "duplicates", "ticket": target})
    await post(client, agent, f"{leaf}/links", {"type": "duplicates", "ticket": middle})
    await post(client, agent, f"{leaf}/merge", {"into": middle})
    await post(client, agent, f"{middle}/merge", {"into": target})
    return Family(fresh, target, middle, leaf, linked, foreign)


def members(links: list[Json]) -> list[tuple[str | None, str, str]]:
    return [(link["merged_from"], link["type"], link["ticket"]["number"]) for link in links]


async def test_the_links_of_merged_tickets_are_listed_at_the_target_in_order_of_time(
    client: httpx.AsyncClient, family: Family, agent: Headers
) -> None:
    target, middle, leaf, linked = family.target, family.middle, family.leaf, family.linked
    path = f"{TICKETS}/{target}/links"
    own = await read_list(client, path, family.tenant.headers)
    assert members(own) == [
        (leaf, "causes", linked),
        (middle, "causes", linked),
        (None, "causes", linked),
        (None, "duplicated_by", leaf),
        (middle, "duplicated_by", leaf) if middle < leaf else (leaf, "duplicates", middle),
    ]
    assert [link["created_at"] for link in own] == sorted(link["created_at"] for link in own)
    assert len({link["id"] for link in own}) == len(own)
    everything = await read_list(client, path, agent)
    assert [entry for entry in members(everything) if entry[2] == family.foreign] == [
        (leaf, "related", family.foreign), (middle, "related", family.foreign), (None, "related", family.foreign),
    ]  # fmt: skip
    assert len(everything) == len(own) + 3
    assert family.foreign not in str(own)
    expanded = (await client.get(f"{TICKETS}/{target}?expand=links", headers=family.tenant.headers)).json()
    assert expanded["links"]["data"] == own
    at_leaf = await read_list(client, f"{TICKETS}/{leaf}/links", family.tenant.headers)
    assert {link["merged_from"] for link in at_leaf} == {None}


async def test_a_link_of_a_merged_ticket_is_read_and_removed_at_the_target(
    client: httpx.AsyncClient, family: Family, agent: Headers
) -> None:
    path = f"{TICKETS}/{family.target}/links"
    [link] = [link for link in await read_list(client, path, agent) if link["merged_from"] == family.leaf
              and link["type"] == "causes"]  # fmt: skip
    answer = await client.get(f"{path}/{link['id']}", headers=agent)
    assert answer.json() == link
    headers = agent | {"If-Match": answer.headers["etag"]}
    assert (await client.delete(f"{path}/{link['id']}", headers=headers)).status_code == 204
    assert link["id"] not in str(await read_list(client, f"{TICKETS}/{family.leaf}/links", agent))
    assert link["id"] not in str(await read_list(client, f"{TICKETS}/{family.linked}/links", agent))


async def test_the_files_of_merged_tickets_are_listed_and_read_at_the_target(
    client: httpx.AsyncClient, family: Family, agent: Headers
) -> None:
    path = f"{TICKETS}/{family.target}/attachments"
    public = await read_list(client, path, family.tenant.headers)
    assert [(file["ticket"], file["visibility"]) for file in public] == [
        (number, "public") for number in (family.leaf, family.middle, family.target)
    ]
    everything = await read_list(client, path, agent)
    assert len(everything) == 6
    assert [file["created_at"] for file in everything] == sorted(file["created_at"] for file in everything)
    for file in everything:
        for headers, is_allowed in ((agent, True), (family.tenant.headers, file["visibility"] == "public")):
            content = await client.get(f"{path}/{file['id']}/content", headers=headers)
            assert content.status_code == (200 if is_allowed else 404)
            assert not is_allowed or content.text == f"{file['ticket']} {file['visibility']}"
            assert (await client.get(f"{path}/{file['id']}", headers=headers)).is_success is is_allowed
    at_leaf = await read_list(client, f"{TICKETS}/{family.leaf}/attachments", agent)
    assert {file["ticket"] for file in at_leaf} == {family.leaf}
    answer = await client.delete(f"{path}/{public[0]['id']}", headers=agent | ANY)
    assert answer.status_code == 204
    assert len(await read_list(client, path, family.tenant.headers)) == 2
    assert await read_list(client, f"{TICKETS}/{family.leaf}/attachments", family.tenant.headers) == []


async def test_after_the_merge_is_undone_the_target_shows_its_own_again(
    client: httpx.AsyncClient, family: Family, agent: Headers
) -> None:
    await post(client, agent, f"{family.middle}/unmerge", {})
    headers = family.tenant.headers
    links = await read_list(client, f"{TICKETS}/{family.target}/links", headers)
    assert members(links) == [(None, "causes", family.linked), (None, "duplicated_by", family.leaf)]
    files = await read_list(client, f"{TICKETS}/{family.target}/attachments", headers)
    assert [file["ticket"] for file in files] == [family.target]
    shown = (await client.get(f"{CC}/{family.target}", headers=headers)).json()
    assert not [note for note in shown["notes"] if "mergedFrom" in note]


async def test_another_company_sees_nothing_of_the_family(
    client: httpx.AsyncClient, database: Database, family: Family, agent: Headers
) -> None:
    other = await new_tenant(database)
    number = (await new_ticket(client, other))["number"]
    for part in ("links", "attachments", "notes"):
        assert await read_list(client, f"{TICKETS}/{number}/{part}", other.headers) == []
        problem(await client.get(f"{TICKETS}/{family.target}/{part}", headers=other.headers), "not-found")
    refused = await client.post(f"{TICKETS}/{number}/merge", headers=agent, json={"into": family.target})
    assert "same company" in problem(refused, "conflict", code="not-mergeable")["detail"]


async def test_console_connect_shows_the_public_notes_of_merged_tickets_at_the_target(
    client: httpx.AsyncClient, family: Family
) -> None:
    headers = family.tenant.headers
    house = await read_list(client, f"{TICKETS}/{family.target}/notes", headers)
    answer = await client.get(f"{CC}/{family.target}", headers=headers)
    worklogs = [note for note in answer.json()["notes"] if note["@type"] == "worklog"]
    assert [(note["worklogId"], note["text"], note.get("mergedFrom", family.target)) for note in worklogs] == [
        (note["id"], note["text"], note["ticket"]) for note in house
    ]
    assert {note.get("mergedFrom") for note in worklogs} == {None, family.middle, family.leaf}
    assert "internal" not in str(worklogs)
    listed = (await client.get(f"{CC}?status=open", headers=headers)).json()
    assert [ticket for ticket in listed if ticket["id"] == family.target] == [answer.json()]
    closed = (await client.get(f"{CC}?status=closed", headers=headers)).json()
    assert {ticket["id"] for ticket in closed} == {family.middle, family.leaf}
    added = await client.post(f"{CC}/{family.target}/addNote", headers=headers, json={"noteText": "more"})
    assert added.json()["notes"][:-1] == answer.json()["notes"]
    assert added.json()["notes"][-1]["text"] == "more"


async def remove_file(client: httpx.AsyncClient, family: Family, agent: Headers, visibility: str) -> None:
    path = f"{TICKETS}/{family.leaf}/attachments"
    [file] = [file for file in await read_list(client, path, agent) if file["visibility"] == visibility]
    answer = await client.delete(f"{TICKETS}/{family.target}/attachments/{file['id']}", headers=agent | ANY)
    assert answer.status_code == 204


async def remove_link(client: httpx.AsyncClient, family: Family, agent: Headers, other: str) -> None:
    path = f"{TICKETS}/{family.leaf}/links"
    [link] = [link for link in await read_list(client, path, agent) if link["ticket"]["number"] == other]
    assert (await client.delete(f"{path}/{link['id']}", headers=agent | ANY)).status_code == 204


async def add_link(client: httpx.AsyncClient, family: Family, agent: Headers, other: str) -> None:
    await post(client, agent, f"{other}/links", {"type": "duplicates", "ticket": family.leaf})


async def undo(client: httpx.AsyncClient, family: Family, agent: Headers, _other: str) -> None:
    await post(client, agent, f"{family.leaf}/unmerge", {})


CHANGES = {
    "a public file is removed": (remove_file, "public", True),
    "an internal file is removed": (remove_file, "internal", False),
    "a link to the customer's own ticket is removed": (remove_link, "linked", True),
    "a link to another company's ticket is removed": (remove_link, "foreign", False),
    "a link within the family is removed": (remove_link, "target", True),
    "a link to the customer's own ticket is added": (add_link, "linked", True),
    "a link to another company's ticket is added": (add_link, "foreign", False),
    "a merge further down is undone": (undo, "", True),
}


@pytest.mark.parametrize("change", CHANGES)
async def test_the_target_has_a_new_version_when_what_it_shows_of_a_merged_ticket_changes(
    client: httpx.AsyncClient, database: Database, family: Family, agent: Headers, change: str
) -> None:
    await routed(database)
    make, argument, is_visible = CHANGES[change]
    argument = getattr(family, argument, argument)
    path = f"{TICKETS}/{family.target}"
    readers = {"agent": agent, "customer": family.tenant.headers}
    before = {name: await client.get(path, headers=headers) for name, headers in readers.items()}
    await make(client, family, agent, argument)
    for name, headers in readers.items():
        is_moved = is_visible or name == "agent"
        answer = await client.get(path, headers=headers | {"If-None-Match": before[name].headers["etag"]})
        assert answer.status_code == (200 if is_moved else 304), name
        after = (await client.get(path, headers=headers)).json()
        old = before[name].json()
        assert after["version"] - old["version"] == is_moved
        assert (after["updated_at"] != old["updated_at"]) is is_moved
        changed_list = {"updated_since": old["updated_at"], "limit": 100}
        listed = await client.get(TICKETS, headers=headers, params=changed_list)
        [in_list] = [ticket for ticket in listed.json()["data"] if ticket["number"] == family.target]
        assert in_list["updated_at"] == after["updated_at"]


async def test_a_change_of_a_ticket_leaves_what_was_merged_into_it_as_it_was(
    client: httpx.AsyncClient, database: Database, family: Family, agent: Headers
) -> None:
    await routed(database)
    before = [
        (await client.get(f"{TICKETS}/{number}", headers=agent)).json() for number in (family.leaf, family.foreign)
    ]
    path = f"{TICKETS}/{family.middle}/links"
    [link] = [link for link in await read_list(client, path, family.tenant.headers)
              if link["ticket"]["number"] == family.linked and link["merged_from"] is None]  # fmt: skip
    assert (await client.delete(f"{path}/{link['id']}", headers=agent | ANY)).status_code == 204
    after = [
        (await client.get(f"{TICKETS}/{number}", headers=agent)).json() for number in (family.leaf, family.foreign)
    ]
    assert after == before
