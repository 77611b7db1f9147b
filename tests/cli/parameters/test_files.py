"""Files that commands read."""

from pathlib import Path

import click
import pytest

from clearline.cli.main import main
from clearline.platform.database.transactions import Database
from clearline.tickets.domain import ticket_number
from tests.builders.application import run_command, run_json
from tests.builders.commands import commands_below
from tests.builders.people import Tenant
from tests.builders.tickets import raised

COMMANDS = {
    "service import": ("service", "import", "--company", "{code}"),
    "ticket import csv": ("ticket", "import", "--format", "csv"),
    "ticket import ndjson": ("ticket", "import", "--format", "ndjson"),
    "import companies csv": ("import", "companies", "--format", "csv"),
    "import companies ndjson": ("import", "companies", "--format", "ndjson"),
    "import people csv": ("import", "people", "--format", "csv"),
    "import services csv": ("import", "services", "--format", "csv"),
    "import tickets csv": ("import", "tickets", "--format", "csv"),
    "import files csv": ("import", "files", "--format", "csv", "--folder", "."),
    "priority-matrix set": ("priority-matrix", "set"),
    "priority-matrix preview": ("priority-matrix", "preview"),
    "bulk": ("bulk", "tag", "--add", "a", "--from"),
}
FILES = {
    **{command.removesuffix(" csv").removesuffix(" ndjson"): "text" for command in COMMANDS},
    "attachment add": "the bytes of any file",
    "inbound-mail receive": "a mail, which says its encoding itself",
}
"""What each command reads that takes a file; those that begin with bulk read one with --from."""


def test_every_command_that_reads_a_text_file_is_tried() -> None:
    reading = {
        path if not path.startswith("bulk ") else "bulk"
        for path, command in commands_below(main)
        for parameter in command.params
        if isinstance(parameter.type, (click.Path, click.File))
        and getattr(parameter.type, "file_okay", True)  # not a directory
        and parameter.name not in {"output", "old_bin"}
    }
    assert reading == set(FILES)


BODIES = {
    "utf-16": "id,type,label\nP-1,Port,Z\u00fcrich\n".encode("utf-16"),
    "utf-16 without a mark": "id,type,label\nP-1,Port,Z\u00fcrich\n".encode("utf-16-le"),
    "windows-1252": "id,type,label\nP-1,Port,Z\u00fcrich\n".encode("cp1252"),
    "binary": bytes(range(255, 0, -1)),
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("is_piped", [False, True])
def test_a_file_in_another_encoding_is_refused_in_one_line(
    database_url: str, tenant: Tenant, tmp_path: Path, command: str, body: str, *, is_piped: bool
) -> None:
    file = tmp_path / "file"
    file.write_bytes(BODIES[body])
    arguments = [part.format(code=tenant.company.code) for part in COMMANDS[command]]
    if is_piped:
        done = run_command(database_url, *arguments, "-", text=BODIES[body])
    else:
        done = run_command(database_url, *arguments, str(file))
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith("refused: file must be UTF-8 (")
    assert len(done.stderr.splitlines()) == 1


def test_a_password_in_another_encoding_is_refused(database_url: str) -> None:
    options = ("--imap-host", "127.0.0.1", "--imap-user", "me", "--imap-password")
    done = run_command(
        database_url, "mailbox", "add", "a@example.net", *options, text="Gr\u00fc\u00dfe\n".encode("cp1252")
    )
    assert (done.exit_code, done.stderr.startswith("refused: file must be UTF-8")) == (1, True)


@pytest.mark.parametrize(
    "command",
    [("service", "import", "--company", "X"), ("bulk", "tag", "--add", "a", "--from"),
     ("inbound-mail", "receive", "--to", "a@example.net")],
)  # fmt: skip
def test_a_file_that_is_not_there_is_wrong_usage(database_url: str, command: tuple[str, ...]) -> None:
    done = run_command(database_url, *command, "no-such-file")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "no-such-file" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_services_are_imported_from_what_spreadsheets_write(
    database_url: str, fresh: Tenant, delimiter: str, encoding: str
) -> None:
    table = "id,type,label,\r\nN-1,Port,Z\u00fcrich,\r\n,,,\r\n".replace(",", delimiter).encode(encoding)
    code = fresh.company.code
    report = run_json(database_url, "service", "import", "--company", code, "-", text=table)
    assert (report["created"], report["updated"]) == (1, 0)
    services = run_json(database_url, "service", "list", "--company", code)
    assert [entry["label"] for entry in services if entry["id"] == "N-1"] == ["Z\u00fcrich"]


def test_another_separator_is_named(database_url: str, fresh: Tenant) -> None:
    of = ("service", "import", "--company", fresh.company.code, "-")
    done = run_command(database_url, *of, text="id|type|label\n")
    assert done.exit_code == 1
    assert "separated by commas, semicolons or tabs" in done.stderr
    imported = run_command(database_url, "ticket", "import", "--format", "csv", "-", text="title|company\n")
    assert (imported.exit_code, imported.stdout) == (1, "")
    assert "separated by commas, semicolons or tabs" in imported.stderr


async def test_bulk_takes_an_export_as_its_list(
    database_url: str, database: Database, fresh: Tenant, tmp_path: Path
) -> None:
    async with database.transaction() as tx:
        numbers = [ticket_number(await raised(tx, fresh)) for _ in range(2)]
    of = ("--company", fresh.company.code)
    file = tmp_path / "tickets.csv"
    assert (
        run_command(database_url, "ticket", "export", "--format", "csv", "--bom", *of, "--output", str(file)).exit_code
        == 0
    )
    assert file.read_bytes().startswith(b"\xef\xbb\xbfnumber,")
    assert run_json(database_url, "bulk", "tag", "--add", "x", "--from", str(file))["counts"]["done"] == 2
    assert {entry["number"] for entry in run_json(database_url, "ticket", "list", *of)} == set(numbers)
    assert run_command(database_url, "ticket", "export", "--bom").exit_code == 2
