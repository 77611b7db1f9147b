"""The files of a message wait with it: nobody outside sees them before, and none is lost."""

from datetime import timedelta
from uuid import UUID

import httpx
import pytest

from clearline.drafts import usecases as drafts
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Database
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets.attachments import usecases as attachments
from clearline.tickets.attachments.domain import MESSAGE_FILES_MAX
from clearline.tickets.domain import Status
from clearline.web.once import new_key
from tests.builders.people import NOW
from tests.builders.web.messages import send_due
from tests.builders.web.opened import Opened, composer_of, files_of, hidden
from tests.builders.web.pages import Page, person


async def add(opened: Opened, name: str = "levels.txt") -> str:
    """Put a file into the composer; return its id."""
    answer = await opened.agent.upload(f"{opened.path}/files", name, b"rx -14.6")
    assert answer.status_code == 200, answer.text
    return files_of(Page(answer.text))[-1]


async def post(opened: Opened, status: int = 303, **fields: str) -> Page:
    """Send a message with what stands in the composer, and leave it where it can be taken back."""
    page = await opened.page()
    sent = {"visibility": "public", "text": "See the file", **hidden(page), "file": files_of(page), **fields}
    answer = await opened.agent.post(f"{opened.path}/messages", **sent)  # type: ignore[arg-type]
    assert answer.status_code == status, answer.text
    return Page(answer.text)


async def attached(opened: Opened) -> list[str]:
    """Return the names of the ticket's files that its customer sees."""
    async with opened.database.transaction() as tx:
        return [file.name for file in await attachments.list_attachments(tx, opened.tenant.actor, opened.number)]


async def test_the_files_of_a_reply_wait_with_it(opened: Opened) -> None:
    await add(opened)
    await add(opened, "trace.txt")
    assert await attached(opened) == []
    await post(opened)
    page = await opened.page()
    assert (await attached(opened), files_of(page)) == ([], [])
    assert page.text.index("Sending in") < page.text.index("trace.txt")
    await send_due(opened.database)
    assert await attached(opened) == ["levels.txt", "trace.txt"]
    page = await opened.page()
    assert [entry["class"] for entry in page.all("article")] == ["entry message", "entry message"]
    assert len(page.links(f"{opened.path}/files/")) == 2


async def test_undo_puts_the_files_back_into_the_composer(opened: Opened) -> None:
    file = await add(opened)
    await post(opened)
    actions = [form.get("action") or "" for form in (await opened.page()).all("form")]
    [undo] = [action for action in actions if action.endswith("/undo")]
    await opened.agent.post(undo, once=new_key())
    assert files_of(await opened.page()) == [file]
    await send_due(opened.database)
    assert await attached(opened) == []
    await post(opened)
    await send_due(opened.database)
    assert await attached(opened) == ["levels.txt"]


async def test_a_message_that_cannot_be_sent_keeps_its_files(opened: Opened) -> None:
    file = await add(opened)
    await post(opened, then="pending")
    async with opened.database.transaction() as tx:
        await ticket_changes.move_ticket(tx, OPERATOR, opened.number, Status.RESOLVED, reason="", now=NOW)
    await send_due(opened.database)
    page = await opened.page()
    assert ("It was not sent:" in page.text, "levels.txt" in page.text) == (True, True)
    [undo] = [action for form in page.all("form") if (action := form.get("action") or "").endswith("/undo")]
    await opened.agent.post(undo, once=new_key())
    assert (files_of(await opened.page()), await attached(opened)) == ([file], [])


async def test_the_files_of_a_note_are_internal_and_go_with_it_at_once(opened: Opened) -> None:
    await add(opened)
    await post(opened, visibility="internal")
    assert await attached(opened) == []
    assert len((await opened.page()).links(f"{opened.path}/files/")) == 1


async def test_a_file_that_is_removed_is_gone_and_the_text_stays(opened: Opened) -> None:
    kept, dropped = await add(opened), await add(opened, "trace.txt")
    fields = {**hidden(await opened.page()), "text": "See the file", "visibility": "public", "drop": dropped}
    assert (await opened.agent.post(f"{opened.path}/files/drop", **fields)).status_code == 303
    assert (files_of(await opened.page()), await composer_of(opened)) == ([kept], "See the file")
    assert (await opened.agent.post(f"{opened.path}/files/drop", **fields)).status_code == 404


async def test_nobody_else_sees_sends_or_removes_a_file_of_a_composer(
    opened: Opened, client: httpx.AsyncClient, database: Database
) -> None:
    file = await add(opened)
    other = Opened(await person(client, database, name="Mara Lind"), database, opened.tenant, opened.number)
    assert "levels.txt" not in (await other.page()).text
    fields = {"text": "Mine", "visibility": "public", "once": new_key()}
    assert (await other.agent.post(f"{opened.path}/files/drop", drop=file, **fields)).status_code == 404
    await post(other, file=file)
    await send_due(database)
    assert (await attached(opened), files_of(await opened.page())) == ([], [file])


async def test_a_form_with_files_is_sent_once(opened: Opened) -> None:
    fields = {**hidden(await opened.page()), "text": "See the file", "visibility": "public"}
    for _ in range(2):
        answer = await opened.agent.post_files(f"{opened.path}/messages", {"levels.txt": b"rx -14.6"}, **fields)
        assert answer.status_code == 303, answer.text
    assert (await attached(opened), files_of(await opened.page())) == ([], [])
    await send_due(opened.database)
    assert (await attached(opened), len((await opened.stored())[1])) == (["levels.txt"], 1)


@pytest.mark.parametrize(
    ("fields", "files", "status"),
    [
        ({"text": ""}, {"levels.txt": b"rx -14.6"}, 422),
        ({"then": "closed"}, {"levels.txt": b"rx -14.6"}, 409),
        ({}, {"levels.txt": b"rx -14.6", "empty.txt": b""}, 422),
        ({"seen": "0"}, {"levels.txt": b"rx -14.6"}, 409),
    ],
)
async def test_the_files_of_a_refused_form_stand_in_the_composer(
    opened: Opened, fields: dict[str, str], files: dict[str, bytes], status: int
) -> None:
    async with opened.database.transaction() as tx:
        await opened.note(tx, "It works again")
    sent = {**hidden(await opened.page()), "text": "See the file", "visibility": "public", **fields}
    answer = await opened.agent.post_files(f"{opened.path}/messages", files, **sent)
    page = Page(answer.text)
    assert (answer.status_code, len(files_of(page)), "levels.txt" in page.text) == (status, 1, True)
    assert await attached(opened) == []
    await post(opened)
    await send_due(opened.database)
    assert await attached(opened) == ["levels.txt"]


async def test_a_composer_has_a_maximum_of_files(opened: Opened) -> None:
    for at in range(MESSAGE_FILES_MAX):
        await add(opened, f"{at}.txt")
    answer = await opened.agent.upload(f"{opened.path}/files", "more.txt", b"x")
    assert (answer.status_code, "must be at most 20" in answer.text) == (422, True)
    assert len(files_of(await opened.page())) == MESSAGE_FILES_MAX


async def test_a_file_that_waits_is_no_orphan_until_it_is_purged(opened: Opened) -> None:
    composed = UUID(await add(opened))
    await post(opened)
    left = UUID(await add(opened, "trace.txt"))
    company_id = opened.tenant.company.id
    stored = [(company_id, composed), (company_id, left)]
    async with opened.database.transaction() as tx:
        assert await attachments.orphans(tx, stored) == []
        now = await tx.fetchval("select now()")
        while await drafts.purge(tx, before=now + timedelta(hours=1)):
            pass
        assert await attachments.orphans(tx, stored) == [(company_id, left)]
    await send_due(opened.database)
    assert await attached(opened) == ["levels.txt"]
