"""The sections of teams and of queues."""

from uuid import UUID, uuid4

import httpx
import pytest

from clearline.clock import now
from clearline.identity import OPERATOR, Role
from clearline.platform.database.transactions import Database
from clearline.queues import team_usecases as teams
from clearline.queues import usecases as queues
from clearline.tickets import change_usecases as ticket_changes
from tests.builders.people import new_staff, new_tenant
from tests.builders.tickets import raised
from tests.builders.web.pages import Page, Person, person

TEAMS, QUEUES = "/console/admin/teams", "/console/admin/queues"


@pytest.fixture(scope="module")
async def admin(client: httpx.AsyncClient, database: Database) -> Person:
    return await person(client, database, Role.ADMIN, "Ada Admin")


def version(page: Page) -> str:
    return next(field["value"] or "" for field in page.all("input") if field.get("name") == "version")


async def post_members(admin: Person, path: str, *members: UUID, **fields: str) -> httpx.Response:
    data = {"csrf": admin.token_of_form(), "members": [str(member) for member in members], **fields}
    return await admin.client.post(path, headers=admin.headers, data=data)


async def test_the_members_of_a_team_are_set(database: Database, admin: Person) -> None:
    one, other, viewer = [(await new_staff(database, role)).user for role in (Role.AGENT, Role.AGENT, Role.VIEWER)]
    name = f"Team {uuid4().hex}"
    created = await post_members(admin, TEAMS, one.id, name=name, once=uuid4().hex)
    assert created.status_code == 303, created.text
    path = created.headers["location"].partition("?")[0]
    page = await admin.page(path)
    checked = [box["value"] for box in page.all("input") if box.get("name") == "members" and "checked" in box]
    assert checked == [str(one.id)]
    assert str(viewer.id) not in [box.get("value") for box in page.all("input")]
    assert (await post_members(admin, path, other.id, name=name, version=version(page))).status_code == 303
    async with database.statement() as tx:
        details = await teams.get_team(tx, OPERATOR, UUID(path.rsplit("/", 1)[1]))
    assert [member.id for member in details.members] == [other.id]
    for wrong in (viewer.id, uuid4()):
        refused = await post_members(admin, path, wrong, name=name, version=version(await admin.page(path)))
        assert refused.status_code in {404, 422}, refused.text
    stale = await post_members(admin, path, one.id, name=name, version=version(page))
    assert (stale.status_code, f"Now stored: {other.name}" in Page(stale.text).text) == (409, True)


async def test_what_is_used_is_not_deleted(database: Database, admin: Person) -> None:
    tenant = await new_tenant(database)
    async with database.transaction() as tx:
        team = (await teams.add_team(tx, OPERATOR, f"Team {uuid4().hex}", now=now())).team
        queue = (await queues.add_queue(tx, OPERATOR, name=f"Q {uuid4().hex}", team_id=team.id, now=now())).queue
        number = await raised(tx, tenant, "A slow port")
        await ticket_changes.change_ticket(tx, OPERATOR, number, {"queue_id": queue.id}, now=now())
    for path, why in (
        (f"{TEAMS}/{team.id}", f"it works {queue.name}"),
        (f"{QUEUES}/{queue.id}", "it has 1 open ticket"),
    ):
        refused = await admin.post(f"{path}/delete")
        assert refused.status_code == 409
        assert why in Page(refused.text).text
        assert (await admin.get(path)).status_code == 200


async def test_a_queue_that_assigns_automatically_needs_a_team(database: Database, admin: Person) -> None:
    form = {"name": f"Q {uuid4().hex}", "description": "Fibres", "assignment": "round_robin", "once": uuid4().hex}
    refused = await admin.post(QUEUES, **form, team_id="")
    assert refused.status_code == 422
    page = Page(refused.text)
    assert "Must be given for a queue that assigns by itself." in page.text
    assert "Fibres" in page.text
    async with database.transaction() as tx:
        team = (await teams.add_team(tx, OPERATOR, f"Team {uuid4().hex}", now=now())).team
    created = await admin.post(QUEUES, **form, team_id=str(team.id))
    page = await admin.page(created.headers["location"])
    assert {"value": str(team.id), "selected": None} in page.all("option")
    assert {"value": "round_robin", "selected": None} in page.all("option")
    assert f"{team.name} · 0 open, 0 unassigned" in page.text
    for name, wrong in (("team_id", "x"), ("team_id", str(uuid4())), ("assignment", "never")):
        values = {**form, "team_id": "", "name": uuid4().hex, "once": uuid4().hex, name: wrong}
        assert (await admin.post(QUEUES, **values)).status_code == 422
