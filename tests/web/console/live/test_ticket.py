"""Fragments of the page of a ticket that is open while others work on it."""

import pytest

from clearline.catalogue.assessment import Priority
from clearline.identity import OPERATOR, Role
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets.links import watcher_usecases as watching
from tests.builders.people import NOW
from tests.builders.tickets import raised
from tests.builders.web.opened import Opened
from tests.builders.web.pages import Page, person


def targets(page: Page) -> list[str]:
    return [part["hx-target"] or "" for part in page.all("hx-partial")]


async def fragment(opened: Opened, query: str = "") -> Page:
    return await opened.agent.page(f"{opened.path}/live{query}")


async def test_new_messages_are_marked_and_announced(opened: Opened) -> None:
    async with opened.database.transaction() as tx:
        await opened.note(tx, "It was the optics")
    [timeline] = [div for div in (await opened.page()).all("div") if div.get("id") == "timeline"]
    seen = timeline["data-last"]
    assert timeline["data-seen"] == seen
    async with opened.database.transaction() as tx:
        await opened.note(tx, "No, it was the card")
    page = await fragment(opened, f"?seen={seen}&last={seen}&list=open&sort=number")
    of_details = ["#ticket .details", "#recipients", "#copies"]
    assert targets(page) == ["#ticket .where", "#ticket .strip", "#timeline", *of_details, "#live"]
    assert [entry["class"] for entry in page.all("article")] == ["entry message", "entry message", "entry message new"]
    assert len({entry["id"] for entry in page.all("article")}) == 3
    assert f"New message from {opened.tenant.user.name}" in page.text
    [timeline] = [div for div in page.all("div") if div.get("id") == "timeline"]
    assert (timeline["data-seen"], timeline["data-last"]) == (seen, str(int(seen or 0) + 1))
    assert all("?list=open&sort=number" in (form["action"] or "") for form in page.all("form"))
    assert page.all("textarea") == []
    async with opened.database.transaction() as tx:
        await opened.note(tx, "Or the fan")
    assert "2 new messages" in (await fragment(opened, f"?seen={seen}&last={seen}")).text
    assert "#live" not in targets(await fragment(opened, "?seen=9&last=9"))


async def test_changes_are_in_the_header_the_timeline_and_the_details(opened: Opened) -> None:
    async with opened.database.transaction() as tx:
        values = {"priority": Priority.CRITICAL, "title": "Both ports are down"}
        await ticket_changes.change_ticket(tx, OPERATOR, opened.number, values, now=NOW)
    page = await fragment(opened)
    assert page.text.count("Critical") >= 3
    assert "Both ports are down" in page.text
    assert targets(await fragment(opened, "?details=editing")) == ["#ticket .where", "#ticket .strip", "#timeline"]


async def test_the_details_come_only_when_they_changed(opened: Opened) -> None:
    async def state() -> str:
        [details] = (await opened.page()).all("aside")
        return details["data-state"] or ""

    before = await state()
    async with opened.database.transaction() as tx:
        await opened.note(tx, "Still slow")
    assert await state() == before
    assert "#ticket .details" not in targets(await fragment(opened, f"?details={before}"))
    async with opened.database.transaction() as tx:
        other = await raised(tx, opened.tenant, "Another")
    assert before != (with_other := await state())
    async with opened.database.transaction() as tx:
        await ticket_changes.change_ticket(tx, OPERATOR, other, {"title": "Yet another"}, now=NOW)
        await watching.watch(tx, OPERATOR, opened.number, opened.agent.user.id, now=NOW)
        await ticket_changes.assign(tx, OPERATOR, opened.number, opened.agent.user.id, now=NOW)
    after = await state()
    assert len({before, with_other, after}) == 3
    assert "#ticket .details" in targets(await fragment(opened, f"?details={with_other}"))


@pytest.mark.parametrize("query", ["?seen=x&last=-1", "?seen=99999999999999999999999", "?last=&seen="])
async def test_numbers_that_are_none_count_as_no_message(opened: Opened, query: str) -> None:
    assert targets(await fragment(opened, query))


async def test_a_viewer_gets_no_forms(opened: Opened) -> None:
    viewer = await person(opened.agent.client, opened.database, Role.VIEWER)
    page = await viewer.page(f"{opened.path}/live")
    assert page.all("form") == []
    assert "Port is slow" in page.text
