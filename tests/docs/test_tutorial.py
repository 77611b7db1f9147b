"""The tutorial does what it says: its commands are run in order, as a reader pastes them, against a new server."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builders.databases import reachable_dir
from tests.builders.server import Server
from tests.patience import patient

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
FOLDER = "/tmp/clearline-tutorial"  # noqa: S108 - what the tutorial names; the test puts its own in the place
ADDRESS = "127.0.0.1:8097"
SECONDS = 60
STRICT = "set -eo pipefail\n"


@pytest.fixture
def desk() -> Iterator[Server]:
    """A Clearline without data, running."""
    folder = reachable_dir("clearline-tutorial-")
    server = Server(folder)
    try:
        server.start()
        yield server
    finally:
        server.discard()
        shutil.rmtree(folder)


def blocks(language: str) -> list[str]:
    """The fenced blocks of a language, or with none of those that show output."""
    fences: list[tuple[str, str]] = re.findall(r"^```(\w*)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    return [body for name, body in fences if name == language]


def script() -> str:
    """Every command of the second terminal."""
    return "".join(blocks("sh"))


def pasted(desk: Server, commands: str) -> subprocess.CompletedProcess[str]:
    """Run commands in one shell that stops at the first that fails; curl fails when it is refused."""
    (desk.folder / ".curlrc").write_text('fail-with-body\nwrite-out = "\\n"\n')
    here = commands.replace(FOLDER, str(desk.folder)).replace(ADDRESS, desk.url.removeprefix("http://"))
    path = f"{Path(sys.executable).parent}:{desk.environment['PATH']}"
    return subprocess.run(
        ["bash", "-c", STRICT + here],  # noqa: S607
        cwd=ROOT,
        env={**desk.environment, "PATH": path, "CURL_HOME": str(desk.folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=patient(SECONDS),
        check=False,
    )


def lines(text: str) -> list[str]:
    """The lines that say something, without times and the blanks at their ends."""
    timeless = re.sub(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?", "WHEN", text)
    return [line.rstrip() for line in timeless.splitlines() if line.strip()]


def shown() -> list[str]:
    """The lines of output that the tutorial shows whole; JSON is wrapped there, and long lines are cut."""
    outputs = [block for block in blocks("") if "clearline serve" not in block and not block.startswith("{")]
    return [line for line in lines("".join(outputs)) if "..." not in line and "-> " not in line]


def test_the_tutorial_works_when_it_is_pasted_and_prints_what_it_shows(desk: Server) -> None:
    done = pasted(desk, script())
    assert done.returncode == 0, done.stdout
    printed = iter(lines(done.stdout))
    assert [line for line in shown() if line not in printed] == [], done.stdout  # each after the one before
    for part in (
        '"status":"ready"',
        '"role":"customer"',
        '"asked":{"severity":null,"priority":"high"}',
        "troubleTicket",
    ):
        assert part in done.stdout


def test_the_server_of_the_tutorial_is_where_its_commands_look() -> None:
    [start] = [block for block in blocks("") if "clearline serve" in block]
    settings = script().splitlines()[0]
    assert settings in start
    assert ADDRESS in settings
    assert FOLDER in settings
