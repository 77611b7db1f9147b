"""The command that lists tickets, with its order and its filters."""

import json
from typing import Any

import pytest

from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Database
from clearline.tickets import change_usecases as changes
from clearline.tickets.domain import Priority, Status, ticket_number
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


@pytest.mark.parametrize("value", ["jira", "jira:", ":7"])
def test_an_external_id_is_a_system_and_a_number(database_url: str, value: str) -> None:
    refused = run_command(database_url, "ticket", "list", "--external-id", value)
    assert refused.exit_code == 2
    assert "such as jira:OPS-17" in refused.stderr
