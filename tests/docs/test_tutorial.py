"""The tutorial works: its commands are run in order against a new server, as a reader pastes them."""

import re
from collections.abc import Iterator

import pytest

from tests.builders.docs.pages import ROOT, blocks, paste
from tests.builders.server import Server, running_server

PAGE = ROOT / "docs" / "tutorial.md"
FOLDER = "/tmp/clearline-tutorial"  # noqa: S108 - what the tutorial names; the test puts its own in the place
ADDRESS = "127.0.0.1:8097"


@pytest.fixture
def desk() -> Iterator[Server]:
    """Yield a running Clearline without data."""
    with running_server("clearline-tutorial-") as server:
        yield server


def script() -> str:
    """Return all commands of the second terminal."""
    return "".join(blocks(PAGE, "sh"))


def lines(text: str) -> list[str]:
    """Return the lines that are not empty, without times and trailing blanks."""
    timeless = re.sub(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?", "WHEN", text)
    return [line.rstrip() for line in timeless.splitlines() if line.strip()]


def shown() -> list[str]:
    """Return the lines of output that the tutorial shows completely; it wraps JSON and cuts long lines."""
    outputs = [block for block in blocks(PAGE, "") if "clearline serve" not in block and not block.startswith("{")]
    return [line for line in lines("".join(outputs)) if "..." not in line and "-> " not in line]


def test_the_pasted_tutorial_works_and_prints_the_shown_output(desk: Server) -> None:
    replacements = {FOLDER: str(desk.folder), ADDRESS: desk.url.removeprefix("http://")}
    done = paste(desk, script(), replacements, ROOT)
    assert done.returncode == 0, done.stdout
    printed = iter(lines(done.stdout))
    assert [line for line in shown() if line not in printed] == [], done.stdout  # in order
    for part in (
        '"status":"ready"',
        '"role":"customer"',
        '"asked":{"severity":null,"priority":"high"}',
        "troubleTicket",
    ):
        assert part in done.stdout


def test_the_commands_of_the_tutorial_use_the_address_of_its_server() -> None:
    [start] = [block for block in blocks(PAGE, "") if "clearline serve" in block]
    settings = script().splitlines()[0]
    assert settings in start
    assert ADDRESS in settings
    assert FOLDER in settings
