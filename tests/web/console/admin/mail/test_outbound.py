"""The section of mail that goes out."""

from typing import Any
from uuid import UUID

import httpx
import pytest

from clearline.clock import now
from clearline.identity import OPERATOR, Role
from clearline.mail.outbound import usecases as outbound_mail
from clearline.mail.outbound.domain import MailState
from clearline.platform.database.transactions import Database
from tests.builders.mail.outbox import read, write
from tests.builders.people import new_tenant
from tests.builders.web.pages import Page, Person, person

OUTBOX = "/console/admin/outbound-mail"
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
async def admin(client: httpx.AsyncClient, database: Database) -> Person:
    return await person(client, database, Role.ADMIN, "Ada Admin")


async def failed(database: Database, recipient: str = "ada@example.com", **values: Any) -> UUID:
    """Write a mail that is not retried any more."""
    [mail_id] = await write(database, await new_tenant(database), recipient=recipient, **values)
    async with database.transaction() as tx:
        await tx.write(
            """update outbound_mail set state = 'dead', attempts = 9, last_error = 'the server refused it: 550',
                      finished_at = $2 where id = $1""",
            mail_id,
            now(),
        )
    return mail_id


async def test_a_failed_mail_is_listed_with_its_error_and_retried(database: Database, admin: Person) -> None:
    mail_id = await failed(database, subject="Port 7", text="We look into it")
    address = f"{OUTBOX}/{mail_id}"
    assert address in (await admin.page(OUTBOX)).links(OUTBOX)
    page = await admin.page(address)
    for text in ("Failed", "The server refused it: 550.", "ada@example.com", "We look into it", "Port 7", "Retry"):
        assert text in page.text
    answer = await admin.post(f"{address}/retry")
    assert "Queued again." in (await admin.page(answer.headers["location"])).text
    assert (await read(database, mail_id)).state is MailState.WAITING
    assert address not in (await admin.page(OUTBOX)).links(OUTBOX)


async def test_a_mail_that_was_sent_is_not_sent_again(database: Database, admin: Person) -> None:
    mail_id = await failed(database)
    async with database.transaction() as tx:
        await tx.write("update outbound_mail set state = 'sent', last_error = null where id = $1", mail_id)
    address = f"{OUTBOX}/{mail_id}"
    assert "Retry" not in [text.strip() for text in (await admin.page(address)).texts]
    refused = await admin.post(f"{address}/retry")
    assert refused.status_code == 409
    assert "The mail was sent already." in Page(refused.text).text


async def test_an_address_that_gets_no_mail_gets_it_again(database: Database, admin: Person) -> None:
    mail_id = await failed(database, "gone@example.com")
    async with database.transaction() as tx:
        await outbound_mail.suppress(tx, OPERATOR, "gone@example.com", "left the company", now=now())
    address = f"{OUTBOX}/{mail_id}"
    page = await admin.page(address)
    assert "This address gets no mail" in page.text
    assert "left the company" in page.text
    refused = await admin.post(f"{address}/retry")
    assert refused.status_code == 409
    assert "The address is suppressed" in Page(refused.text).text
    answer = await admin.post(f"{address}/unsuppress")
    assert "The address gets mail again." in (await admin.page(answer.headers["location"])).text
    assert (await admin.post(f"{address}/retry")).status_code == 303


async def test_a_test_needs_a_mail_server(admin: Person) -> None:
    form = await admin.page(f"{OUTBOX}/new")
    assert admin.user.email in [field.get("value") for field in form.all("input")]
    refused = await admin.post(OUTBOX, recipient="ada@example.com", once="a test")
    assert refused.status_code == 409
    assert 'value="ada@example.com"' in refused.text


async def test_a_link_to_sign_in_is_not_shown(database: Database, admin: Person) -> None:
    mail_id = await failed(database, kind="sign_in_link", text="https://desk.example.net/sign-in/link?token=secret")
    page = await admin.page(f"{OUTBOX}/{mail_id}")
    assert "token=secret" not in page.text
    assert "Only its recipient gets to see it." in page.text


async def test_a_mail_is_shown_as_text(database: Database, admin: Person) -> None:
    mail_id = await failed(database, subject=HOSTILE, text=HOSTILE)
    for address in (OUTBOX, f"{OUTBOX}/{mail_id}"):
        answer = await admin.get(address)
        assert answer.status_code == 200
        assert "<script>alert" not in answer.text
        assert not [tag for tag, attributes in Page(answer.text).tags if "onerror" in attributes]


async def test_a_desk_without_a_mail_server_says_so_at_the_test_message(admin: Person) -> None:
    page = await admin.page("/console/admin/outbound-mail/new")
    assert "This desk has no mail server yet: an operator sets CLEARLINE_SMTP." in page.text
