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


class Pieces:
    """Pieces that wait, and what became of them."""

    def __init__(self, count: int, *, seconds: float = 0.0) -> None:
        self.waiting = list(range(count))
        self.seconds = seconds
        self.asked: list[int] = []
        self.done: list[int] = []
        self.cut_off: list[int] = []
        self.renewed: list[Sequence[int]] = []
        self.released: list[Sequence[int]] = []
        self.closed = 0
        self.faults: dict[int, Exception] = {}

    async def claim(self, free: int) -> list[int]:
        self.asked.append(free)
        taken, self.waiting = self.waiting[:free], self.waiting[free:]
        return taken

    async def do(self, piece: int) -> None:
        try:
            await asyncio.sleep(self.seconds)
        except asyncio.CancelledError:
            self.cut_off.append(piece)
            raise
        if piece in self.faults:
            raise self.faults[piece]
        self.done.append(piece)

    async def renew(self, pieces: Sequence[int]) -> None:
        self.renewed.append(pieces)

    async def release(self, pieces: Sequence[int]) -> None:
        self.released.append(sorted(pieces))

    async def close(self) -> None:
        self.closed += 1

    def runner(self, slots: int, **more: Any) -> Runner:
        one = ClaimWorker(
            "pieces", slots=slots, claim=self.claim, do=self.do, renew=self.renew, release=self.release,
            close=self.close, **more,
        )  # fmt: skip
        return Runner([one.job()], yields_to_requests=False)


async def for_a_while(runner: Runner, pieces: Pieces, count: int) -> None:
    running = asyncio.create_task(runner.run())
    async with asyncio.timeout(patient(5)):
        while len(pieces.done) < count:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.005)
    runner.stop()
    await running


async def test_pieces_are_done_many_at_once_and_no_more_than_there_are_slots() -> None:
    pieces = Pieces(20, seconds=0.05)
    await for_a_while(pieces.runner(8), pieces, 20)
    assert sorted(pieces.done) == list(range(20))
    assert max(pieces.asked) == 8
    assert pieces.closed == 1
    assert pieces.released == []


async def test_a_free_slot_is_used_at_once_and_not_at_the_next_look() -> None:
    pieces = Pieces(30, seconds=0.001)
    began = asyncio.get_running_loop().time()
    await for_a_while(pieces.runner(1), pieces, 30)
    assert asyncio.get_running_loop().time() - began < stretched(30 * claims.EVERY / 2)


@pytest.mark.parametrize("fault", [ValueError("a fault"), DatabaseUnavailable("away")])
async def test_a_piece_that_fails_stops_no_other(fault: Exception) -> None:
    pieces = Pieces(6)
    pieces.faults[2] = fault
    await for_a_while(pieces.runner(2), pieces, 5)
    assert sorted(pieces.done) == [0, 1, 3, 4, 5]


async def test_what_takes_long_is_kept_from_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "LEASE_SECONDS", 0.3)
    pieces = Pieces(2, seconds=0.8)
    await for_a_while(pieces.runner(4), pieces, 2)
    assert pieces.renewed
    assert all(sorted(renewed) == [0, 1] for renewed in pieces.renewed)


async def test_claims_are_renewed_after_the_clock_was_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "LEASE_SECONDS", 0.3)
    pieces = Pieces(1, seconds=0.8)
    runner = pieces.runner(4)
    set_clock(monkeypatch, timedelta(hours=-1))
    await for_a_while(runner, pieces, 1)
    assert pieces.renewed


async def test_a_stopping_process_claims_nothing_more_and_gives_back_what_it_cuts_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(claims, "GRACE_SECONDS", 0.05)
    pieces = Pieces(9, seconds=5)
    runner = pieces.runner(4)
    running = asyncio.create_task(runner.run())
    async with asyncio.timeout(patient(5)):
        while len(pieces.waiting) > 5:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.005)
    await asyncio.sleep(0.4)
    asked = len(pieces.asked)
    runner.stop()
    async with asyncio.timeout(patient(2)):
        await running
    assert (sorted(pieces.cut_off), pieces.released, pieces.closed) == ([0, 1, 2, 3], [[0, 1, 2, 3]], 1)
    assert len(pieces.asked) == asked
    assert pieces.waiting == [4, 5, 6, 7, 8]
