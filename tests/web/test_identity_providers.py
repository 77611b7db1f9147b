"""Sign-in with a real OpenID provider, which the test starts."""

from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import httpx
import pytest

from clearline.accounts import usecases as accounts
from clearline.audit import usecases as audit
from clearline.clock import now
from clearline.identity import OPERATOR, PROVIDER_ID, Role
from clearline.platform.database.transactions import Database
from clearline.settings import Settings
from clearline.sign_in import password_usecases as passwords
from clearline.sign_in.identity_providers import usecases as providers
from clearline.sign_in.identity_providers.domain import IdentityProvider
from clearline.sign_in.second_factors import usecases as second_factors
from clearline.web import csrf
from tests.builders.application import serving
from tests.builders.people import new_tenant
from tests.builders.sign_in.openid.desk import DESK, add_provider, callback, change_provider, refusals, user_with
from tests.builders.sign_in.openid.real import RealProvider, real_provider
from tests.builders.sign_in.sessions import PASSWORD
from tests.builders.web.pages import Page, person
from tests.builders.web.visitors import Visitor
from tests.builders.webhooks.receiver import LOOPBACK
from tests.web.console.admin.forms import let_time_pass

FAILED = "Sign-in failed"


@pytest.fixture(scope="module")
def openid() -> Iterator[RealProvider]:
    with real_provider() as provider:
        yield provider


@pytest.fixture(scope="module")
async def client(database_url: str) -> AsyncIterator[httpx.AsyncClient]:
    settings = Settings(
        database_url=database_url, rate_limit=0, access_log=False, sign_in_networks=LOOPBACK, public_url=DESK
    )
    async with serving(settings) as opened:
        yield opened


@pytest.fixture(scope="module")
async def provider(database: Database, openid: RealProvider) -> IdentityProvider:
    added = await add_provider(database, openid.issuer)
    client_id, secret = await openid.register(callback(added))
    await change_provider(database, added, client_id=client_id, secret=secret)
    return added


class Somebody:
    """A person whom the provider knows, in a browser."""

    def __init__(self, client: httpx.AsyncClient, openid: RealProvider, provider: IdentityProvider) -> None:
        self.visitor, self.openid, self.provider = Visitor(client), openid, provider
        self.subject = f"subject-{uuid4().hex}"
        self.email = f"{uuid4().hex}@example.net"

    async def is_known(self, *groups: str, **claims: object) -> "Somebody":
        """Set what the provider says about the person."""
        known = {"email": self.email, "email_verified": True, "name": "Ida Moss", "groups": list(groups), **claims}
        await self.openid.set_person(self.subject, **known)
        return self

    async def way_back(self, following: str = "/console/me", **more: str) -> str:
        """Sign in at the provider; return the address that the browser is sent back to."""
        led = await self.visitor.get(f"/sign-in/with/{self.provider.id}", next=following, **more)
        assert led.status_code == 303, led.text
        return await self.openid.sign_in(led.headers["location"], self.subject, callback(self.provider))

    async def sign_in(self, following: str = "/console/me", **more: str) -> httpx.Response:
        return await self.visitor.get(await self.way_back(following, **more))


@pytest.fixture
def somebody(client: httpx.AsyncClient, openid: RealProvider, provider: IdentityProvider) -> Somebody:
    return Somebody(client, openid, provider)


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
    assert (identity.issuer, identity.subject) == (provider.issuer, somebody.subject)


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
    assert (await admin.post(f"{path}/unlink")).headers["location"] == f"{path}?done=unlink"
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
