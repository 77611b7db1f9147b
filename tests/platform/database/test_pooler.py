"""PgBouncer between Clearline and PostgreSQL."""

import asyncio

import pytest

from clearline.platform.database.errors import DatabaseMisconfigured
from clearline.platform.database.session import SESSION_SETTINGS
from clearline.platform.database.transactions import Database
from tests.builders.postgres.poolers import needs_pgbouncer, pooled
from tests.patience import patient

pytestmark = needs_pgbouncer
IGNORED = "jit,random_page_cost,synchronous_commit,timezone,application_name"


@pytest.mark.parametrize("ignored", ["", IGNORED])
async def test_session_pooling_loses_no_setting(database_url: str, ignored: str) -> None:
    with pooled(database_url, "session", ignore_startup_parameters=ignored) as url:
        database = await Database.open(url, size=3)
        async with database.statement() as tx, database.statement() as second:
            for name, value in SESSION_SETTINGS.items():
                assert await tx.fetchval("select current_setting($1)", name) == value
                assert await second.fetchval("select current_setting($1)", name) == value
        notified = asyncio.Event()
        listener = await database.listen({"a_channel": lambda _payload: notified.set()}, lambda: None)
        async with database.statement() as tx:
            await tx.fetchval("select pg_notify('a_channel', '')")
        await asyncio.wait_for(notified.wait(), patient(5))
        await listener.close()
        await database.close()


async def test_session_pooling_with_a_single_session_is_no_transaction_pooling(database_url: str) -> None:
    with pooled(database_url, "session", default_pool_size=1) as url:
        database = await Database.open(url, size=1)
        await database.close()


@pytest.mark.parametrize(
    ("mode", "settings"),
    [
        ("transaction", {}),
        ("transaction", {"server_round_robin": 1}),
        ("transaction", {"server_reset_query_always": 1}),
        ("transaction", {"default_pool_size": 1}),
        ("statement", {}),
    ],
)
async def test_any_other_pooling_is_refused(database_url: str, mode: str, settings: dict[str, object]) -> None:
    with pooled(database_url, mode, **settings) as url, pytest.raises(DatabaseMisconfigured, match="session pooling"):
        await Database.open(url, size=3)
