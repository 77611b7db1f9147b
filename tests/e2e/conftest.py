import shutil
from collections.abc import Iterator

import pytest

from tests.builders.databases import reachable_dir
from tests.e2e.running import Running


@pytest.fixture
def running() -> Iterator[Running]:
    """A Clearline that is not started yet."""
    folder = reachable_dir("clearline-e2e-")
    server = Running(folder)
    yield server
    server.discard()
    shutil.rmtree(folder)
