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
    """A company with four tickets, of which three have fibre in their title."""
    with asyncio.Runner() as runner:
        return runner.run(a_desk(database_url))


def found(url: str, *arguments: str) -> list[str]:
    return sorted(one["number"] for one in run_json(url, "search", *arguments))


def test_a_query_needs_no_command_in_front_of_it(database_url: str, desk: tuple[Tenant, list[str]]) -> None:
    tenant, numbers = desk
    for words in (
        ("fibre",),
        ("find", "fibre"),
        ("fibre", "cut"),
        ('"fibre cut"',),
        (f"company:{tenant.company.code} cut",),
    ):
        assert found(database_url, *words) == numbers
    excluding = json.loads(run_command(database_url, "search", "--json", "--", "-fibre").stdout)
    assert [one["title"] for one in excluding] == ["Slow"]
    assert len(found(database_url)) == 4


def test_people_see_a_table_and_how_many_match(database_url: str, desk: tuple[Tenant, list[str]]) -> None:
    tenant, numbers = desk
    done = run_command(database_url, "search", "fibre", "--limit", "2")
    assert done.exit_code == 0
    assert done.stdout.count("Fibre cut") == 2
    assert numbers[2] in done.stdout
    assert tenant.company.code in done.stdout
    assert done.stderr == "3 found, 2 shown\n"


async def test_as_many_as_were_asked_for_are_read_page_by_page(
    database: Database, database_url: str, desk: tuple[Tenant, list[str]]
) -> None:
    _last, tickets = await find_tickets(database, "fibre", 50, page_size=1)
    assert sorted(ticket_number(one.ticket.number) for one in tickets) == desk[1]
    last, tickets = await find_tickets(database, "fibre", 2, count=True, page_size=1)
    assert (last.count, last.is_exact, len(tickets)) == (3, True, 2)
    assert run_command(database_url, "search", "fibre", "--limit", "2", "--count", "--json").stderr == (
        "3 found, 2 shown\n"
    )


def test_a_query_that_cannot_be_understood_is_refused(database_url: str, desk: tuple[Tenant, list[str]]) -> None:
    assert desk
    done = run_command(database_url, "search", "colour:red")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith("refused: q has no filter colour: it must be one of status, service")


@pytest.mark.parametrize("empty", [(), ("--empty",)])
def test_everything_is_made_findable_again(
    database_url: str, desk: tuple[Tenant, list[str]], empty: tuple[str, ...]
) -> None:
    with asyncio.Runner() as runner:
        runner.run(administer(database_url, "update ticket_search set vector = '''broken'':1A'"))
        gone = "insert into ticket_search select company_id, 999999999, vector from ticket_search limit 1"
        runner.run(administer(database_url, gone))
        assert found(database_url, "fibre") == []
        assert run_json(database_url, "search", "rebuild", *empty) == {"tickets": 4}
        assert found(database_url, "fibre") == desk[1]
        check = "do $$ begin assert (select count(*) from ticket_search) = 4; end $$"
        runner.run(administer(database_url, check))


def test_help_is_the_help_of_the_search(database_url: str) -> None:
    done = run_command(database_url, "search", "--help")
    assert "rebuild" in done.stdout
    assert "find" in done.stdout
