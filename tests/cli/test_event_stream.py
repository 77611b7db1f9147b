import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from typing import Any

import pytest

from clearline.platform.database.transactions import Database
from clearline.tickets.domain import ticket_number
from tests.builders.application import run_command
from tests.builders.people import Tenant, new_tenant
from tests.builders.processes import started
from tests.builders.tickets import raised
from tests.patience import patient

TAIL = ("events", "tail")


async def _raise(url: str, tenant: Tenant | None = None) -> tuple[Tenant, str]:
    database = await Database.open(url, size=2)
    try:
        tenant = tenant or await new_tenant(database)
        async with database.transaction() as tx:
            return tenant, ticket_number(await raised(tx, tenant))
    finally:
        await database.close()


@pytest.fixture(scope="module")
def desk(database_url: str) -> tuple[Tenant, str]:
    """Return a company and the number of its ticket; another company has a ticket, too."""
    asyncio.run(_raise(database_url))
    return asyncio.run(_raise(database_url))


def tail(url: str, *arguments: str) -> list[dict[str, Any]]:
    """Return the events that the command prints."""
    done = run_command(url, *TAIL, *arguments, "--json")
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_every_event_is_printed_once_and_in_order(database_url: str, desk: tuple[Tenant, str]) -> None:
    events = tail(database_url)
    ids = [int(event["id"]) for event in events]
    assert len(ids) == len(set(ids)) > 0
    assert events[-1]["ticket"] == desk[1]
    assert set(events[-1]) == {"id", "type", "at", "company", "ticket", "note", "actor", "version", "data", "cursor"}
    for index in (0, 3, len(events) - 1):
        assert tail(database_url, "--after", events[index]["cursor"]) == events[index + 1 :]
    assert tail(database_url, "--after", "0-0-0") == events


def test_all_filters_must_match(database_url: str, desk: tuple[Tenant, str]) -> None:
    tenant, number = desk
    events = tail(database_url)
    own_events = [event for event in events if event["company"] == str(tenant.company.id)]
    assert 0 < len(own_events) < len(events)
    assert tail(database_url, "--company", tenant.company.code) == own_events
    selected = [event for event in own_events if event["type"].startswith("ticket.") or event["type"] == "user.created"]
    assert (
        tail(database_url, "--company", tenant.company.name, "--type", "ticket.", "--type", "user.created") == selected
    )
    assert tail(database_url, "--ticket", number) == [events[-1]]


def test_without_json_each_event_is_one_line(database_url: str, desk: tuple[Tenant, str]) -> None:
    [line] = run_command(database_url, *TAIL, "--ticket", desk[1]).stdout.splitlines()
    assert f"ticket.created          {desk[1]}  Ada Okoro  v1  " in line
    assert "status: acknowledged" in line


@pytest.mark.parametrize(
    ("arguments", "status", "text"),
    [
        (("--after", "made-up"), 2, "must be the cursor of an event"),
        (("--company", "Nobody"), 1, "refused: company Nobody does not exist"),
        (("--ticket", "INC000999999999"), 1, "refused: ticket INC000999999999 does not exist"),
    ],
)
def test_unknown_cursors_companies_and_tickets_are_refused(
    database_url: str, arguments: tuple[str, ...], status: int, text: str
) -> None:
    done = run_command(database_url, *TAIL, *arguments)
    assert (done.exit_code, done.stdout) == (status, "")
    assert text in done.stderr


def test_new_events_are_printed_until_ctrl_c(database_url: str, desk: tuple[Tenant, str]) -> None:
    tenant, before = desk
    command = [sys.executable, "-m", "clearline", *TAIL, "--follow", "--json", "--company", tenant.company.code]
    environment = {**os.environ, "CLEARLINE_DATABASE_URL": database_url, "PYTHONUNBUFFERED": "1"}
    with started(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        numbers = []
        lines: list[str] = []
        os.set_blocking(process.stdout.fileno(), False)
        until = time.monotonic() + patient(12)
        while time.monotonic() < until:  # no output shows that it has started to follow
            numbers.append(asyncio.run(_raise(database_url, tenant))[1])
            lines += process.stdout.readlines()
            if len(lines) >= 2:
                break
            asyncio.run(asyncio.sleep(0.3))
        process.send_signal(signal.SIGINT)
        assert process.wait(patient(10)) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""
    printed = [json.loads(line)["ticket"] for line in lines]
    assert printed == numbers[numbers.index(printed[0]) :][: len(printed)]
    assert before not in printed
