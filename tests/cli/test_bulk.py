import csv
import io
import json
from pathlib import Path
from uuid import uuid4

import pytest

from clearline.accounts import usecases as accounts
from clearline.cli.bulk.bulk import bulk
from clearline.cli.tickets.listing import ticket_list
from clearline.cli.tickets.transfer import ticket_export
from clearline.identity import OPERATOR, Role
from clearline.platform.database.transactions import Database
from clearline.queues import usecases as queues
from clearline.tickets.domain import ticket_number
from clearline.workspace import macro_usecases as macros
from tests.builders.application import run_command, run_json
from tests.builders.people import NOW, Tenant
from tests.builders.tickets import import_line, raised


@pytest.fixture
async def numbers(database: Database, tenant: Tenant) -> list[str]:
    """Return the numbers of two tickets."""
    async with database.transaction() as tx:
        return [ticket_number(await raised(tx, tenant)) for _ in range(2)]


@pytest.fixture
async def email(database: Database) -> str:
    """Add an agent; return the e-mail address."""
    address = f"{uuid4().hex}@example.net"
    async with database.transaction() as tx:
        await accounts.add_user(tx, OPERATOR, "PROVIDER", name="Ben", email=address, phone="", role=Role.AGENT, now=NOW)
    return address


@pytest.fixture
async def queue(database: Database) -> str:
    """Add a queue; return its name."""
    async with database.transaction() as tx:
        return (await queues.add_queue(tx, OPERATOR, name=f"Q {uuid4().hex[:8]}", now=NOW)).queue.name


@pytest.fixture
async def number(database: Database, fresh: Tenant) -> str:
    """Return the number of the company's only ticket, whose title would be a formula in a spreadsheet."""
    async with database.transaction() as tx:
        return ticket_number(await raised(tx, fresh, "=1+1"))


def test_many_tickets_are_changed(database_url: str, numbers: list[str], email: str, queue: str) -> None:
    for arguments in (
        ("status", "in_progress", *numbers, "--reason", "begun"),
        ("assign", email, *numbers),
        ("change", *numbers, "--priority", "low", "--severity", "minor", "--queue", queue),
        ("tag", *numbers, "--add", "cut", "--remove", "old"),
        ("note", "We are on it", *numbers, "--internal"),
    ):
        done = run_json(database_url, "bulk", *arguments)
        assert (done["counts"]["done"], done["state"], done["counts"]["refused"]) == (2, "done", 0)
    written = run_command(database_url, "ticket", "export").stdout.splitlines()
    for ticket in (json.loads(line) for line in written):
        if ticket["number"] in numbers:
            assert {name: ticket[name] for name in ("status", "assignee", "priority", "severity", "queue", "tags")} == {
                "status": "in_progress", "assignee": "Ben", "priority": "low", "severity": "minor",
                "queue": queue, "tags": ["cut"],
            }  # fmt: skip
            assert [(note["text"], note["visibility"]) for note in ticket["notes"]] == [("We are on it", "internal")]
    again = run_json(database_url, "bulk", "assign", "nobody", numbers[0])
    assert again["counts"] == {"done": 1, "unchanged": 0, "refused": 0, "waiting": 0}


async def test_a_macro_is_used_on_tickets(database: Database, database_url: str, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        number = ticket_number(await raised(tx, tenant))
        name = f"Maintenance {number}"
        values = {"name": name, "text": "At 22:00 UTC", "add_tags": ("maintenance",)}
        await macros.add_macro(tx, OPERATOR, values, now=NOW)
    tried = run_json(database_url, "bulk", "macro", name, number, "--dry-run")
    assert tried["counts"] == {"done": 1, "unchanged": 0, "refused": 0, "waiting": 0}
    run_json(database_url, "bulk", "macro", name, number)
    [note] = run_json(database_url, "ticket", "notes", number)
    ticket = run_json(database_url, "ticket", "show", number)
    assert (note["text"], ticket["tags"]) == ("At 22:00 UTC", ["maintenance"])
    refused = run_command(database_url, "bulk", "macro", "No such macro", number)
    assert "macro No such macro does not exist" in refused.stderr


async def test_the_tickets_that_match_filters_are_changed(
    database: Database, database_url: str, fresh: Tenant, queue: str
) -> None:
    async with database.transaction() as tx:
        numbers = [ticket_number(await raised(tx, fresh)) for _ in range(3)]
    of = ("--company", fresh.company.code)
    run_json(database_url, "bulk", "change", numbers[0], "--priority", "low", "--queue", queue)
    for action, total in (
        (("change", "--current-priority", "low", "--priority", "high", "--severity", "minor"), 1),
        (("change", "--current-queue", queue, "--queue", "none"), 1),
        (("tag", "--priority", "high", "--severity", "minor", "--add", "vip"), 1),
        (("status", "in_progress", "--tag", "vip"), 1),
        (("note", "We are on it", "--status", "in_progress"), 1),
        (("assign", "nobody", "--state", "all"), 3),
        (("status", "cancelled", "--assignee", "none"), 3),
    ):
        done = run_json(database_url, "bulk", action[0], *action[1:], *of)
        assert (done["total"], done["counts"]["refused"]) == (total, 0), action
    finished = run_command(database_url, "bulk", "note", "Over", "--status", "cancelled", "--dry-run", *of)
    assert "0 would be done, 0 unchanged, 3 refused" in finished.stdout


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ((), "Give ticket numbers, a file of them with --from, or filters"),
        (("INC000000000001", "--company", "X"), "Give ticket numbers, or filters, but not both"),
        (("INC000000000001", "--no-file"), "Give ticket numbers, or filters, but not both"),
        (("--from", "-", "--state", "all"), "Give ticket numbers, or filters, but not both"),
        (("--priority", "urgent"), "'urgent' is not one of 'low'"),
        (("--since", "2026-02-01", "--until", "2026-01-01"), "--until"),
    ],
)
def test_a_bulk_change_needs_numbers_or_filters(database_url: str, options: tuple[str, ...], reason: str) -> None:
    refused = run_command(database_url, "bulk", "tag", "--add", "a", *options)
    assert refused.exit_code == 2
    assert reason in refused.stderr


def test_lists_exports_and_bulk_changes_have_the_same_filters() -> None:
    listed = {option.name: option.opts for option in ticket_list.params}
    for command in (ticket_export, *bulk.commands.values()):
        options = {option.name: option.opts for option in command.params}
        missing = {*listed} - {*options} - {"limit", "sort", "closed", "as_json"}
        assert missing == set(), command.name
        renamed = {name for name in {*listed} & {*options} if listed[name] != options[name]} - {"as_json"}
        assert renamed == ({"queue", "priorities", "severities"} if command.name == "change" else set()), command.name


@pytest.mark.parametrize(
    "file",
    [
        'number,title,description\n{0},Port,"Ports:\n{2} is up\n{2}"\n{1},Port,\n',  # as an export has it
        'Title;Number\n"{2}\n{2}";{0}\n;\n;{1}\n',
        "{0},{1}\n",
        "{0} {1}",
        '"{0}"\n\n"{1}"',
        "NUMBER           STATUS        TITLE\n{0}  acknowledged  {2} is down\n{1}  held  {2}\n",
    ],
    ids=["export", "second column", "commas", "blanks", "quotes", "list"],
)
def test_a_file_names_each_ticket_and_no_other(database_url: str, numbers: list[str], file: str) -> None:
    text = file.format(*numbers, "17")
    done = run_command(database_url, "bulk", "tag", "--from", "-", "--add", "a", "--dry-run", text=text)
    assert done.exit_code == 0, done.stderr
    items = run_json(database_url, "job", "items", done.stdout.split("job ")[1][:36], "--outcome", "all")
    assert [item["ticket"] for item in items] == numbers[:2]


def test_a_file_that_is_no_table_is_refused(database_url: str, numbers: list[str]) -> None:
    text = f'number,title\n{numbers[0]},"Port\n'
    done = run_command(database_url, "bulk", "tag", "--from", "-", "--add", "a", "--dry-run", text=text)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == "refused: file is no CSV: unexpected end of data in line 2\n"


def test_refused_items_are_listed(database_url: str, numbers: list[str]) -> None:
    listed = "\n".join([f"{numbers[0]},more", "", "INC999999999999"])
    done = run_command(database_url, "bulk", "tag", "--from", "-", "--add", "a", "--dry-run", text=listed)
    assert done.exit_code == 1
    assert done.stdout.startswith("1 would be done, 0 unchanged, 1 refused (job ")
    job = done.stdout.split("job ")[1][:36]
    assert done.stderr == (
        f"Job {job}: 2 items. Ctrl-C cancels what waits.\nINC999999999999: ticket INC999999999999 does not exist\n"
    )
    assert [entry["state"] for entry in run_json(database_url, "job", "list") if entry["id"] == job] == ["done"]
    assert run_json(database_url, "job", "show", job)["counts"]["refused"] == 1
    [refused_item] = run_json(database_url, "job", "items", job)
    assert (refused_item["ticket"], refused_item["code"]) == ("INC999999999999", "not-found")
    assert "INC999999999999" in run_command(database_url, "job", "items", job).stdout
    assert len(run_json(database_url, "job", "items", job, "--outcome", "all")) == 2
    assert "tag (dry run)" in run_command(database_url, "job", "show", job).stdout
    assert "tag (dry run)" in run_command(database_url, "job", "list").stdout
    refused = run_command(database_url, "job", "cancel", job)
    assert (refused.exit_code, refused.stderr) == (1, "refused: the job is done\n")


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("bulk", "tag", "--add", "a"), 2, "Give ticket numbers"),
        (("bulk", "tag", "INC000000000001"), 1, "refused: action must add or remove a tag"),
        (("bulk", "tag", "seven", "--add", "a"), 1, "refused: tickets.0 must be INC and twelve digits"),
        (("bulk", "assign", "nobody@example.org", "INC000000000001"), 1, "refused: user nobody@example.org"),
        (("bulk", "change", "INC000000000001", "--queue", "nowhere"), 1, "refused: queue nowhere does not exist"),
        (("bulk", "status", "lost", "INC000000000001"), 2, "Invalid value"),
        (("job", "show", "00000000-0000-4000-8000-00000000dead"), 1, "refused: job"),
        (("job", "show", "seven"), 2, "not a valid UUID"),
        (("ticket", "export", "--company", "nobody"), 1, "refused: company nobody does not exist"),
        (("ticket", "import", "no-such-file.csv"), 1, "no-such-file.csv"),
    ],
)
def test_a_refusal_is_one_line(database_url: str, arguments: tuple[str, ...], status: int, message: str) -> None:
    done = run_command(database_url, *arguments)
    assert (done.exit_code, done.stdout) == (status, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_is_imported_after_a_dry_run_and_again_without_duplicates(
    database_url: str, fresh: Tenant, tmp_path: Path
) -> None:
    file = tmp_path / "tickets.ndjson"
    file.write_text(
        import_line(fresh, external={"system": "old", "id": "1"}) + "nonsense\n" + import_line(fresh, company="nobody"),
        encoding="utf-8",
    )
    counts = []
    for options in (("--dry-run",), (), ()):
        done = run_command(database_url, "ticket", "import", str(file), "--json", *options)
        assert done.exit_code == 1
        answer = json.loads(done.stdout)
        counts.append((answer["counts"]["done"], answer["counts"]["unchanged"]))
        assert [line.split(":")[0] for line in done.stderr.splitlines()] == [
            "Job " + answer["id"],
            "line 2",
            "line 3",
        ]
    assert counts == [(1, 0), (1, 0), (0, 1)]
    done = run_command(database_url, "ticket", "import", "-", text=import_line(fresh))
    job = done.stdout.split("job ")[1][:36]
    assert (done.exit_code, done.stderr) == (0, f"Job {job}: 1 item. Ctrl-C cancels what waits.\n")
    assert done.stdout.startswith("1 done, 0 unchanged, 0 refused")


def test_an_exported_file_can_be_imported(database_url: str, fresh: Tenant, number: str, tmp_path: Path) -> None:
    filters = ("--company", fresh.company.code, "--state", "open", "--since", "2026-01-01")
    file = tmp_path / "tickets.csv"
    assert (
        run_command(database_url, "ticket", "export", *filters, "--format", "csv", "--output", str(file)).stdout == ""
    )
    [row] = csv.DictReader(io.StringIO(file.read_text(encoding="utf-8"), newline=""))
    assert (row["number"], row["title"]) == (number, "'=1+1")
    assert run_json(database_url, "ticket", "import", str(file))["counts"]["done"] == 1
    titles = [
        json.loads(line)["title"]
        for line in run_command(database_url, "ticket", "export", *filters).stdout.splitlines()
    ]
    assert titles == ["=1+1", "=1+1"]
    assert run_command(database_url, "ticket", "export", *filters, "--state", "finished").stdout == ""
