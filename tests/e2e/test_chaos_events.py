"""Every consumer of the event stream receives every event while servers and consumers are killed."""

import asyncio
import contextlib
import json
import os
import random
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from clearline.events.event_types import Audience
from clearline.events.type_table import visible_data
from tests.builders.house import TICKETS, RetryingClient
from tests.builders.processes import children, eventually
from tests.builders.server import Server, relaunch_until_ready
from tests.patience import patient, stretched
from tests.rounds import ROUNDS

EVENTS = "/api/v1/events"
CHAOS_SECONDS = 7 * ROUNDS
PROCESSED_SECONDS = 20
KILLS = 4 * ROUNDS
LEAST_KILLS = KILLS // 3
PORT = {"id": "NET-AMS-0012", "type": "Port"}
NDJSON, SSE = "application/x-ndjson", "text/event-stream"
MOVES = {"acknowledged": "in_progress", "in_progress": "held", "held": "in_progress"}

Event = dict[str, Any]


@dataclass
class Stored:
    """The state that a consumer stored: each event at once, and the cursor sometimes."""

    cursor: str
    events: dict[str, Event] = field(default_factory=dict)
    again: int = 0
    cuts: int = 0

    def store(self, event: Event, *, with_cursor: bool) -> None:
        if event["id"] in self.events:
            assert self.events[event["id"]] == event, "an id that means another event"
            self.again += 1
        self.events[event["id"]] = event
        if with_cursor:
            self.cursor = event["cursor"]


@dataclass
class Consumer:
    """A program that is killed sometimes, and continues from the cursor that it stored."""

    url: str
    key: str
    accept: str
    dice: random.Random
    stored: Stored
    is_staff: bool
    task: "asyncio.Task[None] | None" = None

    def start(self) -> None:
        self.task = asyncio.create_task(self._run())

    async def kill(self) -> None:
        """Stop it at any point: events that it has not stored are lost."""
        assert self.task is not None
        while not self.task.done():  # a connection that breaks at this moment hides the cancellation
            self.task.cancel()
            await asyncio.wait({self.task}, timeout=patient(1))
        with contextlib.suppress(asyncio.CancelledError):
            await self.task

    async def _run(self) -> None:
        async with httpx.AsyncClient(base_url=self.url, timeout=httpx.Timeout(patient(5), read=patient(20))) as client:
            while True:
                with contextlib.suppress(httpx.TransportError, json.JSONDecodeError):
                    await self._once(client)
                self.stored.cuts += 1
                await asyncio.sleep(self.dice.uniform(0.05, 0.3))

    async def _once(self, client: httpx.AsyncClient) -> None:
        headers = {"Authorization": f"Bearer {self.key}", "Accept": self.accept}
        query = {}
        if self.accept == SSE:
            headers["Last-Event-ID"] = self.stored.cursor
        else:
            query["after"] = self.stored.cursor
        async with client.stream("GET", EVENTS, headers=headers, params=query) as answer:
            if answer.status_code != 200:
                assert answer.status_code == 503, await answer.aread()
                return
            position, last = (0, 0), dict[str, tuple[int, int]]()
            async for event in _events(answer, self.accept):
                xid, event_id, _at = (int(part, 16) for part in event["cursor"].split("-"))
                assert (xid, event_id) > position, "out of order"
                position = xid, event_id
                if event.get("ticket"):  # ids are given under the lock of the ticket, in the order of its versions
                    last_id, last_version = last.get(event["ticket"], (0, 0))
                    assert event_id > last_id, "a ticket's events are out of order"
                    assert event["version"] >= last_version, "a ticket's events are out of the order of its versions"
                    last[event["ticket"]] = event_id, event["version"]
                self.stored.store(event, with_cursor=self.dice.random() < 0.7)


async def _events(answer: httpx.Response, accept: str) -> AsyncIterator[Event]:
    async for line in answer.aiter_lines():
        if accept == NDJSON and line:
            if "id" in (event := json.loads(line)):
                yield event
        elif accept == SSE and line.startswith("data: "):
            yield json.loads(line.removeprefix("data: "))


class Writers:
    """Users who work with the desk meanwhile. Each request is executed once, however often it is sent."""

    def __init__(self, customer: RetryingClient, agent: RetryingClient, dice: random.Random) -> None:
        self._customer, self._agent, self._dice = customer, agent, dice
        self.statuses: dict[str, str] = {}
        self.notes: Counter[str] = Counter()
        self.stop = False

    async def run(self) -> None:
        await self._raise()
        await asyncio.gather(*(self._again() for _ in range(4)))

    async def _again(self) -> None:
        while not self.stop:
            await self._dice.choice([self._raise, self._note, self._note, self._note, self._move])()
            await asyncio.sleep(self._dice.uniform(0, 0.05))

    async def _raise(self) -> None:
        body = {"title": secrets.token_hex(6), "description": "No light", "issue_type": "Circuit Down", "service": PORT}
        created = await self._customer.post(TICKETS, 201, json=body)
        self.statuses[created["number"]] = created["status"]

    async def _note(self) -> None:
        number = self._dice.choice([*self.statuses][-8:])
        visibility = self._dice.choice(["public", "internal"])
        note = {"text": "Looking", "visibility": visibility}
        await self._agent.post(f"{TICKETS}/{number}/notes", 201, json=note)
        self.notes[number] += 1

    async def _move(self) -> None:
        """Change the status of a ticket that no other task changes: one of two concurrent changes would be refused."""
        if not (idle := [number for number, status in self.statuses.items() if status]):
            return
        number = self._dice.choice(idle[-8:])
        status, self.statuses[number] = MOVES[self.statuses[number]], ""
        await self._agent.post(f"{TICKETS}/{number}/status", 200, json={"status": status})
        self.statuses[number] = status


async def _chaos(server: Server, consumers: list[Consumer], dice: random.Random) -> Counter[str]:
    """Kill servers, server processes, database backends and consumers, and restart them."""
    kills: Counter[str] = Counter()
    until = time.monotonic() + patient(CHAOS_SECONDS)
    while kills["server"] + kills["process"] + kills["backend"] < KILLS and time.monotonic() < until:
        await asyncio.sleep(dice.uniform(0.2, 1))
        server.relaunch_if_ended()
        consumer = dice.choice(consumers)
        await consumer.kill()
        consumer.start()
        kills["consumer"] += 1
        if await asyncio.to_thread(server.ready) != 200:
            continue
        kind = dice.choice(["server", "process", "backend"])
        supervisors = server.supervisors()
        victims = {
            "server": [server.pid],
            "process": [pid for pid in children(server.pid) if pid not in supervisors],
            "backend": server.backends(),
        }[kind]
        if victims:
            kills[kind] += server.kill(dice.choice(victims))
    await relaunch_until_ready(server)
    return kills


def _expected(history: list[Event], consumer: Consumer) -> list[tuple[str, str, Any]]:
    """Return the events of a ticket that a consumer must receive."""
    if consumer.is_staff:
        return [(event["id"], event["type"], event["data"]) for event in history]
    pairs = ((event, visible_data(event["type"], event["data"], Audience.CUSTOMER)) for event in history)
    return [(event["id"], event["type"], data) for event, data in pairs if data is not None]


def _check(consumer: Consumer, histories: dict[str, list[Event]], statuses: dict[str, str]) -> None:
    events = sorted(consumer.stored.events.values(), key=lambda event: int(event["id"]))
    for number, history in histories.items():
        ticket_events = [event for event in events if event["ticket"] == number]
        assert [(event["id"], event["type"], event["data"]) for event in ticket_events] == _expected(
            history, consumer
        ), number
        statuses_after = [event["data"]["after"] for event in ticket_events if event["type"] == "ticket.status_changed"]
        assert (statuses_after or ["acknowledged"])[-1] == statuses[number]


@pytest.mark.usefixtures("with_demo_data")
@pytest.mark.slow
@pytest.mark.chance
async def test_every_consumer_receives_every_event_despite_random_kills_on_both_sides(server: Server) -> None:
    seed = int(os.environ.get("KILL_SEED") or secrets.randbelow(1_000_000))
    print(f"seed {seed}")  # noqa: T201 - shown on failure; KILL_SEED repeats it
    dice, statuses, began = random.Random(seed), Counter[int](), time.monotonic()
    server.environment["CLEARLINE_PROCESSES"] = "2"
    await asyncio.to_thread(server.start, "--demo")
    async with httpx.AsyncClient(base_url=server.url, timeout=patient(10)) as client:
        customer, agent = (
            RetryingClient(client, server.secret(), statuses),
            RetryingClient(client, server.staff_secret(), statuses),
        )
        consumers = []
        for key, is_staff in ((server.secret(), False), (server.staff_secret(), True)):
            for accept in (SSE, NDJSON):
                stored = Stored("0-0-0")
                consumer = Consumer(server.url, key, accept, random.Random(dice.random()), stored, is_staff)
                consumer.start()
                consumers.append(consumer)
        writers = Writers(customer, agent, random.Random(seed + 1))
        writing = asyncio.create_task(writers.run())
        try:
            kills = await _chaos(server, consumers, dice)
        finally:
            writers.stop = True
        await writing
        histories = await _processed(consumers, agent, [*writers.statuses])
        for number, history in histories.items():
            types = Counter(event["type"] for event in history)
            assert (types["ticket.created"], types["note.added"]) == (1, writers.notes[number])
        for consumer in consumers:
            assert consumer.task is not None
            await consumer.kill()
            _check(consumer, histories, writers.statuses)
    events = sum(map(len, histories.values()))
    again, cuts = (
        sum(consumer.stored.again for consumer in consumers),
        sum(consumer.stored.cuts for consumer in consumers),
    )
    print(  # noqa: T201 - shown on failure
        f"{dict(kills)} killed, {server.starts} starts, {len(histories)} tickets, {events} events, {again} again, "
        f"{cuts} requests ended, {time.monotonic() - began:.1f} s"
    )
    assert kills["server"] + kills["process"] + kills["backend"] >= LEAST_KILLS
    assert server.stop() == 0


async def _processed(consumers: list[Consumer], agent: RetryingClient, numbers: list[str]) -> dict[str, list[Event]]:
    """Wait until there are no new events and the staff consumers have the last one; return the events by ticket."""
    until, histories = time.monotonic() + patient(PROCESSED_SECONDS), {"": [{"id": "0"}]}
    while True:
        before, histories = (
            histories,
            {number: await agent.read_list(f"{TICKETS}/{number}/history") for number in numbers},
        )
        last = max(int(event["id"]) for history in histories.values() for event in history)
        ends = [_last(consumer) for consumer in consumers if consumer.is_staff]
        if min(ends) >= last and before == histories:
            return histories
        assert time.monotonic() < until, f"{ends} were received, and not {last}"
        await asyncio.sleep(1.5)


def _last(consumer: Consumer) -> int:
    return max((int(event_id) for event_id in consumer.stored.events), default=0)


@pytest.mark.usefixtures("with_demo_data")
@pytest.mark.parametrize("processes", [1, 2])
def test_open_streams_do_not_delay_the_stop(server: Server, processes: int) -> None:
    server.environment["CLEARLINE_PROCESSES"] = str(processes)
    server.start("--demo")
    headers = {**server.headers(), "Accept": SSE}
    with contextlib.ExitStack() as stack:
        client = stack.enter_context(httpx.Client(base_url=server.url, headers=headers, timeout=patient(10)))
        answers = [stack.enter_context(client.stream("GET", EVENTS)) for _ in range(10)]
        bodies = [answer.iter_raw() for answer in answers]
        assert all(next(body).startswith(b"retry: ") for body in bodies)
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < stretched(2)
        for body in bodies:
            assert b"".join(body) == b"", "the stream must end without being aborted"
    assert eventually(lambda: not server.processes())
    assert "Traceback" not in server.err
