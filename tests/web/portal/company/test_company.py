"""The page of a company, with its API keys and webhooks."""

from uuid import UUID, uuid4

import httpx
import pytest

from clearline.accounts import key_store
from clearline.accounts.domain import hash_secret
from clearline.clock import now
from clearline.events.event_types import Visibility
from clearline.events.type_table import types_with
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Database
from clearline.webhooks import subscription_usecases as subscriptions
from clearline.webhooks.delivery_domain import PING
from clearline.webhooks.subscription_domain import Subscription
from tests.builders.web.companies import COMPANY, PortalCompany, secrets_in
from tests.builders.web.pages import Page, session_of
from tests.builders.webhooks.sending import insert_deliveries
from tests.web.console.admin.forms import let_time_pass

URL = "https://hooks.example.com/orchard"


async def test_an_admin_sees_the_people_keys_and_webhooks_and_a_customer_whom_to_ask(
    client: httpx.AsyncClient, company: PortalCompany, database: Database
) -> None:
    page = await company.admin.page(COMPANY)
    for part in ("people", "keys", "webhooks"):
        assert f"{COMPANY}/{part}/new" in page.links(COMPANY)
    assert company.tenant.company.code in page.text
    assert company.tenant.user.name in page.text
    customer = await session_of(client, database, company.tenant.user)
    page = await customer.page(COMPANY)
    assert page.links(f"{COMPANY}/") == []
    assert f"An admin of {company.tenant.company.name} invites people" in page.text
    assert COMPANY in page.links(COMPANY)


async def test_a_long_list_goes_on_on_a_page_of_its_own(company: PortalCompany) -> None:
    for number in range(5):
        await company.send(
            "/people", name=f"Person {number}", email=f"p{number}@example.com", phone="", role="customer"
        )
    assert f"{COMPANY}/people" in (await company.admin.page(COMPANY)).links(COMPANY)
    assert "Person 4" in (await company.admin.page(f"{COMPANY}/people")).text


async def test_a_key_is_shown_once_with_a_command_that_has_it(
    client: httpx.AsyncClient, company: PortalCompany
) -> None:
    form_page = await company.admin.page(f"{COMPANY}/keys/new")
    offered = [field.get("value") for field in form_page.all("input")]
    assert "tickets:write" in offered
    assert "desk:read" not in offered
    form = {"name": "crm", "user_id": str(company.tenant.user.id), "scopes": "tickets:read", "once": uuid4().hex}
    issued = await company.send("/keys", 200, **form, lifetime="30")
    [secret] = secrets_in(issued)
    command = f'curl -H "Authorization: Bearer {secret}"'
    page = Page(issued.text)
    assert command in page.text
    assert any((button.get("data-copy") or "").startswith(command) for button in page.all("button"))
    me = (await client.get("/api/v1/me", headers={"Authorization": f"Bearer {secret}"})).json()
    assert me["id"] == str(company.tenant.user.id)
    path = issued.headers["hx-push-url"]
    again = await company.send("/keys", **form, lifetime="30")
    assert again.headers["location"] == path
    shown = (await company.admin.get(path)).text
    assert secret not in shown
    assert secret[:8] in shown
    assert path.rsplit("/", 1)[-1] in Page(shown).text
    await company.send(f"{path.removeprefix(COMPANY)}/revoke")
    assert "revoked" in (await company.admin.page(f"{COMPANY}/keys")).text
    async with company.database.statement() as tx:
        assert await key_store.actor_of(tx, hash_secret(secret), now=now()) is None


@pytest.mark.parametrize("path", ["/keys", "/people", "/webhooks"])
async def test_what_gives_access_asks_for_the_password_and_keeps_the_form(
    company: PortalCompany, database: Database, path: str
) -> None:
    await let_time_pass(database, company.admin.user)
    fields = {"name": "zq-crm", "url": URL, "user_id": str(company.tenant.user.id), "email": "a@example.com"}
    asked = await company.send(path, 403, **fields, role="customer", scopes="tickets:read")
    page = Page(asked.text)
    assert "Confirm that it is you" in page.text
    kept = {field.get("name"): field.get("value") for field in page.all("input") if field.get("type") == "hidden"}
    assert kept["name"] == "zq-crm"
    wrong = await company.send(path, 422, **fields, role="customer", scopes="tickets:read", confirm_password="wrong")
    assert "This is not your password." in Page(wrong.text).text


async def stored(company: PortalCompany, path: str) -> Subscription:
    async with company.database.statement() as tx:
        webhook_id = UUID(path.rsplit("/", 1)[-1])
        return await subscriptions.get_subscription(tx, OPERATOR, webhook_id, of=company.tenant.company)


async def test_a_webhook_is_added_tested_paused_rotated_and_deleted(company: PortalCompany) -> None:
    added = await company.send("/webhooks", 200, url=URL, description="", types="ticket.")
    [secret] = secrets_in(added)
    address = added.headers["hx-push-url"]
    path = address.removeprefix(COMPANY)
    webhook = await stored(company, path)
    assert (webhook.company_id, webhook.url, webhook.types) == (company.tenant.company.id, URL, ("ticket.",))
    tested = await company.send(f"{path}/test")
    delivery = await company.admin.page(tested.headers["location"])
    assert PING in delivery.text
    rotated = await company.send(f"{path}/rotate", 200)
    assert secrets_in(rotated) != [secret]
    await company.send(f"{path}/pause")
    assert not (await stored(company, path)).is_active
    await company.send(f"{path}/resume")
    assert (await stored(company, path)).is_active
    await company.send(f"{path}/delete")
    assert (await company.admin.get(address)).status_code == 404


async def test_failed_deliveries_are_replayed_alone_and_all(company: PortalCompany) -> None:
    added = await company.send("/webhooks", 200, url=URL, description="", types="ticket.")
    path = added.headers["hx-push-url"].removeprefix(COMPANY)
    first, second = await insert_deliveries(company.database, await stored(company, path), count=2)
    async with company.database.transaction() as tx:
        await tx.write("update delivery set state = 'dead', due_at = null, finished_at = now()")
    log = await company.admin.page(f"{COMPANY}{path}/deliveries?state=dead")
    assert f"{COMPANY}{path}/deliveries/{first}?state=dead" in log.links(COMPANY)
    await company.send(f"{path}/deliveries/{first}/replay")
    await company.send(f"{path}/replay")
    async with company.database.statement() as tx:
        rows = await tx.fetch("select id from delivery where state = 'waiting'")
    assert {first, second} <= {row["id"] for row in rows}


async def test_a_webhook_offers_no_event_that_the_company_never_gets(company: PortalCompany) -> None:
    page = await company.admin.page(f"{COMPANY}/webhooks/new")
    offered = {field.get("value") for field in page.all("input") if field.get("name") == "types"}
    assert {"ticket.", "ticket.created", "ticket.status_changed"} <= offered
    assert offered.isdisjoint(types_with(Visibility.STAFF_ONLY))
    assert "routing_rule." not in offered
