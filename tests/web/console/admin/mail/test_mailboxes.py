"""The section of mailboxes."""

from uuid import UUID, uuid4

import httpx
import pytest

from clearline.identity import OPERATOR, Role
from clearline.mail.inbound import mailbox_usecases as mailboxes
from clearline.mail.inbound.mailbox_domain import Mailbox
from clearline.platform.database.transactions import Database
from tests.builders.web.pages import Page, Person, person

MAILBOXES = "/console/admin/mailboxes"
PASSWORD = "only-for-the-server"
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
async def admin(client: httpx.AsyncClient, database: Database) -> Person:
    return await person(client, database, Role.ADMIN, "Ada Admin")


def form_of(**values: str) -> dict[str, str]:
    return {
        "address": f"{uuid4().hex}@example.net", "name": "Support", "is_active": "on", "queue_id": "",
        "form_addresses": "", "imap_host": "", "imap_port": "", "imap_user": "", "imap_password": "",
        "imap_folder": "INBOX", "imap_tls": "on", "once": uuid4().hex, **values,
    }  # fmt: skip


def polled(**values: str) -> dict[str, str]:
    server = {"imap_host": "imap.example.com", "imap_user": "desk", "imap_password": PASSWORD}
    return form_of(**{**server, **values})


async def added(admin: Person, form: dict[str, str]) -> str:
    """Add a mailbox; return the address of its form."""
    answer = await admin.post(MAILBOXES, **form)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"].partition("?")[0]


async def mailbox_at(database: Database, path: str) -> Mailbox:
    async with database.statement() as tx:
        return await mailboxes.get_mailbox(tx, OPERATOR, UUID(path.rsplit("/", 1)[-1]))


def hidden(page: Page, name: str) -> str:
    return next(field["value"] or "" for field in page.all("input") if field.get("name") == name)


async def test_a_mailbox_is_added_once(database: Database, admin: Person) -> None:
    form = form_of(form_addresses="Form@Example.com\n\n other@example.com ")
    first, again = await admin.post(MAILBOXES, **form), await admin.post(MAILBOXES, **form)
    assert (first.status_code, again.status_code) == (303, 303), first.text
    assert first.headers["location"] == again.headers["location"]
    mailbox = await mailbox_at(database, first.headers["location"].partition("?")[0])
    assert (mailbox.address, mailbox.name, mailbox.is_active) == (form["address"], "Support", True)
    assert mailbox.form_addresses == ("form@example.com", "other@example.com")
    assert (mailbox.imap_host, mailbox.imap_secret) == (None, None)
    assert form["address"] in (await admin.page(MAILBOXES)).text


async def test_the_password_is_stored_and_never_shown(database: Database, admin: Person) -> None:
    path = await added(admin, polled())
    before = await mailbox_at(database, path)
    assert before.imap_secret is not None
    assert PASSWORD.encode() not in before.imap_secret
    shown = await admin.get(path)
    assert PASSWORD not in shown.text
    form = polled(address=before.address, imap_password="", version=hidden(Page(shown.text), "version"))
    assert (
        await admin.post(
            path,
            **form,
        )
    ).status_code == 303
    assert (await mailbox_at(database, path)).imap_secret == before.imap_secret
    for refused in (
        await admin.post(MAILBOXES, **polled(address="nothing")),
        await admin.post(path, **polled(version="old")),
    ):
        assert refused.status_code in {409, 422}
        assert PASSWORD not in refused.text


async def test_another_server_needs_the_password_again(database: Database, admin: Person) -> None:
    path = await added(admin, polled())
    before = await mailbox_at(database, path)
    version = hidden(await admin.page(path), "version")
    form = polled(address=before.address, imap_host="imap.example.net", imap_password="", version=version)
    refused = await admin.post(path, **form)
    assert refused.status_code == 422
    assert "Is required with another server or user." in Page(refused.text).text
    assert 'id="about-imap_password"' in refused.text
    assert await mailbox_at(database, path) == before


async def test_a_mailbox_is_paused_and_no_longer_polled(database: Database, admin: Person) -> None:
    path = await added(admin, polled())
    address = (await mailbox_at(database, path)).address
    form = form_of(address=address, version=hidden(await admin.page(path), "version"))
    del form["is_active"]
    assert (await admin.post(path, **form)).status_code == 303
    mailbox = await mailbox_at(database, path)
    assert (mailbox.is_active, mailbox.imap_host, mailbox.imap_secret) == (False, None, None)
    assert "paused" in (await admin.page(path)).text


@pytest.mark.parametrize(
    ("name", "wrong", "shown"),
    [
        ("address", "", "Must"),
        ("address", "nothing", "Must"),
        ("address", "support+x@example.net", "Must not have a plus"),
        ("name", "x" * 256, "Must have at most 255 characters."),
        ("queue_id", HOSTILE, "Must be an id."),
        ("queue_id", "5f0c9a56-2c1e-4d59-9d0e-0f5a3c1b7e42", "Must"),
        ("form_addresses", "nothing", "Must"),
        ("form_addresses", HOSTILE, "Must"),
        ("imap_host", "not a host", "Must be the name or address of a host."),
        ("imap_host", "127.0.0.1", "127.0.0.1 is not a public address"),
        ("imap_host", HOSTILE, "Must be the name or address of a host."),
        ("imap_port", "0", "Must be from 1 to 65535."),
        ("imap_port", "65536", "Must be from 1 to 65535."),
        ("imap_port", "9" * 5000, "Must be from 1 to 65535."),
        ("imap_port", "-1", "Must be from 1 to 65535."),
        ("imap_user", "", "Must have 1 to 255 characters."),
        ("imap_password", "", "Is required to poll a mailbox."),
        ("imap_folder", "", "Must have 1 to 255 characters."),
    ],
)
async def test_a_refused_form_names_the_field_and_keeps_the_rest(
    admin: Person, name: str, wrong: str, shown: str
) -> None:
    refused = await admin.post(MAILBOXES, **polled(**{"name": "kept here", name: wrong}))
    assert refused.status_code == 422, refused.text
    assert shown in Page(refused.text).text
    assert f'id="about-{name}"' in refused.text
    assert name == "name" or 'value="kept here"' in refused.text
    assert "<script>alert" not in refused.text


async def test_an_address_is_that_of_one_mailbox(admin: Person) -> None:
    form = form_of()
    await added(admin, form)
    taken = await admin.post(MAILBOXES, **{**form, "once": "another"})
    assert taken.status_code == 409
    assert "exists already" in Page(taken.text).text


async def test_a_form_of_an_older_state_is_not_saved_but_kept(database: Database, admin: Person) -> None:
    path = await added(admin, form_of())
    address, version = (await mailbox_at(database, path)).address, hidden(await admin.page(path), "version")
    assert (await admin.post(path, **form_of(address=address, name="Theirs", version=version))).status_code == 303
    late = await admin.post(path, **form_of(address=address, name="Mine", version=version))
    assert late.status_code == 409
    assert "Now stored: Theirs" in Page(late.text).text
    assert hidden(Page(late.text), "name") == "Mine"


async def test_a_test_says_why_the_server_cannot_be_read(database: Database, admin: Person) -> None:
    path = await added(admin, polled())
    async with database.transaction() as tx:
        await tx.write(
            "update mailbox set imap_host = '127.0.0.1', imap_port = 1 where address = $1",
            (await mailboxes.get_mailbox(tx, OPERATOR, UUID(path.rsplit("/", 1)[-1]))).address,
        )
    failed = await admin.post(f"{path}/check")
    assert failed.status_code == 422
    assert "127.0.0.1 is not a public address" in Page(failed.text).text
    unpolled = await added(admin, form_of())
    refused = await admin.post(f"{unpolled}/check")
    assert refused.status_code == 422
    assert "required to check the mailbox" in refused.text


async def test_a_mailbox_is_deleted(admin: Person) -> None:
    path = await added(admin, form_of())
    answer = await admin.post(f"{path}/delete")
    assert "Deleted." in (await admin.page(answer.headers["location"])).text
    assert (await admin.get(path)).status_code == 404


async def test_names_are_shown_as_text(admin: Person) -> None:
    path = await added(admin, form_of(name=HOSTILE))
    for address in (MAILBOXES, path):
        answer = await admin.get(address)
        assert "<script>alert" not in answer.text
        assert not [tag for tag, attributes in Page(answer.text).tags if "onerror" in attributes]
