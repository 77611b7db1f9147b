"""How long a search takes, in the whole way of a request, on a desk of so many tickets.

python bench/search.py [--tickets 1000000] [--seconds 5] [--connections 1]

The tickets have a vocabulary of their own: 20,000 words, of which a few are in nearly every ticket and most are rare
(Zipf), sites, circuits, addresses and names. What they are found by is made by the product's own code.
"""

import argparse
import asyncio
import json
import os
import random
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import accumulate, islice
from typing import Any, NamedTuple
from urllib.parse import urlencode
from uuid import UUID

import asyncpg
from rich.progress import Progress

from clearline.accounts import key_usecases as keys
from clearline.accounts import usecases as accounts
from clearline.catalogue.assessment import Impact, Priority, Severity
from clearline.catalogue.published import IssueType, ServiceType
from clearline.clock import now
from clearline.identity import OPERATOR, PROVIDER_ID, Company, Role
from clearline.platform.database.transactions import Database
from clearline.search.document import Document, vector
from clearline.tickets.contact import Contact
from clearline.tickets.domain import Channel, Status, Ticket, TicketView, ticket_number
from dataset import COMPANIES, Tenant, companies
from rig import Sample, Server, clearline, database, get, load

LIMIT_MS = 50
_ALL = "all of these"
BATCH = 2_000
EPOCH = datetime(2024, 1, 1, tzinfo=UTC)
PLAIN = (
    "the to and we is on of in at port circuit down since router loss packet fibre please customer site link line "
    "light optics interface traffic latency errors seeing from no after before both ends check test tested replaced "
    "vendor power maintenance flapping slow route peer session prefix loopback cable patch rack card vlan ethernet"
)
SITES = ("AMS", "FRA", "LHR", "SIN", "HKG", "NRT", "SYD", "JFK", "ORD", "LAX", "GRU", "JNB", "DXB", "BOM", "CDG", "MAD")
COLUMNS = (
    "company_id, number, title, description, issue_type, service_type, service_id, service_label, severity, impact, "
    "priority, status, contact_name, contact_phone, contact_email, channel, created_at, updated_at, status_changed_at"
)
NOTE_COLUMNS = "company_id, ticket_number, number, text, visibility, source, channel, author, created_at"


def _words(how_many: int) -> list[str]:
    """Words that nobody says, after those that everybody does."""
    chosen = random.Random(1)
    sounds = [a + b for a in "bdfgklmnprstv" for b in "aeiou"]
    made = dict.fromkeys(PLAIN.split())
    while len(made) < how_many:
        made["".join(chosen.choices(sounds, k=chosen.randint(2, 4)))] = None
    return list(made)


WORDS = _words(20_000)
_WEIGHTS = list(accumulate(1 / rank for rank in range(1, len(WORDS) + 1)))


class Made(NamedTuple):
    """Rows in the text format of COPY."""

    tickets: bytes
    notes: bytes
    vectors: bytes


def service_of(index: int, number: int) -> str:
    return f"NET-{SITES[number * 7 % len(SITES)]}-{index:03d}{number // COMPANIES % 40:02d}"


def address_of(number: int) -> str:
    return f"{(198, 203)[number % 2]}.{number // 2 % 256}.{number // 512 % 256}.{number // 131_072 % 256}"


def make(start: int, end: int, tickets: int, ids: list[UUID]) -> Made:
    """Make the tickets of these numbers, with their notes and search documents."""
    rows: tuple[list[str], list[str], list[str]] = ([], [], [])
    for number in range(start, end):
        index = (number - 1) % COMPANIES
        document = _document(number, tickets, Company(ids[index], f"Bench {index:03d}", f"BEN{index:03d}"))
        ticket = document.view.ticket
        rows[0].append(_row(
            ticket.company_id, number, ticket.title, ticket.description, ticket.issue_type, ticket.service_type,
            ticket.service_id, ticket.service_label, ticket.severity, ticket.impact, ticket.priority, ticket.status,
            ticket.contact.name, ticket.contact.phone, ticket.contact.email, ticket.channel, ticket.created_at,
            ticket.updated_at, ticket.status_changed_at,
        ))  # fmt: skip
        for visibility, texts in (("public", document.public_notes), ("internal", document.internal_notes)):
            for at, text in enumerate(texts):
                key = number * 3 + at + (visibility == "internal") * 2
                side = (visibility, "seller", "Console", "The NOC", ticket.created_at)
                rows[1].append(_row(ticket.company_id, number, key, text, *side))
        rows[2].append(_row(ticket.company_id, number, vector(document)))
    return Made(*("".join(part).encode() for part in rows))


def _row(*values: object) -> str:
    return "\t".join(str(value).replace("\\", "\\\\") for value in values) + "\n"


def _document(number: int, tickets: int, company: Company) -> Document:
    chosen = random.Random(number)

    def text(least: int, most: int) -> str:
        return " ".join(chosen.choices(WORDS, cum_weights=_WEIGHTS, k=chosen.randint(least, most)))

    service = service_of((number - 1) % COMPANIES, number)
    at = EPOCH + timedelta(days=700) * (number / tickets)
    is_old = number < tickets * 0.95 and chosen.random() < 0.99
    issue = chosen.choice(list(IssueType))
    description = f"{text(15, 60)}. {service} {address_of(number)} xe-{number % 8}/0/{number % 48}. {text(5, 20)}"
    name = f"{chosen.choice(WORDS).title()} {chosen.choice(WORDS).title()}"
    ticket = Ticket(
        company.id, number, f"{issue}: {text(3, 7)}", description, issue, ServiceType.NON_CONSOLE, service,
        f"{service} label", chosen.choice(list(Severity)), chosen.choice(list(Impact)), chosen.choice(list(Priority)),
        Status.CLOSED if is_old else chosen.choice((Status.ACKNOWLEDGED, Status.IN_PROGRESS, Status.HELD)),
        Contact(name, f"+1-555-{number % 10_000:04d}", f"{name.lower().replace(' ', '.')}@example.com"),
        Channel.API, at, at, at, None, 1,
    )  # fmt: skip
    public = [text(8, 40) for _ in range(chosen.choice((0, 1, 1, 2)))]
    found = TicketView(ticket, company)
    return Document(found, public, [text(8, 40)] if number % 3 == 0 else [], [], [], [], at)


async def fill(url: str, tickets: int) -> tuple[list[Tenant], str]:
    """Make an empty database hold so many tickets that can be found; the companies, and the key of an agent."""
    tenants = await companies(url)
    agent = await _agent(url)
    connection = await asyncpg.connect(url)
    await connection.execute("set synchronous_commit = off; drop index ticket_search_vector")
    ids = [tenant.company_id for tenant in tenants]
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(os.cpu_count()) as pool, Progress() as progress:
        task = progress.add_task("Making tickets", total=tickets)
        starts = iter(range(1, tickets + 1, BATCH))

        def ordered() -> Iterator[asyncio.Future[Made]]:
            for start in starts:
                yield loop.run_in_executor(pool, make, start, min(tickets + 1, start + BATCH), tickets, ids)

        waiting = ordered()
        running = list(islice(waiting, 4))
        while running:
            made = await running.pop(0)
            running += islice(waiting, 1)
            await _copy(connection, made)
            progress.advance(task, BATCH)
    await _finish(connection, tickets)
    await connection.close()
    return tenants, agent


async def _copy(connection: asyncpg.Connection, made: Made) -> None:
    for table, columns, rows in (
        ("ticket", COLUMNS, made.tickets),
        ("note", NOTE_COLUMNS, made.notes),
        ("ticket_search", "company_id, number, vector", made.vectors),
    ):
        await connection.copy_to_table(table, source=_Source(rows), columns=columns.split(", "))


class _Source:
    """Bytes that asyncpg takes for a file."""

    def __init__(self, rows: bytes) -> None:
        self._rows = rows

    def read(self, _size: int) -> bytes:
        rows, self._rows = self._rows, b""
        return rows


async def _finish(connection: asyncpg.Connection, tickets: int) -> None:
    started = time.monotonic()
    await connection.execute("set maintenance_work_mem = '1GB'")
    await connection.execute(
        "create index ticket_search_vector on ticket_search using gin (vector) with (fastupdate = off)", timeout=3600
    )
    built = time.monotonic() - started
    await connection.execute(
        """insert into ticket_count select company_id, 0, count(*) filter (where is_open),
                  count(*) filter (where not is_open) from ticket group by company_id"""
    )
    await connection.execute("select setval('ticket_number', $1), setval('worklog_number', $1 * 4)", tickets)
    await connection.execute("vacuum analyze", timeout=3600)
    sizes = await connection.fetchrow(
        """select pg_table_size('ticket_search') / 1e6, pg_relation_size('ticket_search_vector') / 1e6,
                  pg_total_relation_size('ticket') / 1e6"""
    )
    print(
        f"ticket_search {sizes[0]:.0f} MB, its index {sizes[1]:.0f} MB made in {built:.0f} s, ticket {sizes[2]:.0f} MB"
    )


async def _agent(url: str) -> str:
    database = await Database.open(url)
    async with database.transaction() as tx:
        user = await accounts.add_user(
            tx, OPERATOR, "PROVIDER", name="Mara", email="mara@example.net", phone="", role=Role.AGENT, now=now()
        )
        _key, secret = await keys.create_key(tx, OPERATOR, PROVIDER_ID, user_id=user.id, name="bench", now=now())
    await database.close()
    return secret


def queries(tickets: int, tenant: int | None) -> dict[str, list[str]]:
    """Return queries of each kind, about tickets of one company or of any."""
    chosen = random.Random(2)
    numbers = [chosen.randrange(tickets // COMPANIES) * COMPANIES + 1 + (tenant or 0) for _ in range(200)]
    if tenant is None:
        numbers = [chosen.randint(1, tickets) for _ in range(200)]
    rare, common, usual = WORDS[5_000:], WORDS[:40], WORDS[60:400]

    def some(make_one: Any) -> list[str]:
        return [make_one(number) for number in numbers]

    return {
        "number": some(ticket_number),
        "service id": some(lambda number: service_of((number - 1) % COMPANIES, number)),
        "IP address": some(address_of),
        "part of an address": some(lambda number: address_of(number).rpartition(".")[0]),
        "rare word": some(lambda _: chosen.choice(rare)),
        "common word": some(lambda _: chosen.choice(common)),
        "two words": some(lambda _: f"{chosen.choice(usual)} {chosen.choice(common)}"),
        "beginning of two letters": some(lambda _: chosen.choice(usual)[:2]),
        "phrase": some(lambda _: f'"{chosen.choice(usual)} {chosen.choice(common)}"'),
        "phrase of common words": some(lambda _: f'"{chosen.choice(common)} {chosen.choice(common)}"'),
        "excluded word": some(lambda _: f"{chosen.choice(usual)} -{chosen.choice(common)}"),
        "filter and word": some(lambda _: f"status:open {chosen.choice(common)}"),
        "filters": some(lambda _: f"status:{chosen.choice(('open', 'held', 'closed'))} priority:high"),
        "days and word": some(lambda _: f"created:>=2025-0{chosen.randint(1, 9)}-15 {chosen.choice(usual)}"),
    }


_LUA = """
local paths = {%(paths)s}
local headers = {["Authorization"] = "Bearer %(key)s"}
function init(args) math.randomseed(os.time()) end
function request() return wrk.format("GET", paths[math.random(#paths)], headers) end
"""


def measure(server: Server, database_pid: int, key: str, asked: list[str], *, seconds: int, connections: int) -> Sample:
    paths = ",".join('"/api/v1/search?' + urlencode({"q": query}) + '"' for query in asked)
    script = _LUA % {"paths": paths, "key": key}
    return load(server, database_pid, script, f"such as {asked[0]}", seconds=seconds, connections=connections)


def warm(server: Server, key: str, asked: list[str]) -> None:
    """Ask everything once, so that what is measured is the search and not the disk."""
    for query in asked:
        get(f"http://127.0.0.1:{server.port}/api/v1/search?{urlencode({'q': query})}", key)


def matches(server: Server, key: str, asked: list[str]) -> str:
    """How many tickets a kind of query finds, the least and the most of a few."""
    counts = []
    for query in asked[:20]:
        total = json.loads(get(f"http://127.0.0.1:{server.port}/api/v1/search?{urlencode({'q': query})}", key))["total"]
        counts.append((total["count"], total["exact"]))
    least, most = min(counts), max(counts)
    return f"{least[0]} to {most[0]}{'' if most[1] else ' and more'}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tickets", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=1)
    asked = parser.parse_args()
    with database() as postgres:
        tenants, agent = asyncio.run(fill(postgres.url, asked.tickets))
        with clearline(postgres.url, 1) as server:
            people = {
                "customer": (tenants[7].key, queries(asked.tickets, 7)),
                "agent": (agent, queries(asked.tickets, None)),
            }
            print("| who | query | matches | searches/s | p50 ms | p95 ms | p99 ms | max ms | p95 limit |")
            print("|---" * 9 + "|")
            for who, (key, kinds) in people.items():
                everything = [query for several in kinds.values() for query in several]
                for kind, several in (*kinds.items(), (_ALL, everything)):
                    if kind != _ALL:
                        warm(server, key, several)
                    sample = measure(
                        server, postgres.supervisor.pid, key, several,
                        seconds=asked.seconds, connections=asked.connections,
                    )  # fmt: skip
                    many = "" if kind == _ALL else matches(server, key, several)
                    show(f"{who} | {kind} | {many} | {sample.rate:.0f}", sample)


def show(start: str, sample: Sample) -> None:
    print(
        f"| {start} | {sample.p50:.1f} | {sample.p95:.1f} | {sample.p99:.1f} | {sample.longest:.0f} "
        f"| {LIMIT_MS}{' exceeded' if sample.p95 >= LIMIT_MS else ''} |",
        flush=True,
    )


if __name__ == "__main__":
    main()
