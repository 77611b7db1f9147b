"""Searches use the index that was made for them, and scan no whole table."""

import re
from typing import Any
from uuid import UUID

import pytest

from clearline.events import store as event_store
from clearline.events.store import Offset
from clearline.fields.domain import Field, FieldType, RecordKind
from clearline.platform.database.transactions import Database, Tx
from clearline.search import index_store
from clearline.search import store as search_store
from clearline.search.document import facet
from clearline.search.filters import OWN_FIELD, Facets, Named
from clearline.search.index_store import Backlog
from clearline.search.language import Clause, clause, parse
from clearline.search.lookups import own_condition
from clearline.search.plan import Attempt, Plan, Statistics
from clearline.search.store import CANDIDATES, Hit, HitQuery
from clearline.search.usecases import RANKED_MAX
from tests.builders.databases import BY_NUMBER, RecordingConnection, any_ticket, new_database, plan_of

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
async def filled(filled: Any) -> Any:
    for statement in FILL_SEARCH.split(";"):
        await filled.execute(statement)
    return filled


SIZE = Field(UUID(int=7), RecordKind.TICKET, "size", "Size", FieldType.DECIMAL)


def clauses(query: str, *, staff: bool) -> list[Clause]:
    read = []
    for term in parse(query, staff=staff):
        if not isinstance(term.condition, Named):
            read.append(clause(term.condition, staff=staff, is_negated=term.is_negated))
        elif term.condition.filter.startswith(OWN_FIELD):
            condition, _is_inverse = own_condition(SIZE, term.condition.value)
            read.append(clause(condition, staff=staff, is_negated=term.is_negated))
    return read


async def attempts(filled: Any, query_clauses: list[Clause], company: Clause | None) -> list[Attempt]:
    """Return every attempt, as when none of them finds anything."""
    lexemes = [
        lexeme for query_clause in (*query_clauses, *([company] if company else ())) for lexeme in query_clause.lexemes
    ]
    known = await search_store.statistics(Tx(filled), lexemes)
    plan = Plan(query_clauses, known, newest=10_000, needed=CANDIDATES, company=company)
    done: list[Attempt] = []
    attempt: Attempt | None = plan.first()
    while attempt is not None:
        done.append(attempt)
        attempt = plan.after(attempt, 0, 0)
    return done


async def prepared_plan(filled: Any, statement: str, *values: object) -> tuple[set[str], set[str]]:
    async with filled.transaction():
        await search_store.set_planner_options(Tx(filled))
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
        "has:file contact:ada@example.com",
        "external:jira:OPS-17",
        "updated:>=2025-11-20 -has:file",
        "field.size:>20 common",
        "-field.size:0.1..0.7 field.size:any",
    ],
)
async def test_every_attempt_of_a_search_is_served_by_the_index_of_words(
    filled: Any, query: str, *, staff: bool
) -> None:
    company, _number = await any_ticket(filled)
    company_id = None if staff else company
    own = None if staff else clause(Facets((facet("company", company),)), staff=False)
    all_attempts = await attempts(filled, clauses(query, staff=staff), own)
    assert all_attempts[-1].oldest is None
    for attempt in all_attempts:
        recording = RecordingConnection()
        for work in (
            search_store.find(Tx(recording), attempt, HitQuery(10_000, company_id, "common", RANKED_MAX, CANDIDATES)),
            search_store.find(Tx(recording), attempt, HitQuery(9_000, company_id, None, 0, 51)),
        ):
            await work
            used, scanned = await prepared_plan(filled, recording.statement, *recording.values)
            assert ("ticket_search_vector" in used) == (attempt.index is not None)
            assert used & {"ticket_search_newest", "ticket_search_pkey"}
            assert scanned == set()
    await search_store.count(Tx(recording), all_attempts[-1], company_id)
    used, scanned = await prepared_plan(filled, recording.statement, *recording.values)
    assert (used, scanned) == ({"ticket_search_vector"}, set())


async def test_a_scan_of_the_newest_tickets_sorts_nothing(filled: Any) -> None:
    company, _number = await any_ticket(filled)
    for company_id in (None, company):
        recording = RecordingConnection()
        attempt = Attempt(None, "'common'", 5_000)
        await search_store.find(Tx(recording), attempt, HitQuery(10_000, company_id, None, 0, CANDIDATES))
        async with filled.transaction():
            await search_store.set_planner_options(Tx(filled))
            lines = await filled.fetch(
                "explain (analyze, timing off) " + (recording.statement or ""), *recording.values
            )
        [walk] = [line[0] for line in lines if "on ticket_search" in line[0]]
        assert "Backward" in walk
        assert int(re.findall(r"rows=(\d+)", walk)[-1]) <= CANDIDATES + 1


@pytest.mark.parametrize("for_staff", [True, False], ids=["staff", "customer"])
async def test_the_tickets_of_a_result_are_read_by_their_keys(filled: Any, *, for_staff: bool) -> None:
    recording = RecordingConnection()
    hits = [Hit(*await any_ticket(filled), 0.0)] * 200
    await search_store.tickets(Tx(recording), hits, for_staff=for_staff)
    used, scanned = await prepared_plan(filled, recording.statement, *recording.values)
    assert used & BY_NUMBER
    assert not scanned & BIG


async def test_the_text_of_tickets_for_the_index_is_read_by_their_keys(filled: Any) -> None:
    recording = RecordingConnection()
    await index_store.documents(Tx(recording), [await any_ticket(filled)] * 200)
    used, scanned = await plan_of(filled, recording.statement, *recording.values)
    assert "note_pkey" in used
    assert used & BY_NUMBER
    assert not scanned & BIG


@pytest.mark.parametrize(
    ("work", "one_of"),
    [
        (lambda tx, _company: search_store.newest(tx), {"ticket_search_newest"}),
        (lambda tx, _company: index_store.keys_below(tx, 4000, backlog=None, limit=500), {"ticket_by_number"}),
        (lambda tx, company: index_store.keys_below(tx, 4000, backlog=Backlog(company), limit=50), BY_NUMBER),
        (
            lambda tx, company: index_store.keys_below(tx, 4000, backlog=Backlog(company, "RARE"), limit=50),
            {"ticket_by_service"},
        ),
        (lambda tx, _company: index_store.orphans(tx, 10, limit=50), {"ticket_search_newest"}),
        (lambda tx, _company: event_store.last_readable(tx), {"event_cursor"}),
    ],
)
async def test_batches_of_all_tickets_use_an_index(filled: Any, work: Any, one_of: set[str]) -> None:
    recording = RecordingConnection()
    await work(Tx(recording), (await any_ticket(filled))[0])
    used, scanned = await plan_of(filled, recording.statement, *recording.values)
    assert used & one_of
    assert not scanned & BIG


@pytest.mark.parametrize("work", [event_store.last_readable, lambda tx: event_store.read(tx, Offset(3, 5), limit=200)])
async def test_the_log_is_read_along_its_index_and_not_sorted(filled: Any, work: Any) -> None:
    recording = RecordingConnection()
    await work(Tx(recording))
    lines = await filled.fetch("explain " + (recording.statement or ""), *recording.values)
    plan = "\n".join(line[0] for line in lines)
    assert "event_cursor" in plan
    assert "Sort" not in plan


async def test_the_statistics_are_read_without_reading_the_tickets(filled: Any) -> None:
    recording = RecordingConnection()
    await search_store.statistics(Tx(recording), [("common", False), ("co", True)])
    _used, scanned = await plan_of(filled, recording.statement, *recording.values)
    assert not scanned & BIG
    known = await search_store.statistics(Tx(filled), [("common", False), ("co", True), ("rare1", False)])
    assert known.shares["common", False] == pytest.approx(1)
    assert known.shares["co", True] == pytest.approx(2)
    assert ("rare1", False) not in known.shares
    assert 0 < known.rare <= 0.01


async def test_the_tickets_of_a_company_are_counted(filled: Any) -> None:
    company, _number = await any_ticket(filled)
    transaction = filled.transaction()
    await transaction.start()
    try:
        await filled.execute("delete from ticket_count")
        await filled.execute(
            "insert into ticket_count (company_id, shard, open, finished) values ($1, 0, 3, 4), ($1, 1, 3, 0)", company
        )
        known = await search_store.statistics(Tx(filled), [], companies=[company, UUID(int=1)], newest=100)
    finally:
        await transaction.rollback()
    assert known.shares["=company:" + str(company), False] == pytest.approx(0.1)
    assert known.shares["=company:" + str(UUID(int=1)), False] == 0


async def test_before_the_first_analyze_there_are_no_statistics(postgres: str) -> None:
    async with new_database(postgres) as url:
        database = await Database.open(url)
        async with database.statement() as tx:
            assert await search_store.statistics(tx, [("common", False)]) == Statistics({})
        await database.close()


async def test_a_common_prefix_is_checked_and_not_looked_up(filled: Any) -> None:
    last = (await attempts(filled, clauses("rare4321 co", staff=True), None))[-1]
    assert (last.index, last.check) == ("('rare4321':* | '~rare4321':*)", "('co':* | '~co':*)")


async def test_the_planner_options_of_a_search_end_with_its_transaction(database: Database) -> None:
    select_options = "select current_setting('plan_cache_mode'), current_setting('enable_seqscan')"
    async with database.statement() as tx:
        before = await tx.fetchrow(select_options)
    async with database.transaction() as tx:
        await search_store.set_planner_options(tx)
        assert tuple(await tx.fetchrow(select_options) or ()) == ("force_custom_plan", "off")
    async with database.statement() as tx:
        assert await tx.fetchrow(select_options) == before


async def test_more_matches_are_read_than_are_ranked(filled: Any) -> None:
    assert RANKED_MAX == CANDIDATES - 1
    [*_, last] = await attempts(filled, clauses("common", staff=True), None)
    hits = await search_store.find(Tx(filled), last, HitQuery(10_000, None, "common", RANKED_MAX, CANDIDATES))
    assert [hit.number for hit in hits] == [*range(10_000, 10_000 - CANDIDATES, -1)]
    assert {hit.rank for hit in hits} == {0}
    hits = await search_store.find(Tx(filled), last, HitQuery(10_000, None, "common", 3, 3))
    assert 0 not in {hit.rank for hit in hits}
