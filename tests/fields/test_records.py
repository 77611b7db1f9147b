"""Values of services and companies: counted, kept from changes of their type, hidden, restored and purged."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from clearline.companies import usecases as companies
from clearline.errors import Conflict, InvalidInput, NotConfirmed
from clearline.fields import usecases as fields
from clearline.fields.domain import Field, FieldType, Option, RecordKind
from clearline.identity import OPERATOR
from clearline.inventory import import_usecases as imports
from clearline.inventory import usecases as inventory
from clearline.platform.database.transactions import Database, Tx
from tests.builders.house import no_fields
from tests.builders.people import NOW, Tenant

KINDS = pytest.mark.parametrize("kind", [RecordKind.SERVICE, RecordKind.COMPANY])


@pytest.fixture(autouse=True)
async def without_others(database: Database) -> AsyncIterator[None]:
    """Leave no field behind."""
    await no_fields(database)
    yield
    await no_fields(database)


async def added(tx: Tx, kind: RecordKind, key: str, type_: FieldType = FieldType.TEXT, **values: Any) -> Field:
    values = {"record": kind, "key": key, "label": key, "type": type_, **values}
    return await fields.add_field(tx, OPERATOR, values, now=NOW)


async def change(tx: Tx, kind: RecordKind, tenant: Tenant, values: dict[str, Any]) -> None:
    """Set values of the company, or of a service of it."""
    company_id = tenant.company.id
    if kind is RecordKind.COMPANY:
        await companies.change_company(tx, OPERATOR, company_id, {"fields": values}, now=NOW)
    elif not [each for each in await inventory.services_of(tx, OPERATOR, company_id) if each.id == "KEPT"]:
        facts = {"fields": values}
        await inventory.add_service(tx, OPERATOR, company_id, "KEPT", "Port", "Kept", facts=facts, now=NOW)
    else:
        await inventory.change_service(tx, OPERATOR, company_id, "KEPT", {"fields": values}, now=NOW)


async def shown(tx: Tx, kind: RecordKind, tenant: Tenant) -> dict[str, Any]:
    """Return the values that the provider sees."""
    if kind is RecordKind.COMPANY:
        return (await companies.get_company_details(tx, OPERATOR, tenant.company.id)).fields
    return (await inventory.get_service(tx, OPERATOR, tenant.company.id, "KEPT")).fields


async def stored(tx: Tx, kind: RecordKind, tenant: Tenant) -> str | None:
    """Return what the row has."""
    of_service = "select fields::text from service where company_id = $1 and id = 'KEPT'"
    of_company = "select fields::text from company where id = $1"
    value: str | None = await tx.fetchval(of_company if kind is RecordKind.COMPANY else of_service, tenant.company.id)
    return value


@KINDS
async def test_a_deletion_hides_values_until_it_is_undone(database: Database, fresh: Tenant, kind: RecordKind) -> None:
    async with database.transaction() as tx:
        gone = await added(tx, kind, "gone")
        await added(tx, kind, "kept")
        await change(tx, kind, fresh, {"gone": "a", "kept": "b"})
        with pytest.raises(NotConfirmed) as refused:
            await fields.delete_field(tx, OPERATOR, gone.id, now=NOW)
        assert refused.value.count == 1
        await fields.delete_field(tx, OPERATOR, gone.id, confirmed=1, now=NOW)
        assert await shown(tx, kind, fresh) == {"kept": "b"}
        with pytest.raises(InvalidInput):
            await change(tx, kind, fresh, {"gone": "c"})
        await change(tx, kind, fresh, {"kept": "c"})
        await fields.restore_field(tx, OPERATOR, gone.id, now=NOW)
        assert await shown(tx, kind, fresh) == {"gone": "a", "kept": "c"}


@KINDS
async def test_a_deletion_is_purged_after_a_day(database: Database, fresh: Tenant, kind: RecordKind) -> None:
    async with database.transaction() as tx:
        gone = await added(tx, kind, "gone")
        await change(tx, kind, fresh, {"gone": "a"})
        await fields.delete_field(tx, OPERATOR, gone.id, confirmed=1, now=NOW)
        assert await fields.purge(tx, now=NOW + timedelta(hours=23)) == 0
        assert await stored(tx, kind, fresh) == '{"gone": "a"}'
        while await fields.purge(tx, now=NOW + timedelta(hours=25)):
            pass
        assert await stored(tx, kind, fresh) is None
        assert await fields.list_fields(tx, OPERATOR) == []


@KINDS
async def test_values_keep_the_type_and_the_options_of_their_field(
    database: Database, fresh: Tenant, kind: RecordKind
) -> None:
    async with database.transaction() as tx:
        options = (Option("gold", "Gold"), Option("tin", "Tin"))
        field = await added(tx, kind, "metals", FieldType.CHOICES, options=options)
        await change(tx, kind, fresh, {"metals": ["gold"]})
        with pytest.raises(Conflict):
            await fields.change_field(tx, OPERATOR, field.id, {"type": FieldType.TEXT, "options": ()}, now=NOW)
        with pytest.raises(InvalidInput):
            await fields.change_field(tx, OPERATOR, field.id, {"options": options[1:]}, now=NOW)
        await fields.change_field(tx, OPERATOR, field.id, {"options": options[:1]}, now=NOW)
        await change(tx, kind, fresh, {"metals": None})
        assert await stored(tx, kind, fresh) is None
        await fields.change_field(tx, OPERATOR, field.id, {"type": FieldType.TEXT, "options": ()}, now=NOW)


@KINDS
async def test_the_same_values_are_no_change(database: Database, fresh: Tenant, kind: RecordKind) -> None:
    async with database.transaction() as tx:
        await added(tx, kind, "size", FieldType.INTEGER)
        await change(tx, kind, fresh, {"size": 7})
        count = "select count(*) from event where company_id = $1"
        before = await tx.fetchval(count, fresh.company.id)
        await change(tx, kind, fresh, {"size": "7"})
        await change(tx, kind, fresh, {})
        assert await tx.fetchval(count, fresh.company.id) == before


async def test_a_file_of_services_has_a_column_for_each_field(database: Database, fresh: Tenant) -> None:
    async with database.transaction() as tx:
        await added(tx, RecordKind.SERVICE, "size", FieldType.INTEGER)
        await added(tx, RecordKind.SERVICE, "note")
        company_id = fresh.company.id
        await change(tx, RecordKind.SERVICE, fresh, {"note": "stays"})
        table = "id,type,label,fields_size\nKEPT,Port,Kept,7\nNEW,Port,New,\n"
        report = await imports.import_file(tx, OPERATOR, company_id, table, dry_run=True, now=NOW)
        assert (report.created, report.updated, report.errors) == (1, 1, [])
        assert await shown(tx, RecordKind.SERVICE, fresh) == {"note": "stays"}
        await imports.import_file(tx, OPERATOR, company_id, table, dry_run=False, now=NOW)
        assert await shown(tx, RecordKind.SERVICE, fresh) == {"note": "stays", "size": 7}
        again = await imports.import_file(tx, OPERATOR, company_id, table, dry_run=False, now=NOW)
        assert (again.created, again.updated, again.unchanged) == (0, 0, 2)
        lines = '{"id": "KEPT", "type": "Port", "label": "Kept", "fields": {"size": 8, "note": null}}\n'
        await imports.import_file(tx, OPERATOR, company_id, lines, dry_run=False, now=NOW)
        assert await shown(tx, RecordKind.SERVICE, fresh) == {"size": 8}
        wrong = await imports.import_file(
            tx,
            OPERATOR,
            company_id,
            "id,type,label,fields_size,fields_hue\nKEPT,Port,Kept,x,y\n",
            dry_run=True,
            now=NOW,
        )
        [error] = wrong.errors
        assert (error.line, error.message) == (
            2, "fields.size must be a whole number; fields.hue is no field",
        )  # fmt: skip
