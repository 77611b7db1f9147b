"""Links, merges, splits, followers, macros and views at the command line, in the test's own process."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
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

AGENT = "nia@example.net"
ONE = "INC000000000001"
Tell = Callable[..., Awaitable[Any]]


async def run(url: str, *arguments: str) -> Result:
    others: dict[str, str | None] = {name: None for name in os.environ if name.startswith("CLEARLINE_")}
    runner = CliRunner(env={**others, "CLEARLINE_DATABASE_URL": url})
    return await asyncio.to_thread(runner.invoke, main, arguments, catch_exceptions=False)


@pytest.fixture(scope="module")
async def customer(database: Database) -> Tenant:
    async with database.transaction() as tx:
        await accounts.add_user(tx, OPERATOR, "PROVIDER", name="Nia", email=AGENT, phone="", role=Role.AGENT, now=NOW)
    return await new_tenant(database)


@pytest.fixture
async def numbers(database: Database, customer: Tenant) -> list[str]:
    """Three tickets of a customer."""
    async with database.transaction() as tx:
        return [ticket_number(await raised(tx, customer, f"Ticket {index}")) for index in range(3)]


@pytest.fixture
def tell(database_url: str) -> Tell:
    """Runs a command that works, and answers what it prints as JSON."""

    async def telling(*arguments: str) -> Any:
        done = await run(database_url, *arguments, "--json")
        assert done.exit_code == 0, done.stderr
        return json.loads(done.stdout)

    return telling


async def test_tickets_are_linked_and_unlinked(tell: Tell, numbers: list[str]) -> None:
    here, there, _ = numbers
    made = await tell("ticket", "link", here, "parent_of", there)
    assert (made["type"], made["ticket"], made["title"]) == ("parent_of", there, "Ticket 1")
    [seen] = await tell("ticket", "links", there)
    assert (seen["id"], seen["type"], seen["ticket"]) == (made["id"], "child_of", here)
    assert await tell("ticket", "unlink", there, made["id"]) == {"id": made["id"], "deleted": True}
    assert await tell("ticket", "links", here) == []


async def test_a_ticket_is_merged_and_comes_back(tell: Tell, numbers: list[str]) -> None:
    here, there, _ = numbers
    merged = await tell("ticket", "merge", here, there, "--reason", "same fibre")
    assert (merged["status"], merged["mergedInto"]) == ("closed", there)
    back = await tell("ticket", "unmerge", here)
    assert (back["status"], back["mergedInto"]) == ("acknowledged", None)
    history = (await tell("ticket", "show", here))["history"]
    assert {"before": "acknowledged", "after": "closed", "reason": "same fibre"} in [one["data"] for one in history]


async def test_a_ticket_is_split(tell: Tell, numbers: list[str]) -> None:
    here = numbers[0]
    await tell("ticket", "note", here, "B is down too")
    page = (await tell("ticket", "show", here))["notes"]
    note = f"WLG{page[0]['number']:012d}"
    made = await tell("ticket", "split", here, "--title", "B is down", "--description", "Since noon", "--note", note)
    shown = await tell("ticket", "show", made["number"])
    assert [one["text"] for one in shown["notes"]] == ["B is down too", f"Split off from {here} (Ticket 0)"]
    [link] = await tell("ticket", "links", here)
    assert (link["type"], link["ticket"]) == ("split_into", made["number"])


async def test_people_follow_tickets(tell: Tell, customer: Tenant, numbers: list[str]) -> None:
    here = numbers[0]
    for email in (AGENT, customer.user.email):
        assert (await tell("ticket", "watch", here, "--user", email))["email"] == email
    assert {one["email"] for one in await tell("ticket", "watchers", here)} == {AGENT, customer.user.email}
    assert await tell("ticket", "unwatch", here, "--user", AGENT) == {"stopped": True}
    assert await tell("ticket", "unwatch", here, "--user", AGENT) == {"stopped": False}
    assert [one["email"] for one in await tell("ticket", "watchers", here)] == [customer.user.email]


async def test_macros_are_kept_used_changed_and_deleted(tell: Tell, numbers: list[str]) -> None:
    here = numbers[0]
    text = "Hello {{contact.name}}, we look at {{service.id}}."
    options = ("--text", text, "--internal", "--status", "in_progress", "--priority", "high", "--tag", "fibre")
    made = await tell("macro", "add", "On it", *options)
    assert made == {
        "id": made["id"],
        "name": "On it",
        "text": text,
        "visibility": "internal",
        "status": "in_progress",
        "queueId": None,
        "priority": "high",
        "addTags": ["fibre"],
    }
    filled = "Hello Ada Okoro, we look at SVC-1."
    shown = await tell("macro", "apply", "on it", here, "--dry-run")
    assert (shown["text"], shown["note"], shown["applied"]) == (filled, None, False)
    assert shown["ticket"] == {"number": here, "status": "acknowledged"}
    used = await tell("macro", "apply", "On it", here)
    assert (used["text"], used["ticket"]["status"], used["applied"]) == (filled, "in_progress", True)
    [note] = (await tell("ticket", "show", here))["notes"]
    assert (note["text"], note["visibility"]) == (filled, "internal")
    changed = await tell("macro", "change", "On it", "--name", "Taken", "--status", "none", "--public", "--no-tags")
    assert changed == {**made, "name": "Taken", "status": None, "visibility": "public", "addTags": []}
    assert await tell("macro", "list") == [changed]
    assert await tell("macro", "delete", "Taken") == {"id": made["id"], "deleted": True}
    assert await tell("macro", "list") == []


async def test_views_are_kept_for_people(tell: Tell, customer: Tenant) -> None:
    own = await tell("view", "add", "Mine", "fibre", "--user", AGENT)
    shared = await tell("view", "add", "Ours", "status:open", "--shared", "--user", AGENT)
    assert [one["name"] for one in await tell("view", "list", "--user", AGENT)] == ["Mine", "Ours"]
    whose = ("--company", customer.company.code, "--user", customer.user.email)
    assert await tell("view", "list", *whose) == []
    changed = await tell("view", "change", shared["id"], "--query", "status:held", "--own", "--user", AGENT)
    assert changed == {**shared, "query": "status:held", "shared": False}
    for one in (own, shared):
        assert await tell("view", "delete", one["id"], "--user", AGENT) == {"id": one["id"], "deleted": True}
    assert await tell("view", "list", "--user", AGENT) == []


async def test_people_read_sentences_and_tables(database_url: str, numbers: list[str]) -> None:
    here, there, _ = numbers
    steps = [
        (("ticket", "link", here, "related", there), f"{here} related {there}: link "),
        (("ticket", "links", here), there),
        (("ticket", "merge", here, there), f"{here} was merged into {there} and is closed.\n"),
        (("ticket", "unmerge", here), f"{here} is acknowledged again.\n"),
        (("ticket", "watch", here, "--user", AGENT), f"Nia follows {here}.\n"),
        (("ticket", "watchers", here), AGENT),
        (("ticket", "unwatch", here, "--user", AGENT), f"{AGENT} follows {here} no more.\n"),
        (("ticket", "unwatch", here, "--user", AGENT), f"{AGENT} did not follow {here}.\n"),
        (("ticket", "split", here, "--title", "T", "--description", "D"), f" was split off from {here}.\n"),
        (("macro", "add", "Hi", "--text", "Hello\nthere", "--status", "pending"), "Macro Hi kept.\n"),
        (("macro", "list"), "Hello"),
        (("macro", "apply", "Hi", here, "--dry-run"), "Hello\nthere\n\nNothing was done.\n"),
        (("macro", "apply", "Hi", here), f"{here} is pending.\n"),
        (("macro", "delete", "Hi"), "Macro Hi deleted.\n"),
        (("view", "add", "Mine", "fibre", "--user", AGENT), "View Mine kept as "),
        (("view", "list", "--user", AGENT), "own"),
    ]
    for arguments, text in steps:
        done = await run(database_url, *arguments)
        assert (done.exit_code, done.stderr) == (0, "")
        assert text in done.stdout


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("ticket", "link", "seven", "related", ONE), 1, "refused: ticket seven does not exist"),
        (("ticket", "link", ONE, "split_into", "INC000000000002"), 2, "Invalid value"),
        (("ticket", "merge", ONE, ONE), 1, "refused: a ticket cannot be merged into itself"),
        (("ticket", "split", ONE, "--title", "T", "--description", "D", "--note", "7"), 1, "refused: note 7"),
        (("macro", "add", "M", "--text", "{{nonsense}}"), 1, "refused: text may only have the placeholders"),
        (("macro", "add", "M", "--text", "x", "--queue", "Nowhere"), 1, "refused: queue Nowhere does not exist"),
        (("macro", "apply", "Nothing", ONE), 1, "refused: macro Nothing does not exist"),
        (("view", "list", "--user", "nobody@example.com"), 1, "refused: user nobody@example.com does not exist"),
    ],
)  # fmt: skip
async def test_a_refusal_is_told_and_has_its_status(
    database_url: str, arguments: tuple[str, ...], status: int, message: str
) -> None:
    done = await run(database_url, *arguments)
    assert (done.exit_code, done.stdout) == (status, "")
    assert message in done.stderr
