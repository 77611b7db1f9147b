"""The event stream as Server-Sent Events."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
import structlog

from clearline import app
from clearline.accounts import key_usecases as keys
from clearline.accounts import usecases as accounts
from clearline.event_stream import usecases as stream
from clearline.event_stream.event_signal import EventSignal
from clearline.identity import OPERATOR, Role
from clearline.platform.database.transactions import Database
from clearline.settings.settings import Settings
from clearline.wires.http import event_stream as events
from clearline.wires.http.limits import OpenStreams, TooManyStreams
from tests.builders.application import serving
from tests.builders.databases import administer, new_database
from tests.builders.house import TICKETS, Headers, new_ticket, problem
from tests.builders.jobs import set_clock
from tests.builders.people import NOW, Tenant, new_tenant, staff_key
from tests.builders.streams import EVENTS, OpenStream, open_stream
from tests.patience import patient, stretched


@pytest.fixture(scope="module")
async def admin(database: Database) -> Headers:
    return await staff_key(database, Role.ADMIN)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let streams check their key, and send heartbeats, ten times a second."""
    monkeypatch.setattr(events, "RECHECK_SECONDS", 0.1)
    monkeypatch.setattr(events, "HEARTBEAT_SECONDS", 0.1)


def tickets(reader: OpenStream) -> list[str]:
    return [block.data["ticket"] for block in reader.received if block.type]


async def test_events_arrive_as_they_happen(client: httpx.AsyncClient, tenant: Tenant) -> None:
    before = (await new_ticket(client, tenant))["number"]
    async with open_stream(client, tenant.headers) as reader:
        assert (reader.status, reader.headers["content-type"]) == (200, "text/event-stream")
        assert (reader.headers["cache-control"], reader.headers["x-accel-buffering"]) == ("no-store", "no")
        numbers = [(await new_ticket(client, tenant))["number"] for _ in range(3)]
        note = {"text": "Still down"}
        added = await client.post(f"{TICKETS}/{numbers[0]}/notes", headers=tenant.headers, json=note)
        received = await reader.events(4)
        assert [block.type for block in received] == ["ticket.created"] * 3 + ["note.added"]
        assert [block.data["ticket"] for block in received] == [*numbers, numbers[0]]
        assert before not in tickets(reader)
        assert received[3].data["note"] == added.json()["id"]
        assert [block.id for block in received] == [block.data["cursor"] for block in received]
    page = await client.get(EVENTS, headers=tenant.headers, params={"after": received[0].id})
    assert page.json()["data"] == [block.data for block in received[1:]]


async def test_a_client_that_reconnects_continues_after_its_last_event(
    client: httpx.AsyncClient, tenant: Tenant
) -> None:
    async with open_stream(client, tenant.headers) as first:
        received_number = (await new_ticket(client, tenant))["number"]
        [received] = await first.events(1)
    missed = (await new_ticket(client, tenant))["number"]
    async with open_stream(client, tenant.headers, last=received.id) as second:
        await second.events(1)
        assert tickets(second) == [missed]
    async with open_stream(client, tenant.headers, f"after={received.id}") as third:
        await third.events(1)
        assert tickets(third) == [missed]
    async with open_stream(client, tenant.headers, "after=0-0-0", last=received.id) as fourth:
        await fourth.events(1)
        assert tickets(fourth) == [missed], "a browser repeats the address it began with"
    async with open_stream(client, tenant.headers, "after=0-0-0") as from_start:
        assert {received_number, missed} <= {block.data["ticket"] for block in await from_start.events(3)}


async def test_a_client_that_received_nothing_yet_can_continue_too(client: httpx.AsyncClient, tenant: Tenant) -> None:
    async with open_stream(client, tenant.headers) as first:
        [initial] = first.received
        assert (initial.type, initial.data) == ("", {})
    missed = (await new_ticket(client, tenant))["number"]
    async with open_stream(client, tenant.headers, last=initial.id) as second:
        await second.events(1)
        assert tickets(second) == [missed]


async def test_each_reader_receives_what_it_asked_for_and_may_see(
    client: httpx.AsyncClient, tenant: Tenant, other_tenant: Tenant, admin: Headers
) -> None:
    code = tenant.company.code
    async with (
        open_stream(client, tenant.headers) as own_stream,
        open_stream(client, other_tenant.headers) as theirs,
        open_stream(client, admin) as staff_stream,
        open_stream(client, admin, f"company={code}&type=note.") as notes,
    ):
        number = (await new_ticket(client, tenant))["number"]
        for visibility in ("internal", "public"):
            note = {"text": "Looking", "visibility": visibility}
            await client.post(f"{TICKETS}/{number}/notes", headers=admin, json=note)
        foreign = (await new_ticket(client, other_tenant))["number"]
        assert [block.type for block in await own_stream.events(2)] == ["ticket.created", "note.added"]
        assert [block.data["ticket"] for block in await theirs.events(1)] == [foreign]
        types = [block.type for block in await staff_stream.events(4) if block.type in {"ticket.created", "note.added"}]
        assert types == ["ticket.created", "note.added", "note.added", "ticket.created"]
        visible = [block.data["data"]["visibility"] for block in await notes.events(2)]
        assert visible == ["internal", "public"]
        assert {block.data["company"] for block in own_stream.received if block.type} == {str(tenant.company.id)}


@pytest.mark.usefixtures("quick")
async def test_a_silent_stream_sends_heartbeats_with_its_cursor(client: httpx.AsyncClient, tenant: Tenant) -> None:
    async with open_stream(client, tenant.headers, "type=note.") as reader:
        await new_ticket(client, tenant)
        async with asyncio.timeout(patient(5)):
            while len([block for block in reader.received if block.id]) < 2 or len(reader.received) < 4:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert not [block for block in reader.received if block.type]
        assert len([block for block in reader.received if not block.id]) >= 1
        first, last = [block.id for block in reader.received if block.id]
    first_cursor, last_cursor = stream.parse_cursor(first), stream.parse_cursor(last)
    assert first_cursor is not None
    assert last_cursor is not None
    assert first_cursor.offset < last_cursor.offset


@pytest.mark.usefixtures("quick")
async def test_heartbeats_go_on_after_the_clock_was_set_back(
    client: httpx.AsyncClient, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_stream(client, tenant.headers) as reader:
        set_clock(monkeypatch, timedelta(hours=-1))
        before = len(reader.received)
        async with asyncio.timeout(patient(5)):
            while len(reader.received) < before + 3:  # noqa: ASYNC110 - nothing signals it
                await asyncio.sleep(0.05)


async def test_events_of_others_do_not_stop_the_heartbeats(
    client: httpx.AsyncClient, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "HEARTBEAT_SECONDS", 0.5)
    async with open_stream(client, tenant.headers, "type=note.") as reader:
        for _ in range(12):
            await new_ticket(client, tenant)
            await asyncio.sleep(0.1)
        assert len(reader.received) >= 2
        assert not [block for block in reader.received if block.type]


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("how", ["revoked", "expired", "inactive", "demoted"])
async def test_a_stream_ends_soon_after_its_key(client: httpx.AsyncClient, database: Database, how: str) -> None:
    tenant = await new_tenant(database, lifetime=timedelta(seconds=stretched(1.5)) if how == "expired" else None)
    async with open_stream(client, tenant.headers) as reader:
        await new_ticket(client, tenant)
        await reader.events(1)
        assert not reader.ended.is_set()
        async with database.transaction() as tx:
            company = tenant.company.id
            if how == "revoked":
                [key] = await keys.list_keys(tx, OPERATOR, company)
                await keys.revoke_key(tx, OPERATOR, company, key.id, now=NOW)
            elif how != "expired":
                values: dict[str, Any] = {"is_active": False} if how == "inactive" else {"role": Role.CUSTOMER_ADMIN}
                await accounts.change_user(tx, OPERATOR, company, tenant.user.id, values, now=NOW)
        await asyncio.wait_for(reader.ended.wait(), patient(5))


@pytest.mark.usefixtures("quick")
async def test_the_streams_of_a_key_are_limited_and_closing_one_allows_another(
    client: httpx.AsyncClient, tenant: Tenant, other_tenant: Tenant
) -> None:
    async with AsyncExitStack() as stack:
        first = open_stream(client, tenant.headers)
        await first.__aenter__()
        for _ in range(19):
            await stack.enter_async_context(open_stream(client, tenant.headers))
        refused = await client.get(EVENTS, headers={**tenant.headers, "Accept": "text/event-stream"})
        body = problem(refused, "quota-exceeded")
        assert body["detail"] == "20 streams of this key are open already; close one, or try again in 10 seconds"
        assert refused.headers["retry-after"] == "10"
        lines = await client.get(EVENTS, headers={**tenant.headers, "Accept": "application/x-ndjson"})
        problem(lines, "quota-exceeded")
        assert (await client.get(EVENTS, headers=tenant.headers)).status_code == 200, "a page is no stream"
        async with open_stream(client, other_tenant.headers) as another:
            assert another.status == 200
        await first.__aexit__(None, None, None)
        async with open_stream(client, tenant.headers) as again:
            assert again.status == 200


def test_the_streams_of_a_process_are_limited() -> None:
    streams = OpenStreams(per_key=2, in_all=3)
    first, second = uuid4(), uuid4()
    with streams.count(first), streams.count(first), streams.count(second):
        assert streams.open == 3
        for key, whose in ((first, "2 streams of this key are"), (second, "3 streams are")):
            with pytest.raises(TooManyStreams, match=whose), streams.count(key):
                pass
    assert streams.open == 0
    with streams.count(first):
        assert streams.open == 1


async def test_a_slow_client_misses_nothing_and_delays_no_other(client: httpx.AsyncClient, tenant: Tenant) -> None:
    async with open_stream(client, tenant.headers) as slow, open_stream(client, tenant.headers) as quick_one:
        slow.may_send.clear()
        numbers = [(await new_ticket(client, tenant))["number"] for _ in range(30)]
        await quick_one.events(30)
        assert tickets(quick_one) == numbers
        assert tickets(slow) == []
        slow.may_send.set()
        await slow.events(30)
        assert tickets(slow) == numbers


@pytest.mark.usefixtures("quick")
async def test_the_stream_of_a_client_that_reads_nothing_ends(
    client: httpx.AsyncClient, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "PATIENCE_SECONDS", 0.3)
    async with open_stream(client, tenant.headers) as reader:
        reader.may_send.clear()
        await asyncio.wait_for(reader.ended.wait(), patient(5))


@pytest.fixture
def signals(monkeypatch: pytest.MonkeyPatch) -> list[EventSignal]:
    """Return the signals of the servers that start from now on."""
    created: list[EventSignal] = []

    class Noted(EventSignal):
        def __init__(self, database: Database) -> None:
            super().__init__(database)
            created.append(self)

    monkeypatch.setattr(app, "EventSignal", Noted)
    return created


@pytest.fixture
async def own_server(
    database_url: str, signals: list[EventSignal]
) -> AsyncIterator[tuple[httpx.AsyncClient, EventSignal]]:
    async with serving(Settings(database_url=database_url, rate_limit=0, pool_size=4)) as opened:
        yield opened, signals[0]


async def test_disconnecting_frees_all_resources(
    own_server: tuple[httpx.AsyncClient, EventSignal], tenant: Tenant
) -> None:
    client, signal = own_server
    async with open_stream(client, tenant.headers), open_stream(client, tenant.headers) as reader:
        assert signal.listener_count == 2
        reader.disconnect()
        await asyncio.wait_for(reader.ended.wait(), patient(5))
        assert signal.listener_count == 1
    assert signal.listener_count == 0
    looking = signal._polling  # noqa: SLF001 - what must not go on for ever
    assert looking is not None
    await asyncio.wait_for(looking, patient(5))


async def test_a_stopping_server_ends_its_streams_at_once(
    own_server: tuple[httpx.AsyncClient, EventSignal], tenant: Tenant
) -> None:
    client, signal = own_server
    async with open_stream(client, tenant.headers) as reader:
        signal.stop()
        await asyncio.wait_for(reader.ended.wait(), patient(1))
    async with open_stream(client, tenant.headers) as late:
        await asyncio.wait_for(late.ended.wait(), patient(1))


async def test_waiting_streams_use_no_connection_of_the_pool(
    own_server: tuple[httpx.AsyncClient, EventSignal], database: Database
) -> None:
    client, _hub = own_server
    tenants = [await new_tenant(database) for _ in range(8)]
    async with AsyncExitStack() as stack:
        opened = [
            await stack.enter_async_context(open_stream(client, tenant.headers))
            for tenant in tenants
            for _ in range(10)
        ]
        numbers = [(await new_ticket(client, tenant))["number"] for tenant in tenants]
        for index, reader in enumerate(opened):
            await reader.events(1)
            assert tickets(reader) == [numbers[index // 10]]


async def test_the_access_log_has_the_start_and_the_duration_of_a_stream(
    own_server: tuple[httpx.AsyncClient, EventSignal], tenant: Tenant
) -> None:
    client, _hub = own_server
    began = time.monotonic()
    with structlog.testing.capture_logs() as noted:
        async with open_stream(client, tenant.headers):
            await asyncio.sleep(0.6)
    duration = time.monotonic() - began
    [line] = [entry for entry in noted if entry.get("path") == EVENTS]
    assert line["status"] == 200
    assert 1 <= line["open_s"] <= round(duration)
    assert line["ms"] < stretched(500)


async def test_a_silent_stream_continues_after_a_restore_into_another_database(
    own_server: tuple[httpx.AsyncClient, EventSignal], database: Database, tenant: Tenant
) -> None:
    """Do as a restore does: all rows have one transaction, and the transaction counter is lower than before."""
    client, signal = own_server
    async with open_stream(client, tenant.headers) as reader:
        first = (await new_ticket(client, tenant))["number"]
        [received] = await reader.events(1)
        await asyncio.sleep(stretched(0.6))
        cursor = stream.parse_cursor(received.id)
        assert cursor is not None
        async with database.transaction() as tx:
            await tx.write("update event set xid = '3'::xid8")
        signal._reset()  # noqa: SLF001 - as when it lost the database for a moment
        await reader.events(2)
        second = (await new_ticket(client, tenant))["number"]
        async with asyncio.timeout(patient(10)):
            while second not in tickets(reader):  # noqa: ASYNC110 - more than this may come again
                await asyncio.sleep(0.05)
        assert tickets(reader).count(first) >= 2, "what happened within the hour comes again"


@pytest.mark.usefixtures("quick")
async def test_a_stream_survives_lost_database_connections_without_losing_events(postgres: str) -> None:
    async with new_database(postgres) as url:
        database = await Database.open(url)
        tenant = await new_tenant(database)
        await database.close()
        name = url.partition("/test_")[2].partition("?")[0]
        server = postgres.replace("clearline@/clearline", "postgres@/postgres")
        ends = f"select pg_terminate_backend(pid) from pg_stat_activity where datname = 'test_{name}'"  # noqa: S608
        async with (
            serving(Settings(database_url=url, rate_limit=0, access_log=False)) as client,
            open_stream(client, tenant.headers) as reader,
        ):
            first = (await new_ticket(client, tenant))["number"]
            await reader.events(1)
            await administer(server, f"alter database test_{name} connection limit 0")
            await administer(server, ends)
            await asyncio.sleep(0.5)
            assert not reader.ended.is_set()
            await administer(server, f"alter database test_{name} connection limit -1")
            second = (await new_ticket(client, tenant))["number"]
            await reader.events(2)
            assert tickets(reader) == [first, second]
