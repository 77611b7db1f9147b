"""Lists of companies, users, keys and services use an index, and sort nothing but few matches of words."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from clearline.accounts import company_store, key_store, user_store
from clearline.inventory import store as service_store
from clearline.platform.database.transactions import Tx
from tests.builders.databases import STATISTICS, RecordingConnection, filled_with, generic_plan_of, plan_of

FILL = """
    insert into company
    select md5('company' || c)::uuid, 'Company ' || c, 'C' || c, now() from generate_series(1, 2000) c;
    insert into app_user (company_id, id, name, email, phone, created_at)
    select md5('company' || u % 10)::uuid, md5('user' || u)::uuid, 'User', u || '@example.com', '', now()
      from generate_series(10, 4000) u where u % 10 > 0;
    insert into api_key (company_id, id, user_id, name, prefix, secret_hash, scopes, created_at)
    select company_id, md5('key' || id)::uuid, id, 'key', 'clk_', sha256(id::text::bytea), '{}',
           now() + random() * interval '9 days' from app_user;
    insert into service
    select md5('company' || s % 9 + 1)::uuid, 'SVC-' || s, 'Port', 'Port ' || s % 97, now()
      from generate_series(1, 4000) s
"""
COMPANY = UUID("9a0fe8ae-8dcc-bf8c-87e3-03b6fb8f5e4d")
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
List = Callable[[Tx], Awaitable[object]]
LISTS: dict[str, tuple[str, List]] = {
    "companies": ("company_name", lambda tx: company_store.page(tx, limit=51)),
    "companies after one": ("company_name", lambda tx: company_store.page(tx, after="Company 5", limit=51)),
    "companies with a text": ("company_name", lambda tx: company_store.matching(tx, "pany 1", limit=51)),
    "services with a text": (
        "service_by_label",
        lambda tx: service_store.matching(tx, COMPANY, "port 1", for_staff=True, limit=51),
    ),
    "services of all companies with words": (
        "service_by_words",
        lambda tx: service_store.with_words(tx, "port 17", is_begun=True, limit=6),
    ),
    "people of all companies with words": (
        "app_user_by_words",
        lambda tx: user_store.with_words(tx, "user 39", is_begun=True, limit=6),
    ),
    "users": ("app_user_email", lambda tx: user_store.page(tx, COMPANY, limit=51)),
    "users after one": ("app_user_email", lambda tx: user_store.page(tx, COMPANY, after="2@example.com", limit=51)),
    "keys": ("api_key_by_age", lambda tx: key_store.page(tx, COMPANY, limit=51)),
    "keys after one": (
        "api_key_by_age",
        lambda tx: key_store.page(tx, COMPANY, after=(NEW_YEAR, COMPANY), limit=51),
    ),
    "services": ("service_by_label", lambda tx: service_store.page(tx, COMPANY, after=service_store.FIRST, limit=51)),
    "services after one": (
        "service_by_label",
        lambda tx: service_store.page(tx, COMPANY, after=("Port", "Port 5", "SVC-5"), limit=51),
    ),
}
SORTED = {"service_by_words", "app_user_by_words"}
"""The indexes of words: at most 200 matches are sorted."""


@pytest.fixture(scope="module", params=STATISTICS)
def statistics(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
async def filled(statistics: str, postgres: str) -> AsyncIterator[Any]:
    async with filled_with(postgres, FILL, statistics) as connection:
        yield connection


@pytest.mark.parametrize("case", LISTS)
async def test_a_page_of_a_list_uses_its_index(filled: Any, statistics: str, case: str) -> None:
    index, read = LISTS[case]
    recording = RecordingConnection()
    await read(Tx(recording))
    company = await filled.fetchval("select md5('company1')::uuid")
    values = [company if value == COMPANY else value for value in recording.values]
    assert await plan_of(filled, recording.statement, *values) == ({index}, set())
    plan = await filled.fetchval(f"explain (format json) {recording.statement}", *values)
    # Without statistics, or with those of an empty table, the planner sorts the few companies that it expects.
    has_none = statistics in {"no statistics", "stale statistics"}
    is_sorted = (has_none and index == "company_name") or index in SORTED
    assert is_sorted or "Sort" not in plan


@pytest.mark.parametrize("case", LISTS)
async def test_the_generic_plan_of_a_list_uses_its_index(filled: Any, case: str) -> None:
    index, read = LISTS[case]
    recording = RecordingConnection()
    await read(Tx(recording))
    plan = await generic_plan_of(filled, recording.statement)
    assert f"using {index} on" in plan or f"Scan on {index}" in plan, plan
    assert index in SORTED or "Sort" not in plan
