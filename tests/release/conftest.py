"""The files of a release of this commit, built once for the tests of each process."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builders.databases import reachable_dir
from tests.builders.release.files import build


@pytest.fixture(scope="session")
def place() -> Iterator[Path]:
    """Yield a folder that the account of PostgreSQL can enter."""
    folder = reachable_dir("clearline-release-")
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def dist(place: Path) -> Path:
    """Return the files of the release of this commit."""
    return build(place / "first", 0o022, "UTC")


@pytest.fixture(scope="session")
def wheel(dist: Path) -> Path:
    [wheel] = dist.glob("*.whl")
    return wheel
