"""New databases, direct access to them, and the plans of statements."""

import io
import json
import os
import re
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from clearline.events import store as event_store
from clearline.platform.database import migrate
from clearline.platform.database.session import SESSION_SETTINGS
from clearline.platform.database.transactions import Database
from tests.builders.people import Tenant

ROOT = os.geteuid() == 0
as_root = pytest.mark.skipif(not ROOT, reason="only root runs PostgreSQL as another account")


def reachable_dir(prefix: str) -> Path:
    """Make a temporary directory that PostgreSQL's account can enter when the tests run as root."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    folder.chmod(0o711)
    return folder


@asynccontextmanager
async def session(url: str) -> AsyncIterator[Any]:
    """Connect with the settings that the product gives each of its connections."""
    connection = await asyncpg.connect(url, server_settings=SESSION_SETTINGS)
    try:
        yield connection
    finally:
        await connection.close()


async def administer_server(url: str, statement: str) -> None:
    """Run a statement as PostgreSQL's administrator; ``url`` is the address of the server's first database."""
    admin = await asyncpg.connect(url.replace("clearline@/clearline", "postgres@/postgres"))
    try:
        await admin.execute(statement)
    finally:
        await admin.close()


_TEMPLATES: dict[str, str] = {}
"""The migrated database of each server. To copy it takes a quarter of the time of the migrations."""


async def _template(postgres: str) -> str:
    if postgres not in _TEMPLATES:
        name = "migrated"
        await administer_server(postgres, f"create database {name} owner clearline")
        database = await Database.open(postgres.replace("@/clearline", f"@/{name}"))
        await migrate.migrate(database, afterwards=event_store.renumber)
        await database.close()
        _TEMPLATES[postgres] = name
    return _TEMPLATES[postgres]


@asynccontextmanager
async def new_database(postgres: str, *, migrated: bool = True) -> AsyncIterator[str]:
    """Create a database without data, and drop it at the end of the block; yields its address."""
    name = f"test_{uuid4().hex[:12]}"
    template = await _template(postgres) if migrated else "template1"
    # Copying files takes a quarter of the CPU time of copying pages, which also writes them to the log.
    await administer_server(postgres, f"create database {name} owner clearline template {template} strategy file_copy")
    try:
        yield postgres.replace("@/clearline", f"@/{name}")
    finally:
        await administer_server(postgres, f"drop database {name} with (force)")


AHEAD = 1_000_000_000
"""How far the transactions of a restored database are ahead of the counter of a new server."""


class Undone(Exception):
    """Raised by a test to roll a transaction back."""


def undo() -> None:
    """Roll the transaction back."""
    raise Undone


async def administer(url: str, statement: str) -> None:
    """Run a statement on a separate connection."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def move_ahead(database: Database) -> None:
    """Set the transactions of the events ahead of the server's counter, as a restore into a new PostgreSQL does."""
    async with database.transaction() as tx:
        for statement in ("update event set xid = ({})::text::xid8", "update consumer set xid = ({})::text::xid8"):
            await tx.write(statement.format(f"xid::text::bigint + {AHEAD}") + " where xid <> '0'")


_TABLES_OF_A_COMPANY = """
    select c.table_name from information_schema.columns c join information_schema.tables t
        using (table_schema, table_name)
        where c.column_name = 'company_id' and c.table_schema = 'public' and t.table_type = 'BASE TABLE'
          and c.table_name <> 'ticket_search' -- is updated asynchronously
        order by 1"""


async def everything(database: Database, company: Tenant) -> str:
    """Return all rows that belong to a company, as text, from every table that names companies."""
    async with database.statement() as tx:
        if not _EVERYTHING:
            tables = [table for (table,) in await tx.fetch(_TABLES_OF_A_COMPANY)]
            assert {"ticket", "note", "service", "event"} <= set(tables), tables
            row = "to_jsonb(r) - 'last_used_at'"
            rows = f"(select jsonb_agg({row} order by {row}) from %s r where company_id = $1)"  # noqa: S608
            parts = ", ".join(f"'{table}', {rows % table}" for table in tables)
            _EVERYTHING.append(f"select jsonb_build_object({parts})::text")
        text: str = await tx.fetchval(_EVERYTHING[0], company.company.id)
    return text


_EVERYTHING: list[str] = []
"""The statement that reads everything of a company, once it is made: hundreds of tests read it twice."""


MANY_ROWS = """
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


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a node of a plan, and all below it."""
    yield plan
    for part in plan.get("Plans", []):
        yield from nodes(part)


async def plan_of(connection: Any, statement: str, *values: object) -> tuple[set[str], set[str]]:
    """Return the indexes that a statement's plan uses, and the tables that it scans sequentially."""
    [top] = json.loads(await connection.fetchval(f"explain (format json) {statement}", *values))
    plan_nodes = list(nodes(top["Plan"]))
    used = {node["Index Name"] for node in plan_nodes if "Index Name" in node}
    return used, {node["Relation Name"] for node in plan_nodes if node["Node Type"].endswith("Seq Scan")}


async def generic_plan_of(connection: Any, statement: str) -> str:
    """Return the generic plan of a statement, which PostgreSQL may use after five executions."""
    nulls = ", ".join(["null"] * len(set(re.findall(r"\$\d+", statement))))
    await connection.execute(f"set plan_cache_mode = force_generic_plan; prepare planned as {statement}")
    try:
        return "\n".join(row[0] for row in await connection.fetch(f"explain execute planned({nulls})"))
    finally:
        await connection.execute("deallocate planned; reset plan_cache_mode")


STATISTICS = ["fresh statistics", "stale statistics", "no statistics"]


@asynccontextmanager
async def filled_with(postgres: str, rows: str, statistics: str) -> AsyncIterator[Any]:
    """Fill an empty database, and yield a connection to it.

    Stale statistics are those of empty tables. Autovacuum would change them, and is off.
    """
    async with new_database(postgres) as url:
        connection = await asyncpg.connect(url, server_settings=SESSION_SETTINGS)
        for (table,) in await connection.fetch("select tablename from pg_tables where schemaname = current_schema"):
            await connection.execute(f"alter table {table} set (autovacuum_enabled = off)")
        if statistics == "stale statistics":
            await connection.execute("analyze")
        await connection.execute(rows)
        if statistics == "fresh statistics":
            await connection.execute("vacuum analyze")
        yield connection
        await connection.close()


async def any_ticket(connection: Any) -> tuple[UUID, int]:
    """Return the company and the number of a ticket."""
    row = await connection.fetchrow("select company_id, number from ticket order by number offset 4321 limit 1")
    return row[0], row[1]


_TABLES_OF_COMPANIES = """
    select table_name, string_agg(quote_ident(column_name), ', ' order by ordinal_position) as columns
      from information_schema.columns join information_schema.tables using (table_schema, table_name)
     where table_schema = 'public' and table_type = 'BASE TABLE' and is_generated = 'NEVER'
     group by table_name
    having bool_or(column_name = 'company_id')"""
_REFERENCES = """
    select distinct conrelid::regclass::text, confrelid::regclass::text from pg_constraint
     where contype = 'f' and conrelid <> confrelid"""
_SHARED_TABLES = ("team", "queue", "mailbox", "server_secret")
"""What companies of one desk share, and their rows refer to."""


async def copy_company(source_url: str, target_url: str, company_id: UUID) -> dict[str, int]:
    """Copy every row of a company, and what all companies share, into a new database; return the rows of each table.

    The statements are made from the schema, so that a new table takes part by itself.
    """
    source, target = await asyncpg.connect(source_url), await asyncpg.connect(target_url)
    try:
        columns = dict(await source.fetch(_TABLES_OF_COMPANIES))
        below = {(table, above) for table, above in await source.fetch(_REFERENCES)}
        copied = {}
        for table in _SHARED_TABLES:
            copied[table] = await _copy(source, target, table, "*", f"select * from {table}")  # noqa: S608
        copied["company"] = await _copy(
            source, target, "company", "*", "select * from company where id = $1", company_id
        )
        waiting = set(columns)
        while waiting:
            ready = {table for table in waiting if not {above for low, above in below if low == table} & waiting}
            assert ready, f"{waiting} refer to each other"
            for table in sorted(ready):
                query = f"select {columns[table]} from {table} where company_id = $1"  # noqa: S608
                copied[table] = await _copy(source, target, table, columns[table], query, company_id)
            waiting -= ready
        return copied
    finally:
        await source.close()
        await target.close()


async def _copy(
    source: asyncpg.Connection, target: asyncpg.Connection, table: str, columns: str, query: str, *values: object
) -> int:
    rows = io.BytesIO()
    result = await source.copy_from_query(query, *values, output=rows)
    rows.seek(0)
    names = None if columns == "*" else columns.replace('"', "").split(", ")
    await target.copy_to_table(table, source=rows, columns=names)
    return int(result.removeprefix("COPY "))
