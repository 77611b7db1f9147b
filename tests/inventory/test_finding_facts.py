"""Services are found by their facts: the provider's people by all ids, customers by all but the carrier's."""

from uuid import uuid4

import pytest

from clearline.identity import OPERATOR
from clearline.inventory import usecases as inventory
from clearline.inventory.facts_domain import End
from clearline.platform.database.transactions import Database
from tests.builders.people import NOW, Tenant

MARK = f"zq{uuid4().hex[:8]}"
FACTS = {
    "customer_label": f"theirs {MARK}a", "carrier": f"Fernhill {MARK}b", "carrier_circuit_id": f"{MARK}c/1",
    "a_end": End(f"{MARK}d", f"{MARK}e", f"{MARK}f", "77"), "z_end": End(port=f"{MARK}g"),
}  # fmt: skip


@pytest.mark.parametrize("letter", "abcdefg")
async def test_a_service_is_found_by_a_word_of_each_fact(database: Database, fresh: Tenant, letter: str) -> None:
    async with database.transaction() as tx:
        code = f"{MARK}{letter}"
        await inventory.add_service(tx, OPERATOR, fresh.company.code, code[::-1], "Port", "L", facts=FACTS, now=NOW)
        found = await inventory.find_services(tx, OPERATOR, f"{MARK}{letter}", limit=50)
    assert (fresh.company.id, code[::-1]) in {(service.company_id, service.id) for _company, service in found}


@pytest.mark.parametrize(
    ("text", "is_found"),
    [("THEIRS", True), ("{}d", True), ("{}e", True), ("{}f", True), ("{}g", True), ("77", True), ("{}c", False),
     ("fernhill", False), ("site", False)],
)  # fmt: skip
async def test_a_customer_finds_no_service_by_its_carrier(
    database: Database,
    fresh: Tenant,
    text: str,
    is_found: bool,  # noqa: FBT001 - a table
) -> None:
    async with database.transaction() as tx:
        await inventory.add_service(tx, OPERATOR, fresh.company.code, "X", "Port", "L", facts=FACTS, now=NOW)
        found = await inventory.services_matching(tx, fresh.actor, fresh.company.id, text.format(MARK), limit=9)
        by_staff = await inventory.services_matching(tx, OPERATOR, fresh.company.id, f"{MARK}c", limit=9)
        own = await inventory.services_with_ids(tx, fresh.actor, fresh.company.id, ["X"])
    assert bool(found) is is_found
    assert {(service.carrier, service.carrier_circuit_id) for service in [*found, *own]} == {(None, None)}
    assert [service.carrier_circuit_id for service in by_staff] == [f"{MARK}c/1"]
