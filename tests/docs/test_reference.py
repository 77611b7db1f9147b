import functools
import re
import runpy
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import click
import pytest

from clearline.cli.main import main as cli
from clearline.platform.database import migrate
from clearline.settings.docs import documented

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("bench/*.md")])
_LINK = re.compile(r"\]\(([^)\s]+)\)")


def generated() -> dict[Path, str]:
    docs = str(ROOT / "docs")
    sys.path.insert(0, docs)  # as when the script is run, so that it can import its other modules
    try:
        make: Callable[[], dict[Path, str]] = runpy.run_path(str(ROOT / "docs" / "generate.py"))["pages"]
        return make()
    finally:
        sys.path.remove(docs)


@functools.cache
def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_generated_pages_are_up_to_date() -> None:
    stale = [path.name for path, text in generated().items() if path.read_text(encoding="utf-8") != text]
    assert not stale, "run make docs"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_has_a_target(page: Path) -> None:
    dead = []
    for link in _LINK.findall(page.read_text(encoding="utf-8")):
        if "://" in link:
            continue
        file, _, anchor = link.partition("#")
        target = page.parent / file if file else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            dead.append(link)
    assert dead == []


def test_every_setting_is_in_the_reference() -> None:
    page = (ROOT / "docs" / "reference" / "settings.md").read_text(encoding="utf-8")
    assert [setting.variable for setting in documented() if f"`{setting.variable}`" not in page] == []


def test_the_page_about_retention_names_every_table() -> None:
    page = (ROOT / "docs" / "reference" / "retention.md").read_text(encoding="utf-8")
    tables = {table for file in migrate.known() for table in re.findall(r"create table ([a-z_]+)", file.sql)}
    assert len(tables) > 30
    assert sorted(table for table in tables if f"`{table}`" not in page) == []


def test_the_readme_names_exactly_the_targets_of_make() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
    assert phony is not None
    named = re.findall(r"(?:^|`)make ([a-z-]+)", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(named) == set(phony[1].split())


SAMPLES = {"$NUMBER": "INC000000000001", "$CURSOR": "0-0-0"}
"""Values of variables in the guides that are not ids."""


def commands_shown() -> list[str]:
    text = "\n".join(page.read_text(encoding="utf-8") for page in sorted(ROOT.glob("docs/how-to/*.md")))
    lines = re.findall(r"(?:^|`)(?:[A-Z_]+=\S+ )?(clearline [a-z]+ [^`|#\n]*)", text, re.MULTILINE)
    return sorted({line.strip() for line in lines})


@pytest.mark.parametrize("line", commands_shown())
def test_every_command_of_the_guides_can_be_parsed(line: str) -> None:
    numbered = re.sub(r"\$NUMBER|\$[A-Z_]+|[A-Z]+_ID", lambda match: SAMPLES.get(match[0], str(UUID(int=1))), line)
    words = shlex.split(numbered.replace("services.csv", "-"))[1:]
    command: click.Command = cli
    while isinstance(command, click.Group):
        part = command.get_command(click.Context(command), words.pop(0))
        assert part is not None
        command = part
    command.make_context(line, words)
