"""The section of addresses that get no mail."""

from uuid import uuid4

import httpx
import pytest

from clearline.identity import Role
from clearline.mail.outbound import usecases as outbound_mail
from clearline.platform.database.transactions import Database
from tests.builders.web.pages import Page, Person, person

SUPPRESSIONS = "/console/admin/suppressions"
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
async def admin(client: httpx.AsyncClient, database: Database) -> Person:
    return await person(client, database, Role.ADMIN, "Ada Admin")


def form_of(**values: str) -> dict[str, str]:
    return {"address": f"{uuid4().hex}@example.com", "detail": "left", "once": uuid4().hex, **values}


async def is_suppressed(database: Database, address: str) -> bool:
    async with database.statement() as tx:
        return bool(await outbound_mail.suppressed(tx, [address]))


@pytest.mark.parametrize("local", ["gone", "a+b", "a/b", "a%2fb", "a?b#c", "ü"])
async def test_an_address_is_suppressed_once_and_gets_mail_again(database: Database, admin: Person, local: str) -> None:
    address = f"{local}-{uuid4().hex[:8]}@example.com"
    form = form_of(address=address, detail="left the company")
    first, again = await admin.post(SUPPRESSIONS, **form), await admin.post(SUPPRESSIONS, **form)
    assert first.status_code == 303, first.text
    assert first.headers["location"] == again.headers["location"]
    assert await is_suppressed(database, address)
    page = await admin.page(first.headers["location"])
    for text in ("Suppressed.", address, "An admin decided so", "left the company", "End the suppression"):
        assert text in page.text
    path = first.headers["location"].partition("?")[0]
    assert path in [link.get("href") for link in page.all("a") if link.get("aria-current") == "page"]
    assert path in (await admin.page(SUPPRESSIONS)).links(SUPPRESSIONS)
    answer = await admin.post(f"{path}/delete")
    assert "The address gets mail again." in (await admin.page(answer.headers["location"])).text
    assert not await is_suppressed(database, address)
    assert (await admin.get(path)).status_code == 404


@pytest.mark.parametrize(
    ("name", "wrong", "shown"),
    [
        ("address", "", "Must be an address that mail servers accept."),
        ("address", "nothing", "Must be an address that mail servers accept."),
        ("address", HOSTILE, "Must be an address that mail servers accept."),
        ("detail", "x" * 256, "Must have at most 255 characters."),
    ],
)
async def test_a_refused_form_names_the_field(admin: Person, name: str, wrong: str, shown: str) -> None:
    refused = await admin.post(SUPPRESSIONS, **form_of(**{name: wrong}))
    assert refused.status_code == 422, refused.text
    assert shown in Page(refused.text).text
    assert name == "detail" or 'value="left"' in refused.text
    assert "<script>alert" not in refused.text


async def test_an_address_is_suppressed_only_once(admin: Person) -> None:
    form = form_of()
    assert (await admin.post(SUPPRESSIONS, **form)).status_code == 303
    again = await admin.post(SUPPRESSIONS, **{**form, "once": "another"})
    assert again.status_code == 409
    assert "exists already" in Page(again.text).text


async def test_the_reason_is_shown_as_text(admin: Person) -> None:
    added = await admin.post(SUPPRESSIONS, **form_of(detail=HOSTILE))
    answer = await admin.get(added.headers["location"])
    assert "<script>alert" not in answer.text
