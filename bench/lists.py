"""Lists of tickets by the facts of a provider at a million tickets: pages of 51, in one process, through the use case.

python bench/lists.py [--tickets 1000000] [--requests 40] [--pause]

Nine in ten tickets are open, two in three say when the fault began, one in a hundred has a reminder, one in ten
somebody who gets copies, half have own fields; each
contact has 500. Every request has other values; half of them are second pages, half go
down. With ``--pause`` it waits for Enter before it measures: the machine may be busy while the database is filled.
"""

import argparse
import asyncio
import statistics
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import count
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
from rich.console import Console
from rich.table import Table

from clearline.accounts import usecases as accounts
from clearline.clock import Span, now
from clearline.identity import OPERATOR, PROVIDER_ID, Role
from clearline.platform.database.transactions import Database
from clearline.queues import usecases as queues
from clearline.tickets import list_usecases as ticket_lists
from clearline.tickets.list_store import Filter, position_of
from dataset import COMPANIES, fill
from rig import database

QUEUES, AGENTS, SITES, STEPS = 20, 50, 500, 5
TIERS = ("gold", "silver", "bronze")
SPREAD = """
    update ticket set contact_email = 'noc' || number % 2000 || '@bench.example.com',
        created_at = now() - make_interval(secs => ($1 - number) * 10),
        occurred_at = case when number % 3 > 0 then now() - make_interval(secs => ($1 - number) * 10 + 600) end,
        queue_id = ($2::uuid[])[1 + number / 7 % array_length($2::uuid[], 1)],
        assignee_id = case when number % 5 > 0 then ($3::uuid[])[1 + number / 11 % array_length($3::uuid[], 1)] end,
        sub_status = 'step_' || number / 3 % $4,
        priority = (array['critical', 'high', 'medium', 'low'])[1 + number / 13 % 4],
        fields = case when number % 2 = 0 then
            jsonb_build_object('site', 'site' || number / 2 % $5, 'latency', number / 2 % 100000) end,
        reminder_at = case when number % 100 = 0 then now() + make_interval(mins => (number % 100000)::integer) end,
        reminder = case when number % 100 = 0 then jsonb_build_object(
            'at', now() + make_interval(mins => (number % 100000)::integer), 'reason', 'Call',
            'cancelled_by_answer', false, 'set_by', 'Bo', 'set_at', now()) end
     where number between $6 and $7"""
COPIES = """
    insert into ticket_contact (company_id, ticket_number, kind, email, name, phone, roles, created_at)
    select company_id, number, 'cc', 'cc' || number / 10 % 20000 || '@bench.example.com', '', '', '{}', now()
      from ticket where number % 10 = 0"""
FIELDS = """
    insert into field (id, record, key, label, type, required, visible_to, edited_by, place, is_active, created_at)
    values (gen_random_uuid(), 'ticket', 'site', 'Site', 'text', 'never', 'staff', 'staff', 1, true, now()),
           (gen_random_uuid(), 'ticket', 'latency', 'Latency', 'integer', 'never', 'staff', 'staff', 2, true, now())
    returning id"""


class Desk(NamedTuple):
    """The database, and what lists of it are filtered by."""

    database: Database
    companies: list[UUID]
    queues: list[UUID]
    agents: list[UUID]
    site: UUID
    latency: UUID


class Case(NamedTuple):
    """A kind of list: its order, and the filter that the n-th request has."""

    name: str
    order: str
    filters: Callable[[Desk, int], Filter]


def day(n: int) -> Span:
    """Return a span of a day, another for each n."""
    at = now() - timedelta(days=n % 100)
    return Span(at - timedelta(days=1), at)


def of(**given: Callable[[Desk, int], Any]) -> Callable[[Desk, int], Filter]:
    """Return what makes a filter of the n-th request."""
    return lambda desk, n: Filter(**{name: value(desk, n) for name, value in given.items()})


SCOPES: dict[str, dict[str, Callable[[Desk, int], Any]]] = {
    "all": {},
    "a company": {"company_id": lambda desk, n: desk.companies[n % COMPANIES]},
    "a queue": {"queue_id": lambda desk, n: desk.queues[n % QUEUES]},
    "an agent": {"assignee_id": lambda desk, n: desk.agents[n % AGENTS]},
}
FILTERS: dict[str, dict[str, Callable[[Desk, int], Any]]] = {
    "a tier": {"tiers": lambda _, n: (TIERS[n % len(TIERS)],)},
    "a sub-status": {"sub_statuses": lambda _, n: (f"step_{n % STEPS}",)},
    "a copy to": {"cc": lambda _, n: f"cc{n * 37 % 20000}@bench.example.com"},
    "a contact": {"contact": lambda _, n: f"noc{n * 7 % 2000}@bench.example.com"},
    "a reminder due in an hour": {"reminder": lambda _, n: Span(now(), now() + timedelta(hours=1 + n % 3))},
    "an own text": {"own_field": lambda desk, n: (desk.site, f"site{n * 7 % SITES}")},
    "an own number": {"own_number": lambda desk, n: (desk.latency, n * 1000.0, n * 1000.0 + 100)},
    "began on a day": {"occurred": lambda _, n: day(n)},
}


def cases() -> Iterator[Case]:
    """Yield what is measured: orders of each scope, then filters of each scope."""
    for order in ("occurred_at", "reminder_at", "field.latency", "field.site"):
        for scope, given in SCOPES.items():
            yield Case(f"by {order}, {scope}", order, of(**given))
    for name, filtered in FILTERS.items():
        for scope, given in SCOPES.items():
            order = "occurred_at" if name == "began on a day" else "number"
            yield Case(f"{name}, {scope}", order, of(**given, **filtered))


async def spread(url: str, tickets: int) -> Desk:
    """Give the tickets their facts."""
    desk = await Database.open(url)
    ids: dict[str, list[UUID]] = {"queues": [], "agents": []}
    async with desk.transaction() as tx:
        for index in range(QUEUES):
            queue = await queues.add_queue(tx, OPERATOR, name=f"Bench {index}", now=now())
            ids["queues"].append(queue.queue.id)
        for index in range(AGENTS):
            agent = await accounts.add_user(
                tx, OPERATOR, PROVIDER_ID, name=f"Agent {index}", email=f"agent{index}@bench.example.com", phone="",
                role=Role.AGENT, now=now(),
            )  # fmt: skip
            ids["agents"].append(agent.id)
    connection = await asyncpg.connect(url)
    await connection.execute("set synchronous_commit = off")
    site, latency = [row["id"] for row in await connection.fetch(FIELDS)]
    step = 50_000
    for first in range(1, tickets + 1, step):
        await connection.execute(
            SPREAD, tickets, ids["queues"], ids["agents"], STEPS, SITES, first, first + step - 1, timeout=600
        )
    await connection.execute(COPIES, timeout=600)
    await connection.execute(
        "update company set tier = ($1::text[])[1 + abs(hashtext(code)) % 10] where not is_provider", [*TIERS, "silver"]
    )
    companies = [row["company_id"] for row in await connection.fetch("select company_id from ticket_count")]
    await connection.execute("vacuum analyze", timeout=900)
    await connection.close()
    return Desk(desk, companies, ids["queues"], ids["agents"], site, latency)


async def measure(desk: Desk, case: Case, requests: int) -> list[float]:
    """Return how long each request took, in milliseconds, sorted."""
    taken: list[float] = []
    async with desk.database.statement() as tx:
        order, _descends = await ticket_lists.order_named(tx, OPERATOR, case.order)
    numbers = count()
    while len(taken) < requests:
        n = next(numbers)
        newest_first = n % 4 < 2
        filters, after = case.filters(desk, n), None
        for _page in range(2):
            begin = time.perf_counter()
            async with desk.database.transaction() as tx:
                listed = await ticket_lists.list_tickets(
                    tx, OPERATOR, filters, after=after, limit=51, newest_first=newest_first, order=order
                )
            taken.append((time.perf_counter() - begin) * 1000)
            if len(listed) < 51:
                break
            after = position_of(listed[50].ticket, filters, order)
    return sorted(taken[:requests])


async def run(url: str, asked: argparse.Namespace) -> None:
    await fill(url, asked.tickets, notes=0, events=0)
    desk = await spread(url, asked.tickets)
    if asked.pause:
        await asyncio.to_thread(input, "Enter measures. ")
    table = Table("tickets", "p50 ms", "p95 ms", "most ms")
    for case in cases():
        await measure(desk, case, 10)  # warms up
        taken = await measure(desk, case, asked.requests)
        cuts = statistics.quantiles(taken, n=100)
        table.add_row(case.name, f"{cuts[49]:.1f}", f"{cuts[94]:.1f}", f"{taken[-1]:.1f}")
    Console(width=100).print(table)
    await desk.database.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tickets", type=int, default=1_000_000)
    parser.add_argument("--requests", type=int, default=40)
    parser.add_argument("--pause", action="store_true")
    asked = parser.parse_args()
    with database() as server:
        asyncio.run(run(server.url, asked))


if __name__ == "__main__":
    main()
