"""Which open tickets a priority matrix would change, and what happens when somebody applies it."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from msgspec.structs import replace

from clearline.bulk import action_usecases as actions
from clearline.bulk import undo_usecases as undo
from clearline.bulk.domain import ApplyMatrix, BulkRequest, ItemOutcome
from clearline.catalogue.assessment import Impact, Priority, Severity
from clearline.catalogue.matrix.domain import Cell
from clearline.errors import Forbidden, InvalidInput
from clearline.identity import OPERATOR, Role
from clearline.platform.database.transactions import Database, Tx
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import usecases as tickets
from clearline.tickets.domain import Channel, Status
from clearline.tickets.matrix import usecases as ticket_matrix
from clearline.tickets.matrix.domain import Difference
from tests.builders.catalogue.matrix import new_tier, set_matrix, without_matrix
from tests.builders.people import NOW, Tenant, new_person
from tests.builders.tickets import STEPS, a_new_ticket, later_events

_REQUEST = BulkRequest(ApplyMatrix(), Channel.API)


@pytest.fixture
async def matrix_database(database: Database) -> AsyncIterator[Database]:
    """Yield a database whose matrix ends with the test."""
    yield database
    await without_matrix(database)


async def raised(
    tx: Tx, tenant: Tenant, asked: Priority | None = Priority.HIGH, *, status: Status = Status.ACKNOWLEDGED
) -> int:
    new = replace(a_new_ticket(), asked_priority=asked)
    number = (await tickets.create_ticket(tx, tenant.actor, new, now=NOW)).ticket.number
    for step in STEPS[status]:
        await ticket_changes.move_ticket(tx, OPERATOR, number, step, reason="test", now=NOW)
    return number


async def test_the_preview_has_the_open_tickets_that_would_change(
    matrix_database: Database, fresh: Tenant, other_tenant: Tenant
) -> None:
    async with matrix_database.transaction() as tx:
        tier = await new_tier(tx, fresh.company.id)
        first, second = await raised(tx, fresh), await raised(tx, fresh, status=Status.RESOLVED)
        for asked in (None, Priority.LOW):
            await raised(tx, fresh, asked)
        await raised(tx, fresh, status=Status.CLOSED)
        await raised(tx, other_tenant)
        cells = [
            Cell(tier, Impact.DEGRADED, Priority.HIGH, Priority.CRITICAL, Severity.MODERATE),
            Cell(tier, Impact.DEGRADED, Priority.LOW, Priority.MEDIUM),
            Cell(tier, Impact.DOWN, None, Priority.LOW),
        ]
        preview = await ticket_matrix.preview_matrix(tx, OPERATOR, cells, limit=10)
        assert preview.count == 2
        assert [ticket.number for ticket in preview.tickets] == [first, second]
        assert not preview.has_more
        assert preview.tickets[0] == Difference(
            first, "Port is slow", fresh.company, tier, Impact.DEGRADED, Priority.HIGH, Priority.MEDIUM,
            Severity.MODERATE, Priority.CRITICAL, Severity.MODERATE,
        )  # fmt: skip
        page = await ticket_matrix.preview_matrix(tx, OPERATOR, cells, limit=1)
        assert ([ticket.number for ticket in page.tickets], page.count, page.has_more) == ([first], 2, True)
        rest = await ticket_matrix.preview_matrix(tx, OPERATOR, cells, after=first, limit=1)
        assert ([ticket.number for ticket in rest.tickets], rest.has_more) == ([second], False)
        assert (await ticket_matrix.preview_matrix(tx, OPERATOR, limit=10)).count == 0
        await set_matrix(tx, *cells)
        assert await ticket_matrix.preview_matrix(tx, OPERATOR, limit=10) == preview
        assert (await later_events(tx, first)) == []


async def test_a_tier_takes_the_values_that_it_does_not_have_from_the_cells_without_one(
    matrix_database: Database, fresh: Tenant
) -> None:
    async with matrix_database.transaction() as tx:
        tier = await new_tier(tx, fresh.company.id)
        number = await raised(tx, fresh)
        cells = [
            Cell(tier, Impact.DEGRADED, Priority.HIGH, Priority.MEDIUM),
            Cell(None, Impact.DEGRADED, Priority.HIGH, Priority.LOW, Severity.EXTENSIVE),
        ]
        preview = await ticket_matrix.preview_matrix(tx, OPERATOR, cells, after=number - 1, limit=1)
        [ticket] = preview.tickets
    assert (ticket.number, ticket.new_priority, ticket.new_severity) == (number, Priority.MEDIUM, Severity.EXTENSIVE)


async def test_a_matrix_is_applied_to_a_ticket_and_that_is_undone(matrix_database: Database, fresh: Tenant) -> None:
    async with matrix_database.transaction() as tx:
        agent = await new_person(tx)
        tier = await new_tier(tx, fresh.company.id)
        number, other = await raised(tx, fresh), await raised(tx, fresh, None)
        await set_matrix(tx, Cell(tier, Impact.DEGRADED, Priority.HIGH, Priority.CRITICAL, Severity.EXTENSIVE))
        change = UUID(int=number)
        assert await undo.change_ticket(tx, agent, change, number, _REQUEST, now=NOW)
        assert not await undo.change_ticket(tx, agent, change, other, _REQUEST, now=NOW)
        assert await actions.apply_action(tx, agent, number, _REQUEST, now=NOW) is ItemOutcome.UNCHANGED
        changed = (await tickets.get_ticket(tx, agent, number)).ticket
        assert (changed.priority, changed.severity) == (Priority.CRITICAL, Severity.EXTENSIVE)
        [(kind, data)] = await later_events(tx, number)
        assert kind == "ticket.changed"
        assert {each["field"] for each in data["changes"]} == {"priority", "severity"}
        assert await undo.undo_change(tx, agent, change, number, now=NOW) == ""
        undone = (await tickets.get_ticket(tx, agent, number)).ticket
    assert (undone.priority, undone.severity) == (Priority.MEDIUM, Severity.MODERATE)


async def test_only_admins_who_see_the_whole_desk_preview_a_matrix(database: Database, fresh: Tenant) -> None:
    async with database.transaction() as tx:
        agent, admin = await new_person(tx), await new_person(tx, role=Role.ADMIN)
        assert admin.user is not None
        limited = replace(admin, user=replace(admin.user, only_companies=(fresh.company.id,)))
        for actor in (agent, limited, fresh.actor):
            with pytest.raises(Forbidden):
                await ticket_matrix.preview_matrix(tx, actor, limit=1)
        with pytest.raises(Forbidden):
            await ticket_matrix.apply_matrix(tx, fresh.actor, await raised(tx, fresh), now=NOW)
        with pytest.raises(InvalidInput, match=r"cells\.0\.priority"):
            await ticket_matrix.preview_matrix(tx, admin, [Cell(None, Impact.DOWN, None)], limit=1)
