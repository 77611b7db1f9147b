"""A database with many tickets, and one for each kind of statistics."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.builders.databases import new_database, session
from tests.builders.lists.many_tickets import EMPTY, FILL, TABLES


@pytest.fixture(scope="module")
async def filled(database_url: str) -> AsyncIterator[Any]:
    async with session(database_url) as connection:
        await connection.execute(FILL)
        await connection.execute("vacuum analyze")
        yield connection


@pytest.fixture(scope="module", params=["fresh", "stale", "none"])
async def known(postgres: str, request: pytest.FixtureRequest) -> AsyncIterator[tuple[str, Any]]:
    """Yield the kind of statistics, and a database with them: fresh, stale (from few rows), or none."""
    async with new_database(postgres) as url, session(url) as connection:
        for table in TABLES:
            await connection.execute(f"alter table {table} set (autovacuum_enabled = off)")
        if request.param == "stale":
            await connection.execute(FILL.replace("(1, 8000)", "(1, 60)").replace("(1, 2000)", "(1, 20)"))
            await connection.execute("analyze")
            await connection.execute(EMPTY)
        await connection.execute(FILL)
        if request.param == "fresh":
            await connection.execute("vacuum analyze")
        yield request.param, connection


@pytest.fixture(scope="module")
async def tickets(filled: Any) -> list[Any]:
    """Return what lists filter and sort by, of all tickets in the order of their numbers."""
    return list(
        await filled.fetch(
            """select t.*, exists (select from attachment a where a.ticket_number = t.number) as has_file,
                      exists (select from attachment a where a.ticket_number = t.number and a.visibility = 'public')
                          as has_public_file,
                      array(select user_id from ticket_watcher w where w.ticket_number = t.number) as watchers,
                      q.team_id
                 from ticket t left join queue q on q.id = t.queue_id order by t.number"""
        )
    )
