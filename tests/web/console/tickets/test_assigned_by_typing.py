"""An agent who begins a reply in a ticket without an assignee gets the ticket, and can undo that."""

import asyncio
from uuid import UUID

import httpx
import pytest

from clearline.events.event_types import EventType
from clearline.identity import OPERATOR, Role
from clearline.platform.database.transactions import Database
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import usecases as tickets
from clearline.tickets.domain import Status
from clearline.web.once import new_key
from tests.builders.people import NOW
from tests.builders.web.opened import Opened
from tests.builders.web.pages import Page, Person, led_to, person


async def save(opened: Opened, who: Person | None = None, /, **fields: str) -> Page:
    """Save a draft as the page does; return the answer."""
    fields = {"visibility": "public", "text": "We look", "once": new_key(), **fields}
    answer = await (who or opened.agent).post(f"{opened.path}/draft", **fields)
    assert answer.status_code == 200, answer.text
    return Page(answer.text)


async def assignee(opened: Opened) -> UUID | None:
    return (await opened.ticket()).assignee_id


def undo_of(page: Page) -> list[str | None]:
    """Return where the undo forms of an answer are sent."""
    return [form["action"] for form in page.all("form") if "data-assigned" in form]


async def undo(opened: Opened) -> None:
    answer = await opened.agent.post(f"{opened.path}/assignee/undo")
    assert (answer.status_code, answer.headers["location"]) == (303, opened.path)


async def changes(opened: Opened) -> list[tuple[str, object, object]]:
    """Return who changed the assignee, how and to whom."""
    async with opened.database.transaction() as tx:
        events = await tickets.history(tx, OPERATOR, opened.number, limit=50)
    types = {EventType.TICKET_ASSIGNED}
    return [
        (event.actor_name, event.data.get("by"), event.data.get("after")) for event in events if event.type in types
    ]


async def test_the_first_draft_of_a_reply_assigns_the_ticket_as_an_ordinary_assignment(opened: Opened) -> None:
    page = await save(opened)
    assert undo_of(page) == [f"{opened.path}/assignee/undo"]
    assert "Undo" in page.text
    assert await assignee(opened) == opened.agent.user.id
    assert await changes(opened) == [("Ines Duarte", "manual", str(opened.agent.user.id))]
    assert undo_of(await save(opened)) == []


@pytest.mark.parametrize("fields", [{"visibility": "internal"}, {"text": " \n"}, {"text": ""}])
async def test_a_note_and_a_blank_text_assign_nothing(opened: Opened, fields: dict[str, str]) -> None:
    assert undo_of(await save(opened, **fields)) == []
    assert await assignee(opened) is None


async def test_an_assigned_ticket_stays_with_its_assignee(
    opened: Opened, client: httpx.AsyncClient, database: Database
) -> None:
    mara = await person(client, database, Role.AGENT, "Mara Lind")
    async with database.transaction() as tx:
        await ticket_changes.assign(tx, OPERATOR, opened.number, mara.user.id, now=NOW)
    assert undo_of(await save(opened)) == []
    assert await assignee(opened) == mara.user.id


async def test_of_two_who_begin_at_the_same_time_one_gets_the_ticket(
    opened: Opened, client: httpx.AsyncClient, database: Database
) -> None:
    mara = await person(client, database, Role.ADMIN, "Mara Lind")
    async with database.transaction() as tx:
        await ticket_changes.lock_ticket(tx, OPERATOR, opened.number)
        both = [asyncio.create_task(save(opened, who)) for who in (opened.agent, mara)]
        await asyncio.sleep(0)
        while await waiting(database) < 2:
            assert not any(task.done() for task in both)
    pages = await asyncio.gather(*both)
    [winner] = [who for who, page in zip((opened.agent, mara), pages, strict=True) if undo_of(page)]
    assert await assignee(opened) == winner.user.id
    assert len(await changes(opened)) == 1


async def waiting(database: Database) -> int:
    """Return how many statements wait for the lock of a ticket."""
    async with database.statement() as tx:
        count: int = await tx.fetchval(
            """select count(*) from pg_stat_activity
                where datname = current_database() and wait_event_type = 'Lock' and query like '%ticket%'"""
        )
        return count


async def test_undo_gives_the_ticket_back_and_typing_does_not_take_it_again(opened: Opened) -> None:
    once = new_key()
    await save(opened, once=once)
    await undo(opened)
    assert await assignee(opened) is None
    for text in ("We look at it", "", "Another one"):
        assert undo_of(await save(opened, once=once, text=text)) == []
    assert undo_of(await save(opened, text="On the phone")) == []
    assert await assignee(opened) is None


async def test_undo_in_the_open_page_replaces_nothing(opened: Opened) -> None:
    await save(opened)
    headers = {**opened.agent.headers, "HX-Request": "true"}
    answer = await opened.agent.client.post(
        f"{opened.path}/assignee/undo", headers=headers, data={"csrf": opened.agent.token_of_form()}
    )
    assert (answer.status_code, answer.text) == (204, "")
    assert await assignee(opened) is None


async def test_undo_does_not_take_the_ticket_from_somebody_else(
    opened: Opened, client: httpx.AsyncClient, database: Database
) -> None:
    mara = await person(client, database, Role.AGENT, "Mara Lind")
    await save(opened)
    async with database.transaction() as tx:
        await ticket_changes.assign(tx, OPERATOR, opened.number, mara.user.id, now=NOW)
    await undo(opened)
    assert await assignee(opened) == mara.user.id


async def test_a_person_turns_it_off_and_on(opened: Opened) -> None:
    async def is_checked() -> bool:
        page = await opened.agent.page("/console/me")
        [box] = [box for box in page.all("input") if box.get("name") == "by_typing"]
        return "checked" in box

    assert await is_checked()
    answer = await opened.agent.post("/console/me/assignment")
    assert (answer.status_code, led_to(answer)) == (303, "/console/me?done=assignment")
    assert "Saved." in (await opened.agent.page(answer.headers["location"])).text
    assert not await is_checked()
    once = new_key()
    assert undo_of(await save(opened, once=once)) == []
    assert await assignee(opened) is None
    await opened.agent.post("/console/me/assignment", by_typing="on")
    assert await is_checked()
    await save(opened, once=once, text="")
    assert undo_of(await save(opened, once=once))


async def test_a_ticket_that_is_finished_is_not_assigned(opened: Opened, database: Database) -> None:
    async with database.transaction() as tx:
        for status in (Status.RESOLVED, Status.CLOSED):
            await ticket_changes.move_ticket(tx, OPERATOR, opened.number, status, reason="", now=NOW)
    assert undo_of(await save(opened)) == []
    assert await assignee(opened) is None


async def test_a_viewer_has_no_such_setting(client: httpx.AsyncClient, database: Database) -> None:
    viewer = await person(client, database, Role.VIEWER)
    assert not [box for box in (await viewer.page("/console/me")).all("input") if box.get("name") == "by_typing"]
