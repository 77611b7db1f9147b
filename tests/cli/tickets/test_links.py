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
    """A customer, and an agent of the provider."""
    run_json(database_url, "agent", "add", "Nia", "--email", AGENT)
    return await new_tenant(database)


@pytest.fixture
async def numbers(database: Database, customer: Tenant) -> list[str]:
    """Three tickets of a customer."""
    async with database.transaction() as tx:
        return [ticket_number(await raised(tx, customer, f"Ticket {index}")) for index in range(3)]


def test_tickets_are_linked_and_unlinked(database_url: str, numbers: list[str]) -> None:
    here, there, _ = numbers
    added = run_json(database_url, "ticket", "link", here, "parent_of", there)
    assert added["type"] == "parent_of"
    assert added["ticket"] == {"number": there, "title": "Ticket 1", "status": "acknowledged"}
    [seen] = run_json(database_url, "ticket", "links", there)
    assert (seen["id"], seen["type"], seen["ticket"]["number"]) == (added["id"], "child_of", here)
    assert run_json(database_url, "ticket", "unlink", there, added["id"]) is None
    assert run_json(database_url, "ticket", "links", here) == []


def test_a_ticket_is_merged_and_unmerged(database_url: str, numbers: list[str]) -> None:
    here, there, _ = numbers
    merged = run_json(database_url, "ticket", "merge", here, there, "--reason", "same fibre")
    assert (merged["status"], merged["merged_into"]) == ("closed", there)
    unmerged = run_json(database_url, "ticket", "unmerge", here)
    assert (unmerged["status"], unmerged["merged_into"]) == ("acknowledged", None)
    history = run_json(database_url, "ticket", "history", here)
    assert {"before": "acknowledged", "after": "closed", "reason": "same fibre"} in [one["data"] for one in history]


def test_a_ticket_is_split(database_url: str, numbers: list[str]) -> None:
    here = numbers[0]
    note = run_json(database_url, "ticket", "note", here, "B is down too")["id"]
    assert [one["id"] for one in run_json(database_url, "ticket", "notes", here)] == [note]
    options = ("--title", "B is down", "--description", "Since noon", "--note", note)
    created = run_json(database_url, "ticket", "split", here, *options)
    notes = run_json(database_url, "ticket", "notes", created["number"])
    assert [one["text"] for one in notes] == ["B is down too", f"Split off from {here} (Ticket 0)"]
    [link] = run_json(database_url, "ticket", "links", here)
    assert (link["type"], link["ticket"]["number"]) == ("split_into", created["number"])


def test_people_watch_tickets(database_url: str, customer: Tenant, numbers: list[str]) -> None:
    here = numbers[0]
    for email in (AGENT, customer.user.email):
        assert run_json(database_url, "ticket", "watch", here, "--user", email)["email"] == email
    watchers = run_json(database_url, "ticket", "watchers", here)
    assert {one["email"] for one in watchers} == {AGENT, customer.user.email}
    assert run_json(database_url, "ticket", "unwatch", here, "--user", AGENT) is None
    assert run_json(database_url, "ticket", "unwatch", here, "--user", AGENT) is None
    watchers = run_json(database_url, "ticket", "watchers", here)
    assert [one["email"] for one in watchers] == [customer.user.email]


def test_people_read_sentences_and_tables(database_url: str, numbers: list[str]) -> None:
    here, there, _ = numbers
    for arguments, text in (
        (("ticket", "link", here, "related", there), f"{here} related {there}: link "),
        (("ticket", "links", here), there),
        (("ticket", "merge", here, there), f"{here} merged into {there} and closed.\n"),
        (("ticket", "unmerge", here), f"Merge of {here} undone; its status is acknowledged.\n"),
        (("ticket", "watch", here, "--user", AGENT), f"Nia watches {here}.\n"),
        (("ticket", "watchers", here), AGENT),
        (("ticket", "unwatch", here, "--user", AGENT), f"{AGENT} no longer watches {here}.\n"),
        (("ticket", "unwatch", here, "--user", AGENT), f"{AGENT} did not watch {here}.\n"),
        (("ticket", "split", here, "--title", "T", "--description", "D"), f" split off from {here}.\n"),
    ):
        assert text in run_text(database_url, *arguments)


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("ticket", "link", "seven", "related", ONE), 1, "refused: ticket seven does not exist"),
        (("ticket", "link", ONE, "split_into", "INC000000000002"), 2, "Invalid value"),
        (("ticket", "merge", ONE, ONE), 1, "refused: a ticket cannot be merged into itself"),
        (("ticket", "split", ONE, "--title", "T", "--description", "D", "--note", "7"), 1, "refused: note 7"),
    ],
)  # fmt: skip
def test_a_refusal_has_its_status(database_url: str, arguments: tuple[str, ...], status: int, message: str) -> None:
    done = run_command(database_url, *arguments)
    assert (done.exit_code, done.stdout) == (status, "")
    assert message in done.stderr
