"""Every answered change is stored, and its consequences follow once, while processes are killed at random."""

import asyncio
import hashlib
import json
import math
import os
import random
import secrets
import time
from base64 import b64encode
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from clearline.mail.inbound.domain import CLAIM_DURATION
from tests.builders.house import RETRIED_SECONDS, TICKETS, RetryingClient
from tests.builders.processes import eventually
from tests.builders.server import Server, kill_at_random
from tests.patience import patient
from tests.rounds import ROUNDS

KINDS = ("server", "postmaster", "backend")
KILLS = 4 * ROUNDS
LEAST_KILLS = KILLS * 5 // 6
KILLING_SECONDS = 25 * ROUNDS
CALM_SECONDS = 30
UPLOADERS = 2
SMALLEST, LARGEST = 10_000, 3_000_000
"""Bytes of a file."""
PATIENT = 0.8
"""The share of uploads that are retried until they are answered; the result of the others may be unknown."""
PER_JOB = 20
TAGGED = 6
"""How many of the latest tickets get tags: few, so that changes conflict."""
TAGS_MAX = 50
EXPECTED = {200, 201, 202, 409, 412, 503}
"""Done; the same key is in use; a concurrent change was first; the database is unavailable. No other may occur."""

PORT = {"id": "NET-AMS-0012", "type": "Port"}
ROUTER = {"id": "CR-ALD-EU", "type": "CloudRouter"}
BY_RULE: dict[str, tuple[str, str, dict[str, str]]] = {
    "Announcements and BGP": ("BGP session", "Others", PORT),
    "Cloud routers": ("Too slow", "High Latency", ROUTER),
    "Faults": ("No light", "Circuit Down", PORT),
    "Everything else": ("A question", "Others", PORT),
}
"""The title, issue type and service of a ticket that matches the demo's routing rule of this name."""


@dataclass
class File:
    """A file that was uploaded, and whether the upload was answered."""

    ticket: str
    size: int
    sha256: bytes
    answered: bool = False


@dataclass
class Record:
    """The requests of the loaders and their responses."""

    tickets: dict[str, str] = field(default_factory=dict)
    """The number of each answered ticket by the word that only this ticket contains."""
    rules: dict[str, str] = field(default_factory=dict)
    files: dict[str, File] = field(default_factory=dict)
    unknown_uploads: int = 0
    jobs: dict[str, tuple[str, list[str]]] = field(default_factory=dict)
    tags: dict[str, set[str]] = field(default_factory=dict)
    statuses: Counter[int] = field(default_factory=Counter)
    stop: bool = False

    @property
    def numbers(self) -> list[str]:
        return list(self.tickets.values())

    @property
    def answered(self) -> int:
        return len(self.tickets) + sum(file.answered for file in self.files.values()) + len(self.jobs) + len(self.tags)


class Loaders:
    """Users who work with the desk while its processes are killed."""

    def __init__(self, customer: RetryingClient, agent: RetryingClient, record: Record, dice: random.Random) -> None:
        self._customer, self._agent, self._record, self._dice = customer, agent, record, dice

    async def begin(self) -> None:
        """Create as many tickets as a job needs."""
        for _ in range(PER_JOB):
            await self._raise()

    async def run(self) -> None:
        """Work until ``stop`` is set; finish what was started."""
        again = self._again
        uploaders = [again(self._upload, 0.05) for _ in range(UPLOADERS)]
        await asyncio.gather(
            again(self._raise, 0.05),
            again(self._start_job, 0.3),
            again(self._tag, 0.03),
            again(self._tag, 0.03),
            *uploaders,
        )

    async def _again(self, work: Callable[[], Awaitable[None]], pause: float) -> None:
        while not self._record.stop:
            await work()
            await asyncio.sleep(self._dice.uniform(0, 2 * pause))

    async def _raise(self) -> None:
        word = "w" + secrets.token_hex(6)
        rule = self._dice.choice(list(BY_RULE))
        title, issue_type, service = BY_RULE[rule]
        body = {"title": f"{title} {word}", "description": "Since 08:00 UTC", "issue_type": issue_type}
        created = await self._customer.post(TICKETS, 201, json=body | {"service": service})
        assert created["number"] not in self._record.numbers, "two tickets were answered with one number"
        self._record.rules[word] = rule
        self._record.tickets[word] = created["number"]

    async def _upload(self) -> None:
        size = int(math.exp(self._dice.uniform(math.log(SMALLEST), math.log(LARGEST))))
        content, name = self._dice.randbytes(size), secrets.token_hex(6) + ".bin"
        file = File(self._dice.choice(self._record.numbers[-TAGGED:]), size, hashlib.sha256(content).digest())
        self._record.files[name] = file
        headers = {"Idempotency-Key": secrets.token_hex(8), "Content-Type": "application/octet-stream"}
        request = {"params": {"name": name}, "content": content, "headers": headers}
        path, repeats = f"{TICKETS}/{file.ticket}/attachments", self._dice.random() < PATIENT
        until = time.monotonic() + patient(RETRIED_SECONDS)
        while (answer := await self._customer.once("POST", path, **request)) is None:
            self._record.unknown_uploads += 1
            if not repeats:
                return
            assert time.monotonic() < until, f"{path} was not answered within {RETRIED_SECONDS} s"
            await asyncio.sleep(0.05)
        assert answer.status_code == 201, answer.text
        assert answer.json()["sha256"] == file.sha256.hex()
        file.answered = True

    async def _start_job(self) -> None:
        numbers, text = self._dice.sample(self._record.numbers, PER_JOB), f"Job {secrets.token_hex(6)}"
        action = {"type": "note", "text": text, "visibility": self._dice.choice(["public", "internal"])}
        job = await self._agent.post("/api/v1/bulk", 202, json={"tickets": numbers, "action": action})
        assert job["id"] not in self._record.jobs
        self._record.jobs[job["id"]] = (text, numbers)

    async def _tag(self) -> None:
        """Add a tag to those of a ticket; start again after a concurrent change."""
        path = f"{TICKETS}/{(number := self._dice.choice(self._record.numbers[-TAGGED:]))}"
        tag = "t" + secrets.token_hex(4)
        while True:
            read = await self._agent.ask("GET", path)
            tags: list[str] = read.json()["tags"]
            if tag in tags:  # the response to the change was lost
                break
            if len(tags) == TAGS_MAX:
                return
            headers = {"If-Match": read.headers["etag"]}
            answer = await self._agent.once("PATCH", path, json={"tags": [*tags, tag]}, headers=headers)
            if answer is not None and answer.status_code == 200:
                break
        self._record.tags.setdefault(number, set()).add(tag)


class Checks:
    """Checks that everything answered is stored once and completely, and that its consequences followed."""

    def __init__(self, customer: RetryingClient, agent: RetryingClient, record: Record) -> None:
        self._customer, self._agent, self._record = customer, agent, record

    async def wait_until_done(self) -> None:
        """Wait until jobs, routing and search have processed everything."""
        until = time.monotonic() + patient(CALM_SECONDS)
        while waiting := await self._waiting():
            assert time.monotonic() < until, waiting
            await asyncio.sleep(0.3)

    async def _waiting(self) -> str:
        jobs = await self._agent.read_list("/api/v1/jobs")
        if late := [job["id"] for job in jobs if job["state"] not in {"done", "cancelled"}]:
            return f"jobs that are not done: {late}"
        last = next(reversed(self._record.tickets))
        history = await self._agent.read_list(f"{TICKETS}/{self._record.tickets[last]}/history")
        if "ticket.routed" not in {event["type"] for event in history}:
            return "the last ticket is not routed"
        page = await self._agent.get("/api/v1/search", q=last)
        return "" if page["data"] else "the last ticket is not found"

    async def wait_for_inbound_mail(self) -> None:
        """Wait until the demo's mail is processed: the processes that claimed it were killed, and the claim goes on."""
        until = time.monotonic() + patient(CLAIM_DURATION.total_seconds() + CALM_SECONDS)
        while await self._agent.read_list("/api/v1/inbound-mails", state="waiting"):
            assert time.monotonic() < until, "a mail still waits"
            await asyncio.sleep(1)

    async def tickets(self) -> None:
        """Check that every answered ticket exists once, and no other does."""
        tickets = await self._agent.read_list(TICKETS, state="all", company="ALD001")
        titles = Counter(ticket["title"].split()[-1] for ticket in tickets)
        numbers = {
            ticket["title"].split()[-1]: ticket["number"]
            for ticket in tickets
            if ticket["number"] in self._record.numbers
        }
        assert numbers == self._record.tickets
        assert {word: titles[word] for word in numbers if titles[word] != 1} == {}
        assert [word for word in titles if _is_ours(word) and word not in numbers] == []
        for ticket in tickets:
            assert set(ticket["tags"]) >= self._record.tags.get(ticket["number"], set()), "an answered tag is lost"

    async def jobs(self) -> None:
        """Check that every job is done, and that its tickets have exactly the notes of their jobs."""
        expected = Counter((number, text) for text, numbers in self._record.jobs.values() for number in numbers)
        for job_id in self._record.jobs:
            job = await self._agent.get(f"/api/v1/jobs/{job_id}")
            assert job["state"] == "done"
            assert job["counts"] == {"done": PER_JOB, "unchanged": 0, "refused": 0, "waiting": 0}
        note_jobs = [job for job in await self._agent.read_list("/api/v1/jobs") if job["action"]["type"] == "note"]
        assert len(note_jobs) == len(self._record.jobs), "the demo's own job adds tags, not notes"
        notes = await _each(self._record.numbers, lambda number: self._agent.read_list(f"{TICKETS}/{number}/notes"))
        counts = Counter((number, note["text"]) for number, listed in notes.items() for note in listed)
        assert counts - expected == Counter(), "unexpected or duplicate notes"
        assert expected - counts == Counter(), "lost notes"

    async def routing_and_search(self) -> None:
        """Check that every ticket was routed once, by the matching rule, and is found by its word."""
        record = self._record
        histories = await _each(record.numbers, lambda number: self._agent.read_list(f"{TICKETS}/{number}/history"))
        for word, number in record.tickets.items():
            types = Counter(event["type"] for event in histories[number])
            routed = [event["data"]["rule"] for event in histories[number] if event["type"] == "ticket.routed"]
            assert (types["ticket.created"], routed) == (1, [record.rules[word]]), number
        results = await _each(record.tickets, lambda word: self._customer.read_list("/api/v1/search", q=word))
        assert {word: [ticket["number"] for ticket in data] for word, data in results.items()} == {
            word: [number] for word, number in record.tickets.items()
        }

    async def files(self) -> dict[str, File]:
        """Check that every answered file is attached once, and every attached file is complete; return those, by id."""
        stored: dict[str, File] = {}
        lists = await _each(
            self._record.numbers, lambda number: self._customer.read_list(f"{TICKETS}/{number}/attachments")
        )
        names = Counter(attachment["name"] for listed in lists.values() for attachment in listed)
        assert {name: count for name, count in names.items() if count != 1} == {}
        assert {name for name, file in self._record.files.items() if file.answered} <= set(names)
        for number, listed in lists.items():
            for attachment in listed:
                file = stored[attachment["id"]] = self._record.files[attachment["name"]]
                assert (number, attachment["size"], attachment["sha256"]) == (file.ticket, file.size, file.sha256.hex())
        await _each(stored, lambda key: self._check_content(key, stored[key]))
        return stored

    async def _check_content(self, key: str, file: File) -> None:
        answer = await self._customer.ask("GET", f"{TICKETS}/{file.ticket}/attachments/{key}/content")
        assert answer.status_code == 200
        assert (len(answer.content), hashlib.sha256(answer.content).digest()) == (file.size, file.sha256)
        assert answer.headers["content-digest"] == f"sha-256=:{b64encode(file.sha256).decode()}:"
        assert answer.headers["etag"] == f'"{file.sha256.hex()}"'


def _is_ours(word: str) -> bool:
    return len(word) == 13 and word[0] == "w"


async def _each(keys: Iterable[str], ask: Callable[[str], Awaitable[Any]]) -> dict[str, Any]:
    """Return the result of a request for each key; a few requests run at a time."""
    limit = asyncio.Semaphore(8)

    async def ask_one(key: str) -> tuple[str, Any]:
        async with limit:
            return key, await ask(key)

    return dict(await asyncio.gather(*map(ask_one, keys)))


def _stored(server: Server) -> tuple[dict[str, Path], list[Path]]:
    """Return the stored contents, by id, and the unfinished uploads."""
    root = server.data_dir / "attachments"
    unfinished = [path for path in (root / "staging").iterdir() if path.is_file()]
    stored = {path.name: path for path in root.glob("*/*") if path.parent.name != "staging"}
    return stored, unfinished


def _check_disk(
    server: Server, record: Record, attached: dict[str, File], of_demo: set[str], servers_killed: int
) -> None:
    """Check that every row has its content, and that content without a row is explained by the kills and swept.

    A killed process cannot clean up: its unfinished uploads stay in ``staging``, and content whose row was not
    committed, or may not have been, stays in the store. The sweep deletes both when they are a day old, so that it
    never deletes content whose row is still to be committed.
    """
    stored, unfinished = _stored(server)
    assert {key: stored[key].stat().st_size for key in attached} == {key: file.size for key, file in attached.items()}
    orphans = set(stored) - set(attached) - of_demo
    print(f"{len(attached)} files kept, {len(orphans)} without a row, {len(unfinished)} unfinished")  # noqa: T201
    assert len(unfinished) <= servers_killed * UPLOADERS
    assert len(orphans) + len(unfinished) <= record.unknown_uploads
    assert _swept(server) == 0
    assert _stored(server) == (stored, unfinished)
    two_days_ago = time.time() - 2 * 86_400
    for path in [*stored.values(), *unfinished]:
        os.utime(path, (two_days_ago, two_days_ago))
    assert _swept(server) == len(orphans) + len(unfinished)
    assert _stored(server) == ({key: stored[key] for key in {*attached, *of_demo}}, [])


def _swept(server: Server) -> int:
    done = server.command("attachment", "sweep", "--json")
    assert done.returncode == 0, done.stderr
    swept: int = json.loads(done.stdout)["swept"]
    return swept


@pytest.mark.usefixtures("with_demo_data")
@pytest.mark.slow
@pytest.mark.chance
async def test_every_answered_change_is_stored_and_processed_once_despite_random_kills(server: Server) -> None:
    seed = int(os.environ.get("KILL_SEED") or secrets.randbelow(1_000_000))
    print(f"seed {seed}")  # noqa: T201 - shown on failure; KILL_SEED repeats it
    dice, record, began = random.Random(seed), Record(), time.monotonic()
    await asyncio.to_thread(server.start, "--demo")
    of_demo = set(_stored(server)[0])
    async with httpx.AsyncClient(base_url=server.url, timeout=patient(10)) as client:
        customer, agent = (
            RetryingClient(client, server.secret(), record.statuses),
            RetryingClient(client, server.staff_secret(), record.statuses),
        )
        loaders = Loaders(customer, agent, record, random.Random(seed + 1))
        await loaders.begin()
        loading = asyncio.ensure_future(loaders.run())
        try:
            kills = await kill_at_random(
                server, dice, KINDS, most=KILLS, seconds=KILLING_SECONDS, answered=lambda: record.answered
            )
        finally:
            record.stop = True
        await loading
        print(  # noqa: T201 - shown on failure
            f"{dict(kills)} killed, {server.starts} starts, {len(record.tickets)} tickets, {len(record.files)} files, "
            f"{len(record.jobs)} jobs, {sum(map(len, record.tags.values()))} tags, {dict(record.statuses)}, "
            f"{record.unknown_uploads} uploads not answered, {time.monotonic() - began:.1f} s"
        )
        assert kills.total() >= LEAST_KILLS
        checks = Checks(customer, agent, record)
        await checks.wait_until_done()
        await checks.wait_for_inbound_mail()
        await checks.tickets()
        await checks.jobs()
        await checks.routing_and_search()
        attached = await checks.files()
    _check_disk(server, record, attached, of_demo, kills["server"])
    assert set(record.statuses) <= EXPECTED
    doctor = server.command("doctor")
    assert doctor.returncode == 0, doctor.stdout
    assert server.stop() == 0
    assert eventually(lambda: not server.processes())
    print(f"{time.monotonic() - began:.1f} s in all")  # noqa: T201 - shown on failure
