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
    """A company, and the number of its ticket; another company has one, too."""
    asyncio.run(_raise(database_url))
    return asyncio.run(_raise(database_url))


def tail(url: str, *arguments: str) -> list[dict[str, Any]]:
    """Return the events that the command prints."""
    done = run_command(url, *TAIL, *arguments, "--json")
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_every_event_is_printed_once_and_in_order(database_url: str, desk: tuple[Tenant, str]) -> None:
    whole = tail(database_url)
    ids = [int(one["id"]) for one in whole]
    assert len(ids) == len(set(ids)) > 0
    assert whole[-1]["ticket"] == desk[1]
    assert set(whole[-1]) == {"id", "type", "at", "company", "ticket", "note", "actor", "data", "cursor"}
    for index in (0, 3, len(whole) - 1):
        assert tail(database_url, "--after", whole[index]["cursor"]) == whole[index + 1 :]
    assert tail(database_url, "--after", "0-0-0") == whole


def test_filters_hold_together(database_url: str, desk: tuple[Tenant, str]) -> None:
    tenant, number = desk
    whole = tail(database_url)
    mine = [one for one in whole if one["company"] == str(tenant.company.id)]
    assert 0 < len(mine) < len(whole)
    assert tail(database_url, "--company", tenant.company.code) == mine
    kinds = [one for one in mine if one["type"].startswith("ticket.") or one["type"] == "user.created"]
    assert tail(database_url, "--company", tenant.company.name, "--type", "ticket.", "--type", "user.created") == kinds
    assert tail(database_url, "--ticket", number) == [whole[-1]]


def test_people_read_a_line_for_each(database_url: str, desk: tuple[Tenant, str]) -> None:
    [line] = run_command(database_url, *TAIL, "--ticket", desk[1]).stdout.splitlines()
    assert f"ticket.created          {desk[1]}  Ada Okoro  " in line
    assert "status: acknowledged" in line


@pytest.mark.parametrize(
    ("arguments", "status", "text"),
    [
        (("--after", "made-up"), 2, "must be the cursor of an event"),
        (("--company", "Nobody"), 1, "refused: company Nobody does not exist"),
        (("--ticket", "INC000999999999"), 1, "refused: ticket INC000999999999 does not exist"),
    ],
)
def test_what_does_not_exist_is_refused(database_url: str, arguments: tuple[str, ...], status: int, text: str) -> None:
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
        while time.monotonic() < until:  # nothing says that it has begun to follow
            numbers.append(asyncio.run(_raise(database_url, tenant))[1])
            lines += process.stdout.readlines()
            if len(lines) >= 2:
                break
            asyncio.run(asyncio.sleep(0.3))
        process.send_signal(signal.SIGINT)
        assert process.wait(patient(10)) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""
    seen = [json.loads(line)["ticket"] for line in lines]
    assert seen == numbers[numbers.index(seen[0]) :][: len(seen)]
    assert before not in seen
