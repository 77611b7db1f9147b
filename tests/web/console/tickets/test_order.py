"""What an agent does on a ticket comes after the reply that it sent before, and never keeps that from being sent."""

from typing import NamedTuple

import httpx
import pytest

from clearline import clock
from clearline.bulk import worker as workers
from clearline.identity import OPERATOR, Role
from clearline.platform.database.transactions import Database
from clearline.tickets.domain import Status, ticket_number
from clearline.tickets.note_domain import Visibility
from clearline.tickets.status_domain import OPEN
from clearline.web.once import new_key
from clearline.workspace import macro_usecases as macros
from tests.builders.people import NOW, Staff, new_staff, new_tenant
from tests.builders.tickets import raised
from tests.builders.web.messages import send_due
from tests.builders.web.opened import Opened
from tests.builders.web.pages import person, session_of


class Rig(NamedTuple):
    """A ticket in the browser of an agent who also has an API key."""

    opened: Opened
    staff: Staff
    client: httpx.AsyncClient

    async def reply(self, text: str = "We look", **fields: str) -> None:
        form = {"visibility": "public", "once": new_key(), "text": text, **fields}
        assert (await self.opened.agent.post(f"{self.opened.path}/messages", **form)).status_code == 303

    async def texts(self) -> list[str]:
        return [note.text for note in (await self.opened.stored())[1]]

    async def not_sent(self) -> int:
        return (await self.opened.page()).text.count("It was not sent:")

    async def call(self, path: str, body: dict[str, str]) -> httpx.Response:
        """Send a request of the house API with the agent's own key."""
        number = ticket_number(self.opened.number)
        return await self.client.post(f"/api/v1/tickets/{number}/{path}", headers=self.staff.headers, json=body)


@pytest.fixture
async def rig(client: httpx.AsyncClient, database: Database) -> Rig:
    staff, tenant = await new_staff(database, Role.AGENT, "Ines Duarte"), await new_tenant(database)
    async with database.transaction() as tx:
        number = await raised(tx, tenant, "Port is slow", status=Status.IN_PROGRESS)
    return Rig(Opened(await session_of(client, database, staff.user), database, tenant, number), staff, client)


@pytest.mark.parametrize("then", ["", "pending"])
@pytest.mark.parametrize("way", ["form", "bulk form", "merge", "API", "API merge", "bulk job"])
async def test_an_own_reply_goes_before_the_closing_of_its_ticket(rig: Rig, way: str, then: str) -> None:
    opened, agent, number = rig.opened, rig.opened.agent, ticket_number(rig.opened.number)
    await rig.reply(then=then)
    async with opened.database.transaction() as tx:
        other = ticket_number(await raised(tx, opened.tenant, "The cause"))
    if way == "form":
        await agent.post(f"{opened.path}/status", status="cancelled")
    elif way == "bulk form":
        await agent.post("/console/bulk?list=open", ticket=number, status="cancelled")
    elif way == "merge":
        await agent.post(f"{opened.path}/merge", into=other, once=new_key())
    elif way == "API":
        assert (await rig.call("status", {"status": "cancelled"})).status_code == 200
    elif way == "API merge":
        assert (await rig.call("merge", {"into": other})).status_code == 200
    else:
        body = {"tickets": [number], "action": {"type": "status", "to": "cancelled"}}
        created = await rig.client.post("/api/v1/bulk", headers=rig.staff.headers, json=body)
        assert created.status_code == 202, created.text
        while not (await rig.client.get(created.headers["location"], headers=rig.staff.headers)).json()["finished_at"]:
            await workers.worker(opened.database, clock.now).run()
    ticket, notes = await opened.stored()
    assert [note.text for note in notes if note.source != "system"] == [notes[0].text] == ["We look"]
    assert ticket.status not in OPEN
    await send_due(opened.database)
    assert (len((await opened.stored())[1]), await rig.not_sent()) == (len(notes), 0)


async def test_the_closing_by_somebody_else_keeps_the_reply_with_the_reason(
    rig: Rig, client: httpx.AsyncClient, database: Database
) -> None:
    await rig.reply()
    colleague = await person(client, database, name="Mara Lind")
    await colleague.post(f"{rig.opened.path}/status", status="cancelled")
    await send_due(database)
    assert (await rig.texts(), await rig.not_sent()) == ([], 1)


@pytest.mark.parametrize("visibility", Visibility)
async def test_a_note_by_the_api_comes_after_the_own_reply(rig: Rig, visibility: Visibility) -> None:
    await rig.reply()
    answer = await rig.call("notes", {"text": "By a program", "visibility": visibility})
    assert answer.status_code == 201, answer.text
    assert await rig.texts() == ["We look", "By a program"]
    await send_due(rig.opened.database)
    assert (await rig.texts(), await rig.not_sent()) == (["We look", "By a program"], 0)


async def test_a_note_by_the_api_that_is_refused_leaves_the_reply_waiting(rig: Rig) -> None:
    await rig.reply()
    assert (await rig.call("notes", {"text": " "})).status_code == 422
    assert await rig.texts() == []


async def test_an_etag_that_was_read_while_a_reply_waits_counts(rig: Rig) -> None:
    await rig.reply()
    path = f"/api/v1/tickets/{ticket_number(rig.opened.number)}"
    etag = (await rig.client.get(path, headers=rig.staff.headers)).headers["etag"]
    headers = {**rig.staff.headers, "If-Match": etag}
    answer = await rig.client.post(f"{path}/status", headers=headers, json={"status": "cancelled"})
    assert (answer.status_code, await rig.texts()) == (200, ["We look"])


async def test_an_internal_note_waits_behind_the_own_reply_and_else_for_nothing(
    rig: Rig, client: httpx.AsyncClient, database: Database
) -> None:
    await rig.reply()
    await rig.reply("For us", visibility="internal")
    colleague = Opened(await person(client, database, name="Mara Lind"), database, rig.opened.tenant, rig.opened.number)
    await colleague.agent.post(f"{colleague.path}/messages", text="At once", visibility="internal", once=new_key())
    assert await rig.texts() == ["At once"]
    page = await rig.opened.page()
    assert page.text.index("We look") < page.text.index("For us")
    assert "Note is added in" in (await rig.opened.agent.get(rig.opened.path)).text
    await send_due(database)
    assert await rig.texts() == ["At once", "We look", "For us"]


@pytest.mark.parametrize(
    ("values", "waits"),
    [
        ({"text": "Hello"}, True),
        ({"text": "Hello", "priority": "high"}, True),
        ({"text": "For us", "visibility": Visibility.INTERNAL}, False),
        ({"text": "For us", "visibility": Visibility.INTERNAL, "status": Status.PENDING}, True),
        ({"status": Status.PENDING}, True),
        ({"priority": "high", "add_tags": ("optics",)}, False),
    ],
)
async def test_a_macro_waits_when_customers_get_or_see_something_of_it(
    rig: Rig,
    values: dict[str, object],
    waits: bool,  # noqa: FBT001
) -> None:
    opened = rig.opened
    async with opened.database.transaction() as tx:
        macro = await macros.add_macro(tx, OPERATOR, {"name": new_key(), **values}, now=NOW)
    before = await opened.stored()
    assert (await opened.agent.post(f"{opened.path}/macros/{macro.id}", once=new_key())).status_code == 303
    page = await opened.page()
    assert (await opened.stored() == before, f"by the macro {macro.name}" in page.text) == (waits, waits)
    await send_due(opened.database)
    assert await opened.stored() != before
    assert "by the macro" not in (await opened.page()).text


async def test_a_macro_for_the_house_waits_behind_the_own_reply(rig: Rig) -> None:
    opened = rig.opened
    async with opened.database.transaction() as tx:
        values = {"name": new_key(), "text": "For us", "visibility": Visibility.INTERNAL}
        macro = await macros.add_macro(tx, OPERATOR, values, now=NOW)
    await rig.reply()
    await opened.agent.post(f"{opened.path}/macros/{macro.id}", once=new_key())
    assert await rig.texts() == []
    await send_due(opened.database)
    assert await rig.texts() == ["We look", "For us"]


async def test_the_undo_of_a_macro_gives_its_text_back(rig: Rig) -> None:
    opened = rig.opened
    async with opened.database.transaction() as tx:
        values = {"name": new_key(), "text": "Hello", "status": Status.PENDING, "priority": "high"}
        macro = await macros.add_macro(tx, OPERATOR, values, now=NOW)
    await opened.agent.post(f"{opened.path}/macros/{macro.id}", once=new_key())
    before = await opened.stored()
    actions = [form.get("action") or "" for form in (await opened.page()).all("form")]
    [undo] = [action for action in actions if action.endswith("/undo")]
    answer = await opened.agent.post(undo, once=new_key())
    assert ">\nHello</textarea>" in (await opened.agent.get(answer.headers["location"])).text
    await send_due(opened.database)
    assert await opened.stored() == before
