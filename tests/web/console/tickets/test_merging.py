"""Merge a ticket with a preview, undo it, and split a ticket."""

import httpx
import pytest

from clearline.identity import Role
from clearline.platform.database.transactions import Database
from clearline.tickets.domain import Status, ticket_number
from clearline.tickets.note_domain import Visibility
from tests.builders.people import new_tenant
from tests.builders.tickets import raised
from tests.builders.web.opened import HOSTILE, Opened, hidden
from tests.builders.web.pages import Page, person


async def another(opened: Opened, title: str = "Port is down") -> str:
    async with opened.database.transaction() as tx:
        return ticket_number(await raised(tx, opened.tenant, title, status=Status.IN_PROGRESS))


async def test_a_merge_is_previewed_carried_out_once_and_undone(opened: Opened) -> None:
    into = await another(opened)
    assert f"{opened.path}/merge" in (await opened.page()).links(opened.path)
    before = await opened.stored()
    preview = await opened.agent.page(f"{opened.path}/merge?into={into.lower()}")
    for text in ("Port is slow", "Port is down", f"Merge into {into}", "You can undo it."):
        assert text in preview.text, text
    assert await opened.stored() == before
    fields = {**hidden(preview), "into": into}
    await opened.send("merge", **fields)
    await opened.send("merge", **fields)
    page = await opened.page()
    assert f"It was merged into {into}." in page.text
    assert "Undo the merge" in page.text
    await opened.send("unmerge")
    ticket, _notes = await opened.stored()
    assert ticket.status is Status.IN_PROGRESS
    assert "Undo the merge" not in (await opened.page()).text


async def test_a_merge_has_a_reason_for_the_history(opened: Opened) -> None:
    into = await another(opened)
    preview = await opened.agent.page(f"{opened.path}/merge?into={into}")
    assert [field["value"] for field in preview.all("input") if field.get("name") == "reason"] == [""]
    fields = {**hidden(preview), "into": into}
    refused = Page((await opened.send("merge", 422, **fields, reason="x" * 1001)).text)
    assert "Reason must have" in refused.text
    assert f"Merge into {into}" in refused.text
    assert [field["value"] for field in refused.all("input") if field.get("name") == "reason"] == ["x" * 1001]
    await opened.send("merge", **hidden(refused), into=into, reason="The same <fault>")
    assert "Closed: The same <fault>" in (await opened.agent.page(f"{opened.path}/history")).text
    assert "Closed: The same <fault>" in (await opened.page()).text


async def test_a_merge_that_is_refused_says_why_and_keeps_the_number(opened: Opened, database: Database) -> None:
    tenant = await new_tenant(database)
    async with database.transaction() as tx:
        foreign = ticket_number(await raised(tx, tenant, "Of somebody else"))
    for into, status, shown in (
        (foreign, 409, "Both tickets must be of the same company."),
        (opened.path[-15:], 409, "A ticket cannot be merged into itself."),
        ("4x2", 422, "Into must be a ticket's number, like INC000000000042."),
    ):
        for answer in (
            await opened.agent.get(f"{opened.path}/merge?into={into}"),
            await opened.send("merge", status, into=into),
        ):
            assert answer.status_code == status
            page = Page(answer.text)
            assert shown in page.text
            assert into in [field.get("value") for field in page.all("input")]
            assert f"Merge into {into}" not in page.text
    assert (await opened.ticket()).status is Status.IN_PROGRESS
    await opened.send("unmerge", 409)
    assert (await opened.agent.get(f"{opened.path}/merge?into=INC999999999999")).status_code == 404


async def test_a_ticket_is_split_once_with_the_chosen_messages(opened: Opened) -> None:
    async with opened.database.transaction() as tx:
        await opened.note(tx, "The second port is slow, too")
        await opened.note(tx, "Thank you")
    page = await opened.agent.page(f"{opened.path}/split")
    [chosen, _thanks] = [field["value"] or "" for field in page.all("input") if field.get("name") == "note"]
    fields = {**hidden(page), "title": "Second port", "description": "Slow, too", "note": chosen}
    answers = [await opened.agent.post(f"{opened.path}/split", **fields) for _ in range(2)]
    [path] = {answer.headers["location"] for answer in answers}
    new = await opened.agent.page(path)
    for text in ("Second port", "Slow, too", "The second port is slow, too", "Split from Port is slow"):
        assert text in new.text, text
    assert "Thank you" not in new.text


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({"title": "", "description": "Kept text"}, "Title must have"),
        ({"title": "Kept text", "description": ""}, "Description must have"),
        ({"title": "Kept text", "description": "Text", "note": "999"}, "must be numbers of notes of this ticket."),
        ({"title": "Kept text", "description": "Text", "note": "x"}, "must be the number of a note."),
    ],
)
async def test_a_split_that_is_refused_keeps_what_was_typed(opened: Opened, fields: dict[str, str], shown: str) -> None:
    answer = await opened.send("split", 422, **fields)
    page = Page(answer.text)
    assert shown in page.text
    assert "Kept text" in answer.text


async def test_a_viewer_has_neither(opened: Opened, client: httpx.AsyncClient, database: Database) -> None:
    viewer = await person(client, database, Role.VIEWER)
    page = await viewer.page(opened.path)
    assert page.links(f"{opened.path}/") == [f"{opened.path}/history"]
    for form in ("merge", "split"):
        assert (await viewer.get(f"{opened.path}/{form}")).status_code == 403


async def test_no_text_in_these_pages_becomes_markup(opened: Opened) -> None:
    into = await another(opened, HOSTILE)
    async with opened.database.transaction() as tx:
        await opened.note(tx, HOSTILE, visibility=Visibility.PUBLIC)
    query = httpx.QueryParams({"into": HOSTILE})
    for answer in (
        await opened.agent.get(f"{opened.path}/merge?into={into}"),
        await opened.agent.get(f"{opened.path}/merge?{query}"),
        await opened.agent.get(f"{opened.path}/split"),
        await opened.send("split", 422, title=HOSTILE, description=HOSTILE, note=HOSTILE),
    ):
        page = Page(answer.text)
        assert page.all("img") == []
        assert [script for script in page.all("script") if not script.get("src")] == []
