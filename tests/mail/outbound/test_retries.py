"""Outbound mail when processes and databases fail, and several work at once: nothing is lost, little is duplicated."""

import asyncio
import os
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from clearline.clock import now
from clearline.mail.outbound import store as outbound_mail_store
from clearline.mail.outbound import worker as outbound_worker
from clearline.mail.outbound.domain import MailState
from clearline.platform.database.errors import DatabaseUnavailable
from clearline.platform.database.transactions import Database
from clearline.platform.work.claims import LEASE_SECONDS
from clearline.platform.work.runner import Runner
from clearline.retention.domain import Kind
from clearline.settings.settings import Settings
from tests.builders.databases import administer_server
from tests.builders.jobs import Clock, purge_job
from tests.builders.mail.outbox import eventually, read, until_received, until_state, working, write
from tests.builders.mail.smtp_server import MailServer, running
from tests.builders.people import Tenant
from tests.builders.processes import started
from tests.patience import stretched

PROCESS = """
import asyncio, sys
from clearline.clock import now
from clearline.mail.outbound.smtp import Connections, SmtpServer
from clearline.platform.database.transactions import Database, DatabaseUnavailable
from clearline.mail.outbound.worker import OutboundMailQueue
from clearline.platform.work.runner import Runner

async def main(url, smtp):
    database = await Database.open(url)
    connections = Connections(SmtpServer.parse(smtp), "support@example.net")
    await Runner([OutboundMailQueue(database, connections, now).job()]).run()

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(autouse=True)
async def _empty(database: Database) -> None:
    async with database.transaction() as tx:
        await tx.write("delete from outbound_mail")
        await tx.write("delete from mail_suppression")


async def test_several_processes_send_each_mail_once(database: Database, tenant: Tenant, database_url: str) -> None:
    ids = await write(database, tenant, 120)
    other = await Database.open(database_url)
    async with running() as server, working(database, server), working(other, server):
        await until_state(database, MailState.SENT, *ids)
    await other.close()
    assert len(server.received) == 120
    assert len({mail.message["Message-ID"] for mail in server.received}) == 120


async def test_mail_claimed_by_a_dead_process_is_sent_when_the_claim_expires(
    database: Database, tenant: Tenant, clock: Clock
) -> None:
    ids = await write(database, tenant, 3)
    at = now()
    async with database.transaction() as tx:
        until = at + timedelta(seconds=LEASE_SECONDS)
        claimed = await outbound_mail_store.claim(tx, limit=2, until=until, now=at)
    async with running() as server, working(database, server, clock):
        await until_received(server, 1)
        await asyncio.sleep(0.5)
        assert len(server.received) == 1
        async with database.transaction() as tx:
            await outbound_mail_store.renew(tx, claimed[:1], until=until + timedelta(seconds=60))
        clock.ahead += timedelta(seconds=LEASE_SECONDS + 1)
        await until_received(server, 2)
        await asyncio.sleep(0.5)
        assert len(server.received) == 2
        clock.ahead += timedelta(seconds=60)
        await until_state(database, MailState.SENT, *ids)


async def test_a_killed_process_loses_nothing_and_duplicates_have_the_same_id(
    database: Database, tenant: Tenant, database_url: str, clock: Clock
) -> None:
    ids = await write(database, tenant, 80)
    async with running() as server:
        server.delay = 0.02
        for count in (15, 40):
            command = [sys.executable, "-c", PROCESS, database_url, f"smtp://127.0.0.1:{server.port}"]
            environment = {**os.environ, "PYTHONPATH": str(Path(outbound_worker.__file__).parents[3])}
            with started(command, env=environment):
                await until_received(server, count, 20)
            await asyncio.sleep(stretched(0.1))  # wait until what it sent has arrived
            async with database.transaction() as tx:
                await tx.write("update outbound_mail set claimed_until = null where state = 'waiting'")
        server.delay = 0
        async with working(database, server, clock):
            await until_state(database, MailState.SENT, *ids)
    known = {(await read(database, mail_id)).message_id for mail_id in ids}
    arrived = Counter(str(mail.message["Message-ID"]) for mail in server.received)
    assert set(arrived) == known
    assert max(arrived.values()) <= 3
    assert sum(arrived.values()) - len(ids) <= 2 * outbound_worker.MAX_CONNECTIONS
    by_id: dict[str, set[bytes]] = {}
    for mail in server.received:
        by_id.setdefault(str(mail.message["Message-ID"]), set()).add(mail.raw)
    assert {len(bodies) for bodies in by_id.values()} == {1}


async def test_a_stopping_worker_finishes_its_mails_and_closes_its_connections(
    database: Database, tenant: Tenant
) -> None:
    ids = await write(database, tenant, 8)
    async with running() as server:
        server.delay = 0.1
        async with working(database, server):
            await until_received(server, 1)
        states = [(await read(database, mail_id)).state for mail_id in ids]
        assert states.count(MailState.SENT) == len(server.received) >= 1

        async def hung_up() -> bool:
            return server.open == 0

        await eventually(hung_up, 2)


async def test_a_database_failure_after_sending_causes_no_duplicate(
    database: Database, tenant: Tenant, postgres: str
) -> None:
    [mail_id] = await write(database, tenant)
    async with running() as server, working(database, server):
        server.delay = 0.5
        await eventually(lambda: _is_under_way(server))
        async with database.statement() as tx:
            name = await tx.fetchval("select current_database()")
        await administer_server(postgres, f"alter database {name} connection limit 0")
        end = f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'"  # noqa: S608
        await administer_server(postgres, end)
        await until_received(server, 1)
        await asyncio.sleep(0.5)
        await administer_server(postgres, f"alter database {name} connection limit -1")

        async def is_sent() -> bool:
            try:
                return (await read(database, mail_id)).state is MailState.SENT
            except DatabaseUnavailable:
                return False

        await eventually(is_sent)
        assert len(server.received) == 1


async def _is_under_way(server: MailServer) -> bool:
    return server.under_way > 0


async def test_the_settings_name_the_server_and_the_sender(database: Database, tenant: Tenant) -> None:
    async with running() as server:
        settings = Settings(smtp=f"smtp://127.0.0.1:{server.port}", mail_from="Störung <desk@exämple.net>")
        runner = Runner(outbound_worker.jobs(database, settings, now))
        task = asyncio.create_task(runner.run())
        await write(database, tenant)
        await until_received(server, 1)
        runner.stop()
        await task
    assert server.received[0].sender == "desk@xn--exmple-cua.net"


async def test_without_a_mail_server_there_is_no_queue(database: Database) -> None:
    assert outbound_worker.jobs(database, Settings(), now) == []
    with_server = outbound_worker.jobs(
        database, Settings(smtp="smtp://mail.example.net", mail_from="a@exämple.net"), now
    )
    assert [job.name for job in with_server] == [outbound_worker.NAME]
    async with database.transaction() as tx:
        await tx.write("update outbound_mail set finished_at = $1", now())
    assert await purge_job(database, Kind.OUTBOUND_MAIL, now).run() == 0


async def test_old_mail_is_deleted(database: Database, tenant: Tenant) -> None:
    [old, young] = await write(database, tenant, 2)
    async with database.transaction() as tx:
        for mail_id, days in ((old, 91), (young, 89)):
            at = now() - timedelta(days=days)
            await tx.write("update outbound_mail set state = 'sent', finished_at = $2 where id = $1", mail_id, at)
    assert await purge_job(database, Kind.OUTBOUND_MAIL, now).run() == 1
    async with database.statement() as tx:
        assert [await outbound_mail_store.get(tx, mail_id) is None for mail_id in (old, young)] == [True, False]
