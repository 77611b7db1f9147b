"""What is asked before many tickets get a status."""

import httpx
import pytest

from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Database
from clearline.tickets import usecases as tickets
from clearline.tickets.domain import Closure, Status, Ticket, ticket_number
from tests.builders.people import Tenant
from tests.builders.tickets import raised
from tests.builders.web.pages import Page, Person, person

TEXT = "The carrier splices"


@pytest.fixture
async def agent(client: httpx.AsyncClient, database: Database) -> Person:
    return await person(client, database)


@pytest.fixture
async def numbers(database: Database, tenant: Tenant) -> list[int]:
    async with database.transaction() as tx:
        return [await raised(tx, tenant, status=status) for status in (Status.IN_PROGRESS, Status.PENDING)]


async def send(agent: Person, numbers: list[int], expected: int = 200, /, **fields: str) -> Page:
    data = {"csrf": agent.token_of_form(), "once": "a key", "ticket": [*map(ticket_number, numbers)], **fields}
    answer = await agent.client.post("/console/bulk?list=open&sort=number", headers=agent.headers, data=data)
    assert answer.status_code == expected, answer.text
    return Page(answer.text)


async def read(database: Database, number: int) -> Ticket:
    async with database.transaction() as tx:
        return (await tickets.get_ticket(tx, OPERATOR, number)).ticket


def carried(page: Page) -> list[str]:
    """Return the tickets that the form with the question goes on with."""
    return [
        field["value"] or ""
        for field in page.all("input")
        if (field.get("name"), field.get("type")) == ("ticket", "hidden")
    ]


async def test_tickets_are_put_on_hold_with_a_reason(agent: Person, database: Database, numbers: list[int]) -> None:
    before = [await read(database, number) for number in numbers]
    page = await send(agent, numbers, status="held", asks="1")
    assert "On hold: 2 tickets Why does it wait?" in page.text
    assert carried(page) == [*map(ticket_number, numbers)]
    assert [await read(database, number) for number in numbers] == before
    page = await send(agent, numbers, status="held", answered="1", waiting_reason="third_party", waiting_text=TEXT)
    assert "2 tickets changed." in page.text
    for number in numbers:
        ticket = await read(database, number)
        assert ticket.waiting is not None
        assert (ticket.status, ticket.waiting.reason, ticket.waiting.text) == (Status.HELD, "third_party", TEXT)


async def test_without_a_reason_nothing_changes_and_the_text_stays(
    agent: Person, database: Database, numbers: list[int]
) -> None:
    before = [await read(database, number) for number in numbers]
    page = await send(agent, numbers, 422, status="held", answered="1", waiting_text=TEXT)
    assert "Must be chosen." in page.text
    assert TEXT in page.text
    assert carried(page) == [*map(ticket_number, numbers)]
    assert [await read(database, number) for number in numbers] == before


async def test_a_dry_run_says_what_goes_with_the_status(agent: Person, database: Database, numbers: list[int]) -> None:
    before = [await read(database, number) for number in numbers]
    page = await send(agent, numbers, status="resolved", asks="1", dry="1")
    assert "Resolved: 2 tickets" in page.text
    given = {"closure_cause": "power", "closure_resolution": "It is on again."}
    page = await send(agent, numbers, status="resolved", answered="1", dry="1", **given)
    assert "Dry run 2 of 2 tickets would change." in page.text
    assert "Status Resolved Cause Power Resolution for the customer It is on again." in page.text
    assert [await read(database, number) for number in numbers] == before
    hidden = {field["name"] or "": field["value"] or "" for field in page.all("input") if field.get("name") in given}
    assert hidden == given
    page = await send(agent, numbers, status="resolved", sure="1", **given)
    assert "2 tickets changed." in page.text
    assert (await read(database, numbers[0])).closure == Closure("power", resolution="It is on again.")


async def test_other_statuses_are_set_at_once(agent: Person, database: Database, numbers: list[int]) -> None:
    page = await send(agent, numbers[1:], status="in_progress", asks="1")
    assert "1 ticket changed." in page.text
    assert (await read(database, numbers[1])).status is Status.IN_PROGRESS
