"""The cost of reading a queue or a team does not grow with finished tickets or with tickets of others."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from clearline.identity import AGENT_ROLES, OPERATOR, PROVIDER_ID
from clearline.platform.database.transactions import Database
from clearline.queues import store as queue_store
from clearline.queues import team_store
from clearline.queues.domain import Assignment
from clearline.routing import rule_store
from clearline.routing import usecases as use
from clearline.tickets import change_usecases as ticket_changes
from tests.builders.databases import plan_of
from tests.builders.people import NOW, Tenant, new_person
from tests.builders.queues import new_queue
from tests.builders.tickets import raised

HANDLED = """
    insert into team select md5('team' || n)::uuid, 'Team ' || n, now() from generate_series(1, 50) n;
    insert into queue (id, name, team_id, assignment, created_at)
    select md5('queue' || n)::uuid, 'Queue ' || n, md5('team' || n)::uuid, 'manual', now()
      from generate_series(1, 50) n;
    insert into app_user (company_id, id, name, email, phone, created_at, role)
    select '00000000-0000-4000-8000-000000000001', md5('agent' || n)::uuid, 'Agent ' || n, n || '@example.net', '',
           now(), 'agent' from generate_series(1, 200) n;
    insert into team_member select md5('team' || n % 50 + 1)::uuid, md5('agent' || n)::uuid
      from generate_series(1, 200) n;
    insert into routing_rule (id, position, name, queue_id, created_at)
    select md5('rule' || n)::uuid, n, 'Rule ' || n, md5('queue' || n % 50 + 1)::uuid, now()
      from generate_series(1, 500) n;
    update ticket set queue_id = md5('queue' || number % 50 + 1)::uuid,
           assignee_id = md5('agent' || number % 200)::uuid;
    analyze;
"""


@pytest.fixture(scope="module")
async def filled(filled: Any) -> Any:
    await filled.execute(HANDLED)
    return filled


async def test_a_page_of_queues_counts_in_the_index_of_open_tickets(filled: Any) -> None:
    company = await filled.fetchval("select id from company limit 1")
    for statement, values in (
        (queue_store.PAGE, ["Queue 3", 5]),
        (queue_store.PAGE_OF_SOME, [[company], "Queue 3", 5]),
    ):
        used, scanned = await plan_of(filled, statement, *values)
        assert "ticket_open_by_queue" in used
        assert not scanned & {"ticket"}


async def test_the_names_of_queues_are_read_without_a_ticket(filled: Any) -> None:
    user_id = await filled.fetchval("select user_id from team_member limit 1")
    used, scanned = await plan_of(filled, queue_store.NAMED, user_id, 200)
    assert "ticket" not in scanned
    assert not [index for index in used if index.startswith("ticket")]


async def test_the_load_of_agents_is_counted_in_the_index_of_assigned_tickets(filled: Any) -> None:
    team_id = await filled.fetchval("select id from team limit 1")
    used, scanned = await plan_of(filled, team_store.AGENTS, PROVIDER_ID, team_id, AGENT_ROLES, uuid4(), uuid4())
    assert used >= {"ticket_open_by_assignee", "team_member_pkey"}
    assert not scanned & {"ticket", "team_member"}


async def test_a_page_of_rules_uses_the_index_of_their_order(filled: Any) -> None:
    used, scanned = await plan_of(filled, rule_store.PAGE, 100, 20)
    assert "routing_rule_in_order" in used
    assert "routing_rule" not in scanned


async def test_two_requests_at_once_get_different_turns(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        people = [await new_person(tx, name) for name in ("Ann", "Ben", "Cleo")]
        queue = (await new_queue(tx, *people)).queue
        numbers = [await raised(tx, tenant) for _ in people]
        for number in numbers:
            await ticket_changes.change_ticket(tx, OPERATOR, number, {"queue_id": queue.id}, now=NOW)

    async def assign(number: int) -> str | None:
        async with database.transaction() as tx:
            return (await use.assign_by_turns(tx, OPERATOR, number, Assignment.ROUND_ROBIN, now=NOW)).assignee_name

    assignees = await asyncio.gather(*(assign(number) for number in numbers))
    assert sorted(map(str, assignees)) == ["Ann", "Ben", "Cleo"]
