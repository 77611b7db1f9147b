"""A message of the console can be taken back for ten seconds; nobody outside sees it before."""

import asyncio

import httpx

from clearline.events.event_types import EventType
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Database
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import usecases as tickets
from clearline.tickets.domain import Status
from clearline.web.once import new_key
from tests.builders.people import NOW
from tests.builders.web.messages import send_due
from tests.builders.web.opened import HOSTILE, Opened, composer_of, hidden
from tests.builders.web.pages import Page, person


async def post(opened: Opened, **fields: str) -> None:
    """Send a message, and leave it where it can be taken back."""
    fields = {"visibility": "public", **hidden(await opened.page()), **fields}
    answer = await opened.agent.post(f"{opened.path}/messages", **fields)
    assert (answer.status_code, answer.headers["location"]) == (303, opened.path)


def undo_path(opened: Opened, page: Page) -> str:
    """Return where the form of the only pending message is sent."""
    [path] = [form["action"] for form in page.all("form") if (form.get("action") or "").endswith("/undo")]
    assert path is not None
    assert path.startswith(f"{opened.path}/pending/")
    return path


async def test_a_reply_is_shown_with_the_seconds_that_are_left(opened: Opened, client: httpx.AsyncClient) -> None:
    await post(opened, text="We <look>", then="pending")
    page = await opened.page()
    assert "to customer Sending in 10 s then: Waiting on customer" in page.text
    assert "We <look>" in page.text
    assert (await opened.stored())[1] == []
    assert await composer_of(opened) == ""
    answer = await client.get(f"/api/v1{opened.path.removeprefix('/console')}/notes", headers=opened.tenant.headers)
    assert answer.json()["data"] == []
    async with opened.database.transaction() as tx:
        events = await tickets.history(tx, OPERATOR, opened.number, limit=50)
    assert EventType.NOTE_ADDED not in {event.type for event in events}


async def test_a_reply_that_is_taken_back_stands_in_the_composer(opened: Opened) -> None:
    await post(opened, text="We look", then="pending")
    path = undo_path(opened, await opened.page())
    once = {"once": new_key()}
    first = await opened.agent.post(path, **once)
    again = await opened.agent.post(path, **once)
    assert (first.status_code, again.headers["location"]) == (303, first.headers["location"])
    answer = await opened.agent.get(first.headers["location"])
    page = Page(answer.text)
    assert await composer_of(opened) == "We look"
    assert [option["value"] for option in page.all("option") if "selected" in option] == ["pending"]
    assert [field for field in page.all("textarea") if "autofocus" in field]
    assert "Sending in" not in page.text
    await send_due(opened.database)
    ticket, added = await opened.stored()
    assert (ticket.status, added) == (Status.IN_PROGRESS, [])


async def test_a_form_that_is_sent_again_after_an_undo_sends_nothing(opened: Opened) -> None:
    fields = {**hidden(await opened.page()), "text": "We look", "visibility": "public"}
    for _ in range(2):
        await opened.agent.post(f"{opened.path}/messages", **fields)
        page = await opened.page()
        if "Sending in" in page.text:
            await opened.agent.post(undo_path(opened, page), once=new_key())
    await send_due(opened.database)
    assert (await opened.stored())[1] == []


async def test_an_undo_that_comes_too_late_says_so(opened: Opened) -> None:
    await post(opened, text="We look")
    path = undo_path(opened, await opened.page())
    await send_due(opened.database)
    answer = await opened.agent.post(path, once=new_key())
    assert answer.status_code == 409
    assert "Too late to undo: the message was sent already." in Page(answer.text).text
    assert [note.text for note in (await opened.stored())[1]] == ["We look"]


async def test_an_internal_note_waits_only_when_it_changes_the_status(opened: Opened) -> None:
    await post(opened, text="Same as MI-27", visibility="internal")
    assert [note.text for note in (await opened.stored())[1]] == ["Same as MI-27"]
    await post(opened, text="It is mended", visibility="internal", then="resolved")
    assert "Internal Sending in 10 s" in (await opened.page()).text
    assert (await opened.ticket()).status is Status.IN_PROGRESS
    await send_due(opened.database)
    assert (await opened.ticket()).status is Status.RESOLVED


async def test_a_double_click_leaves_one_message_to_send(opened: Opened) -> None:
    fields = {**hidden(await opened.page()), "text": "We look", "visibility": "public"}
    await asyncio.gather(*(opened.agent.post(f"{opened.path}/messages", **fields) for _ in range(4)))
    undo_path(opened, await opened.page())
    await send_due(opened.database)
    assert len((await opened.stored())[1]) == 1


async def test_a_colleague_sees_the_reply_cannot_take_it_back_and_is_held_back(
    opened: Opened, client: httpx.AsyncClient, database: Database
) -> None:
    colleague = Opened(await person(client, database, name="Mara Lind"), database, opened.tenant, opened.number)
    before = hidden(await colleague.page())
    await post(opened, text="We look")
    page = await colleague.page()
    assert "Ines Duarte to customer Sending in 10 s" in page.text
    assert [form for form in page.all("form") if (form.get("action") or "").endswith("/undo")] == []
    path = undo_path(opened, await opened.page())
    assert (await colleague.agent.post(path, once=new_key())).status_code == 409
    answer = await colleague.agent.post(f"{opened.path}/messages", **before, text="Me too", visibility="public")
    assert answer.status_code == 409
    assert "Others wrote while you were writing." in Page(answer.text).text
    await post(colleague, text="I saw it")
    await send_due(database)
    assert [note.text for note in (await opened.stored())[1]] == ["We look", "I saw it"]


async def test_a_reply_that_could_not_be_sent_says_why_everywhere_and_is_written_again(opened: Opened) -> None:
    await post(opened, text="We look")
    async with opened.database.transaction() as tx:
        for status in (Status.RESOLVED, Status.CLOSED):
            await ticket_changes.move_ticket(tx, OPERATOR, opened.number, status, reason="", now=NOW)
    await send_due(opened.database)
    page = await opened.page()
    assert "Not sent" in page.text
    assert "It was not sent: a ticket that is closed takes nothing more." in page.text
    assert opened.path in (await opened.agent.page("/console/open")).links(opened.path)
    answer = await opened.agent.post(undo_path(opened, page), once=new_key())
    assert answer.status_code == 303
    page = await opened.page()
    assert "We look" in page.text
    assert "It was not sent" not in page.text
    assert (await opened.agent.page("/console/open")).links(opened.path) == []


async def test_no_text_of_a_message_that_waits_becomes_markup(opened: Opened) -> None:
    await post(opened, text=HOSTILE)
    text = (await opened.agent.get(opened.path)).text
    assert "<script>alert" not in text
    assert "<img src=x" not in text
    assert HOSTILE in Page(text).text
