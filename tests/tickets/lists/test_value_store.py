"""Lists walk the values of own fields along an index, and their pages have each ticket once, in order."""

import json
from collections.abc import Callable
from itertools import product
from typing import Any

import pytest

from clearline.fields.domain import Field, FieldType, RecordKind
from clearline.platform.database.transactions import Database
from clearline.tickets import list_store
from clearline.tickets.columns import view_of
from clearline.tickets.list_store import BOUNDS, Filter, Position
from clearline.tickets.lists.order import Order, OwnKind, OwnOrder
from clearline.tickets.lists.store import Shape
from tests.builders.databases import nodes
from tests.builders.lists.many_tickets import PICK, id_of, plan_of_list

VALUES = """
    insert into field (id, record, key, label, type, required, visible_to, edited_by, place, is_active, created_at)
    values ('FIELD', 'ticket', 'field1', 'Field', 'text', 'never', 'staff', 'staff', 1, true, now())
        on conflict do nothing;
    delete from ticket_field;
    insert into ticket_field (company_id, ticket_number, field_id, value, number, is_open, queue_id, assignee_id)
    select company_id, number, 'FIELD', 'value' || number % 10, NUMBER, is_open, queue_id, assignee_id from ticket
"""


SCOPES = {
    None: "", "company_id": "company_", "within_companies": "company_", "queue_id": "queue_", "team_id": "queue_",
    "within_queues": "queue_", "assignee_id": "assignee_",
}  # fmt: skip
"""The indexes of own fields that lists within something walk."""


async def fill_field(connection: Any, kind: OwnKind, statistics: str) -> None:
    """Give all tickets a value of an own field."""
    number = "number % 100" if kind is OwnKind.NUMBER else "null"
    await connection.execute(VALUES.replace("FIELD", str(id_of("field1"))).replace("NUMBER", number))
    if statistics == "fresh":
        await connection.execute("analyze ticket_field")


@pytest.mark.parametrize("generic", [False, True], ids=["these values", "any values"])
async def test_a_list_by_an_own_field_walks_its_values_in_order(known: tuple[str, Any], *, generic: bool) -> None:
    statistics, connection = known
    await connection.execute(PICK)
    await fill_field(connection, OwnKind.TEXT, statistics)
    for names, state in product([("own_field",), ("own_field", "priorities")], ("open", "all", "finished")):
        shape = Shape(names, state, Order.NUMBER, BOUNDS[0], newest_first=True, for_staff=True)
        root = await plan_of_list(connection, shape, generic=generic)
        indexes = {node.get("Index Name") for node in nodes(root)}
        assert indexes & {"ticket_field_open", "ticket_field_value"}, (shape, statistics)
        scanned = {node["Relation Name"] for node in nodes(root) if node["Node Type"] == "Seq Scan"}
        assert not scanned & {"ticket", "ticket_field"}, (shape, statistics)


@pytest.mark.parametrize("generic", [False, True], ids=["these values", "any values"])
@pytest.mark.parametrize("kind", OwnKind)
async def test_a_list_in_the_order_of_an_own_field_walks_its_values(
    known: tuple[str, Any], kind: OwnKind, *, generic: bool
) -> None:
    statistics, connection = known
    await connection.execute(PICK)
    await fill_field(connection, kind, statistics)
    column = "number" if kind is OwnKind.NUMBER else "open"
    for (driver, name), checked, newest_first in product(SCOPES.items(), [(), ("priorities",)], (True, False)):
        names = tuple(sorted(filter(None, ("has_own", driver, *checked))))
        shape = Shape(names, "open", kind, BOUNDS[0], newest_first, for_staff=driver != "company_id")
        plan_nodes = [*nodes(await plan_of_list(connection, shape, generic=generic))]
        scanned = {node["Relation Name"] for node in plan_nodes if node["Node Type"] == "Seq Scan"}
        assert not scanned & {"ticket", "ticket_field"}, (shape, statistics)
        if statistics == "fresh":
            [walk] = [node for node in plan_nodes if node.get("Relation Name") == "ticket_field"]
            assert walk["Index Name"] == f"ticket_field_{name}{column}", shape
            assert "ROW(" in walk["Index Cond"], shape
            assert not [node for node in plan_nodes if node["Node Type"] == "Sort" and walk in nodes(node)
                        and not any(part["Node Type"] == "Limit" for part in nodes(node))], shape  # fmt: skip


FIELDS = """
    insert into field (id, record, key, label, type, required, visible_to, edited_by, place, is_active, created_at)
    values ('SITE', 'ticket', 'site', 'Site', 'text', 'never', 'staff', 'staff', 1, true, now()),
           ('SIZE', 'ticket', 'size', 'Size', 'integer', 'never', 'staff', 'staff', 2, true, now());
    update ticket set fields = jsonb_build_object('site', 'Site ' || number % 7, 'size', number % 5)
     where number % 3 = 0;
    update ticket set queue_id = md5('queue' || (1 + number / 6 % 4))::uuid where number % 6 = 0;
    update ticket set assignee_id = null where number % 15 = 0;
    update ticket set status = 'resolved' where number % 9 = 0 and status = 'in_progress';
    update ticket set fields = fields - 'site', assignee_id = md5('agent3')::uuid where number % 27 = 0;
"""
ORDERS = [
    OwnOrder(Field(id_of("site"), RecordKind.TICKET, "site", "Site", FieldType.TEXT)),
    OwnOrder(Field(id_of("size"), RecordKind.TICKET, "size", "Size", FieldType.INTEGER)),
]
Row = Any
WITHIN: dict[str, tuple[Filter, Callable[[Row], bool]]] = {
    "all": (Filter(), lambda _row: True),
    "company": (Filter(company_id=id_of("company3")), lambda row: row["company_id"] == id_of("company3")),
    "companies": (
        Filter(within_companies=(id_of("company3"), id_of("company4"))),
        lambda row: row["company_id"] in {id_of("company3"), id_of("company4")},
    ),
    "queue": (Filter(queue_id=id_of("queue2")), lambda row: row["queue_id"] == id_of("queue2")),
    "queues": (
        Filter(within_queues=(id_of("queue2"), id_of("queue3"))),
        lambda row: row["queue_id"] in {id_of("queue2"), id_of("queue3")},
    ),
    "team": (Filter(team_id=id_of("team2")), lambda row: row["team_id"] == id_of("team2")),
    "assignee": (Filter(assignee_id=id_of("agent3")), lambda row: row["assignee_id"] == id_of("agent3")),
    "queue of a company": (
        Filter(queue_id=id_of("queue3"), company_id=id_of("company6")),
        lambda row: (row["queue_id"], row["company_id"]) == (id_of("queue3"), id_of("company6")),
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
async def valued(filled: Any) -> Any:
    """Return a connection to a database whose tickets have own fields, and moved with them."""
    ids = FIELDS.replace("SITE", str(id_of("site"))).replace("SIZE", str(id_of("size")))
    await filled.execute(ids)
    return filled


async def test_the_values_of_a_ticket_move_with_it(valued: Any) -> None:
    rows = await valued.fetch(
        """select (f.is_open, f.queue_id, f.assignee_id) is distinct from (t.is_open, t.queue_id, t.assignee_id)
                      as is_wrong, f.queue_id is null as is_of_none, f.assignee_id is null as is_of_nobody
             from ticket_field f join ticket t on t.company_id = f.company_id and t.number = f.ticket_number"""
    )
    assert not [row for row in rows if row["is_wrong"]]
    for name in ("is_of_none", "is_of_nobody"):
        assert {row[name] for row in rows} == {True, False}


@pytest.mark.parametrize("change", ["queue_id = null", "assignee_id = null", "status = 'closed'"])
async def test_a_ticket_without_own_fields_moves_without_the_trigger(valued: Any, change: str) -> None:
    is_fired = {}
    for fields in ("null", "not null"):
        plan = await valued.fetchval(
            f"""explain (analyze, format json) update ticket set {change} where number = (
                select min(number) from ticket where fields is {fields} and is_open
                   and queue_id is not null and assignee_id is not null)"""  # noqa: S608
        )
        fired = {trigger["Trigger Name"] for trigger in json.loads(plan)[0]["Triggers"]}
        is_fired[fields] = "ticket_fields_changed" in fired
    assert is_fired == {"null": False, "not null": True}


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("order", ORDERS, ids=str)
@pytest.mark.parametrize("name", WITHIN)
async def test_the_pages_of_a_list_by_an_own_field_have_each_ticket_once(
    valued: Any, database: Database, name: str, order: OwnOrder, *, newest_first: bool
) -> None:
    ticket_filter, matches = WITHIN[name]
    rows = await valued.fetch(
        """select t.company_id, t.number, t.queue_id, t.assignee_id, q.team_id, t.fields ->> $1 as value
             from ticket t left join queue q on q.id = t.queue_id where t.is_open and t.fields ? $1""",
        order.field.key,
    )
    listed = sorted(((row["value"].lower(), row["number"]) for row in rows if matches(row)), reverse=newest_first)
    assert listed
    found: list[int] = []
    limit = max(3, len(listed) // 3)
    async with database.statement() as tx:
        after: Position | None = None
        while len(found) % limit == 0:  # a page that is not full is the last
            page = await list_store.tickets_as(
                view_of, tx, ticket_filter, for_staff=True, after=after, limit=limit, newest_first=newest_first,
                order=order,
            )  # fmt: skip
            found += [view.ticket.number for view in page]
            if not page:
                break
            after = list_store.position_of(page[-1].ticket, ticket_filter, order)
    assert found == [number for _value, number in listed]
