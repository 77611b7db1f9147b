from collections.abc import AsyncIterator

import pytest

from clearline.platform.database.transactions import Database
from tests.builders.jobs import Clock
from tests.builders.webhooks.receiver import Receiver, receiving


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as opened:
        yield opened


@pytest.fixture
async def no_other_subscriptions(database: Database) -> AsyncIterator[None]:
    """Delete the subscriptions of a test after it, so that the next test has none."""
    yield
    async with database.transaction() as tx:
        await tx.write("delete from subscription")


@pytest.fixture
def clock() -> Clock:
    return Clock()
