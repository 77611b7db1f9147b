"""A ticket is found by what the inventory says of its service, as it is now."""

from uuid import uuid4

import pytest
from msgspec.structs import replace

from clearline.catalogue.published import ServiceType
from clearline.companies import usecases as companies
from clearline.errors import InvalidInput
from clearline.identity import OPERATOR
from clearline.inventory import import_usecases as imports
from clearline.inventory import usecases as inventory
from clearline.inventory.facts_domain import End
from clearline.platform.database.transactions import Database
from clearline.search import index_store
from clearline.search import usecases as search
from clearline.tickets import usecases as tickets
from tests.builders.people import NOW, Tenant
from tests.builders.search.index import follow, numbers_found
from tests.builders.tickets import a_new_ticket

MARK = uuid4().hex[:8]
FACTS = {
    "customer_label": f"WAN-{MARK}", "carrier": f"Fernhill{MARK}", "carrier_circuit_id": f"FH-{MARK}-A",
    "a_end": End("Amsterdam", f"ams-{MARK}-pe1", f"xe-{MARK}/0/1", "100"), "z_end": End(f"Site{MARK}"),
}  # fmt: skip
PUBLIC = [f"wan-{MARK}", f"ams-{MARK}-pe1", f"xe-{MARK}/0/1", f"site{MARK}"]
INTERNAL = [f"fernhill{MARK}", f"FH-{MARK}-A"]


async def raised_about(database: Database, tenant: Tenant, service_id: str = "SVC-1") -> int:
    async with database.transaction() as tx:
        kind = ServiceType.PORT if service_id == "SVC-1" else ServiceType.CLOUD_ROUTER
        new = replace(a_new_ticket(), service_id=service_id, service_type=kind)
        return (await tickets.create_ticket(tx, tenant.actor, new, now=NOW)).ticket.number


async def found_by_customer(database: Database, tenant: Tenant, query: str) -> list[int]:
    async with database.transaction() as tx:
        result = await search.find_tickets(tx, tenant.actor, query, limit=10)
    return [view.ticket.number for view in result.tickets]


async def change(database: Database, tenant: Tenant, values: dict[str, object]) -> None:
    async with database.transaction() as tx:
        await inventory.change_service(tx, OPERATOR, tenant.company.code, "SVC-1", values, now=NOW)


async def test_a_ticket_is_found_by_every_id_of_its_service_and_no_more_by_one_that_went(
    database: Database, fresh: Tenant
) -> None:
    number = await raised_about(database, fresh)
    await follow(database)
    assert [await numbers_found(database, word) for word in PUBLIC] == [[]] * len(PUBLIC)
    await change(database, fresh, FACTS)
    await follow(database)
    assert [await numbers_found(database, word) for word in PUBLIC + INTERNAL] == [[number]] * 6
    assert [await found_by_customer(database, fresh, word) for word in PUBLIC] == [[number]] * 4
    assert [await found_by_customer(database, fresh, word) for word in INTERNAL] == [[], []]
    await change(database, fresh, {"customer_label": "Other"})
    await follow(database)
    assert await numbers_found(database, PUBLIC[0]) == []
    async with database.transaction() as tx:
        await inventory.delete_service(tx, OPERATOR, fresh.company.code, "SVC-1", now=NOW)
    await follow(database)
    assert await numbers_found(database, PUBLIC[1]) == []


@pytest.mark.parametrize("many", [1, 150], ids=["one service", "many services"])
async def test_an_import_makes_the_tickets_of_what_it_changed_findable(
    database: Database, fresh: Tenant, many: int
) -> None:
    number = await raised_about(database, fresh)
    word = f"imp{uuid4().hex[:8]}"
    rows = [{"id": "SVC-1", "type": "Port", "label": "Service 1", "customer_label": word}]
    rows += [{"id": f"N-{at}", "type": "Port", "label": "N"} for at in range(1, many)]
    async with database.transaction() as tx:
        await imports.import_list(tx, OPERATOR, fresh.company.id, rows, dry_run=False, now=NOW)
    await follow(database)
    assert await numbers_found(database, word) == [number]
    async with database.transaction() as tx:
        assert await index_store.next_backlog(tx) is None


async def test_only_the_tickets_of_the_changed_service_are_indexed_again(database: Database, fresh: Tenant) -> None:
    first, second = await raised_about(database, fresh), await raised_about(database, fresh, "SVC-2")
    async with database.transaction() as tx:
        backlog = index_store.Backlog(fresh.company.id, "SVC-2")
        assert await index_store.keys_below(tx, None, backlog=backlog, limit=9) == [(fresh.company.id, second)]
        whole = index_store.Backlog(fresh.company.id)
        keys = await index_store.keys_below(tx, None, backlog=whole, limit=9)
    assert keys == [(fresh.company.id, second), (fresh.company.id, first)]


async def test_tickets_are_filtered_by_the_tier_of_their_company(database: Database, fresh: Tenant) -> None:
    number = await raised_about(database, fresh)
    await follow(database)
    mine = f"company:{fresh.company.code}"
    assert await numbers_found(database, f"{mine} tier:none") == [number]
    async with database.transaction() as tx:
        await companies.change_company(tx, OPERATOR, fresh.company.id, {"tier": "gold"}, now=NOW)
    await follow(database)
    assert await numbers_found(database, f"{mine} tier:Gold") == [number]
    assert await numbers_found(database, f"{mine} -tier:silver") == [number]
    assert await numbers_found(database, f"{mine} tier:none") == []
    with pytest.raises(InvalidInput, match="unknown tier: it must be none or one of gold, silver, bronze"):
        await numbers_found(database, "tier:tin")
    with pytest.raises(InvalidInput, match="has no filter tier"):
        await found_by_customer(database, fresh, "tier:gold")
