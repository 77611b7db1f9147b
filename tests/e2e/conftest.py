import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builders.databases import reachable_dir
from tests.builders.server import Server, running_server


@pytest.fixture
def server() -> Iterator[Server]:
    """Yield a Clearline server that is not started yet."""
    folder = reachable_dir("clearline-e2e-")
    server = Server(folder)
    yield server
    server.discard()
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def demo_data() -> Iterator[Path]:
    """Yield the data directory of a stopped server that loaded the demo."""
    with running_server("clearline-demo-", "--demo") as server:
        assert server.stop() == 0
        yield server.data_dir


@pytest.fixture
def with_demo_data(server: Server, demo_data: Path) -> None:
    """Give the server a copy of data with the demo. A first start takes twice the CPU time of the next ones."""
    subprocess.run(["cp", "-a", demo_data, server.data_dir], check=True)  # noqa: S607
