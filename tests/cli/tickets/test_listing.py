"""The command that lists tickets, with its order and its filters."""

import json
from datetime import timedelta
from typing import Any

import pytest

from clearline.catalogue.assessment import Priority
from clearline.clock import Span
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Database
from clearline.reminders.domain import ReminderChange
from clearline.tickets import change_usecases as changes
from clearline.tickets import list_usecases as ticket_lists
from clearline.tickets.domain import Status, ticket_number
from clearline.tickets.list_store import Filter
from clearline.tickets.lists.order import Order
from tests.builders.application import run_command
from tests.builders.people import NOW, new_tenant
from tests.builders.tickets import raised


@pytest.fixture
async def listed(database: Database) -> dict[str, str]:
    """Return the numbers of three tickets of a new company by name, and its code."""
    tenant = await new_tenant(database)
    async with database.transaction() as tx:
        numbers = {
            "low": await raised(tx, tenant),
            "critical": await raised(tx, tenant, status=Status.HELD),
            "high": await raised(tx, tenant),
        }
        for name, number in numbers.items():
            await changes.change_ticket(tx, OPERATOR, number, {"priority": Priority(name)}, now=NOW)
        await changes.tag(tx, OPERATOR, numbers["high"], add=("vip",), remove=(), now=NOW)
        values = {"external_ids": {"jira": "OPS-17"}}
        await changes.change_ticket(tx, OPERATOR, numbers["low"], values, now=NOW)
    return {"code": tenant.company.code, **{name: ticket_number(number) for name, number in numbers.items()}}


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (("--sort", "priority"), ["critical", "high", "low"]),
        (("--sort", "-priority"), ["low", "high", "critical"]),
        (("--sort", "created_at"), ["low", "critical", "high"]),
        (("--priority", "high", "--priority", "critical"), ["high", "critical"]),
        (("--status", "held"), ["critical"]),
        (("--status", "held", "--status", "acknowledged"), ["high", "critical", "low"]),
        (("--tag", "VIP"), ["high"]),
        (("--external-id", "jira:OPS-17"), ["low"]),
        (("--contact", "ADA@example.com"), ["high", "critical", "low"]),
        (("--no-file",), ["high", "critical", "low"]),
        (("--has-file",), []),
    ],
)
async def test_tickets_are_listed_in_an_order_and_by_filters(
    database_url: str, listed: dict[str, str], options: tuple[str, ...], names: list[str]
) -> None:
    command = ("ticket", "list", "--company", listed["code"], "--json", *options)
    printed: list[dict[str, Any]] = json.loads(run_command(database_url, *command).stdout)
    known = {number: name for name, number in listed.items()}
    assert [known[ticket["number"]] for ticket in printed] == names
    if "--sort" not in options:
        export = run_command(database_url, "ticket", "export", "--company", listed["code"], *options).stdout
        exported = [json.loads(line)["number"] for line in export.splitlines()]
        assert {known[number] for number in exported} == {*names}
        changed = run_command(
            database_url, "bulk", "tag", "--add", "x", "--company", listed["code"], *options, "--dry-run"
        )
        assert (f"{len(names)} would be done" in changed.stdout) is bool(names), changed.stderr
        assert ("match no ticket" in changed.stderr) is not bool(names)


@pytest.mark.parametrize("order", Order)
@pytest.mark.parametrize("newest_first", [True, False])
async def test_a_list_of_any_length_is_read_page_by_page(
    database: Database, monkeypatch: pytest.MonkeyPatch, order: Order, *, newest_first: bool
) -> None:
    tenant = await new_tenant(database)
    async with database.transaction() as tx:
        for days in range(1, 8):
            number = await raised(tx, tenant)
            reminder = ReminderChange(NOW + timedelta(days=days))
            await changes.change_ticket(tx, OPERATOR, number, {"reminder": reminder}, now=NOW)
    filters = Filter(company_id=tenant.company.id)
    for selected in (filters, filters._replace(created=Span(NOW - timedelta(days=1), NOW + timedelta(days=1)))):

        async def listed(limit: int, selected: Filter = selected) -> list[int]:
            async with database.statement() as tx:
                views = await ticket_lists.list_many_tickets(
                    tx, OPERATOR, selected, limit=limit, newest_first=newest_first, order=order
                )
            return [view.ticket.number for view in views]

        monkeypatch.undo()
        every = await listed(100)
        assert every == sorted(every, reverse=newest_first)
        assert len(every) == 7
        monkeypatch.setattr(ticket_lists, "_LISTED_AT_ONCE", 2)
        for limit in (1, 2, 3, 4, 6, 7, 8, 100):
            assert await listed(limit) == every[:limit], limit


async def test_the_limit_of_the_command_is_met(
    database_url: str, listed: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ticket_lists, "_LISTED_AT_ONCE", 1)
    command = ("ticket", "list", "--company", listed["code"], "--sort", "priority", "--json")
    for limit in (2, 3, 100_000):
        printed = run_command(database_url, *command, "--limit", str(limit))
        names = [listed["critical"], listed["high"], listed["low"]][:limit]
        assert [ticket["number"] for ticket in json.loads(printed.stdout)] == names
        assert ("Showing the first 2 tickets" in printed.stderr) is (limit == 2)


@pytest.mark.parametrize("value", ["jira", "jira:", ":7"])
def test_an_external_id_is_a_system_and_a_number(database_url: str, value: str) -> None:
    refused = run_command(database_url, "ticket", "list", "--external-id", value)
    assert refused.exit_code == 2
    assert "such as jira:OPS-17" in refused.stderr
