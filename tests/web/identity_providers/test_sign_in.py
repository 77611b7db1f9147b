"""Sign-in with a real OpenID provider, which the test starts."""

import hashlib

import httpx
import pytest

from clearline.accounts import usecases as accounts
from clearline.audit import usecases as audit
from clearline.clock import now
from clearline.identity import OPERATOR, PROVIDER_ID, Role
from clearline.platform.database.transactions import Database
from clearline.sign_in import password_usecases as passwords
from clearline.sign_in.identity_providers import flow_usecases as flows
from clearline.sign_in.identity_providers import usecases as providers
from clearline.sign_in.identity_providers.domain import FLOW_LIFETIME, IdentityProvider
from clearline.sign_in.identity_providers.flow_usecases import FLOWS_MAX
from clearline.sign_in.second_factors import usecases as second_factors
from clearline.web import csrf
from tests.builders.people import new_tenant
from tests.builders.sign_in.openid.desk import (
    GROUPS,
    change_provider,
    refusals,
    user_with,
)
from tests.builders.sign_in.openid.somebody import Somebody
from tests.builders.sign_in.second_factors import enrol
from tests.builders.sign_in.sessions import PASSWORD
from tests.builders.web.pages import Page
from tests.builders.web.visitors import Visitor

FAILED = "Sign-in failed"


async def test_a_person_is_added_with_the_role_of_its_groups_and_signed_in(
    somebody: Somebody, database: Database, provider: IdentityProvider
) -> None:
    shown = Page((await somebody.visitor.get("/sign-in?next=/console/views")).text)
    [button] = shown.links("/sign-in/with/")
    assert button == f"/sign-in/with/{provider.id}?next=%2Fconsole%2Fviews"
    assert "Sign in with Example ID" in shown.text
    await somebody.is_known("readers", "noc", "unknown")
    done = await somebody.sign_in("/console/views")
    assert (done.status_code, done.headers["location"]) == (303, "/console/views")
    assert await somebody.visitor.is_signed_in()
    user = await user_with(database, somebody.email)
    assert user is not None
    assert (user.name, user.role, user.is_active, user.is_confirmed) == ("Ida Moss", Role.AGENT, True, True)
    async with database.transaction() as tx:
        [identity] = await providers.identities_of(tx, OPERATOR, user.id)
        [session, *_before] = await audit.list_events(tx, OPERATOR, kind="session.created", limit=1)
    assert (identity.issuer, identity.subject) == (provider.issuer, somebody.subject)
    changes = {change["field"]: change["after"] for change in session.data["changes"]}
    assert (session.actor_name, changes["identity_provider"]) == ("Ida Moss", "Example ID")


async def test_a_role_that_the_provider_took_away_is_taken_away(somebody: Somebody, database: Database) -> None:
    await (await somebody.is_known("desk-admins")).sign_in()
    first = somebody.visitor
    assert (await first.get("/console/admin")).status_code == 200
    somebody.visitor = Visitor(first.client)
    await (await somebody.is_known("readers", email="another@example.net")).sign_in()
    user = await user_with(database, somebody.email)
    assert user is not None
    assert user.role is Role.VIEWER
    assert not await first.is_signed_in()
    assert await somebody.visitor.is_signed_in()
    await somebody.is_known("none-of-yours")
    refused = await somebody.sign_in()
    assert refused.status_code == 403
    assert Page(refused.text).text.count(FAILED) == 2
    assert "none-of-yours" not in refused.text
    assert not await somebody.visitor.is_signed_in()
    assert await refusals(database, somebody.subject) == ["none of the groups has a role here"]


async def test_a_person_without_a_group_gets_the_default_role_if_there_is_one(
    somebody: Somebody, database: Database, provider: IdentityProvider
) -> None:
    await somebody.is_known()
    assert (await somebody.sign_in()).status_code == 403
    assert await user_with(database, somebody.email) is None
    await change_provider(database, provider, default_role=Role.VIEWER)
    assert (await somebody.sign_in()).status_code == 303
    await change_provider(database, provider, default_role=None)


async def test_without_groups_the_role_is_changed_here(
    somebody: Somebody, database: Database, provider: IdentityProvider
) -> None:
    await change_provider(database, provider, default_role=Role.VIEWER, group_roles={})
    await (await somebody.is_known("desk-admins")).sign_in()
    user = await user_with(database, somebody.email)
    assert user is not None
    assert user.role is Role.VIEWER
    async with database.transaction() as tx:
        await accounts.change_user(tx, OPERATOR, PROVIDER_ID, user.id, {"role": Role.ADMIN}, now=now())
    await somebody.sign_in()
    assert (await somebody.visitor.get("/console/admin")).status_code == 200
    await change_provider(database, provider, default_role=None, group_roles=GROUPS)


async def test_a_person_with_a_second_factor_of_this_desk_enters_its_code(
    somebody: Somebody, database: Database
) -> None:
    async with database.transaction() as tx:
        user = await accounts.add_user(
            tx, OPERATOR, PROVIDER_ID, name="Ida", email=somebody.email, phone="", role=Role.AGENT, now=now()
        )
    await passwords.set_password(database, OPERATOR, PROVIDER_ID, user.id, PASSWORD, now=now())
    [code, *_others] = await enrol(database, user, secret_key=None, now=now())
    await somebody.is_known("noc")
    asked = await somebody.sign_in("/console/me")
    assert asked.headers["location"] == "/sign-in/code?next=%2Fconsole%2Fme"
    assert not await somebody.visitor.is_signed_in()
    fields = {"csrf": csrf.token_for(somebody.visitor.cookies["visitor"]), "code": code}
    assert (await somebody.visitor.post("/sign-in/code", fields)).status_code == 303
    assert await somebody.visitor.is_signed_in()


async def test_one_network_begins_a_limited_number_of_sign_ins(
    client: httpx.AsyncClient, database: Database, provider: IdentityProvider
) -> None:
    counter = hashlib.sha256(b"flows from 127.0.0.1").digest()
    async with database.transaction() as tx:
        await tx.write(
            """insert into sign_in_attempt (key, attempts, ends_at) values ($1, $2, now() + interval '5 minutes')
               on conflict (key) do update set attempts = $2, ends_at = now() + interval '5 minutes'""",
            counter,
            FLOWS_MAX,
        )
        before = await tx.fetchval("select count(*) from sign_in_flow")
    refused = await Visitor(client).get(f"/sign-in/with/{provider.id}")
    assert refused.status_code == 429
    assert 200 < int(refused.headers["retry-after"]) <= 300
    async with database.transaction() as tx:
        assert await tx.fetchval("select count(*) from sign_in_flow") == before
        await tx.write("delete from sign_in_attempt where key = $1", counter)


async def test_sign_ins_that_nobody_finished_are_deleted(
    client: httpx.AsyncClient, database: Database, provider: IdentityProvider
) -> None:
    await Visitor(client).get(f"/sign-in/with/{provider.id}")
    async with database.transaction() as tx:
        assert await flows.purge(tx, before=now()) == 0
        assert await flows.purge(tx, before=now() + FLOW_LIFETIME) >= 1
        assert await tx.fetchval("select count(*) from sign_in_flow") == 0


async def test_an_account_is_linked_by_its_verified_address_and_its_password_replaced(
    somebody: Somebody, database: Database, provider: IdentityProvider
) -> None:
    async with database.transaction() as tx:
        user = await accounts.add_user(
            tx, OPERATOR, PROVIDER_ID, name="Ida M.", email=somebody.email.title(), phone="", role=Role.AGENT, now=now()
        )
    await passwords.set_password(database, OPERATOR, PROVIDER_ID, user.id, PASSWORD, now=now())
    visitor = Visitor(somebody.visitor.client)
    await visitor.get("/sign-in")
    fields = {"csrf": csrf.token_for(visitor.cookies["visitor"]), "email": somebody.email, "password": PASSWORD}
    assert (await visitor.post("/sign-in", fields)).status_code == 303
    await (await somebody.is_known("noc")).sign_in()
    assert await somebody.visitor.is_signed_in()
    linked = await user_with(database, somebody.email)
    assert linked is not None
    assert (linked.id, linked.name) == (user.id, "Ida M.")
    replaced = await visitor.post("/sign-in", fields)
    assert replaced.status_code == 422
    assert "Your account signs in with Example ID." in Page(replaced.text).text
    wrong = await visitor.post("/sign-in", {**fields, "password": "wrong"})
    assert "The e-mail address or the password is wrong." in Page(wrong.text).text
    await change_provider(database, provider, is_active=False)
    assert (await visitor.post("/sign-in", fields)).status_code == 303
    assert (await somebody.visitor.get(f"/sign-in/with/{provider.id}")).status_code == 404
    assert Page((await Visitor(visitor.client).get("/sign-in")).text).links("/sign-in/with/") == []
    await change_provider(database, provider, is_active=True)


async def test_somebody_else_with_the_address_of_a_linked_person_is_refused(
    somebody: Somebody, database: Database, client: httpx.AsyncClient
) -> None:
    await (await somebody.is_known("noc")).sign_in()
    other = Somebody(client, somebody.openid, somebody.provider)
    other.email = somebody.email
    assert (await (await other.is_known("noc")).sign_in()).status_code == 403
    [reason] = await refusals(database, other.subject)
    assert reason.startswith(f"user {somebody.email} is another subject at this provider")
    async with database.transaction() as tx:
        await providers.unlink(tx, OPERATOR, somebody.email, now=now())
    assert (await other.sign_in()).status_code == 303


async def test_an_inactive_person_stays_out(somebody: Somebody, database: Database) -> None:
    await (await somebody.is_known("noc")).sign_in()
    async with database.transaction() as tx:
        await accounts.change_user(tx, OPERATOR, PROVIDER_ID, somebody.email, {"is_active": False}, now=now())
    await somebody.is_known("desk-admins")
    assert (await somebody.sign_in()).status_code == 403
    user = await user_with(database, somebody.email)
    assert user is not None
    assert (user.role, user.is_active) == (Role.AGENT, False)


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"email_verified": False}, "the e-mail address is missing, or not verified"),
        ({"email_verified": "false"}, "the e-mail address is missing, or not verified"),
        ({"email_verified": None, "xms_edov": True}, "the e-mail address is missing, or not verified"),
        ({"email": None}, "the e-mail address is missing, or not verified"),
        ({"email": "ida@example.org"}, "the e-mail address ida@example.org is not in a domain of the provider"),
        ({"email": "ida@sub.example.net"}, "the e-mail address ida@sub.example.net is not in a domain of the provider"),
        ({"email": "a@b@example.net"}, "the e-mail address a@b@example.net is not in a domain of the provider"),
    ],
)  # fmt: skip
async def test_an_address_has_to_be_verified_and_in_a_domain(
    somebody: Somebody, database: Database, claims: dict[str, object], reason: str
) -> None:
    await somebody.is_known("desk-admins", **claims)
    assert (await somebody.sign_in()).status_code == 403
    assert await refusals(database, somebody.subject) == [reason]
    assert not await somebody.visitor.is_signed_in()


async def test_nobody_gets_the_account_of_a_customer(
    somebody: Somebody, database: Database, provider: IdentityProvider
) -> None:
    tenant = await new_tenant(database)
    await change_provider(database, provider, email_domains=("example.net", tenant.user.email.partition("@")[2]))
    somebody.email = tenant.user.email
    await somebody.is_known("desk-admins")
    assert (await somebody.sign_in()).status_code == 403
    assert await refusals(database, somebody.subject) == [f"a user of a customer has the address {somebody.email}"]
    await change_provider(database, provider, email_domains=("example.net",))


async def test_what_a_browser_brings_back_works_once_and_only_in_that_browser(
    somebody: Somebody, client: httpx.AsyncClient
) -> None:
    address = await (await somebody.is_known("noc")).way_back()
    other = Visitor(client)
    assert (await other.get(address)).status_code == 400
    await other.get("/sign-in")
    assert (await other.get(address)).status_code == 400
    assert (await somebody.visitor.get(address)).status_code == 303
    replayed = await somebody.visitor.get(address)
    assert replayed.status_code == 400
    assert Page(replayed.text).text.count(FAILED) == 2
    assert replayed.headers["referrer-policy"] == "no-referrer"


async def test_a_code_is_worth_nothing_without_the_verifier(somebody: Somebody, database: Database) -> None:
    address = await (await somebody.is_known("noc")).way_back()
    async with database.transaction() as tx:
        await tx.write("update sign_in_flow set verifier = $1", "x" * 43)
    assert (await somebody.visitor.get(address)).status_code == 502
    assert not await somebody.visitor.is_signed_in()


@pytest.mark.parametrize(
    "following", ["https://evil.example.com/", "//evil.example.com", "/\\evil.example.com", "evil"]
)
async def test_no_address_leads_to_another_site(somebody: Somebody, following: str) -> None:
    assert (await (await somebody.is_known("noc")).sign_in(following)).headers["location"] == "/console"


async def test_the_second_factor_of_the_desk_is_asked_for_unless_the_provider_used_one(
    somebody: Somebody, database: Database, provider: IdentityProvider
) -> None:
    async with database.transaction() as tx:
        await second_factors.set_required_roles(tx, OPERATOR, [Role.VIEWER], now=now())
    await (await somebody.is_known("readers")).sign_in()
    assert (await somebody.visitor.get("/console/me")).headers["location"] == "/console/second-factor"
    await change_provider(database, provider, trusts_second_factor=True)
    await somebody.sign_in()
    assert await somebody.visitor.is_signed_in()
    await change_provider(database, provider, trusts_second_factor=False)


async def test_a_sign_in_takes_the_place_of_the_session_before(somebody: Somebody) -> None:
    await (await somebody.is_known("noc")).sign_in()
    before = dict(somebody.visitor.cookies)
    done = await somebody.sign_in(again="1")
    assert done.status_code == 303
    assert somebody.visitor.cookies["session"] != before["session"]
    old = Visitor(somebody.visitor.client)
    old.cookies = before
    assert not await old.is_signed_in()
