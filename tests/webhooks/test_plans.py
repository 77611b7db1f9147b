"""Lists of subscriptions and deliveries use an index, and claiming reads only due deliveries."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from clearline.clock import Span
from clearline.platform.database.session import SESSION_SETTINGS
from clearline.platform.database.transactions import Tx
from clearline.webhooks import attempt_store, delivery_store, subscription_store
from clearline.webhooks.delivery_domain import DeliveryState
from tests.builders.databases import RecordingConnection, generic_plan_of, plan_of

FILL = """
    insert into company
    select md5('company' || c)::uuid, 'Company ' || c, 'C' || c, now() from generate_series(1, 50) c;
    insert into subscription (company_id, id, url, created_at, updated_at)
    select md5('company' || s % 3 + 1)::uuid, md5('subscription' || s)::uuid, 'https://hooks.example.com/',
           '2026-01-01'::timestamptz + s * interval '1 minute', now() from generate_series(1, 1000) s;
    insert into delivery (company_id, subscription_id, id, event_id, type, ticket_number, body, state, due_at,
                          created_at, finished_at)
    select s.company_id, s.id, gen_random_uuid(), n, 'note.added', n, 'x', one.state,
           case when one.state = 'waiting' then now() end, now(), case when one.state <> 'waiting' then now() end
      from subscription s, generate_series(1, 60) n,
           lateral (select case n when 7 then 'waiting' when 9 then 'dead' else 'delivered' end as state) one;
    insert into delivery_action (company_id, subscription_id, action, through, started_at)
    select company_id, id, 'resume', 1, now() from subscription;
    analyze
"""
ID = UUID("9a0fe8ae-8dcc-bf8c-87e3-03b6fb8f5e4d")
AT = datetime(2026, 1, 1, 5, tzinfo=UTC)
List = Callable[[Tx], Awaitable[object]]


def page(state: DeliveryState | None) -> List:
    return lambda tx: delivery_store.page(tx, ID, ID, state=state, after=500, limit=51)


def dated_page(state: DeliveryState | None) -> List:
    span = Span(AT, AT + timedelta(days=1000))
    return lambda tx: delivery_store.dated_page(tx, ID, ID, state=state, created=span, after=None, limit=51)


SUBSCRIPTION_PAGE = {"subscription_by_age", "delivery_action_pkey"}
LISTS: dict[str, tuple[set[str], List]] = {
    "subscriptions": (SUBSCRIPTION_PAGE, lambda tx: subscription_store.page(tx, ID, after=None, limit=51)),
    "subscriptions after one": (
        SUBSCRIPTION_PAGE,
        lambda tx: subscription_store.page(tx, ID, after=(AT, ID), limit=51),
    ),
    "deliveries": ({"delivery_pkey"}, page(None)),
    "delivered ones": ({"delivery_pkey"}, page(DeliveryState.DELIVERED)),
    "waiting ones": ({"delivery_open"}, page(DeliveryState.WAITING)),
    "dead ones": ({"delivery_open"}, page(DeliveryState.DEAD)),
    "those of a time": ({"delivery_by_age"}, dated_page(None)),
    "dead ones of a time": ({"delivery_by_age"}, dated_page(DeliveryState.DEAD)),
}


@pytest.fixture(scope="module")
async def filled(database_url: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(database_url, server_settings=SESSION_SETTINGS)
    await connection.execute(FILL)
    yield connection
    await connection.close()


@pytest.mark.parametrize("case", LISTS)
async def test_a_page_of_a_list_uses_its_index(filled: Any, case: str) -> None:
    indexes, read = LISTS[case]
    recording = RecordingConnection()
    await read(Tx(recording))
    company, subscription = await filled.fetchrow("select company_id, id from subscription order by created_at limit 1")
    values = [
        company if position == 0 else subscription if value == ID else value
        for position, value in enumerate(recording.values)
    ]
    used, walked = await plan_of(filled, recording.statement, *values)
    assert (used, walked) == (indexes, set())
    assert "Sort" not in await filled.fetchval(f"explain (format json) {recording.statement}", *values)


async def test_a_page_of_subscriptions_begins_at_its_key_for_any_values(filled: Any) -> None:
    recording = RecordingConnection()
    await subscription_store.page(Tx(recording), ID, after=None, limit=51)
    plan = await generic_plan_of(filled, recording.statement)
    assert "using subscription_by_age on" in plan
    assert re.search(r"Index Cond: .*ROW\(created_at, id\) > ROW\(", plan)
    assert "Sort" not in plan


async def test_claiming_does_not_scan_the_table_of_deliveries(filled: Any) -> None:
    at = datetime.now(UTC)
    used, walked = await plan_of(filled, attempt_store.CLAIM, at, at + timedelta(seconds=60), 4, 200, 1000)
    assert "delivery" not in walked
    assert {"delivery_ping", "delivery_due", "delivery_of_ticket"} <= used


async def test_active_subscriptions_are_found_by_their_index(filled: Any) -> None:
    recording = RecordingConnection()
    await subscription_store.active(Tx(recording), [ID])
    used, walked = await plan_of(filled, recording.statement, *recording.values)
    assert walked == set()
    assert used & {"subscription_active", "subscription_by_age", "subscription_pkey"}


async def test_old_deliveries_are_found_by_their_index(filled: Any) -> None:
    statement = (
        "select number from delivery where finished_at < $1 and state <> 'waiting' order by finished_at limit $2"
    )
    assert await plan_of(filled, statement, AT, 1000) == ({"delivery_finished"}, set())
