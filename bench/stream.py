"""The cost of event streams: of many silent ones, and how soon an event arrives at many readers, and at many agents.

python bench/stream.py [--idle 400] [--readers 100] [--rate 50] [--agents 200] [--changes 10] [--seconds 15]
                       [--tickets 4000]
"""

import argparse
import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from statistics import quantiles
from uuid import uuid4

import httpx

from clearline.accounts import key_usecases as keys
from clearline.accounts import usecases as accounts
from clearline.clock import now
from clearline.identity import OPERATOR, Role, User
from clearline.platform.database.transactions import Database, Tx
from clearline.sign_in import password_store
from clearline.sign_in.domain import DEFAULT_SESSION_LIMITS, Device
from clearline.sign_in.usecases import new_session
from dataset import COMPANIES, Tenant, fill
from rig import Server, clearline, cpu, database

PER_KEY = 20
WARM_SECONDS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--idle", type=int, default=400)
    parser.add_argument("--readers", type=int, default=100)
    parser.add_argument("--rate", type=int, default=50)
    parser.add_argument("--agents", type=int, default=200)
    parser.add_argument("--changes", type=int, default=10, help="a second, while the agents have live pages")
    parser.add_argument("--seconds", type=int, default=15)
    parser.add_argument("--tickets", type=int, default=4000)
    options = parser.parse_args()
    with database() as postgres:
        tenants = asyncio.run(fill(postgres.url, options.tickets))
        staff = asyncio.run(staff_keys(postgres.url, -(-options.readers // PER_KEY)))
        agents = asyncio.run(agent_cookies(postgres.url, options.agents))
        with clearline(postgres.url, 1) as server:
            bench = Bench(server, postgres.supervisor.pid, tenants, options.tickets, options.seconds)
            asyncio.run(bench.run(options.idle, options.readers, options.rate, staff))
            asyncio.run(bench.run_console(agents, options.changes))


async def staff_keys(url: str, count: int) -> list[str]:
    opened = await Database.open(url)
    secrets = []
    for index in range(count):
        async with opened.transaction() as tx:
            user = await accounts.add_user(
                tx, OPERATOR, "PROVIDER", name="Sam Bench", email=f"sam{index}-{uuid4().hex[:6]}@example.net", phone="",
                role=Role.ADMIN, now=now(),
            )  # fmt: skip
            _key, secret = await keys.create_key(
                tx, OPERATOR, "PROVIDER", user_id=user.id, name="bench", lifetime=timedelta(days=1), now=now()
            )
        secrets.append(secret)
    await opened.close()
    return secrets


async def signed_in(tx: Tx, user: User) -> str:
    """Sign a user in; return the cookie of the session."""
    locked = await password_store.lock(tx, user.company_id, user.id)
    if locked is None:
        raise SystemExit("a user of the bench is gone")
    device = Device("bench", "127.0.0.1")
    session = await new_session(tx, locked, device, DEFAULT_SESSION_LIMITS, second_factor=False, now=now())
    return f"clearline-session={session.token}"


async def agent_cookies(url: str, count: int) -> list[str]:
    """Sign as many agents in; return the cookies of their sessions."""
    opened = await Database.open(url)
    cookies = []
    for index in range(count):
        async with opened.transaction() as tx:
            user = await accounts.add_user(
                tx, OPERATOR, "PROVIDER", name=f"Agent {index}", email=f"agent{index}-{uuid4().hex[:6]}@example.net",
                phone="", role=Role.AGENT, now=now(),
            )  # fmt: skip
            cookies.append(await signed_in(tx, user))
    await opened.close()
    return cookies


class Bench:
    """One server, and the readers of its event stream."""

    def __init__(self, server: Server, database_pid: int, tenants: list[Tenant], tickets: int, seconds: int) -> None:
        self._server, self._database_pid = server, database_pid
        self._tenants, self._tickets, self._seconds = tenants, tickets, seconds
        self._answered: dict[str, float] = {}
        self._arrived: list[tuple[str, float]] = []

    async def run(self, idle: int, readers: int, rate: int, staff: list[str]) -> None:
        """Measure one case after the other, and print a row for each."""
        print(
            "| what | streams | events/s | arrivals/s | lag p50, p95, p99 ms | server CPU % | database CPU % "
            "| server MiB |"
        )
        print("|---|---|---|---|---|---|---|---|")
        keys = [tenant.key for tenant in self._tenants]
        await self._measure("no readers", [], 0)
        await self._measure("silent", [keys[index % COMPANIES] for index in range(idle)], 0)
        await self._measure("no readers", [], rate)
        await self._measure("each reads its own company", [keys[index % COMPANIES] for index in range(readers)], rate)
        await self._measure("each reads every company", [staff[index // PER_KEY] for index in range(readers)], rate)

    async def run_console(self, cookies: list[str], rate: int) -> None:
        """Measure the streams of agents who have pages of the console open."""
        await self._measure("silent pages of agents", cookies, 0, _page_of)
        await self._measure("pages of agents", cookies, rate, _page_of)
        await self._measure_fragments(cookies[0])

    async def _measure_fragments(self, cookie: str) -> None:
        """Measure what a page fetches when something changed, one after the other."""
        numbers = [f"INC{self._tenants[index].first + COMPANIES:012d}" for index in range(5)]
        paths = {
            "rows of 5 tickets": f"/console/live/rows?list=open&shown={','.join(numbers)}&last={numbers[0]}",
            "the numbers of the views": "/console/live/views?here=/console/open",
            "a ticket": f"/console/tickets/{numbers[0]}/live?seen=0&last=0&details=editing",
            "a ticket with its details": f"/console/tickets/{numbers[0]}/live?seen=0&last=0",
            "who is on a ticket": f"/console/tickets/{numbers[0]}/presence",
        }
        print("\n| fragment | bytes | p50, p95 ms |\n|---|---|---|")
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self._server.port}", timeout=10) as client:
            for name, path in paths.items():
                times, size = [], 0
                for _ in range(200):
                    began = time.monotonic()
                    answer = await client.get(path, headers={"Cookie": cookie})
                    times.append(1000 * (time.monotonic() - began))
                    size = len(answer.raise_for_status().content)
                spread = quantiles(times[20:], n=100)
                print(f"| {name} | {size} | {spread[49]:.1f}, {spread[94]:.1f} |", flush=True)

    async def _measure(
        self, name: str, readers: list[str], rate: int, request_of: "Callable[[str], bytes] | None" = None
    ) -> None:
        async with contextlib.AsyncExitStack() as stack:
            for key in readers:
                await stack.enter_async_context(self._follow((request_of or _stream_of)(key)))
            await asyncio.sleep(WARM_SECONDS)
            self._answered.clear()
            self._arrived.clear()
            began, before = time.monotonic(), (cpu(self._server.pid), cpu(self._database_pid))
            await self._write(rate)
            took = time.monotonic() - began
            after = cpu(self._server.pid), cpu(self._database_pid)
            await asyncio.sleep(1)
            used = [100 * (b - a) / took for a, b in zip(before, after, strict=True)]
            lags = [1000 * (at - self._answered[note]) for note, at in self._arrived if note in self._answered]
            lag = ", ".join(f"{quantiles(lags, n=100)[at]:.0f}" for at in (49, 94, 98)) if len(lags) > 1 else "-"
            print(
                f"| {name} | {len(readers)} | {len(self._answered) / 2 / took:.0f} | {len(lags) / took:.0f} | {lag} "
                f"| {used[0]:.1f} | {used[1]:.1f} | {resident(self._server.pid):.0f} |",
                flush=True,
            )

    async def _write(self, rate: int) -> None:
        """Add so many notes a second, evenly, and store when each was answered, which is after its commit."""
        if not rate:
            await asyncio.sleep(self._seconds)
            return
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self._server.port}", timeout=10) as client:
            await every(1 / rate, self._seconds * rate, lambda index: self._note(client, index))

    async def _note(self, client: httpx.AsyncClient, index: int) -> None:
        tenant = self._tenants[index % min(100, COMPANIES)]
        nth = 1 + index % (self._tickets // COMPANIES)
        while (number := tenant.first + nth * COMPANIES) // 200 % 10 == 0:
            nth += 1
        answer = await client.post(
            f"/api/v1/tickets/INC{number:012d}/notes", json={"text": "It got worse since the last note."},
            headers={"Authorization": f"Bearer {tenant.key}"},
        )  # fmt: skip
        if answer.status_code == 201:
            self._answered[answer.json()["id"]] = self._answered[f"INC{number:012d}"] = time.monotonic()

    @asynccontextmanager
    async def _follow(self, request: bytes) -> AsyncIterator[None]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._server.port)
        writer.write(request)
        status = await reader.readline()
        if b" 200 " not in status:
            raise SystemExit(f"a stream was refused: {status.decode()}")
        reading = asyncio.create_task(self._read(reader))
        try:
            yield
        finally:
            reading.cancel()
            writer.close()

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while line := await reader.readline():
            if line.startswith(b"data: ") and (b'"note.added"' in line or b'"kind":"ticket"' in line):
                event = json.loads(line[6:])
                self._arrived.append((event["id"] if "kind" in event else event["note"], time.monotonic()))


def _stream_of(key: str) -> bytes:
    return _request("/api/v1/events", f"Authorization: Bearer {key}")


def _page_of(cookie: str) -> bytes:
    return _request("/console/live", f"Cookie: {cookie}")


def _request(path: str, identity: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n{identity}\r\n\r\n".encode()


async def every(pause: float, times: int, do: Callable[[int], Coroutine[None, None, None]]) -> None:
    """Start something so many times, evenly, however long each takes; wait for all of them."""
    began, running = time.monotonic(), []
    for index in range(times):
        await asyncio.sleep(max(0.0, began + index * pause - time.monotonic()))
        running.append(asyncio.create_task(do(index)))
    await asyncio.gather(*running)


def resident(pid: int) -> float:
    """MiB of memory of a process."""
    [line] = [text for text in Path(f"/proc/{pid}/status").read_text().splitlines() if text.startswith("VmRSS")]
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main()
