"""Routing rules and the assignment of tickets at the command line."""

import asyncio

import pytest

from clearline.platform.database.transactions import Database
from clearline.tickets.domain import ticket_number
from tests.builders.application import run_command, run_json, run_refused, run_text
from tests.builders.people import Tenant, new_tenant
from tests.builders.tickets import raised


async def _raise_ticket(url: str, tenant: Tenant | None = None) -> tuple[Tenant, str]:
    database = await Database.open(url, size=2)
    try:
        tenant = tenant or await new_tenant(database, "Birch Telecom")
        async with database.transaction() as tx:
            return tenant, ticket_number(await raised(tx, tenant))
    finally:
        await database.close()


@pytest.fixture(scope="module")
def desk(database_url: str) -> tuple[Tenant, str]:
    """Add a company and two agents; return the company and the number of a ticket."""
    for name in ("Ann", "Ben"):
        run_json(database_url, "agent", "add", name, "--email", f"{name.lower()}@example.net")
    return asyncio.run(_raise_ticket(database_url))


@pytest.fixture
def number(desk: tuple[Tenant, str]) -> str:
    return desk[1]


def test_rules_route_tickets_and_can_be_previewed(database_url: str, number: str) -> None:
    url = database_url
    run_text(url, "team", "add", "Access")
    ann = run_json(url, "team", "join", "Access", "ann@example.net")
    queue = run_json(url, "queue", "add", "Ports", "--team", "Access", "--assignment", "round_robin")
    spare = run_text(url, "route", "add", "Spare", "--queue", "Ports", "--inactive")
    assert spare == "Rule Spare added at position 1.\n"
    added = run_json(
        url, "route", "add", "Slow ports", "--queue", "ports", "--issue", "Slow Response", "--service", "Port",
        "--company", "Birch Telecom", "--priority", "medium", "--keyword", "slow", "--position", "1",
    )  # fmt: skip
    assert (added["position"], added["keywords"], added["issue_types"]) == (1, ["slow"], ["Slow Response"])
    [_heading, first, second] = run_text(url, "route", "list").splitlines()
    assert first.strip().split("  ")[-1].strip() == (
        "issue: Slow Response; service: Port; priority: medium; keyword: slow; company: one of 1"
    )
    assert second.strip().split("  ")[-1].strip() == "every ticket"
    rules = run_json(url, "route", "list")
    assert run_json(url, "route", "test", "--ticket", number) == {
        "rules": [
            {"rule": {"id": added["id"], "name": "Slow ports"}, "position": 1, "matched": True, "failed": []},
            {"rule": {"id": rules[1]["id"], "name": "Spare"}, "position": 2, "matched": False, "failed": ["is_active"]},
        ],
        "rule": {"id": added["id"], "name": "Slow ports"},
        "queue": {"id": queue["id"], "name": "Ports"},
        "assignee": {"id": ann["id"], "name": "Ann"},
        "why": "has the first turn",
    }
    shown = run_text(url, "route", "test", "--issue", "Others", "--service", "Port", "--title", "Slow",
                     "--description", "x")  # fmt: skip
    assert "does not match: issue, company, priority" in shown.replace("service, ", "")
    assert shown.endswith("Queue: none\nAgent: none (no rule matches)\n")
    values = ("--issue", "Others", "--service", "Port", "--company", "Birch Telecom", "--priority", "medium")
    assert run_json(url, "route", "test", *values)["rules"][0]["failed"] == ["issue_types", "keywords"]
    assert run_command(url, "route", "test", "--issue", "Others").exit_code == 2
    routed = run_json(url, "route", "ticket", number)
    assert (routed["number"], routed["queue"]["name"], routed["assignee"]["name"]) == (number, "Ports", "Ann")
    assert run_text(url, "route", "ticket", number) == f"{number} is in Ports, assigned to Ann.\n"
    assert "it has 1 open ticket" in run_refused(url, "queue", "delete", "Ports")
    for _ in range(2):
        run_text(url, "route", "delete", "1")


def test_rules_are_changed_moved_and_deleted(database_url: str, desk: tuple[Tenant, str]) -> None:
    url = database_url
    run_text(url, "queue", "add", "Core")
    run_text(url, "route", "add", "Spare", "--queue", "Core")
    conditions = (
        "--issue",
        "Slow Response",
        "--company",
        desk[0].company.code,
        "--keyword",
        "slow",
        "--priority",
        "low",
    )
    added = run_json(url, "route", "add", "Slow", "--queue", "Core", *conditions, "--position", "1")
    options = ("--any", "issue", "--any", "company", "--keyword", "bgp", "--inactive")
    assert run_json(url, "route", "change", "1", *options) == {
        **added,
        "issue_types": [],
        "companies": [],
        "keywords": ["bgp"],
        "is_active": False,
    }
    assert run_text(url, "route", "change", added["id"], "--active", "--name", "Ports") == (
        "Rule Ports changed: name: Slow -> Ports; is_active: no -> yes.\n"
    )
    assert run_text(url, "route", "move", "1", "2") == "Rule Ports moved to position 2.\n"
    assert [rule["name"] for rule in run_json(url, "route", "list", "--after", "1")] == ["Ports"]
    assert run_text(url, "route", "delete", "2") == "Rule Ports deleted.\n"
    for nothing in ("2", "0", "x", "00000000-0000-4000-8000-000000000042"):
        assert run_refused(url, "route", "delete", nothing) == f"refused: routing rule {nothing} does not exist\n"
    run_text(url, "route", "delete", "1")


def test_a_ticket_is_assigned_to_people(database_url: str, number: str) -> None:
    url = database_url
    run_json(url, "ticket", "assign", number, "--nobody")
    assert run_text(url, "ticket", "assign", number, "--to", "ben@example.net") == f"{number} assigned to Ben.\n"
    assert run_text(url, "ticket", "assign", number, "--nobody") == f"{number} is unassigned.\n"
    assert run_json(url, "ticket", "assign", number, "--nobody")["assignee"] is None
    assert run_command(url, "ticket", "assign", number).exit_code == 2
    assert run_command(url, "ticket", "assign", number, "--nobody", "--to", "ben@example.net").exit_code == 2
    assert run_refused(url, "ticket", "assign", number, "--to", "eve@example.net") == (
        "refused: user eve@example.net does not exist\n"
    )


def test_a_ticket_is_assigned_to_the_next_agent(database_url: str, desk: tuple[Tenant, str]) -> None:
    url = database_url
    _tenant, number = asyncio.run(_raise_ticket(url, desk[0]))
    assert "it is in no queue" in run_refused(url, "ticket", "assign", number, "--mode", "round_robin")
    run_text(url, "team", "add", "Second line")
    for name in ("ann", "ben"):
        run_text(url, "team", "join", "Second line", f"{name}@example.net")
    run_text(url, "queue", "add", "Second line", "--team", "Second line")
    run_text(url, "route", "add", "All", "--queue", "Second line")
    run_text(url, "route", "ticket", number)
    assigned = [run_json(url, "ticket", "assign", number, "--mode", "round_robin") for _ in range(3)]
    assert [ticket["assignee"]["name"] for ticket in assigned] == ["Ann", "Ben", "Ann"]


def test_a_rule_behind_a_catch_all_gets_nothing_and_is_named(database_url: str) -> None:
    url = database_url
    for _ in run_json(url, "route", "list"):
        run_text(url, "route", "delete", "1")
    run_json(url, "queue", "add", "Any")
    behind = "Rule {} at position {} gets no ticket: rule All at position {} takes them all.\n"
    assert run_command(url, "route", "add", "BGP", "--queue", "Any", "--keyword", "bgp").stderr == ""
    assert run_command(url, "route", "add", "All", "--queue", "Any").stderr == ""
    late = run_command(url, "route", "add", "Late", "--queue", "Any", "--priority", "low")
    assert (late.stdout, late.stderr) == ("Rule Late added at position 3.\n", behind.format("Late", 3, 2))
    moved = run_command(url, "route", "move", "2", "1")
    assert moved.stderr == behind.format("BGP", 2, 1)
    [_heading, _all, bgp, low] = run_text(url, "route", "list").splitlines()
    assert bgp.endswith("keyword: bgp (gets no ticket: rule All at position 1 takes them all)")
    assert low.endswith("priority: low (gets no ticket: rule All at position 1 takes them all)")
    values = ("--issue", "Others", "--service", "Port", "--title", "BGP is down", "--priority", "high")
    tested = [line.split("  ")[-1].strip() for line in run_text(url, "route", "test", *values).splitlines()[1:4]]
    assert tested == ["matches, and decides", "matches, but rule 1 decides", "does not match: priority"]
    assert run_command(url, "route", "change", "1", "--inactive").stderr == ""
    assert run_command(url, "route", "change", "1", "--active").stderr == behind.format("BGP", 2, 1) + behind.format(
        "Late", 3, 1
    )
