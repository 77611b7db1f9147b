"""Lists of jobs and items, and the batches of an export, use an index with any statistics."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from clearline.bulk import export_store
from clearline.bulk import store as job_store
from clearline.bulk.domain import AddNote, BulkRequest, Job, JobState
from clearline.platform.database.transactions import Tx
from clearline.tickets.domain import Channel
from tests.builders.databases import MANY_ROWS, STATISTICS, RecordingConnection, filled_with, generic_plan_of, plan_of
from tests.builders.people import NOW

FILL_JOBS = """
    insert into job (company_id, id, kind, state, request, dry_run, total, user_id, actor_name, scopes, created_at,
                     finished_at)
    select company_id, md5('job' || j || company_id)::uuid, 'bulk', 'done',
           '{"kind": "bulk", "channel": "API", "action": {"action": "note", "text": "x"}}', false, 20, id, 'User', '{}',
           now() - j * interval '1 hour', now() from app_user, generate_series(1, 200) j;
    insert into job_item (company_id, job_id, position, input, outcome)
    select company_id, id, i, '{}', case i % 4 when 0 then null when 1 then 'refused' else 'done' end
      from job, generate_series(0, 19) i
"""
COMPANY, USER, JOB = (UUID(int=n) for n in (1, 2, 3))
JOB_OF_COMPANY = Job(
    COMPANY, JOB, JobState.DONE, BulkRequest(AddNote("x"), Channel.API), False, 20, USER, "User", frozenset(), NOW, NOW
)
Read = Callable[[Tx], Awaitable[object]]


def export(*, company_id: UUID | None = None, is_open: bool | None = None, since: bool = False) -> Read:
    return lambda tx: export_store.batch(
        tx,
        company_id,
        is_open=is_open,
        created_since=NOW if since else None,
        visibilities=["public"],
        for_staff=False,
        after=100,
        limit=500,
    )


LISTS: dict[str, tuple[set[str], Read]] = {
    "jobs": ({"job_newest"}, lambda tx: job_store.newest(tx, None, 51)),
    "jobs after one": ({"job_newest"}, lambda tx: job_store.newest(tx, (NOW, JOB), 51)),
    "a user's jobs": ({"job_of_user"}, lambda tx: job_store.newest_of(tx, COMPANY, USER, None, 51)),
    "a user's jobs after one": ({"job_of_user"}, lambda tx: job_store.newest_of(tx, COMPANY, USER, (NOW, JOB), 51)),
    "a job": ({"job_by_id"}, lambda tx: job_store.get(tx, JOB)),
    "items": ({"job_item_pkey"}, lambda tx: job_store.items(tx, JOB_OF_COMPANY, None, 5, 51)),
    "waiting items": (
        {"job_item_waiting", "job_item_pkey"},
        lambda tx: job_store.items(tx, JOB_OF_COMPANY, "waiting", 5, 51),
    ),
    "refused items": ({"job_item_pkey"}, lambda tx: job_store.items(tx, JOB_OF_COMPANY, "refused", 5, 51)),
}
EXPORTS: dict[str, tuple[set[str], Read]] = {
    "every ticket": ({"ticket_by_number"}, export()),
    "every ticket since a time": ({"ticket_by_number"}, export(since=True)),
    "finished tickets": ({"ticket_by_number"}, export(is_open=False)),
    "open tickets": ({"ticket_open"}, export(is_open=True)),
    "open tickets since a time": ({"ticket_open"}, export(is_open=True, since=True)),
    "a company's tickets": ({"ticket_pkey"}, export(company_id=COMPANY)),
    "a company's tickets since a time": ({"ticket_pkey"}, export(company_id=COMPANY, since=True)),
    "a company's open tickets": ({"ticket_page"}, export(company_id=COMPANY, is_open=True)),
    "a company's finished tickets since a time": (
        {"ticket_page", "ticket_pkey"},
        export(company_id=COMPANY, is_open=False, since=True),
    ),
}


@pytest.fixture(scope="module", params=STATISTICS)
async def filled(request: pytest.FixtureRequest, postgres: str) -> AsyncIterator[Any]:
    async with filled_with(postgres, MANY_ROWS.replace("analyze", "") + FILL_JOBS, request.param) as connection:
        yield connection


async def recorded(filled: Any, read: Read) -> tuple[str, list[object]]:
    """Return the statement of a list with values that are in the database."""
    recording = RecordingConnection()
    with suppress(IndexError):  # an export always gets a row; the recording returns none
        await read(Tx(recording))
    row = await filled.fetchrow("select company_id, user_id, id, created_at from job order by id limit 1")
    in_database = dict(zip((COMPANY, USER, JOB, NOW), row, strict=True))
    hashable = (UUID, datetime)
    values = [in_database.get(value, value) if isinstance(value, hashable) else value for value in recording.values]
    return recording.statement, values


@pytest.mark.parametrize("case", [*LISTS, *EXPORTS])
async def test_a_list_uses_its_index(filled: Any, case: str) -> None:
    indexes, read = {**LISTS, **EXPORTS}[case]
    statement, values = await recorded(filled, read)
    used, _scanned = await plan_of(filled, statement, *values)
    assert used & indexes, used


@pytest.mark.parametrize("case", [*LISTS, *EXPORTS])
async def test_a_list_uses_its_index_when_its_plan_is_generic(filled: Any, case: str) -> None:
    indexes, read = {**LISTS, **EXPORTS}[case]
    statement, _values = await recorded(filled, read)
    plan = await generic_plan_of(filled, statement)
    assert any(f"using {index} on" in plan or f"on {index} " in plan for index in indexes), plan


@pytest.mark.parametrize("case", LISTS)
async def test_a_list_of_jobs_sorts_nothing(filled: Any, case: str) -> None:
    statement, values = await recorded(filled, LISTS[case][1])
    assert "Sort" not in await filled.fetchval(f"explain (format json) {statement}", *values)
