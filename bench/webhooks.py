"""How fast and how late webhooks are sent to a hundred subscriptions, of which one is slow and one is dead.

python bench/webhooks.py [--subscriptions 100] [--events 100] [--steady 20] [--processes 1]

The subscriptions are the provider's, so every event goes to each. Those that work answer 200 at once, from a process of
their own on the same machine; the slow one takes 10 s, the dead one refuses the connection. Lag is from the event's own
time to the arrival of the request. First events come steadily, two a second, then all at once.
"""

import argparse
import asyncio
import contextlib
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from multiprocessing import get_context
from typing import Any, NamedTuple
from uuid import uuid4

import msgspec
from rich.console import Console
from rich.table import Table

from clearline.accounts import key_store
from clearline.accounts import key_usecases as keys
from clearline.accounts import usecases as accounts
from clearline.accounts.domain import hash_secret
from clearline.catalogue.published import IssueType, ServiceType
from clearline.clock import now
from clearline.companies import usecases as companies
from clearline.events import store as event_store
from clearline.identity import OPERATOR, PROVIDER_ID
from clearline.inventory import usecases as inventory
from clearline.platform.database import migrate
from clearline.platform.database.transactions import Database
from clearline.platform.postgres import embedded as embedded_postgres
from clearline.tickets import usecases as tickets
from clearline.tickets.contact import Contact
from clearline.tickets.domain import Channel, NewTicket
from clearline.webhooks import subscription_store
from clearline.webhooks.subscription_domain import Subscription
from rig import cpu, database

SLOW_SECONDS = 10
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"


class Body(msgspec.Struct):
    """The body of a webhook."""

    timestamp: datetime


_read = msgspec.json.Decoder(Body).decode


class Sample(NamedTuple):
    """The result of a phase: deliveries a second, lag in milliseconds, CPU seconds of the workers and PostgreSQL."""

    name: str
    deliveries: int
    seconds: float
    p50: float
    p99: float
    most: float
    workers: float
    database: float


def receive(port: int, arrivals: Any) -> None:
    """Answer at once, or slowly, and report when each event arrived and how late it was."""
    asyncio.run(_receive(port, arrivals))


async def _receive(port: int, arrivals: Any) -> None:
    arrived: list[tuple[float, float]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                body = await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0]))
                if head.startswith(b"POST /slow"):
                    await asyncio.sleep(SLOW_SECONDS)
                else:
                    at = time.time()
                    arrived.append((at, at - _read(body).timestamp.timestamp()))
                writer.write(OK)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    async with server:
        while True:
            await asyncio.sleep(0.2)
            if arrived:
                arrivals.put(arrived[:])
                arrived.clear()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def workers(url: str, count: int) -> Iterator[list[int]]:
    """Run ``clearline work`` so many times."""
    environment = {
        **os.environ,
        "CLEARLINE_DATABASE_URL": url,
        "CLEARLINE_WEBHOOK_NETWORKS": "127.0.0.0/8",
        "CLEARLINE_LOG_LEVEL": "warning",
    }
    with tempfile.TemporaryFile() as log:
        command = [sys.executable, "-m", "clearline", "work"]
        running = [subprocess.Popen(command, env=environment, stdout=log, stderr=log) for _ in range(count)]
        try:
            time.sleep(2)
            yield [process.pid for process in running]
        finally:
            for process in running:
                process.terminate()
            for process in running:
                process.wait()


async def prepare(database: Database, urls: list[str]) -> Any:
    """Add a company that raises tickets, and the subscriptions: more than the API allows a company."""
    async with database.transaction() as tx:
        await companies.add_company(tx, OPERATOR, "Bench Ltd", "BENCH", now=now())
        await accounts.add_user(tx, OPERATOR, "BENCH", name="Bo", email="bo@bench.example.com", phone="", now=now())
        _key, secret = await keys.create_key(tx, OPERATOR, "BENCH", name="bench", now=now())
        await inventory.add_service(tx, OPERATOR, "BENCH", "SVC-1", "Port", "Port 1", now=now())
        for url in urls:
            at = now()
            subscription = Subscription(
                PROVIDER_ID,
                uuid4(),
                url,
                "",
                ("ticket.created",),
                True,
                None,
                1,
                None,
                0,
                None,
                None,
                None,
                at,
                at,
            )
            await subscription_store.save(tx, subscription)
        return await key_store.actor_of(tx, hash_secret(secret), now=now())


async def raise_ticket(database: Database, actor: Any) -> None:
    contact = Contact("Bo", "+1-555-0100", "bo@bench.example.com")
    new = NewTicket(
        "Port is slow", "Since 08:00", IssueType.SLOW_RESPONSE, ServiceType.PORT, "SVC-1", contact, Channel.API
    )
    async with database.statement() as tx:
        await tickets.create_ticket(tx, actor, new, now=now())


class Bench:
    """Runs the phases."""

    def __init__(self, pids: list[int], database_pid: int, arrivals: Any, healthy: int) -> None:
        self._pids, self._database_pid, self._arrivals, self._healthy = pids, database_pid, arrivals, healthy

    def used(self) -> tuple[float, float]:
        """Return the seconds of CPU that the workers and PostgreSQL have used."""
        return sum(map(cpu, self._pids)), cpu(self._database_pid)

    async def phase(self, name: str, events: int, make: Any) -> Sample:
        """Make events, and wait until every receiver that works has all of them."""
        wanted = events * self._healthy
        arrived: list[tuple[float, float]] = []
        before, began = self.used(), time.time()
        making = asyncio.create_task(make())
        until = began + 60
        while len(arrived) < wanted and time.time() < until:
            await asyncio.sleep(0.05)
            while not self._arrivals.empty():
                arrived += self._arrivals.get()
        await making
        after = self.used()
        lags = sorted(lag * 1000 for _, lag in arrived)
        if len(lags) < wanted:
            sys.exit(f"{name}: only {len(lags)} of {wanted} arrived")
        cuts = statistics.quantiles(lags, n=100)
        seconds = max(at for at, _ in arrived) - began
        return Sample(
            name, len(lags), seconds, cuts[49], cuts[98], lags[-1], after[0] - before[0], after[1] - before[1]
        )


async def run(options: argparse.Namespace, server: embedded_postgres.EmbeddedPostgres) -> list[Sample]:
    port, dead = free_port(), free_port()
    context = get_context("spawn")
    arrivals = context.Queue()
    receiver = context.Process(target=receive, args=(port, arrivals), daemon=True)
    receiver.start()
    good = options.subscriptions - (0 if options.all_good else 2)
    urls = [f"http://127.0.0.1:{port}/{number}" for number in range(good)]
    if not options.all_good:
        urls += [f"http://127.0.0.1:{port}/slow", f"http://127.0.0.1:{dead}/"]
    opened = await Database.open(server.url)
    await migrate.migrate(opened, afterwards=event_store.renumber)
    actor = await prepare(opened, urls)
    pid = server.supervisor.pid
    samples = []
    with workers(server.url, options.processes) as pids:
        bench = Bench(pids, pid, arrivals, good)

        async def steadily() -> None:
            for _ in range(options.steady * 2):
                await raise_ticket(opened, actor)
                await asyncio.sleep(0.5)

        async def at_once() -> None:
            for _ in range(options.events):
                await raise_ticket(opened, actor)

        samples.append(await bench.phase("two events a second", options.steady * 2, steadily))
        samples.append(await bench.phase(f"{options.events} events at once", options.events, at_once))
    await opened.close()
    receiver.terminate()
    return samples


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subscriptions", type=int, default=100)
    parser.add_argument("--events", type=int, default=100)
    parser.add_argument("--steady", type=int, default=20, help="seconds")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--all-good", action="store_true", help="no slow and no dead receiver")
    options = parser.parse_args()
    with database(needs_wrk=False) as server:
        samples = asyncio.run(run(options, server))
    table = Table(
        "phase", "deliveries", "a second", "lag p50 ms", "p99", "most", "workers' CPU us each", "PostgreSQL's"
    )
    for sample in samples:
        spent = [f"{used / sample.deliveries * 1e6:.0f}" for used in (sample.workers, sample.database)]
        table.add_row(
            sample.name,
            f"{sample.deliveries}",
            f"{sample.deliveries / sample.seconds:.0f}",
            f"{sample.p50:.0f}",
            f"{sample.p99:.0f}",
            f"{sample.most:.0f}",
            *spent,
        )
    Console(width=160).print(table)
    print(f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
