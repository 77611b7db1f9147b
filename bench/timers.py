"""How late reminders are when 100,000 of them are waiting, and what they cost.

python bench/timers.py [--timers 100000] [--seconds 60] [--within MINUTES]

Every timer is the reminder of a pending ticket: when it is due, the ticket is in progress again, with its events. First
so many a second are due as when all are due within 10 minutes, then as within an hour; the others are due after that.
With ``--within`` all of them are due, one after another, within so many minutes.
Late is from the moment to the commit, in one process that does nothing else, as ``clearline work``.
"""

import argparse
import asyncio
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from clearline.clock import now
from clearline.logs import configure
from clearline.platform.database.transactions import Database, Tx
from clearline.platform.work.runner import PeriodicJob, Runner
from clearline.platform.work.timer_store import Timer
from clearline.platform.work.timers import Timers
from clearline.reminders.domain import KIND
from clearline.tickets.reminders.usecases import fire
from dataset import SERVICE_ID, companies
from rig import cpu, database

FILL = """
    with added as (
        insert into ticket (company_id, title, description, issue_type, service_type, service_id, service_label,
                            severity, impact, priority, status, contact_name, contact_phone, contact_email, channel,
                            created_at, updated_at, status_changed_at, reminder, reminder_at)
        select ($1::uuid[])[1 + n % array_length($1::uuid[], 1)], 'Port is slow', 'Loss since 08:00 UTC',
               'Packet Loss/Drops', 'Port', $2, 'Bench port', 'moderate', 'degraded', 'medium', 'pending', 'Bo', '',
               'bo@bench.example.com', 'API', now(), now(), now(),
               jsonb_build_object('at', $3::timestamptz, 'reason', 'Call', 'cancelled_by_answer', false,
                                  'set_by', 'Bo', 'set_at', now()), $3::timestamptz
          from generate_series(1, $4::integer) n
        returning company_id, number, reminder_at
    )
    insert into timer (company_id, kind, subject, due_at) select company_id, $5, number, reminder_at from added"""
SPREAD = """
    with due as (select company_id, number,
                        $1::timestamptz + (row_number() over (order by number) - 1) * $2::interval as at
                   from ticket where status = 'pending' and reminder_at > $3 order by number limit $4),
         set as (update ticket t set reminder_at = due.at, reminder = t.reminder || jsonb_build_object('at', due.at)
                   from due where t.company_id = due.company_id and t.number = due.number)
    update timer t set due_at = due.at from due where t.company_id = due.company_id and t.subject = due.number"""
AFTER = timedelta(hours=2)


class Sample(NamedTuple):
    """The result of a phase: how many fired, how late in milliseconds, in how many transactions, and seconds of CPU."""

    name: str
    fired: int
    p50: float
    p99: float
    most: float
    commits: int
    worker: float
    database: float


class Bench:
    """Fires timers in this process, and measures how late they are."""

    def __init__(self, database: Database, database_pid: int) -> None:
        self._database, self._pid = database, database_pid
        self._batch: list[datetime] = []
        self._late: list[float] = []
        self._commits = 0

    async def _fire(self, tx: Tx, due: Sequence[Timer], at: datetime) -> Mapping[Timer, datetime]:
        again = await fire(tx, due, at)
        self._batch = [timer.due_at for timer in due if timer not in again]
        return again

    def _job(self) -> PeriodicJob:
        job = Timers(self._database, {KIND: self._fire}, now).job()

        async def run() -> int:
            self._batch = []
            count = await job.run()
            at = now()
            self._late += [(at - due_at).total_seconds() * 1000 for due_at in self._batch]
            self._commits += bool(self._batch)
            return count

        return PeriodicJob(job.name, job.every, run, batch=job.batch, alarm=job.alarm, runs_at_stop=False)

    async def phase(self, name: str, rate: float, seconds: int) -> Sample:
        """Make timers due at a rate, and fire them."""
        count = int(rate * seconds)
        async with self._database.transaction() as tx:
            await tx.write_script("set local statement_timeout = '300s'")
            first = now() + timedelta(seconds=3 + count / 1_000)
            await tx.write(SPREAD, first, timedelta(seconds=1 / rate), now() + AFTER / 2, count)
        self._late, self._commits = [], 0
        runner = Runner([self._job()], yields_to_requests=False)
        worker, database = time.process_time(), cpu(self._pid)
        running = asyncio.create_task(runner.run())
        until = time.monotonic() + (first - now()).total_seconds() + seconds + 30
        while len(self._late) < count and time.monotonic() < until:  # noqa: ASYNC110 - there is no signal
            await asyncio.sleep(0.1)
        runner.stop()
        await running
        if len(self._late) < count:
            sys.exit(f"{name}: only {len(self._late)} of {count} fired")
        cuts = statistics.quantiles(self._late, n=100)
        return Sample(
            name, count, cuts[49], cuts[98], max(self._late), self._commits, time.process_time() - worker,
            cpu(self._pid) - database,
        )  # fmt: skip


async def measure(url: str, pid: int, timers: int, seconds: int, within: int | None) -> list[Sample]:
    """Fill the database, and run the phases."""
    tenants = await companies(url)
    database = await Database.open(url)
    async with database.transaction() as tx:
        await tx.write_script("set local statement_timeout = '300s'; set local synchronous_commit = off")
        ids = [tenant.company_id for tenant in tenants]
        await tx.write(
            "insert into service select c, $2, 'Port', 'Bench', now() from unnest($1::uuid[]) c", ids, SERVICE_ID
        )
        await tx.write(FILL, ids, SERVICE_ID, now() + AFTER, timers, KIND)
    async with database.statement() as tx:
        await tx.write_script("analyze")
    bench = Bench(database, pid)
    phases = [("as within 10 minutes", timers / 600, seconds), ("as within an hour", timers / 3600, seconds)]
    if within is not None:
        phases = [(f"all within {within} minutes", timers / within / 60, within * 60)]
    samples = [await bench.phase(f"{name}: {rate:.0f}/s", rate, lasting) for name, rate, lasting in phases]
    await database.close()
    return samples


def main() -> None:
    """Measure, and print a table."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--timers", type=int, default=100_000)
    arguments.add_argument("--seconds", type=int, default=60)
    arguments.add_argument("--within", type=int, metavar="MINUTES")
    given = arguments.parse_args()
    configure("text", "warning")
    with database(needs_wrk=False) as server:
        samples = asyncio.run(measure(server.url, server.supervisor.pid, given.timers, given.seconds, given.within))
    table = Table("due", "fired", "late p50 ms", "p99", "max", "commits", "CPU s worker", "CPU s database")
    for sample in samples:
        table.add_row(
            sample.name, str(sample.fired), f"{sample.p50:.0f}", f"{sample.p99:.0f}", f"{sample.most:.0f}",
            str(sample.commits), f"{sample.worker:.1f}", f"{sample.database:.1f}",
        )  # fmt: skip
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
