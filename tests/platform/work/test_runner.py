import asyncio

import pytest

from clearline.platform.database.errors import DatabaseUnavailable
from clearline.platform.work import runner as runner_module
from clearline.platform.work.runner import PeriodicJob, Runner
from tests.patience import patient

NEVER = 3600.0


class Counted:
    """Work that counts its turns, and raises its fault if it has one."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.turns = 0
        self.enough = asyncio.Event()
        self.fault = fault

    async def __call__(self) -> int:
        self.turns += 1
        if self.turns >= 3:
            self.enough.set()
        if self.fault is not None:
            raise self.fault
        return 1


async def run_until_enough(*jobs: Counted) -> None:
    runner = Runner([PeriodicJob(f"job {number}", 0.005, job) for number, job in enumerate(jobs)])
    async with asyncio.timeout(patient(5)), asyncio.TaskGroup() as group:
        group.create_task(runner.run())
        for job in jobs:
            await job.enough.wait()
        runner.stop()


async def test_jobs_repeat_until_the_runner_stops() -> None:
    first, second = Counted(), Counted()
    await run_until_enough(first, second)
    turns = first.turns, second.turns
    assert min(turns) >= 3
    await asyncio.sleep(0.03)
    assert (first.turns, second.turns) == turns


async def test_a_failing_job_is_tried_again_and_stops_no_other() -> None:
    broken, unavailable, working = (
        Counted(ValueError("a fault")),
        Counted(DatabaseUnavailable("no connection")),
        Counted(),
    )
    await run_until_enough(broken, unavailable, working)
    assert min(broken.turns, unavailable.turns, working.turns) >= 3


async def test_every_job_runs_once_more_when_the_runner_stops() -> None:
    first, second = Counted(), Counted(ValueError("a fault"))
    runner = Runner([PeriodicJob("first", NEVER, first), PeriodicJob("second", NEVER, second)])
    running = asyncio.create_task(runner.run())
    await asyncio.sleep(0.02)
    assert (first.turns, second.turns) == (0, 0)
    runner.stop()
    async with asyncio.timeout(patient(5)):
        await running
    assert (first.turns, second.turns) == (1, 1)


class Watched(Runner):
    """Records how long it would wait, with a fixed answer to whether the process was busy."""

    def __init__(self, jobs: list[PeriodicJob], *, busy: bool) -> None:
        super().__init__(jobs)
        self.waits: list[float] = []
        self._busy = busy

    async def _wait(self, seconds: float, alarm: asyncio.Event | None) -> bool:
        assert alarm is None
        self.waits.append(seconds)
        if len(self.waits) == 3:
            self.stop()
        return self._busy


@pytest.mark.parametrize("busy", [False, True])
@pytest.mark.parametrize("done", [4, 5])
async def test_a_job_with_more_to_do_runs_again_at_once_or_in_a_busy_process_a_twentieth_of_the_time(
    done: int, *, busy: bool
) -> None:
    async def turn() -> int:
        await asyncio.sleep(0.05)
        return done

    runner = Watched([PeriodicJob("work", 0.3, turn, 5)], busy=busy)
    await runner.run()
    assert runner.waits[0] == 0.3
    for wait in runner.waits[1:]:
        if busy:
            assert wait >= 19 * 0.05
        elif done == 5:
            assert wait != 0.3, "it continues at once, after a pause as long as its turn took"
        else:
            assert wait == 0.3


@pytest.mark.parametrize("every", [0.1, 60.0])
async def test_a_long_run_in_a_busy_process_delays_the_next_by_two_seconds_at_most(
    every: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = iter(range(0, 100, 3))  # each run takes 3 seconds
    monkeypatch.setattr(runner_module, "perf_counter", lambda: next(times))

    async def turn() -> int:
        return 5

    runner = Watched([PeriodicJob("work", every, turn, 5)], busy=True)
    await runner.run()
    assert runner.waits == [every, max(every, 2.0), max(every, 2.0)]


@pytest.mark.parametrize("yields_to_requests", [False, True])
async def test_only_a_process_that_serves_requests_yields_to_them(*, yields_to_requests: bool) -> None:
    class Busy(Watched):
        def __init__(self, jobs: list[PeriodicJob]) -> None:
            Runner.__init__(self, jobs, yields_to_requests=yields_to_requests)
            self.waits, self._busy = [], True

    async def turn() -> int:
        await asyncio.sleep(0.02)
        return 5

    runner = Busy([PeriodicJob("work", 0.1, turn, 5)])
    await runner.run()
    assert all((wait >= 19 * 0.02) is yields_to_requests for wait in runner.waits[1:])


async def test_an_alarm_starts_the_next_turn_at_once() -> None:
    turns = Counted()
    alarm = asyncio.Event()
    runner = Runner([PeriodicJob("woken", NEVER, turns, alarm=alarm)], yields_to_requests=False)
    running = asyncio.create_task(runner.run())
    await asyncio.sleep(0.05)
    assert turns.turns == 0
    alarm.set()
    async with asyncio.timeout(patient(2)):
        await turns.enough.wait()  # the alarm stays set
    runner.stop()
    async with asyncio.timeout(patient(2)):
        await running


@pytest.mark.parametrize("last", [False, True])
async def test_the_last_turn_and_the_finish_of_a_job_run_as_configured(*, last: bool) -> None:
    turns, finished = Counted(), Counted(ValueError("a fault"))
    runner = Runner([PeriodicJob("work", NEVER, turns, runs_at_stop=last, finish=finished, alarm=asyncio.Event())])
    running = asyncio.create_task(runner.run())
    await asyncio.sleep(0.05)
    runner.stop()
    async with asyncio.timeout(patient(5)):
        await running
    assert (turns.turns, finished.turns) == (int(last), 1)
