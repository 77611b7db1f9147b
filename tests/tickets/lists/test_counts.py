"""Counts of lists: exact for what was read, and along the index of the list with any statistics."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from clearline.catalogue.assessment import Priority
from clearline.platform.database.transactions import Database
from clearline.tickets import list_store
from clearline.tickets.domain import Status
from clearline.tickets.list_store import Filter
from clearline.tickets.lists.store import CHECKS, count_driver, count_statement
from clearline.tickets.status_domain import OPEN, State
from tests.builders.databases import BY_NUMBER, nodes
from tests.builders.lists.many_tickets import PICK, TYPES, id_of

INDEXES = {
    ("open", ()): {"ticket_open"},
    ("open", ("assignee_id",)): {"ticket_open_by_assignee"},
    ("open", ("queue_id", "status")): {"ticket_open_by_queue"},
    ("open", ("company_id", "unassigned")): {"ticket_page", "ticket_by_number"},
    ("finished", ("company_id",)): {"ticket_page", "ticket_by_number"},
    ("all", ("company_id", "status")): {"ticket_page", *BY_NUMBER},
    ("open", ("status", "unassigned")): {"ticket_open"},
    ("open", ("priorities",)): {"ticket_open_priority"},
    ("open", ("company_id", "priorities")): {"ticket_company_priority"},
    ("open", ("assignee_id", "priorities")): {"ticket_assignee_priority"},
    ("open", ("queue_id", "priorities", "unassigned")): {"ticket_queue_priority"},
}


@pytest.mark.parametrize("generic", [False, True], ids=["these values", "any values"])
@pytest.mark.parametrize(("state", "names"), INDEXES)
async def test_a_count_walks_the_index_of_its_list(
    known: tuple[str, Any], state: State, names: tuple[str, ...], *, generic: bool
) -> None:
    statistics, connection = known
    await connection.execute(PICK)
    row = await connection.fetchrow("select *, 'pending' as status, '{high}' as priorities from picked")
    driver = count_driver(dict.fromkeys(names, ("high",)), state, for_staff=True)
    bound = [*driver, *(name for name in names if "{}" in CHECKS[True][name] and name not in driver)]
    kinds = {**TYPES, "priorities": "text[]"}
    types = f"({', '.join(kinds.get(name, 'uuid') for name in bound)})" if bound else ""
    values = "(" + ", ".join(f"'{row[name]}'" for name in bound) + ")" if bound else ""
    await connection.execute(f"set plan_cache_mode = force_{'generic' if generic else 'custom'}_plan")
    statement = count_statement((names,), driver, state, 5001, for_staff=True)
    await connection.execute(f"prepare count{types} as {statement}")
    [top] = json.loads(await connection.fetchval(f"explain (format json) execute count{values}"))
    await connection.execute("deallocate count")
    plan_nodes = list(nodes(top["Plan"]))
    assert "ticket" not in {node["Relation Name"] for node in plan_nodes if node["Node Type"] == "Seq Scan"}
    if statistics == "fresh":
        assert INDEXES[state, names] & {node.get("Index Name") for node in plan_nodes}


async def test_many_lists_are_counted_in_one_walk_of_their_index(known: tuple[str, Any]) -> None:
    statistics, connection = known
    lists = (), ("unassigned",), ("priorities", "tags"), ("has_file",), ("statuses",)
    statement = count_statement(lists, (), "open", 2001, for_staff=True)
    await connection.execute("set plan_cache_mode = force_generic_plan")
    await connection.execute(f"prepare counts(text[], text[], text[]) as {statement}")
    values = "('{low}', '{vip}', '{held,pending}')"
    [top] = json.loads(await connection.fetchval(f"explain (format json) execute counts{values}"))
    await connection.execute("deallocate counts")
    walks = [node for node in nodes(top["Plan"]) if node.get("Relation Name") == "ticket"]
    assert len(walks) == 1
    if statistics == "fresh":
        assert walks[0]["Index Name"] == "ticket_open"


@pytest.mark.parametrize("walked", [5, 300, 10_000])
@pytest.mark.parametrize("name", ["all", "company", "queue", "priority", "priorities", "nobody", "statuses", "tag"])
async def test_a_count_is_exact_for_the_tickets_that_were_read(
    tickets: list[Any], database: Database, name: str, walked: int
) -> None:
    """With ``walked`` below the length of the list, the newest are read."""
    cases: dict[str, tuple[Filter, Callable[[Any], bool], Callable[[Any], Any]]] = {
        "all": (Filter(), lambda _row: True, lambda _row: True),
        "company": (Filter(company_id=id_of("company1")), lambda _row: True, lambda row: row["company_id"]),
        "queue": (
            Filter(queue_id=id_of("queue2"), priorities=(Priority.LOW,)),
            lambda _row: True,
            lambda row: row["queue_id"] if row["priority"] == "low" else None,
        ),
        "priority": (
            Filter(priorities=(Priority.HIGH,), unassigned=True),
            lambda row: row["assignee_id"] is None,
            lambda row: row["priority"] == "high",
        ),
        "priorities": (
            Filter(queue_id=id_of("queue2"), priorities=(Priority.LOW, Priority.HIGH)),
            lambda row: row["priority"] in {"low", "high"},
            lambda row: row["queue_id"],
        ),
        "nobody": (Filter(unassigned=True), lambda row: row["assignee_id"] is None, lambda _row: True),
        "statuses": (
            Filter(statuses=(Status.PENDING, Status.RESOLVED)),
            lambda row: row["status"] in {"pending", "resolved"},
            lambda _row: True,
        ),
        "tag": (Filter(tags=("vip",)), lambda row: "vip" in row["tags"], lambda _row: True),
    }
    ticket_filter, matches, drives = cases[name]
    driver = ticket_filter.company_id or ticket_filter.queue_id or True
    listed = [row for row in tickets if row["status"] in OPEN and drives(row) == driver][::-1]
    async with database.statement() as tx:
        others = [each[0] for each in cases.values()]
        counts = await list_store.count(tx, [ticket_filter, *others, ticket_filter], for_staff=True, walked=walked)
    expected = sum(map(matches, listed[: walked + 1])), len(listed) <= walked
    assert counts[0] == counts[-1] == counts[1 + list(cases).index(name)] == expected
