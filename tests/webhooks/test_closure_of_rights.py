"""No key gains, by people, mail, webhooks and other keys, what it may not do itself. Every chain of grants is tried."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from itertools import combinations
from typing import Any
from uuid import UUID, uuid4

import pytest

from clearline.accounts import address_usecases as addresses
from clearline.accounts import key_store
from clearline.accounts import key_usecases as keys
from clearline.accounts import mail_domain_usecases as mail_domains
from clearline.accounts import usecases as accounts
from clearline.accounts.domain import hash_secret
from clearline.accounts.mail_domain import Proof
from clearline.deactivation import usecases as deactivation
from clearline.errors import Forbidden, InvalidInput, NotFound, ScopeMissing
from clearline.identity import OPERATOR, PROVIDER_ID, ROLE_SCOPES, Actor, Company, Role, Scope, User
from clearline.platform.database.transactions import Database, Tx
from clearline.webhooks import subscription_usecases as subscriptions
from clearline.wires.house.routes import OPERATIONS
from tests.builders.databases import Undone, undo
from tests.builders.people import NOW, Tenant

REFUSALS = (ScopeMissing, InvalidInput, Forbidden, NotFound)
BY_MAIL = frozenset({Scope.TICKETS_READ, Scope.TICKETS_WRITE})
"""What people may do without a key: get notifications, write by mail."""
BY_WEBHOOK = frozenset({Scope.TICKETS_READ, Scope.AUDIT_READ})
"""What the receiver of a webhook may read."""

HARMLESS = {
    "createCompany": "a company has no people and no keys at first",
    "changeCompany": "names only",
    "deactivateCompany": "takes rights away",
    "revokeKey": "takes rights away",
    "createService": "a service is no right",
    "changeService": "a service is no right",
    "deleteService": "a service is no right",
    "importServices": "a service is no right",
    "createTier": "a tier is no right",
    "changeTier": "a tier is no right",
    "deleteMailDomain": "takes rights away",
    "deleteSubscription": "takes rights away",
    "rotateSubscriptionSecret": "the secret signs what is sent; it reads nothing",
    "pingSubscription": "a ping has no text of a ticket",
    "replayDelivery": "to the receiver that had it; needs the rights of the receiver, too",
    "replayDeliveries": "to the receiver that had it; needs the rights of the receiver, too",
    "getUserNotifications": "reads preferences only",
    "changeUserNotifications": "the person may read these tickets already, and nobody can take over an address",
    "changeCompanyNotifications": "contacts of tickets, whom those chose who may read them",
}
"""The operations with ``accounts:write`` that make no new identity and change none, and why they grant nothing."""


class Grants:
    """The operations that grant something. Each returns what the actor, or whoever it acts for, has gained."""

    def __init__(self, company: Company, colleague: User, subscription: UUID, customer: Company) -> None:
        self.company, self.colleague, self.subscription = company, colleague, subscription
        self.customer = customer

    def roles(self) -> list[Role]:
        is_provider = self.company.id == PROVIDER_ID
        return [Role.VIEWER, Role.AGENT, Role.ADMIN] if is_provider else [Role.CUSTOMER, Role.CUSTOMER_ADMIN]

    def all(self) -> "dict[str, list[Callable[[Tx, Actor], Awaitable[frozenset[Scope]]]]]":
        return {
            "createUser": [self.adding(role) for role in self.roles()],
            "changeUser": [
                self.changing({}, {"email": f"{uuid4().hex}@attacker.example.com"}, BY_MAIL),
                self.changing({"is_confirmed": False}, {"is_confirmed": True}, BY_MAIL),
                self.changing({"is_active": False}, {"is_active": True}, None),
                *(self.changing({"role": self.roles()[0]}, {"role": role}, None) for role in self.roles()[1:]),
            ],
            "createKey": [self.issuing(None), *(self.issuing(frozenset({scope})) for scope in Scope)],
            "createMailDomain": [self.binding(by) for by in Proof],
            "verifyMailDomain": [self.verifying(by) for by in Proof],
            "inviteUser": [self.inviting],
            "activateCompany": [self.activating],
            "decideAddressClaim": [self.deciding],
            "createSubscription": [self.subscribing],
            "changeSubscription": [self.redirecting],
        }

    def adding(self, role: Role) -> "Callable[[Tx, Actor], Awaitable[frozenset[Scope]]]":
        async def grant(tx: Tx, actor: Actor) -> frozenset[Scope]:
            email = f"{uuid4().hex}@attacker.example.com"
            await accounts.add_user(tx, actor, self.company.id, name="Eve", email=email, phone="", role=role, now=NOW)
            return BY_MAIL & ROLE_SCOPES[role]

        return grant

    def changing(
        self, before: dict[str, Any], values: dict[str, Any], gain: frozenset[Scope] | None
    ) -> "Callable[[Tx, Actor], Awaitable[frozenset[Scope]]]":
        """Return a grant that changes a colleague; without ``gain``, to all rights of the role: an old key works."""

        async def grant(tx: Tx, actor: Actor) -> frozenset[Scope]:
            if self.company.id == PROVIDER_ID and "is_confirmed" in values:
                return frozenset()
            await accounts.change_user(tx, OPERATOR, self.company.id, self.colleague.id, before, now=NOW)
            user = await accounts.change_user(tx, actor, self.company.id, self.colleague.id, values, now=NOW)
            rights = ROLE_SCOPES[user.role]
            return rights if gain is None else gain & rights

        return grant

    def issuing(self, scopes: frozenset[str] | None) -> "Callable[[Tx, Actor], Awaitable[frozenset[Scope]]]":
        async def grant(tx: Tx, actor: Actor) -> frozenset[Scope]:
            _key, secret = await keys.create_key(
                tx, actor, self.company.id, user_id=self.colleague.id, name="next", scopes=scopes,
                lifetime=timedelta(hours=1), now=NOW,
            )  # fmt: skip
            issued = await key_store.actor_of(tx, hash_secret(secret), now=NOW)
            assert issued is not None
            return frozenset(map(Scope, issued.scopes))

        return grant

    async def claim(self, tx: Tx, domain: str) -> User:
        """Return a user of the customer with an unconfirmed address, which is that of whoever has the key."""
        email = f"eve@{domain}"
        user = await accounts.add_user(
            tx, OPERATOR, self.customer.id, name="Eve", email=email, phone="", role=Role.CUSTOMER_ADMIN, now=NOW
        )
        return await accounts.change_user(tx, OPERATOR, self.customer.id, user.id, {"is_confirmed": False}, now=NOW)

    async def gained(self, tx: Tx, claimed: User) -> frozenset[Scope]:
        user = await accounts.get_user(tx, OPERATOR, self.customer.id, claimed.id)
        return BY_MAIL if user.is_confirmed else frozenset()

    def binding(self, by: Proof) -> "Callable[[Tx, Actor], Awaitable[frozenset[Scope]]]":
        async def grant(tx: Tx, actor: Actor) -> frozenset[Scope]:
            name = f"{uuid4().hex}.example.com"
            claimed = await self.claim(tx, name)
            domain = await mail_domains.add_domain(tx, actor, self.customer.id, name, by=by, now=NOW)
            await mail_domains.record_check(tx, domain, [domain.record], now=NOW)
            return await self.gained(tx, claimed)

        return grant

    def verifying(self, by: Proof) -> "Callable[[Tx, Actor], Awaitable[frozenset[Scope]]]":
        async def grant(tx: Tx, actor: Actor) -> frozenset[Scope]:
            name = f"{uuid4().hex}.example.com"
            claimed = await self.claim(tx, name)
            added = await mail_domains.add_domain(tx, OPERATOR, self.customer.id, name, now=NOW)
            domain = await mail_domains.verify_domain(tx, actor, self.customer.id, added.id, by=by, now=NOW)
            await mail_domains.record_check(tx, domain, [domain.record], now=NOW)
            return await self.gained(tx, claimed)

        return grant

    async def inviting(self, tx: Tx, actor: Actor) -> frozenset[Scope]:
        claimed = await self.claim(tx, f"{uuid4().hex}.example.com")
        await accounts.invite_user(tx, actor, self.customer.id, claimed.id, now=NOW + timedelta(hours=2))
        await addresses.confirm_address(tx, self.customer, claimed, now=NOW)
        return await self.gained(tx, claimed)

    async def deciding(self, tx: Tx, actor: Actor) -> frozenset[Scope]:
        claimed = await self.claim(tx, f"{uuid4().hex}.example.com")
        await accounts.decide_claim(tx, actor, self.customer.id, claimed.id, is_confirmed=True, now=NOW)
        return await self.gained(tx, claimed)

    async def activating(self, tx: Tx, actor: Actor) -> frozenset[Scope]:
        """Activate the customer's company: the old keys of its people work again, and its webhooks."""
        await deactivation.deactivate_company(tx, OPERATOR, self.customer.id, now=NOW)
        activated = await deactivation.activate_company(tx, actor, self.customer.id, networks=["192.0.2.0/24"], now=NOW)
        assert activated.users
        assert activated.webhooks
        return ROLE_SCOPES[Role.CUSTOMER_ADMIN] | BY_WEBHOOK

    async def subscribing(self, tx: Tx, actor: Actor) -> frozenset[Scope]:
        await subscriptions.add_subscription(
            tx, actor, {"url": "https://192.0.2.1/"}, networks=["192.0.2.0/24"], now=NOW
        )
        return BY_WEBHOOK & ROLE_SCOPES[actor.role]

    async def redirecting(self, tx: Tx, actor: Actor) -> frozenset[Scope]:
        await subscriptions.change_subscription(
            tx, actor, self.subscription, {"url": "https://192.0.2.2/"}, networks=["192.0.2.0/24"], now=NOW
        )
        return BY_WEBHOOK & ROLE_SCOPES[actor.role]


def subsets(scopes: frozenset[Scope]) -> Iterator[tuple[Scope, ...]]:
    for size in range(len(scopes) + 1):
        yield from combinations(sorted(scopes), size)


class Desk:
    """A company with two admins and a subscription. What a key gains at once is tried once for each set of scopes."""

    def __init__(
        self,
        database: Database,
        role: Role,
        company: Company,
        people: list[User],
        subscription: UUID,
        customer: Company,
    ) -> None:
        self._database, self._role, self._company, self._user = database, role, company, people[0]
        self.grants = Grants(company, people[1], subscription, customer)
        self._gains: dict[frozenset[Scope], tuple[frozenset[Scope], set[frozenset[Scope]]]] = {}

    def actor(self, scopes: frozenset[Scope]) -> Actor:
        return Actor(self._role, "Kim", self._company, self._user, uuid4(), None, scopes)

    async def closure(self, scopes: frozenset[Scope]) -> frozenset[Scope]:
        """Return all that a key, and the keys that it issues, and those that they issue, gain."""
        gained: frozenset[Scope] = frozenset()
        waiting, seen = [scopes], set()
        while waiting:
            current = waiting.pop()
            if current not in seen:
                seen.add(current)
                gain, issued = await self._gain(current)
                gained |= gain
                waiting += issued
        return gained

    async def _gain(self, scopes: frozenset[Scope]) -> tuple[frozenset[Scope], set[frozenset[Scope]]]:
        """Return what a key gains by one grant each, and the scopes of the keys that it issues."""
        if scopes not in self._gains:
            actor = self.actor(scopes)
            gained: frozenset[Scope] = frozenset()
            issued = set()
            for name, ways in self.grants.all().items():
                for way in ways:
                    gain = await tried(self._database, way, actor)
                    gained |= gain
                    if name == "createKey" and gain:
                        issued.add(gain)
            self._gains[scopes] = gained, issued
        return self._gains[scopes]


async def tried(
    database: Database, way: Callable[[Tx, Actor], Awaitable[frozenset[Scope]]], actor: Actor
) -> frozenset[Scope]:
    """Return what a grant gives, and undo it; nothing when it is refused."""
    gain: frozenset[Scope] = frozenset()
    with suppress(Undone, *REFUSALS):
        async with database.transaction() as tx:
            gain = await way(tx, actor)
            undo()
    return gain


async def new_desk(database: Database, role: Role, company: Company, customer: Company) -> Desk:
    async with database.transaction() as tx:
        people = [
            await accounts.add_user(
                tx, OPERATOR, company.id, name="Kim", email=f"{uuid4().hex}@example.com", phone="", role=role, now=NOW
            )
            for _ in range(2)
        ]
        full = Actor(role, "Kim", company, people[0], uuid4(), None, ROLE_SCOPES[role])
        subscription, _secret = await subscriptions.add_subscription(
            tx, full, {"url": "https://192.0.2.1/"}, networks=["192.0.2.0/24"], now=NOW
        )
    return Desk(database, role, company, people, subscription.id, customer)


@pytest.fixture(scope="module")
async def desks(database: Database, tenant: Tenant) -> dict[Role, Desk]:
    provider = Company(PROVIDER_ID, "Provider", "PROVIDER")
    return {
        Role.CUSTOMER_ADMIN: await new_desk(database, Role.CUSTOMER_ADMIN, tenant.company, tenant.company),
        Role.ADMIN: await new_desk(database, Role.ADMIN, provider, tenant.company),
    }


CASES = [
    (role, frozenset(scopes))
    for role in (Role.CUSTOMER_ADMIN, Role.ADMIN)
    for scopes in subsets(ROLE_SCOPES[role])
    if role is Role.CUSTOMER_ADMIN or Scope.ACCOUNTS_WRITE in scopes
]


@pytest.mark.parametrize(("role", "scopes"), CASES, ids=lambda value: "+".join(sorted(value)) or "nothing")
async def test_no_chain_of_grants_gives_more_than_the_key_has(
    desks: dict[Role, Desk], role: Role, scopes: frozenset[Scope]
) -> None:
    gained = await desks[role].closure(scopes)
    assert gained <= scopes
    if scopes == ROLE_SCOPES[role]:
        assert gained == scopes


@pytest.mark.parametrize("name", ["createMailDomain", "verifyMailDomain", "inviteUser", "decideAddressClaim"])
async def test_each_way_to_confirm_an_address_is_a_grant_that_works(
    database: Database, desks: dict[Role, Desk], name: str
) -> None:
    """Or the closure would show nothing: with all scopes of its role a key gains what people do by mail."""
    gains = []
    for role, desk in desks.items():
        actor = desk.actor(ROLE_SCOPES[role])
        gains += [await tried(database, way, actor) for way in desk.grants.all()[name]]
    assert BY_MAIL in gains
    assert set(gains) <= {BY_MAIL, frozenset()}


async def test_the_activation_of_a_company_is_a_grant_that_works(database: Database, desks: dict[Role, Desk]) -> None:
    gains = {
        role: await tried(database, desk.grants.activating, desk.actor(ROLE_SCOPES[role]))
        for role, desk in desks.items()
    }
    assert gains == {Role.CUSTOMER_ADMIN: frozenset(), Role.ADMIN: ROLE_SCOPES[Role.CUSTOMER_ADMIN] | BY_WEBHOOK}


def test_every_operation_that_changes_accounts_is_tried_or_harmless(tenant: Tenant) -> None:
    tried_names = set(Grants(tenant.company, tenant.user, uuid4(), tenant.company).all())
    written = {operation.name for operation in OPERATIONS if operation.scope is Scope.ACCOUNTS_WRITE}
    assert written == tried_names | set(HARMLESS)
    assert not tried_names & set(HARMLESS)


@pytest.mark.parametrize("path", ["/outbound-mails/{}", "/inbound-mails/{}", "/inbound-mails/{}/raw"])
async def test_mail_is_read_only_by_those_who_may_read_tickets(client: Any, database: Database, path: str) -> None:
    async with database.transaction() as tx:
        user = await accounts.add_user(
            tx, OPERATOR, PROVIDER_ID, name="Vic", email=f"{uuid4().hex}@example.net", phone="", now=NOW
        )
    for scopes, status in (({Scope.DESK_READ}, 403), ({Scope.DESK_READ, Scope.TICKETS_READ}, 404)):
        async with database.transaction() as tx:
            _key, secret = await keys.create_key(
                tx, OPERATOR, PROVIDER_ID, user_id=user.id, name="desk", scopes=frozenset(scopes), now=NOW
            )
        answer = await client.get(f"/api/v1{path.format(uuid4())}", headers={"Authorization": f"Bearer {secret}"})
        assert answer.status_code == status
