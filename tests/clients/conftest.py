import shutil
from collections.abc import Iterator

import pytest

from tests.builders.databases import reachable_dir
from tests.builders.server import Server


@pytest.fixture
def desk() -> Iterator[Server]:
    """A running server with demo data, which may send webhooks to the loopback."""
    folder = reachable_dir("clearline-clients-")
    server = Server(folder, {"CLEARLINE_WEBHOOK_NETWORKS": "127.0.0.0/8"})
    try:
        server.start("--demo")
        yield server
    finally:
        server.discard()
        shutil.rmtree(folder)
