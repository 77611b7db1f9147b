"""Servers of an older version go on with a database that a newer one migrated, when its migrations are compatible."""

import asyncio
import json
from collections.abc import AsyncIterator

import asyncpg
import pytest

from clearline.events import store as event_store
from clearline.platform.database import migrate
from clearline.platform.database.errors import StatementFailed
from clearline.platform.database.migrate import Migration, Schema, SchemaTooNew
from clearline.platform.database.transactions import Database
from clearline.settings.settings import Settings
from tests.builders.application import run_command, run_json, run_text, serving
from tests.builders.databases import administer, new_database
from tests.patience import patient

KNOWN = migrate.known()
NEWEST = KNOWN[-1].number
EXPAND = Migration(
    NEWEST + 1,
    "expand",
    "-- Compatible: yes, because older servers name the columns that they write.\n"
    "alter table ticket add column made_up text;",
)
CONTRACT = Migration(
    NEWEST + 2,
    "contract",
    f"-- Compatible: since {NEWEST + 1:04d}, because servers that know it no longer read the column.\n"
    "alter table ticket drop column made_up;",
)
BREAKING = Migration(NEWEST + 3, "breaking", "-- Compatible: no\ncreate table made_up (id integer);")

BEFORE = (
    f"not compatible with older versions, whose servers will not be ready any more: {CONTRACT.label}, {BREAKING.label}"
)
AFTER = (
    "servers of older versions are not ready any more, and have to be stopped, since: "
    f"{CONTRACT.label}, {BREAKING.label}"
)


@pytest.fixture
async def url(postgres: str) -> AsyncIterator[str]:
    async with new_database(postgres) as url:
        yield url


@pytest.fixture
async def desk(url: str) -> AsyncIterator[Database]:
    database = await Database.open(url)
    yield database
    await database.close()


@pytest.fixture
def newer(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Give the code more migrations, as a newer version has; ``undo`` makes it the older one again."""
    monkeypatch.setattr(migrate, "known", lambda: [*KNOWN, EXPAND, CONTRACT, BREAKING])
    return monkeypatch


async def store(url: str, migration: Migration) -> None:
    """Store that a newer server applied a migration."""
    since = "null" if migration.compatible_since is None else migration.compatible_since
    values = f"{migration.number}, '{migration.name}', now(), {since}"
    await administer(url, f"insert into schema_migration values ({values})")  # noqa: S608


@pytest.mark.parametrize(
    ("sql", "since"),
    [
        ("-- Why: x\n-- Compatible: yes\n", 0),
        ("-- Why: x\n-- Compatible: yes, because nothing reads it.\n", 0),
        ("-- Compatible: since 0073, because later servers do not read it.\n", 73),
        ("-- Compatible: no\n", None),
        ("-- Compatible: no, older servers write the old column.\n", None),
        ("-- Why: x\n", None),
        ("-- Compatible: yesterday\n", None),
        ("-- Compatible: since the last release\n", None),
    ],
)
def test_a_migration_says_which_servers_work_with_it(sql: str, since: int | None) -> None:
    assert Migration(1, "made_up", sql).compatible_since == since


async def test_an_older_server_works_with_what_is_compatible_and_with_nothing_else(desk: Database, url: str) -> None:
    assert await migrate.schema(desk) == Schema(NEWEST, [], None)
    await store(url, EXPAND)
    assert await migrate.schema(desk) == Schema(NEWEST + 1, [EXPAND.label], None)
    assert await migrate.pending(desk) == []
    assert await migrate.migrate(desk, afterwards=event_store.renumber) == [], "it can also be started again"
    await store(url, CONTRACT)
    assert await migrate.schema(desk) == Schema(NEWEST + 2, [EXPAND.label, CONTRACT.label], CONTRACT.label)
    with pytest.raises(SchemaTooNew, match=f"{CONTRACT.label} is not compatible"):
        await migrate.pending(desk)
    with pytest.raises(SchemaTooNew, match=f"{CONTRACT.label} is not compatible"):
        await migrate.migrate(desk, afterwards=event_store.renumber)


async def test_a_server_that_knows_the_expansion_works_with_the_contraction(
    desk: Database, url: str, newer: pytest.MonkeyPatch
) -> None:
    newer.setattr(migrate, "known", lambda: [*KNOWN, EXPAND])
    await store(url, EXPAND)
    await store(url, CONTRACT)
    assert await migrate.pending(desk) == []
    await store(url, BREAKING)
    with pytest.raises(SchemaTooNew, match=BREAKING.label):
        await migrate.pending(desk)


async def test_only_a_backup_refuses_what_is_compatible(desk: Database, url: str) -> None:
    """It counts what it knows, and says which version can restore it."""
    assert await migrate.require_known(desk) == NEWEST
    await store(url, EXPAND)
    with pytest.raises(SchemaTooNew, match=f"at migration {NEWEST + 1:04d}"):
        await migrate.require_known(desk)


async def test_the_table_of_an_earlier_release_learns_what_is_compatible(desk: Database, url: str) -> None:
    await administer(url, "alter table schema_migration drop column compatible_since")
    assert await migrate.schema(desk) == Schema(NEWEST, [], None)
    await administer(url, "insert into schema_migration values (9999, 'of_an_earlier_release', now())")
    assert (await migrate.schema(desk)).incompatible == "9999_of_an_earlier_release"
    await administer(url, "delete from schema_migration where number = 9999")
    assert await migrate.migrate(desk, afterwards=event_store.renumber) == []
    await store(url, EXPAND)
    assert await migrate.pending(desk) == []


async def test_breaking_migrations_are_announced_before_and_after(desk: Database, newer: pytest.MonkeyPatch) -> None:
    told: list[migrate.Announcement] = []
    applied = await migrate.migrate(desk, afterwards=event_store.renumber, announce=told.append)
    assert applied == [EXPAND, CONTRACT, BREAKING]
    assert [announcement.text for announcement in told] == [BEFORE, AFTER]
    failing = BREAKING._replace(number=NEWEST + 4, sql="-- Compatible: no\nselect 1 / 0;")
    newer.setattr(migrate, "known", lambda: [*KNOWN, EXPAND, CONTRACT, BREAKING, failing])
    told.clear()
    with pytest.raises(StatementFailed):
        await migrate.migrate(desk, afterwards=event_store.renumber, announce=told.append)
    assert [announcement.is_before for announcement in told] == [True]


async def test_a_new_desk_has_no_older_servers_to_warn(postgres: str) -> None:
    told: list[migrate.Announcement] = []
    async with new_database(postgres, migrated=False) as empty:
        database = await Database.open(empty)
        await migrate.migrate(database, afterwards=event_store.renumber, announce=told.append)
        await database.close()
    assert told == []


async def test_requests_do_not_wait_for_long_while_a_compatible_migration_waits_for_its_locks(
    desk: Database, url: str, newer: pytest.MonkeyPatch
) -> None:
    """As behind a backup, which reads the table for minutes: a request must not queue behind the migration."""
    newer.setattr(migrate, "known", lambda: [*KNOWN, EXPAND])
    newer.setattr(migrate, "_LOCK_MILLISECONDS", 200)
    newer.setattr(migrate, "_PAUSE_SECONDS", 0.2)
    backup, request = await asyncpg.connect(url), await asyncpg.connect(url)
    reading = backup.transaction()
    await reading.start()
    await backup.fetch("select number from ticket limit 1")
    migrating = asyncio.create_task(migrate.migrate(desk, afterwards=event_store.renumber))
    async with asyncio.timeout(patient(20)):
        while not await request.fetchval("select count(*) from pg_locks where not granted"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await request.fetch("select number from ticket limit 1")
    assert not migrating.done()
    await reading.commit()
    async with asyncio.timeout(patient(20)):
        assert await migrating == [EXPAND]
    await backup.close()
    await request.close()


async def test_a_compatible_migration_that_gets_no_lock_changes_nothing(
    desk: Database, url: str, newer: pytest.MonkeyPatch
) -> None:
    newer.setattr(migrate, "known", lambda: [*KNOWN, EXPAND])
    newer.setattr(migrate, "_LOCK_MILLISECONDS", 50)
    newer.setattr(migrate, "_PAUSE_SECONDS", 0)
    newer.setattr(migrate, "_ATTEMPTS", 3)
    backup = await asyncpg.connect(url)
    async with backup.transaction():
        await backup.fetch("select number from ticket limit 1")
        with pytest.raises(migrate.MigrationBlocked):
            await migrate.migrate(desk, afterwards=event_store.renumber)
    await backup.close()
    assert await migrate.applied(desk) == NEWEST


async def test_an_older_server_stays_ready_until_a_breaking_migration_and_says_which(url: str) -> None:
    async with serving(Settings(database_url=url, workers=False, access_log=False)) as client:
        await store(url, EXPAND)
        answer = await client.get("/readyz")
        assert (answer.status_code, answer.json()) == (200, {"status": "ready"})
        await store(url, BREAKING)
        answer = await client.get("/readyz")
        assert (answer.status_code, answer.json()) == (
            503,
            {
                "status": "database newer than this server",
                "detail": f"{BREAKING.label} is not compatible with this version",
            },
        )


async def test_commands_of_the_older_version_go_on_and_the_doctor_says_why(url: str) -> None:
    await store(url, EXPAND)
    assert run_json(url, "company", "add", "Birch Telecom", "--code", "BIR001")["code"] == "BIR001"
    checks = {check["name"]: check for check in run_json(url, "doctor")["checks"]}
    assert checks["migrations"]["detail"] == (
        f"all are applied, and of a newer version, compatible with this one: {EXPAND.label}"
    )
    assert run_json(url, "migrate") == {"applied": [], "breaking": []}
    await store(url, BREAKING)
    for command in (("company", "list"), ("migrate",), ("migrate", "--dry-run")):
        refused = run_command(url, *command)
        assert refused.exit_code == 4
        assert f"{BREAKING.label} is not compatible" in refused.stderr
    report = run_command(url, "doctor", "--json")
    assert report.exit_code == 3
    [failed] = [check for check in json.loads(report.stdout)["checks"] if not check["ok"]]
    assert failed["name"] == "migrations"
    assert f"{BREAKING.label} is not compatible" in failed["detail"]


@pytest.mark.usefixtures("newer")
async def test_the_command_says_what_is_breaking_before_it_is_applied(url: str) -> None:
    assert run_text(url, "migrate", "--dry-run").splitlines() == [
        f"{EXPAND.label}: compatible",
        f"{CONTRACT.label}: breaking",
        f"{BREAKING.label}: breaking",
        "Servers of older versions will not be ready any more: stop them before.",
    ]
    missing = {
        "pending": [EXPAND.label, CONTRACT.label, BREAKING.label],
        "breaking": [CONTRACT.label, BREAKING.label],
    }
    assert run_json(url, "migrate", "--dry-run") == missing
    applied = run_command(url, "migrate", "--json")
    assert json.loads(applied.stdout) == {"applied": missing["pending"], "breaking": missing["breaking"]}
    said = [f"{text[0].upper()}{text[1:]}." for text in (BEFORE, AFTER)]
    assert applied.stderr.splitlines() == said
    assert run_json(url, "migrate", "--dry-run") == {"pending": [], "breaking": []}
    assert run_text(url, "migrate", "--dry-run") == "The database is up to date.\n"


async def test_the_command_says_that_compatible_migrations_need_no_stop(url: str, newer: pytest.MonkeyPatch) -> None:
    newer.setattr(migrate, "known", lambda: [*KNOWN, EXPAND])
    assert run_text(url, "migrate", "--dry-run").splitlines() == [
        f"{EXPAND.label}: compatible",
        "Servers of the version before work with the migrated database: upgrade them one after the other.",
    ]
    applied = run_command(url, "migrate", "--json")
    assert (json.loads(applied.stdout), applied.stderr) == ({"applied": [EXPAND.label], "breaking": []}, "")
