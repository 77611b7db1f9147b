"""Who else is on the page of a ticket, over all server processes, and in no log."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from clearline.platform.database.transactions import Database
from clearline.settings.settings import Settings
from tests.builders.application import serving
from tests.builders.databases import everything
from tests.builders.streams import open_stream
from tests.builders.web.opened import Opened
from tests.builders.web.pages import Page, Person, person
from tests.patience import patient


@pytest.fixture(scope="module")
async def elsewhere(database_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """Yield a client of another server process on the same database."""
    async with serving(Settings(database_url=database_url, rate_limit=0, workers=False)) as other:
        yield other


@pytest.fixture(scope="module")
async def colleague(elsewhere: httpx.AsyncClient, database: Database) -> Person:
    return await person(elsewhere, database, name="Mara Lind")


async def report(who: Person, opened: Opened, activity: str, tab: str = "a1") -> httpx.Response:
    return await who.post(f"{opened.path}/presence", activity=activity, tab=tab)


async def shown(who: Person, opened: Opened, text: str) -> Page:
    """Wait until a page shows this of the others, since other processes are told a moment later."""
    async with asyncio.timeout(patient(10)):
        while True:
            page = await who.page(f"{opened.path}/presence")
            if page.text == text:
                return page
            await asyncio.sleep(0.02)


async def test_colleagues_on_another_server_see_who_views_and_who_writes(opened: Opened, colleague: Person) -> None:
    assert Page((await report(opened.agent, opened, "viewing")).text).text == ""
    await shown(colleague, opened, "ID Ines Duarte has this ticket open Ines Duarte is viewing")
    answer = await report(colleague, opened, "writing")
    assert "Ines Duarte is viewing" in Page(answer.text).text
    page = await shown(opened.agent, opened, "ML Mara Lind is writing")
    assert [part["hx-target"] for part in page.all("hx-partial")] == ["#presence"]
    await report(colleague, opened, "hidden")
    page = await shown(opened.agent, opened, "ML Mara Lind has this ticket open Mara Lind is viewing")
    assert "present hidden" in [span.get("class") for span in page.all("span")]
    gone = await report(colleague, opened, "gone")
    assert (gone.status_code, gone.text) == (204, "")
    await shown(opened.agent, opened, "")
    await report(opened.agent, opened, "gone")


async def test_the_stream_of_those_on_the_ticket_says_that_somebody_came(opened: Opened, colleague: Person) -> None:
    headers = {**opened.agent.headers, "accept": "text/event-stream"}
    await report(opened.agent, opened, "viewing")
    await shown(colleague, opened, "ID Ines Duarte has this ticket open Ines Duarte is viewing")
    async with open_stream(opened.agent.client, headers, path="/console/live") as reader:
        await report(colleague, opened, "writing")
        async with asyncio.timeout(patient(10)):
            while not any(block.data.get("kind") == "presence" for block in reader.received):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
    [notice] = [block.data for block in reader.received if block.data.get("kind") == "presence"]
    assert notice == {"kind": "presence", "id": opened.path.rpartition("/")[2], "version": None}
    for who in (opened.agent, colleague):
        await report(who, opened, "gone")


async def test_many_are_counted(opened: Opened, client: httpx.AsyncClient, database: Database) -> None:
    for at, activity in enumerate(["writing"] * 3 + ["viewing"] * 5):
        await report(await person(client, database, name=f"Agent {at}"), opened, activity)
    async with asyncio.timeout(patient(10)):
        while "+2" not in (text := (await opened.agent.page(f"{opened.path}/presence")).text):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert "Agent 0 is writing" in text
    assert "1 more is writing" in text
    assert "is viewing" not in text


async def test_presence_is_stored_nowhere(opened: Opened) -> None:
    before = await everything(opened.database, opened.tenant)
    await report(opened.agent, opened, "writing")
    assert await everything(opened.database, opened.tenant) == before
    await report(opened.agent, opened, "gone")


@pytest.mark.parametrize(
    "fields",
    [
        {"activity": "sleeping", "tab": "a"}, {"activity": "viewing"}, {"activity": "viewing", "tab": "a" * 41},
        {"activity": "viewing", "tab": "<b>"}, {"tab": "a"},
    ],
)  # fmt: skip
async def test_a_report_that_no_page_sends_is_refused(opened: Opened, fields: dict[str, str]) -> None:
    answer = await opened.agent.post(f"{opened.path}/presence", **fields)
    assert answer.status_code == 422, answer.text
