"""Lists of many matches: their pages, their order and their counts."""

from datetime import timedelta

import asyncpg
import pytest

from clearline.identity import OPERATOR, Actor
from clearline.platform.database.session import SESSION_SETTINGS
from clearline.search import index_usecases
from clearline.search import store as search_store
from clearline.search import usecases as search
from tests.builders.people import NOW
from tests.builders.search.desk import SearchDesk, execute


async def pages(desk: SearchDesk, actor: Actor, query: str, limit: int) -> tuple[list[int], list[search.SearchResult]]:
    after, results = None, []
    while True:
        page = await desk.find(actor, query, after=after, limit=limit)
        results.append(page)
        if page.next is None:
            return [view.ticket.number for page in results for view in page.tickets], results
        assert len(page.tickets) == limit
        after = page.next


@pytest.fixture(scope="module")
async def crowd(desk: SearchDesk, database_url: str) -> int:
    """Add many tickets that all match, and return their number."""
    connection = await asyncpg.connect(database_url, server_settings=SESSION_SETTINGS)
    await connection.execute(
        """
        insert into ticket (company_id, title, description, issue_type, service_type, service_id, severity, impact,
               priority, status, contact_name, contact_phone, contact_email, channel, created_at, updated_at,
               status_changed_at)
        select $1, case when n % 3 = 0 then 'Swarm' else 'Many' end || case when n <= 90 then ' some' else '' end,
               'swarm crowd', 'Others', 'Non-Console Service', 'Own', 'minor', 'degraded', 'low', 'acknowledged', 'Ada',
               '', 'ada@example.com', 'API', $2, $2, $2 from generate_series(1, 1234) n
        """,
        desk.tenant.company.id, NOW + timedelta(days=1),
    )  # fmt: skip
    await connection.close()
    async with desk.database.transaction() as tx:
        below: int | None = None
        while True:
            _done, below = await index_usecases.rebuild_batch(tx, OPERATOR, below=below, limit=500)
            if below is None:
                return 1234


async def test_the_pages_of_a_long_list_have_every_match_newest_first(desk: SearchDesk, crowd: int) -> None:
    for actor in (desk.tenant.actor, desk.agent):
        numbers, results = await pages(desk, actor, "swarm", 200)
        assert len(numbers) == crowd
        assert numbers == sorted(set(numbers), reverse=True)
        assert {(page.count, page.is_exact, page.is_ranked) for page in results} == {(200, False, False)}


async def test_the_pages_of_a_ranked_list_have_every_match_best_first(desk: SearchDesk, crowd: int) -> None:
    assert crowd
    numbers, results = await pages(desk, desk.tenant.actor, "swarm some", 25)
    assert len(numbers) == len(set(numbers)) == 90
    assert {(page.count, page.is_exact, page.is_ranked) for page in results} == {(90, True, True)}
    [single_page] = (await pages(desk, desk.tenant.actor, "swarm some", 1000))[1]
    assert numbers == [view.ticket.number for view in single_page.tickets]
    titles = [view.ticket.title for view in single_page.tickets]
    assert titles == sorted(titles, reverse=True)
    assert len(set(titles)) == 2


async def test_tickets_raised_between_pages_do_not_change_a_list(desk: SearchDesk, crowd: int) -> None:
    assert crowd
    for query, expected in (("swarm some", 90), ("swarm", crowd)):
        first = await desk.find(desk.tenant.actor, query, limit=100)
        number = await desk.raise_ticket(f"late {query}", "swarm some swarm some", "swarm some")
        await desk.follow()
        numbers = [view.ticket.number for view in first.tickets]
        after = first.next
        while after is not None:
            page = await desk.find(desk.tenant.actor, query, after=after, limit=100)
            numbers += [view.ticket.number for view in page.tickets]
            after = page.next
        assert len(numbers) == len(set(numbers)) == expected
        assert number not in numbers
        await execute(desk, "delete from ticket_search where number = $1", number)


async def test_a_large_number_is_counted_on_request(desk: SearchDesk, crowd: int) -> None:
    for actor in (desk.tenant.actor, desk.agent):
        result = await desk.find(actor, "swarm", limit=10, count=True)
        assert (result.count, result.is_exact) == (crowd, True)
        assert result.next is not None
        assert (result.next.count, result.next.is_exact) == (crowd, True)
    assert (await desk.find(desk.agent, "swarm -some", count=True)).count == crowd - 90


async def test_the_results_of_a_search_do_not_depend_on_the_statistics(
    desk: SearchDesk, crowd: int, database_url: str
) -> None:
    queries = ("swarm", "swarm some", "sw so", "-swarm", "status:open", "some -many", "optics", 'sw "swarm crowd"', "")
    before = [await pages(desk, desk.agent, query, 200) for query in queries]
    connection = await asyncpg.connect(database_url, server_settings=SESSION_SETTINGS)
    await connection.execute("analyze ticket_search")
    await connection.close()
    async with desk.database.statement() as tx:
        lexemes = [("swarm", False), ("sw", True), ("optics", False), ("zz", True)]
        known = (await search_store.statistics(tx, lexemes)).shares
    assert known["swarm", False] > 0.9
    assert known["sw", True] >= known["swarm", False]
    assert ("zz", True) not in known
    for query, (numbers, results) in zip(queries, before, strict=True):
        numbers_again, results_again = await pages(desk, desk.agent, query, 200)
        assert numbers_again == numbers, query
        assert [page.count for page in results_again] == [page.count for page in results]
    assert crowd


async def test_sparse_ticket_numbers_are_searched_from_the_newest(desk: SearchDesk) -> None:
    """Search for two words that the statistics call frequent, but that only old tickets contain."""
    async with desk.database.transaction() as tx:
        [old] = (await search.find_tickets(tx, desk.agent, "munchen", limit=5)).tickets
        before = await search_store.newest(tx)
        await tx.write(
            "insert into ticket_search (company_id, number, vector) values ($1, $2, '''=is:open'':1A ''swarm'':2C')",
            desk.tenant.company.id,
            900_000_000,
        )
        assert await search_store.newest(tx) == 900_000_000 > before
        result = await search.find_tickets(tx, desk.agent, "status:open munchen", limit=5)
        assert [view.ticket.number for view in result.tickets] == [old.ticket.number]
        await tx.write("delete from ticket_search where number = 900000000")
