"""Those who follow the events are woken when there is something new for them, and only then."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from clearline.event_stream import store as event_stream_store
from clearline.event_stream.hub import EVERY, Hub, Listener
from clearline.events.store import Cursor
from clearline.platform.database.transactions import Database, DatabaseUnavailable, Tx
from tests.builders.tickets import raised
from tests.conftest import Tenant


@pytest.fixture
async def hub(database: Database) -> AsyncIterator[Hub]:
    made = Hub(database)
    yield made
    await made.close()


async def happen(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        await raised(tx, tenant)


async def calm(*listeners: Listener) -> None:
    """Wait until the hub has begun to look, which wakes everybody."""
    await asyncio.sleep(2 * EVERY)
    for one in listeners:
        one.note()


async def test_who_has_news_is_woken_and_nobody_else(
    hub: Hub, database: Database, tenant: Tenant, other_tenant: Tenant
) -> None:
    with (
        hub.listen(tenant.company.id) as mine,
        hub.listen(other_tenant.company.id) as theirs,
        hub.listen(None) as everybodys,
    ):
        assert await mine.news(0), "it looks once at the beginning"
        await calm(mine, theirs, everybodys)
        assert not await everybodys.news(2 * EVERY)
        await happen(database, tenant)
        assert await mine.news(5)
        assert await everybodys.news(5)
        assert not await theirs.news(2 * EVERY)
        mine.note()
        assert not await mine.news(2 * EVERY), "the same news wake nobody twice"
        await happen(database, other_tenant)
        assert await theirs.news(5)
        assert not await mine.news(EVERY)


async def test_nothing_is_looked_at_while_nobody_listens(
    hub: Hub, database: Database, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = []
    really = event_stream_store.news

    async def counted(tx: Tx, after: Cursor, *, limit: int) -> object:
        looks.append(after)
        return await really(tx, after, limit=limit)

    monkeypatch.setattr(event_stream_store, "news", counted)
    with hub.listen(tenant.company.id):
        await asyncio.sleep(4 * EVERY)
    assert looks
    await asyncio.sleep(2 * EVERY)
    many = len(looks)
    await happen(database, tenant)
    await asyncio.sleep(3 * EVERY)
    assert len(looks) == many
    with hub.listen(tenant.company.id) as again:
        await calm(again)
        await happen(database, tenant)
        assert await again.news(5)


@pytest.mark.parametrize("fault", [DatabaseUnavailable("away"), ValueError("a fault")])
async def test_after_a_fault_everybody_looks_once_more(
    hub: Hub, database: Database, tenant: Tenant, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    broken = True
    really = event_stream_store.news

    async def news(tx: Tx, after: Cursor, *, limit: int) -> object:
        if broken:
            raise fault
        return await really(tx, after, limit=limit)

    with hub.listen(tenant.company.id) as listener:
        await calm(listener)
        monkeypatch.setattr(event_stream_store, "news", news)
        await asyncio.sleep(3 * EVERY)
        assert hub.faults >= 1
        broken = False
        assert await listener.news(5)
        await calm(listener)
        await happen(database, tenant)
        assert await listener.news(5)


async def test_what_many_ask_at_once_is_asked_once_and_again_after_news(hub: Hub) -> None:
    asked = []
    go_on = asyncio.Event()

    async def ask() -> int:
        asked.append(1)
        await go_on.wait()
        return len(asked)

    first = [asyncio.create_task(hub.once("here", ask)) for _ in range(5)]
    other = asyncio.create_task(hub.once("elsewhere", ask))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert len(asked) == 2
    first.pop().cancel()
    hub.stop()  # wakes everybody, as news do: what was asked before may be too old for them
    late = asyncio.create_task(hub.once("here", ask))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert len(asked) == 3
    go_on.set()
    assert {await one for one in [*first, other, late]} == {3}
    assert await hub.once("here", ask) == 4


async def test_the_end_wakes_everybody(hub: Hub, tenant: Tenant) -> None:
    with hub.listen(tenant.company.id) as mine, hub.listen(None) as everybodys:
        await calm(mine, everybodys)
        hub.stop()
        assert await mine.news(0)
        assert await everybodys.news(0)
        assert hub.is_stopping
