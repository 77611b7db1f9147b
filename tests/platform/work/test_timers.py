"""Timers fire once, at their moment, whatever fails."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from clearline import clock
from clearline.platform.database.transactions import Database, Tx
from clearline.platform.work import timer_store, timers
from clearline.platform.work.runner import Runner
from clearline.platform.work.timer_store import Timer
from clearline.platform.work.timers import BATCH, RETRY, RETRY_MAX, Timers
from tests.builders.people import NOW, Tenant
from tests.patience import patient

KIND = "test"
SECOND = timedelta(seconds=1)


class Bell:
    """What timers of the tests do: they are heard. A number in ``faults`` fails so often."""

    def __init__(self, *, again: timedelta | None = None) -> None:
        self.heard: list[int] = []
        self.batches: list[int] = []
        self.faults: dict[int, int] = {}
        self.again = again
        self.at: dict[int, datetime] = {}

    async def fire(self, tx: Tx, due: Sequence[Timer], now: datetime) -> Mapping[Timer, datetime]:
        self.batches.append(len(due))
        for timer in due:
            if self.faults.get(timer.subject, 0) > 0:
                self.faults[timer.subject] -= 1
                await tx.fetchval("select 1 / 0")
        self.heard += [timer.subject for timer in due]
        self.at |= {timer.subject: clock.now() for timer in due}
        return {} if self.again is None else dict.fromkeys(due, now + self.again)


@pytest.fixture(autouse=True)
async def no_timers(database: Database) -> None:
    async with database.statement() as tx:
        await tx.write("delete from timer")


async def put(database: Database, company_id: UUID, *due: datetime, kind: str = KIND) -> None:
    async with database.transaction() as tx:
        for subject, due_at in enumerate(due):
            await timer_store.put(tx, company_id, kind, subject, due_at)


async def waiting(database: Database, company_id: UUID, kind: str = KIND) -> dict[int, tuple[timedelta, int]]:
    """Return how long each timer waits from ``NOW`` on, and how often it failed."""
    async with database.statement() as tx:
        rows = await tx.fetch(
            "select subject, due_at - $3, attempts from timer where company_id = $1 and kind = $2",
            company_id,
            kind,
            NOW,
        )
    return {row[0]: (row[1], row[2]) for row in rows}


async def look(database: Database, bell: Bell, now: datetime = NOW, kind: str = KIND) -> int:
    """Run the job once."""
    return await Timers(database, {kind: bell.fire}, lambda: now).job().run()


async def test_only_what_is_due_is_fired_and_is_gone(database: Database, tenant: Tenant) -> None:
    await put(database, tenant.company.id, NOW - SECOND, NOW, NOW + SECOND)
    bell = Bell()
    assert await look(database, bell) == 2
    assert bell.heard == [0, 1]
    assert await waiting(database, tenant.company.id) == {2: (SECOND, 0)}
    assert await look(database, bell) == 0
    assert bell.heard == [0, 1]


async def test_a_timer_that_is_due_again_waits_for_that(database: Database, tenant: Tenant) -> None:
    await put(database, tenant.company.id, NOW)
    bell = Bell(again=5 * SECOND)
    await look(database, bell)
    assert await waiting(database, tenant.company.id) == {0: (5 * SECOND, 0)}


async def test_a_timer_that_is_put_anew_replaces_the_one_before(database: Database, tenant: Tenant) -> None:
    await put(database, tenant.company.id, NOW)
    await put(database, tenant.company.id, NOW + SECOND)
    assert await waiting(database, tenant.company.id) == {0: (SECOND, 0)}


async def test_a_timer_of_another_kind_is_left_to_processes_that_know_it(database: Database, tenant: Tenant) -> None:
    await put(database, tenant.company.id, NOW, kind="unknown")
    await put(database, tenant.company.id, NOW)
    bell = Bell()
    assert await look(database, bell) == 1
    assert await waiting(database, tenant.company.id, "unknown") == {0: (timedelta(0), 0)}


async def test_one_that_fails_keeps_no_other_from_firing_and_is_tried_later_each_time(
    database: Database, tenant: Tenant
) -> None:
    await put(database, tenant.company.id, *[NOW - SECOND] * 5)
    bell = Bell()
    bell.faults = {2: 99}
    with capture_logs() as logs:
        assert await look(database, bell) == 5
    assert sorted(bell.heard) == [0, 1, 3, 4]
    assert await waiting(database, tenant.company.id) == {2: (RETRY, 1)}
    assert [(line["log_level"], line["subject"]) for line in logs] == [("error", 2)]
    waits = []
    for _ in range(12):
        now = NOW + (await waiting(database, tenant.company.id))[2][0]
        await look(database, bell, now)
        waits.append((await waiting(database, tenant.company.id))[2][0] - (now - NOW))
    assert waits[:3] == [2 * RETRY, 4 * RETRY, 8 * RETRY]
    assert waits[-1] == RETRY_MAX
    bell.faults = {}
    await look(database, bell, NOW + timedelta(days=1))
    assert await waiting(database, tenant.company.id) == {}
    assert bell.heard.count(2) == 1


async def test_what_fails_leaves_nothing_behind(database: Database, tenant: Tenant) -> None:
    """What a timer does and its end are one transaction."""
    await put(database, tenant.company.id, NOW)

    async def fire(tx: Tx, due: Sequence[Timer], _now: datetime) -> Mapping[Timer, datetime]:
        await timer_store.put(tx, due[0].company_id, "trace", due[0].subject, NOW)
        await tx.fetchval("select 1 / 0")
        return {}

    with capture_logs():
        await Timers(database, {KIND: fire}, lambda: NOW).job().run()
    assert await waiting(database, tenant.company.id, "trace") == {}
    assert await waiting(database, tenant.company.id) == {0: (RETRY, 1)}


async def test_several_processes_share_the_work_and_fire_each_timer_once(database: Database, tenant: Tenant) -> None:
    count = 3 * BATCH + 7
    await put(database, tenant.company.id, *[NOW - SECOND] * count)
    bell = Bell()
    jobs = [Timers(database, {KIND: bell.fire}, lambda: NOW).job() for _ in range(3)]
    for _ in range(6):
        await asyncio.gather(*(job.run() for job in jobs))
    assert sorted(bell.heard) == list(range(count))
    assert max(bell.batches) == BATCH


async def test_a_failed_timer_that_is_put_anew_is_not_postponed(database: Database, tenant: Tenant) -> None:
    timer = Timer(tenant.company.id, KIND, 0, NOW)
    await put(database, tenant.company.id, NOW + SECOND)
    async with database.statement() as tx:
        await timer_store.advance(tx, timer, due_at=NOW + timedelta(hours=1), attempts=1)
    assert await waiting(database, tenant.company.id) == {0: (SECOND, 0)}


async def test_each_timer_fires_at_its_moment_and_the_job_sleeps_in_between(
    database: Database, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[float] = []
    next_due = timer_store.next_due

    async def counted(*values: object) -> datetime | None:
        looks.append(clock.monotonic())
        return await next_due(*values)  # type: ignore[arg-type]

    monkeypatch.setattr(timer_store, "next_due", counted)
    bell, start = Bell(), clock.now()
    moments = [start + timedelta(seconds=seconds) for seconds in (0.3, 0.7, 1.6)]
    await put(database, tenant.company.id, *moments)
    runner = Runner([Timers(database, {KIND: bell.fire}, clock.now).job()], yields_to_requests=False)
    running = asyncio.create_task(runner.run())
    async with asyncio.timeout(patient(10)):
        while len(bell.heard) < 3:  # noqa: ASYNC110 - there is no signal
            await asyncio.sleep(0.01)
    runner.stop()
    await running
    late = [bell.at[subject] - moment for subject, moment in enumerate(moments)]
    assert min(late) >= timedelta(0)
    assert max(late) < timedelta(seconds=patient(1.2))
    assert len(looks) <= 2 * 3 + patient(6), "it does not poll"


async def test_a_clock_that_was_ahead_keeps_no_failed_timer_waiting(database: Database, tenant: Tenant) -> None:
    ahead = NOW + timedelta(days=1)
    await put(database, tenant.company.id, ahead, ahead, NOW + RETRY_MAX)
    async with database.transaction() as tx:
        for subject, attempts in ((0, 3), (2, 3)):
            timer = Timer(tenant.company.id, KIND, subject, [ahead, ahead, NOW + RETRY_MAX][subject])
            await timer_store.advance(tx, timer, due_at=timer.due_at, attempts=attempts)
        assert await timers.shorten_waits(tx, now=NOW) == 1
    assert await waiting(database, tenant.company.id) == {
        0: (timedelta(0), 3), 1: (timedelta(days=1), 0), 2: (RETRY_MAX, 3),
    }  # fmt: skip
