"""Lists from the newest to the oldest take the same times at the command line as in the house API."""

from uuid import uuid4

import pytest

from clearline.identity import PROVIDER_ID
from clearline.platform.database.transactions import Database
from clearline.tickets.domain import ticket_number
from clearline.webhooks import delivery_store
from clearline.webhooks.delivery_store import NewDelivery
from tests.builders.application import run_command, run_json
from tests.builders.people import NOW, Tenant
from tests.builders.tickets import raised

HOOK = uuid4()
LISTS = [
    ("ticket", "list"),
    ("job", "list"),
    ("mail", "outbox"),
    ("inbound-mail", "list"),
    ("webhook", "deliveries", str(HOOK)),
    ("audit",),
]


@pytest.fixture(scope="module")
async def filled(database: Database, tenant: Tenant) -> tuple[str, str]:
    """Store two tickets, the first in 2019, and two deliveries, the first in 2019; return the tickets' numbers."""
    async with database.transaction() as tx:
        numbers = [await raised(tx, tenant) for _ in range(2)]
        await tx.write(
            "update ticket set created_at = '2019-05-01T12:00Z' where company_id = $1 and number = $2",
            tenant.company.id, numbers[0],
        )  # fmt: skip
        await tx.write(
            """insert into subscription (company_id, id, url, is_active, created_at, updated_at)
               values ($1, $2, 'https://hooks.example.com/', false, $3, $3)""",
            PROVIDER_ID, HOOK, NOW,
        )  # fmt: skip
        for at in (NOW.replace(year=2019), NOW):
            await delivery_store.insert(
                tx, [NewDelivery(PROVIDER_ID, HOOK, uuid4(), None, "ping", None, b"{}")], now=at
            )
    return ticket_number(numbers[0]), ticket_number(numbers[1])


def test_tickets_are_listed_by_the_time_that_they_were_created(database_url: str, filled: tuple[str, str]) -> None:
    old, new = filled

    def listed(*options: str) -> list[str]:
        return [ticket["number"] for ticket in run_json(database_url, "ticket", "list", *options)]

    assert listed("--until", "2020-01-01") == [old]
    assert listed("--since", "2019-05-01T12:00", "--until", "2020-01-01T00:00:00Z") == [old]
    assert listed("--since", "2019-05-01T14:00+02:00") == [new, old]
    assert listed("--since", "2019-05-01T12:01") == [new]
    assert set(listed("--updated-since", "2020-01-01")) == {old, new}
    assert listed("--updated-until", "2020-01-01") == []


def test_deliveries_are_listed_by_the_time_that_they_were_created(database_url: str, filled: tuple[str, str]) -> None:
    assert filled
    command = LISTS[4]
    old = run_json(database_url, *command, "--until", "2020-01-01")
    assert [delivery["created_at"][:4] for delivery in old] == ["2019"]
    assert len(run_json(database_url, *command, "--since", "2019-01-01")) == 2


@pytest.mark.parametrize("command", LISTS, ids=lambda command: " ".join(command[:2]))
def test_a_list_takes_times_and_refuses_what_is_none(
    database_url: str, filled: tuple[str, str], command: tuple[str, ...]
) -> None:
    assert filled
    assert run_json(database_url, *command, "--since", "2050-01-01T00:00Z", "--until", "2051-01-01") == []
    assert run_json(database_url, *command, "--until", "2001-01-01") == []
    for wrong in ("yesterday", "2026-13-01", "42", ""):
        refused = run_command(database_url, *command, "--since", wrong)
        assert refused.exit_code == 2
        assert "must be a day or a time, such as 2026-03-01" in " ".join(refused.stderr.split())
    reversed_span = run_command(database_url, *command, "--since", "2026-01-02", "--until", "2026-01-01")
    assert reversed_span.exit_code in {1, 2}
    assert "until must be after" in reversed_span.stderr
