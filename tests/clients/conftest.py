from collections.abc import Iterator

import pytest

from tests.builders.server import Server, running_server


@pytest.fixture
def desk() -> Iterator[Server]:
    """A running server with demo data, which may send webhooks to the loopback."""
    with running_server("clearline-clients-", "--demo", CLEARLINE_WEBHOOK_NETWORKS="127.0.0.0/8") as server:
        yield server
