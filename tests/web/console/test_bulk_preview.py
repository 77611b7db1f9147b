"""Tags and macros for the tickets that are selected in a list, and what an action would do before it does."""

import re

import httpx
import pytest

from clearline.catalogue.assessment import Priority
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Database
from clearline.queues import usecases as queues
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import usecases as tickets
from clearline.tickets.domain import Status, Ticket, ticket_number
from clearline.tickets.note_domain import Note
from clearline.web.console.lists.bulk_preview import FIELDS
from clearline.workspace import macro_usecases as macros
from clearline.workspace.domain import Macro, MacroReminder
from tests.builders.people import NOW, Tenant
from tests.builders.tickets import raised
from tests.builders.web.pages import Page, Person, person


@pytest.fixture
async def agent(client: httpx.AsyncClient, database: Database) -> Person:
    return await person(client, database)


async def some(database: Database, tenant: Tenant, *statuses: Status) -> list[int]:
    async with database.transaction() as tx:
        return [await raised(tx, tenant, status=status) for status in statuses]


async def read(database: Database, number: int) -> tuple[Ticket, list[Note]]:
    async with database.transaction() as tx:
        found = await tickets.get_ticket_with_notes(tx, OPERATOR, number)
    return found.ticket, list(found.notes)


async def new_macro(database: Database, name: str, **values: object) -> Macro:
    async with database.transaction() as tx:
        return await macros.add_macro(tx, OPERATOR, {"name": name, **values}, now=NOW)


async def send(agent: Person, numbers: list[int], expected: int = 200, /, **fields: str) -> Page:
    data = {"csrf": agent.token_of_form(), "once": "a key", "ticket": [*map(ticket_number, numbers)], **fields}
    answer = await agent.client.post("/console/bulk?list=open", headers=agent.headers, data=data)
    assert answer.status_code == expected, answer.text
    return Page(answer.text)


async def confirm(agent: Person, page: Page) -> Page:
    """Send the form that a preview has."""
    hidden = [field for field in page.all("input") if field.get("type") == "hidden"]
    sent = {field["name"] or "": field["value"] or "" for field in hidden if field.get("name") in {"sure", *FIELDS}}
    numbers = [field["value"] or "" for field in hidden if field.get("name") == "ticket"]
    data = {"csrf": agent.token_of_form(), "once": "another key", **sent, "ticket": numbers}
    answer = await agent.client.post("/console/bulk?list=open", headers=agent.headers, data=data)
    assert answer.status_code == 200, answer.text
    return Page(answer.text)


async def take_back(agent: Person, page: Page) -> Page:
    change = next(field["value"] or "" for field in page.all("input") if field.get("name") == "change")
    answer = await agent.post("/console/bulk/undo?list=open", change=change)
    assert answer.status_code == 200, answer.text
    return Page(answer.text)


async def test_tags_are_added_and_removed_and_that_is_undone(agent: Person, database: Database, tenant: Tenant) -> None:
    numbers = await some(database, tenant, Status.IN_PROGRESS, Status.HELD)
    async with database.transaction() as tx:
        await ticket_changes.change_ticket(tx, OPERATOR, numbers[0], {"tags": ("lacp", "north")}, now=NOW)
    page = await send(agent, numbers, tags="1", add_tags="Optics, north", remove_tags="lacp")
    assert "2 tickets changed." in page.text
    assert [(await read(database, number))[0].tags for number in numbers] == [("north", "optics")] * 2
    await take_back(agent, page)
    assert [(await read(database, number))[0].tags for number in numbers] == [("lacp", "north"), ()]


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({}, "The change must add or remove a tag."),
        ({"add_tags": "-x"}, "The tags to add must each be 1 to 50 letters, digits and"),
        ({"remove_tags": "x" * 51}, "The tags to remove must each be"),
    ],
)
async def test_wrong_tags_change_nothing_and_the_selection_stays(
    agent: Person, database: Database, tenant: Tenant, fields: dict[str, str], problem: str
) -> None:
    numbers = await some(database, tenant, Status.IN_PROGRESS)
    page = await send(agent, numbers, 422, tags="1", **fields)
    assert problem in page.text
    checked = [box["value"] for box in page.all("input") if box.get("name") == "ticket" and "checked" in box]
    assert checked == [ticket_number(number) for number in numbers]


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({"status": "resolved"}, "Status Resolved"),
        ({"priority": "critical"}, "Priority Critical"),
        ({"queue": ""}, "Queue No queue"),
        ({"assignee": "me"}, "Assignee Ben Ito"),
        ({"assignee": ""}, "Assignee Nobody"),
        ({"tags": "1", "add_tags": "optics", "remove_tags": "lacp"}, "Adds tags optics Removes tags lacp"),
    ],
)
async def test_a_dry_run_changes_nothing_and_says_what_would_be_done(
    agent: Person, database: Database, tenant: Tenant, fields: dict[str, str], shown: str
) -> None:
    numbers = await some(database, tenant, Status.IN_PROGRESS, Status.CLOSED)
    if fields.get("assignee"):
        fields = {"assignee": str(agent.user.id)}
    async with database.transaction() as tx:
        queue = (await queues.add_queue(tx, OPERATOR, name=f"Dry {numbers[0]}", now=NOW)).queue
        values = {"queue_id": queue.id, "assignee_id": agent.user.id if fields.get("assignee") == "" else None}
        await ticket_changes.change_ticket(tx, OPERATOR, numbers[0], values, now=NOW)
    before = [await read(database, number) for number in numbers]
    page = await send(agent, numbers, dry="1", **fields)
    assert "Dry run 1 of 2 tickets would change." in page.text
    assert f"{ticket_number(numbers[1])}: A ticket that is" in page.text
    assert shown in page.text
    assert "Change 1 ticket" in page.text
    assert [await read(database, number) for number in numbers] == before
    done = await confirm(agent, page)
    assert "1 ticket changed." in done.text
    assert (await read(database, numbers[0]))[0] != before[0][0]


async def test_a_dry_run_that_would_change_nothing_has_nothing_to_confirm(
    agent: Person, database: Database, tenant: Tenant
) -> None:
    numbers = await some(database, tenant, Status.IN_PROGRESS, Status.IN_PROGRESS)
    page = await send(agent, numbers, dry="1", assignee="")
    assert "0 of 2 tickets would change. 2 are so already." in page.text
    assert "Back to the list" in page.text
    assert not re.search(r"Change \d ticket", page.text)


async def test_a_macro_is_previewed_sent_once_and_undone_except_for_its_message(
    agent: Person, database: Database, tenant: Tenant
) -> None:
    numbers = await some(database, tenant, Status.IN_PROGRESS, Status.HELD, Status.CLOSED)
    macro = await new_macro(
        database, f"Maintenance {numbers[0]}", text="{{ticket.number}}: the work begins at 22:00 UTC.",
        priority=Priority.LOW, status=Status.PENDING, add_tags=("maintenance",), reminder=MacroReminder("2d"),
    )  # fmt: skip
    page = await send(agent, numbers, macro=str(macro.id))
    text = f"{ticket_number(numbers[0])}: the work begins at 22:00 UTC."
    for words in (
        f"Macro: {macro.name}", "2 of 3 tickets would change.", text, "It cannot be taken back", "Status Waiting",
        "Priority Low", "Adds tags maintenance", "Reminder ", "Send, and change 2 tickets",
    ):  # fmt: skip
        assert words in page.text
    assert [(await read(database, number))[1] for number in numbers] == [[], [], []]
    done = await confirm(agent, page)
    assert "2 tickets changed. Undo does not take back the messages that were added." in done.text
    await confirm(agent, page)
    for number in numbers[:2]:
        ticket, notes = await read(database, number)
        assert (ticket.status, ticket.priority, ticket.tags) == (Status.PENDING, Priority.LOW, ("maintenance",))
        assert ticket.reminder is not None
        assert [note.text for note in notes] == [f"{ticket_number(number)}: the work begins at 22:00 UTC."]
    undone = await take_back(agent, done)
    assert "2 tickets are as they were before." in undone.text
    assert "The messages that were added stay." in undone.text
    ticket, notes = await read(database, numbers[0])
    assert (ticket.status, ticket.priority, ticket.tags) == (Status.IN_PROGRESS, Priority.MEDIUM, ())
    assert ticket.reminder is None
    assert (len(notes), (await read(database, numbers[1]))[0].status) == (1, Status.HELD)


async def test_a_macro_that_only_writes_cannot_be_undone(agent: Person, database: Database, tenant: Tenant) -> None:
    numbers = await some(database, tenant, Status.IN_PROGRESS)
    macro = await new_macro(database, f"Note {numbers[0]}", text="Seen.", visibility="internal")
    page = await send(agent, numbers, macro=str(macro.id))
    assert "Adds this internal note" in page.text
    assert "Change 1 ticket" in page.text
    done = await confirm(agent, page)
    assert "This cannot be undone for 1 ticket: it only got a message." in done.text
    assert "z" not in [button.get("data-key") for button in done.all("button")]


async def test_a_macro_that_is_gone_is_not_found(agent: Person, database: Database, tenant: Tenant) -> None:
    numbers = await some(database, tenant, Status.IN_PROGRESS)
    for macro in ("5f0c9a56-2c1e-4d59-9d0e-0f5a3c1b7e42", "no id"):
        await send(agent, numbers, 404, macro=macro)
