"""The priority matrix at the command line."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clearline.catalogue.assessment import Impact, Priority, Severity
from clearline.catalogue.matrix.domain import Cell, matrix_of
from clearline.cli.catalogue.matrix_file import cells_of, csv_of
from clearline.errors import InvalidInput
from clearline.platform.database.transactions import Database
from clearline.tickets.domain import ticket_number
from tests.builders.application import run_command, run_json, run_refused, run_text
from tests.builders.catalogue.matrix import new_tier, without_matrix
from tests.builders.people import Tenant, new_tenant
from tests.builders.tickets import raised

_CELLS = [
    Cell(None, Impact.DEGRADED, None, severity=Severity.MINOR),
    Cell("gold", Impact.DOWN, Priority.HIGH, Priority.CRITICAL, Severity.EXTENSIVE),
]
_CSV = "tier,impact,urgency,priority,severity\n,degraded,,,minor\ngold,down,high,critical,extensive\n"


def test_a_table_has_the_matrix_and_is_read_again() -> None:
    assert csv_of(matrix_of(_CELLS)) == _CSV
    assert cells_of(_CSV) == _CELLS
    assert cells_of("impact;severity\r\ndegraded;minor\r\n") == _CELLS[:1]
    body = {"cells": [{"impact": "degraded", "severity": "minor"}]}
    assert cells_of(json.dumps(body)) == _CELLS[:1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tier,urgency\ngold,high\n", "must have the column impact"),
        ("impact,colour\ndown,red\n", "has no column colour"),
        ("impact,priority\ndown,urgent\n", r"urgent.*\(line 2\)"),
        ('{"cells": [{"impact": "down", "colour": 1}]}', "colour"),
        ('{"cells": ', "truncated"),
        ('impact\n"down', "is no CSV"),
    ],
)
def test_a_wrong_file_is_refused_with_what_is_wrong(text: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        cells_of(text)


async def _desk(url: str) -> tuple[Tenant, str, str]:
    database = await Database.open(url, size=2)
    try:
        tenant = await new_tenant(database)
        async with database.transaction() as tx:
            tier = await new_tier(tx, tenant.company.id)
            return tenant, tier, ticket_number(await raised(tx, tenant))
    finally:
        await database.close()


async def _cleaned(url: str) -> None:
    database = await Database.open(url, size=2)
    try:
        await without_matrix(database)
    finally:
        await database.close()


@pytest.fixture
def desk(database_url: str) -> Iterator[tuple[Tenant, str, str]]:
    """Yield a company, its tier, and its only ticket; the matrix ends with the test."""
    yield asyncio.run(_desk(database_url))
    asyncio.run(_cleaned(database_url))


def test_a_matrix_is_set_previewed_and_applied(
    database_url: str, desk: tuple[Tenant, str, str], tmp_path: Path
) -> None:
    url, (tenant, tier, number) = database_url, desk
    file = tmp_path / "matrix.csv"
    file.write_text(f"tier,impact,priority\n{tier},degraded,critical\n")
    preview: dict[str, Any] = run_json(url, "priority-matrix", "preview", str(file))
    assert (preview["count"], preview["tickets"][0]["ticket"]) == (1, number)
    assert run_json(url, "priority-matrix", "show") == {"cells": []}
    assert run_text(url, "priority-matrix", "set", str(file)) == "The priority matrix has 1 cell.\n"
    added = ("priority-matrix", "set", "--impact", "down", "--severity", "minor")
    assert run_text(url, *added) == "The priority matrix has 2 cells.\n"
    assert run_text(url, "priority-matrix", "show", "--csv") == (
        f"tier,impact,urgency,priority,severity\n,down,,,minor\n{tier},degraded,,critical,\n"
    )
    removed = run_json(url, "priority-matrix", "set", "--impact", "down")
    assert [cell["tier"] for cell in removed["cells"]] == [tier]
    shown = run_text(url, "priority-matrix", "preview")
    assert "medium -> critical" in shown
    assert tenant.company.name in shown
    tried = run_json(url, "priority-matrix", "apply", "--dry-run")
    assert tried["counts"] == {"done": 1, "unchanged": 0, "refused": 0, "waiting": 0}
    assert run_json(url, "ticket", "show", number)["priority"] == "medium"
    assert run_json(url, "priority-matrix", "apply", "--yes")["counts"]["done"] == 1
    assert run_json(url, "ticket", "show", number)["priority"] == "critical"
    assert run_json(url, "bulk", "priority-matrix", number)["counts"]["unchanged"] == 1
    nothing = run_command(url, "priority-matrix", "apply")
    assert (nothing.exit_code, nothing.stdout) == (0, "")


def test_a_file_or_a_cell_has_to_be_given(database_url: str) -> None:
    assert run_command(database_url, "priority-matrix", "set").exit_code == 2
    refused = run_refused(
        database_url, "priority-matrix", "set", "--impact", "down", "--tier", "nothing", "--priority", "low"
    )
    assert "cells.0.tier must be the key of a tier" in refused
