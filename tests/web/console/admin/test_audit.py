"""The page of the audit."""

import httpx
import pytest

from clearline.accounts import usecases as accounts
from clearline.clock import now
from clearline.identity import OPERATOR, Role
from clearline.platform.database.transactions import Database
from clearline.tickets.domain import ticket_number
from tests.builders.people import Tenant
from tests.builders.tickets import raised
from tests.builders.web.pages import Page, Person, person

AUDIT = "/console/admin/audit"
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
async def admin(client: httpx.AsyncClient, database: Database) -> Person:
    return await person(client, database, Role.ADMIN, "Ada Admin")


async def test_changes_are_shown_as_text_with_who_made_them(database: Database, admin: Person, fresh: Tenant) -> None:
    async with database.transaction() as tx:
        await accounts.change_user(
            tx, OPERATOR, fresh.company.id, fresh.user.id, {"name": HOSTILE, "phone": ""}, now=now()
        )
        number = await raised(tx, fresh, HOSTILE)
    answer = await admin.get(f"{AUDIT}?company={fresh.company.code}")
    page = Page(answer.text)
    for text in (
        "user.changed by operator",
        fresh.user.name,
        HOSTILE,
        "+1-555-0199",
        "company.created",
        "api_key.created",
    ):
        assert text in page.text
    assert f"/console/tickets/{ticket_number(number)}" in page.links("/console/tickets")
    assert "<script>alert" not in answer.text
    assert not [tag for tag, attributes in page.tags if "onerror" in attributes]


async def test_events_are_filtered(admin: Person, fresh: Tenant) -> None:
    page = await admin.page(f"{AUDIT}?type=user.&company={fresh.company.code}")
    assert "user.created" in page.text
    assert "company.created" not in page.text
    for query, shown in (
        ("type=nonsense", "Type"),
        ("company=Nobody+Ltd", "Company Nobody Ltd does not exist."),
        (f"company={HOSTILE}", "does not exist."),
        ("type=%00", "Type"),
    ):
        refused = await admin.get(f"{AUDIT}?{query}")
        assert refused.status_code == 422, refused.text
        assert shown in Page(refused.text).text
        assert "<script>alert" not in refused.text


async def test_older_events_are_on_the_next_page(database: Database, admin: Person, fresh: Tenant) -> None:
    async with database.transaction() as tx:
        for at in range(55):
            values = {"name": f"Name {at:02}"}
            await accounts.change_user(tx, OPERATOR, fresh.company.id, fresh.user.id, values, now=now())
    first = await admin.page(f"{AUDIT}?company={fresh.company.code}")
    [older] = first.links(f"{AUDIT}?type=")
    assert ("Name 54" in first.text, "company.created" in first.text) == (True, False)
    second = await admin.page(older)
    assert ("Name 54" in second.text, "company.created" in second.text) == (False, True)
    assert (await admin.get(older.replace(fresh.company.code, "other"))).status_code == 400
    assert (await admin.get(f"{AUDIT}?after=forged")).status_code == 400
