"""Data to measure with: companies with a key each, and tickets spread evenly over them, made by SQL in bulk."""

from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

import asyncpg

from clearline.accounts import key_usecases as keys
from clearline.accounts import usecases as accounts
from clearline.clock import now
from clearline.companies.usecases import add_company
from clearline.events import store as event_store
from clearline.identity import OPERATOR
from clearline.platform.database import migrate
from clearline.platform.database.transactions import Database

COMPANIES = 200
SERVICE_ID = "NET-BENCH-1"


class Tenant(NamedTuple):
    """A company to send requests for."""

    company_id: UUID
    key: str
    first: int
    """Its ticket numbers are first, first + COMPANIES, first + 2 * COMPANIES, ..."""


async def fill(url: str, tickets: int, *, notes: int = 2, events: int = 3) -> list[Tenant]:
    """Make an empty database hold so many tickets, with so many notes and events each; one in ten is closed."""
    tenants = await companies(url)
    connection = await asyncpg.connect(url)
    try:
        await _fill(connection, [tenant.company_id for tenant in tenants], tickets, notes, events)
    finally:
        await connection.close()
    return tenants


async def companies(url: str) -> list[Tenant]:
    """Make an empty database hold the companies, each with a user and a key."""
    database = await Database.open(url)
    await migrate.migrate(database, afterwards=event_store.renumber)
    tenants = []
    for index in range(COMPANIES):
        name = f"Bench {index:03d}"
        async with database.transaction() as tx:
            company = await add_company(tx, OPERATOR, name, f"BEN{index:03d}", now=now())
            await accounts.add_user(
                tx, OPERATOR, name, name="Bo Bench", email="bo@bench.example.com", phone="+1-555-0100", now=now()
            )
            _key, secret = await keys.create_key(
                tx, OPERATOR, name, user_email=None, name="bench", lifetime=timedelta(days=30),
                now=now(),
            )  # fmt: skip
        tenants.append(Tenant(company.id, secret, index + 1))
    await database.close()
    return tenants


async def _fill(connection: asyncpg.Connection, companies: list[UUID], tickets: int, notes: int, events: int) -> None:
    await connection.execute("set synchronous_commit = off")
    await connection.execute(
        "insert into service select c, $2, 'Port', 'Bench port', now() from unnest($1::uuid[]) c", companies, SERVICE_ID
    )
    batch = 50_000
    for start in range(1, tickets + 1, batch):
        end = min(tickets, start + batch - 1)
        await connection.execute(
            """
            insert into ticket (company_id, number, title, description, issue_type, service_type, service_id,
                service_label, severity, impact, priority, status, contact_name, contact_phone, contact_email,
                channel, created_at, updated_at, status_changed_at)
            select ($1::uuid[])[1 + (n - 1) % array_length($1::uuid[], 1)], n, 'Port is slow, case ' || n,
                   'Since 08:00 UTC we see between one and three per cent of loss. ' || md5(n::text),
                   'Packet Loss/Drops', 'Port', $4, 'Bench port', 'moderate', 'degraded', 'medium',
                   case when n / 200 % 10 = 0 then 'closed' else 'in_progress' end,
                   'Bo Bench', '+1-555-0100', 'bo@bench.example.com', 'API', t, t, t
              from generate_series($2::bigint, $3::bigint) n, lateral (select now() - make_interval(secs => $3 - n) t) x
            """,
            companies, start, end, SERVICE_ID,
        )  # fmt: skip
        await connection.execute(
            """
            insert into note (company_id, ticket_number, number, text, visibility, source, channel, author, created_at)
            select company_id, number, number * $3 - $3 + i, 'We looked at it and saw the loss too. ' || md5(i::text),
                   'public', 'seller', 'Phone', 'The NOC', created_at
              from ticket, generate_series(1, $3) i where number between $1 and $2
            """,
            start, end, notes,
        )  # fmt: skip
        await connection.execute(
            """
            insert into event (company_id, at, type, ticket_number, actor_name, data)
            select company_id, created_at, 'note.added', number, 'The NOC', '{"visibility": "public"}'
              from ticket, generate_series(1, $3) i where number between $1 and $2
            """,
            start, end, events,
        )  # fmt: skip
    await connection.execute(
        """insert into ticket_count select company_id, 0, count(*) filter (where is_open),
                  count(*) filter (where not is_open) from ticket group by company_id"""
    )
    # What followed from these events is taken to be done: a backlog is no part of what is measured.
    await connection.execute(
        """insert into consumer select name, xid, id
             from (values ('routing'), ('search'), ('webhooks'), ('notifications')) consumer (name),
                  (select xid, id from event order by xid desc, id desc limit 1) last
           on conflict (name) do update set xid = excluded.xid, id = excluded.id"""
    )
    await connection.execute("select setval('ticket_number', $1), setval('worklog_number', $1 * 2)", tickets)
    await connection.execute("vacuum analyze", timeout=600)
