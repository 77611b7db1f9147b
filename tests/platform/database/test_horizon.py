"""A forgotten transaction is named: what follows from events waits for it."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from clearline.events import store as event_store
from clearline.platform.database import horizon, migrate
from clearline.platform.database.horizon import HorizonMonitor, oldest_transaction
from clearline.platform.database.session import TIME_LIMITS
from clearline.platform.database.transactions import Database
from clearline.platform.postgres import embedded as embedded_postgres
from clearline.settings import Settings
from tests.builders.application import run_command, serving
from tests.builders.databases import administer, administer_server, reachable_dir
from tests.patience import patient


@pytest.fixture(scope="module")
def own_server() -> Iterator[str]:
    """A PostgreSQL of its own, where transactions can be prepared: an open one stops every other database."""
    folder = reachable_dir("clearline-horizon-")
    server = embedded_postgres.start(folder / "data")
    asyncio.run(administer_server(server.url, "alter system set max_prepared_transactions = 2"))
    asyncio.run(administer_server(server.url, "create database other"))
    server.stop()
    server = embedded_postgres.start(folder / "data")
    yield server.url
    server.stop()
    shutil.rmtree(folder)


@pytest.fixture
async def own_database(own_server: str) -> AsyncIterator[Database]:
    database = await Database.open(own_server)
    await migrate.migrate(database, afterwards=event_store.renumber)
    yield database
    await database.close()


@asynccontextmanager
async def forgotten(url: str) -> AsyncIterator[Any]:
    """Open a transaction in another database as another role, and leave it open."""
    connection = await asyncpg.connect(url.replace("clearline@/clearline", "postgres@/other"))
    try:
        await connection.execute("begin; select pg_current_xact_id()")
        yield connection
    finally:
        await connection.close()


async def test_a_transaction_in_another_database_of_another_role_is_named(
    own_server: str, own_database: Database
) -> None:
    async with own_database.statement() as tx:
        assert await oldest_transaction(tx) is None
    async with forgotten(own_server) as connection, own_database.statement() as tx:
        oldest = await oldest_transaction(tx)
        assert oldest is not None
        assert (oldest.pid, oldest.gid) == (connection.get_server_pid(), None)
        assert (oldest.database, oldest.user) == ("other", "postgres")
        assert f"select pg_terminate_backend({oldest.pid})" in oldest.text(7)


async def test_a_prepared_transaction_is_named(own_server: str, own_database: Database) -> None:
    await administer(own_server, "begin; select pg_current_xact_id(); prepare transaction 'left by a manager'")
    async with own_database.statement() as tx:
        oldest = await oldest_transaction(tx)
    await administer(own_server, "rollback prepared 'left by a manager'")
    assert oldest is not None
    assert (oldest.pid, oldest.gid, oldest.database, oldest.user) == (
        None, "left by a manager", "clearline", "clearline",
    )  # fmt: skip
    assert oldest.seconds is not None
    assert "rollback prepared 'left by a manager'" in oldest.text(7)


async def test_the_monitor_names_it_as_long_as_it_lasts(
    own_server: str, own_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(horizon, "PATIENCE_SECONDS", 0.2)
    monitor = HorizonMonitor(own_database)
    async with forgotten(own_server):
        assert (await monitor.check(), monitor.blocker) == (0, None)
        await asyncio.sleep(0.3)
        assert await monitor.check() == 1
        assert monitor.blocker is not None
        assert "database other, user postgres" in monitor.blocker
    async with asyncio.timeout(patient(5)):
        while await monitor.check():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.05)
    assert monitor.blocker is None


@pytest.mark.usefixtures("own_database")
async def test_readyz_and_doctor_name_it_within_ten_seconds(own_server: str) -> None:
    settings = Settings(database_url=own_server, access_log=False)
    async with serving(settings) as client, forgotten(own_server) as connection:
        detail = ""
        async with asyncio.timeout(patient(10)):
            while not detail:
                answer = await client.get("/readyz")
                assert (answer.status_code, answer.json()["status"]) == (200, "ready")
                detail = answer.json().get("detail", "")
                await asyncio.sleep(0.2)
        assert detail.startswith(
            f"the transaction of process {connection.get_server_pid()} (database other, user postgres"
        )
    async with forgotten(own_server) as connection:
        report = await asyncio.to_thread(run_command, own_server, "doctor", "--json")
        assert report.exit_code == 3
        failed = {check["name"]: check["detail"] for check in json.loads(report.stdout)["checks"] if not check["ok"]}
        assert f"process {connection.get_server_pid()} (database other, user postgres" in failed["transactions"]


async def test_an_idle_transaction_of_ours_ends_by_itself(own_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert TIME_LIMITS["idle_in_transaction_session_timeout"] == "60s"
    monkeypatch.setitem(TIME_LIMITS, "idle_in_transaction_session_timeout", "200ms")
    database = await Database.open(own_server, size=1)
    connection = await database._pool.borrow()  # noqa: SLF001 - a process that hangs in a transaction
    await connection.execute("begin; select pg_current_xact_id()")
    async with asyncio.timeout(patient(5)):
        while not connection.is_closed():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.05)
    database._pool.give_back(connection, broken=True)  # noqa: SLF001
    async with database.statement() as tx:
        assert await oldest_transaction(tx) is None
    await database.close()
