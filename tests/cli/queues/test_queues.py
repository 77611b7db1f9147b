"""Teams and queues at the command line."""

import json

import pytest

from tests.builders.application import run_command, run_json, run_refused, run_text


@pytest.fixture(scope="module")
def desk(database_url: str) -> str:
    """Add two agents; return the address of the database."""
    for name in ("Ann", "Ben"):
        run_json(database_url, "agent", "add", name, "--email", f"{name.lower()}@example.net")
    return database_url


def test_teams_are_added_filled_and_deleted(desk: str) -> None:
    assert run_text(desk, "team", "add", "NOC") == "Team NOC added.\n"
    assert run_text(desk, "team", "join", "noc", "ann@example.net") == "ann@example.net added to team NOC.\n"
    member = run_json(desk, "team", "join", "NOC", "ben@example.net")
    assert (member["name"], member["email"]) == ("Ben", "ben@example.net")
    [team] = run_json(desk, "team", "list")
    assert [member["name"] for member in team["members"]] == ["Ann", "Ben"]
    assert run_text(desk, "team", "list").splitlines()[1].split() == ["NOC", "2"]
    assert run_text(desk, "team", "available", "ben@example.net", "--no") == "ben@example.net is away.\n"
    members = run_json(desk, "team", "members", "NOC")
    assert [(member["name"], member["role"], member["is_available"]) for member in members] == [
        ("Ann", "agent", True),
        ("Ben", "agent", False),
    ]
    row = run_text(desk, "team", "members", "NOC").splitlines()[2].split()
    assert row == ["Ben", "ben@example.net", "agent", "yes", "no"]
    assert run_json(desk, "team", "available", "ben@example.net", "--yes")["is_available"] is True
    assert run_text(desk, "team", "leave", "NOC", "ben@example.net") == "ben@example.net removed from team NOC.\n"
    assert "member" in run_refused(desk, "team", "leave", "NOC", "ben@example.net")
    assert run_text(desk, "team", "rename", "NOC", "Night") == "Team NOC renamed to Night.\n"
    assert run_json(desk, "team", "list", "--after", "night") == []
    assert run_text(desk, "team", "delete", "Night") == "Team Night deleted.\n"
    assert run_refused(desk, "team", "delete", "Night") == "refused: team Night does not exist\n"


SENDER = ("--sender-name", "Example Ports", "--sender-address", "ports@example.net")


def test_queues_are_added_changed_and_deleted(desk: str) -> None:
    team = run_json(desk, "team", "add", "Core")
    assert run_text(desk, "queue", "add", "Faults") == "Queue Faults added.\n"
    assert "team_id must be given" in run_refused(desk, "queue", "change", "Faults", "--assignment", "round_robin")
    options = ("--team", "Core", "--assignment", "least_loaded", "--name", "Down", *SENDER)
    changed = run_json(desk, "queue", "change", "faults", *options)
    assert changed == {
        "id": changed["id"],
        "name": "Down",
        "description": "",
        "team": {"id": team["id"], "name": "Core"},
        "assignment": "least_loaded",
        "sender_name": "Example Ports",
        "sender_address": "ports@example.net",
        "created_at": changed["created_at"],
    }
    assert run_json(desk, "queue", "list") == [
        {**changed, "open_tickets": 0, "unassigned_tickets": 0, "unreachable_tickets": 0}
    ]
    assert run_text(desk, "queue", "list").splitlines()[1].split() == ["Down", "Core", "least_loaded", "0", "0", "0"]
    assert run_command(desk, "queue", "change", "Down", "--team", "Core", "--no-team").exit_code == 2
    assert "it works Down" in run_refused(desk, "team", "delete", "Core")
    assert run_json(desk, "queue", "change", "Down", "--no-team", "--assignment", "manual")["team"] is None
    assert run_text(desk, "queue", "delete", "Down") == "Queue Down deleted.\n"
    run_text(desk, "team", "delete", "Core")


def test_an_empty_list_is_reported_on_standard_error(desk: str) -> None:
    done = run_command(desk, "queue", "list")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "No queues found.\n")
    assert run_json(desk, "queue", "list") == []


def test_a_list_reports_that_there_are_more_items(desk: str) -> None:
    for name in ("Alpha", "Beta"):
        run_json(desk, "team", "add", name)
    complete = run_command(desk, "team", "list", "--limit", "2", "--json")
    assert (len(json.loads(complete.stdout)), complete.stderr) == (2, "")
    for options in (("--json",), ()):
        part = run_command(desk, "team", "list", "--limit", "1", *options)
        assert (part.exit_code, part.stderr) == (0, "Showing the first 1 teams; use --limit to see more.\n")
        assert "Beta" not in part.stdout
