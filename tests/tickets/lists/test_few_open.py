"""A page of open tickets walks the index of its order also where most tickets are finished, as after some years."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from clearline.tickets.list_store import BOUNDS
from clearline.tickets.lists.order import Order
from clearline.tickets.lists.store import Shape
from tests.builders.databases import filled_with, nodes
from tests.builders.lists.many_tickets import FILL, PICK, plan_of_list

STATUSES = "(array['closed', 'in_progress', 'pending', 'resolved'])[1 + t / 7 % 4]"
ORDERS = {Order.PRIORITY: "priority", Order.UPDATED: "updated", Order.STATUS_CHANGED: "status_changed"}


@pytest.fixture(scope="module")
async def filled(postgres: str) -> AsyncIterator[Any]:
    """Fill a database with 40,000 tickets, of which one in twenty is open."""
    assert STATUSES in FILL
    rows = FILL.replace(STATUSES, "case when t % 20 = 1 then 'in_progress' else 'closed' end").replace(
        "(1, 8000)", "(1, 40000)"
    )
    async with filled_with(postgres, rows, "fresh statistics") as connection:
        yield connection


@pytest.mark.parametrize("generic", [False, True], ids=["these values", "any values"])
@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("names", [(), ("unassigned",), ("severities",), ("priorities",)])
async def test_a_page_of_open_tickets_is_not_sorted_from_all(
    filled: Any, names: tuple[str, ...], order: Order, *, newest_first: bool, generic: bool
) -> None:
    await filled.execute(PICK)
    shape = Shape(names, "open", order, BOUNDS[0], newest_first, for_staff=True)
    plan_nodes = list(nodes(await plan_of_list(filled, shape, generic=generic)))
    assert f"ticket_open_{ORDERS[order]}" in {node.get("Index Name") for node in plan_nodes}
    sorts = [node for node in plan_nodes if node["Node Type"] in {"Sort", "Incremental Sort"}]
    assert all(any(part["Node Type"] == "Limit" for part in nodes(node)) for node in sorts)


@pytest.mark.parametrize("generic", [False, True], ids=["these values", "any values"])
@pytest.mark.parametrize("newest_first", [False, True])
async def test_a_page_by_priority_reads_no_other_priorities(filled: Any, *, newest_first: bool, generic: bool) -> None:
    await filled.execute(PICK)
    for names in (("priorities",), ("priorities", "tags"), ("company_id", "priorities")):
        shape = Shape(names, "open", Order.PRIORITY, BOUNDS[0], newest_first, for_staff=True)
        plan_nodes = list(nodes(await plan_of_list(filled, shape, generic=generic)))
        [walk] = [node for node in plan_nodes if node.get("Relation Name") == "ticket"]
        assert walk["Index Name"] == ("ticket_company_priority" if "company_id" in names else "ticket_open_priority")
        assert " >= " in walk["Index Cond"]
        assert " <= " in walk["Index Cond"]
