import asyncio
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from clearline.accounts import key_store
from clearline.accounts import key_usecases as keys
from clearline.accounts import usecases as accounts
from clearline.accounts.domain import KEYS_IN_A_DAY, AccountLimits, ApiKey, hash_secret
from clearline.accounts.key_ring import KeyRing
from clearline.audit import store as audit_store
from clearline.audit.store import AuditFilter
from clearline.companies import usecases as companies
from clearline.errors import Conflict, InvalidInput, NotFound, Unauthenticated, UserInactive
from clearline.identity import (
    ALL_SCOPES,
    CUSTOMER_ROLES,
    OPERATOR,
    PROVIDER_ID,
    ROLE_SCOPES,
    STAFF_ROLES,
    Actor,
    Role,
    Scope,
)
from clearline.limit_errors import TooManyKeys, TooManyKeysInADay
from clearline.platform.database.transactions import Database, Tx
from clearline.presence.presence_board import PresenceBoard
from clearline.schedule import ServerListener
from tests.builders.people import NOW, Tenant, new_person, new_tenant
from tests.patience import patient


async def issue(tx: Tx, code: str, lifetime: timedelta | None = None) -> tuple[ApiKey, str]:
    return await keys.create_key(tx, OPERATOR, code, name="key", lifetime=lifetime, now=NOW)


async def facts(tx: Tx, tenant: Tenant, kind: str) -> list[dict[str, Any]]:
    """Return the data of a company's events of a type, newest first."""
    events = await audit_store.page(tx, AuditFilter(company_id=tenant.company.id, type=kind), None, 10)
    return [event.data for event in events]


async def revoke(database: Database, tenant: Tenant) -> None:
    assert tenant.actor.key_id is not None
    async with database.transaction() as tx:
        await keys.revoke_key(tx, OPERATOR, tenant.company.code, tenant.actor.key_id, now=NOW)


@pytest.fixture
async def ring(database: Database) -> KeyRing:
    return KeyRing(database)


@pytest.fixture
async def listening_ring(database: Database) -> AsyncIterator[KeyRing]:
    """Yield a ring that a listener keeps up to date."""
    ring = KeyRing(database)
    line = ServerListener(database, ring, PresenceBoard(), lambda: None)
    assert await line.connect() == 1
    assert await line.connect() == 0
    yield ring
    await line.close()


async def test_a_key_needs_a_user_a_scope_and_a_lifetime_that_is_positive(database: Database, tenant: Tenant) -> None:
    code = tenant.company.code
    async with database.transaction() as tx:
        with pytest.raises(InvalidInput):
            await issue(tx, code, timedelta(0))
        for scopes in (frozenset[str](), frozenset({"tickets:burn"})):
            with pytest.raises(InvalidInput):
                await keys.create_key(tx, OPERATOR, code, name="k", scopes=scopes, now=NOW)
        with pytest.raises(NotFound):
            await keys.create_key(tx, OPERATOR, code, user_email="no@body", name="k", now=NOW)
        await companies.add_company(tx, OPERATOR, "Nobody Works Here", "EMPTY1", now=NOW)
        with pytest.raises(Conflict, match="no user yet"):
            await issue(tx, "EMPTY1")
        with pytest.raises(NotFound):
            await keys.revoke_key(tx, OPERATOR, code, uuid4(), now=NOW)


async def test_a_secret_is_stored_nowhere(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        key, secret = await issue(tx, tenant.company.code)
        row = await tx.fetchval("select api_key::text from api_key where id = $1", key.id)
    assert secret.startswith(key.prefix)
    assert secret not in row
    assert secret[len(key.prefix) :] not in row


@pytest.mark.parametrize("remembering", [True, False])
async def test_a_key_expires_after_its_lifetime(database: Database, tenant: Tenant, *, remembering: bool) -> None:
    ring = KeyRing(database)
    if remembering:
        ring.line_up()
    async with database.transaction() as tx:
        key, secret = await issue(tx, tenant.company.code, timedelta(hours=1))
    assert key.expires_at == NOW + timedelta(hours=1)
    actor = await ring.actor(secret, NOW + timedelta(minutes=59))
    assert actor.company == tenant.company
    with pytest.raises(Unauthenticated):
        await ring.actor(secret, NOW + timedelta(hours=1))


@pytest.mark.parametrize("secret", ["", "clk_", "clk_" + "x" * 43, "clk_" + "\u00e9" * 43, "clk_" + "x" * 44])
async def test_a_malformed_or_unknown_key_is_refused(ring: KeyRing, secret: str) -> None:
    with pytest.raises(Unauthenticated):
        await ring.actor(secret, NOW)


async def test_nothing_is_cached_while_there_are_no_notifications(database: Database, ring: KeyRing) -> None:
    tenant = await new_tenant(database)
    assert await ring.actor(tenant.secret, NOW) == tenant.actor
    await revoke(database, tenant)
    with pytest.raises(Unauthenticated):
        await ring.actor(tenant.secret, NOW)


async def test_the_cache_is_cleared_when_notifications_stop(database: Database, ring: KeyRing) -> None:
    tenant = await new_tenant(database)
    ring.line_up()  # without a listener that reports changes
    await ring.actor(tenant.secret, NOW)
    await revoke(database, tenant)
    assert await ring.actor(tenant.secret, NOW) == tenant.actor
    ring.line_down()
    with pytest.raises(Unauthenticated):
        await ring.actor(tenant.secret, NOW)


async def test_a_revoked_key_leaves_the_cache_on_the_databases_notification(
    database: Database, listening_ring: KeyRing
) -> None:
    tenant = await new_tenant(database)
    assert await listening_ring.actor(tenant.secret, NOW) == tenant.actor
    await revoke(database, tenant)

    async def until_refused() -> None:
        while True:
            await listening_ring.actor(tenant.secret, NOW)
            await asyncio.sleep(0.01)

    async with asyncio.timeout(patient(5)):
        with pytest.raises(Unauthenticated):
            await until_refused()


async def test_last_uses_are_stored_later_and_never_get_earlier(database: Database, tenant: Tenant) -> None:
    ring = KeyRing(database)
    at = datetime.now(UTC)
    for use in (at, at - timedelta(hours=1)):
        await ring.actor(tenant.secret, use)
        assert await ring.save_last_uses() == 1
    assert await ring.save_last_uses() == 0
    async with database.transaction() as tx:
        api_keys = await keys.list_keys(tx, OPERATOR, tenant.company.code)
    assert at in [key.last_used_at for key in api_keys]


async def test_a_key_revoked_twice_keeps_its_first_time(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        key, _secret = await issue(tx, tenant.company.code)
        for later in (0, 1):
            at = NOW + timedelta(hours=later)
            revoked = await keys.revoke_key(tx, OPERATOR, tenant.company.code, key.id, now=at)
            assert revoked.revoked_at == NOW


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.OPERATOR])
async def test_a_key_has_only_scopes_of_its_users_role(database: Database, fresh: Tenant, role: Role) -> None:
    company_id = PROVIDER_ID if role in STAFF_ROLES else fresh.company.id
    email = f"{uuid4().hex}@example.com"
    async with database.transaction() as tx:
        user = await accounts.add_user(tx, OPERATOR, company_id, name="Kim", email=email, phone="", role=role, now=NOW)
        full_key, secret = await keys.create_key(tx, OPERATOR, company_id, user_email=email, name="k", now=NOW)
        assert full_key.scopes == ROLE_SCOPES[role]
        assert await keys.get_key(tx, OPERATOR, company_id, full_key.id) == full_key
        actor = await key_store.actor_of(tx, hash_secret(secret), now=NOW)
        assert actor is not None
        assert (actor.role, actor.scopes, actor.user) == (role, ROLE_SCOPES[role], user)
        if beyond := ALL_SCOPES - ROLE_SCOPES[role]:
            with pytest.raises(InvalidInput) as refused:
                await keys.create_key(tx, OPERATOR, company_id, user_id=user.id, name="k", scopes=ALL_SCOPES, now=NOW)
            [violation] = refused.value.violations
            assert violation.field == "scopes"
            assert all(scope in violation.rule for scope in beyond)


async def test_a_key_has_only_scopes_of_its_users_present_role(database: Database, fresh: Tenant) -> None:
    async with database.transaction() as tx:
        change = accounts.change_user
        await change(tx, OPERATOR, fresh.company.id, fresh.user.id, {"role": Role.CUSTOMER_ADMIN}, now=NOW)
        _key, secret = await issue(tx, fresh.company.code)
        await change(tx, OPERATOR, fresh.company.id, fresh.user.id, {"role": Role.CUSTOMER}, now=NOW)
        actor = await key_store.actor_of(tx, hash_secret(secret), now=NOW)
    assert actor is not None
    assert actor.scopes == ROLE_SCOPES[Role.CUSTOMER]


@pytest.mark.parametrize(
    ("manager", "managed"),
    [(Role.CUSTOMER_ADMIN, CUSTOMER_ROLES), (Role.ADMIN, (*STAFF_ROLES, *CUSTOMER_ROLES)), (Role.OPERATOR, Role)],
)
def test_a_manager_of_users_has_all_scopes_of_their_roles(manager: Role, managed: Iterable[Role]) -> None:
    assert all(ROLE_SCOPES[role] <= ROLE_SCOPES[manager] for role in managed)


async def test_no_key_is_issued_to_an_inactive_user(database: Database, fresh: Tenant) -> None:
    async with database.transaction() as tx:
        await accounts.change_user(tx, OPERATOR, fresh.company.id, fresh.user.id, {"is_active": False}, now=NOW)
        with pytest.raises(UserInactive):
            await keys.create_key(tx, OPERATOR, fresh.company.id, user_id=fresh.user.id, name="k", now=NOW)


async def test_keys_are_listed_page_by_page_oldest_first(database: Database, fresh: Tenant) -> None:
    async with database.transaction() as tx:
        issued = [
            (await keys.create_key(tx, OPERATOR, fresh.company.id, name=str(n), now=NOW + timedelta(days=n)))[0]
            for n in (3, 1, 2)
        ]
        third, first, second = issued
        page = await keys.list_keys(tx, OPERATOR, fresh.company.id, limit=2)
        assert page == [first, second]
        page = await keys.list_keys(tx, OPERATOR, fresh.company.id, after=(page[1].created_at, page[1].id), limit=1)
        assert page == [third]


async def test_the_events_of_keys_have_no_secret(database: Database, fresh: Tenant) -> None:
    async with database.transaction() as tx:
        key, secret = await issue(tx, fresh.company.code, timedelta(days=1))
        for _ in range(2):
            await keys.revoke_key(tx, OPERATOR, fresh.company.id, key.id, now=NOW)
        created, revoked = await facts(tx, fresh, "api_key.created"), await facts(tx, fresh, "api_key.revoked")
        events = await tx.fetchval("select string_agg(event::text, ' ') from event")
    assert created[0] == {
        "id": str(key.id),
        "name": "key",
        "changes": [
            {"field": "user_id", "before": None, "after": str(fresh.user.id)},
            {"field": "prefix", "before": None, "after": key.prefix},
            {"field": "scopes", "before": None, "after": ["tickets:read", "tickets:write"]},
            {"field": "expires_at", "before": None, "after": "2026-03-02T12:00:00.123000Z"},
        ],
    }
    change = {"field": "revoked_at", "before": None, "after": "2026-03-01T12:00:00.123000Z"}
    assert revoked == [{"id": str(key.id), "name": "key", "changes": [change]}], "the second revocation changed nothing"
    assert secret[len(key.prefix) :] not in events
    assert hash_secret(secret).hex() not in events


@pytest.mark.parametrize("values", [{"is_active": False}, {"role": Role.CUSTOMER_ADMIN}, {"name": "Renamed"}])
async def test_a_change_of_a_user_takes_effect_at_once(
    database: Database, listening_ring: KeyRing, values: dict[str, object]
) -> None:
    tenant = await new_tenant(database)
    assert await listening_ring.actor(tenant.secret, NOW) == tenant.actor
    async with database.transaction() as tx:
        await accounts.change_user(tx, OPERATOR, tenant.company.id, tenant.user.id, values, now=NOW)

    async def until_known() -> Actor | None:
        while True:
            try:
                if (actor := await listening_ring.actor(tenant.secret, NOW)) != tenant.actor:
                    return actor
            except Unauthenticated:
                return None
            await asyncio.sleep(0.01)

    async with asyncio.timeout(patient(5)):
        actor = await until_known()
    if "is_active" in values:
        assert actor is None
    else:
        assert actor is not None
        assert actor.user == msgspec.structs.replace(tenant.user, **values)


async def test_no_key_issues_a_key_with_more_scopes_or_a_later_expiry(database: Database, fresh: Tenant) -> None:
    narrow = frozenset({Scope.ACCOUNTS_READ, Scope.ACCOUNTS_WRITE})
    ends = NOW + timedelta(days=1)
    user = msgspec.structs.replace(fresh.user, role=Role.CUSTOMER_ADMIN)
    boss = Actor(Role.CUSTOMER_ADMIN, user.name, fresh.company, user, uuid4(), ends, narrow)

    async def issue_key(**options: Any) -> ApiKey:
        async with database.transaction() as tx:
            await tx.write("update app_user set role = 'customer_admin' where id = $1", user.id)
            key, _secret = await keys.create_key(
                tx, boss, fresh.company.id, user_id=user.id, name="next", now=NOW, **options
            )
            return key

    hour = timedelta(hours=1)
    assert (await issue_key(lifetime=hour)).scopes == narrow
    with pytest.raises(InvalidInput, match="scopes must be some of your own, and tickets:write is not"):
        await issue_key(scopes=frozenset({Scope.TICKETS_WRITE}), lifetime=hour)
    for lifetime in (None, timedelta(days=2)):
        with pytest.raises(InvalidInput, match="lifetime must not be longer"):
            await issue_key(lifetime=lifetime)


async def test_a_customer_issues_a_limited_number_of_keys_in_force(database: Database, fresh: Tenant) -> None:
    limits = AccountLimits(keys=3)
    async with database.transaction() as tx:
        admin = await new_person(tx, role=Role.CUSTOMER_ADMIN, company=fresh.company.code)

        async def issue(actor: Actor, lifetime: timedelta | None = None) -> ApiKey:
            key, _secret = await keys.create_key(
                tx, actor, fresh.company.code, name="another", lifetime=lifetime, limits=limits, now=NOW
            )
            return key

        issued = [await issue(admin), await issue(admin, timedelta(days=1))]
        with pytest.raises(TooManyKeys, match="a company can issue at most 3 API keys"):
            await issue(admin)
        await issue(OPERATOR)
        with pytest.raises(TooManyKeys):
            await issue(admin)
        for key in issued:
            await keys.revoke_key(tx, admin, fresh.company.code, key.id, now=NOW)
        await issue(admin)


async def test_keys_issued_at_once_are_not_more_than_the_limit(database: Database, fresh: Tenant) -> None:
    async with database.transaction() as tx:
        admin = await new_person(tx, role=Role.CUSTOMER_ADMIN, company=fresh.company.code)

    async def issue() -> None:
        async with database.transaction() as tx:
            await keys.create_key(tx, admin, fresh.company.code, name="another", limits=AccountLimits(keys=5), now=NOW)

    results = await asyncio.gather(*(issue() for _ in range(8)), return_exceptions=True)
    assert [type(result) for result in results if result is not None] == [TooManyKeys] * 4


async def test_keys_that_are_revoked_count_for_the_day(database: Database, fresh: Tenant) -> None:
    limits, day = AccountLimits(keys=2), timedelta(days=1)
    async with database.transaction() as tx:
        admin = await new_person(tx, role=Role.CUSTOMER_ADMIN, company=fresh.company.code)
        await tx.write("update api_key set revoked_at = $1, created_at = $1", NOW - 2 * day)

        async def rotate(at: datetime) -> None:
            key, _secret = await keys.create_key(tx, admin, fresh.company.code, name="next", limits=limits, now=at)
            await keys.revoke_key(tx, admin, fresh.company.code, key.id, now=at)

        for _ in range(2 * KEYS_IN_A_DAY):
            await rotate(NOW)
        with pytest.raises(TooManyKeysInADay, match="at most 10 API keys in a day"):
            await rotate(NOW + day - timedelta(seconds=1))
        await rotate(NOW + day)
