"""The pages: a server without background work."""

import pytest


@pytest.fixture(scope="module")
def has_workers() -> bool:
    """Whether the server does the background work. A module overrides it whose tests wait for that."""
    return False
