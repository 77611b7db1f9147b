"""Who claims an address that another company has, how staff decide, and how often an address is invited."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest

from clearline.accounts import address_usecases as addresses
from clearline.accounts import mail_domain_usecases as mail_domains
from clearline.accounts import usecases as accounts
from clearline.accounts.conflict_store import AddressConflict, HolderKind
from clearline.accounts.domain import AccountLimits
from clearline.accounts.mail_domain import Proof
from clearline.audit import store as audit_store
from clearline.audit.store import AuditFilter
from clearline.errors import Conflict, Forbidden, NotFound, ScopeMissing
from clearline.identity import OPERATOR, PROVIDER_ID, ROLE_SCOPES, Actor, Role, Scope, User
from clearline.limit_errors import TooManyInvitations
from clearline.platform.database.transactions import Database, Tx
from tests.builders.people import NOW, Tenant, new_person

HOUR = timedelta(hours=1)


def new_address() -> str:
    return f"kim@{uuid4().hex[:8]}.example.com"


async def admin_of(tx: Tx, tenant: Tenant) -> Actor:
    return await new_person(tx, "Ida Moss", Role.CUSTOMER_ADMIN, company=tenant.company.code)


async def claim(tx: Tx, tenant: Tenant, email: str) -> User:
    customer, company_id = await admin_of(tx, tenant), tenant.company.id
    return await accounts.add_user(tx, customer, company_id, name="Kim", email=email, phone="", now=NOW)


async def held_by_user(tx: Tx, tenant: Tenant, email: str, *, is_active: bool = True) -> User:
    company_id = tenant.company.id
    user = await accounts.add_user(tx, OPERATOR, company_id, name="Kim", email=email, phone="", now=NOW - HOUR)
    return await accounts.change_user(tx, OPERATOR, company_id, user.id, {"is_active": is_active}, now=NOW)


async def released(tx: Tx, company_id: UUID, email: str, *, note: int | None = None) -> None:
    """Store a mail that became a ticket of a company, or with ``note`` one that was filed automatically."""
    await tx.write(
        """insert into inbound_mail (id, received_at, fingerprint, body_hash, envelope_from, envelope_to, sender, size,
                                     state, company_id, ticket_number, note_number)
           values (gen_random_uuid(), $1, sha256(gen_random_uuid()::text::bytea), sha256('b'), $2,
                   'support@example.net', $2, 1, 'accepted', $3, 1, $4)""",
        NOW - HOUR,
        email,
        company_id,
        note,
    )


async def conflicts_of(tx: Tx, tenant: Tenant) -> list[AddressConflict]:
    conflicts = await accounts.list_conflicts(tx, OPERATOR)
    return [conflict for conflict in conflicts if conflict.company == tenant.company]


async def is_confirmed(tx: Tx, user: User) -> bool:
    return (await accounts.get_user(tx, OPERATOR, user.company_id, user.id)).is_confirmed


@pytest.mark.parametrize("is_active", [True, False])
async def test_a_claim_of_an_address_that_another_company_has_is_a_conflict(
    database: Database, fresh: Tenant, other_tenant: Tenant, *, is_active: bool
) -> None:
    async with database.transaction() as tx:
        address = new_address()
        holder = await held_by_user(tx, other_tenant, address.upper(), is_active=is_active)
        claimed = await claim(tx, fresh, address)
        [conflict] = await conflicts_of(tx, fresh)
        assert (conflict.user, conflict.claimed_at) == (claimed, NOW)
        [held] = conflict.holders
        assert (held.company, held.kind, held.user_id, held.is_active, held.since) == (
            other_tenant.company, HolderKind.USER, holder.id, is_active, NOW - HOUR,
        )  # fmt: skip


async def test_the_provider_s_people_and_released_mail_hold_an_address_too(
    database: Database, fresh: Tenant, other_tenant: Tenant
) -> None:
    async with database.transaction() as tx:
        agent = await new_person(tx)
        assert agent.user is not None
        address = new_address()
        await released(tx, other_tenant.company.id, address)
        for email in (agent.user.email, address):
            await claim(tx, fresh, email)
        holders = {
            conflict.user.email: [(held.company.id, held.kind, held.since) for held in conflict.holders]
            for conflict in await conflicts_of(tx, fresh)
        }
    assert holders == {
        agent.user.email: [(PROVIDER_ID, HolderKind.USER, NOW)],
        address: [(other_tenant.company.id, HolderKind.RELEASE, NOW - HOUR)],
    }


async def test_what_nobody_else_has_is_no_conflict(database: Database, fresh: Tenant, other_tenant: Tenant) -> None:
    async with database.transaction() as tx:
        unheld, own, automatic, rival = [new_address() for _ in range(4)]
        await released(tx, fresh.company.id, own)
        await released(tx, other_tenant.company.id, automatic, note=7)
        await claim(tx, other_tenant, rival)
        for address in (unheld, own, automatic, rival):
            await claim(tx, fresh, address)
        assert await conflicts_of(tx, fresh) == []
        assert await conflicts_of(tx, other_tenant) == []


async def test_the_claims_of_inactive_users_are_no_conflicts(
    database: Database, fresh: Tenant, other_tenant: Tenant
) -> None:
    async with database.transaction() as tx:
        address = new_address()
        await held_by_user(tx, other_tenant, address)
        claimed = await claim(tx, fresh, address)
        for is_active, count in ((False, 0), (True, 1)):
            await accounts.change_user(tx, OPERATOR, fresh.company.id, claimed.id, {"is_active": is_active}, now=NOW)
            assert len(await conflicts_of(tx, fresh)) == count


async def test_conflicts_are_listed_in_pages_by_address(
    database: Database, fresh: Tenant, other_tenant: Tenant
) -> None:
    async with database.transaction() as tx:
        for _ in range(5):
            address = new_address()
            await held_by_user(tx, other_tenant, address)
            await claim(tx, fresh, address)
        everything = await accounts.list_conflicts(tx, OPERATOR)
        paged: list[AddressConflict] = []
        while True:
            last = paged[-1] if paged else None
            after = None if last is None else (last.user.email.lower(), last.company.id)
            page = await accounts.list_conflicts(tx, OPERATOR, after=after, limit=2)
            if not page:
                break
            paged += page
        assert paged == everything
        assert len(everything) >= 5


async def test_only_staff_see_conflicts_and_only_its_admins_decide(
    database: Database, fresh: Tenant, other_tenant: Tenant
) -> None:
    async with database.transaction() as tx:
        address = new_address()
        await held_by_user(tx, other_tenant, address)
        claimed = await claim(tx, fresh, address)
        for customer in (await admin_of(tx, fresh), await admin_of(tx, other_tenant)):
            with pytest.raises(Forbidden):
                await accounts.list_conflicts(tx, customer)
            for decision in (True, False):
                with pytest.raises(Forbidden):
                    await accounts.decide_claim(
                        tx, customer, fresh.company.id, claimed.id, is_confirmed=decision, now=NOW
                    )
        viewer = await new_person(tx, role=Role.VIEWER)
        assert await accounts.list_conflicts(tx, viewer)
        with pytest.raises(Forbidden):
            await accounts.decide_claim(tx, viewer, fresh.company.id, claimed.id, is_confirmed=False, now=NOW)


@pytest.mark.parametrize("holding", ["user", "inactive user", "release"])
async def test_a_mail_domain_confirms_no_address_in_conflict(
    database: Database, fresh: Tenant, other_tenant: Tenant, holding: str
) -> None:
    async with database.transaction() as tx:
        address = new_address()
        later = address.replace("kim@", "lee@")
        for email in (address, later):
            if holding == "release":
                await released(tx, other_tenant.company.id, email)
            else:
                await held_by_user(tx, other_tenant, email, is_active=holding == "user")
        before = await claim(tx, fresh, address)
        name = address.partition("@")[2]
        await mail_domains.add_domain(tx, OPERATOR, fresh.company.id, name, by=Proof.STAFF, now=NOW)
        after = await claim(tx, fresh, later)
        assert [await is_confirmed(tx, user) for user in (before, after)] == [False, False]
        assert [conflict.user for conflict in await conflicts_of(tx, fresh)] == [before, after]


async def test_a_rival_claim_without_a_proof_keeps_no_address_from_a_mail_domain(
    database: Database, fresh: Tenant, other_tenant: Tenant
) -> None:
    async with database.transaction() as tx:
        address = new_address()
        await claim(tx, other_tenant, address)
        claimed = await claim(tx, fresh, address)
        name = address.partition("@")[2]
        await mail_domains.add_domain(tx, OPERATOR, fresh.company.id, name, by=Proof.STAFF, now=NOW)
        assert await is_confirmed(tx, claimed)
        [conflict] = await conflicts_of(tx, other_tenant)
        assert [holder.company for holder in conflict.holders] == [fresh.company]


async def test_staff_confirm_a_claim(database: Database, fresh: Tenant, other_tenant: Tenant) -> None:
    async with database.transaction() as tx:
        address = new_address()
        holder = await held_by_user(tx, other_tenant, address)
        claimed = await claim(tx, fresh, address)
        agent = await new_person(tx, "Mara Lind", Role.ADMIN)
        decided = await accounts.decide_claim(tx, agent, fresh.company.id, claimed.id, is_confirmed=True, now=NOW)
        assert decided.is_confirmed
        assert await is_confirmed(tx, holder)
        assert await conflicts_of(tx, fresh) == []
        for decision in (True, False):
            with pytest.raises(Conflict):
                await accounts.decide_claim(tx, agent, fresh.company.id, claimed.id, is_confirmed=decision, now=NOW)


async def test_a_refused_claim_gets_nothing_until_staff_confirm_it(
    database: Database, fresh: Tenant, other_tenant: Tenant
) -> None:
    async with database.transaction() as tx:
        address, customer = new_address(), await admin_of(tx, fresh)
        await held_by_user(tx, other_tenant, address)
        claimed = await claim(tx, fresh, address)
        agent = await new_person(tx, "Mara Lind", Role.ADMIN)
        await accounts.decide_claim(tx, agent, fresh.company.id, claimed.id, is_confirmed=False, now=NOW)
        [event] = await audit_store.page(tx, AuditFilter(company_id=fresh.company.id), None, 1)
        assert (event.actor_name, event.data["changes"]) == (
            "Mara Lind", [{"field": "address_claim", "before": None, "after": "refused"}],
        )  # fmt: skip
        assert await conflicts_of(tx, fresh) == []
        invitation = await tx.fetchval(
            "select id from account_mail where company_id = $1 and address = $2", fresh.company.id, address
        )
        assert await addresses.invited_user(tx, invitation) is None
        assert await addresses.user_with_address(tx, fresh.company.id, address) is None
        with pytest.raises(Conflict, match="the provider refused this address"):
            await accounts.invite_user(tx, customer, fresh.company.id, claimed.id, now=NOW + 2 * HOUR)
        await mail_domains.add_domain(
            tx, OPERATOR, fresh.company.id, address.partition("@")[2], by=Proof.STAFF, now=NOW
        )
        assert not await is_confirmed(tx, claimed)
        moved = await accounts.change_user(
            tx, customer, fresh.company.id, claimed.id, {"email": new_address()}, now=NOW
        )
        back = await accounts.change_user(tx, customer, fresh.company.id, moved.id, {"email": address}, now=NOW)
        assert not back.is_confirmed
        assert await conflicts_of(tx, fresh) == []
        await accounts.change_user(tx, agent, fresh.company.id, claimed.id, {"is_confirmed": True}, now=NOW)
        await accounts.change_user(tx, agent, fresh.company.id, claimed.id, {"is_confirmed": False}, now=NOW)
        assert len(await conflicts_of(tx, fresh)) == 1


async def test_an_invitation_is_sent_again_a_few_times_with_pauses(database: Database, fresh: Tenant) -> None:
    async with database.transaction() as tx:
        customer, user = await admin_of(tx, fresh), await claim(tx, fresh, new_address())

        async def invite(at: datetime) -> None:
            await accounts.invite_user(tx, customer, fresh.company.id, user.id, now=at)

        async def is_waiting() -> bool:
            waiting: bool = await tx.fetchval(
                "select sent_at is null from account_mail where company_id = $1", fresh.company.id
            )
            return waiting

        with pytest.raises(Conflict, match="less than an hour ago"):
            await invite(NOW + HOUR - timedelta(seconds=1))
        for hour in range(1, 4):
            await tx.write("update account_mail set sent_at = $1 where company_id = $2", NOW, fresh.company.id)
            await invite(NOW + hour * HOUR)
            assert await is_waiting()
            with pytest.raises(Conflict, match="less than an hour ago" if hour < 3 else "was invited 4 times"):
                await invite(NOW + hour * HOUR)
        with pytest.raises(Conflict, match="was invited 4 times"):
            await invite(NOW + 100 * HOUR)
        [event] = await audit_store.page(tx, AuditFilter(company_id=fresh.company.id), None, 1)
        assert event.data["changes"] == [{"field": "invitation", "before": None, "after": "sent again"}]


async def test_reminders_and_notices_count_as_mails_about_addresses(database: Database, fresh: Tenant) -> None:
    limits = AccountLimits(invitations=3)
    company_id = fresh.company.id
    async with database.transaction() as tx:
        customer, user = await admin_of(tx, fresh), await claim(tx, fresh, new_address())
        colleague = await held_by_user(tx, fresh, new_address())
        await accounts.invite_user(tx, customer, company_id, user.id, limits=limits, now=NOW + HOUR)
    with pytest.raises(TooManyInvitations):
        async with database.transaction() as tx:
            await accounts.change_user(
                tx, customer, company_id, colleague.id, {"email": new_address()}, limits=limits, now=NOW + HOUR
            )
    async with database.transaction() as tx:
        await accounts.invite_user(tx, customer, company_id, user.id, limits=limits, now=NOW + 2 * HOUR)
    with pytest.raises(TooManyInvitations):
        async with database.transaction() as tx:
            await accounts.invite_user(tx, customer, company_id, user.id, limits=limits, now=NOW + 3 * HOUR)
    async with database.transaction() as tx:
        await accounts.invite_user(tx, OPERATOR, company_id, user.id, limits=limits, now=NOW + 3 * HOUR)


async def test_only_an_unconfirmed_address_of_an_active_user_is_invited_again(
    database: Database, fresh: Tenant, other_tenant: Tenant
) -> None:
    later = NOW + 2 * HOUR
    async with database.transaction() as tx:
        customer, foreign = await admin_of(tx, fresh), await admin_of(tx, other_tenant)
        user = await claim(tx, fresh, new_address())
        with pytest.raises(NotFound):
            await accounts.invite_user(tx, foreign, fresh.company.id, user.id, now=later)
        for missing in (Scope.ACCOUNTS_WRITE, Scope.TICKETS_READ, Scope.TICKETS_WRITE):
            scopes = ROLE_SCOPES[customer.role] - {missing}
            narrow = Actor(customer.role, customer.name, customer.company, customer.user, None, None, scopes)
            with pytest.raises(ScopeMissing):
                await accounts.invite_user(tx, narrow, fresh.company.id, user.id, now=later)
        await accounts.change_user(tx, customer, fresh.company.id, user.id, {"is_active": False}, now=NOW)
        with pytest.raises(Conflict, match="not active"):
            await accounts.invite_user(tx, customer, fresh.company.id, user.id, now=later)
        await accounts.change_user(
            tx, OPERATOR, fresh.company.id, user.id, {"is_active": True, "is_confirmed": True}, now=NOW
        )
        with pytest.raises(Conflict, match="is confirmed"):
            await accounts.invite_user(tx, customer, fresh.company.id, user.id, now=later)
