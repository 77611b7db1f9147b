"""What the provider says about its support: who changes it, which values are refused, where customers read it."""

import re
from collections.abc import AsyncIterator

import httpx
import msgspec
import pytest
from msgspec.structs import replace

from clearline.accounts import usecases as accounts
from clearline.branding import usecases as branding
from clearline.branding.domain import FOOTER_MAX, HOURS_MAX, Branding, check_branding
from clearline.companies import usecases as companies
from clearline.errors import Forbidden
from clearline.identity import OPERATOR, PROVIDER_ID, Role
from clearline.platform.database.transactions import Database
from clearline.web.branding import desk
from tests.builders.people import NOW, Tenant, new_person, staff_key
from tests.builders.web.pages import led_to, person, session_of

BRANDING = "/api/v1/branding"
PAGE = "/console/admin/branding/support"
HOURS, PHONE, FOOTER = "Monday to Friday, 08:00 to 18:00 <UTC>", "+1 (555) 0100", "Example Networks\n1 Example Street"
TEXTS = {"support_hours": HOURS, "support_phone": PHONE, "footer": FOOTER}
SET = {**TEXTS, "accent_hue": 145}
EMPTY = {"support_hours": "", "support_phone": "", "footer": "", "accent_hue": None}
LOGOS = {"logo": None, "dark_logo": None}


@pytest.fixture(autouse=True)
async def _unset_after(database: Database) -> AsyncIterator[None]:
    yield
    async with database.transaction() as tx:
        await branding.change_branding(tx, OPERATOR, EMPTY, now=NOW)


async def test_an_admin_changes_it_and_every_change_is_an_event(client: httpx.AsyncClient, database: Database) -> None:
    admin, agent = await staff_key(database, Role.ADMIN), await staff_key(database, Role.AGENT)
    before = await client.get(BRANDING, headers=agent)
    assert before.json() == EMPTY | LOGOS
    changed = await client.patch(BRANDING, json=SET, headers={**admin, "if-match": before.headers["etag"]})
    assert (changed.status_code, changed.json()) == (200, SET | LOGOS)
    assert (await client.get(BRANDING, headers=agent)).json() == SET | LOGOS
    stale = await client.patch(BRANDING, json={"footer": ""}, headers={**admin, "if-match": before.headers["etag"]})
    assert stale.status_code == 412
    refused = await client.patch(BRANDING, json={"footer": ""}, headers=agent)
    assert refused.status_code == 403
    async with database.transaction() as tx:
        data = await tx.fetch("select data from event where type = 'branding.changed' order by id desc limit 1")
    assert {change["field"] for change in msgspec.json.decode(data[0][0])["changes"]} == set(SET)


async def test_agents_do_not_change_it(database: Database) -> None:
    async with database.transaction() as tx:
        agent = await new_person(tx, "Ines Duarte", Role.AGENT)
        with pytest.raises(Forbidden):
            await branding.change_branding(tx, agent, SET, now=NOW)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("support_hours", "x" * (HOURS_MAX + 1)),
        ("support_phone", "call us"),
        ("support_phone", "+"),
        ("support_phone", "+1-555-0100 (day and night)"),
        ("support_phone", "javascript:1"),
        ("support_phone", "1" * 41),
        ("footer", "x" * (FOOTER_MAX + 1)),
        ("footer", "a\0b"),
        ("accent_hue", -1),
        ("accent_hue", 360),
    ],
)
def test_values_that_break_a_rule_are_refused(name: str, value: str | int) -> None:
    assert {violation.field for violation in check_branding(replace(Branding(), **{name: value}))} == {name}


@pytest.mark.parametrize(
    ("phone", "link"),
    [
        ("+1-555-0100", "tel:+15550100"),
        ("+1 (555) 0100", "tel:+15550100"),
        ("+49 (0)30 555 01", "tel:+493055501"),
        ("(0)30 / 555.01", "tel:03055501"),
    ],
)
def test_the_phone_can_be_called(phone: str, link: str) -> None:
    stored = Branding(support_phone=phone)
    assert (check_branding(stored), stored.phone_link) == ([], link)


async def test_customers_read_it_on_the_start_page_and_in_the_portal(
    client: httpx.AsyncClient, database: Database, tenant: Tenant
) -> None:
    customer = await session_of(client, database, tenant.user)
    for get in (client.get, customer.get):
        path = "/" if get == client.get else "/portal/tickets"
        assert "tel:" not in (await get(path)).text
    async with database.transaction() as tx:
        await branding.change_branding(tx, OPERATOR, SET, now=NOW)
    for text in ((await client.get("/")).text, (await customer.get("/portal/tickets")).text):
        assert "Support hours: Monday to Friday, 08:00 to 18:00 &lt;UTC&gt;" in text
        assert '<a href="tel:+15550100">Call +1 (555) 0100</a>' in text
        assert re.search(r"Example Networks\n1 Example Street</p>", text)


async def test_an_admin_changes_it_in_the_console(client: httpx.AsyncClient, database: Database) -> None:
    admin = await person(client, database, Role.ADMIN, "Ada Admin")
    page = await admin.page("/console/admin/branding")
    assert PAGE in page.links(PAGE)
    version = next(f["value"] or "" for f in (await admin.page(PAGE)).all("input") if f.get("name") == "version")
    refused = await admin.post(PAGE, version=version, **{**TEXTS, "support_phone": "call us"})
    assert refused.status_code == 422
    assert "such as +1-555-0100" in refused.text
    saved = await admin.post(PAGE, version=version, **TEXTS)
    assert (saved.status_code, led_to(saved)) == (303, f"{PAGE}?done=change")
    stale = await admin.post(PAGE, version=version, **dict.fromkeys(TEXTS, ""))
    assert stale.status_code == 409
    async with database.transaction() as tx:
        assert await branding.public_branding(tx) == Branding(HOURS, PHONE, FOOTER)
    assert (await admin.get("/console/admin/branding/nothing")).status_code == 404


async def test_the_sign_in_has_the_name_of_the_provider(
    client: httpx.AsyncClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "_KEPT", -1)
    async with database.transaction() as tx:
        before = (await accounts.provider(tx)).name
        await companies.change_company(tx, OPERATOR, PROVIDER_ID, {"name": "Fibre & Sons"}, now=NOW)
    try:
        for path in ("/sign-in", "/sign-in/forgotten", "/unsubscribe/unknown", "/nowhere"):
            text = (await client.get(path, headers={"accept": "text/html"})).text
            assert "· Fibre &amp; Sons</title>" in text
            assert "<span>Fibre &amp; Sons</span></a>" in text
            assert "Clearline" not in text
    finally:
        async with database.transaction() as tx:
            await companies.change_company(tx, OPERATOR, PROVIDER_ID, {"name": before}, now=NOW)
