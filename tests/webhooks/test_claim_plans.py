"""Claims, and the count of what is due, do not walk over deliveries that nobody may send, of which there are many."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from clearline.platform.database.session import SESSION_SETTINGS
from clearline.webhooks import attempt_store, delivery_store, order_store
from clearline.webhooks.delivery_actions.domain import Action
from clearline.webhooks.delivery_actions.store import CHANGE_BATCH
from tests.builders.databases import nodes

COUNT = 30_000
SUBSCRIBE = """
    insert into company values (md5('company')::uuid, 'Company', 'C', now());
    insert into subscription (company_id, id, url, is_active, resume_at, created_at, updated_at)
    select md5('company')::uuid, md5(s.name)::uuid, 'https://hooks.example.com/', s.name <> 'off',
           case when s.name = 'paused' then now() + interval '1 hour' end, now(), now()
      from unnest(array['off', 'paused', 'refusing', 'given up', 'later', 'well']) s (name);
    insert into delivery_action (company_id, subscription_id, action, through, started_at)
    select company_id, id, 'give_up', 1000000, now() from subscription where id = md5('given up')::uuid;
"""
FILL = """
    insert into delivery (company_id, subscription_id, id, event_id, type, ticket_number, body, state, due_at,
                          created_at)
    select md5('company')::uuid, md5($1)::uuid, gen_random_uuid(), n, 'note.added', n % 100, 'x', 'waiting',
           case when $1 = 'later' or $1 = 'refusing' and n <= 100 then now() + interval '1 hour' else now() end, now()
      from generate_series(1, case $1 when 'well' then 4 else $2::integer end) n order by n"""


@pytest.fixture(scope="module")
async def filled(database_url: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(database_url, server_settings=SESSION_SETTINGS)
    await connection.execute(SUBSCRIBE)
    for name in ("off", "paused", "refusing", "given up", "later", "well"):
        await connection.execute(FILL, name, COUNT)
    await connection.execute("vacuum analyze delivery")
    yield connection
    await connection.close()


async def rows_read(connection: Any, statement: str, *values: object) -> int:
    """Run a statement and roll it back; return how many rows of deliveries its plan read."""
    changes = connection.transaction()
    await changes.start()
    [top] = json.loads(await connection.fetchval(f"explain (analyze, format json) {statement}", *values))
    await changes.rollback()
    return sum(
        int((node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"])
        for node in nodes(top["Plan"])
        if node.get("Relation Name") == "delivery" and "Scan" in node["Node Type"]
    )


async def test_a_claim_reads_few_of_the_deliveries_that_may_not_be_sent(filled: Any) -> None:
    at = datetime.now(UTC)
    values = (at, at + timedelta(seconds=60), 4, 200)
    assert await rows_read(filled, attempt_store.CLAIM, *values, 100) < 100 * 2 + 100
    assert await rows_read(filled, attempt_store.CLAIM, *values, 1_000) < 1_000 * 2 + 100


async def test_the_count_of_what_is_due_reads_few_of_them(filled: Any) -> None:
    assert await rows_read(filled, delivery_store.DUE, datetime.now(UTC), 500) < 500 * 2 + 100


async def test_deliveries_are_put_behind_others_in_bounded_steps_and_a_claim_reads_none_of_them(filled: Any) -> None:
    at = datetime.now(UTC)
    assert await rows_read(filled, order_store.PUT_BEHIND, at, 2_000, 100) < 2_000 * 4
    changes = filled.transaction()
    await changes.start()
    steps = 0
    while await filled.fetchval(order_store.PUT_BEHIND, at, 2_000, 100):
        steps += 1
    read = await rows_read(filled, attempt_store.CLAIM, at, at + timedelta(seconds=60), 4, 200, 1_000)
    await changes.rollback()
    assert (steps, read < 100) == (15, True)


@pytest.mark.parametrize("action", Action)
async def test_a_batch_reads_the_deliveries_of_the_batch(filled: Any, action: Action) -> None:
    company, subscription = await filled.fetchrow("select md5('company')::uuid, md5('later')::uuid")
    first, last = await filled.fetchrow(
        "select min(number), max(number) from delivery where subscription_id = $1", subscription
    )
    times = () if action is Action.DELETE else (datetime.now(UTC),)
    for after in (0, (first + last) // 2):
        read = await rows_read(filled, CHANGE_BATCH[action], company, subscription, after, last, 500, *times)
        assert 1_000 <= read <= 1_000 + 10
