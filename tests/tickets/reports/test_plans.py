"""The counts of the reports walk their indexes, with any statistics, and stop at their bound."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from clearline.tickets.reports import store as report_store
from tests.builders.databases import MANY_ROWS, STATISTICS, filled_with, generic_plan_of, plan_of

STATEMENTS = {
    report_store.DAYS: {"ticket_age", "ticket_finished"},
    report_store.AGES: {"ticket_age"},
}
FILL = MANY_ROWS.replace("analyze", "")


@pytest.fixture(scope="module", params=STATISTICS)
async def filled(request: pytest.FixtureRequest, postgres: str) -> AsyncIterator[Any]:
    async with filled_with(postgres, FILL, request.param) as connection:
        yield connection


@pytest.mark.parametrize("statement", STATEMENTS, ids=["by day", "by age"])
async def test_a_count_walks_its_indexes(filled: Any, statement: str) -> None:
    edges = ["{2026-03-01,2026-03-02}", "{2026-03-02,2026-03-03}"]
    values = [await filled.fetchval("select $1::text::timestamptz[]", edge) for edge in edges]
    assert await plan_of(filled, statement, *values) == (STATEMENTS[statement], set())
    plan = await generic_plan_of(filled, statement)
    assert "Seq Scan" not in plan, plan
    assert "Bitmap" not in plan, "a bitmap has no bound"
    assert all(index in plan for index in STATEMENTS[statement]), plan


async def test_the_list_of_held_tickets_walks_its_index(filled: Any) -> None:
    assert "ticket_held" in (await plan_of(filled, report_store.HELD, 51))[0]
    plan = await generic_plan_of(filled, report_store.HELD)
    assert "using ticket_held on" in plan, plan
    assert "Seq Scan on ticket " not in plan, plan
