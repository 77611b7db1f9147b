"""Every list in an order walks the index of that order, and its pages have each ticket once, in order."""

from collections.abc import Callable
from datetime import timedelta
from itertools import product
from typing import Any

import pytest

from clearline.catalogue.assessment import Priority, Severity
from clearline.catalogue.published import IssueType, ServiceType
from clearline.clock import Span
from clearline.platform.database.transactions import Database
from clearline.tickets import list_store
from clearline.tickets.columns import view_of
from clearline.tickets.domain import Status, TicketView
from clearline.tickets.list_store import BOUNDS, Filter, Position
from clearline.tickets.lists.order import RANKS, Order
from clearline.tickets.lists.store import CHECKS, Shape
from clearline.tickets.status_domain import OPEN, State
from tests.builders.databases import nodes
from tests.builders.lists.many_tickets import FIRST, PICK, id_of, plan_of_list

ORDERS = [order for order in Order if order is not Order.NUMBER]
INDEX_OF = {
    Order.PRIORITY: "priority", Order.CREATED: "created", Order.UPDATED: "updated", Order.OCCURRED: "occurred",
}  # fmt: skip
DRIVERS = ("company_id", "queue_id", "team_id", "assignee_id", "within_queues", "within_companies", None)
_DRIVING = {"company_id", "queue_id", "team_id", "assignee_id"}
_FEW = {
    "external_id",
    "watcher_id",
    "contact",
    "cc",
    "case_number",
    "has_reminder",
    "reminder",
    "own_field",
    "own_number",
    "has_own",
}
CHECKED = sorted(CHECKS[True].keys() - _DRIVING - _FEW)


def index_of(driver: str | None, order: Order, *, for_staff: bool = True) -> str:
    """Return the index that a list of open tickets walks."""
    if order is Order.REMINDER:
        return "ticket_reminder"
    name = {"company_id": "company", "within_companies": "company", "assignee_id": "assignee", None: "open"}.get(
        driver, "queue"
    )
    if order is Order.CREATED:
        return {"company": "ticket_by_age", "open": "ticket_age"}.get(name, f"ticket_{name}_created")
    if order is Order.UPDATED and not for_staff:
        return "ticket_customer_updated"
    return f"ticket_{name}_{INDEX_OF.get(order, 'status_changed')}"


def assert_walks(root: dict[str, Any], index: str, about: object, *, statistics: str, generic: bool) -> None:
    """Check that a plan walks an index in order.

    By statistics of sixty tickets a company has three: to sort these seems as cheap, if the values are known. Then it
    is enough that the table is not read.
    """
    plan_nodes = list(nodes(root))
    assert "ticket" not in {node["Relation Name"] for node in plan_nodes if node["Node Type"] == "Seq Scan"}, about
    if statistics == "stale" and not generic:
        return
    walks = [node for node in plan_nodes if node.get("Index Name") == index]
    assert walks, (about, {node.get("Index Name") for node in plan_nodes})
    for walk in walks:
        assert "Index" in walk["Node Type"], about
        assert "ROW(" in walk["Index Cond"] or index == "ticket_reminder", about
    if index == "ticket_reminder":  # few tickets have one: to sort those that pass the checks can cost less
        return
    sorts = [node for node in plan_nodes if node["Node Type"] in {"Sort", "Incremental Sort"}]
    assert all(any(part["Node Type"] == "Limit" for part in nodes(node)) for node in sorts), about


@pytest.mark.parametrize("generic", [False, True], ids=["these values", "any values"])
@pytest.mark.parametrize("order", ORDERS)
async def test_a_list_in_an_order_walks_its_index_with_any_statistics(
    known: tuple[str, Any], order: Order, *, generic: bool
) -> None:
    statistics, connection = known
    await connection.execute(PICK)
    for driver, newest_first, checked in product(DRIVERS, (True, False), [(), ("status",), ("tags", "unassigned")]):
        names = (*((driver,) if driver else ()), *checked)
        shape = Shape(names, "open", order, BOUNDS[0], newest_first, for_staff=True)
        root = await plan_of_list(connection, shape, generic=generic)
        assert_walks(root, index_of(driver, order), shape, statistics=statistics, generic=generic)


@pytest.mark.parametrize("generic", [False, True], ids=["these values", "any values"])
@pytest.mark.parametrize("order", ORDERS)
async def test_a_customers_list_walks_the_index_of_what_it_sees(
    known: tuple[str, Any], order: Order, *, generic: bool
) -> None:
    statistics, connection = known
    await connection.execute(PICK)
    for checked in ((), ("priorities",), ("has_file",)):
        shape = Shape(("company_id", *checked), "open", order, BOUNDS[0], newest_first=True, for_staff=False)
        index = index_of("company_id", order, for_staff=False)
        root = await plan_of_list(connection, shape, generic=generic)
        assert_walks(root, index, shape, statistics=statistics, generic=generic)


@pytest.mark.parametrize("name", CHECKED)
async def test_a_filter_without_an_index_is_checked_on_the_way(known: tuple[str, Any], name: str) -> None:
    statistics, connection = known
    await connection.execute(PICK)
    for order, generic in product((Order.PRIORITY, Order.UPDATED), (True, False)):
        shape = Shape(("queue_id", name), "open", order, BOUNDS[0], newest_first=False, for_staff=True)
        if name == "updated" and order is Order.UPDATED:
            shape = shape._replace(names=("queue_id",), has_span=True)
        root = await plan_of_list(connection, shape, generic=generic)
        assert_walks(root, index_of("queue_id", order), shape, statistics=statistics, generic=generic)


@pytest.mark.parametrize("generic", [False, True], ids=["these values", "any values"])
@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("external_id", "ticket_external"),
        ("watcher_id", "ticket_watcher_by_user"),
        ("cc", "ticket_contact_by_email"),
        ("case_number", "ticket_case_by_number"),
        ("contact", "ticket_by_contact"),
    ],
)
async def test_a_filter_that_few_tickets_match_reads_these_alone(
    known: tuple[str, Any], name: str, index: str, *, generic: bool
) -> None:
    statistics, connection = known
    await connection.execute(PICK)
    for names, state, order in product(
        [(name,), ("company_id", name), ("queue_id", "status", name)], ("open", "finished", "all"), Order
    ):
        if name == "contact" and "company_id" in names:
            continue  # a company may have one contact in all of its tickets: it is checked on the way
        shape = Shape(names, state, order, BOUNDS[0], newest_first=True, for_staff=True)
        plan_nodes = list(nodes(await plan_of_list(connection, shape, generic=generic)))
        scanned = {node["Relation Name"] for node in plan_nodes if node["Node Type"] == "Seq Scan"}
        assert "ticket" not in scanned, (shape, statistics)
        if statistics != "stale":  # by these there are four watchers
            assert index in {node.get("Index Name") for node in plan_nodes}, (shape, statistics)


Row = Any
DUE = FIRST + timedelta(days=31, minutes=10)
"""When some of the reminders are due."""
MATCHES: dict[str, tuple[Filter, Callable[[Row], bool]]] = {
    "all": (Filter(), lambda _row: True),
    "company": (Filter(company_id=id_of("company1")), lambda row: row["company_id"] == id_of("company1")),
    "queue": (Filter(queue_id=id_of("queue2")), lambda row: row["queue_id"] == id_of("queue2")),
    "team": (Filter(team_id=id_of("team2")), lambda row: row["team_id"] == id_of("team2")),
    "team and company": (
        Filter(team_id=id_of("team2"), company_id=id_of("company4")),
        lambda row: row["team_id"] == id_of("team2") and row["company_id"] == id_of("company4"),
    ),
    "assignee": (Filter(assignee_id=id_of("agent1")), lambda row: row["assignee_id"] == id_of("agent1")),
    "nobody": (Filter(unassigned=True), lambda row: row["assignee_id"] is None),
    "statuses": (
        Filter(statuses=(Status.PENDING, Status.RESOLVED)), lambda row: row["status"] in {"pending", "resolved"}
    ),
    "priorities": (
        Filter(priorities=(Priority.LOW, Priority.CRITICAL), queue_id=id_of("queue3")),
        lambda row: row["priority"] in {"low", "critical"} and row["queue_id"] == id_of("queue3"),
    ),
    "severity and types": (
        Filter(
            severities=(Severity.MINOR,), issue_types=(IssueType.UNSTABLE, IssueType.OTHERS),
            service_types=(ServiceType.CLOUD_ROUTER,),
        ),
        lambda row: (row["severity"], row["service_type"]) == ("minor", "CloudRouter")
        and row["issue_type"] in {"Unstable", "Others"},
    ),
    "tag": (Filter(tags=("fibre",)), lambda row: "fibre" in row["tags"]),
    "tags": (
        Filter(tags=("vip", "fibre"), company_id=id_of("company2")),
        lambda row: {"vip", "fibre"} <= {*row["tags"]} and row["company_id"] == id_of("company2"),
    ),
    "contact": (
        Filter(contact="uSER3@example.com", company_id=id_of("company3")),
        lambda row: row["contact_email"] == "User3@example.com" and row["company_id"] == id_of("company3"),
    ),
    "contact of any company": (
        Filter(contact="uSER3@example.com"), lambda row: row["contact_email"] == "User3@example.com"
    ),
    "external id": (Filter(external_id=("jira", "OPS-1")), lambda row: '"OPS-1"' in row["external_ids"]),
    "file": (Filter(has_file=True), lambda row: row["has_file"]),
    "no file": (
        Filter(has_file=False, queue_id=id_of("queue4")),
        lambda row: not row["has_file"] and row["queue_id"] == id_of("queue4"),
    ),
    "watcher": (Filter(watcher_id=id_of("agent2")), lambda row: id_of("agent2") in row["watchers"]),
    "copy": (Filter(cc="USER4@example.com"), lambda row: row["number"] % 9 == 0),
    "case": (Filter(case_number="fh-4"), lambda row: row["number"] % 13 == 0),
    "contact or watcher": (
        Filter(concerned=("uSER3@example.com", id_of("agent2")), company_id=id_of("company3")),
        lambda row: row["company_id"] == id_of("company3")
        and (row["contact_email"] == "User3@example.com" or id_of("agent2") in row["watchers"]),
    ),
    "created": (
        Filter(created=Span(FIRST + timedelta(minutes=20), FIRST + timedelta(minutes=90))),
        lambda row: timedelta(minutes=20) <= row["created_at"] - FIRST < timedelta(minutes=90),
    ),
    "updated": (
        Filter(updated=Span(FIRST + timedelta(hours=24.5), FIRST + timedelta(hours=25.5))),
        lambda row: timedelta(hours=24.5) <= row["updated_at"] - FIRST < timedelta(hours=25.5),
    ),
    "occurred": (
        Filter(occurred=Span(FIRST - timedelta(minutes=30), FIRST + timedelta(minutes=40))),
        lambda row: row["occurred_at"] is not None
        and timedelta(minutes=-30) <= row["occurred_at"] - FIRST < timedelta(minutes=40),
    ),
    "chronic": (
        Filter(is_chronic=True, queue_id=id_of("queue3")),
        lambda row: row["is_chronic"] and row["queue_id"] == id_of("queue3"),
    ),
    "not chronic": (
        Filter(is_chronic=False, company_id=id_of("company3")),
        lambda row: not row["is_chronic"] and row["company_id"] == id_of("company3"),
    ),
    "reminder": (
        Filter(has_reminder=True, queue_id=id_of("queue3")),
        lambda row: row["reminder_at"] is not None and row["queue_id"] == id_of("queue3"),
    ),
    "no reminder": (
        Filter(has_reminder=False, company_id=id_of("company3")),
        lambda row: row["reminder_at"] is None and row["company_id"] == id_of("company3"),
    ),
    "reminder due": (
        Filter(reminder=Span(DUE, DUE + timedelta(hours=1))),
        lambda row: row["reminder_at"] is not None and DUE <= row["reminder_at"] < DUE + timedelta(hours=1),
    ),
}  # fmt: skip
FEW = {"external id", "watcher", "contact of any company", "copy", "reminder", "reminder due"}


def key_of(order: Order, *, for_staff: bool = True) -> Callable[[Row], Any]:
    """Return the function that returns the sort key of a row."""
    if order is Order.PRIORITY:
        return lambda row: RANKS[row["priority"]]
    if order is Order.UPDATED and not for_staff:
        return lambda row: row["customer_updated_at"] or row["updated_at"]
    if order is Order.OCCURRED:
        return lambda row: row["occurred_at"] or row["created_at"]
    return lambda row: row[order]


def position_of(view: TicketView, order: Order) -> Position:
    """Return where a list continues after a ticket."""
    ticket = view.ticket
    if order is Order.NUMBER:
        return ticket.number
    if order is Order.OCCURRED:
        return ticket.occurred_at or ticket.created_at, ticket.number
    return RANKS[ticket.priority] if order is Order.PRIORITY else getattr(ticket, order), ticket.number


async def read(
    database: Database, ticket_filter: Filter, order: Order, *, limit: int, newest_first: bool, for_staff: bool = True
) -> list[int]:
    """Return the numbers of the tickets on all pages of a list."""
    numbers: list[int] = []
    after: Position | None = None
    async with database.statement() as tx:
        while True:
            page = await list_store.tickets_as(
                view_of, tx, ticket_filter, for_staff=for_staff, after=after, limit=limit, newest_first=newest_first,
                order=order,
            )  # fmt: skip
            numbers += [view.ticket.number for view in page]
            if len(page) < limit:
                return numbers
            is_dated = order is Order.NUMBER and ticket_filter.created is not None
            after = position_of(page[-1], Order.CREATED if is_dated else order)


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("order", Order)
@pytest.mark.parametrize("name", MATCHES)
async def test_the_pages_of_a_list_have_each_ticket_once_in_any_order(
    tickets: list[Row], database: Database, name: str, order: Order, *, newest_first: bool
) -> None:
    ticket_filter, matches = MATCHES[name]
    sorts_by = Order.CREATED if order is Order.NUMBER and name == "created" else order
    states: tuple[State, ...] = ("open", "finished", "all") if name in FEW else ("open",)
    for state in states:
        listed = [row for row in tickets if state == "all" or (row["status"] in OPEN) is (state == "open")]
        if order is Order.REMINDER:
            listed = [row for row in listed if row["reminder_at"] is not None]
        key = key_of(sorts_by)
        expected = sorted(filter(matches, listed), key=lambda row: (key(row), row["number"]), reverse=newest_first)
        assert expected or state == "finished" or order is Order.REMINDER, "without a match the test proves nothing"
        numbers = await read(
            database, ticket_filter._replace(state=state), order, limit=min(1000, max(3, len(expected) // 3)),
            newest_first=newest_first,
        )  # fmt: skip
        assert numbers == [row["number"] for row in expected]


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("state", ["finished", "all"])
@pytest.mark.parametrize("name", ["all", "company", "tag", "no file", "updated"])
async def test_finished_tickets_are_sorted_by_creation(
    tickets: list[Row], database: Database, name: str, state: State, *, newest_first: bool
) -> None:
    ticket_filter, matches = MATCHES[name]
    listed = [row for row in tickets if state == "all" or row["status"] not in OPEN]
    expected = sorted(filter(matches, listed), key=lambda row: (row["created_at"], row["number"]), reverse=newest_first)
    numbers = await read(
        database, ticket_filter._replace(state=state), Order.CREATED, limit=50, newest_first=newest_first
    )
    assert numbers == [row["number"] for row in expected]


@pytest.mark.parametrize("order", [order for order in Order if order is not Order.REMINDER])
async def test_a_customers_list_depends_on_what_it_sees(tickets: list[Row], database: Database, order: Order) -> None:
    company = id_of("company1")
    for name, condition in (
        ("changes", lambda _row: True),
        ("file", lambda row: row["has_public_file"]),
    ):
        ticket_filter = Filter(company_id=company, has_file=True if name == "file" else None)
        key = key_of(order, for_staff=False)
        expected = sorted(
            (row for row in tickets if row["company_id"] == company and row["status"] in OPEN and condition(row)),
            key=lambda row: (key(row), row["number"]),
        )
        numbers = await read(database, ticket_filter, order, limit=7, newest_first=False, for_staff=False)
        assert numbers == [row["number"] for row in expected]
    watched = Filter(company_id=company, watcher_id=id_of("agent1"))
    assert await read(database, watched, order, limit=7, newest_first=False, for_staff=False) == []
    assert await read(database, watched, order, limit=7, newest_first=False) != []
