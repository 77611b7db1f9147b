"""Undo what was done to many tickets."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from clearline.bulk import undo_usecases as undo
from clearline.catalogue.assessment import Priority
from clearline.clock import now
from clearline.identity import OPERATOR, Role
from clearline.platform.database.transactions import Database
from clearline.queues import usecases as queues
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import note_usecases as notes
from clearline.tickets import usecases as tickets
from clearline.tickets.domain import Channel, Status, Ticket, ticket_number
from tests.builders.people import NOW, Tenant
from tests.builders.tickets import raised
from tests.builders.web.pages import Page, Person, person


@pytest.fixture
async def agent(client: httpx.AsyncClient, database: Database) -> Person:
    return await person(client, database)


async def some(database: Database, tenant: Tenant, *statuses: Status) -> list[int]:
    async with database.transaction() as tx:
        return [await raised(tx, tenant, status=status) for status in statuses]


async def read(database: Database, number: int) -> Ticket:
    async with database.transaction() as tx:
        return (await tickets.get_ticket(tx, OPERATOR, number)).ticket


async def change(agent: Person, numbers: list[int], once: str = "a key", **fields: str) -> Page:
    data = {"csrf": agent.token_of_form(), "once": once, "ticket": [*map(ticket_number, numbers)], **fields}
    answer = await agent.client.post("/console/bulk?list=open&sort=number", headers=agent.headers, data=data)
    assert answer.status_code == 200, answer.text
    return Page(answer.text)


def offered(page: Page) -> str | None:
    """Return the id of the change that a page offers to undo."""
    keys = [button.get("data-key") for button in page.all("button")]
    change_id = next((field["value"] for field in page.all("input") if field.get("name") == "change"), None)
    return change_id if "z" in keys else None


async def take_back(agent: Person, page: Page) -> Page:
    answer = await agent.post("/console/bulk/undo?list=open&sort=number", change=offered(page) or "")
    assert answer.status_code == 200, answer.text
    assert answer.headers["hx-push-url"] == "/console/open?sort=number"
    return Page(answer.text)


async def test_each_action_is_undone_for_each_ticket(agent: Person, database: Database, tenant: Tenant) -> None:
    numbers = await some(database, tenant, Status.IN_PROGRESS, Status.HELD)
    async with database.transaction() as tx:
        first, second = [
            (await queues.add_queue(tx, OPERATOR, name=f"{name} {numbers[0]}", now=NOW)).queue for name in ("A", "B")
        ]
        values = {"priority": Priority.LOW, "queue_id": first.id, "assignee_id": agent.user.id}
        await ticket_changes.change_ticket(tx, OPERATOR, numbers[0], values, now=NOW)
    before = [await read(database, number) for number in numbers]
    for fields in (
        {"priority": "critical"}, {"queue": str(second.id)}, {"queue": ""}, {"assignee": ""}, {"status": "pending"},
    ):  # fmt: skip
        page = await change(agent, numbers, **fields)
        undone = await take_back(agent, page)
        assert "tickets are as they were before." in undone.text or "ticket is as it was before." in undone.text
        for ticket in before:
            after = await read(database, ticket.number)
            for name in ("priority", "queue_id", "assignee_id", "status"):
                assert getattr(after, name) == getattr(ticket, name), fields
        assert offered(undone) is None


async def test_undo_is_offered_where_the_change_was_made_and_on_every_list(
    client: httpx.AsyncClient, agent: Person, database: Database, tenant: Tenant
) -> None:
    numbers = await some(database, tenant, Status.IN_PROGRESS, Status.IN_PROGRESS)
    assert offered(await agent.page("/console/mine")) is None
    page = await change(agent, numbers, priority="critical")
    assert "2 tickets changed. Undo Z" in page.text
    [button] = [button for button in page.all("button") if button.get("data-key") == "z"]
    assert (button["data-label"], button["form"]) == ("Undo the change of 2 tickets", "undo")
    for path in ("/console/mine", "/console/open"):
        assert offered(await agent.page(path)) == offered(page)
    other = await person(client, database)
    viewer = await person(client, database, Role.VIEWER)
    for who in (other, viewer):
        assert offered(await who.page("/console/mine")) is None
    stolen = await other.post("/console/bulk/undo?list=open", change=offered(page) or "")
    assert stolen.status_code == 404
    assert (await read(database, numbers[0])).priority is Priority.CRITICAL
    await take_back(agent, page)
    assert offered(await agent.page("/console/open")) is None


async def test_a_ticket_that_somebody_changed_since_is_left_alone(
    agent: Person, database: Database, tenant: Tenant
) -> None:
    numbers = await some(database, tenant, *[Status.IN_PROGRESS] * 4)
    untouched, changed, answered, finished = numbers
    page = await change(agent, numbers, priority="critical")
    async with database.transaction() as tx:
        await ticket_changes.change_ticket(tx, OPERATOR, changed, {"priority": Priority.HIGH}, now=NOW)
        await notes.add_note(tx, tenant.actor, answered, "Still down", channel=Channel.API, now=NOW)
        for status in (Status.RESOLVED, Status.CLOSED):
            await ticket_changes.move_ticket(tx, OPERATOR, finished, status, reason="", now=NOW)
    undone = await take_back(agent, page)
    assert "1 ticket is as it was before." in undone.text
    for number in (changed, answered, finished):
        assert f"{ticket_number(number)}: It was changed since, and stays as it is." in undone.text
    assert ticket_number(untouched) + ":" not in undone.text
    priorities = [(await read(database, number)).priority for number in numbers]
    assert priorities == [Priority.MEDIUM, Priority.HIGH, Priority.CRITICAL, Priority.CRITICAL]
    assert offered(await agent.page("/console/open")) is None


async def test_a_status_without_a_way_back_is_said_and_not_offered(
    agent: Person, database: Database, tenant: Tenant
) -> None:
    new, running, held = await some(database, tenant, Status.ACKNOWLEDGED, Status.IN_PROGRESS, Status.HELD)
    page = await change(agent, [new, running, held], status="pending")
    assert "3 tickets changed." in page.text
    assert "This cannot be undone for 1 ticket: its status has no way back." in page.text
    undone = await take_back(agent, page)
    assert "2 tickets are as they were before." in undone.text
    assert "Mail that customers got about the status is not called back." in undone.text
    assert f"{ticket_number(new)}: Its status has no way back, and stays as it is." in undone.text
    statuses = [(await read(database, number)).status for number in (new, running, held)]
    assert statuses == [Status.PENDING, Status.IN_PROGRESS, Status.HELD]
    closing = await change(agent, [running], status="resolved")
    assert "This cannot be undone for 1 ticket: its status has no way back." in closing.text
    assert offered(closing) is None


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.ACKNOWLEDGED])
async def test_every_status_is_undone_or_said_to_stay(
    agent: Person, database: Database, tenant: Tenant, status: Status
) -> None:
    every = await some(database, tenant, *[before for before in Status if before is not Status.CANCELLATION_REQUESTED])
    before = {number: (await read(database, number)).status for number in every}
    page = await change(agent, every, status=status)
    if offered(page) is None:
        return
    undone = await take_back(agent, page)
    for number in every:
        after = (await read(database, number)).status
        stays = f"{ticket_number(number)}: Its status has no way back, and stays as it is." in undone.text
        assert after is (status if stays else before[number])


async def test_a_form_that_is_sent_twice_is_undone_as_one_change(
    agent: Person, database: Database, tenant: Tenant
) -> None:
    numbers = await some(database, tenant, Status.IN_PROGRESS, Status.IN_PROGRESS)
    await change(agent, numbers[:1], "the same", priority="critical")
    page = await change(agent, numbers, "the same", priority="critical")
    assert "2 tickets changed." in page.text
    first, second = await take_back(agent, page), await take_back(agent, page)
    for undone in (first, second):
        assert "2 tickets are as they were before." in undone.text
    again = await change(agent, numbers, "the same", priority="critical")
    assert "2 tickets changed." in again.text
    other = await change(agent, numbers, "the same", priority="high")
    assert offered(other) not in {None, offered(again)}
    await take_back(agent, other)
    assert [(await read(database, number)).priority for number in numbers] == [Priority.CRITICAL] * 2


async def test_nothing_is_undone_after_ten_minutes(agent: Person, database: Database, tenant: Tenant) -> None:
    [number] = await some(database, tenant, Status.IN_PROGRESS)
    page = await change(agent, [number], priority="critical")
    for minutes, is_offered in ((9, True), (10, False)):
        at = now() - timedelta(minutes=minutes)
        async with database.transaction() as tx:
            await tx.write("update bulk_change set changed_at = $1 where user_id = $2", at, agent.user.id)
        assert (offered(await agent.page("/console/open")) is not None) is is_offered
    undone = await take_back(agent, page)
    assert f"{ticket_number(number)}: A change can be undone for 10 minutes." in undone.text
    assert (await read(database, number)).priority is Priority.CRITICAL
    async with database.transaction() as tx:
        assert await undo.purge(tx, before=now() - timedelta(minutes=5)) >= 1
        assert await undo.purge(tx, before=now() - timedelta(minutes=5)) == 0
    again = await agent.post("/console/bulk/undo?list=open", change=offered(page) or "")
    assert again.status_code == 404


async def test_what_undoing_would_break_is_refused_for_that_ticket(
    client: httpx.AsyncClient, agent: Person, database: Database, tenant: Tenant
) -> None:
    gone = await person(client, database)
    numbers = await some(database, tenant, Status.IN_PROGRESS, Status.IN_PROGRESS)
    async with database.transaction() as tx:
        await ticket_changes.assign(tx, OPERATOR, numbers[0], gone.user.id, now=NOW)
        await ticket_changes.assign(tx, OPERATOR, numbers[1], agent.user.id, now=NOW)
    page = await change(agent, numbers, assignee="")
    async with database.transaction() as tx:
        await tx.write("update app_user set is_active = false where id = $1", gone.user.id)
    first, second = await take_back(agent, page), await take_back(agent, page)
    for undone in (first, second):
        assert "1 ticket is as it was before." in undone.text
        assert f"{ticket_number(numbers[0])}: Assignee_id must be the id of an active agent." in undone.text
    assert [(await read(database, number)).assignee_id for number in numbers] == [None, agent.user.id]


@pytest.mark.parametrize("fields", [{}, {"change": "nothing"}, {"change": "5f0c9a56-2c1e-4d59-9d0e-0f5a3c1b7e42"}])
async def test_what_nobody_changed_is_not_undone(agent: Person, fields: dict[str, Any]) -> None:
    assert (await agent.post("/console/bulk/undo?list=open", **fields)).status_code == 404
