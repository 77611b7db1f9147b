"""Own fields on the command line: searches, lists, routing rules, macros and changes of many tickets."""

import asyncio
from collections.abc import Iterator

import pytest

from clearline.platform.database.transactions import Database
from clearline.tickets.domain import ticket_number
from tests.builders.application import run_command, run_json
from tests.builders.house import no_fields
from tests.builders.people import new_tenant
from tests.builders.search.index import follow
from tests.builders.tickets import raised


async def _raise(url: str) -> tuple[str, list[str]]:
    database = await Database.open(url, size=2)
    try:
        tenant = await new_tenant(database)
        async with database.transaction() as tx:
            return tenant.company.code, [ticket_number(await raised(tx, tenant)) for _ in range(3)]
    finally:
        await database.close()


async def _index(url: str, *, without_fields: bool = False) -> None:
    database = await Database.open(url, size=2)
    try:
        if without_fields:
            await no_fields(database)
        await follow(database)
    finally:
        await database.close()


@pytest.fixture
def desk(database_url: str) -> Iterator[tuple[str, list[str]]]:
    """Return the code of a company and the numbers of its tickets; two fields are added."""
    with asyncio.Runner() as runner:
        runner.run(_index(database_url, without_fields=True))
        made = runner.run(_raise(database_url))
        run_json(database_url, "field", "add", "ticket", "latency", "--label", "Latency", "--type", "integer")
        options = ("--option", "emea=Europe", "--option", "apac=Asia")
        run_json(database_url, "field", "add", "ticket", "region", "--label", "Region", "--type", "choice", *options)
        yield made
        runner.run(_index(database_url, without_fields=True))


def test_tickets_are_changed_found_and_sorted_by_a_field(database_url: str, desk: tuple[str, list[str]]) -> None:
    code, numbers = desk
    run_json(database_url, "bulk", "change", *numbers, "--field", "latency=25")
    run_json(database_url, "ticket", "change", numbers[0], "--field", "latency=30")
    run_json(database_url, "bulk", "change", numbers[2], "--field", "latency=")
    listed = run_json(database_url, "ticket", "list", "--company", code, "--sort", "-field.latency")
    assert [ticket["number"] for ticket in listed] == numbers[:2]
    asyncio.run(_index(database_url))
    found = run_json(database_url, "search", f"company:{code}", "field.latency:>=25", "--sort", "field.latency")
    assert [ticket["number"] for ticket in found] == [numbers[1], numbers[0]]
    wrong = run_command(database_url, "ticket", "list", "--sort", "field.nope")
    assert (wrong.exit_code != 0, "must be field. and the key of a field" in wrong.output) == (True, True)


def test_a_rule_and_a_macro_have_fields(database_url: str, desk: tuple[str, list[str]]) -> None:
    _code, numbers = desk
    run_json(database_url, "queue", "add", "Own fields queue")
    rule = run_json(
        database_url, "route", "add", "Slow Europe", "--queue", "Own fields queue", "--position", "1",
        "--field", "region:emea", "--field", "latency:>20",
    )  # fmt: skip
    assert rule["fields"] == ["region:emea", "latency:>20"]
    values = ("--field", "region=emea", "--field", "latency=21")
    tried = run_json(database_url, "route", "test", "--ticket", numbers[0], *values)
    assert tried["rule"]["name"] == "Slow Europe"
    assert run_json(database_url, "route", "change", "1", "--any", "field")["fields"] == []
    run_json(database_url, "route", "delete", "1", "--yes")
    macro = run_json(database_url, "macro", "add", "Measured", "--field", "latency=21", "--field", "region=")
    assert macro["fields"] == {"latency": 21, "region": None}
    run_json(database_url, "macro", "apply", "Measured", numbers[0])
    assert run_json(database_url, "ticket", "show", numbers[0])["fields"] == {"latency": 21}
    changed = run_json(database_url, "macro", "change", "Measured", "--no-fields", "--text", "Measured.")
    assert changed["fields"] == {}
    run_json(database_url, "macro", "delete", "Measured", "--yes")
