"""Readers of the event stream are woken when there are new events for them, and only then."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from clearline.event_stream import store as event_stream_store
from clearline.event_stream.event_signal import POLL_SECONDS, EventSignal, Listener
from clearline.events.store import Offset
from clearline.platform.database.errors import DatabaseUnavailable
from clearline.platform.database.transactions import Database, Tx
from tests.builders.people import Tenant
from tests.builders.tickets import raised
from tests.patience import patient, stretched


@pytest.fixture
async def signal(database: Database) -> AsyncIterator[EventSignal]:
    opened = EventSignal(database)
    yield opened
    await opened.close()


async def happen(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        await raised(tx, tenant)


async def calm(*listeners: Listener) -> None:
    """Wait until the signal has begun to poll, which wakes every listener."""
    await asyncio.sleep(stretched(2 * POLL_SECONDS))
    for listener in listeners:
        listener.clear()


async def test_only_listeners_with_new_events_are_woken(
    signal: EventSignal, database: Database, tenant: Tenant, other_tenant: Tenant
) -> None:
    with (
        signal.listen(tenant.company.id) as mine,
        signal.listen(other_tenant.company.id) as others,
        signal.listen(None) as unrestricted,
    ):
        assert await mine.wait(0), "it polls once at the beginning"
        await calm(mine, others, unrestricted)
        assert not await unrestricted.wait(2 * POLL_SECONDS)
        await happen(database, tenant)
        assert await mine.wait(patient(5))
        assert await unrestricted.wait(patient(5))
        assert not await others.wait(2 * POLL_SECONDS)
        mine.clear()
        assert not await mine.wait(2 * POLL_SECONDS), "the same events wake no listener twice"
        await happen(database, other_tenant)
        assert await others.wait(patient(5))
        assert not await mine.wait(POLL_SECONDS)


async def test_the_log_is_not_polled_without_listeners(
    signal: EventSignal, database: Database, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    polls = []
    new_offsets = event_stream_store.new_offsets

    async def counted(tx: Tx, after: Offset, *, limit: int) -> object:
        polls.append(after)
        return await new_offsets(tx, after, limit=limit)

    monkeypatch.setattr(event_stream_store, "new_offsets", counted)
    with signal.listen(tenant.company.id):
        await asyncio.sleep(stretched(4 * POLL_SECONDS))
    assert polls
    await asyncio.sleep(stretched(2 * POLL_SECONDS))
    many = len(polls)
    await happen(database, tenant)
    await asyncio.sleep(stretched(3 * POLL_SECONDS))
    assert len(polls) == many
    with signal.listen(tenant.company.id) as again:
        await calm(again)
        await happen(database, tenant)
        assert await again.wait(patient(5))


@pytest.mark.parametrize("fault", [DatabaseUnavailable("no connection"), ValueError("a fault")])
async def test_after_a_failure_every_listener_is_woken_once_more(
    signal: EventSignal, database: Database, tenant: Tenant, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    broken = True
    new_offsets = event_stream_store.new_offsets

    async def failing(tx: Tx, after: Offset, *, limit: int) -> object:
        if broken:
            raise fault
        return await new_offsets(tx, after, limit=limit)

    with signal.listen(tenant.company.id) as listener:
        await calm(listener)
        monkeypatch.setattr(event_stream_store, "new_offsets", failing)
        await asyncio.sleep(stretched(3 * POLL_SECONDS))
        assert signal.failures >= 1
        broken = False
        assert await listener.wait(patient(5))
        await calm(listener)
        await happen(database, tenant)
        assert await listener.wait(patient(5))


async def test_a_shared_value_is_loaded_once_and_again_after_a_signal(signal: EventSignal) -> None:
    loads = []
    go_on = asyncio.Event()

    async def ask() -> int:
        loads.append(1)
        await go_on.wait()
        return len(loads)

    first = [asyncio.create_task(signal.share("here", ask)) for _ in range(5)]
    other = asyncio.create_task(signal.share("elsewhere", ask))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert len(loads) == 2
    first.pop().cancel()
    signal.stop()  # wakes every listener, as new events do: what was loaded before may be outdated
    late = asyncio.create_task(signal.share("here", ask))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert len(loads) == 3
    go_on.set()
    assert {await task for task in [*first, other, late]} == {3}
    assert await signal.share("here", ask) == 4


async def test_stopping_wakes_every_listener(signal: EventSignal, tenant: Tenant) -> None:
    with signal.listen(tenant.company.id) as mine, signal.listen(None) as unrestricted:
        await calm(mine, unrestricted)
        signal.stop()
        assert await mine.wait(0)
        assert await unrestricted.wait(0)
        assert signal.is_stopping
