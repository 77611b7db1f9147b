import asyncio
import re

import httpx
import pytest

from clearline.wires.house.routes import OPERATIONS
from tests.builders.house import TICKETS, Json, new_ticket, problem
from tests.builders.people import Tenant

STRONG = re.compile(r'"[0-9a-f]{32}(-br|-gzip)?"')
"""The ETag of an answer as it is, or as it is compressed: that of a ticket is long enough."""
PATCH = {"external_ids": {"snow": "X1"}}


@pytest.fixture
async def path(client: httpx.AsyncClient, tenant: Tenant) -> str:
    return f"{TICKETS}/{(await new_ticket(client, tenant))['number']}"


async def tag_of(client: httpx.AsyncClient, headers: dict[str, str], path: str) -> str:
    answer = await client.get(path, headers=headers)
    assert STRONG.fullmatch(answer.headers["etag"])
    return str(answer.headers["etag"])


@pytest.mark.parametrize("suffix", ["", "/notes", "/history", "?"])
async def test_a_current_copy_is_not_sent_again(
    client: httpx.AsyncClient, tenant: Tenant, path: str, suffix: str
) -> None:
    target = TICKETS if suffix == "?" else path + suffix
    first = await client.get(target, headers=tenant.headers)
    tag = first.headers["etag"]
    for known in (tag, f"W/{tag}", f'"x", {tag}', "*", f" {tag} "):
        again = await client.get(target, headers={**tenant.headers, "If-None-Match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == tag
        assert "Authorization" in again.headers["vary"]
        assert again.headers["cache-control"] == "private, no-cache"
        assert again.headers["vary"] == first.headers["vary"]
        assert not {"content-type", "content-length"} & set(again.headers)
    for other in ('"x"', "", "x", tag.strip('"')):
        answer = await client.get(target, headers={**tenant.headers, "If-None-Match": other})
        assert (answer.status_code, answer.content) == (200, first.content)
    await client.post(f"{path}/notes", headers=tenant.headers, json={"text": "news"})
    changed = await client.get(target, headers={**tenant.headers, "If-None-Match": tag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != tag


async def test_create_and_change_return_the_same_etag_as_a_read(
    client: httpx.AsyncClient, tenant: Tenant, agent: dict[str, str], path: str
) -> None:
    created = await client.post(f"{path}/notes", headers=agent, json={"text": "x"})
    assert created.headers["etag"] == await tag_of(client, agent, created.headers["location"])
    for headers in (tenant.headers, agent):
        tag = await tag_of(client, headers, path)
        patched = await client.patch(path, headers={**headers, "If-Match": tag}, json=PATCH)
        assert patched.status_code == 200
        assert patched.headers["etag"] == await tag_of(client, headers, path)
        assert patched.headers["cache-control"] == "no-store"
    assert await tag_of(client, tenant.headers, path) != await tag_of(client, agent, path), "staff see more"


async def test_a_change_without_if_match_is_refused(client: httpx.AsyncClient, tenant: Tenant, path: str) -> None:
    problem(await client.patch(path, headers=tenant.headers, json=PATCH), "precondition-required")
    assert (await client.get(path, headers=tenant.headers)).json()["external_ids"] == {}


@pytest.mark.parametrize("if_match", ["{tag}", "*", " * ", '"x", {tag}', '{tag} ,"y"'])
async def test_a_change_with_the_current_etag_succeeds(
    client: httpx.AsyncClient, tenant: Tenant, path: str, if_match: str
) -> None:
    tag = await tag_of(client, tenant.headers, path)
    answer = await client.patch(path, headers={**tenant.headers, "If-Match": if_match.format(tag=tag)}, json=PATCH)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("if_match", ['"x"', "W/{tag}", "", "{bare}", '"x", "y"', '"*"'])
async def test_a_change_with_another_etag_is_refused(
    client: httpx.AsyncClient, tenant: Tenant, path: str, if_match: str
) -> None:
    tag = await tag_of(client, tenant.headers, path)
    header = if_match.format(tag=tag, bare=tag.strip('"'))
    answer = await client.patch(path, headers={**tenant.headers, "If-Match": header}, json=PATCH)
    problem(answer, "precondition-failed")
    assert await tag_of(client, tenant.headers, path) == tag


@pytest.mark.parametrize("meanwhile", ["note", "status", "patch"])
async def test_a_change_with_a_stale_etag_is_refused(
    client: httpx.AsyncClient, tenant: Tenant, agent: dict[str, str], path: str, meanwhile: str
) -> None:
    tag = await tag_of(client, tenant.headers, path)
    if meanwhile == "note":
        await client.post(f"{path}/notes", headers=agent, json={"text": "x"})
    elif meanwhile == "status":
        await client.post(f"{path}/status", headers=agent, json={"status": "held"})
    else:
        await client.patch(path, headers={**agent, "If-Match": "*"}, json={"title": "Another"})
    stale = {**tenant.headers, "If-Match": tag}
    problem(await client.patch(path, headers=stale, json=PATCH), "precondition-failed")
    fresh = {**tenant.headers, "If-Match": await tag_of(client, tenant.headers, path)}
    assert (await client.patch(path, headers=fresh, json=PATCH)).status_code == 200


async def test_exactly_one_of_several_concurrent_changes_succeeds(
    client: httpx.AsyncClient, agent: dict[str, str], path: str
) -> None:
    for turn in range(3):
        headers = {**agent, "If-Match": await tag_of(client, agent, path)}
        answers = await asyncio.gather(
            *(client.patch(path, headers=headers, json={"title": f"{turn}-{index}"}) for index in range(6))
        )
        won = [answer for answer in answers if answer.status_code == 200]
        assert len(won) == 1
        for answer in answers:
            if answer not in won:
                problem(answer, "precondition-failed")
        read = await client.get(path, headers=agent)
        assert read.content == won[0].content
        assert read.json()["version"] == turn + 2


async def test_a_change_without_effect_keeps_the_etag(
    client: httpx.AsyncClient, agent: dict[str, str], path: str
) -> None:
    tag = await tag_of(client, agent, path)
    answer = await client.patch(path, headers={**agent, "If-Match": tag}, json={"title": "Port down"})
    assert (answer.status_code, answer.headers["etag"]) == (200, tag)


async def test_a_change_is_checked_in_a_fixed_order(client: httpx.AsyncClient, tenant: Tenant, path: str) -> None:
    text = {**tenant.headers, "Content-Type": "text/plain"}
    problem(await client.patch(path, headers=text, content=b"x"), "precondition-required")
    problem(await client.patch(path, headers={**text, "If-Match": '"x"'}, content=b"x"), "unsupported-media-type")
    stale = {**tenant.headers, "If-Match": '"x"'}
    problem(await client.patch(path, headers=stale, json={"external_ids": 1}), "invalid-input")
    problem(await client.patch(f"{TICKETS}/INC999999999999", headers=stale, json=PATCH), "not-found")
    problem(await client.patch(path, headers=stale, json={"title": "not mine to set"}), "precondition-failed")


ACTIONS: dict[str, Json] = {
    "/status": {"status": "held"},
    "/tags": {"add": ["vip"]},
    "/assign": {"to": "me"},
    "/route": {},
    "/merge": {"into": ""},
}
"""Actions on a ticket that return it: the path below the ticket, and a body."""


@pytest.mark.parametrize("suffix", ACTIONS)
@pytest.mark.parametrize("which", ["the older", "the newer"])
async def test_an_action_with_a_stale_etag_is_refused_and_with_the_current_one_succeeds(
    client: httpx.AsyncClient, tenant: Tenant, agent: dict[str, str], path: str, suffix: str, which: str
) -> None:
    other = f"{TICKETS}/{(await new_ticket(client, tenant))['number']}"
    acted, into = (path, other) if which == "the older" else (other, path)
    body = {"into": into.rpartition("/")[2]} if suffix == "/merge" else ACTIONS[suffix]
    stale = await tag_of(client, agent, acted)
    await client.post(f"{acted}/notes", headers=agent, json={"text": "news"})
    before = (await client.get(acted, headers=agent)).content
    answer = await client.post(acted + suffix, headers={**agent, "If-Match": stale}, json=body)
    problem(answer, "precondition-failed")
    assert (await client.get(acted, headers=agent)).content == before
    fresh = {**agent, "If-Match": await tag_of(client, agent, acted)}
    done = await client.post(acted + suffix, headers=fresh, json=body)
    assert done.status_code == 200, done.text
    assert done.headers["etag"] == await tag_of(client, agent, acted)


@pytest.mark.parametrize("suffix", ACTIONS)
async def test_an_action_on_another_companys_ticket_is_not_found_with_any_if_match(
    client: httpx.AsyncClient, other_tenant: Tenant, path: str, suffix: str
) -> None:
    own = (await new_ticket(client, other_tenant))["number"]
    body = {"into": own} if suffix == "/merge" else ACTIONS[suffix]
    for headers in ({**other_tenant.headers, "If-Match": '"x"'}, {**other_tenant.headers, "If-Match": "*"}):
        problem(await client.post(path + suffix, headers=headers, json=body), "not-found")


async def test_the_document_says_which_actions_take_if_match(client: httpx.AsyncClient) -> None:
    paths = (await client.get("/api/v1/openapi.json")).json()["paths"]
    for suffix in ACTIONS:
        action = paths[TICKETS + "/{number}" + suffix]["post"]
        [header] = [parameter for parameter in action["parameters"] if parameter["name"] == "If-Match"]
        assert (header["in"], header["required"], "412" in action["responses"]) == ("header", False, True)


@pytest.mark.parametrize("media", ["application/merge-patch+json", "application/json; charset=utf-8"])
async def test_a_patch_is_a_merge_patch(client: httpx.AsyncClient, tenant: Tenant, path: str, media: str) -> None:
    headers = {**tenant.headers, "If-Match": "*", "Content-Type": media}
    assert (await client.patch(path, headers=headers, content=b'{"external_ids":{"a":"b"}}')).status_code == 200


async def test_a_merge_patch_cannot_create_a_resource(client: httpx.AsyncClient, tenant: Tenant) -> None:
    headers = {**tenant.headers, "Content-Type": "application/merge-patch+json"}
    problem(await client.post(TICKETS, headers=headers, content=b"{}"), "unsupported-media-type")


@pytest.mark.parametrize(
    "operation",
    [operation for operation in OPERATIONS if operation.method in {"PATCH", "DELETE"}],
    ids=lambda operation: operation.name,
)
def test_every_patch_and_delete_requires_if_match_and_has_a_get(operation: object) -> None:
    assert getattr(operation, "conditional")  # noqa: B009
    path = getattr(operation, "path")  # noqa: B009
    assert "GET" in {operation.method for operation in OPERATIONS if operation.path == path}
