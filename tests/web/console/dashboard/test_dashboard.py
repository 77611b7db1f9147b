"""The dashboard: its numbers, the lists that they lead to, its charts and their tables."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from clearline.catalogue.assessment import Priority
from clearline.feedback import usecases as feedback
from clearline.feedback.domain import Rating, ballot_of
from clearline.identity import OPERATOR, Role
from clearline.notifications import preference_usecases as preferences
from clearline.platform.database.transactions import Database
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets.domain import Status, ticket_number
from clearline.web.console.dashboard.charts import Column, axis, charts
from tests.builders.people import NOW, new_tenant
from tests.builders.tickets import raised
from tests.builders.web.pages import Person, person

PATH = "/console/dashboard"


@pytest.fixture(scope="module")
async def agent(client: httpx.AsyncClient, database: Database) -> Person:
    return await person(client, database)


async def test_an_empty_desk_has_an_empty_dashboard(agent: Person) -> None:
    page = await agent.page(PATH)
    assert "0 of 0 open tickets are older than 30 days." in page.text
    assert "0 tickets were created and 0 closed" in page.text
    assert len(page.all("svg")) > 4


async def test_the_dashboard_counts_and_leads_to_lists(
    client: httpx.AsyncClient, agent: Person, database: Database
) -> None:
    tenant = await new_tenant(database)
    now = datetime.now(UTC)
    async with database.transaction() as tx:
        statuses = (Status.PENDING, Status.PENDING, Status.CLOSED, Status.ACKNOWLEDGED, Status.IN_PROGRESS)
        numbers = [await raised(tx, tenant, status=status) for status in statuses]
        await ticket_changes.change_ticket(tx, OPERATOR, numbers[4], {"priority": Priority.CRITICAL}, now=NOW)
        await ticket_changes.assign(tx, OPERATOR, numbers[4], agent.user.id, now=NOW)
        await tx.write("update ticket set created_at = $1, status_changed_at = $1", now)
        await tx.write("update ticket set created_at = $2 where number = $1", numbers[3], now - timedelta(days=42))
    page = await agent.page(PATH)
    assert "Open 4 Unassigned 3 Critical 1 Waiting on customer 2 Oldest open ticket 42d" in page.text
    assert "4 tickets were created and 1 closed" in page.text
    assert "1 of 4 open tickets are older than 30 days." in page.text
    assert page.links("/console/tickets/INC") == [f"/console/tickets/{ticket_number(numbers[3])}"]
    for path in ("/console/open?q=priority%3Acritical", "/console/open?q=status%3Apending"):
        assert path in page.links(path)
    assert "0-1 d 1 0 2 0 3" in page.text
    assert any("4 created, 1 closed" in text for text in page.texts)
    viewer = await person(client, database, Role.VIEWER)
    assert "Waiting on customer 2" in (await viewer.page(PATH)).text


async def test_days_are_those_of_the_zone_of_the_person(agent: Person, database: Database) -> None:
    assert "Days in UTC" in (await agent.page(PATH)).text
    async with database.transaction() as tx:
        values = {"time_zone": "Pacific/Auckland"}
        await preferences.change_preferences(tx, OPERATOR, "PROVIDER", agent.user.email, values, now=NOW)
    assert "Days in Pacific/Auckland" in (await agent.page(PATH)).text


@pytest.mark.parametrize(
    ("highest", "numbers"),
    [
        (0, [0, 1]), (1, [0, 1]), (4, [0, 1, 2, 3, 4]), (6, [0, 2, 4, 6]), (7, [0, 2, 4, 6, 8]), (11, [0, 5, 10, 15]),
        (26, [0, 10, 20, 30]), (101, [0, 50, 100, 150]), (1000, [0, 200, 400, 600, 800, 1000]),
    ],
)  # fmt: skip
def test_an_axis_begins_at_0_and_has_few_round_numbers(highest: int, numbers: list[int]) -> None:
    assert axis(highest) == numbers


def test_columns_are_stacked_from_the_axis_and_stay_inside_the_chart() -> None:
    for chart in charts([Column("a", {"x": 3, "y": 0, "z": 1}, "four", line=2), Column("b", {"x": 0}, "none")]):
        first, second = chart.bars
        assert (first.series, second.series) == ("x", "z")
        assert first.y + first.height == chart.base
        assert round(second.y + second.height, 1) == first.y
        assert round(first.height / second.height) == 3
        assert all(chart.left <= bar.x and bar.x + bar.width <= chart.right and bar.y >= 0 for bar in chart.bars)
        assert [word for _x, word in chart.labels] == ["a", "b"]
        assert len(chart.line) == 1
    assert charts([])[0].bars == []


async def test_ratings_of_the_last_days_are_a_share_with_the_newest_comments(agent: Person, database: Database) -> None:
    assert "In the last 30 days no customer rated a resolution." in (await agent.page(PATH)).text
    tenant, now = await new_tenant(database), datetime.now(UTC)
    async with database.transaction() as tx:
        numbers = [await raised(tx, tenant, status=Status.RESOLVED) for _ticket in range(8)]
        for at, number in enumerate(numbers):
            given_at = now - timedelta(days=31 if at == 7 else 0, minutes=at)
            await tx.write("update ticket set resolved_at = $2 where number = $1", number, given_at)
            ballot = ballot_of(tenant.company.id, number, given_at, "ada@example.com")
            rating = Rating.BAD if at == 1 else Rating.GOOD
            comment = "" if at == 2 else f"Comment {at}, <b>{'long ' * 100}"
            await feedback.rate(tx, ballot, rating, comment, now=given_at)
    page = await agent.page(PATH)
    assert "85 % of 7 ratings in the last 30 days were good." in page.text
    assert [f"Comment {at}," for at in range(8) if f"Comment {at}," in page.text] == [
        f"Comment {at}," for at in (0, 1, 3, 4, 5)
    ]
    assert "Not resolved well " + ticket_number(numbers[1]) in page.text
    assert f"/console/tickets/{ticket_number(numbers[1])}" in page.links("/console/tickets/INC")
    assert tenant.company.name in page.text
