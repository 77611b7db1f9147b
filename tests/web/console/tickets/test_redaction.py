"""Admins remove words or a file from a ticket in the console, after a preview; customers see that something is gone."""

from uuid import uuid4

import httpx
import pytest

from clearline.identity import OPERATOR, Role
from clearline.platform.database.transactions import Database
from clearline.redactor import MARK
from clearline.tickets.attachments import usecases as attachments
from clearline.tickets.attachments.domain import Content, NewAttachment
from clearline.tickets.domain import Status, ticket_number
from clearline.tickets.note_domain import Visibility
from clearline.web.once import new_key
from tests.builders.people import NOW, new_tenant
from tests.builders.tickets import raised
from tests.builders.web.opened import HOSTILE, Opened
from tests.builders.web.pages import Page, person, session_of


@pytest.fixture
async def admins(client: httpx.AsyncClient, database: Database) -> Opened:
    """Return a ticket in the browser of an admin."""
    tenant = await new_tenant(database)
    async with database.transaction() as tx:
        number = await raised(tx, tenant, "Port is slow", status=Status.IN_PROGRESS)
    return Opened(await person(client, database, Role.ADMIN, "Mara Lind"), database, tenant, number)


async def redact(opened: Opened, expected: int, **fields: str) -> Page:
    """Send the form of the page, and return the page that answers; after 303 that to which it leads."""
    answer = await opened.agent.post(f"{opened.path}/redact", once=new_key(), **fields)
    assert answer.status_code == expected, answer.text
    if expected == 303:
        assert answer.headers["location"] == f"{opened.path}/redact"
        return await opened.agent.page(f"{opened.path}/redact")
    return Page(answer.text)


async def test_words_are_previewed_then_removed_with_a_reason(client: httpx.AsyncClient, admins: Opened) -> None:
    async with admins.database.transaction() as tx:
        await admins.note(tx, 'Our password is <hunter22>, or "hunter22"')
    assert f"{admins.path}/redact" in {form.get("action") for form in (await admins.page()).all("form")}
    empty = await redact(admins, 200, text="")
    assert "Words to remove" in empty.text
    before = await admins.stored()
    preview = await redact(admins, 200, text=" <hunter22> ")
    for shown in ("1 place holds it", "1 text or file.", "This cannot be undone.", "<hunter22>"):
        assert shown in preview.text, shown
    assert await admins.stored() == before
    refused = await redact(admins, 422, text="<hunter22>", reason="it is <hunter22>", confirm="yes")
    assert "must not hold the words" in refused.text
    done = await redact(admins, 303, text="<hunter22>", reason="A <b>password</b>", confirm="yes")
    assert "A <b>password</b>" in done.text
    assert "Mara Lind" in done.text
    assert "still at work" in done.text
    _ticket, [note] = await admins.stored()
    assert note.text == f'Our password is {MARK}, or "hunter22"'
    page = await admins.page()
    assert "Mara Lind removed words for good, everywhere" in page.text
    assert "hunter22>" not in page.text
    history = await admins.agent.page(f"{admins.path}/history")
    assert "removed words for good" in history.text
    customer = await session_of(client, admins.database, admins.tenant.user)
    portal = await customer.page(f"/portal/tickets/{ticket_number(admins.number)}")
    assert f"The support team removed words, such as a password: {MARK} stands in their place." in portal.text
    assert "Mara" not in portal.text


@pytest.mark.parametrize(
    ("text", "shown"),
    [("ab", "must have 3 to 1000 characters"), ("not there", "must stand there"), (HOSTILE, "must stand there")],
    ids=["short", "absent", "markup"],
)
async def test_refused_words_are_shown_again(admins: Opened, text: str, shown: str) -> None:
    page = await redact(admins, 422, text=text)
    assert shown in page.text
    assert text in page.text


async def test_a_file_is_removed_as_a_whole(client: httpx.AsyncClient, admins: Opened) -> None:
    content = Content(id=uuid4(), size=4, sha256=b"s" * 32)
    new = NewAttachment("keys.txt", "text/plain", Visibility.PUBLIC)
    async with admins.database.transaction() as tx:
        file = await attachments.add_attachment(tx, OPERATOR, admins.number, new, content, now=NOW)
    form = await admins.agent.page(f"{admins.path}/redact")
    assert "keys.txt" in form.text
    preview = await redact(admins, 200, file=str(file.id))
    assert "1 place holds it" in preview.text
    await redact(admins, 303, file=str(file.id), reason="Keys", confirm="yes")
    page = await admins.page()
    assert "keys.txt" not in page.text
    assert "Mara Lind removed a file for good, everywhere" in page.text
    await redact(admins, 404, file=str(file.id))
    await redact(admins, 422, file="x")
    customer = await session_of(client, admins.database, admins.tenant.user)
    portal = await customer.page(f"/portal/tickets/{ticket_number(admins.number)}")
    assert "The support team removed a file." in portal.text


async def test_agents_are_not_offered_it(opened: Opened) -> None:
    assert f"{opened.path}/redact" not in {form.get("action") for form in (await opened.page()).all("form")}
    answer = await opened.agent.get(f"{opened.path}/redact")
    assert answer.status_code == 403
