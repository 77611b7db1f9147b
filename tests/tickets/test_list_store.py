"""Every list of the desk walks the index that it says, and its pages neither repeat nor skip."""

from collections.abc import AsyncIterator
from itertools import product
from typing import Any, get_args
from uuid import UUID

import asyncpg
import pytest

from clearline.platform.database.transactions import Database
from clearline.tickets import list_store
from clearline.tickets import store as ticket_store
from clearline.tickets.domain import Status
from clearline.tickets.list_store import END, LISTS, Filter, State
from clearline.tickets.status_domain import OPEN
from tests.builders.databases import plan_of

FILL = """
    insert into company
    select md5('company' || c)::uuid, 'Company ' || c, 'C' || c, now() from generate_series(1, 20) c;
    insert into app_user
    select '00000000-0000-4000-8000-000000000001', md5('agent' || a)::uuid, 'Agent ' || a, 'a' || a || '@example.com',
           '', now(), 'agent' from generate_series(1, 2000) a;
    insert into queue (id, name, assignment, created_at)
    select md5('queue' || q)::uuid, 'Queue ' || q, 'manual', now() from generate_series(1, 20) q;
    insert into ticket (company_id, title, description, issue_type, service_type, service_id, severity, impact,
                        priority, status, contact_name, contact_phone, contact_email, channel, created_at, updated_at,
                        status_changed_at, queue_id, assignee_id)
    select md5('company' || (1 + t % 19))::uuid, 'Title', repeat('words ', 30), 'Others', 'Port', 'SVC-' || t % 5,
           'minor', 'degraded', 'low', (array['closed', 'in_progress', 'pending', 'resolved'])[1 + t / 7 % 4], 'User',
           '', 'user@example.com', 'API', now(), now(), now(),
           case when t % 3 > 0 then md5('queue' || (1 + t % 17))::uuid end,
           case when t % 2 > 0 then md5('agent' || (1 + t % 13))::uuid end
      from generate_series(1, 8000) t;
    insert into ticket_merge
    select company_id, number, number, 'held', now() from ticket where number % 4 = 0;
    analyze
"""
STATES: tuple[State, ...] = get_args(State)
ORDERS = (True, False)
TICKETS = {"ticket_pkey", "ticket_by_number"}
"""Numbers are unique in all companies, so the planner may take either: both find one row."""
INDEXES = {
    ("service", "open"): {"ticket_by_service"},
    ("service", "finished"): {"ticket_by_service"},
    ("service", "all"): {"ticket_by_service"},
    ("company", "open"): {"ticket_page"},
    ("company", "finished"): {"ticket_page"},
    ("company", "all"): {"ticket_pkey"},
    ("queue", "open"): {"ticket_open_by_queue"},
    ("assignee", "open"): {"ticket_open_by_assignee"},
    ("number", "open"): {"ticket_open"},
    ("number", "finished"): {"ticket_by_number"},
    ("number", "all"): {"ticket_by_number"},
}
"""What the docstring of ``driver`` says, for each statement that it can choose."""


@pytest.fixture(scope="module")
async def filled(database_url: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(database_url)
    await connection.execute(FILL)
    await connection.execute("vacuum analyze")
    yield connection
    await connection.close()


async def one_id(connection: Any, column: str) -> UUID:
    found: UUID = await connection.fetchval(f"select {column} from ticket where number = 4003")  # noqa: S608
    return found


async def bound(connection: Any, driver: str) -> tuple[list[UUID | None], str | None]:
    """The company, queue and assignee that a list is asked for, and the service, so that it goes by its driver."""
    wanted = {"service": "company"}.get(driver, driver)
    ids = [
        await one_id(connection, f"{name}_id") if name == wanted else None for name in ("company", "queue", "assignee")
    ]
    assert driver == "number" or any(ids)
    return ids, "SVC-3" if driver == "service" else None


@pytest.mark.parametrize("newest_first", ORDERS)
@pytest.mark.parametrize(("driver", "state"), sorted({(driver, state) for driver, state, _order in LISTS}))
async def test_a_list_walks_its_index_and_reads_no_table_whole(
    filled: Any, driver: str, state: State, *, newest_first: bool
) -> None:
    ids, service = await bound(filled, driver)
    for after in (None, 5000):
        start = after or (END if newest_first else 0)
        statement = LISTS[driver, state, newest_first]
        used, whole = await plan_of(filled, statement, *ids, start, False, None, service, 51)
        assert not whole & {"ticket", "ticket_merge"}
        assert used & TICKETS, "each chosen ticket is found by its key"
        if (driver, state) in INDEXES:
            assert used >= INDEXES[driver, state]


async def test_a_list_of_one_index_is_not_sorted(filled: Any) -> None:
    for driver, state in INDEXES:
        if driver == "service":
            continue  # so few here that sorting them costs less than the walk
        ids, service = await bound(filled, driver)
        statement = LISTS[driver, state, True]
        chosen = statement[: statement.index(")\n    select")].replace("with chosen as materialized (", "")
        plan = await filled.fetch(f"explain (costs off) {chosen}", *ids, END, False, None, service, 51)
        assert not [row[0] for row in plan if "Sort" in row[0]]


async def test_a_ticket_of_the_desk_is_found_by_the_primary_keys(filled: Any) -> None:
    used, whole = await plan_of(filled, ticket_store.GET_VIEW, await one_id(filled, "company_id"), 4003)
    assert used & TICKETS
    assert not whole & {"ticket", "app_user", "ticket_merge"}


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
}


def by_people(filters: dict[str, Any]) -> bool:
    """Whether a list goes by queue or assignee: then it has open tickets only."""
    return "company_id" not in filters and bool({"queue_id", "assignee_id"} & set(filters))


async def matching(connection: Any, wanted: Filter) -> list[int]:
    """The numbers of tickets that a filter means, found the plain way."""
    rows = await connection.fetch(
        "select number, company_id, queue_id, assignee_id, status, service_id from ticket order by number"
    )
    return [
        number
        for number, company_id, queue_id, assignee_id, status, service_id in rows
        if (wanted.state == "all" or (status in OPEN) is (wanted.state == "open"))
        and wanted.company_id in {None, company_id}
        and wanted.queue_id in {None, queue_id}
        and wanted.assignee_id in {None, assignee_id}
        and (not wanted.unassigned or assignee_id is None)
        and wanted.status in {None, status}
        and wanted.service_id in {None, service_id}
    ]


@pytest.mark.parametrize("newest_first", ORDERS)
@pytest.mark.parametrize(
    ("name", "state"),
    [(name, state) for name, state in product(FILTERS, STATES) if state == "open" or not by_people(FILTERS[name])],
)
async def test_the_pages_of_a_list_hold_each_ticket_once_in_order(
    filled: Any, database: Database, name: str, state: State, *, newest_first: bool
) -> None:
    ids = {one: value for one, value in FILTERS[name].items() if one.endswith("_id") and one != "service_id"}
    uuids = {one: await filled.fetchval("select md5($1)::uuid", value) for one, value in ids.items()}
    wanted = Filter(**{**FILTERS[name], **uuids, "state": state})
    found: list[int] = []
    limit = 977
    async with database.statement() as tx:
        while True:
            after = found[-1] if found else None
            page = await list_store.views(tx, wanted, after=after, limit=limit, newest_first=newest_first)
            found += [one.ticket.number for one in page]
            if len(page) < limit:
                break
    expected = await matching(filled, wanted)
    assert found == (expected[::-1] if newest_first else expected)
    assert expected or (state == "finished" and name == "status"), "or the test shows nothing"


async def test_a_page_goes_on_where_it_was_when_tickets_come_and_go(filled: Any, database: Database) -> None:
    wanted = Filter(queue_id=await filled.fetchval("select md5('queue5')::uuid"))
    expected = (await matching(filled, wanted))[::-1]
    found: list[int] = []
    async with database.statement() as tx:
        for _ in range(4):
            page = await list_store.views(tx, wanted, after=found[-1] if found else None, limit=10)
            found += [one.ticket.number for one in page]
            await filled.execute("update ticket set status = 'closed' where number = any($1)", found[:5])
    assert found == expected[:40]
