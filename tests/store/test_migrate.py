import asyncio
from collections.abc import AsyncIterator

import pytest

from clearline.store import migrate
from clearline.store.db import Database
from clearline.store.migrate import SchemaTooNew
from tests.conftest import new_database


@pytest.fixture
async def empty(postgres: str) -> AsyncIterator[Database]:
    async with new_database(postgres, migrated=False) as url:
        database = await Database.open(url)
        yield database
        await database.close()


async def stored(database: Database) -> list[int]:
    async with database.statement() as tx:
        return [row[0] for row in await tx.fetch("select number from schema_migration order by number")]


def test_the_files_are_numbered_from_one_without_gaps() -> None:
    found = migrate.known()
    assert [one.number for one in found] == list(range(1, len(found) + 1))
    assert all(one.sql.lstrip().startswith("-- Why:") for one in found)


async def test_two_servers_that_migrate_at_once_apply_each_file_once(empty: Database) -> None:
    first, second = await asyncio.gather(migrate.migrate(empty), migrate.migrate(empty))
    assert sorted(first + second) == migrate.known()
    assert [] in (first, second)
    assert await stored(empty) == [one.number for one in migrate.known()]


async def test_an_empty_database_lacks_every_migration_and_a_migrated_one_lacks_none(empty: Database) -> None:
    assert await migrate.applied(empty) == 0
    assert await migrate.pending(empty) == migrate.known()
    assert await migrate.migrate(empty) == migrate.known()
    assert await migrate.applied(empty) == migrate.known()[-1].number
    assert await migrate.pending(empty) == []
    assert await migrate.migrate(empty) == []


async def test_a_database_of_a_newer_clearline_is_refused_and_left_alone(empty: Database) -> None:
    await migrate.migrate(empty)
    async with empty.statement() as tx:
        await tx.write("insert into schema_migration values (9999, 'from_the_future', now())")
    before = await stored(empty)
    with pytest.raises(SchemaTooNew, match="9999"):
        await migrate.pending(empty)
    with pytest.raises(SchemaTooNew, match="9999"):
        await migrate.migrate(empty)
    assert await stored(empty) == before
