"""The statements that every request runs are served by the indexes that were made for them."""

import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from clearline.accounts import store as account_store
from clearline.inventory import store as service_store
from clearline.platform.database.transactions import Tx
from clearline.tickets import store as ticket_store
from clearline.tickets.note import Visibility

FILL = """
    insert into company
    select md5('company' || c)::uuid, 'Company ' || c, 'C' || c, now() from generate_series(1, 20) c;
    insert into app_user
    select id, md5('user' || code)::uuid, 'User', 'user@example.com', '', now() from company;
    insert into api_key (company_id, id, user_id, name, prefix, secret_hash, scopes, created_at)
    select company_id, md5(company_id::text || k)::uuid, id, 'key', 'clk_', sha256((company_id::text || k)::bytea),
           '{}', now() from app_user, generate_series(1, 100) k;
    insert into service select id, 'SVC-' || s, 'Port', 'Port ' || s, now() from company, generate_series(1, 200) s;
    insert into ticket (company_id, title, description, issue_type, service_type, service_id, severity, impact,
                        priority, status, contact_name, contact_phone, contact_email, channel, created_at, updated_at,
                        status_changed_at)
    select id, 'Title', repeat('words ', 30), 'Others', 'Port', 'SVC-1', 'minor', 'degraded', 'low',
           case when t % 3 = 0 then 'closed' else 'in_progress' end, 'User', '', 'user@example.com', 'API', now(),
           now(), now() from generate_series(1, 500) t, company;
    insert into note (company_id, ticket_number, text, visibility, source, channel, author, created_at)
    select company_id, number, 'A note', 'public', 'buyer', 'API', 'User', now() from ticket, generate_series(1, 3);
    insert into ticket_count select company_id, 0, count(*) filter (where is_open), count(*) filter (where not is_open)
      from ticket group by company_id;
    analyze
"""


BY_NUMBER = {"ticket_pkey", "ticket_by_number"}
"""Numbers are unique in all companies, so the planner may take either: both find one row."""


class Noted:
    """A connection that notes the statement it is asked to read with, and finds nothing."""

    statement = ""
    values: tuple[object, ...] = ()

    async def fetch(self, statement: str, *values: object) -> list[object]:
        self.statement, self.values = statement, values
        return []

    async def fetchrow(self, statement: str, *values: object) -> None:
        self.statement, self.values = statement, values

    fetchval = fetchrow


@pytest.fixture(scope="module")
async def filled(database_url: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(database_url)
    await connection.execute(FILL)
    yield connection
    await connection.close()


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", []):
        yield from _nodes(part)


async def plan_of(connection: Any, statement: str, *values: object) -> tuple[set[str], set[str]]:
    """The indexes that a statement's plan uses, and the tables that it reads from end to end."""
    [top] = json.loads(await connection.fetchval(f"explain (format json) {statement}", *values))
    nodes = list(_nodes(top["Plan"]))
    used = {node["Index Name"] for node in nodes if "Index Name" in node}
    return used, {node["Relation Name"] for node in nodes if node["Node Type"].endswith("Seq Scan")}


async def one_ticket(connection: Any) -> tuple[UUID, int]:
    row = await connection.fetchrow("select company_id, number from ticket order by number offset 4321 limit 1")
    return row[0], row[1]


@pytest.mark.parametrize("offset", [0, 40])
@pytest.mark.parametrize("is_open", [True, False])
async def test_a_page_walks_its_index_and_reads_no_table_whole(filled: Any, offset: int, *, is_open: bool) -> None:
    company, _number = await one_ticket(filled)
    used, whole = await plan_of(filled, ticket_store.PAGE, company, is_open, 20, offset, [*Visibility])
    assert used >= {"ticket_page", "note_pkey"}
    assert used & BY_NUMBER
    assert not whole & {"ticket", "note"}


async def test_a_ticket_is_found_by_the_primary_keys(filled: Any) -> None:
    used, whole = await plan_of(filled, ticket_store.GET, *await one_ticket(filled), [*Visibility])
    assert "note_pkey" in used
    assert used & BY_NUMBER
    assert not whole


async def test_the_services_of_a_company_are_found_by_an_index(filled: Any) -> None:
    noted = Noted()
    await service_store.of_company(Tx(noted), (await one_ticket(filled))[0])
    used, whole = await plan_of(filled, noted.statement, *noted.values)
    assert used <= {"service_by_label", "service_pkey"}
    assert used
    assert not whole


async def test_a_key_is_found_by_its_secret(filled: Any) -> None:
    noted = Noted()
    await account_store.actor_of(Tx(noted), b"x" * 32, now=datetime.now(UTC))
    used, whole = await plan_of(filled, noted.statement, *noted.values)
    assert "api_key_by_secret" in used
    assert "api_key" not in whole


async def test_the_operator_finds_a_ticket_by_its_number_alone(filled: Any) -> None:
    noted = Noted()
    await ticket_store.company_of(Tx(noted), 4321)
    used, whole = await plan_of(filled, noted.statement, *noted.values)
    assert used == {"ticket_by_number"}
    assert not whole
