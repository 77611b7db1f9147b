"""The page that says where each command has its pages."""

import re

import click

from clearline.cli.main import main
from clearline.web.console.admin.sidebar import entries
from tests.builders.docs.pages import ROOT

PAGE = (ROOT / "docs" / "explanation" / "admins-and-operators.md").read_text(encoding="utf-8")


def test_every_group_of_commands_is_on_the_page_and_every_command_there_exists() -> None:
    with click.Context(main) as context:
        groups = set(main.list_commands(context))
        named = {text.split()[0] for text in re.findall(r"`([a-z][a-z -]*)`", PAGE)} - {"operator", "set"}
        assert groups <= named
        assert named <= groups


def test_every_section_that_the_page_names_exists() -> None:
    titles = {entry.title for entry in entries()}
    rows = re.findall(r"Admin: ([A-Z][\w ,-]*)", PAGE)
    named = [title.strip() for row in rows for title in row.split(" for ")[0].split(",")]
    assert {title for title in named if title[0].isupper()} <= titles
    assert "Companies" in named
