"""What changed, as a stream or once: for the session that asked, and only while it is in force."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
import pytest

from clearline.accounts import usecases as accounts
from clearline.catalogue.assessment import Priority
from clearline.event_stream.usecases import parse_cursor
from clearline.identity import OPERATOR, PROVIDER_ID, Role
from clearline.platform.database.transactions import Database
from clearline.sign_in import session_usecases as sessions
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets.domain import ticket_number
from clearline.web.console.live import stream
from clearline.wires.http import event_stream
from tests.builders.people import NOW, new_tenant
from tests.builders.streams import OpenStream, open_stream
from tests.builders.tickets import raised
from tests.builders.web.opened import Opened, calm_cursor_of, cursor_of
from tests.builders.web.pages import Page, Person, person
from tests.patience import patient


@asynccontextmanager
async def live(who: Person, query: str = "", last: str = "", method: str = "GET") -> AsyncIterator[OpenStream]:
    headers = {**who.headers, "accept": "text/event-stream"}
    async with open_stream(who.client, headers, query, path=stream.PATH, last=last, method=method) as opened:
        yield opened


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let streams check their session, and send heartbeats, ten times a second."""
    monkeypatch.setattr(event_stream, "RECHECK_SECONDS", 0.1)
    monkeypatch.setattr(event_stream, "HEARTBEAT_SECONDS", 0.1)


async def received(reader: OpenStream, number: int, version: int = 0) -> dict[str, object]:
    """Wait for a change of a ticket to a version or a later one."""
    async with asyncio.timeout(patient(10)):
        while True:
            for block in reader.received:
                if block.data.get("id") == ticket_number(number) and block.data["version"] >= version:
                    return block.data
            await asyncio.sleep(0.02)


async def change(opened: Opened, priority: Priority) -> None:
    async with opened.database.transaction() as tx:
        await ticket_changes.change_ticket(tx, OPERATOR, opened.number, {"priority": priority}, now=NOW)


async def test_a_stream_says_which_tickets_changed_and_nothing_else(opened: Opened) -> None:
    before = (await opened.ticket()).version
    async with live(opened.agent, f"after={await cursor_of(opened)}") as reader:
        assert (reader.status, reader.headers["content-type"]) == (200, "text/event-stream")
        assert (reader.headers["cache-control"], reader.headers["x-accel-buffering"]) == ("no-store", "no")
        assert "content-encoding" not in reader.headers
        await change(opened, Priority.CRITICAL)
        assert await received(reader, opened.number, before + 1) == {
            "kind": "ticket", "id": ticket_number(opened.number), "version": before + 1,
        }  # fmt: skip
        await accounts_change(opened)
        await change(opened, Priority.LOW)
        await received(reader, opened.number, before + 2)
    assert {str(block.data["kind"]) for block in reader.received if block.data} == {"ticket"}


async def accounts_change(opened: Opened) -> None:
    async with opened.database.transaction() as tx:
        tenant = opened.tenant
        await accounts.change_user(tx, OPERATOR, tenant.company.id, tenant.user.id, {"name": "Another"}, now=NOW)


async def test_what_changed_while_there_was_no_stream_follows_its_cursor(opened: Opened) -> None:
    cursor = await cursor_of(opened)
    await change(opened, Priority.CRITICAL)
    for query, last in ((f"after={cursor}", ""), ("", cursor), ("after=0-0-0", cursor)):
        async with live(opened.agent, query, last) as reader:
            await received(reader, opened.number)
            assert parse_cursor(next(block.id for block in reader.received if block.data)) is not None
    async with live(opened.agent) as from_now:
        await change(opened, Priority.LOW)
        await received(from_now, opened.number, (await opened.ticket()).version)


async def test_a_page_that_asks_once_gets_each_ticket_once(opened: Opened) -> None:
    cursor = await calm_cursor_of(opened)
    asked = await opened.agent.get(f"{stream.PATH}?after={cursor}")
    assert asked.json() == {"cursor": cursor, "changes": [], "missed": False}
    assert asked.headers["cache-control"] == "no-store"
    await change(opened, Priority.CRITICAL)
    await change(opened, Priority.LOW)
    answer = (await opened.agent.get(f"{stream.PATH}?after={cursor}")).json()
    changed = {"kind": "ticket", "id": ticket_number(opened.number), "version": (await opened.ticket()).version}
    assert (answer["changes"], answer["missed"]) == ([changed], False)
    again = (await opened.agent.get(f"{stream.PATH}?after={answer['cursor']}")).json()
    assert again == {"cursor": answer["cursor"], "changes": [], "missed": False}
    assert (await opened.agent.get(stream.PATH)).json() == again


async def test_a_page_that_missed_too_much_is_told_so(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "MISSED_FROM", 2)
    cursor = await calm_cursor_of(opened)
    await change(opened, Priority.CRITICAL)
    assert (await opened.agent.get(f"{stream.PATH}?after={cursor}")).json()["missed"] is False
    await change(opened, Priority.LOW)
    answer = (await opened.agent.get(f"{stream.PATH}?after={cursor}")).json()
    assert (answer["changes"], answer["missed"]) == ([], True)
    assert (await opened.agent.get(f"{stream.PATH}?after={answer['cursor']}")).json()["missed"] is False


@pytest.mark.parametrize("text", ["x", "1-2", "1-2-3-4", "ffffffffffffffff-1-1"])
async def test_a_cursor_that_no_page_has_is_refused(opened: Opened, text: str) -> None:
    answer = await opened.agent.get(f"{stream.PATH}?after={text}")
    assert answer.status_code == 400
    async with live(opened.agent, f"after={text}") as reader:
        assert reader.status == 400


async def test_a_head_request_gets_the_headers_alone(opened: Opened) -> None:
    async with live(opened.agent, method="HEAD") as reader:
        await asyncio.wait_for(reader.ended.wait(), patient(5))
        assert (reader.status, reader.received) == (200, [])


@pytest.mark.usefixtures("quick")
async def test_a_silent_stream_sends_heartbeats_that_a_page_notices(opened: Opened) -> None:
    async with live(opened.agent) as reader, asyncio.timeout(patient(5)):
        while len(reader.received) < 4:  # noqa: ASYNC110 - nothing signals it
            await asyncio.sleep(0.02)
    assert all(block.id for block in reader.received[1:])


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("how", ["sign-out", "revoked", "demoted", "deactivated"])
async def test_a_stream_ends_soon_after_its_session(client: httpx.AsyncClient, database: Database, how: str) -> None:
    agent = await person(client, database)
    async with live(agent) as reader:
        await asyncio.sleep(0.2)
        assert not reader.ended.is_set()
        if how == "sign-out":
            await agent.post("/sign-out")
        else:
            async with database.transaction() as tx:
                if how == "revoked":
                    await sessions.revoke_sessions_of(tx, OPERATOR, PROVIDER_ID, agent.user.id, now=NOW)
                else:
                    values = {"role": Role.VIEWER} if how == "demoted" else {"is_active": False}
                    await accounts.change_user(tx, OPERATOR, PROVIDER_ID, agent.user.id, values, now=NOW)
        await asyncio.wait_for(reader.ended.wait(), patient(5))


async def test_what_a_page_asks_for_by_itself_is_no_use_of_its_session(opened: Opened) -> None:
    async def last_use() -> object:
        async with opened.database.statement() as tx:
            return await tx.fetchval(
                "select last_used_at from sign_in_session where user_id = $1", opened.agent.user.id
            )

    async with opened.database.transaction() as tx:
        await tx.write(
            "update sign_in_session set last_used_at = last_used_at - interval '5 minutes' where user_id = $1",
            opened.agent.user.id,
        )
    before = await last_use()
    for path in ("", "/rows?list=open", "/views"):
        assert (await opened.agent.get(f"{stream.PATH}{path}")).status_code == 200
    assert (await opened.agent.get(f"{opened.path}/live")).status_code == 200
    assert await last_use() == before
    await opened.page()
    assert await last_use() != before


async def test_the_streams_of_a_person_are_limited(client: httpx.AsyncClient, database: Database) -> None:
    agent, other = await person(client, database), await person(client, database)
    async with AsyncExitStack() as stack:
        for _ in range(20):
            assert (await stack.enter_async_context(live(agent))).status == 200
        refused = await agent.get(stream.PATH, Accept="text/event-stream")
        assert refused.status_code == 429
        assert "Try again in a few seconds." in Page(refused.text).text
        assert (await stack.enter_async_context(live(other))).status == 200
        assert (await agent.get(stream.PATH)).status_code == 200


async def test_a_person_without_its_second_factor_gets_no_stream(client: httpx.AsyncClient, database: Database) -> None:
    viewer = await person(client, database, Role.VIEWER)
    async with database.transaction() as tx:
        await tx.write("insert into second_factor_role (role) values ($1) on conflict do nothing", Role.VIEWER)
    try:
        answer = await viewer.get(stream.PATH, Accept="text/event-stream")
        assert (answer.status_code, answer.headers["location"]) == (303, "/console/second-factor")
    finally:
        async with database.transaction() as tx:
            await tx.write("delete from second_factor_role where role = $1", Role.VIEWER)


async def test_tickets_of_all_companies_are_in_the_stream_of_an_agent(opened: Opened) -> None:
    tenant = await new_tenant(opened.database)
    async with live(opened.agent) as reader:
        async with opened.database.transaction() as tx:
            number = await raised(tx, tenant)
        await received(reader, number)
