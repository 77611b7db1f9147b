"""The API keys and webhooks of a customer in the administration."""

from typing import NamedTuple
from uuid import UUID, uuid4

import httpx
import pytest
from msgspec.structs import replace

from clearline.accounts import key_store
from clearline.accounts.domain import hash_secret
from clearline.clock import now
from clearline.companies import usecases as companies
from clearline.events.event_types import Visibility
from clearline.events.type_table import EVENT_TYPES
from clearline.identity import OPERATOR, Role
from clearline.platform.database.transactions import Database
from clearline.webhooks import subscription_usecases as subscriptions
from clearline.webhooks.delivery_domain import PING
from clearline.webhooks.subscription_domain import Subscription
from tests.builders.people import Tenant, new_tenant
from tests.builders.web.pages import Page, Person, led_to, person
from tests.builders.webhooks.sending import PROVIDER, all_deliveries, insert_deliveries
from tests.web.console.admin.forms import let_time_pass

URL = "https://hooks.example.com/orchard"


class Programs(NamedTuple):
    """A customer and an admin of the provider."""

    admin: Person
    tenant: Tenant
    database: Database

    @property
    def path(self) -> str:
        return f"/console/admin/companies/{self.tenant.company.id}"

    async def webhook(self) -> tuple[str, str]:
        """Add a webhook; return the address of its form and its secret."""
        answer = await self.admin.post(f"{self.path}/webhooks", url=URL, description="", once=uuid4().hex)
        assert answer.status_code == 200, answer.text
        [secret] = secrets_in(answer)
        return answer.headers["hx-push-url"], secret

    async def stored(self, path: str) -> Subscription:
        async with self.database.statement() as tx:
            webhook_id = UUID(path.rsplit("/", 1)[-1])
            return await subscriptions.get_subscription(tx, OPERATOR, webhook_id, of=self.tenant.company)


@pytest.fixture
async def programs(client: httpx.AsyncClient, database: Database) -> Programs:
    return Programs(await person(client, database, Role.ADMIN), await new_tenant(database), database)


def secrets_in(answer: httpx.Response) -> list[str]:
    return [field["value"] or "" for field in Page(answer.text).all("input") if "readonly" in field]


async def test_a_key_of_a_customer_is_issued_once_and_revoked(client: httpx.AsyncClient, programs: Programs) -> None:
    form = {"name": "crm", "user_id": str(programs.tenant.user.id), "scopes": "tickets:read", "once": uuid4().hex}
    form_page = await programs.admin.page(f"{programs.path}/keys/new")
    assert "desk:write" not in [field.get("value") for field in form_page.all("input")]
    issued = await programs.admin.post(f"{programs.path}/keys", **form, lifetime="30")
    [secret] = secrets_in(issued)
    path = issued.headers["hx-push-url"]
    again = await programs.admin.post(f"{programs.path}/keys", **form, lifetime="30")
    assert (again.status_code, again.headers["location"]) == (303, path)
    api_key = {"Authorization": f"Bearer {secret}"}
    me = (await client.get("/api/v1/me", headers=api_key)).json()
    assert (me["company"]["id"], me["scopes"]) == (str(programs.tenant.company.id), ["tickets:read"])
    page = await programs.admin.page(path)
    assert page.links(f"{programs.path}/people/{programs.tenant.user.id}")
    revoked = await programs.admin.post(f"{path}/revoke")
    assert led_to(revoked) == f"{path}?done=revoke"
    assert (
        "Programs with this key are refused from now on."
        in (await programs.admin.page(revoked.headers["location"])).text
    )
    assert "revoked" in (await programs.admin.page(f"{programs.path}/keys")).text
    async with programs.database.statement() as tx:
        assert await key_store.actor_of(tx, hash_secret(secret), now=now()) is None


async def test_a_key_of_a_customer_gets_no_scope_of_the_provider_and_no_person_of_another(
    database: Database, programs: Programs
) -> None:
    form = {"name": "crm", "user_id": str(programs.tenant.user.id), "lifetime": "", "once": uuid4().hex}
    wide = await programs.admin.post(f"{programs.path}/keys", **form, scopes="desk:write")
    assert wide.status_code == 422
    assert "Must not have desk:write: the user is a customer." in wide.text
    stranger = str((await new_tenant(database)).user.id)
    other = await programs.admin.post(f"{programs.path}/keys", **{**form, "user_id": stranger}, scopes="tickets:read")
    assert other.status_code == 404
    await let_time_pass(database, programs.admin.user)
    late = await programs.admin.post(f"{programs.path}/keys", **form, scopes="tickets:read")
    assert late.status_code == 403


async def test_an_admin_of_the_provider_manages_the_webhooks_of_a_customer(programs: Programs) -> None:
    path, secret = await programs.webhook()
    assert path in (await programs.admin.page(f"{programs.path}/webhooks")).links(path)
    assert path not in (await programs.admin.page("/console/admin/webhooks")).links("/console/admin")
    webhook = await programs.stored(path)
    assert (webhook.company_id, webhook.url) == (programs.tenant.company.id, URL)
    tested = await programs.admin.post(f"{path}/test", once=uuid4().hex)
    delivery = tested.headers["location"]
    assert delivery.startswith(f"{path}/deliveries/")
    assert PING in (await programs.admin.page(delivery)).text
    rotated = await programs.admin.post(f"{path}/rotate", once=uuid4().hex)
    assert [secret] != secrets_in(rotated)
    await programs.admin.post(f"{path}/pause")
    assert not (await programs.stored(path)).is_active
    await programs.admin.post(f"{path}/resume")
    assert (await programs.stored(path)).is_active
    assert led_to(await programs.admin.post(f"{path}/delete")) == f"{programs.path}/webhooks?done=delete"
    assert (await programs.admin.get(path)).status_code == 404


async def test_failed_deliveries_of_a_customer_are_replayed_alone_and_all(programs: Programs) -> None:
    path, _secret = await programs.webhook()
    webhook = await programs.stored(path)
    first, second = await insert_deliveries(programs.database, webhook, count=2)
    async with programs.database.transaction() as tx:
        await tx.write(
            "update delivery set state = 'dead', due_at = null, finished_at = $2 where subscription_id = $1",
            webhook.id,
            now(),
        )
    log = await programs.admin.page(f"{path}/deliveries?state=dead")
    assert {link.partition("?")[0] for link in log.links(f"{path}/deliveries/")} == {
        f"{path}/deliveries/{first}", f"{path}/deliveries/{second}",
    }  # fmt: skip
    replayed = await programs.admin.post(f"{path}/deliveries/{first}/replay")
    assert led_to(replayed) == f"{path}/deliveries/{first}?done=replay"
    states = {delivery.id: delivery.state for delivery in await all_deliveries(programs.database, webhook)}
    assert (states[first] != "dead", states[second]) == (True, "dead")
    await programs.admin.post(f"{path}/replay")
    states = {delivery.id: delivery.state for delivery in await all_deliveries(programs.database, webhook)}
    assert states[second] != "dead"


async def test_a_webhook_is_found_only_at_its_own_company(database: Database, programs: Programs) -> None:
    path, _secret = await programs.webhook()
    webhook = await programs.stored(path)
    other = f"/console/admin/companies/{(await new_tenant(database)).company.id}/webhooks/{webhook.id}"
    for address in (other, f"{other}/deliveries", f"/console/admin/webhooks/{webhook.id}"):
        assert (await programs.admin.get(address)).status_code == 404
        assert (await programs.admin.post(f"{address.removesuffix('/deliveries')}/delete")).status_code == 404
    stored = await programs.stored(path)
    # The application of the tests may try to reach the URL meanwhile, and pause.
    names = ("failures", "resume_at", "paused_at", "updated_at")
    assert stored == replace(webhook, **{name: getattr(stored, name) for name in names})
    ours = f"/console/admin/companies/{PROVIDER.id}/webhooks"
    assert (await programs.admin.get(ours)).status_code == 404


async def test_a_company_without_people_is_told_to_get_one_before_a_key(programs: Programs) -> None:
    code = f"N{uuid4().hex[:8].upper()}"
    async with programs.database.transaction() as tx:
        company = await companies.add_company(tx, OPERATOR, f"Company {code}", code, now=now())
    page = await programs.admin.page(f"/console/admin/companies/{company.id}/keys/new")
    assert "There is nobody yet: add a person first." in page.text
    assert "add a person first" not in (await programs.admin.page(f"{programs.path}/keys/new")).text


def types_of(page: Page, *, checked: bool = False) -> set[str | None]:
    """Return the types of events that a form offers, or those that are checked."""
    boxes = [box for box in page.all("input") if box.get("name") == "types" and (not checked or "checked" in box)]
    return {box["value"] for box in boxes}


async def test_a_webhook_of_a_customer_offers_the_types_that_it_is_sent_and_keeps_others(programs: Programs) -> None:
    offered = types_of(await programs.admin.page(f"{programs.path}/webhooks/new"))
    own = types_of(await programs.admin.page("/console/admin/webhooks/new"))
    assert offered < own
    never = {kind for kind, row in EVENT_TYPES.items() if row.visibility is Visibility.STAFF_ONLY}
    assert own - offered >= never
    assert offered.isdisjoint(never)
    assert {"ticket.", "ticket.created", "note.added"} <= offered
    async with programs.database.transaction() as tx:
        values = {"url": URL, "types": ["ticket.assigned", "ticket.created"]}
        webhook, _secret = await subscriptions.add_subscription(
            tx, OPERATOR, values, of=programs.tenant.company, networks=(), now=now()
        )
    page = await programs.admin.page(f"{programs.path}/webhooks/{webhook.id}")
    assert types_of(page, checked=True) == {"ticket.assigned", "ticket.created"}
    assert types_of(page) - offered == {"ticket.assigned"}
