"""Searches are served by the index that was made for them, and read no table whole."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from clearline.domain.search import Clause, Named, clause, parse
from clearline.domain.search_plan import Step, steps
from clearline.store import search
from clearline.store.db import Database, Tx
from clearline.store.search import CANDIDATES, Hit, Wanted
from clearline.usecases.search import RANKED_MAX
from tests.store.test_plans import BY_NUMBER, FILL, Noted, one_ticket, plan_of

FILL_SEARCH = """
    insert into ticket_search
    select company_id, number, array_to_tsvector(array[
               '=is:' || case when is_open then 'open' else 'closed' end, '=company:' || company_id,
               '=n:' || number / 1024, '=nn:' || number / 16384, 'common', 'commonly',
               'some' || number % 50, 'rare' || number]) from ticket;
    update ticket_search set vector = setweight(
        (select string_agg(quote_literal(lexeme) || ':1', ' ') from unnest(vector))::tsvector, 'C');
    insert into event (company_id, at, type, ticket_number, actor_name, data)
    select company_id, created_at, 'ticket.created', number, 'User', '{}' from ticket;
    vacuum analyze ticket_search, event
"""
BIG = {"ticket", "ticket_search", "note", "event"}


@pytest.fixture(scope="module")
async def filled(database_url: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(database_url)
    await connection.execute(FILL)
    for statement in FILL_SEARCH.split(";"):
        await connection.execute(statement)
    yield connection
    await connection.close()


def clauses(query: str, *, staff: bool) -> list[Clause]:
    return [
        clause(term.what, staff=staff, is_negated=term.is_negated)
        for term in parse(query, staff=staff)
        if not isinstance(term.what, Named)
    ]


async def attempts(filled: Any, asked: list[Clause]) -> list[Step]:
    known = await search.shares(Tx(filled), [lexeme for one in asked for lexeme in one.lexemes])
    return list(steps(asked, known, newest=10_000, needed=CANDIDATES))


async def prepared_plan(filled: Any, statement: str, *values: object) -> tuple[set[str], set[str]]:
    async with filled.transaction():
        await search.prepare(Tx(filled))
        return await plan_of(filled, statement, *values)


@pytest.mark.parametrize("staff", [True, False])
@pytest.mark.parametrize(
    "query",
    [
        "rare4321",
        "rare43",
        "common",
        "co",
        "common some7",
        '"common commonly"',
        "status:open",
        "-common",
        "status:open co -some1",
    ],
)
async def test_every_attempt_of_a_search_is_served_by_the_index_of_words(
    filled: Any, query: str, *, staff: bool
) -> None:
    company, _number = await one_ticket(filled)
    company_id = None if staff else company
    for attempt in await attempts(filled, clauses(query, staff=staff)):
        noted = Noted()
        for work in (
            search.find(Tx(noted), attempt, Wanted(10_000, company_id, "common", None, 51), candidates=CANDIDATES),
            search.find(Tx(noted), attempt, Wanted(9_000, company_id, None, (0.5, 40), 51), candidates=51),
            search.count(Tx(noted), attempt, company_id),
        ):
            await work
            used, whole = await prepared_plan(filled, noted.statement, *noted.values)
            assert used == {"ticket_search_vector"}
            assert whole == set()


async def test_the_tickets_that_were_found_are_read_by_their_keys(filled: Any) -> None:
    noted = Noted()
    hits = [Hit(*await one_ticket(filled), 0.0)] * 200
    await search.tickets(Tx(noted), hits)
    used, whole = await prepared_plan(filled, noted.statement, *noted.values)
    assert used & BY_NUMBER
    assert not whole & BIG


async def test_what_a_ticket_is_found_by_is_read_by_its_keys(filled: Any) -> None:
    noted = Noted()
    await search.documents(Tx(noted), [await one_ticket(filled)] * 200)
    used, whole = await plan_of(filled, noted.statement, *noted.values)
    assert "note_pkey" in used
    assert used & BY_NUMBER
    assert not whole & BIG


@pytest.mark.parametrize(
    ("work", "one_of"),
    [
        (lambda tx, _company: search.newest(tx), {"ticket_search_newest"}),
        (lambda tx, _company: search.keys_below(tx, 4000, company_id=None, limit=500), {"ticket_by_number"}),
        (lambda tx, company: search.keys_below(tx, 4000, company_id=company, limit=50), BY_NUMBER),
        (lambda tx, _company: search.orphans(tx, 10, limit=50), {"ticket_search_newest"}),
        (lambda tx, _company: search.settled(tx), {"event_cursor"}),
    ],
)
async def test_walks_over_all_tickets_go_along_an_index(filled: Any, work: Any, one_of: set[str]) -> None:
    noted = Noted()
    await work(Tx(noted), (await one_ticket(filled))[0])
    used, whole = await plan_of(filled, noted.statement, *noted.values)
    assert used & one_of
    assert not whole & BIG


async def test_the_statistics_are_read_without_reading_the_tickets(filled: Any) -> None:
    noted = Noted()
    await search.shares(Tx(noted), [("common", False), ("co", True)])
    _used, whole = await plan_of(filled, noted.statement, *noted.values)
    assert not whole & BIG
    known = await search.shares(Tx(filled), [("common", False), ("co", True), ("rare1", False)])
    assert known["common", False] == pytest.approx(1)
    assert known["co", True] == pytest.approx(2)
    assert ("rare1", False) not in known


async def test_a_common_beginning_is_checked_and_not_looked_up(filled: Any) -> None:
    [only] = await attempts(filled, clauses("rare4321 co", staff=True))
    assert (only.index, only.rest) == ("('rare4321':* | '~rare4321':*)", "('co':* | '~co':*)")


async def test_what_is_set_for_a_search_ends_with_its_transaction(database: Database) -> None:
    ask = "select current_setting('plan_cache_mode'), current_setting('enable_seqscan')"
    async with database.statement() as tx:
        before = await tx.fetchrow(ask)
    async with database.transaction() as tx:
        await search.prepare(tx)
        assert tuple(await tx.fetchrow(ask) or ()) == ("force_custom_plan", "off")
    async with database.statement() as tx:
        assert await tx.fetchrow(ask) == before


async def test_more_than_the_ranked_are_looked_at(filled: Any) -> None:
    assert RANKED_MAX == CANDIDATES - 1
    [*_, last] = await attempts(filled, clauses("common", staff=True))
    wanted = Wanted(10_000, None, "common", None, 3)
    hits = await search.find(Tx(filled), last, wanted, candidates=CANDIDATES)
    assert (hits.many, hits.newest) == (CANDIDATES, 10_000)
    assert [hit.number for hit in hits.hits] == [10_000, 9_999, 9_998]
