"""Files of services: the columns and members of facts, in CSV, JSON and NDJSON."""

import json
from datetime import date
from typing import Any

import pytest

from clearline.catalogue.published import ServiceType
from clearline.identity import OPERATOR
from clearline.inventory import import_usecases as imports
from clearline.inventory import usecases as inventory
from clearline.inventory.domain import Service
from clearline.inventory.facts_domain import End, ServiceState
from clearline.inventory.import_domain import COLUMNS, ImportReport
from clearline.platform.database.transactions import Database
from tests.builders.people import NOW, Tenant

ROW = {
    "id": "X-1", "type": "Port", "label": "X", "state": "ordered", "rate": "2.5 Gbit/s", "tier": "silver",
    "is_protected": "no", "installed_on": "2025-01-31", "customer_label": "Their X", "carrier": "Fernhill Access",
    "carrier_circuit_id": "FH-1", "a_site": "AMS", "a_device": "ams-1", "a_port": "1/1", "a_vlan": "7",
    "z_site": "", "z_device": "", "z_port": "", "z_vlan": "",
}  # fmt: skip


def a_table(*rows: dict[str, str], separator: str = ",") -> str:
    return "\n".join([separator.join(rows[0]), *(separator.join(row.values()) for row in rows)])


async def import_text(database: Database, tenant: Tenant, text: str) -> ImportReport:
    async with database.transaction() as tx:
        return await imports.import_file(tx, OPERATOR, tenant.company.code, text, dry_run=False, now=NOW)


async def stored(database: Database, tenant: Tenant, service_id: str = "X-1") -> Service:
    async with database.transaction() as tx:
        return await inventory.get_service(tx, OPERATOR, tenant.company.code, service_id)


async def test_a_table_has_a_column_for_every_fact(database: Database, fresh: Tenant) -> None:
    assert set(ROW) == set(COLUMNS)
    assert (await import_text(database, fresh, a_table(ROW, separator=";"))).errors == []
    assert await stored(database, fresh) == Service(
        fresh.company.id, "X-1", ServiceType.PORT, "X", ServiceState.ORDERED, 2_500_000_000, "silver", False,
        date(2025, 1, 31), "Their X", "Fernhill Access", "FH-1", End("AMS", "ams-1", "1/1", "7"), None,
    )  # fmt: skip
    again = await import_text(database, fresh, a_table(ROW))
    assert again == ImportReport(created=0, updated=0, unchanged=1, errors=[])


async def test_a_missing_column_keeps_a_fact_and_an_empty_cell_clears_it(database: Database, fresh: Tenant) -> None:
    await import_text(database, fresh, a_table(ROW))
    before = await stored(database, fresh)
    few = {"id": "X-1", "type": "Port", "label": "X"}
    assert (await import_text(database, fresh, a_table(few))).unchanged == 1
    await import_text(database, fresh, a_table({**few, "carrier": "", "state": "", "a_port": ""}))
    after = await stored(database, fresh)
    assert (after.carrier, after.state, after.a_end) == (None, ServiceState.ACTIVE, End("AMS", "ams-1", None, "7"))
    assert (after.rate, after.carrier_circuit_id) == (before.rate, before.carrier_circuit_id)


@pytest.mark.parametrize("as_list", [False, True], ids=["NDJSON", "a list"])
async def test_json_is_what_the_house_api_writes(
    database: Database,
    fresh: Tenant,
    as_list: bool,  # noqa: FBT001 - a table
) -> None:
    rows: list[dict[str, Any]] = [
        {"id": "X-1", "type": "Port", "label": "X", "rate": 64000, "rate_text": "64k", "company_id": "theirs",
         "a_end": {"site": "AMS", "device": None, "port": None, "vlan": None}, "tier": None},
        {"id": "X-2", "type": "Port", "label": "X2", "rate": "10G", "installed_on": "2025-01-31"},
    ]  # fmt: skip
    text = json.dumps(rows, indent=1) if as_list else "".join(f"{json.dumps(row)}\n" for row in rows)
    assert await import_text(database, fresh, text) == ImportReport(2, 0, 0, [])
    assert (await stored(database, fresh)).a_end == End("AMS")
    assert (await stored(database, fresh, "X-2")).rate == 10_000_000_000
    assert (await import_text(database, fresh, text)).unchanged == 2


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("state", "gone", "state must be one of ordered, active, suspended, ceased"),
        ("rate", "fast", "rate must be bit/s as a whole number, or with a unit, such as 10G, 2.5M or 64k"),
        ("rate", "0", "rate must be bit/s from 1 to 10000000000000000"),
        ("tier", "tin", "tier must be one of gold, silver, bronze"),
        ("is_protected", "perhaps", "is_protected must be yes or no"),
        ("installed_on", "31.1.2025", "installed_on must be a day, such as 2026-03-01"),
        ("a_vlan", "5000", "a_end.vlan must be VLAN ids from 1 to 4094, such as 100, 100.200 or 10-19"),
        ("carrier", "x" * 256, "carrier must have 1 to 255 characters"),
    ],
)
async def test_a_wrong_cell_is_named_with_its_line_and_nothing_is_stored(
    database: Database, fresh: Tenant, column: str, value: str, message: str
) -> None:
    report = await import_text(database, fresh, a_table(ROW | {"id": "X-0"}, ROW | {column: value}))
    assert [(error.line, error.message) for error in report.errors] == [(3, message)]
    async with database.transaction() as tx:
        services = await inventory.services_of(tx, OPERATOR, fresh.company.code)
    assert not {"X-0", "X-1"} & {service.id for service in services}


async def test_wrong_lines_of_ndjson_are_named(database: Database, fresh: Tenant) -> None:
    lines = ['{"id": "X-1", "type": "Port", "label": "X"}', "{no json", '{"id": "X-3", "type": "Port"}',
             '{"id": "X-1", "type": "Port", "label": "X"}', '{"id": "X-4", "type": "Port", "label": "X", "speed": 1}',
             '{"id": "X-5", "type": "Port", "label": "X", "rate": "fast"}']  # fmt: skip
    report = await import_text(database, fresh, "\n".join(lines))
    assert [error.line for error in report.errors] == [2, 3, 4, 5, 6]
    messages = ["is no JSON", "missing required field `label`", "earlier line", "unknown field `speed`", "10G"]
    assert all(part in error.message for part, error in zip(messages, report.errors, strict=True))
