from typing import Any
from uuid import UUID

import pytest

from clearline.errors import Forbidden, InvalidInput
from clearline.identity import OPERATOR, Actor
from clearline.platform.database.transactions import Database
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import list_store
from clearline.tickets import list_usecases as ticket_lists
from clearline.tickets import usecases as tickets
from clearline.tickets.columns import view_of
from clearline.tickets.domain import Status
from clearline.tickets.list_store import Filter
from clearline.tickets.lists.store import Shape, ordered_statement
from tests.builders.people import NOW, Tenant, id_of, new_person, new_tenant
from tests.builders.queues import new_queue
from tests.builders.tickets import raised


class Desk:
    """Tickets of two companies, in every combination that a filter can select."""

    def __init__(
        self, tenant: Tenant, other_tenant: Tenant, queue: UUID, agent: Actor, numbers: dict[str, int]
    ) -> None:
        self.tenant, self.other_tenant, self.queue, self.agent, self.numbers = (
            tenant,
            other_tenant,
            queue,
            agent,
            numbers,
        )

    def names(self, views: list[Any]) -> list[str]:
        names = {number: name for name, number in self.numbers.items()}
        return [names[view.ticket.number] for view in views if view.ticket.number in names]


@pytest.fixture(scope="module")
async def desk(database: Database) -> Desk:
    first, second = await new_tenant(database), await new_tenant(database)
    async with database.transaction() as tx:
        agent = await new_person(tx)
        queue = (await new_queue(tx, agent)).queue.id
        numbers = {
            "plain": await raised(tx, first),
            "queued": await raised(tx, first),
            "given": await raised(tx, first),
            "closed": await raised(tx, first, status=Status.CLOSED),
            "other": await raised(tx, second),
            "held": await raised(tx, second, status=Status.HELD),
        }
        for name in ("queued", "given", "other"):
            await ticket_changes.change_ticket(tx, OPERATOR, numbers[name], {"queue_id": queue}, now=NOW)
        for name in ("given", "held"):
            await ticket_changes.assign(tx, OPERATOR, numbers[name], id_of(agent), now=NOW)
    return Desk(first, second, queue, agent, numbers)


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ({}, ["held", "other", "given", "queued", "plain"]),
        ({"state": "finished"}, ["closed"]),
        ({"state": "all"}, ["held", "other", "closed", "given", "queued", "plain"]),
        ({"company": 1}, ["given", "queued", "plain"]),
        ({"company": 1, "state": "finished"}, ["closed"]),
        ({"company": 1, "state": "all"}, ["closed", "given", "queued", "plain"]),
        ({"queue": 1}, ["other", "given", "queued"]),
        ({"queue": 1, "company": 1}, ["given", "queued"]),
        ({"queue": 1, "state": "finished", "company": 1}, []),
        ({"assignee": 1}, ["held", "given"]),
        ({"assignee": 1, "queue": 1}, ["given"]),
        ({"assignee": 1, "state": "all", "company": 1}, ["given"]),
        ({"queue": 1, "unassigned": True}, ["other", "queued"]),
        ({"company": 1, "unassigned": True, "state": "all"}, ["closed", "queued", "plain"]),
        ({"status": Status.HELD}, ["held"]),
        ({"status": Status.CLOSED, "state": "all"}, ["closed"]),
        ({"status": Status.HELD, "company": 1}, []),
        ({"service_id": "SVC-1", "company": 1}, ["given", "queued", "plain"]),
        ({"service_id": "SVC-2", "company": 1}, []),
    ],
)
async def test_a_ticket_of_a_list_matches_all_its_filters(
    database: Database, desk: Desk, filters: dict[str, Any], names: list[str]
) -> None:
    ids = {"company": desk.tenant.company.id, "queue": desk.queue, "assignee": id_of(desk.agent)}
    ticket_filter = Filter(
        **{f"{name}_id" if name in ids else name: ids.get(name, value) for name, value in filters.items()}
    )
    async with database.statement() as tx:
        newest = await ticket_lists.list_tickets(tx, desk.agent, ticket_filter, after=None, limit=1000)
        oldest = await ticket_lists.list_tickets(
            tx, desk.agent, ticket_filter, after=None, limit=1000, newest_first=False
        )
        assert [view for view in newest if view.ticket.number == desk.numbers["given"]] in (
            [],
            [await tickets.get_ticket(tx, desk.agent, desk.numbers["given"])],
        )
    assert desk.names(newest) == names
    assert desk.names(oldest) == names[::-1]


@pytest.mark.parametrize(
    ("filters", "field"),
    [
        ({"queue": 1, "state": "finished"}, "state"),
        ({"assignee": 1, "state": "all"}, "state"),
        ({"service_id": "SVC-1"}, "company"),
        ({"unassigned": True, "state": "all"}, "state"),
        ({"status": Status.REJECTED, "state": "finished"}, "status"),
    ],
)
async def test_a_list_without_an_index_is_refused(
    database: Database, desk: Desk, filters: dict[str, Any], field: str
) -> None:
    ids = {"queue": desk.queue, "assignee": id_of(desk.agent)}
    ticket_filter = Filter(
        **{f"{name}_id" if name in ids else name: ids.get(name, value) for name, value in filters.items()}
    )
    async with database.statement() as tx:
        with pytest.raises(InvalidInput) as refused:
            await ticket_lists.list_tickets(tx, desk.agent, ticket_filter, after=None, limit=1)
    assert [violation.field for violation in refused.value.violations] == [field]


async def test_a_customer_lists_only_its_own_tickets_with_any_filter(database: Database, desk: Desk) -> None:
    async with database.statement() as tx:
        for company_id in (None, desk.tenant.company.id, desk.other_tenant.company.id):
            views = await ticket_lists.list_tickets(
                tx, desk.tenant.actor, Filter(company_id=company_id), after=None, limit=1000
            )
            assert desk.names(views) == ["given", "queued", "plain"]
        for ticket_filter in (
            Filter(queue_id=desk.queue),
            Filter(assignee_id=id_of(desk.agent)),
            Filter(unassigned=True),
        ):
            with pytest.raises(Forbidden):
                await ticket_lists.list_tickets(tx, desk.tenant.actor, ticket_filter, after=None, limit=1)


async def test_a_list_that_walks_too_long_is_refused_by_its_filter(
    database: Database, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(shape: Shape) -> str:
        return f"select *, pg_sleep(30) from ({ordered_statement(shape)}) slow"  # noqa: S608

    monkeypatch.setattr(list_store, "ordered_statement", slow)
    company_id = desk.tenant.company.id  # one contact may have raised most of a company's tickets
    filters = {
        "contact": Filter(company_id=company_id, contact="ada@example.com"),
        "status": Filter(statuses=(Status.HELD, Status.PENDING)),
    }
    for field, ticket_filter in filters.items():
        with pytest.raises(InvalidInput) as refused:
            async with database.transaction() as tx:
                await ticket_lists.list_tickets_as(
                    view_of, tx, desk.agent, ticket_filter, after=None, limit=9, seconds=1
                )
        [violation] = refused.value.violations
        assert violation.field == field
        instead = "use the search" if ticket_filter.company_id is not None else "name a company, or use the search"
        assert violation.rule == f"matches too few tickets to list them within 1 seconds: {instead}"
