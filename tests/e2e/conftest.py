import shutil
from collections.abc import Iterator

import pytest

from tests.builders.databases import reachable_dir
from tests.builders.server import Server


@pytest.fixture
def server() -> Iterator[Server]:
    """Yield a Clearline server that is not started yet."""
    folder = reachable_dir("clearline-e2e-")
    server = Server(folder)
    yield server
    server.discard()
    shutil.rmtree(folder)
