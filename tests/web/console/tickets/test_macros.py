"""Macros in the composer: chosen, previewed, applied, or put into the message."""

from typing import Any
from uuid import UUID

import httpx
import pytest

from clearline.catalogue.assessment import Priority
from clearline.identity import OPERATOR, PROVIDER_ID, ROLE_SCOPES, Actor, Company, Role
from clearline.platform.database.transactions import Database
from clearline.queues import usecases as queues
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import note_usecases as notes
from clearline.tickets.domain import Channel, Status
from clearline.tickets.note_domain import Visibility
from clearline.web.once import new_key
from clearline.workspace import macro_usecases as macros
from clearline.workspace.domain import MacroReminder
from tests.builders.people import NOW, new_staff
from tests.builders.web.opened import HOSTILE, Opened, hidden
from tests.builders.web.pages import Page, person


async def macro(database: Database, name: str, **values: Any) -> UUID:
    async with database.transaction() as tx:
        return (await macros.add_macro(tx, OPERATOR, {"name": name, **values}, now=NOW)).id


async def everything_macro(opened: Opened) -> UUID:
    """Add a macro that does all that a macro can."""
    async with opened.database.transaction() as tx:
        queue = (await queues.add_queue(tx, OPERATOR, name=f"Optics {opened.number}", now=NOW)).queue
    return await macro(
        opened.database, f"Ask for levels {opened.number}", text="Dear {{contact.name}}, please send the levels.",
        status=Status.PENDING, priority=Priority.HIGH, queue_id=queue.id, add_tags=("optics",),
        reminder=MacroReminder("4h", "Ask again"),
    )  # fmt: skip


async def test_a_macro_is_previewed_without_changing_anything(opened: Opened) -> None:
    macro_id = await everything_macro(opened)
    before = await opened.stored()
    page = await opened.agent.page(f"{opened.path}?list=open&macro={macro_id}")
    for text in (
        f"Macro: Ask for levels {opened.number}", "Replies to the customer: Dear Ada Okoro, please send the levels.",
        "Status In progress → becomes Waiting on customer", "Priority Medium → becomes High",
        f"Queue None → becomes Optics {opened.number}", "Tags None → becomes optics",
        "Reminder None → becomes ", ": Ask again",
    ):  # fmt: skip
        assert text in page.text, text
    assert f"{opened.path}/macros/{macro_id}?list=open" in [form.get("action") for form in page.all("form")]
    assert await opened.stored() == before


async def test_a_macro_is_applied_once(opened: Opened) -> None:
    macro_id = await everything_macro(opened)
    fields = hidden(await opened.agent.page(f"{opened.path}?macro={macro_id}"))
    await opened.send(f"macros/{macro_id}", **fields)
    await opened.send(f"macros/{macro_id}", **fields)
    ticket, [note] = await opened.stored()
    assert (note.text, note.visibility) == ("Dear Ada Okoro, please send the levels.", "public")
    assert (note.channel, note.author) == ("Console", "Ines Duarte")
    assert (ticket.status, ticket.priority, ticket.tags) == (Status.PENDING, "high", ("optics",))


async def test_the_text_of_a_macro_can_be_edited_before_it_is_sent(opened: Opened) -> None:
    macro_id = await macro(
        opened.database, f"Seen {opened.number}", text="Known as {{ticket.number}}", visibility=Visibility.INTERNAL
    )
    page = await opened.agent.page(f"{opened.path}?insert={macro_id}")
    assert f"Known as {opened.path[-15:]}" in page.text
    assert "Apply macro" not in page.text
    [checked] = [
        field["value"] for field in page.all("input") if "checked" in field and field.get("name") == "visibility"
    ]
    assert checked == "internal"


async def test_a_macro_is_held_back_when_others_wrote_meanwhile(opened: Opened) -> None:
    macro_id = await everything_macro(opened)
    fields = hidden(await opened.agent.page(f"{opened.path}?macro={macro_id}"))
    async with opened.database.transaction() as tx:
        await opened.note(tx, "It works again")
    answer = await opened.send(f"macros/{macro_id}", 409, **fields)
    page = Page(answer.text)
    assert "Others wrote meanwhile. Nothing was done" in page.text
    assert "Apply macro" in page.text
    assert [entry["class"] for entry in page.all("article")] == ["entry message", "entry message new"]
    assert len((await opened.stored())[1]) == 1
    await opened.send(f"macros/{macro_id}", **hidden(page))
    assert len((await opened.stored())[1]) == 2


async def test_somebody_else_of_the_same_name_is_somebody_else(opened: Opened, database: Database) -> None:
    macro_id = await everything_macro(opened)
    user = (await new_staff(database, Role.AGENT, opened.agent.user.name)).user
    provider = Company(PROVIDER_ID, "Provider", "PROVIDER")
    namesake = Actor(Role.AGENT, user.name, provider, user, scopes=ROLE_SCOPES[Role.AGENT])
    fields = hidden(await opened.agent.page(opened.path))
    async with opened.database.transaction() as tx:
        await notes.append_note(tx, namesake, opened.number, "It works again", channel=Channel.CONSOLE, now=NOW)
    message = {"text": "Thank you", "visibility": "public"}
    answer = await opened.send("messages", 409, **fields, **message)
    assert "Others wrote while you were writing" in Page(answer.text).text
    await opened.send(f"macros/{macro_id}", 409, **fields)
    own = {**fields, **hidden(Page(answer.text))}
    await opened.send("messages", **own, **message)
    await opened.send("messages", **{**own, "once": new_key()}, **message)
    assert [note.text for note in (await opened.stored())[1]] == ["It works again", "Thank you", "Thank you"]


async def test_a_macro_that_is_refused_changes_nothing_and_says_why(opened: Opened) -> None:
    macro_id = await macro(opened.database, f"Close {opened.number}", text="Bye", status=Status.CLOSED)
    before = await opened.stored()
    answer = await opened.send(f"macros/{macro_id}", 409)
    page = Page(answer.text)
    assert "cannot become “Closed”." in page.text
    assert f"Macro: Close {opened.number}" in page.text
    assert await opened.stored() == before


@pytest.mark.parametrize("query", ["macro=nothing", "insert=5f0c9a56-2c1e-4d59-9d0e-0f5a3c1b7e42"])
async def test_a_macro_that_is_not_there_is_not_found(opened: Opened, query: str) -> None:
    assert (await opened.agent.get(f"{opened.path}?{query}")).status_code == 404


async def test_a_viewer_and_a_finished_ticket_have_no_macros(
    opened: Opened, client: httpx.AsyncClient, database: Database
) -> None:
    await everything_macro(opened)
    viewer = await person(client, database, Role.VIEWER)
    assert "pick-macro" not in (await viewer.get(opened.path)).text
    assert "pick-macro" in (await opened.agent.get(opened.path)).text
    async with database.transaction() as tx:
        for status in (Status.RESOLVED, Status.CLOSED):
            await ticket_changes.move_ticket(tx, OPERATOR, opened.number, status, reason="", now=NOW)
    assert "pick-macro" not in (await opened.agent.get(opened.path)).text


async def test_no_text_of_a_macro_becomes_markup(opened: Opened) -> None:
    hostile = HOSTILE.replace("{{ 7 * 7 }}", "")
    macro_id = await macro(opened.database, f"{opened.number}{hostile}"[:100], text=hostile + "{{ticket.title}}")
    for query in (f"macro={macro_id}", f"insert={macro_id}"):
        page = await opened.agent.page(f"{opened.path}?{query}")
        assert hostile in page.text
        assert page.all("img") == []
        assert [script for script in page.all("script") if not script.get("src")] == []
