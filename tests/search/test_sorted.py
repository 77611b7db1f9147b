"""Searches sorted like a list, and counts of matches."""

from itertools import product

import pytest

from clearline.catalogue.assessment import Priority
from clearline.catalogue.usecases import current_catalogue
from clearline.errors import Forbidden, InvalidInput
from clearline.identity import Actor
from clearline.platform.database.transactions import Tx
from clearline.search import index_store, list_usecases
from clearline.search import store as search_store
from clearline.search.index_usecases import index_tickets
from clearline.search.list_usecases import Count, CountedList, count_queries, find_sorted
from clearline.search.plan import Attempt
from clearline.search.store import Hit, HitQuery
from clearline.search.structured import list_filter
from clearline.search.usecases import find_tickets, read_query
from clearline.tickets import list_store
from clearline.tickets.domain import Status
from clearline.tickets.list_store import Filter
from clearline.tickets.lists.order import RANKS, Order, key_of
from tests.builders.search.desk import QUEUE, SearchDesk, execute

QUERIES = [
    "status:open", "", "port", 'status:open queue:"Fibre North"', "assignee:none status:open", "status:held",
    "status:open -status:held", "tag:night-shift status:open", "optics", "status:closed", 'issue:"Circuit Down"',
    "company:{code} status:open", "assignee:none assignee:me", "priority:critical",
    "status:held,acknowledged", "priority:critical,low status:open", "team:Fibre", "status:open,cancelled",
    "has:file", "-has:file status:open", "contact:ADA.okoro@birch.example.com status:open", "external:snow:CHG0030001",
    "updated:2026-03-01 status:open", "reminder:any", "reminder:none", "-reminder:any port", "reminder:<2d",
    "reminder:any reminder:<=30h",
]  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
async def values(desk: SearchDesk) -> None:
    """Give the tickets different priorities and times."""
    await execute(
        desk,
        """update ticket set priority = (array['low', 'critical', 'high', 'medium'])[1 + number % 4],
                  updated_at = created_at + number * 17 % 5 * interval '1 hour',
                  status_changed_at = created_at + number * 13 % 7 * interval '1 hour',
                  occurred_at = case when number % 3 > 0 then created_at - number * 11 % 5 * interval '1 hour' end""",
    )
    await execute(
        desk,
        """update ticket set reminder_at = due.at, reminder = jsonb_build_object('at', due.at, 'reason', '',
                  'cancelled_by_answer', false, 'set_by', 'Ben Ito', 'set_at', due.at)
             from (select number, now() + number * 7 % 5 * interval '1 day' as at from ticket) due
            where due.number = ticket.number and is_open and ticket.number % 4 < 3""",
    )
    await execute(desk, "insert into team values ($1, 'Fibre', now())", QUEUE)
    await execute(desk, "update queue set team_id = $1", QUEUE)
    async with desk.database.transaction() as tx:
        await index_tickets(tx, await index_store.keys_below(tx, None, backlog=None, limit=1000))


async def sorted_pages(desk: SearchDesk, actor: Actor, query: str, order: Order, *, newest_first: bool) -> list[int]:
    """Return the numbers on all pages of a sorted search."""
    numbers: list[int] = []
    after, totals = None, set()
    while True:
        async with desk.database.transaction() as tx:
            page = await find_sorted(tx, actor, query, order, newest_first=newest_first, after=after, limit=2)
        numbers += [view.ticket.number for view in page.tickets]
        totals.add((page.count, page.is_exact))
        if page.next is None:
            assert totals == {(len(numbers), True)}
            return numbers
        after = page.next


@pytest.mark.parametrize("query", QUERIES)
async def test_a_sorted_search_has_the_matches_in_any_order(desk: SearchDesk, query: str) -> None:
    query = query.format(code=desk.tenant.company.code)
    async with desk.database.transaction() as tx:
        found = (await find_tickets(tx, desk.agent, query, limit=200)).tickets
    for order, newest_first in product(Order, (True, False)):
        listed = found if order is not Order.REMINDER else [view for view in found if view.ticket.reminder]
        expected = sorted(
            listed, key=lambda view: (key_of(view.ticket, order), view.ticket.number), reverse=newest_first
        )
        numbers = await sorted_pages(desk, desk.agent, query, order, newest_first=newest_first)
        assert numbers == [view.ticket.number for view in expected]


async def test_a_customers_sorted_search_has_its_own_tickets(desk: SearchDesk) -> None:
    async with desk.database.transaction() as tx:
        with pytest.raises(Forbidden):
            await find_sorted(tx, desk.tenant.actor, "port", Order.REMINDER, newest_first=False, limit=2)
    for query in ("status:open", "port", ""):
        async with desk.database.transaction() as tx:
            found = (await find_tickets(tx, desk.other_tenant.actor, query, limit=200)).tickets
        numbers = await sorted_pages(desk, desk.other_tenant.actor, query, Order.PRIORITY, newest_first=False)
        assert {*numbers} == {view.ticket.number for view in found} == {desk.numbers["foreign"]}


async def test_more_matches_than_can_be_sorted_are_listed_or_refused(
    desk: SearchDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_usecases, "SORTED_MAX", 2)
    async with desk.database.transaction() as tx:
        page = await find_sorted(
            tx, desk.agent, "assignee:none status:open", Order.PRIORITY, newest_first=False, limit=200
        )
    ranks = [RANKS[view.ticket.priority] for view in page.tickets]
    assert len(ranks) > 2
    assert ranks == sorted(ranks)
    for query in ("port", "status:open -status:held", ""):
        async with desk.database.transaction() as tx:
            with pytest.raises(InvalidInput, match="q matches more than 2 tickets: add a word or a filter"):
                await find_sorted(tx, desk.agent, query, Order.UPDATED, newest_first=True, limit=50)


@pytest.mark.parametrize("query", QUERIES)
async def test_the_matches_of_a_query_are_counted(
    desk: SearchDesk, query: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = query.format(code=desk.tenant.company.code)
    for actor, text in ((desk.agent, query), (desk.other_tenant.actor, "status:open"), (desk.tenant.actor, "port")):
        async with desk.database.transaction() as tx:
            exact = (await find_tickets(tx, actor, text, limit=200)).count
        assert await count_queries(desk.database, actor, [text, "port"], seconds=5) == [
            Count(exact, True), (await count_queries(desk.database, actor, ["port"], seconds=5))[0],
        ]  # fmt: skip
        for walked in (1, 5_000):
            monkeypatch.setattr(list_usecases, "_WALKED_MAX", walked)
            monkeypatch.setattr(list_usecases, "COUNT_MAX", 2)
            assert await count_queries(desk.database, actor, [text], seconds=5) == [Count(min(exact, 2), exact <= 2)]
        monkeypatch.undo()
        for enough, walked in product((1, 2, 3, 100), (1, 2, 3, 100)):
            monkeypatch.setattr(list_usecases, "_WALKED_MAX", walked)
            monkeypatch.setattr(list_usecases, "_ROUND", 1)
            [count] = await count_queries(desk.database, actor, [text], seconds=5, enough=enough)
            assert count is not None
            assert count == Count(exact, True) or (
                enough <= count.count <= min(exact, walked + 1) and not count.is_exact
            )
        monkeypatch.undo()


async def test_queries_are_counted_together_as_each_by_itself(desk: SearchDesk) -> None:
    texts = [query.format(code=desk.tenant.company.code) for query in QUERIES]
    alone = [(await count_queries(desk.database, desk.agent, [text], seconds=5))[0] for text in texts]
    assert await count_queries(desk.database, desk.agent, texts, seconds=5) == alone
    assert await count_queries(desk.database, desk.agent, texts, seconds=5, enough=100) == alone


async def test_a_query_and_the_filter_of_it_have_the_same_count(
    desk: SearchDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    queries = [
        CountedList("status:open", Filter()),
        CountedList("status:open assignee:none", Filter(unassigned=True)),
        CountedList('status:open queue:"Fibre North"', Filter(queue_id=QUEUE)),
        CountedList("status:held,pending", Filter(statuses=(Status.HELD, Status.PENDING))),
    ]
    for walked in (1, 5_000):
        monkeypatch.setattr(list_usecases, "_WALKED_MAX", walked)
        by_text = await count_queries(desk.database, desk.agent, [query.text for query in queries], seconds=5)
        assert None not in by_text
        assert await count_queries(desk.database, desk.agent, [*queries, *queries], seconds=5) == by_text * 2
    with pytest.raises(Forbidden):
        await count_queries(desk.database, desk.tenant.actor, queries, seconds=5)
    [own] = await count_queries(desk.database, desk.other_tenant.actor, queries[:1], seconds=5)
    assert [own] == await count_queries(desk.database, desk.other_tenant.actor, ["status:open"], seconds=5)


async def test_a_count_that_takes_too_long_is_missing_and_the_others_are_there(
    desk: SearchDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = ["port", "status:held", "optics", "status:pending", "fibre", "port"]
    expected = await count_queries(desk.database, desk.agent, texts, seconds=5)
    monkeypatch.setattr(list_usecases, "_WALKED_MAX", 0)
    find = search_store.find

    async def slow(tx: Tx, attempt: Attempt, query: HitQuery) -> list[Hit]:
        if "optics" in f"{attempt.index} {attempt.check}" or "pending" in f"{attempt.index} {attempt.check}":
            await tx.fetchval("select pg_sleep(9)")
        return await find(tx, attempt, query)

    monkeypatch.setattr(search_store, "find", slow)
    counts = await count_queries(desk.database, desk.agent, texts, seconds=1)
    assert counts == [None if text in {"optics", "status:pending"} else count
                      for text, count in zip(texts, expected, strict=True)]  # fmt: skip


async def test_an_inexact_count_is_a_full_hundred(desk: SearchDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    async def counted(_tx: Tx, filters: list[Filter], **_options: object) -> list[tuple[int, bool]]:
        return [(number, False) for number in (100, 199, 200, 999)][: len(filters)]

    monkeypatch.setattr(list_store, "count", counted)
    texts = [f"status:open priority:{priority}" for priority in Priority]
    counts = await count_queries(desk.database, desk.agent, texts, seconds=5, enough=100)
    assert counts == [Count(number, False) for number in (100, 100, 200, 900)]


async def test_an_invalid_query_has_no_count(desk: SearchDesk) -> None:
    texts = ["nothing:here", "status:lost", "status:open", "queue:Nowhere"]
    counts = await count_queries(desk.database, desk.agent, texts, seconds=5)
    assert [count is None for count in counts] == [True, True, False, True]
    customer = await count_queries(desk.database, desk.tenant.actor, ["assignee:me", "status:open"], seconds=5)
    assert [count is None for count in customer] == [True, False]


async def test_a_query_of_filters_alone_is_a_list(desk: SearchDesk) -> None:
    async def selected(query: str) -> Filter | None:
        async with desk.database.statement() as tx:
            return list_filter((await read_query(tx, desk.agent, query))[1], await current_catalogue(tx))

    assert await selected('status:open priority:critical queue:"Fibre North" tag:vip') == Filter(
        "open", queue_id=QUEUE, priorities=(Priority.CRITICAL,), tags=("vip",)
    )
    assert await selected("status:held,pending priority:low,high") == Filter(
        "open", statuses=(Status.HELD, Status.PENDING), priorities=(Priority.LOW, Priority.HIGH)
    )
    assert await selected("status:open has:file contact:Ada@example.com") == Filter(
        "open", has_file=True, contact="ada@example.com"
    )
    assert await selected("status:open tier:gold") == Filter("open", tiers=("gold",))
    assert await selected("-has:file assignee:none") == Filter("all", has_file=False, unassigned=True)
    for query in (
        "port",
        "-status:open",
        "has:file -has:file",
        "external:jira:OPS-17",
        "updated:>=2026-01-01",
        f"contact:{'a' * 100}@example.com",
        "status:held status:pending",
        "created:>=2026-01-01",
        "queue:none",
        "tier:none",
        "-tier:gold",
        "number:4",
    ):
        assert await selected(query) is None, query
