"""Tickets by their numbers, and which of them match a filter."""

from datetime import timedelta
from typing import Any

import pytest

from clearline.catalogue.assessment import Priority, Severity
from clearline.catalogue.published import IssueType, ServiceType
from clearline.clock import Span
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Database
from clearline.queues import usecases as queues
from clearline.search.list_usecases import matching_numbers
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import list_store
from clearline.tickets import list_usecases as ticket_lists
from clearline.tickets import usecases as tickets
from clearline.tickets.domain import Status
from clearline.tickets.links import watcher_usecases as watching
from clearline.tickets.list_store import Filter
from tests.builders.people import NOW, Tenant, new_staff
from tests.builders.tickets import raised


async def test_each_actor_gets_the_tickets_that_it_may_see(
    database: Database, tenant: Tenant, other_tenant: Tenant
) -> None:
    async with database.transaction() as tx:
        mine, theirs = await raised(tx, tenant), await raised(tx, other_tenant)
        for actor, expected in ((tenant.actor, {mine}), (other_tenant.actor, {theirs}), (OPERATOR, {mine, theirs})):
            listed = await ticket_lists.list_numbered(tx, actor, [mine, theirs, 10**11])
            assert {view.ticket.number for view in listed} == expected
            assert await matching_numbers(tx, actor, "status:open", [mine, theirs]) == expected
        [view] = await ticket_lists.list_numbered(tx, OPERATOR, [mine])
        assert view == await tickets.get_ticket(tx, OPERATOR, mine)
        assert await ticket_lists.list_numbered(tx, OPERATOR, []) == []


async def test_the_tickets_that_match_are_those_that_the_list_has(database: Database, tenant: Tenant) -> None:
    agent = (await new_staff(database)).user
    async with database.transaction() as tx:
        queue = (await queues.add_queue(tx, OPERATOR, name="Of numbers", now=NOW)).queue
        numbers = [await raised(tx, tenant, status=status) for status in (*Status, Status.IN_PROGRESS)]
        values = {"assignee_id": agent.id, "queue_id": queue.id, "priority": Priority.HIGH, "tags": ("optics", "fibre")}
        await ticket_changes.change_ticket(tx, OPERATOR, numbers[-1], values, now=NOW)
        await watching.watch(tx, OPERATOR, numbers[-1], agent.id, now=NOW)
        company = tenant.company.id
        filters: tuple[dict[str, Any], ...] = (
            {}, {"state": "all"}, {"state": "finished"}, {"assignee_id": agent.id}, {"queue_id": queue.id},
            {"unassigned": True}, {"unassigned": True, "assignee_id": agent.id}, {"status": Status.IN_PROGRESS},
            {"statuses": (Status.PENDING, Status.HELD)}, {"priorities": (Priority.HIGH,)}, {"tags": ("optics",)},
            {"severities": tuple(Severity)[:1]}, {"issue_types": (IssueType.SLOW_RESPONSE,)}, {"has_file": True},
            {"service_types": (ServiceType.PORT,)}, {"contact": "ADA@example.com"}, {"has_file": False},
            {"created": Span(NOW - timedelta(days=1), NOW + timedelta(days=1))}, {"watcher_id": agent.id},
            {"created": Span(NOW + timedelta(days=1), NOW + timedelta(days=2))}, {"service_id": "SVC-1"},
        )  # fmt: skip
        for fields in filters:
            wanted = Filter(company_id=company)._replace(**fields)
            listed = await ticket_lists.list_tickets(tx, OPERATOR, wanted, after=None, limit=1000)
            expected = {view.ticket.number for view in listed} & {*numbers}
            assert await list_store.matching(tx, wanted, numbers, for_staff=True) == expected, fields


@pytest.mark.parametrize(
    ("query", "is_known"),
    [("status:open", True), ("priority:high tag:optics", True), ("slow", False), ("-tag:x", False)],
)
async def test_a_query_that_only_the_search_index_answers_is_not_answered(
    database: Database, tenant: Tenant, query: str, *, is_known: bool
) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
        assert (await matching_numbers(tx, OPERATOR, query, [number]) is not None) is is_known
