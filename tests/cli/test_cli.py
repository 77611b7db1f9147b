"""The command line as people run it: processes with arguments, an environment, output and an exit status."""

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from clearline.accounts import store as account_store
from clearline.accounts.domain import hash_secret
from clearline.cli.main import main
from clearline.identity import Actor
from clearline.platform.database.transactions import Database
from clearline.schedule import CONSUMERS
from tests.builders.databases import administer, new_database
from tests.builders.people import NOW
from tests.patience import patient

NOBODY = "postgresql://nobody@127.0.0.1:1/nothing"


def run(url: str, *arguments: str, text: str | None = None, **more: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CLEARLINE_")}
    return subprocess.run(
        [sys.executable, "-m", "clearline", *arguments],
        env={**kept, "CLEARLINE_DATABASE_URL": url, **more},
        input=text,
        capture_output=True,
        text=True,
        timeout=patient(60),
        check=False,
    )


def told(url: str, *arguments: str) -> Any:
    """What a command that works prints as JSON."""
    done = run(url, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
async def unmigrated(postgres: str) -> AsyncIterator[str]:
    async with new_database(postgres, migrated=False) as url:
        yield url


@pytest.fixture(scope="module")
def desk(database_url: str) -> str:
    """A database with a company and a user."""
    told(database_url, "company", "add", "Birch Telecom", "--code", "BIR001")
    told(database_url, "user", "add", "--company", "BIR001", "--name", "Ada", "--email", "ada@birch.example.com")
    return database_url


def commands(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        for name, part in command.commands.items():
            yield from commands(part, (*path, name))


@pytest.mark.parametrize(("path", "command"), list(commands(main)), ids=lambda value: str(value)[:30])
def test_every_command_has_help_and_so_has_every_option(path: tuple[str, ...], command: click.Command) -> None:
    context = click.Context(command, info_name=" ".join(("clearline", *path)))
    assert "--help" in command.get_help(context)
    assert command.help
    assert [one.name for one in command.params if isinstance(one, click.Option) and not one.help] == []


def test_help_of_the_whole_names_the_exit_statuses() -> None:
    done = run(NOBODY, "--help")
    assert done.returncode == 0
    assert "Exit status" in done.stdout


async def who(url: str, secret: str) -> Actor | None:
    database = await Database.open(url, size=2)
    try:
        async with database.statement() as tx:
            return await account_store.actor_of(tx, hash_secret(secret), now=NOW)
    finally:
        await database.close()


async def test_the_demo_can_be_loaded_twice(unmigrated: str) -> None:
    seen = []
    for _ in range(2):
        loaded = told(unmigrated, "demo")["companies"]
        numbers = [
            [one["number"] for one in told(unmigrated, "ticket", "list", "--limit", "100", *closed)]
            for closed in ((), ("--closed",))
        ]
        seen.append((loaded, numbers))
    (first, numbers), (second, numbers_again) = seen
    assert numbers == numbers_again
    assert all(numbers)
    assert [(one["id"], one["code"]) for one in first] == [(one["id"], one["code"]) for one in second]
    for one in (*first, *second):
        actor = await who(unmigrated, one["key"])
        assert actor is not None
        assert actor.company is not None
        assert actor.company.code == one["code"]
    assert len({one["key"] for one in (*first, *second)}) == 6  # two companies and the desk, twice
    assert told(unmigrated, "doctor")["ok"] is True


def test_companies_and_users_are_listed(desk: str) -> None:
    assert "BIR001" in [one["code"] for one in told(desk, "company", "list")]
    assert [one["email"] for one in told(desk, "user", "list", "--company", "birch telecom")] == [
        "ada@birch.example.com"
    ]
    assert "Birch Telecom" in run(desk, "company", "list").stdout


def test_a_secret_is_shown_once_and_never_listed(desk: str) -> None:
    made = told(desk, "key", "create", "--company", "BIR001", "--name", "ci", "--scope", "tickets:read", "--days", "7")
    assert made["scopes"] == ["tickets:read"]
    assert made["key"].startswith(made["prefix"])
    for listed in (
        run(desk, "key", "list", "--company", "BIR001", "--json"),
        run(desk, "key", "list", "--company", "BIR001"),
    ):
        assert made["id"] in listed.stdout
        assert made["key"] not in listed.stdout
        assert made["key"][len(made["prefix"]) :] not in listed.stdout
    assert told(desk, "key", "revoke", "--company", "BIR001", made["id"])["revokedAt"] is not None


def test_services_are_added_imported_and_listed(desk: str, tmp_path: Path) -> None:
    told(desk, "service", "add", "--company", "BIR001", "--id", "P-1", "--type", "Port", "--label", "Port 1")
    file = tmp_path / "services.csv"
    file.write_text("\ufeffid,type,label\nP-1,Port,Port one\nP-2,Port,P\u00f6rt 2\n", encoding="utf-8")
    expected = {"created": 1, "updated": 1, "unchanged": 0, "errors": []}
    assert told(desk, "service", "import", "--company", "BIR001", str(file), "--dry-run") == expected
    assert [one["id"] for one in told(desk, "service", "list", "--company", "BIR001")] == ["P-1"]
    assert told(desk, "service", "import", "--company", "BIR001", str(file)) == expected
    found = told(desk, "service", "list", "--company", "BIR001")
    assert {one["id"]: one["label"] for one in found} == {"P-1": "Port one", "P-2": "P\u00f6rt 2"}
    wrong = run(desk, "service", "import", "--company", "BIR001", "-", text="id,type,label\nP-3,Teapot,x\n")
    assert wrong.returncode == 1
    assert "line 2: type must be one of" in wrong.stderr


async def test_tickets_are_shown_noted_and_moved(unmigrated: str) -> None:
    told(unmigrated, "demo")
    number = next(one["number"] for one in told(unmigrated, "ticket", "list") if one["status"] == "in_progress")
    assert told(unmigrated, "ticket", "note", number, "for us", "--internal")["visibility"] == "internal"
    moved = told(unmigrated, "ticket", "status", number, "resolved", "--reason", "fixed")
    assert (moved["number"], moved["status"]) == (number, "resolved")
    shown = told(unmigrated, "ticket", "show", number)
    assert shown["notes"][-1]["text"] == "for us"
    assert shown["history"][-1]["data"] == {"before": "in_progress", "after": "resolved", "reason": "fixed"}
    assert "in_progress -> resolved: fixed" in run(unmigrated, "ticket", "show", number).stdout
    refused = run(unmigrated, "ticket", "status", number, "pending")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == "refused: a ticket that is resolved cannot become pending\n"


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("company", "add", "Birch Telecom", "--code", "NEW"), 1, "refused: company"),
        (("user", "list", "--company", "Nobody"), 1, "refused: company Nobody does not exist"),
        (("ticket", "show", "INC000000999999"), 1, "refused: ticket"),
        (("ticket", "show", "seven"), 1, "refused: ticket seven does not exist"),
        (("company", "add"), 2, "Missing argument"),
        (("ticket", "status", "INC000000000001", "lost"), 2, "Invalid value"),
        (("key", "create", "--company", "BIR001", "--days", "0"), 2, "Invalid value"),
        (("nonsense",), 2, "No such command"),
    ],
)
def test_a_refusal_and_a_wrong_usage_have_their_own_statuses(
    desk: str, arguments: tuple[str, ...], status: int, message: str
) -> None:
    done = run(desk, *arguments)
    assert (done.returncode, done.stdout) == (status, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "settings",
    [{"CLEARLINE_DATABASE_URL": NOBODY}, {"CLEARLINE_NONSENSE": "1"}, {"CLEARLINE_POOL_SIZE": "none"}],
)
def test_a_missing_database_or_a_wrong_setting_is_status_four(desk: str, settings: dict[str, str]) -> None:
    done = run(desk, "company", "list", **settings)
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr.startswith("error: ")
    assert len(done.stderr.splitlines()) == 1


async def test_a_database_without_migrations_is_told_and_migrated(unmigrated: str) -> None:
    early = run(unmigrated, "company", "list")
    assert (early.returncode, early.stderr) == (
        4,
        "error: the database lacks migrations: run clearline migrate first\n",
    )
    sick = run(unmigrated, "doctor", "--json")
    assert sick.returncode == 3
    assert [one["name"] for one in json.loads(sick.stdout)["checks"] if not one["ok"]] == ["migrations"]
    assert told(unmigrated, "migrate")["applied"][0] == "0001_foundation"
    assert told(unmigrated, "migrate") == {"applied": []}
    assert told(unmigrated, "doctor")["ok"] is True
    await administer(unmigrated, "insert into schema_migration values (9999, 'newer', now())")
    assert run(unmigrated, "migrate").returncode == 4
    assert run(unmigrated, "doctor").returncode == 3


def test_the_doctor_names_a_database_that_is_away() -> None:
    done = run(NOBODY, "doctor", "--json")
    assert done.returncode == 3
    assert [one["name"] for one in json.loads(done.stdout)["checks"] if not one["ok"]] == ["database"]


async def test_the_doctor_names_followers_that_nobody_runs(unmigrated: str) -> None:
    told(unmigrated, "migrate")
    told(unmigrated, "company", "add", "Birch Telecom", "--code", "BIR001")
    assert told(unmigrated, "doctor")["ok"] is True, "what happened a moment ago may wait"
    await administer(unmigrated, "update event set at = now() - interval '6 minutes'")
    sick = run(unmigrated, "doctor", "--json")
    assert sick.returncode == 3
    found = {one["name"]: one["found"] for one in json.loads(sick.stdout)["checks"] if not one["ok"]}
    assert set(found) == set(CONSUMERS)
    assert all("1 events to follow" in text and "clearline work" in text for text in found.values())


async def test_the_doctor_names_attachments_that_cannot_be_kept(unmigrated: str, tmp_path: Path) -> None:
    told(unmigrated, "migrate")
    (tmp_path / "file").touch()
    sick = run(unmigrated, "doctor", "--json", CLEARLINE_ATTACHMENTS=str(tmp_path / "file"))
    assert [one["name"] for one in json.loads(sick.stdout)["checks"] if not one["ok"]] == ["attachments"]
