import pytest

from clearline.domain.errors import AlreadyExists, Forbidden, InvalidInput, NotFound
from clearline.domain.party import OPERATOR
from clearline.store.db import Database
from clearline.usecases import inventory
from clearline.usecases.inventory import ImportReport
from tests.conftest import NOW, Tenant, new_tenant

HEADING = "id,type,label"


@pytest.fixture
async def fresh(database: Database) -> Tenant:
    return await new_tenant(database)


async def bring(database: Database, tenant: Tenant, *lines: str, dry_run: bool = False) -> ImportReport:
    async with database.transaction() as tx:
        return await inventory.import_services(tx, OPERATOR, tenant.company.code, lines, dry_run=dry_run, now=NOW)


async def labels(database: Database, tenant: Tenant) -> dict[str, str]:
    async with database.transaction() as tx:
        return {one.id: one.label for one in await inventory.list_services(tx, tenant.actor)}


async def test_an_import_adds_changes_and_leaves_alone(database: Database, fresh: Tenant) -> None:
    report = await bring(
        database, fresh, HEADING, "NEW-1,Port,New port", "SVC-1,Port,Renamed", "SVC-2,CloudRouter,Service 2"
    )
    assert report == ImportReport(created=1, updated=1, unchanged=1, errors=[])
    found = await labels(database, fresh)
    assert (found["NEW-1"], found["SVC-1"], found["SVC-2"]) == ("New port", "Renamed", "Service 2")
    assert "SVC-3" in found, "what is not in the file stays"
    again = await bring(database, fresh, HEADING, "NEW-1,Port,New port", "SVC-1,Port,Renamed")
    assert again == ImportReport(created=0, updated=0, unchanged=2, errors=[])


async def test_a_dry_run_counts_the_same_and_stores_nothing(database: Database, fresh: Tenant) -> None:
    before = await labels(database, fresh)
    lines = [HEADING, "NEW-1,Port,New port", "SVC-1,Port,Renamed"]
    report = await bring(database, fresh, *lines, dry_run=True)
    assert await labels(database, fresh) == before
    assert report == await bring(database, fresh, *lines)


async def test_every_wrong_line_is_named_and_nothing_is_stored(database: Database, fresh: Tenant) -> None:
    before = await labels(database, fresh)
    report = await bring(
        database,
        fresh,
        HEADING,
        "NEW-1,Port,Good",
        "NEW-2,Teapot,Wrong type",
        ",Port,No id",
        "NEW-1,Port,Twice",
        "NEW-3,Port,One,too many",
        "NEW-4,Port",
    )
    assert [error.line for error in report.errors] == [3, 4, 5, 6, 7]
    told = [error.message for error in report.errors]
    parts = ["type must be one of Port", "id must have 1", "earlier line", "more values", "label must have 1"]
    assert all(part in message for part, message in zip(parts, told, strict=True))
    assert (report.created, report.updated, report.unchanged) == (0, 0, 0)
    assert await labels(database, fresh) == before


async def test_a_heading_may_name_its_columns_in_any_order_and_case(database: Database, fresh: Tenant) -> None:
    report = await bring(database, fresh, " Label , ID,Type", '"Port, with a comma",NEW-1,Port')
    assert report.created == 1
    assert (await labels(database, fresh))["NEW-1"] == "Port, with a comma"


@pytest.mark.parametrize("lines", [(), ("id,label", "NEW-1,Port"), ("NEW-1,Port,label",)])
async def test_a_file_without_the_heading_is_refused(database: Database, fresh: Tenant, lines: tuple[str, ...]) -> None:
    report = await bring(database, fresh, *lines)
    assert [error.line for error in report.errors] == [1]
    assert "heading" in report.errors[0].message


async def test_what_is_no_csv_is_refused_with_its_line(database: Database, fresh: Tenant) -> None:
    report = await bring(database, fresh, HEADING, "NEW-1,Port,Good", 'NEW-2,Port,"never closed')
    assert [error.line for error in report.errors] == [3]


async def test_a_service_is_added_once_and_only_when_it_breaks_no_rule(database: Database, fresh: Tenant) -> None:
    async with database.transaction() as tx:
        code = fresh.company.code
        with pytest.raises(AlreadyExists):
            await inventory.add_service(tx, OPERATOR, code, "SVC-1", "Port", "Again", now=NOW)
        with pytest.raises(InvalidInput):
            await inventory.add_service(tx, OPERATOR, code, "SVC-9", "Non-Console Service", "Ours", now=NOW)
        with pytest.raises(NotFound):
            await inventory.add_service(tx, OPERATOR, "NOBODY", "SVC-9", "Port", "Lost", now=NOW)


async def test_only_the_operator_changes_an_inventory(database: Database, fresh: Tenant) -> None:
    code = fresh.company.code
    async with database.transaction() as tx:
        with pytest.raises(Forbidden):
            await inventory.add_service(tx, fresh.actor, code, "SVC-9", "Port", "Mine", now=NOW)
        with pytest.raises(Forbidden):
            await inventory.import_services(tx, fresh.actor, code, [HEADING], dry_run=True, now=NOW)
        with pytest.raises(Forbidden):
            await inventory.services_of(tx, fresh.actor, code)
