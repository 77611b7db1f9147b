import asyncio
import json
import os
from typing import Any

import pytest
from click.testing import CliRunner, Result

from clearline.accounts import usecases as accounts
from clearline.cli.main import main
from clearline.identity import OPERATOR, Role
from clearline.platform.database.transactions import Database
from clearline.tickets.domain import ticket_number
from tests.builders.people import NOW, Tenant, new_tenant
from tests.builders.tickets import raised


async def a_desk(url: str) -> tuple[Tenant, str]:
    database = await Database.open(url, size=2)
    try:
        tenant = await new_tenant(database, "Birch Telecom")
        async with database.transaction() as tx:
            for name in ("Ann", "Ben"):
                email = f"{name.lower()}@example.net"
                await accounts.add_user(
                    tx, OPERATOR, "PROVIDER", name=name, email=email, phone="", role=Role.AGENT, now=NOW
                )
            return tenant, ticket_number(await raised(tx, tenant))
    finally:
        await database.close()


@pytest.fixture(scope="module")
def desk(database_url: str) -> tuple[Tenant, str]:
    """A company, two agents, and a ticket's number."""
    return asyncio.run(a_desk(database_url))


@pytest.fixture
def number(desk: tuple[Tenant, str]) -> str:
    return desk[1]


@pytest.fixture(autouse=True)
def _environment(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLEARLINE_DATABASE_URL", database_url)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def told(*arguments: str) -> Any:
    """What a command that works prints as JSON."""
    done = run(*arguments, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def said(*arguments: str) -> str:
    """What a command that works prints for people."""
    done = run(*arguments)
    assert done.exit_code == 0, done.output
    return done.stdout


def refused(*arguments: str) -> str:
    done = run(*arguments)
    assert done.exit_code == 1, done.output
    assert done.stdout == ""
    return done.stderr


def test_teams_are_made_filled_and_deleted(desk: tuple[Tenant, str]) -> None:
    assert desk
    assert said("team", "add", "NOC") == "Team NOC added.\n"
    assert said("team", "join", "noc", "ann@example.net") == "ann@example.net is in team NOC.\n"
    team = told("team", "join", "NOC", "ben@example.net")
    assert [one["name"] for one in team["members"]] == ["Ann", "Ben"]
    assert told("team", "list") == [team]
    assert said("team", "list").splitlines()[1].split() == ["NOC", "2"]
    assert said("team", "available", "ben@example.net", "--no") == "ben@example.net is away.\n"
    members = told("team", "members", "NOC")
    assert [(one["name"], one["role"], one["isAvailable"]) for one in members] == [
        ("Ann", "agent", True),
        ("Ben", "agent", False),
    ]
    assert said("team", "members", "NOC").splitlines()[2].split() == ["Ben", "ben@example.net", "agent", "yes", "no"]
    assert told("team", "available", "ben@example.net", "--yes")["isAvailable"] is True
    assert said("team", "leave", "NOC", "ben@example.net") == "ben@example.net is out of team NOC.\n"
    assert "member" in refused("team", "leave", "NOC", "ben@example.net")
    assert said("team", "rename", "NOC", "Night") == "Team NOC is called Night now.\n"
    assert told("team", "list", "--after", "night") == []
    assert said("team", "delete", "Night") == "Team Night deleted.\n"
    assert refused("team", "delete", "Night") == "refused: team Night does not exist\n"


def test_queues_are_made_changed_and_deleted(desk: tuple[Tenant, str]) -> None:
    assert desk
    said("team", "add", "Core")
    assert said("queue", "add", "Faults") == "Queue Faults added.\n"
    assert "team_id must be given" in refused("queue", "change", "Faults", "--assignment", "round_robin")
    changed = told("queue", "change", "faults", "--team", "Core", "--assignment", "least_loaded", "--name", "Down")
    assert changed == {
        "id": changed["id"],
        "name": "Down",
        "description": "",
        "team": "Core",
        "assignment": "least_loaded",
        "openTickets": 0,
        "unassignedTickets": 0,
        "createdAt": changed["createdAt"],
    }
    assert told("queue", "list") == [changed]
    assert said("queue", "list").splitlines()[1].split() == ["Down", "Core", "least_loaded", "0", "0"]
    assert run("queue", "change", "Down", "--team", "Core", "--no-team").exit_code == 2
    assert "it works Down" in refused("team", "delete", "Core")
    assert told("queue", "change", "Down", "--no-team", "--assignment", "manual")["team"] is None
    assert said("queue", "delete", "Down") == "Queue Down deleted.\n"
    said("team", "delete", "Core")


def test_rules_route_tickets_and_tell_beforehand(number: str) -> None:
    said("team", "add", "Access")
    said("team", "join", "Access", "ann@example.net")
    said("queue", "add", "Ports", "--team", "Access", "--assignment", "round_robin")
    assert said("route", "add", "Spare", "--queue", "Ports", "--inactive") == "Rule Spare added at 1.\n"
    added = told(
        "route", "add", "Slow ports", "--queue", "ports", "--issue", "Slow Response", "--service", "Port",
        "--company", "Birch Telecom", "--priority", "medium", "--keyword", "slow", "--position", "1",
    )  # fmt: skip
    assert (added["position"], added["keywords"], added["issueTypes"]) == (1, ["slow"], ["Slow Response"])
    [_heading, first, second] = said("route", "list").splitlines()
    assert first.strip().split("  ")[-1].strip() == (
        "issue: Slow Response; service: Port; priority: medium; keyword: slow; company: 1 named"
    )
    assert second.strip().split("  ")[-1].strip() == "every ticket"
    assert told("route", "test", "--ticket", number) == {
        "rules": [
            {"position": 1, "name": "Slow ports", "matched": True, "failed": []},
            {"position": 2, "name": "Spare", "matched": False, "failed": ["active"]},
        ],
        "queue": "Ports",
        "assignee": "Ann",
        "why": "has the first turn",
    }
    shown = said("route", "test", "--issue", "Others", "--service", "Port", "--title", "Slow", "--description", "x")
    assert "fails by issue, company, priority" in shown.replace("service, ", "")
    assert shown.endswith("Queue: none\nAgent: none (no rule matches)\n")
    thought_of = ("--issue", "Others", "--service", "Port", "--company", "Birch Telecom", "--priority", "medium")
    assert told("route", "test", *thought_of)["rules"][0]["failed"] == ["issue", "keyword"]
    assert run("route", "test", "--issue", "Others").exit_code == 2
    assert told("route", "ticket", number) == {"number": number, "queue": "Ports", "assignee": "Ann"}
    assert "it has 1 open ticket" in refused("queue", "delete", "Ports")
    assert told("route", "change", "1", "--any", "issue", "--any", "company", "--keyword", "bgp", "--inactive") == {
        **added,
        "issueTypes": [],
        "companies": [],
        "keywords": ["bgp"],
        "isActive": False,
    }
    assert said("route", "change", added["id"], "--active", "--name", "Ports") == "Rule Ports is as it should be.\n"
    assert said("route", "move", "1", "2") == "Rule Ports stands at 2.\n"
    assert [one["name"] for one in told("route", "list", "--after", "1")] == ["Ports"]
    assert said("route", "delete", "2") == "Rule Ports deleted.\n"
    for nothing in ("2", "0", "x", "00000000-0000-4000-8000-000000000042"):
        assert refused("route", "delete", nothing) == f"refused: routing rule {nothing} does not exist\n"
    said("route", "delete", "1")


def test_a_ticket_is_given_to_people(number: str) -> None:
    told("ticket", "assign", number, "--nobody")
    given = said("ticket", "assign", number, "--to", "ben@example.net")
    assert given.startswith(f"{number} is in ")
    assert given.endswith(", and Ben has it.\n")
    assert told("ticket", "assign", number, "--nobody")["assignee"] is None
    assert run("ticket", "assign", number).exit_code == 2
    assert run("ticket", "assign", number, "--nobody", "--to", "ben@example.net").exit_code == 2
    assert refused("ticket", "assign", number, "--to", "eve@example.net") == (
        "refused: user eve@example.net does not exist\n"
    )


def test_a_ticket_is_given_to_whoever_is_next(desk: tuple[Tenant, str]) -> None:
    tenant, _number = desk

    async def another() -> str:
        database = await Database.open(os.environ["CLEARLINE_DATABASE_URL"], size=2)
        async with database.transaction() as tx:
            found = ticket_number(await raised(tx, tenant))
        await database.close()
        return found

    number = asyncio.run(another())
    assert "it is in no queue" in refused("ticket", "assign", number, "--mode", "round_robin")
    said("team", "add", "Second line")
    for name in ("ann", "ben"):
        said("team", "join", "Second line", f"{name}@example.net")
    said("queue", "add", "Second line", "--team", "Second line")
    said("route", "add", "All", "--queue", "Second line")
    said("route", "ticket", number)
    found = [told("ticket", "assign", number, "--mode", "round_robin")["assignee"] for _ in range(3)]
    assert found == ["Ann", "Ben", "Ann"]
