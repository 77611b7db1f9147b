"""How long it takes to do something with all deliveries of a subscription, and what claims cost meanwhile.

python bench/deliveries.py [--deliveries 1000000] [--tickets 1000] [--only PHASE]

A subscription has so many waiting deliveries about so many tickets. "Request" is the transaction of the use case that
begins something, "longest" the longest transaction of the jobs that go on with it, "claims" what looking for due
deliveries takes before, or meanwhile. In the phase "order" the receiver refused the first delivery of each ticket, so
that all others wait; in "paused" it cannot be reached.
"""

import argparse
import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from clearline.clock import now
from clearline.events import store as event_store
from clearline.identity import OPERATOR, PROVIDER_ID, Company
from clearline.platform.database import migrate
from clearline.platform.database.transactions import Database, Tx
from clearline.platform.postgres.embedded import EmbeddedPostgres
from clearline.webhooks import attempt_store, delivery_store
from clearline.webhooks import subscription_usecases as subscriptions
from clearline.webhooks import worker as webhooks
from clearline.webhooks.delivery_actions import usecases as actions
from clearline.webhooks.subscription_domain import Subscription
from rig import database

PROVIDER = Company(PROVIDER_ID, "Provider", "PROVIDER")
FILL = """
    insert into delivery (company_id, subscription_id, id, event_id, type, ticket_number, body, state, due_at,
                          created_at, refusals)
    select $1, $2, gen_random_uuid(), n, 'note.added', n % $4, convert_to(repeat('x', 500), 'UTF8'), 'waiting',
           case when $5 = 'all' or $5 = 'first' and n <= $4 then now() + interval '1 hour'
                else now() - interval '1 minute' end, now(), 1
      from generate_series(1, $3::integer) n order by n"""
"""``$5``: which deliveries the receiver refused lately: all, the first of each ticket, or none."""


class Sample(NamedTuple):
    """What a phase took, in seconds; claims in milliseconds."""

    phase: str
    request: float
    total: float
    longest: float
    claims: list[float]


async def fill(opened: Database, count: int, tickets: int, refused: str) -> Subscription:
    async with opened.transaction() as tx:
        subscription, _ = await subscriptions.add_subscription(
            tx, OPERATOR, {"url": "https://hooks.example.com/"}, of=PROVIDER, networks=(), now=now()
        )
    for _ in range(10):
        async with opened.transaction() as tx:
            await tx.write(FILL, subscription.company_id, subscription.id, count // 10, tickets, refused)
            refused = "none" if refused == "first" else refused
    async with opened.statement() as tx:
        await tx.write("vacuum analyze delivery")
    return subscription


async def claim(opened: Database) -> float:
    """Return the milliseconds of a claim; what it claims is due again at once."""
    began = time.perf_counter()
    async with opened.transaction() as tx:
        claims = await attempt_store.claim(tx, now=now(), until=now() + timedelta(seconds=60), each=4, limit=200)
        took = time.perf_counter() - began
        await attempt_store.release(tx, claims, now=now())
    return took * 1000


async def repeat(opened: Database, run: Callable[[], Awaitable[int]], claims: list[float]) -> float:
    """Run a job until it finds nothing to do, with a claim after every 20 runs; return its longest run."""
    longest, runs = 0.0, 0
    while True:
        began = time.perf_counter()
        count = await run()
        longest, runs = max(longest, time.perf_counter() - began), runs + 1
        if not count:
            return longest
        if runs % 20 == 0:
            claims.append(await claim(opened))


async def act(opened: Database, phase: str, subscription: Subscription) -> Sample:
    """Give up, resume or delete all deliveries of a subscription."""

    async def begin(tx: Tx) -> None:
        if phase == "delete":
            await subscriptions.delete_subscription(tx, OPERATOR, subscription.id, of=PROVIDER, now=now())
        elif phase == "give up":
            locked = await subscriptions.lock_subscription(tx, OPERATOR, subscription.id, of=PROVIDER)
            await subscriptions.disable(tx, OPERATOR, locked, "the receiver is gone", now=now())
        else:
            values = {"url": "https://other.example.com/"}
            await subscriptions.change_subscription(
                tx, OPERATOR, subscription.id, values, of=PROVIDER, networks=(), now=now()
            )

    async def go_on() -> int:
        async with opened.transaction() as tx:
            return await actions.go_on(tx, now=now())

    began = time.perf_counter()
    async with opened.transaction() as tx:
        await begin(tx)
    request, claims = time.perf_counter() - began, [await claim(opened)]
    longest = await repeat(opened, go_on, claims)
    return Sample(phase, request, time.perf_counter() - began, longest, claims)


async def order(opened: Database) -> Sample:
    """Put deliveries behind the first of their tickets."""
    claims = [await claim(opened)]
    job = webhooks.order_jobs(opened, now)[0]
    began = time.perf_counter()
    longest = await repeat(opened, job.run, claims)
    total = time.perf_counter() - began
    claims.append(await claim(opened))
    return Sample("order", 0, total, longest, claims)


async def pause(opened: Database, subscription: Subscription) -> Sample:
    """Claim beside the deliveries of a paused subscription, and count what is due as doctor does."""
    async with opened.transaction() as tx:
        await tx.write(
            "update subscription set failures = 3, resume_at = now() + interval '1 hour' where id = $1", subscription.id
        )
    claims = [await claim(opened) for _ in range(50)]
    began = time.perf_counter()
    async with opened.statement() as tx:
        await delivery_store.due(tx, now=now(), limit=1000)
    return Sample("paused", 0, 0, time.perf_counter() - began, claims)


async def run(options: argparse.Namespace, server: EmbeddedPostgres) -> list[Sample]:
    opened = await Database.open(server.url)
    await migrate.migrate(opened, afterwards=event_store.renumber)
    samples = []
    for phase, refused in (
        ("give up", "none"), ("resume", "all"), ("delete", "none"), ("order", "first"), ("paused", "none"),
    ):  # fmt: skip
        if options.only not in (None, phase):
            continue
        subscription = await fill(opened, options.deliveries, options.tickets, refused)
        if phase == "order":
            samples.append(await order(opened))
        elif phase == "paused":
            samples.append(await pause(opened, subscription))
        else:
            samples.append(await act(opened, phase, subscription))
        async with opened.transaction() as tx:
            await tx.write("truncate delivery, delivery_attempt, delivery_action, subscription")
    await opened.close()
    return samples


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deliveries", type=int, default=1_000_000)
    parser.add_argument("--tickets", type=int, default=1_000)
    parser.add_argument("--only", help="one phase: give up, resume, delete, order, paused")
    options = parser.parse_args()
    with database(needs_wrk=False) as server:
        samples = asyncio.run(run(options, server))
    table = Table("phase", "request s", "total s", "longest ms", "claims ms: first", "p50", "most", "last")
    for sample in samples:
        claims = sample.claims
        milliseconds = (sample.longest * 1000, claims[0], statistics.median(claims), max(claims), claims[-1])
        table.add_row(
            sample.phase, f"{sample.request:.3f}", f"{sample.total:.1f}", *(f"{value:.1f}" for value in milliseconds)
        )
    Console(width=160).print(table)


if __name__ == "__main__":
    main()
