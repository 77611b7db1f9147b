"""What a page acknowledged is there exactly once, while servers are killed and clicks doubled.

A reply of an agent is sent or taken back, and a customer's form raises one ticket.
"""

import asyncio
import contextlib
import os
import random
import re
import secrets
from collections import Counter

import httpx
import pytest

from tests.builders.processes import eventually
from tests.builders.server import Server, kill_at_random
from tests.builders.web.pages import BROWSER, Page
from tests.patience import patient
from tests.rounds import ROUNDS

KINDS = ("server", "backend", "postmaster")
KILLS, LOADERS, KILLING_SECONDS, RETRIED_SECONDS = 4 * ROUNDS, 3, 20 * ROUNDS, 60
UNDO_SECONDS, UNDONE, SENT_TRIES = 2, 0.3, 100
"""For how long a reply can be taken back, how often that is tried, and how often to look for the last one."""
EXPECTED = {303, 409, 503}
"""Sent, or sent before; too late to take it back; the database is unavailable."""


class Clicking:
    """A person in a browser that sends a form again until it is answered."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self.statuses: Counter[int] = Counter()
        self.stop = False

    async def sign_in(self, email: str, password: str) -> None:
        page = Page((await self.client.get("/sign-in")).text)
        answer = await self.client.post("/sign-in", data={**hidden(page), "email": email, "password": password})
        assert answer.status_code == 303, answer.text

    async def until_answered(self, method: str, path: str, fields: dict[str, str], *expected: int) -> httpx.Response:
        async with asyncio.timeout(patient(RETRIED_SECONDS)):
            while True:
                with contextlib.suppress(httpx.TransportError):
                    answer = await self.client.request(method, path, data=fields)
                    if method == "POST":
                        self.statuses[answer.status_code] += 1
                    if answer.status_code in expected:
                        return answer
                    assert answer.status_code == 503, answer.text
                await asyncio.sleep(0.05)


class Agent(Clicking):
    """An agent who replies to tickets, and takes some replies back."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        super().__init__(client)
        self.answered: dict[str, list[str]] = {}
        self.taken_back: list[str] = []

    async def write(self, number: str, dice: random.Random) -> None:
        """Reply to a ticket, one message after the other."""
        texts = self.answered.setdefault(number, [])
        while not self.stop:
            path, text = f"/console/tickets/{number}", f"Reply {secrets.token_hex(8)}"
            page = await self.until_answered("GET", path, {}, 200)
            fields = {**hidden(Page(page.text), "seen"), "text": text, "visibility": "public"}
            clicks = [self.until_answered("POST", f"{path}/messages", fields, 303) for _ in range(dice.choice([1, 2]))]
            for answer in await asyncio.gather(*clicks):
                assert answer.headers["location"] == path
            taken_back = (dice.random() < UNDONE or not self.taken_back) and await self._take_back(path, text)
            (self.taken_back if taken_back else texts).append(text)

    async def _take_back(self, path: str, text: str) -> bool:
        """Try to take back the message that was just sent; return whether it was in time."""
        answer = await self.until_answered("GET", path, {}, 200)
        page = Page(answer.text)
        paths = [form["action"] or "" for form in page.all("form") if (form.get("action") or "").endswith("/undo")]
        if not paths:
            return False
        answer = await self.until_answered("POST", paths[-1], hidden(page, "once"), 303, 409)
        if answer.status_code == 303:
            page = Page((await self.until_answered("GET", answer.headers["location"], {}, 200)).text)
            assert text in page.text
        return answer.status_code == 303


class Customer(Clicking):
    """A customer who raises tickets in the portal, by titles that occur once."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        super().__init__(client)
        self.raised: dict[str, str] = {}

    async def raise_tickets(self, dice: random.Random) -> None:
        """Raise one ticket after the other."""
        path = "/portal/tickets/new"
        while not self.stop:
            title = f"Raised {secrets.token_hex(8)}"
            page = await self.until_answered("GET", f"{path}?other=radio+link", {}, 200)
            fields = {
                **hidden(Page(page.text), "once", "other"),
                "title": title, "description": "No light", "issue_type": "Circuit Down",
            }  # fmt: skip
            clicks = [self.until_answered("POST", path, fields, 303) for _ in range(dice.choice([1, 2]))]
            [location] = {answer.headers["location"] for answer in await asyncio.gather(*clicks)}
            self.raised[title] = location.removeprefix("/portal/tickets/").partition("?")[0]


def hidden(page: Page, *needed: str) -> dict[str, str]:
    """Return the hidden fields of the last form of a page that has the needed ones."""
    fields = {
        field["name"] or "": field.get("value") or "" for field in page.all("input") if field.get("type") == "hidden"
    }
    assert set(needed) <= set(fields)
    return fields


async def replies(client: httpx.AsyncClient, number: str, bearer: dict[str, str]) -> Counter[str]:
    """Return the replies to a ticket that customers can see."""
    stored: Counter[str] = Counter()
    path: str | None = f"/api/v1/tickets/{number}/notes?limit=200"
    while path:
        notes = (await client.get(path, headers=bearer)).json()
        stored.update(note["text"] for note in notes["data"] if note["text"].startswith("Reply "))
        cursor = notes["next_cursor"]
        path = cursor and f"/api/v1/tickets/{number}/notes?limit=200&cursor={cursor}"
    return stored


async def tickets_raised(client: httpx.AsyncClient, bearer: dict[str, str]) -> list[tuple[str, str]]:
    """Return the titles and numbers of the tickets that customers raised, in the order of their titles."""
    listed: list[tuple[str, str]] = []
    path: str | None = "/api/v1/tickets?limit=200"
    while path:
        tickets = (await client.get(path, headers=bearer)).json()
        listed += [(each["title"], each["number"]) for each in tickets["data"] if each["title"].startswith("Raised ")]
        cursor = tickets["next_cursor"]
        path = cursor and f"/api/v1/tickets?limit=200&cursor={cursor}"
    return sorted(listed)


@pytest.mark.usefixtures("with_demo_data")
@pytest.mark.slow
@pytest.mark.chance
async def test_what_a_page_acknowledged_is_stored_exactly_once(server: Server) -> None:
    seed = int(os.environ.get("KILL_SEED") or secrets.randbelow(1_000_000))
    print(f"seed {seed}")  # noqa: T201 - shown on failure; KILL_SEED repeats it
    server.environment["CLEARLINE_UNDO_SECONDS"] = str(UNDO_SECONDS)
    await asyncio.to_thread(server.start, "--demo")
    printed = re.findall(r"(\S+@\S+) +(\S+)$", server.out, re.MULTILINE)
    assert printed, server.out
    bearer = {"Authorization": f"Bearer {server.staff_secret()}"}
    async with (
        httpx.AsyncClient(base_url=server.url, headers=BROWSER, timeout=patient(10)) as client,
        httpx.AsyncClient(base_url=server.url, headers=BROWSER, timeout=patient(10)) as portal,
    ):
        customer, agent = Customer(portal), Agent(client)
        await customer.sign_in(*printed[0])
        await agent.sign_in(*printed[-1])
        opened = await client.get("/api/v1/tickets?limit=10", headers=bearer)
        numbers = [ticket["number"] for ticket in opened.json()["data"]][:LOADERS]
        loading = asyncio.gather(
            customer.raise_tickets(random.Random(f"{seed} customer")),
            *(agent.write(number, random.Random(f"{seed} {number}")) for number in numbers),
        )
        try:
            kills = await kill_at_random(
                server, random.Random(seed), KINDS, most=KILLS, seconds=KILLING_SECONDS,
                answered=lambda: len(customer.raised) + sum(map(len, agent.answered.values())),
            )  # fmt: skip
        finally:
            customer.stop = agent.stop = True
        await loading
        assert kills.total() >= len(KINDS)
        for number, texts in agent.answered.items():
            for _try in range(SENT_TRIES):
                if (sent := await replies(client, number, bearer)) == Counter(texts):
                    break
                await asyncio.sleep(patient(0.2))
            assert sent == Counter(texts)
        assert agent.taken_back
        assert customer.raised
        assert await tickets_raised(client, bearer) == sorted(customer.raised.items())
    statuses = agent.statuses + customer.statuses
    print(f"{dict(kills)} killed, {dict(statuses)}")  # noqa: T201 - shown on failure
    assert set(statuses) <= EXPECTED
    assert server.stop() == 0
    assert eventually(lambda: not server.processes())
