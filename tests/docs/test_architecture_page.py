"""The page about the design names what exists."""

import re

from tests.builders.docs.pages import ROOT

ROOTS = (ROOT, ROOT / "src" / "clearline")
NOT_THERE = {"services/", "utils/", "common/", "helpers/", "sla/"}
"""Folders that are planned, or that there never shall be."""


def test_every_path_of_the_design_exists() -> None:
    """A name without a folder is one below the folder that was named last in its line, or a kind of file."""
    missing = []
    for number, line in enumerate((ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").splitlines(), start=1):
        folders = list(ROOTS)
        for name in re.findall(r"`([\w./-]+/[\w./-]*)(?:::\w+)?`", line):
            path = next((folder / name for folder in folders if (folder / name).exists()), None)
            if path is not None:
                folders.append(path if path.is_dir() else path.parent)
            elif name not in NOT_THERE and not name.startswith(("/", "./")):
                missing.append(f"{number}: {name}")
    assert missing == []
