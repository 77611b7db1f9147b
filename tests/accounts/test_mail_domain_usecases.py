"""Whose mail domains are verified, by whom, and which addresses they confirm."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import dns.rcode
import pytest

from clearline.accounts import mail_domain_usecases as mail_domains
from clearline.accounts import usecases as accounts
from clearline.accounts.domain import AccountLimits
from clearline.accounts.mail_domain import DomainState, MailDomain, Proof
from clearline.accounts.worker import domain_job
from clearline.audit import store as audit_store
from clearline.audit.store import AuditFilter
from clearline.errors import AlreadyExists, Conflict, Forbidden, InvalidInput, NotFound, ScopeMissing
from clearline.identity import ALL_SCOPES, OPERATOR, PROVIDER_ID, ROLE_SCOPES, Actor, Role, Scope, User
from clearline.limit_errors import TooManyMailDomains
from clearline.platform.database.transactions import Database, Tx
from tests.builders.mail.dns_server import Records, dns_server
from tests.builders.people import NOW, Tenant, new_person

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def new_name() -> str:
    return f"{uuid4().hex[:10]}.example.com"


async def admin_of(tx: Tx, tenant: Tenant, *, scopes: frozenset[Scope] = ALL_SCOPES) -> Actor:
    return await new_person(tx, "Ida Moss", Role.CUSTOMER_ADMIN, company=tenant.company.code, scopes=scopes)


async def bind(tx: Tx, actor: Actor, tenant: Tenant, name: str, **options: Any) -> MailDomain:
    return await mail_domains.add_domain(tx, actor, tenant.company.id, name, now=NOW, **options)


async def add_user(tx: Tx, actor: Actor, tenant: Tenant, email: str) -> User:
    return await accounts.add_user(tx, actor, tenant.company.id, name="Kim", email=email, phone="", now=NOW)


async def user(tx: Tx, added: User) -> User:
    return await accounts.get_user(tx, OPERATOR, added.company_id, added.id)


async def check_all(database: Database, records: Records, at: datetime = NOW) -> None:
    """Check the domains that are due at a time, at a name server with these records."""
    async with dns_server(records) as look_up:
        await domain_job(database, lambda: at, look_up).run()


async def state_of(database: Database, domain: MailDomain) -> MailDomain:
    async with database.transaction() as tx:
        return await mail_domains.get_domain(tx, OPERATOR, domain.company_id, domain.id)


async def events_of(tx: Tx, tenant: Tenant, count: int) -> list[tuple[str, str, list[Any]]]:
    events = await audit_store.page(tx, AuditFilter(company_id=tenant.company.id), None, count)
    return [(event.type, event.actor_name, event.data["changes"]) for event in events]


async def test_a_domain_that_the_provider_vouches_for_confirms_the_addresses_in_it(
    database: Database, fresh: Tenant
) -> None:
    name = new_name()
    async with database.transaction() as tx:
        customer = await admin_of(tx, fresh)
        inside, outside = [await add_user(tx, customer, fresh, f"kim@{domain}") for domain in (name, f"x{name}")]
        below = await add_user(tx, customer, fresh, f"kim@noc.{name}")
        assert not inside.is_confirmed
        agent = await new_person(tx, "Mara Lind", Role.ADMIN)
        domain = await bind(tx, agent, fresh, name.upper(), by=Proof.STAFF)
        assert (domain.name, domain.state, domain.verified_by) == (name, DomainState.VERIFIED, Proof.STAFF)
        assert [(await user(tx, added)).is_confirmed for added in (inside, outside, below)] == [True, False, False]
        events = await events_of(tx, fresh, 3)
    confirmed = {"field": "is_confirmed", "before": False, "after": True}
    assert events[0] == ("user.changed", "Mara Lind", [confirmed])
    assert events[1] == (
        "mail_domain.changed",
        "Mara Lind",
        [
            {"field": "state", "before": "pending", "after": "verified"},
            {"field": "verified_by", "before": None, "after": "staff"},
        ],
    )
    assert events[2][:2] == ("mail_domain.created", "Mara Lind")


async def test_new_and_changed_addresses_in_a_verified_domain_are_confirmed_at_once(
    database: Database, fresh: Tenant
) -> None:
    name = new_name()
    async with database.transaction() as tx:
        customer = await admin_of(tx, fresh)
        await bind(tx, OPERATOR, fresh, name, by=Proof.STAFF, includes_subdomains=True)
        assert (await add_user(tx, customer, fresh, f"a@{name}")).is_confirmed
        assert (await add_user(tx, customer, fresh, f"B@NOC.{name.upper()}")).is_confirmed
        other = await add_user(tx, customer, fresh, f"c@{new_name()}")
        assert not other.is_confirmed
        values = {"email": f"c@{name}"}
        assert (await accounts.change_user(tx, customer, fresh.company.id, other.id, values, now=NOW)).is_confirmed
        values = {"email": f"c@{new_name()}"}
        assert not (await accounts.change_user(tx, customer, fresh.company.id, other.id, values, now=NOW)).is_confirmed
        kinds = await tx.fetch("select kind from account_mail where company_id = $1 order by kind", fresh.company.id)
    assert [row[0] for row in kinds] == ["address_changed", "invitation", "invitation"]


async def test_a_pending_or_failed_domain_confirms_nothing(database: Database, fresh: Tenant) -> None:
    name = new_name()
    async with database.transaction() as tx:
        customer = await admin_of(tx, fresh)
        domain = await bind(tx, customer, fresh, name)
        assert domain.state is DomainState.PENDING
        assert not (await add_user(tx, customer, fresh, f"a@{name}")).is_confirmed
    await check_all(database, {}, NOW + 8 * DAY)
    assert (await state_of(database, domain)).state is DomainState.FAILED
    async with database.transaction() as tx:
        assert not (await add_user(tx, customer, fresh, f"b@{name}")).is_confirmed


async def test_an_international_domain_confirms_both_spellings(database: Database, fresh: Tenant) -> None:
    label = uuid4().hex[:8]
    async with database.transaction() as tx:
        customer = await admin_of(tx, fresh)
        domain = await bind(tx, OPERATOR, fresh, f"B\u00dcCHER-{label}.example", by=Proof.STAFF)
        assert domain.name.startswith("xn--")
        for host in (f"b\u00fccher-{label}.example", domain.name):
            assert (await add_user(tx, customer, fresh, f"kim@{host}")).is_confirmed
        with pytest.raises(AlreadyExists):
            await bind(tx, OPERATOR, fresh, f"b\u00fccher-{label}.example")


async def test_a_domain_is_verified_when_its_record_is_found(database: Database, fresh: Tenant) -> None:
    name = new_name()
    async with database.transaction() as tx:
        customer = await admin_of(tx, fresh)
        claimed = await add_user(tx, customer, fresh, f"a@{name}")
        domain = await bind(tx, customer, fresh, name)
    records: dict[str, Sequence[str]] = {name: ["v=spf1 -all", "clearline-verification=of-somebody-else"]}
    await check_all(database, records)
    waiting = await state_of(database, domain)
    assert (waiting.state, waiting.checked_at, waiting.due_at) == (
        DomainState.PENDING, NOW, NOW + timedelta(minutes=1),
    )  # fmt: skip
    assert waiting.reason == f"no TXT record {domain.record} at {name}"
    records[name] = ["v=spf1 -all", domain.record]
    await check_all(database, records, NOW + timedelta(seconds=59))
    assert (await state_of(database, domain)).state is DomainState.PENDING
    later = NOW + timedelta(minutes=1)
    await check_all(database, records, later)
    verified = await state_of(database, domain)
    assert (verified.state, verified.verified_by, verified.reason) == (DomainState.VERIFIED, Proof.DNS, None)
    assert (verified.verified_at, verified.due_at) == (later, later + DAY)
    async with database.transaction() as tx:
        assert (await user(tx, claimed)).is_confirmed
        [(kind, actor, _), *_] = await events_of(tx, fresh, 1)
        assert (kind, actor) == ("user.changed", "Clearline")


async def test_a_verified_domain_whose_record_is_missing_for_a_week_fails(database: Database, fresh: Tenant) -> None:
    name = new_name()
    async with database.transaction() as tx:
        customer = await admin_of(tx, fresh)
        domain = await bind(tx, customer, fresh, name)
        claimed = await add_user(tx, customer, fresh, f"a@{name}")
    found: Records = {name: [domain.record]}
    await check_all(database, found)
    for day in range(1, 8):
        await check_all(database, {}, NOW + day * DAY)
        missing = await state_of(database, domain)
        assert (missing.state, missing.reason) == (DomainState.VERIFIED, f"its TXT record {domain.record} is missing")
    await check_all(database, found, NOW + 8 * DAY)
    assert (await state_of(database, domain)).reason is None
    for day in range(9, 17):
        await check_all(database, {}, NOW + day * DAY)
    failed = await state_of(database, domain)
    assert (failed.state, failed.verified_by, failed.due_at) == (DomainState.FAILED, None, None)
    async with database.transaction() as tx:
        assert (await user(tx, claimed)).is_confirmed
        assert not (await add_user(tx, customer, fresh, f"b@{name}")).is_confirmed


async def test_name_servers_that_do_not_answer_change_no_state(database: Database, fresh: Tenant) -> None:
    name, other = new_name(), new_name()
    async with database.transaction() as tx:
        customer = await admin_of(tx, fresh)
        verified, pending = await bind(tx, customer, fresh, name), await bind(tx, customer, fresh, other)
    await check_all(database, {name: [verified.record]})
    silent: Records = {name: dns.rcode.SERVFAIL, other: dns.rcode.REFUSED}
    for hour in range(24, 24 * 7, 5):
        await check_all(database, silent, NOW + hour * HOUR)
    verified, pending = await state_of(database, verified), await state_of(database, pending)
    assert (verified.state, verified.reason) == (
        DomainState.VERIFIED, "the name servers of the domain did not answer",
    )  # fmt: skip
    assert (pending.state, pending.reason) == (DomainState.PENDING, "the name servers of the domain did not answer")
    assert verified.waiting_since is None


async def test_somebody_can_have_a_domain_checked_again(database: Database, fresh: Tenant) -> None:
    name = new_name()
    async with database.transaction() as tx:
        customer = await admin_of(tx, fresh)
        domain = await bind(tx, customer, fresh, name)
    later = NOW + 8 * DAY
    await check_all(database, {}, later)
    async with database.transaction() as tx:
        again = await mail_domains.verify_domain(tx, customer, fresh.company.id, name.upper(), now=later)
    assert (again.state, again.reason, again.waiting_since) == (DomainState.PENDING, None, later)
    assert again.due_at == later + timedelta(seconds=10)
    assert again.token == domain.token
    await check_all(database, {name: [domain.record]}, later + timedelta(seconds=10))
    assert (await state_of(database, domain)).state is DomainState.VERIFIED
    async with database.transaction() as tx:
        asked = await mail_domains.verify_domain(tx, customer, fresh.company.id, domain.id, now=later + DAY)
    assert (asked.state, asked.due_at) == (DomainState.VERIFIED, later + DAY)


async def test_a_domain_verified_by_word_needs_no_record(database: Database, fresh: Tenant) -> None:
    async with database.transaction() as tx:
        customer = await admin_of(tx, fresh)
        domain = await bind(tx, customer, fresh, new_name())
        await mail_domains.verify_domain(tx, OPERATOR, fresh.company.id, domain.id, by=Proof.STAFF, now=NOW)
        same = await mail_domains.verify_domain(tx, customer, fresh.company.id, domain.id, now=NOW)
        assert (same.state, same.verified_by, same.due_at) == (DomainState.VERIFIED, Proof.STAFF, None)
    await check_all(database, {}, NOW + 30 * DAY)
    assert (await state_of(database, domain)).state is DomainState.VERIFIED


async def test_a_check_changes_nothing_for_a_domain_that_was_decided_meanwhile(
    database: Database, fresh: Tenant
) -> None:
    async with database.transaction() as tx:
        customer = await admin_of(tx, fresh)
        deleted, trusted = [await bind(tx, customer, fresh, new_name()) for _ in range(2)]
        await mail_domains.delete_domain(tx, customer, fresh.company.id, deleted.id, now=NOW)
        await mail_domains.verify_domain(tx, OPERATOR, fresh.company.id, trusted.id, by=Proof.STAFF, now=NOW)
        for domain in (deleted, trusted):
            await mail_domains.record_check(tx, domain, [], now=NOW + 8 * DAY)
    assert (await state_of(database, trusted)).state is DomainState.VERIFIED
    with pytest.raises(NotFound):
        await state_of(database, deleted)


async def test_a_deleted_domain_confirms_nothing_more_and_takes_nothing_back(database: Database, fresh: Tenant) -> None:
    name = new_name()
    async with database.transaction() as tx:
        customer = await admin_of(tx, fresh)
        await bind(tx, OPERATOR, fresh, name, by=Proof.STAFF)
        confirmed = await add_user(tx, customer, fresh, f"a@{name}")
        await mail_domains.delete_domain(tx, customer, fresh.company.id, name, now=NOW)
        assert (await user(tx, confirmed)).is_confirmed
        assert not (await add_user(tx, customer, fresh, f"b@{name}")).is_confirmed
        assert await mail_domains.list_domains(tx, customer, fresh.company.id) == []


async def test_a_domain_belongs_to_one_company(database: Database, fresh: Tenant, other_tenant: Tenant) -> None:
    name = new_name()
    async with database.transaction() as tx:
        customer = await admin_of(tx, fresh)
        holder = await bind(tx, OPERATOR, other_tenant, name, by=Proof.STAFF, includes_subdomains=True)
        for taken in (name, f"noc.{name}"):
            for by in Proof:
                with pytest.raises(Conflict):
                    await bind(tx, OPERATOR, fresh, taken, by=by)
        claimed = await bind(tx, customer, fresh, f"noc.{name}")
        with pytest.raises(Conflict):
            await mail_domains.verify_domain(tx, OPERATOR, fresh.company.id, claimed.id, by=Proof.STAFF, now=NOW)
    await check_all(database, {f"noc.{name}": [claimed.record]})
    failed = await state_of(database, claimed)
    assert (failed.state, failed.reason) == (
        DomainState.FAILED, "another company has this domain: ask the provider",
    )  # fmt: skip
    async with database.transaction() as tx:
        await mail_domains.delete_domain(tx, OPERATOR, other_tenant.company.id, holder.id, now=NOW)
        moved = await mail_domains.verify_domain(tx, OPERATOR, fresh.company.id, claimed.id, by=Proof.STAFF, now=NOW)
        assert moved.state is DomainState.VERIFIED
        with pytest.raises(Conflict):
            await bind(tx, OPERATOR, other_tenant, name, by=Proof.STAFF, includes_subdomains=True)
        await bind(tx, OPERATOR, other_tenant, name, by=Proof.STAFF)


async def test_two_companies_may_claim_a_domain_and_the_first_that_proves_it_has_it(
    database: Database, fresh: Tenant, other_tenant: Tenant
) -> None:
    name = new_name()
    async with database.transaction() as tx:
        domains = [await bind(tx, await admin_of(tx, tenant), tenant, name) for tenant in (fresh, other_tenant)]
    await check_all(database, {name: [domains[1].record]})
    assert [(await state_of(database, domain)).state for domain in domains] == [
        DomainState.PENDING, DomainState.VERIFIED,
    ]  # fmt: skip


async def test_who_may_bind_a_domain(database: Database, fresh: Tenant, other_tenant: Tenant) -> None:
    async with database.transaction() as tx:
        admin, foreign = await admin_of(tx, fresh), await admin_of(tx, other_tenant)
        user, agent = await new_person(tx, company=fresh.company.code, role=Role.CUSTOMER), await new_person(tx)
        domain = await bind(tx, admin, fresh, new_name())
        for options in ({"by": Proof.STAFF}, {"allows_public": True}):
            with pytest.raises(Forbidden):
                await bind(tx, admin, fresh, new_name(), **options)
        with pytest.raises(Forbidden):
            await mail_domains.verify_domain(tx, admin, fresh.company.id, domain.id, by=Proof.STAFF, now=NOW)
        for actor, refusal in ((user, Forbidden), (agent, Forbidden), (foreign, NotFound)):
            with pytest.raises(refusal):
                await bind(tx, actor, fresh, new_name())
            with pytest.raises(refusal):
                await mail_domains.verify_domain(tx, actor, fresh.company.id, domain.id, now=NOW)
            with pytest.raises(refusal):
                await mail_domains.delete_domain(tx, actor, fresh.company.id, domain.id, now=NOW)
        with pytest.raises(NotFound):
            await mail_domains.get_domain(tx, foreign, fresh.company.id, domain.id)
        with pytest.raises(NotFound):
            await mail_domains.get_domain(tx, admin, fresh.company.id, uuid4())


@pytest.mark.parametrize("missing", [Scope.ACCOUNTS_WRITE, Scope.TICKETS_READ, Scope.TICKETS_WRITE])
async def test_a_key_that_may_not_read_tickets_binds_no_domain(
    database: Database, fresh: Tenant, missing: Scope
) -> None:
    async with database.transaction() as tx:
        domain = await bind(tx, OPERATOR, fresh, new_name())
        narrow = await admin_of(tx, fresh, scopes=ROLE_SCOPES[Role.CUSTOMER_ADMIN] - {missing})
        with pytest.raises(ScopeMissing):
            await bind(tx, narrow, fresh, new_name())
        with pytest.raises(ScopeMissing):
            await mail_domains.verify_domain(tx, narrow, fresh.company.id, domain.id, now=NOW)


async def test_the_provider_has_no_mail_domains(database: Database) -> None:
    async with database.transaction() as tx:
        with pytest.raises(Conflict):
            await mail_domains.add_domain(tx, OPERATOR, PROVIDER_ID, new_name(), by=Proof.STAFF, now=NOW)


@pytest.mark.parametrize("name", ["gmail.com", "co.uk", "localhost", "kim@example.com", "192.0.2.7", "", "x" * 300])
async def test_what_is_no_domain_of_a_company_is_refused(database: Database, fresh: Tenant, name: str) -> None:
    async with database.transaction() as tx:
        with pytest.raises(InvalidInput):
            await bind(tx, OPERATOR, fresh, name, by=Proof.STAFF)


async def test_staff_may_insist_on_a_public_mail_service(database: Database, fresh: Tenant) -> None:
    async with database.transaction() as tx:
        domain = await bind(tx, OPERATOR, fresh, "hushmail.com", by=Proof.STAFF, allows_public=True)
        assert domain.state is DomainState.VERIFIED


async def test_a_customer_adds_a_limited_number_of_domains(database: Database, fresh: Tenant) -> None:
    limits = AccountLimits(mail_domains=2)
    async with database.transaction() as tx:
        customer = await admin_of(tx, fresh)
        for _ in range(2):
            await bind(tx, customer, fresh, new_name(), limits=limits)
        with pytest.raises(TooManyMailDomains):
            await bind(tx, customer, fresh, new_name(), limits=limits)
        await bind(tx, OPERATOR, fresh, new_name(), limits=limits)
