"""Every list of tickets uses its documented index, and its pages neither repeat nor skip tickets."""

import json
from datetime import datetime, timedelta
from itertools import product
from typing import Any, get_args

import pytest

from clearline.clock import Span
from clearline.platform.database.transactions import Database
from clearline.tickets import list_store
from clearline.tickets import store as ticket_store
from clearline.tickets.columns import view_of
from clearline.tickets.domain import Status
from clearline.tickets.list_store import BOUNDS, LISTS, Filter
from clearline.tickets.lists.order import Order
from clearline.tickets.lists.store import Shape
from clearline.tickets.status_domain import OPEN, State
from tests.builders.databases import BY_NUMBER, nodes, plan_of
from tests.builders.lists.many_tickets import FIRST, PICK, TYPES, id_of, plan_of_list

STATES: tuple[State, ...] = get_args(State)
ORDERS = (True, False)
Listed = tuple[str, State]
INDEXES: dict[tuple[str | None, State], set[str]] = {
    ("service_id", "open"): {"ticket_by_service"},
    ("service_id", "finished"): {"ticket_by_service"},
    ("service_id", "all"): {"ticket_by_service"},
    ("company_id", "open"): {"ticket_page"},
    ("company_id", "finished"): {"ticket_page"},
    ("company_id", "all"): BY_NUMBER,
    ("assignee_id", "open"): {"ticket_open_by_assignee"},
    ("queue_id", "open"): {"ticket_open_by_queue"},
    (None, "open"): {"ticket_open"},
    (None, "finished"): {"ticket_by_number"},
    (None, "all"): {"ticket_by_number"},
}
"""The indexes in the docstring of ``LISTS``, by the driving filter: the first of ``DRIVERS`` that a list has."""

DRIVERS = ("service_id", "company_id", "assignee_id", "queue_id")


def unknown(statistics: str) -> set[str]:
    """Return the index that finished tickets of all companies are read by, too, before there are statistics.

    Every text and every document counts as wide then, and the rows as few.
    """
    return {"ticket_page"} if statistics == "none" else set()


async def plan(
    connection: Any, key: tuple[tuple[str, ...], State, int, bool, bool], *, generic: bool
) -> dict[str, Any]:
    """Return the plan of a list: for these values, or the generic one."""
    names, _state, bound, newest_first, _for_staff = key
    row = await connection.fetchrow("select *, 'SVC-3' as service_id, 'pending' as status from picked")
    bound_names = [name for name in names if name != "unassigned"]
    types = ", ".join(["bigint", "bigint", *(TYPES.get(name, "uuid") for name in bound_names)])
    values = ", ".join([str(bound), "5000", *(f"'{row[name]}'" for name in bound_names)])
    assert newest_first in ORDERS
    await connection.execute(f"set plan_cache_mode = force_{'generic' if generic else 'custom'}_plan")
    await connection.execute(f"prepare list ({types}) as {LISTS[key]}")
    [top] = json.loads(await connection.fetchval(f"explain (format json) execute list ({values})"))
    await connection.execute("deallocate list")
    root: dict[str, Any] = top["Plan"]
    return root


@pytest.mark.parametrize("generic", [False, True], ids=["these values", "any values"])
@pytest.mark.parametrize(("driver", "state"), INDEXES)
async def test_a_list_uses_its_index_in_order_with_any_statistics(
    known: tuple[str, Any], driver: str | None, state: State, *, generic: bool
) -> None:
    statistics, connection = known
    await connection.execute(PICK)
    keys = [
        key
        for key in LISTS
        if key[1] == state and next((column for column in DRIVERS if column in key[0]), None) == driver
    ]
    assert keys
    for key in keys:
        plan_nodes = list(nodes(await plan(connection, key, generic=generic)))
        scanned = {node["Relation Name"] for node in plan_nodes if node["Node Type"] == "Seq Scan"}
        assert "ticket" not in scanned, key
        used = {node.get("Index Name") for node in plan_nodes}
        if statistics == "fresh":
            assert used & INDEXES[driver, state], key
            assert "ticket_merge" not in scanned or key[2] > BOUNDS[0], key
        assert used & {*INDEXES[driver, state], *BY_NUMBER, "ticket_open", *unknown(statistics)}, key
        # Sorting costs less than the index for one service, which has few tickets, and for pages of a thousand. So it
        # seems to for finished tickets without statistics: then every text counts as wide, and the rows as few.
        if driver != "service_id" and key[2] == BOUNDS[0] and (statistics, state) != ("none", "finished"):
            sorts = [node for node in plan_nodes if node["Node Type"] == "Sort"]
            assert all(any(part["Node Type"] == "Limit" for part in nodes(node)) for node in sorts), key


AGES = {"company": {"ticket_by_age"}, "all": {"ticket_age"}}
SAMPLES: list[tuple[str, ...]] = [
    ("company_id",), ("company_id", "service_id"), ("company_id", "queue_id", "status"), ("company_id", "unassigned"),
    (), ("assignee_id",), ("queue_id", "status"), ("unassigned", "status"),
]  # fmt: skip
"""Filters of lists by time: the statements differ only in conditions that are checked on the way."""


async def dated_plan(
    connection: Any,
    names: tuple[str, ...],
    state: State,
    *,
    newest_first: bool,
    by_creation: bool,
    is_updated: bool,
    generic: bool,
) -> dict[str, Any]:
    """Return the plan of a list by time: for these values, or the generic one."""
    order = Order.CREATED if by_creation else Order.NUMBER
    names = (*names, *(["updated"] if is_updated else []))
    for_staff = "company_id" not in names
    shape = Shape(names, state, order, BOUNDS[0], newest_first, for_staff, has_span=by_creation)
    return await plan_of_list(connection, shape, generic=generic)


@pytest.mark.parametrize("generic", [False, True], ids=["these values", "any values"])
@pytest.mark.parametrize("newest_first", ORDERS)
@pytest.mark.parametrize("state", STATES)
async def test_a_list_by_creation_walks_the_index_of_ages_with_any_statistics(
    known: tuple[str, Any], state: State, *, newest_first: bool, generic: bool
) -> None:
    statistics, connection = known
    await connection.execute(PICK)
    for names, is_updated in product(SAMPLES, (True, False)):
        root = await dated_plan(
            connection, names, state,
            newest_first=newest_first, by_creation=True, is_updated=is_updated, generic=generic,
        )  # fmt: skip
        plan_nodes = list(nodes(root))
        assert "ticket" not in {node["Relation Name"] for node in plan_nodes if node["Node Type"] == "Seq Scan"}, names
        used = {node.get("Index Name") for node in plan_nodes}
        by_people = {"assignee_id", "queue_id"} & {*names} if state == "open" and "company_id" not in names else set()
        indexes = {f"ticket_{name.removesuffix('_id')}_created" for name in by_people}
        assert used & (indexes or AGES["company" if "company_id" in names else "all"]), (names, statistics)
        for node in plan_nodes:
            if node.get("Index Name") in {"ticket_by_age", "ticket_age", *indexes}:
                assert "ROW(created_at, number)" in node["Index Cond"], names
        sorts = [node for node in plan_nodes if node["Node Type"] in {"Sort", "Incremental Sort"}]
        assert all(any(part["Node Type"] == "Limit" for part in nodes(node)) for node in sorts), names


@pytest.mark.parametrize("newest_first", ORDERS)
@pytest.mark.parametrize(("driver", "state"), INDEXES)
async def test_a_list_by_the_last_change_walks_the_index_of_the_list(
    known: tuple[str, Any], driver: str | None, state: State, *, newest_first: bool
) -> None:
    statistics, connection = known
    await connection.execute(PICK)
    names = {"service_id": ("company_id", "service_id"), None: ()}.get(driver, (str(driver),))
    for generic in (True, False):
        root = await dated_plan(
            connection, names, state, newest_first=newest_first, by_creation=False, is_updated=True, generic=generic
        )
        plan_nodes = list(nodes(root))
        assert "ticket" not in {node["Relation Name"] for node in plan_nodes if node["Node Type"] == "Seq Scan"}
        used = {node.get("Index Name") for node in plan_nodes}
        assert used & {*INDEXES[driver, state], *BY_NUMBER, "ticket_open", *unknown(statistics)}, statistics


@pytest.mark.parametrize("for_staff", [True, False], ids=["staff", "customer"])
async def test_the_view_of_a_ticket_is_found_by_the_primary_keys(filled: Any, *, for_staff: bool) -> None:
    company_id = await filled.fetchval("select company_id from ticket where number = 4003")
    used, scanned = await plan_of(filled, ticket_store.GET_VIEW[for_staff], company_id, 4003)
    assert used & BY_NUMBER
    assert not scanned & {"ticket", "app_user", "ticket_merge"}


FILTERS: dict[str, dict[str, Any]] = {
    "company": {"company_id": "company1"},
    "queue": {"queue_id": "queue1"},
    "assignee": {"assignee_id": "agent1"},
    "number": {},
    "company and queue": {"company_id": "company2", "queue_id": "queue2"},
    "company and nobody": {"company_id": "company3", "unassigned": True},
    "queue and assignee": {"queue_id": "queue3", "assignee_id": "agent3"},
    "nobody": {"unassigned": True},
    "status": {"status": Status.PENDING},
    "service": {"service_id": "SVC-3", "company_id": "company4"},
    "service and nobody": {"service_id": "SVC-3", "company_id": "company4", "unassigned": True},
    "company, assignee and status": {
        "company_id": "company2", "assignee_id": "agent2", "status": Status.PENDING,
    },
    "queue, nobody and status": {"queue_id": "queue2", "unassigned": True, "status": Status.RESOLVED},
}  # fmt: skip


def filter_of(name: str, state: State) -> Filter:
    ids = {
        column: id_of(FILTERS[name][column])
        for column in {"company_id", "queue_id", "assignee_id"} & FILTERS[name].keys()
    }
    return Filter(**{**FILTERS[name], **ids, "state": state})


def by_people(filters: dict[str, Any]) -> bool:
    """Return whether queue or assignee drives a list, which then has only open tickets."""
    return "company_id" not in filters and bool({"queue_id", "assignee_id"} & set(filters))


def matching(tickets: list[Any], ticket_filter: Filter) -> list[int]:
    """Return the numbers of the tickets that match a filter, computed from all rows."""
    return [
        row["number"]
        for row in tickets
        if (ticket_filter.state == "all" or (row["status"] in OPEN) is (ticket_filter.state == "open"))
        and ticket_filter.company_id in {None, row["company_id"]}
        and ticket_filter.queue_id in {None, row["queue_id"]}
        and ticket_filter.assignee_id in {None, row["assignee_id"]}
        and (not ticket_filter.unassigned or row["assignee_id"] is None)
        and ticket_filter.status in {None, row["status"]}
        and ticket_filter.service_id in {None, row["service_id"]}
    ]


@pytest.mark.parametrize("newest_first", ORDERS)
@pytest.mark.parametrize(
    ("name", "state"),
    [(name, state) for name, state in product(FILTERS, STATES) if state == "open" or not by_people(FILTERS[name])],
)
@pytest.mark.parametrize("limit", [41, 977])
async def test_the_pages_of_a_list_have_each_ticket_once_in_order(
    tickets: list[Any], database: Database, name: str, state: State, limit: int, *, newest_first: bool
) -> None:
    ticket_filter = filter_of(name, state)
    numbers: list[int] = []
    async with database.statement() as tx:
        while True:
            after = numbers[-1] if numbers else None
            page = await list_store.tickets_as(
                view_of, tx, ticket_filter, for_staff=True, after=after, limit=limit, newest_first=newest_first
            )
            numbers += [view.ticket.number for view in page]
            if len(page) < limit:
                break
    expected = matching(tickets, ticket_filter)
    assert numbers == (expected[::-1] if newest_first else expected)
    assert expected or (state == "finished" and ticket_filter.status is not None), (
        "without a match the test proves nothing"
    )


SPANS = {
    "since": Span(FIRST + timedelta(minutes=40)),
    "until": Span(until=FIRST + timedelta(minutes=40)),
    "both": Span(FIRST + timedelta(minutes=5), FIRST + timedelta(minutes=50)),
    "exactly": Span(FIRST + timedelta(seconds=100), FIRST + timedelta(seconds=101)),
}


@pytest.mark.parametrize("newest_first", ORDERS)
@pytest.mark.parametrize("span", SPANS)
@pytest.mark.parametrize("updated", [None, Span(FIRST + timedelta(days=1, hours=1)), Span(FIRST, FIRST)])
@pytest.mark.parametrize(
    "listed",
    [
        ("company", "open"), ("company", "finished"), ("company, assignee and status", "all"), ("number", "open"),
        ("number", "all"), ("number", "finished"), ("nobody", "all"), ("queue", "open"), ("service", "all"),
    ],
    ids="-".join,
)  # fmt: skip
async def test_the_pages_of_a_list_by_time_have_each_ticket_of_it_once_in_order(
    tickets: list[Any], database: Database, listed: Listed, span: str, updated: Span | None, *, newest_first: bool
) -> None:
    plain = filter_of(*listed)
    times = {row["number"]: (row["created_at"], row["updated_at"]) for row in tickets}

    def is_listed(number: int) -> bool:
        created_at, updated_at = times[number]
        is_updated = updated is None or updated.since <= updated_at < updated.until
        return SPANS[span].since <= created_at < SPANS[span].until and is_updated

    expected = sorted(filter(is_listed, matching(tickets, plain)), key=lambda number: (times[number][0], number))
    numbers: list[int] = []
    after: tuple[datetime, int] | None = None
    async with database.statement() as tx:
        while True:
            page = await list_store.tickets_as(
                view_of, tx, plain._replace(created=SPANS[span], updated=updated), for_staff=True, after=after,
                limit=50, newest_first=newest_first,
            )  # fmt: skip
            numbers += [view.ticket.number for view in page]
            if len(page) < 50:
                break
            after = page[-1].ticket.created_at, page[-1].ticket.number
    assert numbers == (expected[::-1] if newest_first else expected)


async def test_a_list_by_the_last_change_is_in_the_order_of_the_numbers(filled: Any, database: Database) -> None:
    updated = Span(FIRST + timedelta(days=1, hours=1), FIRST + timedelta(days=1, hours=2))
    rows = await filled.fetch(
        "select number from ticket where is_open and updated_at >= $1 and updated_at < $2 order by number desc",
        *updated,
    )
    async with database.statement() as tx:
        page = await list_store.tickets_as(view_of, tx, Filter(updated=updated), for_staff=True, after=None, limit=1000)
        after = await list_store.tickets_as(
            view_of, tx, Filter(updated=updated), for_staff=True, after=page[20].ticket.number, limit=5
        )
    assert [view.ticket.number for view in page] == [row[0] for row in rows][:1000]
    assert after == page[21:26]


async def test_pages_continue_at_their_position_when_tickets_change(
    filled: Any, tickets: list[Any], database: Database
) -> None:
    ticket_filter = Filter(queue_id=id_of("queue5"))
    expected = matching(tickets, ticket_filter)[::-1]
    numbers: list[int] = []
    async with database.statement() as tx:
        for _ in range(4):
            page = await list_store.tickets_as(
                view_of, tx, ticket_filter, for_staff=True, after=numbers[-1] if numbers else None, limit=10
            )
            numbers += [view.ticket.number for view in page]
            await filled.execute("update ticket set status = 'closed' where number = any($1)", numbers[:5])
    assert numbers == expected[:40]
