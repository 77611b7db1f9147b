"""The shares of a pool: of ten connections one owner has at most five, all owners eight."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from clearline.platform.database import shares as shares_module
from clearline.platform.database.errors import DatabaseUnavailable
from clearline.platform.database.shares import PoolUsage
from clearline.platform.database.transactions import Database
from tests.patience import patient, stretched


@pytest.fixture
async def ten(database_url: str) -> AsyncIterator[Database]:
    opened = await Database.open(database_url, size=10)
    yield opened
    await opened.close()


async def hold(database: Database, stack: AsyncExitStack, owner: str, many: int) -> None:
    for _ in range(many):
        await stack.enter_async_context(database.share(owner).transaction())


async def use(database: Database, owner: str | None, turns: list[str | None]) -> None:
    lender = database if owner is None else database.share(owner)
    async with lender.statement() as tx:
        turns.append(owner)
        assert await tx.fetchval("select 1") == 1


async def is_waiting(task: asyncio.Task[None]) -> bool:
    done, _ = await asyncio.wait({task}, timeout=stretched(0.3))
    return not done


async def test_one_owner_leaves_connections_to_others_and_all_owners_some_to_the_pool(ten: Database) -> None:
    turns: list[str | None] = []
    async with AsyncExitStack() as stack, asyncio.timeout(patient(9)):
        await hold(ten, stack, "greedy", 5)
        waiting = asyncio.create_task(use(ten, "greedy", turns))
        assert await is_waiting(waiting)
        await use(ten, "modest", turns)
        await hold(ten, stack, "another", 3)
        late = asyncio.create_task(use(ten, "modest", turns))
        assert await is_waiting(late)
        for _ in range(2):
            await stack.enter_async_context(ten.transaction())
        assert turns == ["modest"]
    await asyncio.wait_for(asyncio.gather(waiting, late), patient(5))
    assert sorted(map(str, turns)) == ["greedy", "modest", "modest"]


async def test_owners_that_wait_take_turns(ten: Database) -> None:
    turns: list[str | None] = []
    async with AsyncExitStack() as stack:
        await hold(ten, stack, "first", 4)
        await hold(ten, stack, "second", 4)
        tasks = [asyncio.create_task(use(ten, "greedy", turns)) for _ in range(50)]
        await asyncio.sleep(0)
        tasks.append(asyncio.create_task(use(ten, "modest", turns)))
        assert await is_waiting(tasks[-1])
    await asyncio.wait_for(asyncio.gather(*tasks), patient(5))
    assert turns.index("modest") <= 2


@pytest.mark.parametrize("are_cancelled", [False, True])
async def test_a_borrower_that_gives_up_keeps_no_share(
    ten: Database, monkeypatch: pytest.MonkeyPatch, *, are_cancelled: bool
) -> None:
    monkeypatch.setattr(shares_module, "WAIT_SECONDS", 0.2)
    turns: list[str | None] = []
    async with AsyncExitStack() as stack:
        await hold(ten, stack, "greedy", 5)
        tasks = [asyncio.create_task(use(ten, "greedy", turns)) for _ in range(20)]
        await asyncio.sleep(0.05)
        if are_cancelled:
            for task in tasks:
                task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        kind = asyncio.CancelledError if are_cancelled else DatabaseUnavailable
        assert all(isinstance(result, kind) for result in results)
    monkeypatch.undo()
    async with AsyncExitStack() as stack, asyncio.timeout(patient(5)):
        await hold(ten, stack, "greedy", 5)
        await hold(ten, stack, "other", 3)
    assert turns == []


async def test_the_usage_names_what_is_lent_and_who_waits(ten: Database) -> None:
    assert ten.shares.usage() == PoolUsage(0, 10, 0)
    turns: list[str | None] = []
    async with AsyncExitStack() as stack:
        await hold(ten, stack, "greedy", 5)
        tasks = [asyncio.create_task(use(ten, "greedy", turns)) for _ in range(3)]
        assert await is_waiting(tasks[-1])
        assert ten.shares.usage() == PoolUsage(5, 10, 3)
        await hold(ten, stack, "other", 3)
        for _ in range(2):
            await stack.enter_async_context(ten.transaction())
        tasks.append(asyncio.create_task(use(ten, None, turns)))
        assert await is_waiting(tasks[-1])
        assert ten.shares.usage() == PoolUsage(10, 10, 4)
    await asyncio.wait_for(asyncio.gather(*tasks), patient(5))
    assert ten.shares.usage() == PoolUsage(0, 10, 0)


async def test_a_waiter_that_is_woken_and_cancelled_at_once_passes_its_turn_on(ten: Database) -> None:
    turns: list[str | None] = []
    async with AsyncExitStack() as stack:
        await hold(ten, stack, "greedy", 5)
        cancelled = asyncio.create_task(use(ten, "greedy", turns))
        assert await is_waiting(cancelled)
        other = asyncio.create_task(use(ten, "greedy", turns))
        await asyncio.sleep(0)
        greedy = ten.shares.of("greedy")
        greedy.release()  # in the same step of the event loop as the cancellation
        cancelled.cancel()
        await asyncio.wait_for(other, patient(5))
        greedy.lent += 1  # what was released twice
        ten.shares.lent += 1
    assert turns == ["greedy"]


async def test_failed_connections_keep_no_share(ten: Database) -> None:
    async def fail() -> None:
        async with ten.share("broken").transaction() as tx:
            await tx.fetchval("select 1")
            raise ZeroDivisionError

    for _ in range(20):
        with pytest.raises(ZeroDivisionError):
            await fail()
    async with AsyncExitStack() as stack, asyncio.timeout(patient(5)):
        await hold(ten, stack, "broken", 5)
