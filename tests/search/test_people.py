"""Tickets are found by their contacts and by who gets copies."""

import pytest

from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Database
from clearline.tickets.contact import ContactRole, Person, PersonKind
from clearline.tickets.contacts import usecases as people
from tests.builders.people import NOW, new_tenant
from tests.builders.search.index import follow, numbers_found
from tests.builders.tickets import raised


@pytest.mark.parametrize(
    ("query", "is_found"),
    [
        ("contact:{address}", True),
        ('contact:"Nia Tull"', True),
        ("contact:tull", True),
        ("contact:cc-{address}", False),
        ("cc:CC-{address}", True),
        ("cc:watchtower", True),
        ("cc:{address}", False),
        ("watchtower", True),
        ("15550142", True),
        ("cc:seen-{address}", False),
        ("-cc:watchtower tull", False),
    ],
)
async def test_a_ticket_is_found_by_its_people(database: Database, query: str, *, is_found: bool) -> None:
    tenant = await new_tenant(database)
    address = f"nia@{tenant.company.code.lower()}.example.com"
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
        await raised(tx, tenant)
        contacts = [Person(PersonKind.CONTACT, address, "Nia Tull", "+1-555-0142", (ContactRole.TECHNICAL,))]
        cc = [Person(PersonKind.CC, f"cc-{address}", "Watchtower")]
        await people.set_people(tx, OPERATOR, number, contacts=contacts, cc=cc, now=NOW)
    await follow(database)
    found = await numbers_found(database, f"company:{tenant.company.code} {query.format(address=address)}")
    assert found == ([number] if is_found else [])
