"""What tests do to a database beside the application: roll back, look at everything, restore."""

import json

import asyncpg

from clearline.platform.database.transactions import Database
from tests.conftest import Tenant

AHEAD = 1_000_000_000
"""How far the transactions of a restored database are ahead of the counter of a new server."""


class Undone(Exception):
    """What a test rolls a transaction back with."""


def undo() -> None:
    """Roll the transaction back."""
    raise Undone


async def administer(url: str, statement: str) -> None:
    """Run a statement on a connection of its own."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def move_ahead(database: Database) -> None:
    """Do as a restore into a new PostgreSQL does: the events' transactions are ahead of the server's counter."""
    async with database.transaction() as tx:
        for statement in ("update event set xid = ({})::text::xid8", "update consumer set xid = ({})::text::xid8"):
            await tx.write(statement.format(f"xid::text::bigint + {AHEAD}") + " where xid <> '0'")


async def everything(database: Database, company: Tenant) -> str:
    """Return all rows that belong to a company, as text, from every table that names companies."""
    async with database.statement() as tx:
        tables = await tx.fetch(
            """select c.table_name from information_schema.columns c join information_schema.tables t
                using (table_schema, table_name)
                where c.column_name = 'company_id' and c.table_schema = 'public' and t.table_type = 'BASE TABLE'
                  and c.table_name <> 'ticket_search' -- follows by itself, a moment later
                order by 1"""
        )
        found = {}
        for (table,) in tables:
            row = "to_jsonb(r) - 'last_used_at'"
            statement = f"select jsonb_agg({row} order by {row})::text from {table} r where company_id = $1"  # noqa: S608
            found[table] = await tx.fetchval(statement, company.company.id)
    assert {"ticket", "note", "service", "event"} <= set(found), sorted(found)
    return json.dumps(found)
