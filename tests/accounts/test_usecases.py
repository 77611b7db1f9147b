import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID, uuid4

import pytest

from clearline.accounts import key_usecases as keys
from clearline.accounts import usecases as accounts
from clearline.accounts.domain import CompanyDetails
from clearline.audit import store as audit_store
from clearline.audit.store import AuditFilter
from clearline.companies import usecases as companies
from clearline.errors import AlreadyExists, DeskError, Forbidden, InvalidInput, LastAdmin, NotFound, ScopeMissing
from clearline.events.store import Event
from clearline.identity import (
    CUSTOMER_ROLES,
    OPERATOR,
    PROVIDER_ID,
    ROLE_SCOPES,
    STAFF_ROLES,
    Actor,
    Company,
    Role,
    Scope,
    User,
)
from clearline.platform.database.transactions import Database, Tx
from tests.builders.people import NOW, Tenant, new_person, new_tenant

PROVIDER = Company(PROVIDER_ID, "Provider", "PROVIDER")


async def add_user(tx: Tx, actor: Actor, which: UUID | str, role: Role | None = None) -> User:
    email = f"{uuid4().hex[:8]}@example.com"
    return await accounts.add_user(tx, actor, which, name="Kim Lund", email=email, phone="", role=role, now=NOW)


async def acting(database: Database, role: Role, company: Company = PROVIDER) -> Actor:
    """Return the actor of a new user of the role, with all scopes of the role."""
    async with database.transaction() as tx:
        user = await add_user(tx, OPERATOR, company.id, role)
    return Actor(role, user.name, company=company, user=user, scopes=ROLE_SCOPES[role])


async def last_event(tx: Tx, company_id: UUID) -> Event:
    [event] = await audit_store.page(tx, AuditFilter(company_id=company_id), None, 1)
    return event


@pytest.fixture(scope="module")
async def admin(database: Database) -> Actor:
    return await acting(database, Role.ADMIN)


async def test_names_and_codes_are_unique_in_any_case(database: Database, fresh: Tenant) -> None:
    name, code = fresh.company.name, fresh.company.code
    async with database.transaction() as tx:
        for taken in ((name.upper(), "FREE1"), ("Free Name", code.lower()), (code.lower(), "FREE1")):
            with pytest.raises(AlreadyExists):
                await companies.add_company(tx, OPERATOR, *taken, now=NOW)
        with pytest.raises(InvalidInput):
            await companies.add_company(tx, OPERATOR, "", "x" * 33, now=NOW)
        users = await accounts.list_users(tx, OPERATOR, name.lower())
    assert users == [fresh.user]


@pytest.mark.parametrize("taken", ["name", "code"])
async def test_a_company_cannot_use_the_name_or_code_of_another(
    database: Database, tenant: Tenant, fresh: Tenant, taken: str
) -> None:
    values = {taken: getattr(tenant.company, taken).upper()}
    with pytest.raises(AlreadyExists):
        async with database.transaction() as tx:
            await companies.change_company(tx, OPERATOR, fresh.company.id, values, now=NOW)
    async with database.transaction() as tx:
        assert await accounts.get_company(tx, OPERATOR, fresh.company.id) == fresh.company


async def test_a_name_is_no_code_of_another(database: Database, tenant: Tenant, fresh: Tenant) -> None:
    short = f"N{uuid4().hex[:8]}"
    async with database.transaction() as tx:
        await companies.change_company(tx, OPERATOR, tenant.company.id, {"name": short}, now=NOW)
    for values in ({"code": short.upper()}, {"name": tenant.company.code.lower()}):
        with pytest.raises(AlreadyExists):
            async with database.transaction() as tx:
                await companies.change_company(tx, OPERATOR, fresh.company.id, values, now=NOW)
        new = {"name": "Free Name", "code": "FREE1", **values}
        with pytest.raises(AlreadyExists):
            async with database.transaction() as tx:
                await companies.add_company(tx, OPERATOR, new["name"], new["code"], now=NOW)
    async with database.transaction() as tx:
        await companies.change_company(tx, OPERATOR, tenant.company.id, {"name": tenant.company.code}, now=NOW)
        await companies.change_company(tx, OPERATOR, tenant.company.id, {"name": tenant.company.name}, now=NOW)


async def test_two_companies_added_at_once_cannot_use_the_same_text_as_code_and_name(database: Database) -> None:
    first, second = (uuid4().hex[:8] for _ in range(2))

    async def add(name: str, code: str) -> None:
        async with database.transaction() as tx:
            await companies.add_company(tx, OPERATOR, name, code, now=NOW)
            await asyncio.sleep(0.05)

    results = await asyncio.gather(add(first, second), add(second, uuid4().hex[:8]), return_exceptions=True)
    assert [type(error) for error in results if error is not None] == [AlreadyExists]


async def test_a_changed_company_makes_an_event(database: Database, fresh: Tenant, admin: Actor) -> None:
    async with database.transaction() as tx:
        changed = await companies.change_company(
            tx, admin, fresh.company.id, {"name": "New Name", "code": fresh.company.code}, now=NOW
        )
        event = await last_event(tx, fresh.company.id)
    assert changed == CompanyDetails(fresh.company.id, "New Name", fresh.company.code, None)
    assert (event.type, event.actor_name, event.ticket_number) == ("company.changed", admin.name, None)
    assert event.actor_id == (admin.user.id if admin.user else None)
    change = {"field": "name", "before": fresh.company.name, "after": "New Name"}
    assert event.data == {"id": str(fresh.company.id), "name": "New Name", "changes": [change]}


async def test_a_change_that_changes_nothing_makes_no_event(database: Database, fresh: Tenant) -> None:
    async with database.transaction() as tx:
        before = await last_event(tx, fresh.company.id)
        await companies.change_company(tx, OPERATOR, fresh.company.id, {"name": fresh.company.name}, now=NOW)
        await accounts.change_user(tx, OPERATOR, fresh.company.id, fresh.user.id, {"is_active": True}, now=NOW)
        assert await last_event(tx, fresh.company.id) == before


async def test_the_provider_is_read_and_renamed_but_is_no_customer(database: Database, admin: Actor) -> None:
    async with database.transaction() as tx:
        assert await accounts.get_company(tx, admin, "provider") == PROVIDER
        renamed = await companies.change_company(tx, admin, PROVIDER_ID, {"name": "Example Networks"}, now=NOW)
        assert renamed.id not in [company.id for company in await companies.list_companies(tx, admin)]
        await companies.change_company(tx, admin, PROVIDER_ID, {"name": PROVIDER.name}, now=NOW)


async def test_companies_and_users_are_listed_page_by_page_whatever_the_case(database: Database, admin: Actor) -> None:
    tenant = await new_tenant(database)
    async with database.transaction() as tx:
        for name in ("zz alpha", "ZZ Beta", "zz Gamma"):
            await companies.add_company(tx, OPERATOR, name, name[:8], now=NOW)
        listed = await companies.list_companies(tx, admin, after="ZZ", limit=2)
        assert [company.name for company in listed] == ["zz alpha", "ZZ Beta"]
        listed = await companies.list_companies(tx, admin, after="ZZ Beta", limit=2)
        assert [company.name for company in listed] == ["zz Gamma"]
        for email in ("zz.B@example.com", "ZZ.a@example.com"):
            await accounts.add_user(tx, admin, tenant.company.id, name="A", email=email, phone="", now=NOW)
        paged = await accounts.list_users(tx, admin, tenant.company.id, after=tenant.user.email, limit=1)
        assert [user.email for user in paged] == ["ZZ.a@example.com"]
        paged = await accounts.list_users(tx, admin, tenant.company.id, after=paged[0].email, limit=9)
        assert [user.email for user in paged] == ["zz.B@example.com"]


async def test_a_user_is_unique_within_the_company_only(database: Database, fresh: Tenant) -> None:
    other = await new_tenant(database)
    email = fresh.user.email.upper()
    async with database.transaction() as tx:
        with pytest.raises(AlreadyExists):
            await accounts.add_user(tx, OPERATOR, fresh.company.code, name="A", email=email, phone="", now=NOW)
        added = await accounts.add_user(tx, OPERATOR, other.company.code, name="A", email=email, phone="", now=NOW)
        with pytest.raises(InvalidInput):
            await accounts.add_user(tx, OPERATOR, fresh.company.code, name="", email="x", phone="1" * 65, now=NOW)
    with pytest.raises(AlreadyExists):
        async with database.transaction() as tx:
            await accounts.change_user(
                tx, OPERATOR, other.company.id, added.id, {"email": other.user.email.upper()}, now=NOW
            )


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.OPERATOR])
async def test_a_user_has_a_role_of_its_kind_of_company(database: Database, fresh: Tenant, role: Role) -> None:
    homes = {STAFF_ROLES: PROVIDER_ID, CUSTOMER_ROLES: fresh.company.id}
    async with database.transaction() as tx:
        for roles, company_id in homes.items():
            if role in roles:
                user = await add_user(tx, OPERATOR, company_id, role)
                assert user.role is role
            else:
                with pytest.raises(InvalidInput, match="role must be one of"):
                    await add_user(tx, OPERATOR, company_id, role)


async def test_the_default_role_has_the_fewest_rights(database: Database, fresh: Tenant) -> None:
    async with database.transaction() as tx:
        assert (await add_user(tx, OPERATOR, fresh.company.id)).role is Role.CUSTOMER
        assert (await add_user(tx, OPERATOR, PROVIDER_ID)).role is Role.VIEWER


async def test_a_changed_user_makes_an_event(database: Database, fresh: Tenant) -> None:
    boss = await acting(database, Role.CUSTOMER_ADMIN, fresh.company)
    values = {"phone": "+1-555-0123", "role": Role.CUSTOMER_ADMIN, "is_active": False}
    async with database.transaction() as tx:
        changed = await accounts.change_user(tx, boss, fresh.company.id, fresh.user.id, values, now=NOW)
        event = await last_event(tx, fresh.company.id)
        assert await accounts.get_user(tx, boss, fresh.company.id, fresh.user.id) == changed
        assert await accounts.get_user(tx, boss, fresh.company.id, fresh.user.email.upper()) == changed
        version = await tx.fetchval("select version from app_user where id = $1", changed.id)
    assert (changed.phone, changed.role, changed.is_active) == ("+1-555-0123", Role.CUSTOMER_ADMIN, False)
    assert version == 2
    assert (event.type, event.actor_name) == ("user.changed", boss.name)
    assert event.data["changes"] == [
        {"field": "phone", "before": "+1-555-0199", "after": "+1-555-0123"},
        {"field": "role", "before": "customer", "after": "customer_admin"},
        {"field": "is_active", "before": True, "after": False},
    ]


async def test_the_event_of_a_new_record_has_its_first_values(database: Database, fresh: Tenant) -> None:
    async with database.transaction() as tx:
        user = await add_user(tx, OPERATOR, fresh.company.id)
        event = await last_event(tx, fresh.company.id)
    assert (event.type, event.actor_id, event.actor_name) == ("user.created", None, "operator")
    assert (event.data["id"], event.data["name"]) == (str(user.id), user.name)
    assert {change["field"]: change["after"] for change in event.data["changes"]} == {
        "name": user.name, "email": user.email, "phone": "", "role": "customer", "is_active": True,
        "is_available": True,
    }  # fmt: skip


@pytest.mark.parametrize("values", [{"role": Role.AGENT}, {"is_active": False}])
async def test_only_the_operator_can_make_the_providers_last_admin_inactive(
    database: Database, values: dict[str, object]
) -> None:
    async with database.transaction() as tx:
        await tx.write("update app_user set is_active = false where company_id = $1", PROVIDER_ID)
    first_admin, second_admin = await acting(database, Role.ADMIN), await acting(database, Role.ADMIN)
    assert first_admin.user is not None
    assert second_admin.user is not None
    async with database.transaction() as tx:
        await accounts.change_user(tx, first_admin, PROVIDER_ID, second_admin.user.id, values, now=NOW)
        with pytest.raises(LastAdmin):
            await accounts.change_user(tx, first_admin, PROVIDER_ID, first_admin.user.id, values, now=NOW)
        await accounts.change_user(tx, first_admin, PROVIDER_ID, first_admin.user.id, {"name": "Renamed"}, now=NOW)
        await accounts.change_user(tx, OPERATOR, PROVIDER_ID, first_admin.user.id, values, now=NOW)


Attempt = Callable[[Tx, Actor, Company, User], Awaitable[object]]
READS: dict[str, Attempt] = {
    "read a company": lambda tx, actor, company, _user: accounts.get_company(tx, actor, company.id),
    "list users": lambda tx, actor, company, _user: accounts.list_users(tx, actor, company.id),
    "list users by code": lambda tx, actor, company, _user: accounts.list_users(tx, actor, company.code),
    "read a user": lambda tx, actor, company, user: accounts.get_user(tx, actor, company.id, user.id),
    "list keys": lambda tx, actor, company, _user: keys.list_keys(tx, actor, company.id),
}
MANAGES: dict[str, Attempt] = {
    "add a user": lambda tx, actor, company, _user: add_user(tx, actor, company.id),
    "change a user": lambda tx, actor, company, user: accounts.change_user(
        tx, actor, company.id, user.id, {"name": uuid4().hex}, now=NOW
    ),
    "create a key": lambda tx, actor, company, user: keys.create_key(
        tx, actor, company.id, user_id=user.id, name="k", now=NOW
    ),
}
OPERATES: dict[str, Attempt] = {
    "add a company": lambda tx, actor, _company, _user: companies.add_company(
        tx, actor, uuid4().hex, uuid4().hex[:8], now=NOW
    ),
    "change a company": lambda tx, actor, company, _user: companies.change_company(
        tx, actor, company.id, {"name": uuid4().hex}, now=NOW
    ),
}
LISTS: dict[str, Attempt] = {
    "list companies": lambda tx, actor, _company, _user: companies.list_companies(tx, actor, limit=1)
}
OWN, FOREIGN = "own company", "another company"
ALLOWED = {
    Role.CUSTOMER: set[str](),
    Role.CUSTOMER_ADMIN: {*READS, *MANAGES},
    Role.VIEWER: {*READS, *LISTS},
    Role.AGENT: {*READS, *LISTS},
    Role.ADMIN: {*READS, *LISTS, *MANAGES, *OPERATES},
}


@pytest.mark.parametrize("operation", [*READS, *MANAGES, *OPERATES, *LISTS])
@pytest.mark.parametrize("role", ALLOWED)
async def test_each_role_may_do_exactly_what_the_table_allows(
    database: Database, tenant: Tenant, role: Role, operation: str
) -> None:
    actor = await acting(database, role, PROVIDER if role in STAFF_ROLES else tenant.company)
    attempt = {**READS, **MANAGES, **OPERATES, **LISTS}[operation]
    async with database.transaction() as tx:
        company = await accounts.get_company(tx, OPERATOR, tenant.company.id)
        if operation in ALLOWED[role]:
            await attempt(tx, actor, company, tenant.user)
        else:
            with pytest.raises(Forbidden):
                await attempt(tx, actor, company, tenant.user)


@pytest.mark.parametrize("operation", [*READS, *MANAGES])
@pytest.mark.parametrize("foreign", ["provider", "other", "nobody"])
async def test_another_company_is_refused_like_an_unknown_one(
    database: Database, tenant: Tenant, other_tenant: Tenant, operation: str, foreign: str
) -> None:
    actor = await acting(database, Role.CUSTOMER_ADMIN, tenant.company)
    company = {"provider": PROVIDER, "other": other_tenant.company, "nobody": Company(uuid4(), "Nobody", "NOBODY")}
    async with database.transaction() as tx:
        with pytest.raises(NotFound, match=r"company .* does not exist"):
            await {**READS, **MANAGES}[operation](tx, actor, company[foreign], other_tenant.user)


async def test_a_user_of_another_company_is_not_found(database: Database, tenant: Tenant, other_tenant: Tenant) -> None:
    actor = await acting(database, Role.CUSTOMER_ADMIN, tenant.company)
    for operation in ("read a user", "change a user", "create a key"):
        async with database.transaction() as tx:
            with pytest.raises(NotFound, match="user"):
                await {**READS, **MANAGES}[operation](tx, actor, tenant.company, other_tenant.user)


@pytest.mark.parametrize("role", [Role.CUSTOMER_ADMIN, Role.ADMIN])
async def test_a_key_without_the_scope_cannot_do_what_the_role_may(
    database: Database, tenant: Tenant, role: Role
) -> None:
    full = await acting(database, role, PROVIDER if role is Role.ADMIN else tenant.company)
    bare = Actor(full.role, full.name, company=full.company, user=full.user)
    company = tenant.company
    async with database.transaction() as tx:
        for attempt in ({**READS, **MANAGES, **OPERATES} if role is Role.ADMIN else {**READS, **MANAGES}).values():
            with pytest.raises(DeskError, match="lacks the scope accounts:"):
                await attempt(tx, bare, company, tenant.user)


@pytest.mark.parametrize("role", [Role.CUSTOMER_ADMIN, Role.ADMIN])
async def test_a_key_with_only_the_scope_to_write_writes_and_does_not_read(
    database: Database, tenant: Tenant, role: Role
) -> None:
    full = await acting(database, role, PROVIDER if role is Role.ADMIN else tenant.company)
    scopes = frozenset(ROLE_SCOPES[role] - {Scope.ACCOUNTS_READ})
    writer = Actor(full.role, full.name, company=full.company, user=full.user, scopes=scopes)
    async with database.transaction() as tx:
        for attempt in MANAGES.values():
            await attempt(tx, writer, tenant.company, tenant.user)
        for attempt in READS.values():
            with pytest.raises(ScopeMissing):
                await attempt(tx, writer, tenant.company, tenant.user)


@pytest.mark.parametrize("values", [{"role": Role.CUSTOMER}, {"is_active": False}])
async def test_a_customer_keeps_an_admin_unless_the_provider_removes_it(
    database: Database, fresh: Tenant, values: dict[str, object]
) -> None:
    company = fresh.company
    async with database.transaction() as tx:
        first, second = [await new_person(tx, role=Role.CUSTOMER_ADMIN, company=company.code) for _ in range(2)]
    assert first.user is not None
    assert second.user is not None
    async with database.transaction() as tx:
        await accounts.change_user(tx, first, company.id, second.user.id, values, now=NOW)
        with pytest.raises(LastAdmin):
            await accounts.change_user(tx, first, company.id, first.user.id, values, now=NOW)
        await accounts.change_user(tx, first, company.id, first.user.id, {"name": "Renamed"}, now=NOW)
        await accounts.change_user(tx, OPERATOR, company.id, first.user.id, values, now=NOW)


async def test_two_admins_cannot_make_each_other_inactive_at_once(database: Database) -> None:
    async with database.transaction() as tx:
        await tx.write("update app_user set is_active = false where company_id = $1", PROVIDER_ID)
    pair = [await acting(database, Role.ADMIN) for _ in range(2)]

    async def dismiss(actor: Actor, other: Actor) -> User:
        assert other.user is not None
        async with database.transaction() as tx:
            return await accounts.change_user(tx, actor, PROVIDER_ID, other.user.id, {"is_active": False}, now=NOW)

    outcomes = await asyncio.gather(dismiss(*pair), dismiss(*reversed(pair)), return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["LastAdmin", "User"]


@pytest.mark.parametrize("address", ["ada\0@example.com", "\ud800@example.com", ""])
async def test_an_address_that_nobody_can_have_names_no_user(database: Database, tenant: Tenant, address: str) -> None:
    async with database.transaction() as tx:
        with pytest.raises(NotFound):
            await accounts.get_user(tx, OPERATOR, tenant.company.id, address)
        with pytest.raises(NotFound):
            await accounts.lock_user(tx, OPERATOR, tenant.company.id, address)
        with pytest.raises(NotFound):
            await keys.create_key(tx, OPERATOR, tenant.company.id, user_email=address, name="k", now=NOW)
