import asyncio
import json

import pytest

from clearline.cli.search import find_tickets
from clearline.platform.database.transactions import Database
from clearline.search import worker as indexing
from clearline.tickets.domain import ticket_number
from tests.builders.application import run_command, run_json
from tests.builders.databases import administer
from tests.builders.people import Tenant, new_tenant
from tests.builders.tickets import raised


async def a_desk(url: str) -> tuple[Tenant, list[str]]:
    database = await Database.open(url, size=2)
    try:
        tenant = await new_tenant(database, "Birch Telecom")
        async with database.transaction() as tx:
            numbers = [ticket_number(await raised(tx, tenant, f"Fibre cut {n}")) for n in range(3)]
            await raised(tx, tenant, "Slow")
        for job in indexing.jobs(database):
            while await job.run():
                pass
        return tenant, numbers
    finally:
        await database.close()


@pytest.fixture(scope="module")
def desk(database_url: str) -> tuple[Tenant, list[str]]:
    """Return a company with four tickets, and the numbers of the three with fibre in their title."""
    with asyncio.Runner() as runner:
        return runner.run(a_desk(database_url))


def matching(url: str, *arguments: str) -> list[str]:
    return sorted(ticket["number"] for ticket in run_json(url, "search", *arguments))


def test_a_query_needs_no_subcommand(database_url: str, desk: tuple[Tenant, list[str]]) -> None:
    tenant, numbers = desk
    for words in (
        ("fibre",),
        ("find", "fibre"),
        ("fibre", "cut"),
        ('"fibre cut"',),
        (f"company:{tenant.company.code} cut",),
    ):
        assert matching(database_url, *words) == numbers
    other_tickets = json.loads(run_command(database_url, "search", "--json", "--", "-fibre").stdout)
    assert [item["title"] for item in other_tickets] == ["Slow"]
    assert len(matching(database_url)) == 4


def test_the_table_shows_how_many_tickets_match(database_url: str, desk: tuple[Tenant, list[str]]) -> None:
    tenant, numbers = desk
    done = run_command(database_url, "search", "fibre", "--limit", "2")
    assert done.exit_code == 0
    assert done.stdout.count("Fibre cut") == 2
    assert numbers[2] in done.stdout
    assert tenant.company.code in done.stdout
    assert done.stderr == "3 found, 2 shown\n"


async def test_the_limit_is_read_in_pages(
    database: Database, database_url: str, desk: tuple[Tenant, list[str]]
) -> None:
    _last, tickets = await find_tickets(database, "fibre", 50, page_size=1)
    assert sorted(ticket_number(item.ticket.number) for item in tickets) == desk[1]
    last, tickets = await find_tickets(database, "fibre", 2, count=True, page_size=1)
    assert (last.count, last.is_exact, len(tickets)) == (3, True, 2)
    assert run_command(database_url, "search", "fibre", "--limit", "2", "--count", "--json").stderr == (
        "3 found, 2 shown\n"
    )


def test_an_invalid_query_is_refused(database_url: str, desk: tuple[Tenant, list[str]]) -> None:
    assert desk
    done = run_command(database_url, "search", "colour:red")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith("refused: q has no filter colour: it must be one of status, service")


@pytest.mark.parametrize("empty", [(), ("--empty",)])
def test_the_index_is_rebuilt(database_url: str, desk: tuple[Tenant, list[str]], empty: tuple[str, ...]) -> None:
    with asyncio.Runner() as runner:
        runner.run(administer(database_url, "update ticket_search set vector = '''broken'':1A'"))
        insert = "insert into ticket_search select company_id, 999999999, vector from ticket_search limit 1"
        runner.run(administer(database_url, insert))
        assert matching(database_url, "fibre") == []
        assert run_json(database_url, "search", "rebuild", *empty) == {"tickets": 4}
        assert matching(database_url, "fibre") == desk[1]
        check = "do $$ begin assert (select count(*) from ticket_search) = 4; end $$"
        runner.run(administer(database_url, check))


def test_help_lists_the_commands_of_the_search(database_url: str) -> None:
    done = run_command(database_url, "search", "--help")
    assert "rebuild" in done.stdout
    assert "find" in done.stdout


@pytest.mark.parametrize("query", ["fibre", "status:open company:{code}"])
def test_a_search_is_sorted(database_url: str, desk: tuple[Tenant, list[str]], query: str) -> None:
    tenant, numbers = desk
    text = query.format(code=tenant.company.code)
    for sort, reverse in (("created_at", False), ("-number", True)):
        found = [ticket["number"] for ticket in run_json(database_url, "search", "find", text, "--sort", sort)]
        assert [number for number in found if number in numbers] == sorted(numbers, reverse=reverse)
    few = run_command(database_url, "search", "find", text, "--sort", "priority", "--limit", "2")
    assert few.exit_code == 0
    assert "2 shown" in few.stderr
