import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from clearline.platform.database.errors import DatabaseUnavailable
from clearline.platform.work import claims
from clearline.platform.work.claims import ClaimWorker
from clearline.platform.work.runner import Runner
from tests.builders.jobs import set_clock
from tests.patience import patient, stretched


class Items:
    """Items that wait, and what happened to them."""

    def __init__(self, count: int, *, seconds: float = 0.0) -> None:
        self.waiting = list(range(count))
        self.seconds = seconds
        self.claim_sizes: list[int] = []
        self.done: list[int] = []
        self.interrupted: list[int] = []
        self.renewed: list[Sequence[int]] = []
        self.released: list[Sequence[int]] = []
        self.closed = 0
        self.faults: dict[int, Exception] = {}

    async def claim(self, free: int) -> list[int]:
        self.claim_sizes.append(free)
        claimed, self.waiting = self.waiting[:free], self.waiting[free:]
        return claimed

    async def do(self, item: int) -> None:
        try:
            await asyncio.sleep(self.seconds)
        except asyncio.CancelledError:
            self.interrupted.append(item)
            raise
        if item in self.faults:
            raise self.faults[item]
        self.done.append(item)

    async def renew(self, items: Sequence[int]) -> None:
        self.renewed.append(items)

    async def release(self, items: Sequence[int]) -> None:
        self.released.append(sorted(items))

    async def close(self) -> None:
        self.closed += 1

    def runner(self, slots: int, **more: Any) -> Runner:
        worker = ClaimWorker(
            "items", slots=slots, claim=self.claim, do=self.do, renew=self.renew, release=self.release,
            close=self.close, **more,
        )  # fmt: skip
        return Runner([worker.job()], yields_to_requests=False)


async def for_a_while(runner: Runner, items: Items, count: int) -> None:
    running = asyncio.create_task(runner.run())
    async with asyncio.timeout(patient(5)):
        while len(items.done) < count:  # noqa: ASYNC110 - there is no signal
            await asyncio.sleep(0.005)
    runner.stop()
    await running


async def test_items_are_done_many_at_once_and_no_more_than_there_are_slots() -> None:
    items = Items(20, seconds=0.05)
    await for_a_while(items.runner(8), items, 20)
    assert sorted(items.done) == list(range(20))
    assert max(items.claim_sizes) == 8
    assert items.closed == 1
    assert items.released == []


async def test_a_free_slot_is_used_at_once_and_not_at_the_next_poll() -> None:
    items = Items(30, seconds=0.001)
    began = asyncio.get_running_loop().time()
    await for_a_while(items.runner(1), items, 30)
    assert asyncio.get_running_loop().time() - began < stretched(30 * claims.EVERY / 2)


@pytest.mark.parametrize("fault", [ValueError("a fault"), DatabaseUnavailable("no connection")])
async def test_an_item_that_fails_stops_no_other(fault: Exception) -> None:
    items = Items(6)
    items.faults[2] = fault
    await for_a_while(items.runner(2), items, 5)
    assert sorted(items.done) == [0, 1, 3, 4, 5]


async def test_the_claim_of_a_long_item_is_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "LEASE_SECONDS", 0.3)
    items = Items(2, seconds=0.8)
    await for_a_while(items.runner(4), items, 2)
    assert items.renewed
    assert all(sorted(renewed) == [0, 1] for renewed in items.renewed)


async def test_claims_are_renewed_after_the_clock_was_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "LEASE_SECONDS", 0.3)
    items = Items(1, seconds=0.8)
    runner = items.runner(4)
    set_clock(monkeypatch, timedelta(hours=-1))
    await for_a_while(runner, items, 1)
    assert items.renewed


async def test_a_stopping_process_claims_nothing_more_and_releases_interrupted_items(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(claims, "GRACE_SECONDS", 0.05)
    items = Items(9, seconds=5)
    runner = items.runner(4)
    running = asyncio.create_task(runner.run())
    async with asyncio.timeout(patient(5)):
        while len(items.waiting) > 5:  # noqa: ASYNC110 - there is no signal
            await asyncio.sleep(0.005)
    await asyncio.sleep(0.4)
    claims_before = len(items.claim_sizes)
    runner.stop()
    async with asyncio.timeout(patient(2)):
        await running
    assert (sorted(items.interrupted), items.released, items.closed) == ([0, 1, 2, 3], [[0, 1, 2, 3]], 1)
    assert len(items.claim_sizes) == claims_before
    assert items.waiting == [4, 5, 6, 7, 8]
