"""People of customers and of the provider, and their keys."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from msgspec import Struct

from clearline.accounts import key_store
from clearline.accounts import key_usecases as keys
from clearline.accounts import usecases as accounts
from clearline.accounts.domain import hash_secret
from clearline.companies import usecases as companies
from clearline.identity import ALL_SCOPES, OPERATOR, PROVIDER_ID, Actor, Company, Role, Scope, User
from clearline.inventory import usecases as inventory
from clearline.platform.database.transactions import Database, Tx

NOW = datetime(2026, 3, 1, 12, 0, 0, 123000, tzinfo=UTC)
"""When the people of the tests, and most of what they do, begin."""


@dataclass(frozen=True)
class Tenant:
    """A company with a user, a key for it, and one service of each kind."""

    company: Company
    user: User
    secret: str
    actor: Actor

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.secret}"}


async def new_tenant(
    database: Database,
    name: str | None = None,
    *,
    scopes: frozenset[str] | None = None,
    lifetime: timedelta | None = None,
) -> Tenant:
    """Add a company with a user, a key and services, so that it can raise tickets."""
    code = f"T{uuid4().hex[:8].upper()}"
    name = name or f"Company {code}"
    at = datetime.now(UTC)
    async with database.transaction() as tx:
        added = await companies.add_company(tx, OPERATOR, name, code, now=at)
        company = Company(added.id, added.name, added.code)
        user = await accounts.add_user(
            tx, OPERATOR, code, name="Ada Okoro", email=f"ada@{code.lower()}.example.com", phone="+1-555-0199", now=at
        )
        _key, secret = await keys.create_key(
            tx, OPERATOR, code, user_email=None, name="test", scopes=scopes, lifetime=lifetime, now=at
        )
        for number, kind in enumerate(("Port", "CloudRouter", "Internet on Demand", "Connection (L2)"), 1):
            await inventory.add_service(tx, OPERATOR, code, f"SVC-{number}", kind, f"Service {number}", now=at)
        actor = await key_store.actor_of(tx, hash_secret(secret), now=at)
    assert actor is not None
    return Tenant(company, user, secret, actor)


class Staff(Struct, frozen=True):
    """A person of the provider, and the headers with a key that has every scope of the role."""

    user: User
    headers: dict[str, str]


async def new_person(
    tx: Tx,
    name: str = "Ben Ito",
    role: Role = Role.AGENT,
    *,
    company: str = "PROVIDER",
    scopes: frozenset[Scope] = ALL_SCOPES,
) -> Actor:
    """Add a person to a company, which is named by its code; return the actor."""
    email = f"{uuid4().hex}@example.{'net' if company == 'PROVIDER' else 'com'}"
    user = await accounts.add_user(tx, OPERATOR, company, name=name, email=email, phone="", role=role, now=NOW)
    actor = await key_store.actor_for(tx, user.company_id, user.id, scopes)
    assert actor is not None
    return actor


def id_of(actor: Actor) -> UUID:
    """Return the id of an actor's user."""
    assert actor.user is not None
    return actor.user.id


def email_of(actor: Actor) -> str:
    """Return the mail address of an actor's user."""
    assert actor.user is not None
    return actor.user.email


async def new_staff(database: Database, role: Role = Role.AGENT, name: str = "Ben Ito") -> Staff:
    """Add a person to the provider, with a key."""
    email = f"{uuid4().hex}@example.net"
    async with database.transaction() as tx:
        user = await accounts.add_user(tx, OPERATOR, "PROVIDER", name=name, email=email, phone="", role=role, now=NOW)
        _key, secret = await keys.create_key(tx, OPERATOR, PROVIDER_ID, user_id=user.id, name="test", now=NOW)
    return Staff(user, {"Authorization": f"Bearer {secret}"})


async def staff_key(database: Database, role: Role) -> dict[str, str]:
    """Add a person to the provider; return the headers with the key."""
    return (await new_staff(database, role, f"Mara {role}")).headers


async def customer_admin(database: Database, *, scopes: frozenset[str] | None = None) -> Tenant:
    """Add a company whose key belongs to its admin."""
    tenant = await new_tenant(database)
    async with database.transaction() as tx:
        values = {"role": Role.CUSTOMER_ADMIN}
        await accounts.change_user(tx, OPERATOR, tenant.company.id, tenant.user.id, values, now=NOW)
        _key, secret = await keys.create_key(
            tx, OPERATOR, tenant.company.id, user_id=tenant.user.id, name="admin", scopes=scopes, now=NOW
        )
    return Tenant(tenant.company, tenant.user, secret, tenant.actor)
