"""Every reminder brings its ticket back once, while processes are killed at the moments when they are due."""

import asyncio
import os
import random
import secrets
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.builders.house import ANY, RETRIED_SECONDS, TICKETS, RetryingClient
from tests.builders.processes import eventually
from tests.builders.server import Server, kill_at_random
from tests.patience import patient
from tests.rounds import ROUNDS

KINDS = ("server", "postmaster", "backend")
KILLS = 6 * ROUNDS
LEAST_KILLS = KILLS * 2 // 3
KILLING_SECONDS = 30 * ROUNDS
TICKETS_COUNT = 80 * ROUNDS
SPREAD_SECONDS = 20 * ROUNDS
"""The seconds in which the reminders are due, one after another, some at the same moment."""
CALM_SECONDS = 30


async def with_reminders(customer: RetryingClient, agent: RetryingClient, dice: random.Random) -> list[str]:
    """Raise tickets, most of them pending, each with a reminder that is due while processes are killed."""
    numbers = []
    for index in range(TICKETS_COUNT):
        body = {
            "title": f"Port {index}", "description": "Waits", "issue_type": "Others",
            "service": {"id": "NET-AMS-0012", "type": "Port"},
        }  # fmt: skip
        number = (await customer.post(TICKETS, 201, json=body))["number"]
        if index % 4:
            await agent.post(f"{TICKETS}/{number}/status", 200, json={"status": "pending"})
        numbers.append(number)
    first = datetime.now(UTC) + timedelta(seconds=patient(3))
    for number in numbers:
        at = first + timedelta(seconds=round(dice.uniform(0, SPREAD_SECONDS), 1))
        reminder = {"at": at.isoformat(), "reason": f"Look at {number}"}
        answer = await agent.ask("PATCH", f"{TICKETS}/{number}", json={"reminder": reminder}, headers=ANY)
        assert answer.status_code == 200, answer.text
    return numbers


async def histories(agent: RetryingClient, numbers: list[str]) -> dict[str, list[str]]:
    """Return the types of the events of each ticket."""
    return {
        number: [event["type"] for event in await agent.read_list(f"{TICKETS}/{number}/history")] for number in numbers
    }


async def waiting(agent: RetryingClient, numbers: list[str]) -> list[str]:
    """Return those of the tickets that still have a reminder; the demo data has tickets with one, too."""
    tickets = await agent.read_list(TICKETS, company="ALD001")
    return [ticket["number"] for ticket in tickets if ticket["reminder"] is not None and ticket["number"] in numbers]


@pytest.mark.usefixtures("with_demo_data")
@pytest.mark.slow
@pytest.mark.chance
async def test_every_reminder_brings_its_ticket_back_once_despite_random_kills(server: Server) -> None:
    seed = int(os.environ.get("KILL_SEED") or secrets.randbelow(1_000_000))
    print(f"seed {seed}")  # noqa: T201 - shown on failure; KILL_SEED repeats it
    dice, statuses = random.Random(seed), Counter[int]()
    await asyncio.to_thread(server.start, "--demo")
    async with httpx.AsyncClient(base_url=server.url, timeout=patient(10)) as client:
        customer = RetryingClient(client, server.secret(), statuses)
        agent = RetryingClient(client, server.staff_secret(), statuses)
        numbers = await with_reminders(customer, agent, dice)
        kills = await kill_at_random(server, dice, KINDS, most=KILLS, seconds=KILLING_SECONDS, answered=statuses.total)
        until = time.monotonic() + patient(RETRIED_SECONDS + CALM_SECONDS)
        while left := await waiting(agent, numbers):
            assert time.monotonic() < until, f"reminders that are lost: {left}"
            await asyncio.sleep(0.3)
        events = await histories(agent, numbers)
        print(f"{dict(kills)} killed, {server.starts} starts, {dict(statuses)}")  # noqa: T201 - shown on failure
        assert kills.total() >= LEAST_KILLS
        reminded = {number: types.count("ticket.reminded") for number, types in events.items()}
        assert {number: count for number, count in reminded.items() if count != 1} == {}
        moved = {number: types.count("ticket.status_changed") for number, types in events.items()}
        assert moved == {number: 2 if index % 4 else 0 for index, number in enumerate(numbers)}
    doctor = server.command("doctor")
    assert doctor.returncode == 0, doctor.stdout
    assert server.stop() == 0
    assert eventually(lambda: not server.processes())
