"""A database with many rows, and the plans that PostgreSQL makes for statements over it."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

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
"""Twenty companies with a hundred keys, two hundred services and five hundred tickets each."""

BY_NUMBER = {"ticket_pkey", "ticket_by_number"}
"""Numbers are unique in all companies, so the planner may take either: both find one row."""


class RecordingConnection:
    """A connection that records the last statement and its values, and returns no rows."""

    statement = ""
    values: tuple[object, ...] = ()

    async def fetch(self, statement: str, *values: object) -> list[object]:
        self.statement, self.values = statement, values
        return []

    async def fetchrow(self, statement: str, *values: object) -> None:
        self.statement, self.values = statement, values

    fetchval = fetchrow


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", []):
        yield from _nodes(part)


async def plan_of(connection: Any, statement: str, *values: object) -> tuple[set[str], set[str]]:
    """Return the indexes that a statement's plan uses, and the tables that it scans sequentially."""
    [top] = json.loads(await connection.fetchval(f"explain (format json) {statement}", *values))
    nodes = list(_nodes(top["Plan"]))
    used = {node["Index Name"] for node in nodes if "Index Name" in node}
    return used, {node["Relation Name"] for node in nodes if node["Node Type"].endswith("Seq Scan")}


async def any_ticket(connection: Any) -> tuple[UUID, int]:
    """Return the company and the number of a ticket."""
    row = await connection.fetchrow("select company_id, number from ticket order by number offset 4321 limit 1")
    return row[0], row[1]
