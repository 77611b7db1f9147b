"""What admins see and do about identity providers, and about people who sign in with one."""

import httpx

from clearline.audit import usecases as audit
from clearline.identity import OPERATOR, Role
from clearline.platform.database.transactions import Database
from clearline.sign_in.identity_providers import usecases as providers
from clearline.sign_in.identity_providers.domain import IdentityProvider
from clearline.web import csrf
from tests.builders.sign_in.openid.desk import (
    add_provider,
    callback,
    user_with,
)
from tests.builders.sign_in.openid.somebody import Somebody
from tests.builders.web.pages import Page, led_to, person
from tests.web.console.admin.forms import let_time_pass


async def test_a_person_without_a_password_proves_again_who_it_is_by_the_provider(
    somebody: Somebody, database: Database, provider: IdentityProvider
) -> None:
    await (await somebody.is_known("desk-admins")).sign_in()
    user = await user_with(database, somebody.email)
    assert user is not None
    await let_time_pass(database, user)
    form = {"csrf": csrf.token_for(somebody.visitor.cookies["session"]), "name": "Else", "version": "any"}
    asked = await somebody.visitor.post(f"/console/admin/sign-in/{provider.id}/delete", form)
    assert asked.status_code == 403
    again = f"/sign-in/with/{provider.id}?again=1&next="
    address = f"/console/admin/sign-in/{provider.id}"
    shown = Page(asked.text)
    assert shown.links("/sign-in/with/") == [again + address]
    assert [field for field in shown.all("input") if field.get("type") == "password"] == []
    second_factor = Page((await somebody.visitor.get("/console/second-factor")).text)
    assert second_factor.links("/sign-in/with/") == [f"{again}/console/second-factor"]
    account = Page((await somebody.visitor.get("/console/me")).text)
    assert "You need no password: you sign in with Example ID." in account.text
    done = await somebody.sign_in(address, again="1")
    assert done.headers["location"] == address
    second_factor = Page((await somebody.visitor.get("/console/second-factor")).text)
    assert second_factor.links("/sign-in/with/") == []


async def test_an_admin_sees_who_a_person_is_at_the_provider_and_unlinks_it(
    somebody: Somebody, client: httpx.AsyncClient, database: Database
) -> None:
    await (await somebody.is_known("noc")).sign_in()
    user = await user_with(database, somebody.email)
    assert user is not None
    admin = await person(client, database, Role.ADMIN)
    path = f"/console/admin/people/{user.id}"
    assert f"Signs in as {somebody.subject} at {somebody.openid.issuer}" in (await admin.page(path)).text
    refused = await admin.post(f"{path}/link")
    assert refused.status_code == 409
    assert f"User {somebody.email} signs in with Example ID, and needs no password." in Page(refused.text).text
    assert led_to(await admin.post(f"{path}/unlink")) == f"{path}?done=unlink"
    assert "Signs in as" not in (await admin.page(path)).text
    assert (await admin.post(f"{path}/unlink")).status_code == 409


async def test_an_admin_tests_the_connection(
    client: httpx.AsyncClient, database: Database, provider: IdentityProvider
) -> None:
    admin = await person(client, database, Role.ADMIN)
    path = f"/console/admin/sign-in/{provider.id}"
    assert callback(provider) in [field.get("value") for field in (await admin.page(path)).all("input")]
    works = await admin.post(f"{path}/test")
    assert "The connection works." in Page(works.text).text
    wrong = await add_provider(database, "http://127.0.0.1:9", name="Nowhere")
    fails = await admin.post(f"/console/admin/sign-in/{wrong.id}/test")
    assert fails.status_code == 422
    assert "127.0.0.1:9 was not reached: the connection was refused" in Page(fails.text).text.replace("Http", "http")


async def test_the_secret_of_the_client_is_shown_to_nobody_and_kept(
    client: httpx.AsyncClient, database: Database
) -> None:
    added = await add_provider(database, "https://id.example.com", name="Kept", secret="zq9 a secret")
    admin = await person(client, database, Role.ADMIN)
    path = f"/console/admin/sign-in/{added.id}"
    page = await admin.page(path)
    assert "zq9" not in page.text + str(page.tags)
    [version] = [str(field["value"]) for field in page.all("input") if field.get("name") == "version"]
    fields = {
        "name": "Kept", "issuer": "https://id.example.com", "client_id": "another", "secret": "", "is_active": "on",
        "email_domains": "example.net Example.org", "groups_claim": "groups", "group_roles": "a = b = agent\n\nc=admin",
        "default_role": "viewer", "scopes": "", "second_factor_values": "gold silver", "version": version,
    }  # fmt: skip
    assert (await admin.post(path, **fields)).status_code == 303
    async with database.transaction() as tx:
        kept = await providers.get_provider(tx, OPERATOR, added.id)
        box = await providers.secret_box(tx, None)
        events = await audit.list_events(tx, OPERATOR, kind="identity_provider.", limit=2)
    assert kept.client_secret is not None
    assert box.decrypt(kept.client_secret) == "zq9 a secret"
    assert (kept.client_id, kept.email_domains, kept.group_roles, kept.default_role, kept.second_factor_values) == (
        "another", ("example.net", "example.org"), {"a = b": Role.AGENT, "c": Role.ADMIN}, Role.VIEWER,
        ("gold", "silver"),
    )  # fmt: skip
    assert (kept.replaces_password, kept.trusts_second_factor, kept.is_active) == (False, False, True)
    assert "zq9" not in str(events)
    assert [event.type for event in events] == ["identity_provider.changed", "identity_provider.created"]


async def test_the_secret_of_the_client_is_not_sent_to_another_issuer(
    client: httpx.AsyncClient, database: Database
) -> None:
    added = await add_provider(database, "https://id.example.com", name="Moved", secret="zq9 a secret")
    admin = await person(client, database, Role.ADMIN)
    path = f"/console/admin/sign-in/{added.id}"
    [version] = [
        str(field["value"]) for field in (await admin.page(path)).all("input") if field.get("name") == "version"
    ]
    fields = {
        "name": "Moved", "issuer": "https://id.example.org", "client_id": "the-desk", "secret": "", "is_active": "on",
        "email_domains": "example.net", "groups_claim": "groups", "group_roles": "noc = agent", "version": version,
    }  # fmt: skip
    refused = await admin.post(path, **fields)
    assert refused.status_code == 422
    assert "is required with another issuer" in Page(refused.text).text
    async with database.transaction() as tx:
        assert (await providers.get_provider(tx, OPERATOR, added.id)).issuer == "https://id.example.com"
    assert (await admin.post(path, **{**fields, "secret": "another"})).status_code == 303
