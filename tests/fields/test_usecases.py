from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from clearline.fields import usecases as fields
from clearline.fields.domain import Field, FieldAudience, FieldType, RecordKind
from clearline.fields.value_usecases import new_values
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Database, Tx
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import usecases as tickets
from clearline.tickets.domain import Status
from tests.builders.house import no_fields
from tests.builders.people import NOW, Tenant
from tests.builders.tickets import raised

pytestmark = pytest.mark.usefixtures("without_others")


@pytest.fixture
async def without_others(database: Database) -> AsyncIterator[None]:
    """Leave no field behind."""
    await no_fields(database)
    yield
    await no_fields(database)


async def added(tx: Tx, key: str, kind: FieldType = FieldType.TEXT, **values: Any) -> Field:
    values = {"record": RecordKind.TICKET, "key": key, "label": key, "type": kind, **values}
    return await fields.add_field(tx, OPERATOR, values, now=NOW)


async def derived(tx: Tx, number: int) -> list[tuple[str, float | None, bool]]:
    rows = await tx.fetch(
        "select value, number, is_open from ticket_field where ticket_number = $1 order by value", number
    )
    return [tuple(row) for row in rows]


async def test_values_have_rows_by_which_lists_find_them(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        await added(tx, "size", FieldType.INTEGER)
        await added(tx, "day", FieldType.DATE)
        await added(tx, "word")
        number = await raised(tx, tenant)
        assert await derived(tx, number) == []
        values = {"size": 12, "day": "1970-01-02", "word": "LOUD"}
        await ticket_changes.change_ticket(tx, OPERATOR, number, {"fields": values}, now=NOW)
        rows = [("12", 12.0, True), ("1970-01-02", 86400.0, True), ("loud", None, True)]
        assert await derived(tx, number) == rows
        for status in (Status.RESOLVED, Status.CLOSED):
            await ticket_changes.move_ticket(tx, OPERATOR, number, status, reason="", now=NOW)
        assert await derived(tx, number) == [(value, size, False) for value, size, _is_open in rows]


async def test_a_deletion_is_purged_after_a_day_with_the_values(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        gone, kept = await added(tx, "gone"), await added(tx, "kept")
        number = await raised(tx, tenant)
        view = await ticket_changes.change_ticket(tx, OPERATOR, number, {"fields": {"gone": "a", "kept": "b"}}, now=NOW)
        await fields.delete_field(tx, OPERATOR, gone.id, confirmed=1, now=NOW)
        assert await fields.purge(tx, now=NOW + timedelta(hours=23)) == 0
        later = NOW + timedelta(hours=25)
        while await fields.purge(tx, now=later):
            pass
        assert await tx.fetchval("select fields::text from ticket where number = $1", number) == '{"kept": "b"}'
        assert await derived(tx, number) == [("b", None, True)]
        assert [field.id for field in await fields.list_fields(tx, OPERATOR)] == [kept.id]
        assert (await tickets.get_ticket(tx, OPERATOR, number)).ticket.version == view.ticket.version
        await added(tx, "gone", FieldType.DATE)


async def test_a_change_is_seen_at_once_by_a_process_that_remembers(database: Database) -> None:
    database.memory.line_up()
    try:
        async with database.transaction() as tx:
            field = await added(tx, "word", visible_to=FieldAudience.CUSTOMER, edited_by=FieldAudience.CUSTOMER)
        async with database.statement() as tx:
            before = await fields.definitions(tx)
        async with database.statement() as tx:
            assert await fields.definitions(tx) is before
        async with database.transaction() as tx:
            await fields.change_field(tx, OPERATOR, field.id, {"label": "Other"}, now=NOW)
        async with database.statement() as tx:
            [known] = (await fields.definitions(tx)).all
        assert known.label == "Other"
    finally:
        database.memory.line_down()


async def test_a_field_that_another_process_added_a_moment_ago_takes_values(
    database: Database, database_url: str, tenant: Tenant
) -> None:
    other = await Database.open(database_url)
    database.memory.line_up()
    try:
        async with database.transaction() as tx:
            number = await raised(tx, tenant)
            assert (await fields.definitions(tx)).all == ()
        async with other.transaction() as tx:
            await added(tx, "late", visible_to=FieldAudience.CUSTOMER, edited_by=FieldAudience.CUSTOMER)
        async with database.transaction() as tx:
            changed = await ticket_changes.change_ticket(tx, OPERATOR, number, {"fields": {"late": "A"}}, now=NOW)
        assert changed.ticket.fields == {"late": "A"}
        async with database.transaction() as tx:
            assert await new_values(tx, tenant.actor, tenant.company.id, {"late": "B"}, is_complete=True) == {
                "late": "B"
            }
    finally:
        database.memory.line_down()
        await other.close()
