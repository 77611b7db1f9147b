"""Links, merges, splits and watchers at the command line."""

import pytest

from clearline.platform.database.transactions import Database
from clearline.tickets.domain import ticket_number
from tests.builders.application import run_command, run_json, run_text
from tests.builders.people import Tenant, new_tenant
from tests.builders.tickets import raised

AGENT = "nia@example.net"
ONE = "INC000000000001"


@pytest.fixture(scope="module")
async def customer(database: Database, database_url: str) -> Tenant:
    """Add an agent of the provider; return a customer."""
    run_json(database_url, "agent", "add", "Nia", "--email", AGENT)
    return await new_tenant(database)


@pytest.fixture
async def numbers(database: Database, customer: Tenant) -> list[str]:
    """Return the numbers of three tickets of a customer."""
    async with database.transaction() as tx:
        return [ticket_number(await raised(tx, customer, f"Ticket {index}")) for index in range(3)]


def test_tickets_are_linked_and_unlinked(database_url: str, numbers: list[str]) -> None:
    source, target, _ = numbers
    added = run_json(database_url, "ticket", "link", source, "parent_of", target)
    assert added["type"] == "parent_of"
    assert added["ticket"] == {"number": target, "title": "Ticket 1", "status": "acknowledged"}
    [linked] = run_json(database_url, "ticket", "links", target)
    assert (linked["id"], linked["type"], linked["ticket"]["number"]) == (added["id"], "child_of", source)
    assert run_json(database_url, "ticket", "unlink", target, added["id"]) is None
    assert run_json(database_url, "ticket", "links", source) == []


def test_a_ticket_is_merged_and_unmerged(database_url: str, numbers: list[str]) -> None:
    source, target, _ = numbers
    merged = run_json(database_url, "ticket", "merge", source, target, "--reason", "same fibre")
    assert (merged["status"], merged["merged_into"]) == ("closed", target)
    unmerged = run_json(database_url, "ticket", "unmerge", source)
    assert (unmerged["status"], unmerged["merged_into"]) == ("acknowledged", None)
    history = run_json(database_url, "ticket", "history", source)
    assert {"before": "acknowledged", "after": "closed", "reason": "same fibre"} in [event["data"] for event in history]


def test_a_ticket_is_split(database_url: str, numbers: list[str]) -> None:
    number = numbers[0]
    note = run_json(database_url, "ticket", "note", number, "B is down too")["id"]
    assert [note["id"] for note in run_json(database_url, "ticket", "notes", number)] == [note]
    options = ("--title", "B is down", "--description", "Since noon", "--note", note)
    created = run_json(database_url, "ticket", "split", number, *options)
    notes = run_json(database_url, "ticket", "notes", created["number"])
    assert [note["text"] for note in notes] == ["B is down too", f"Split off from {number} (Ticket 0)"]
    [link] = run_json(database_url, "ticket", "links", number)
    assert (link["type"], link["ticket"]["number"]) == ("split_into", created["number"])


def test_watchers_are_added_listed_and_removed(database_url: str, customer: Tenant, numbers: list[str]) -> None:
    number = numbers[0]
    for email in (AGENT, customer.user.email):
        assert run_json(database_url, "ticket", "watch", number, "--user", email)["email"] == email
    watchers = run_json(database_url, "ticket", "watchers", number)
    assert {watcher["email"] for watcher in watchers} == {AGENT, customer.user.email}
    assert run_json(database_url, "ticket", "unwatch", number, "--user", AGENT) is None
    assert run_json(database_url, "ticket", "unwatch", number, "--user", AGENT) is None
    watchers = run_json(database_url, "ticket", "watchers", number)
    assert [watcher["email"] for watcher in watchers] == [customer.user.email]


def test_without_json_the_output_is_sentences_and_tables(database_url: str, numbers: list[str]) -> None:
    source, target, _ = numbers
    for arguments, text in (
        (("ticket", "link", source, "related", target), f"{source} related {target}: link "),
        (("ticket", "links", source), target),
        (("ticket", "merge", source, target), f"{source} merged into {target} and closed.\n"),
        (("ticket", "unmerge", source), f"Merge of {source} undone; its status is acknowledged.\n"),
        (("ticket", "watch", source, "--user", AGENT), f"Nia watches {source}.\n"),
        (("ticket", "watchers", source), AGENT),
        (("ticket", "unwatch", source, "--user", AGENT), f"{AGENT} no longer watches {source}.\n"),
        (("ticket", "unwatch", source, "--user", AGENT), f"{AGENT} did not watch {source}.\n"),
        (("ticket", "split", source, "--title", "T", "--description", "D"), f" split off from {source}.\n"),
    ):
        assert text in run_text(database_url, *arguments)


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("ticket", "link", "seven", "related", ONE), 1, "refused: ticket seven does not exist"),
        (("ticket", "link", ONE, "split_into", "INC000000000002"), 2, "Invalid value"),
        (("ticket", "merge", ONE, ONE), 1, "refused: a ticket cannot be merged into itself"),
        (("ticket", "split", ONE, "--title", "T", "--description", "D", "--note", "x"), 1, "refused: note x"),
        (("ticket", "split", ONE, "--title", "T", "--description", "D", "--note", "7"), 1, "refused: notes must be"),
    ],
)  # fmt: skip
def test_a_refusal_has_an_exit_status_and_a_message(
    database_url: str, arguments: tuple[str, ...], status: int, message: str
) -> None:
    done = run_command(database_url, *arguments)
    assert (done.exit_code, done.stdout) == (status, "")
    assert message in done.stderr
