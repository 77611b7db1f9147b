"""How connections are made: several servers, silent ones, and what is said of those that cannot be reached."""

import asyncio
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from clearline.platform.database import transactions
from clearline.platform.database.connection import Connector
from clearline.platform.database.errors import DatabaseUnavailable
from clearline.platform.database.horizon import HorizonMonitor
from clearline.platform.database.transactions import Database
from clearline.platform.postgres import embedded as embedded_postgres
from clearline.platform.work.runner import Runner
from clearline.schedule import database_jobs
from tests.builders.databases import reachable_dir
from tests.builders.postgres.networks import frozen, relay, silent_server
from tests.builders.processes import free_port
from tests.patience import patient, stretched


def over_tcp(database_url: str, hosts: str, parameters: str = "") -> str:
    """Return the address of a database at these hosts."""
    name = database_url.partition("@/")[2].partition("?")[0]
    return f"postgresql://clearline:hush-hush@{hosts}/{name}?sslmode=disable{parameters}"


async def test_a_silent_server_is_left_for_the_next_after_three_seconds(database_url: str) -> None:
    clock = asyncio.get_running_loop().time
    async with silent_server() as silent, relay(database_url) as port:
        began = clock()
        database = await Database.open(over_tcp(database_url, f"127.0.0.1:{silent},127.0.0.1:{port}"), size=3)
        assert 2.5 < clock() - began < stretched(6)
        began = clock()
        async with database.statement(), database.statement() as tx:
            assert await tx.fetchval("select 1") == 1
        assert clock() - began < stretched(2), "the one that answered is tried first"
        await database.close()


async def test_the_time_for_one_server_can_be_set(database_url: str) -> None:
    clock = asyncio.get_running_loop().time
    async with silent_server() as silent:
        began = clock()
        with pytest.raises(DatabaseUnavailable, match="does not answer within 1 s"):
            await Database.open(over_tcp(database_url, f"127.0.0.1:{silent}", "&connect_timeout=1"))
        assert clock() - began < stretched(2.5)


async def test_a_server_that_may_not_write_is_left_for_the_next(database_url: str) -> None:
    async with relay(database_url) as port:
        url = over_tcp(database_url, f"127.0.0.1:{port}", "&target_session_attrs=standby")
        with pytest.raises(DatabaseUnavailable, match="is not the standby that the address asks for"):
            await Database.open(url)


async def test_a_silent_network_ends_a_connection(database_url: str) -> None:
    async with relay(database_url) as port:
        connection = await Connector(over_tcp(database_url, f"127.0.0.1:{port}")).connect(seconds=5)
        found = connection._transport.get_extra_info("socket")  # noqa: SLF001
        options = [socket.TCP_USER_TIMEOUT, socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT]
        assert found.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert [found.getsockopt(socket.IPPROTO_TCP, option) for option in options] == [10_000, 10, 3, 3]
        await connection.close()


async def test_the_error_names_every_server_and_no_password(database_url: str) -> None:
    one, other = free_port(), free_port()
    with pytest.raises(DatabaseUnavailable) as failed:
        await Database.open(over_tcp(database_url, f"127.0.0.1:{one},127.0.0.1:{other}"))
    advice = "cannot be reached (Connection refused): start PostgreSQL there, or correct CLEARLINE_DATABASE_URL"
    assert str(failed.value) == (
        f"the database at 127.0.0.1:{one} {advice}; the database at 127.0.0.1:{other} {advice}"
    )


@pytest.fixture
def two_servers() -> Iterator[list[tuple[Path, str]]]:
    """The directories and sockets of two PostgreSQL servers."""
    folders = [reachable_dir("clearline-pair-") for _ in range(2)]
    servers = [embedded_postgres.start(folder / "data") for folder in folders]
    yield [(folder / "data", server.url.partition("host=")[2]) for folder, server in zip(folders, servers, strict=True)]
    for folder, server in zip(folders, servers, strict=True):
        server.stop()
        shutil.rmtree(folder)


async def test_a_frozen_primary_is_left_within_seconds(two_servers: list[tuple[Path, str]]) -> None:
    (first, one), (_second, other) = two_servers
    database = await Database.open(f"postgresql://clearline@/clearline?host={one},{other}")
    runner = Runner(database_jobs(database, HorizonMonitor(database)))
    running = asyncio.create_task(runner.run())
    where = "select pg_postmaster_start_time()"
    async with database.statement() as tx, database.statement() as second:
        before = await tx.fetchval(where)
        assert await second.fetchval(where) == before
    clock = asyncio.get_running_loop().time
    with frozen(first):
        began, after = clock(), None
        async with asyncio.timeout(patient(20)):
            while after is None:
                try:
                    async with database.statement() as tx:
                        after = await tx.fetchval(where)
                except DatabaseUnavailable:
                    await asyncio.sleep(0.1)
        assert after != before
        assert clock() - began < stretched(10)
        began = clock()
        async with database.statement() as tx, database.statement() as second:
            assert await tx.fetchval(where) == after
            assert await second.fetchval(where) == after
        assert clock() - began < stretched(2), "no connection to the frozen one is left"
    runner.stop()
    await running
    await database.close()


async def test_a_long_statement_on_a_server_that_answers_goes_on(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transactions, "SILENT_SECONDS", 0.2)
    database = await Database.open(database_url, size=3)

    async def sleep() -> str:
        async with database.statement() as tx:
            return str(await tx.fetchval("select pg_sleep(1)::text || 'slept'"))

    sleeping = asyncio.create_task(sleep())
    await asyncio.sleep(0.4)
    assert await database.leave_silent_server() == 0
    assert await sleeping == "slept"
    await database.close()
