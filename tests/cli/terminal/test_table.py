"""What commands print at a terminal: whole numbers, ids and addresses, and nothing that steers it."""

import ast
import io
import os
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest

import clearline
from clearline.cli.terminal import table
from clearline.cli.terminal.table import FREE, WHOLE
from clearline.platform.database.transactions import Database
from clearline.tickets.domain import ticket_number
from tests.builders.application import run_command, run_json, run_text
from tests.builders.people import Tenant
from tests.builders.processes import open_terminal
from tests.builders.tickets import raised
from tests.patience import patient

EVIL = "\x1b]52;c;cm0gLXJm\x07\x9b2J\u202eevil\r\nINC000000000001"
ID = str(uuid4())
ADDRESS = "a.very.long.address.of.somebody@customer.example.com"


class Terminal(io.StringIO):
    """A terminal of a width."""

    def isatty(self) -> bool:
        return True


def printed(headings: tuple[str, ...], *rows: tuple[str, ...]) -> tuple[list[str], str]:
    """Print a table at a terminal of 80 columns; return its lines, and what is on standard error."""
    terminal, errors = Terminal(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdout", terminal)
        patch.setattr("sys.stderr", errors)
        patch.setenv("COLUMNS", "80")
        table.print_table(headings, rows)
    plain = terminal.getvalue().replace("\x1b[1m", "").replace("\x1b[0m", "")
    return plain.splitlines(), errors.getvalue()


@pytest.mark.parametrize(
    ("headings", "row"),
    [
        (("NUMBER", "STATUS", "PRIORITY", "QUEUE", "ASSIGNEE", "SERVICE", "CREATED", "TITLE"),
         ("INC000000000042", "acknowledged", "critical", "Core NOC of the north", "Mara Lindqvist-Andersson",
          "L2-FRA-LON-07", "2026-11-28 20:01Z", "Replace the flapping member link of the bundle")),
        (("ID", "RECEIVED", "FROM", "SUBJECT", "STATE", "TICKET", "REASON"),
         (ID, "2026-11-28 20:01Z", ADDRESS, "Port down", "quarantined", "INC000000000042", "its sender is unknown")),
        (("NAME", "EMAIL", "PHONE", "ROLE", "ACTIVE", "AVAILABLE", "ID"),
         ("Ada", ADDRESS, "+1-555-0111", "customer", "yes", "yes", ID)),
        (("ID", "URL", "TYPES", "ACTIVE", "FAILURES", "RESUMES", "IN PROGRESS", "DISABLED BECAUSE"),
         (ID, "https://hooks.example.com/a/very/long/path/of/a/webhook/that/is/no/joke", "all", "yes", "0", "-", "-",
          "-")),
        (("CHECK", "", "DETAIL"), ("settings", "ok", "all are known and valid " * 10)),
    ],
)  # fmt: skip
def test_a_terminal_of_80_columns_shows_what_people_copy_whole(headings: tuple[str, ...], row: tuple[str, ...]) -> None:
    shown, _errors = printed(headings, row, ("-",) * len(headings))
    for heading, cell in zip(headings, row, strict=True):
        if heading in WHOLE:
            assert any(cell in line for line in shown), heading
    copied = sum(len(cell) + 2 for heading, cell in zip(headings, row, strict=True) if heading in WHOLE)
    assert max(map(len, shown)) <= max(80, copied + 16)


A_TIME = "2026-11-28 20:01Z"
WORDS = "Replace the flapping member link " * 8
LONG = {
    "ID": ID, "NUMBER": "INC000000000042", "TICKET": "INC000000000042", "ITEM": "INC000000000042",
    "MERGED INTO": "INC000000000042", "ADDRESS": ADDRESS, "EMAIL": ADDRESS, "TO": ADDRESS, "FROM": ADDRESS,
    "URL": "https://hooks.example.com/a/very/long/path/of/a/webhook/that/is/no/joke", "CODE": "CUSTOMER0000042",
    "PREFIX": "clk_0a1b2c3d", "POSITION": "1234", "CHECK": "open transactions", "SERVICE": "L2-FRA-LON-0000000007",
}  # fmt: skip
"""Long values of the columns that people copy from. Columns of free text have ``WORDS``, all others ``A_TIME``."""


def headings_of_commands() -> set[tuple[str, ...]]:
    """Return the headings of every table that a command prints, except those that it computes."""
    folder = Path(clearline.__file__).parent / "cli"
    calls = [
        node
        for path in folder.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"show_list", "print_table"}
    ]
    tables = [argument for call in calls for argument in call.args if isinstance(argument, ast.Tuple)]
    texts = [[part.value for part in entry.elts if isinstance(part, ast.Constant)] for entry in tables]
    return {tuple(map(str, text)) for entry, text in zip(tables, texts, strict=True) if len(text) == len(entry.elts)}


HEADINGS = sorted(headings_of_commands())


def test_the_walk_over_tables_has_those_of_all_lists() -> None:
    assert set(LONG) == WHOLE
    assert len(HEADINGS) >= 30
    assert {heading for headings in HEADINGS for heading in headings} >= WHOLE


@pytest.mark.parametrize("headings", HEADINGS, ids=" ".join)
def test_every_table_shows_what_people_copy_whole_and_fits(headings: tuple[str, ...]) -> None:
    row = tuple(LONG.get(heading, WORDS if heading in FREE else A_TIME) for heading in headings)
    shown, _errors = printed(headings, row)
    copied = [LONG[heading] for heading in headings if heading in WHOLE]
    for cell in copied:
        assert any(cell in line for line in shown)
    assert max(map(len, shown)) <= max(80, sum(len(cell) + 2 for cell in copied) + len(A_TIME))


def test_columns_are_hidden_from_the_right_and_named() -> None:
    row = ("INC000000000042", "acknowledged", "critical", "Core", "Mara", "L2-FRA-LON-07", "2026-11-28 20:01Z",
           "Replace the flapping member link")  # fmt: skip
    headings = ("NUMBER", "STATUS", "PRIORITY", "QUEUE", "ASSIGNEE", "SERVICE", "CREATED", "TITLE")
    shown, errors = printed(headings, row)
    assert shown == [
        "NUMBER           STATUS        QUEUE  ASSIGNEE  SERVICE        TITLE",
        "INC000000000042  acknowledged  Core   Mara      L2-FRA-LON-07  Replace the",
        "                                                               flapping member",
        "                                                               link",
    ]
    assert errors == "Hidden for lack of width: PRIORITY, CREATED. See them with --json, or in a pipe.\n"


def test_a_table_that_fits_is_not_touched() -> None:
    shown, errors = printed(("NAME", "ID"), ("\u65e5\u672c", "1"), ("Birch :fire: [red]", "2"))
    assert shown == ["NAME                ID", "\u65e5\u672c                1", "Birch :fire: [red]  2"]
    assert errors == ""


def test_a_word_of_another_script_is_broken_by_its_width() -> None:
    shown, _errors = printed(("ID", "TITLE"), (ID + ID[:20], "\u65e5\u672c\u8a9e" * 10))
    assert shown[1] == f"{ID}{ID[:20]}  " + ("\u65e5\u672c\u8a9e" * 10)[:11]


def test_a_pipe_gets_whole_lines(capsys: pytest.CaptureFixture[str]) -> None:
    table.print_table(("ID", "TITLE"), [(ID, "word " * 100), (ID, "a\nb")])
    out, err = capsys.readouterr()
    assert (len(out.splitlines()), err) == (3, "")


def test_no_column_is_both_broken_and_kept_whole() -> None:
    assert WHOLE.isdisjoint(FREE)


@pytest.fixture
async def number(database: Database, fresh: Tenant) -> str:
    """A ticket whose title would steer a terminal."""
    async with database.transaction() as tx:
        return ticket_number(await raised(tx, fresh, EVIL))


def test_what_customers_wrote_does_not_steer_the_terminal(database_url: str, number: str) -> None:
    url = database_url
    run_json(url, "ticket", "note", number, EVIL)
    run_json(url, "company", "add", EVIL[:-30], "--code", f"E{uuid4().hex[:6]}")
    run_json(url, "search", "rebuild")
    outputs = [
        run_text(url, *command)
        for command in (
            ("ticket", "list"), ("ticket", "list", "--json"), ("ticket", "show", number), ("ticket", "notes", number),
            ("ticket", "notes", number, "--json"), ("search", f"number:{number}"), ("events", "tail"),
            ("events", "tail", "--json"), ("company", "list"), ("audit",), ("ticket", "history", number),
            ("ticket", "change", number, "--title", EVIL + "!"),
        )
    ]  # fmt: skip
    refused = run_command(url, "user", "list", "--company", EVIL).stderr
    for output in [*outputs, refused]:
        assert not {"\x1b", "\x07", "\x9b", "\u202e", "\r"} & set(output)
    assert any("\\x1b]52;c;cm0gLXJm\\x07" in output for output in outputs)
    listed = next(ticket for ticket in run_json(url, "ticket", "list") if ticket["number"] == number)
    assert listed["title"].startswith(EVIL)


def test_an_export_is_bytes_in_a_pipe_and_text_at_a_terminal(database_url: str, fresh: Tenant, number: str) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CLEARLINE_")}
    source = str(Path(clearline.__file__).parents[1])
    environment = {**clean, "CLEARLINE_DATABASE_URL": database_url, "PYTHONPATH": source}
    export = ("ticket", "export", "--format", "csv", "--company", fresh.company.code)
    command = [sys.executable, "-m", "clearline", *export]
    piped = subprocess.run(command, env=environment, capture_output=True, timeout=patient(30), check=True)
    assert b"\x1b]52;c;cm0gLXJm\x07" in piped.stdout
    ours, theirs = open_terminal()
    subprocess.run(command, env=environment, stdout=theirs, timeout=patient(30), check=True)
    os.close(theirs)
    shown = b""
    while part := _read(ours):
        shown += part
    os.close(ours)
    assert number.encode() in shown
    assert not {0x1B, 0x07} & set(shown)


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:
        return b""
