"""Companies: list, add and change customers, and change the provider."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from clearline.accounts import company_store, permissions
from clearline.accounts import usecases as accounts
from clearline.accounts.company_store import Ended
from clearline.accounts.domain import (
    CHILDREN_MAX,
    PARENT_LEVELS_MAX,
    CompanyDetails,
    check_company,
    with_values,
)
from clearline.accounts.parents import store as parent_store
from clearline.accounts.tiers import store as tier_store
from clearline.accounts.tiers.usecases import check_tier_key
from clearline.errors import InvalidInput, RuleCode, Violation, require_found, require_free, require_valid
from clearline.events.domain import Change, first_values
from clearline.events.record_changes import append_record_event, change_record
from clearline.identity import PROVIDER_ID, Actor, Company, Scope
from clearline.platform.database.transactions import Tx
from clearline.text import storable

OWN_FIELDS = frozenset({"language", "time_zone", "notice_addresses"})
"""What the admins of a customer may set of their company."""
COMPANY_FIELDS = frozenset(
    {"name", "code", "language", "tier", "time_zone", "notice_addresses", "parent_id", "shares_with_parent"}
)


async def add_company(
    tx: Tx, actor: Actor, name: str, code: str, *, facts: Mapping[str, Any] | None = None, now: datetime
) -> CompanyDetails:
    """Add a customer; ``code`` is its customer number. ``facts`` are some of ``COMPANY_FIELDS``.

    Raises:
        AlreadyExists: another company has the name or the code, as its name or its code.
    """
    permissions.require_desk_admin(actor)
    permissions.require_scope(actor, Scope.ACCOUNTS_WRITE)
    nothing = CompanyDetails(uuid4(), name, code)
    company = with_values(nothing, facts or {})
    await _require_valid(tx, nothing, company)
    await _lock_names(tx)
    await _require_parent(tx, nothing, company)
    require_free(await company_store.insert(tx, company, now=now), "company", _names(company))
    given = {name for name in COMPANY_FIELDS if getattr(company, name) != getattr(nothing, name)}
    changes = first_values(company, frozenset({"name", "code"} | given))
    await append_record_event(tx, actor, "company", "created", company, changes, company_id=company.id, now=now)
    return company


async def _require_valid(tx: Tx, before: CompanyDetails, after: CompanyDetails) -> None:
    violations = check_company(after)
    if after.tier not in {None, before.tier}:
        tiers = {tier.key: tier for tier in await tier_store.all_tiers(tx)}
        violations += check_tier_key(tiers, before.tier, after.tier)
    require_valid(violations)


async def _require_parent(tx: Tx, before: CompanyDetails, after: CompanyDetails) -> None:
    """Refuse a parent that a company cannot have; the companies are locked (``_lock_names``)."""
    if after.parent_id is None or after.parent_id == before.parent_id:
        return
    is_customer = PROVIDER_ID not in {after.id, after.parent_id}
    if not is_customer or await company_store.get(tx, after.parent_id) is None:
        rule = "must be the id of a customer, and the provider has no parent"
        raise InvalidInput([Violation("parent_id", rule, RuleCode.REFERENCE)])
    place = await parent_store.place_below(tx, after.id, after.parent_id)
    if place.is_cycle:
        raise InvalidInput(
            [Violation("parent_id", "must be no company below this one, nor itself", RuleCode.REFERENCE)]
        )
    if place.levels > PARENT_LEVELS_MAX:
        rule = f"would make more than {PARENT_LEVELS_MAX} levels of companies"
        raise InvalidInput([Violation("parent_id", rule, RuleCode.COUNT)])
    if place.siblings >= CHILDREN_MAX:
        raise InvalidInput([Violation("parent_id", f"must have fewer than {CHILDREN_MAX} children", RuleCode.COUNT)])


async def _lock_names(tx: Tx) -> None:
    """Lock the names and parents of companies.

    No index prevents the name of one from being the code of another, or a company from being below itself.
    """
    await company_store.lock(tx, PROVIDER_ID)


def _names(company: Company) -> str:
    return f"{company.name} or code {company.code}"


async def list_companies(
    tx: Tx, actor: Actor, *, named: str | None = None, after: str | None = None, limit: int | None = None
) -> list[CompanyDetails]:
    """Return the customers after the name ``after``, by name in any case; without ``limit`` all of them.

    With ``named``, return only the one of that name or customer code. Served by ``company_name``.
    """
    permissions.require_staff(actor, Scope.ACCOUNTS_READ)
    if named is not None:
        company = await company_store.find(tx, named)
        is_listed = company is not None and permissions.may_see_company(actor, company.id)
        return [] if company is None or not is_listed or company.id == PROVIDER_ID else [await _details(tx, company)]
    return await company_store.page(tx, after=after or "", only=permissions.only_companies(actor), limit=limit)


async def companies_matching(tx: Tx, actor: Actor, text: str, *, after: str = "", limit: int) -> list[CompanyDetails]:
    """Return the customers with a text in their name or code, in any case, by name, after the name ``after``."""
    permissions.require_staff(actor, Scope.ACCOUNTS_READ)
    only = permissions.only_companies(actor)
    return await company_store.matching(tx, text, after=after, only=only, limit=limit) if storable(text) else []


async def get_company_details(tx: Tx, actor: Actor, ref: UUID | str) -> CompanyDetails:
    """Return a company, and whether it is deactivated."""
    return await _details(tx, await accounts.get_company(tx, actor, ref))


async def _details(tx: Tx, company: Company) -> CompanyDetails:
    return require_found(await company_store.details(tx, company.id), "company", company.id)


async def lock_company(tx: Tx, actor: Actor, ref: UUID | str) -> CompanyDetails:
    """Lock a company that the actor is about to change, until the transaction ends."""
    permissions.require_desk_admin(actor)
    permissions.require_scope(actor, Scope.ACCOUNTS_WRITE)
    company = await accounts.find_company(tx, actor, ref)
    return require_found(await company_store.lock_details(tx, company.id), "company", ref)


async def lock_to_change(tx: Tx, actor: Actor, ref: UUID | str) -> CompanyDetails:
    """Lock a company of which the actor is about to change something: any for desk admins, its own for its admins."""
    company = await accounts.company_to_manage(tx, actor, ref)
    return require_found(await company_store.lock_details(tx, company.id), "company", ref)


async def change_company(
    tx: Tx, actor: Actor, ref: UUID | str, values: Mapping[str, Any], *, now: datetime
) -> CompanyDetails:
    """Set some of the fields in ``COMPANY_FIELDS``; the admins of a customer may set ``OWN_FIELDS`` of their own.

    Notice addresses change by their subjects.

    Raises:
        AlreadyExists: another company has the name or the code, as its name or its code.
    """
    if not values.keys() <= OWN_FIELDS:
        permissions.require_desk_admin(actor)
    return await _change_company(tx, actor, await lock_to_change(tx, actor, ref), values, now=now)


async def _change_company(
    tx: Tx, actor: Actor, before: CompanyDetails, values: Mapping[str, Any], *, now: datetime
) -> CompanyDetails:
    async def save(tx: Tx, company: CompanyDetails) -> None:
        await _require_valid(tx, before, company)
        await _lock_names(tx)
        await _require_parent(tx, before, company)
        require_free(await company_store.save(tx, company), "company", _names(company))
        tx.changes_memory = tx.changes_memory or company.tier != before.tier

    after = with_values(before, values)
    return await change_record(tx, actor, "company", before, after, save, company_id=before.id, now=now)


async def set_ended(tx: Tx, actor: Actor, company: CompanyDetails, ended: Ended | None, *, now: datetime) -> None:
    """Store that a locked company is deactivated, and what that ended; or with None that it is active again.

    Whoever calls this ends what ``ended`` names, or brings it back.
    """
    await company_store.set_ended(tx, company.id, ended, now=now)
    changes = [Change("is_active", ended is not None, ended is None)]
    await append_record_event(tx, actor, "company", "changed", company, changes, company_id=company.id, now=now)
