from datetime import timedelta
from uuid import uuid4

import pytest
from msgspec.structs import replace

from clearline.errors import Forbidden
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Database
from clearline.platform.idempotency import usecases as idempotency
from clearline.platform.idempotency.store import KeptAnswer
from clearline.retention.domain import Kind
from clearline.settings.settings import Settings
from tests.builders.jobs import kept, purge_job
from tests.builders.people import NOW, Tenant

KEPT = kept("idempotency_keys")
ANSWER = KeptAnswer(b"fingerprint", 201, b"{}", None)
ROUTE = "POST /tickets"


async def keep(database: Database, tenant: Tenant, ages: dict[str, timedelta]) -> None:
    async with database.transaction() as tx:
        for key, age in ages.items():
            await idempotency.keep(tx, tenant.actor, ROUTE, key, ANSWER, now=NOW - age)


async def test_only_answers_too_old_for_a_retry_are_purged(database: Database, tenant: Tenant) -> None:
    assert timedelta(hours=24) == KEPT
    await keep(database, tenant, {"old": KEPT + timedelta(seconds=1), "just in time": KEPT, "new": timedelta(0)})
    async with database.transaction() as tx:
        await tx.write(
            """insert into idempotency_key
               select company_id, api_key_id, route, key || n, fingerprint, status, body, created_at
                 from idempotency_key, generate_series(1, 2100) n where key = 'old'"""
        )
    purge = purge_job(database, Kind.IDEMPOTENCY_KEYS, lambda: NOW)
    assert await purge.run() == 2101
    assert await purge.run() == 0
    async with database.statement() as tx:
        rows = await tx.fetch("select key from idempotency_key order by key")
    assert [row[0] for row in rows] == ["just in time", "new"]


@pytest.mark.parametrize("days", [1, 3])
async def test_a_retry_receives_the_answer_for_as_long_as_it_is_kept(
    database: Database, tenant: Tenant, days: int
) -> None:
    key = f"kept for {days} days"
    await keep(database, tenant, {key: timedelta(days=2)})
    async with database.transaction() as tx:
        since = NOW - timedelta(days=days)
        answer = await idempotency.replay(tx, tenant.actor, ROUTE, key, ANSWER.fingerprint, since=since)
    assert answer == (ANSWER if days == 3 else None)
    purge = purge_job(database, Kind.IDEMPOTENCY_KEYS, lambda: NOW, Settings(keep_idempotency_keys_days=days))
    assert await purge.run() == (1 if days == 1 else 0)


async def test_the_keys_of_a_person_without_an_api_key_are_the_persons_own(database: Database, tenant: Tenant) -> None:
    person = replace(tenant.actor, key_id=None)
    other = replace(person, user=replace(tenant.user, id=uuid4()))
    async with database.transaction() as tx:
        await idempotency.keep(tx, person, ROUTE, "of a form", ANSWER, now=NOW)
        first = await idempotency.replay(tx, person, ROUTE, "of a form", ANSWER.fingerprint, since=NOW)
        others = await idempotency.replay(tx, other, ROUTE, "of a form", ANSWER.fingerprint, since=NOW)
        with pytest.raises(Forbidden):
            await idempotency.replay(tx, OPERATOR, ROUTE, "of a form", ANSWER.fingerprint, since=NOW)
    assert (first, others) == (ANSWER, None)
