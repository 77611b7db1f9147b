"""Bind mail domains to companies: add, list, verify and delete them."""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from msgspec.structs import replace

from clearline.accounts import address_usecases as addresses
from clearline.accounts import company_store, mail_domain_store, permissions, user_store
from clearline.accounts import usecases as accounts
from clearline.accounts.domain import DEFAULT_LIMITS, AccountLimits
from clearline.accounts.mail_domain import (
    CHECK_AGAIN_AFTER,
    GIVE_UP_AFTER,
    PENDING_PAUSE_MAX,
    RECHECK_AFTER,
    RETRY_AFTER,
    DomainState,
    MailDomain,
    Proof,
    check_domain,
    covers,
    domains_above,
    next_check,
    normalized_domain,
    overlap,
)
from clearline.clock import CLOCK_SECONDS
from clearline.errors import Conflict, require_found, require_free, require_valid
from clearline.events.domain import Change, changes_between
from clearline.events.record_changes import append_record_event
from clearline.identity import ALL_SCOPES, PROVIDER_ID, Actor, Company, Role
from clearline.limit_errors import TooManyMailDomains
from clearline.platform.database.transactions import Tx

KIND = "mail_domain"
CHECKER = Actor(Role.OPERATOR, "Clearline", scopes=ALL_SCOPES)
"""The actor of checks that nobody asked for."""
_IN_EVENTS = frozenset({"includes_subdomains", "state", "verified_by", "reason"})
_TAKEN = "another company has this domain: ask the provider"


async def add_domain(
    tx: Tx,
    actor: Actor,
    company_ref: UUID | str,
    name: str,
    *,
    by: Proof = Proof.DNS,
    includes_subdomains: bool = False,
    allows_public: bool = False,
    limits: AccountLimits = DEFAULT_LIMITS,
    now: datetime,
) -> MailDomain:
    """Add a domain to a company: by the provider's word, or pending until its TXT record is found.

    Only the provider's admins may add it by their word, or a domain of a public mail service. A customer is not told
    whether another company has the domain before its record is found.

    Raises:
        AlreadyExists: the company has the domain.
        Conflict: the company is the provider, or another company has the domain.
        TooManyMailDomains: a customer adds more than it may.
    """
    company = await _company_to_bind(tx, actor, company_ref)
    if by is Proof.STAFF or allows_public:
        permissions.require_desk_admin(actor)
    require_valid(check_domain(name, allows_public=allows_public))
    await company_store.lock(tx, company.id)
    if not actor.is_staff and await mail_domain_store.count(tx, company.id) >= limits.mail_domains:
        raise TooManyMailDomains(limits.mail_domains)
    domain = MailDomain(
        company.id,
        uuid4(),
        normalized_domain(name) or name,
        includes_subdomains,
        DomainState.PENDING,
        None,
        None,
        secrets.token_urlsafe(24),
        now,
        waiting_since=now,
        due_at=now,
    )
    if actor.is_staff:
        await _require_untaken(tx, domain)
    require_free(await mail_domain_store.insert(tx, domain), "mail domain", domain.name)
    changes = [Change("state", None, domain.state), Change("includes_subdomains", None, includes_subdomains)]
    await append_record_event(tx, actor, KIND, "created", domain, changes, company_id=company.id, now=now)
    return domain if by is Proof.DNS else await _verify(tx, actor, domain, by, now=now)


async def list_domains(
    tx: Tx, actor: Actor, company_ref: UUID | str, *, after: str | None = None, limit: int | None = None
) -> list[MailDomain]:
    """Return the domains of a company after a name, by name. Served by ``mail_domain_name``."""
    company = await accounts.get_company(tx, actor, company_ref)
    return await mail_domain_store.page(tx, company.id, after=after or "", limit=limit)


async def get_domain(tx: Tx, actor: Actor, company_ref: UUID | str, domain_ref: UUID | str) -> MailDomain:
    """Return a domain of a company, by id or name."""
    company = await accounts.get_company(tx, actor, company_ref)
    return await _domain(tx, company, domain_ref)


async def lock_domain(tx: Tx, actor: Actor, company_ref: UUID | str, domain_ref: UUID | str) -> MailDomain:
    """Lock a domain that the actor is about to change, until the transaction ends; its company first."""
    company = await accounts.company_to_manage(tx, actor, company_ref)
    await company_store.lock(tx, company.id)
    domain = await _domain(tx, company, domain_ref)
    return require_found(await mail_domain_store.lock(tx, company.id, domain.id), "mail domain", domain_ref)


async def verify_domain(
    tx: Tx, actor: Actor, company_ref: UUID | str, domain_ref: UUID | str, *, by: Proof = Proof.DNS, now: datetime
) -> MailDomain:
    """Verify a domain at once in the provider's name, or have its TXT record checked within seconds.

    Raises:
        Conflict: another company has the domain.
    """
    company = await _company_to_bind(tx, actor, company_ref)
    if by is Proof.STAFF:
        permissions.require_desk_admin(actor)
    before = await lock_domain(tx, actor, company.id, domain_ref)
    if by is Proof.STAFF:
        return await _verify(tx, actor, before, by, now=now)
    if before.verified_by is Proof.STAFF:
        return before
    earliest = now if before.checked_at is None else max(now, before.checked_at + CHECK_AGAIN_AFTER)
    after = replace(before, due_at=earliest)
    if before.state is not DomainState.VERIFIED:
        after = replace(after, state=DomainState.PENDING, reason=None, waiting_since=now)
    await _save(tx, actor, before, after, now=now)
    return after


async def delete_domain(
    tx: Tx, actor: Actor, company_ref: UUID | str, domain_ref: UUID | str, *, now: datetime
) -> None:
    """Delete a domain of a company. Addresses that it confirmed stay confirmed."""
    domain = await lock_domain(tx, actor, company_ref, domain_ref)
    await mail_domain_store.delete(tx, domain)
    await append_record_event(tx, actor, KIND, "deleted", domain, company_id=domain.company_id, now=now)


async def record_check(tx: Tx, checked: MailDomain, texts: Sequence[str] | None, *, now: datetime) -> None:
    """Store the result of a check: the texts of the domain's TXT records, or None when no name server answered.

    Nothing changes when the domain was deleted or verified by somebody's word in the meantime.
    """
    await company_store.lock(tx, checked.company_id)
    before = await mail_domain_store.lock(tx, checked.company_id, checked.id)
    if before is None or before.due_at is None or before.token != checked.token:
        return
    before = replace(before, checked_at=now)
    if texts is not None and before.record in {text.strip() for text in texts}:
        await _record_proof(tx, before, now=now)
    elif before.state is DomainState.VERIFIED:
        await _save(tx, CHECKER, before, _without_record(before, is_answered=texts is not None, now=now), now=now)
    else:
        due_at = next_check(before.waiting_since or now, now)
        reason = f"no TXT record {before.record} at {before.name}" if texts is not None else _SILENT
        state = DomainState.FAILED if due_at is None else DomainState.PENDING
        after = replace(before, state=state, reason=reason, due_at=due_at)
        await _save(tx, CHECKER, before, after, now=now)


_SILENT = "the name servers of the domain did not answer"


async def _record_proof(tx: Tx, before: MailDomain, *, now: datetime) -> None:
    """Verify a domain whose record was found; one that another company has fails."""
    if before.state is not DomainState.VERIFIED and await _is_taken(tx, before):
        after = replace(before, state=DomainState.FAILED, reason=_TAKEN, waiting_since=None, due_at=None)
        await _save(tx, CHECKER, before, after, now=now)
    else:
        await _verify(tx, CHECKER, before, Proof.DNS, now=now)


def _without_record(before: MailDomain, *, is_answered: bool, now: datetime) -> MailDomain:
    """Return a verified domain whose record was not found: it fails when the record is missing for too long."""
    if not is_answered:
        return replace(before, reason=_SILENT, due_at=now + RETRY_AFTER)
    reason = f"its TXT record {before.record} is missing"
    since = before.waiting_since or now
    if now - since < GIVE_UP_AFTER:
        return replace(before, reason=reason, waiting_since=since, due_at=now + RECHECK_AFTER)
    return replace(before, state=DomainState.FAILED, verified_by=None, reason=reason, waiting_since=None, due_at=None)


async def _verify(tx: Tx, actor: Actor, before: MailDomain, by: Proof, *, now: datetime) -> MailDomain:
    """Verify a locked domain, and confirm the addresses of its company that are in it, unless they are in conflict."""
    await _require_untaken(tx, before)
    after = replace(
        before,
        state=DomainState.VERIFIED,
        verified_by=by,
        reason=None,
        verified_at=before.verified_at if before.state is DomainState.VERIFIED else now,
        waiting_since=None,
        due_at=now + RECHECK_AFTER if by is Proof.DNS else None,
    )
    await _save(tx, actor, before, after, now=now)
    for user in await user_store.unconfirmed(tx, after.company_id):
        if covers(after, user.email):
            await addresses.confirm_in_domain(tx, actor, user, now=now)
    return after


async def _require_untaken(tx: Tx, domain: MailDomain) -> None:
    if await _is_taken(tx, domain):
        raise Conflict(f"another company has the domain {domain.name}, or one that overlaps it: delete that first")


async def _is_taken(tx: Tx, domain: MailDomain) -> bool:
    """Return whether another company has a verified domain with addresses in common; lock the domains of all."""
    await company_store.lock(tx, PROVIDER_ID)
    near = await mail_domain_store.verified_near(tx, domain.name, domains_above(domain.name))
    return any(other.company_id != domain.company_id and overlap(domain, other) for other in near)


async def _save(tx: Tx, actor: Actor, before: MailDomain, after: MailDomain, *, now: datetime) -> None:
    await mail_domain_store.save(tx, after)
    if changes := [change for change in changes_between(before, after) if change.field in _IN_EVENTS]:
        await append_record_event(tx, actor, KIND, "changed", after, changes, company_id=after.company_id, now=now)


async def _company_to_bind(tx: Tx, actor: Actor, company_ref: UUID | str) -> Company:
    """Return a customer whose addresses the actor may confirm: it could be any person of the company by mail."""
    company = await accounts.company_to_manage(tx, actor, company_ref)
    permissions.require_rights_of_person(actor, Role.CUSTOMER_ADMIN)
    if company.id == PROVIDER_ID:
        raise Conflict("the provider has no mail domains: its admins confirm its people")
    return company


async def _domain(tx: Tx, company: Company, ref: UUID | str) -> MailDomain:
    domain = (
        await mail_domain_store.get(tx, company.id, ref)
        if isinstance(ref, UUID)
        else await mail_domain_store.find(tx, company.id, normalized_domain(ref) or ref)
    )
    return require_found(domain, "mail domain", ref)


async def shorten_waits(tx: Tx, *, now: datetime) -> int:
    """Make domains due that a clock that was ahead, and is set back now, made wait too long; return how many."""
    return await mail_domain_store.shorten_waits(
        tx,
        pending=PENDING_PAUSE_MAX,
        verified=RECHECK_AFTER,
        tolerance=timedelta(seconds=CLOCK_SECONDS),
        now=now,
    )
