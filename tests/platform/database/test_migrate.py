import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from clearline.events import store as event_store
from clearline.platform.database import migrate
from clearline.platform.database.migrate import MigrationBlocked, SchemaTooNew
from clearline.platform.database.transactions import Database
from tests.builders.databases import new_database


@pytest.fixture
async def empty(postgres: str) -> AsyncIterator[Database]:
    async with new_database(postgres, migrated=False) as url:
        database = await Database.open(url)
        yield database
        await database.close()


async def stored_numbers(database: Database) -> list[int]:
    async with database.statement() as tx:
        return [row[0] for row in await tx.fetch("select number from schema_migration order by number")]


def test_the_files_are_numbered_from_one_without_gaps() -> None:
    migrations = migrate.known()
    assert [migration.number for migration in migrations] == list(range(1, len(migrations) + 1))
    assert all(migration.sql.lstrip().startswith("-- Why:") for migration in migrations)


async def test_two_servers_that_migrate_at_once_apply_each_file_once(empty: Database) -> None:
    first, second = await asyncio.gather(
        migrate.migrate(empty, afterwards=event_store.renumber), migrate.migrate(empty, afterwards=event_store.renumber)
    )
    assert sorted(first + second) == migrate.known()
    assert [] in (first, second)
    assert await stored_numbers(empty) == [migration.number for migration in migrate.known()]


async def test_an_empty_database_lacks_every_migration_and_a_migrated_one_lacks_none(empty: Database) -> None:
    assert await migrate.applied(empty) == 0
    assert await migrate.pending(empty) == migrate.known()
    assert await migrate.migrate(empty, afterwards=event_store.renumber) == migrate.known()
    assert await migrate.applied(empty) == migrate.known()[-1].number
    assert await migrate.pending(empty) == []
    assert await migrate.migrate(empty, afterwards=event_store.renumber) == []


async def test_a_database_of_a_newer_clearline_is_refused_and_left_alone(empty: Database) -> None:
    await migrate.migrate(empty, afterwards=event_store.renumber)
    async with empty.statement() as tx:
        await tx.write("insert into schema_migration values (9999, 'from_the_future', now())")
    before = await stored_numbers(empty)
    with pytest.raises(SchemaTooNew, match="9999"):
        await migrate.pending(empty)
    with pytest.raises(SchemaTooNew, match="9999"):
        await migrate.migrate(empty, afterwards=event_store.renumber)
    assert await stored_numbers(empty) == before


TICKET = """
    insert into ticket (company_id, title, description, issue_type, service_type, service_id, severity, impact,
                        priority, status, contact_name, contact_phone, contact_email, channel, created_at, updated_at,
                        status_changed_at)
    select id, 'Port is slow', 'Since 08:00 UTC', 'Others', 'Port', 'NET-1', 'minor', 'down', 'low', 'acknowledged', '',
           '', 'ada@example.com', 'API', now(), now(), now() from company;
"""
FIRST_DATA = """
    insert into company values (gen_random_uuid(), '{name}', 'BIR001', now());
    {ticket}
    insert into event (company_id, at, type, ticket_number, actor_name, data)
    select company_id, now(), 'ticket.created', number, 'Ada', '{{}}' from ticket;
"""


@asynccontextmanager
async def of_the_first_release(postgres: str, name: str) -> AsyncIterator[tuple[Database, str]]:
    """Yield a database with only the first migration, and data of that schema."""
    async with new_database(postgres, migrated=False) as url:
        connection = await asyncpg.connect(url)
        await connection.execute(migrate.known()[0].sql)
        await connection.execute("create table schema_migration (number integer, name text, applied_at timestamptz)")
        await connection.execute("insert into schema_migration values (1, 'foundation', now())")
        await connection.execute(FIRST_DATA.format(name=name, ticket=TICKET))
        await connection.close()
        database = await Database.open(url)
        yield database, url
        await database.close()


@pytest.mark.parametrize("name", ["Birch Telecom", "Provider", "PROVIDER"])
async def test_data_of_the_first_release_is_migrated(postgres: str, name: str) -> None:
    async with of_the_first_release(postgres, name) as (database, _url):
        await migrate.migrate(database, afterwards=event_store.renumber)
        async with database.statement() as tx:
            assert await tx.fetchval("select count(*) from ticket where tags = '{}' and queue_id is null") == 1
            assert await tx.fetchval("select name from company where not is_provider") == name
            assert await tx.fetchval("select count(*) from company where is_provider") == 1
            assert await tx.fetchval("select count(*) from consumer where name = 'routing'") == 1


async def test_a_migration_is_refused_while_a_server_of_the_first_release_has_a_transaction(postgres: str) -> None:
    async with of_the_first_release(postgres, "Birch Telecom") as (database, url):
        old = await asyncpg.connect(url)
        work = old.transaction()
        await work.start()
        await old.fetch("select key from idempotency_key")
        with pytest.raises(MigrationBlocked, match="stop every older server"):
            await migrate.migrate(database, afterwards=event_store.renumber)
        await old.execute(TICKET)
        await work.commit()
        await old.close()
        applied = await migrate.migrate(database, afterwards=event_store.renumber)
        assert [migration.name for migration in applied][:3] == ["desk", "events_out", "mail_of_notes"]
        assert applied == migrate.known()[1:]
