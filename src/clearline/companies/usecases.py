"""Companies: list, add and change customers, and change the provider."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from msgspec.structs import replace

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
from clearline.accounts.tiers.usecases import check_tier_change
from clearline.errors import InvalidInput, RuleCode, Violation, require_found, require_free, require_valid
from clearline.events.domain import Change, changes_between, first_values
from clearline.events.record_changes import append_record_event
from clearline.fields import value_usecases as own_fields
from clearline.fields.domain import RecordKind
from clearline.fields.value_domain import changed_fields
from clearline.identity import PROVIDER_ID, Actor, Company, Scope
from clearline.platform.database.transactions import Tx
from clearline.text import storable

OWN_FIELDS = frozenset({"language", "time_zone", "notice_addresses", "fields"})
"""What the admins of a customer may set of their company; of the own fields those that customers edit."""
FIELDS_CHANGED = "fields_changed"
"""What was done, in the event of the own fields that only the provider's people see."""
COMPANY_FIELDS = frozenset(
    {"name", "code", "language", "tier", "time_zone", "notice_addresses", "parent_id", "shares_with_parent", "fields"}
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
    company = await _valid(tx, actor, nothing, with_values(nothing, facts or {}))
    await _lock_names(tx)
    await _require_parent(tx, nothing, company)
    require_free(await company_store.insert(tx, company, now=now), "company", _names(company))
    given = {name for name in COMPANY_FIELDS if getattr(company, name) != getattr(nothing, name)}
    changes = first_values(company, frozenset({"name", "code"} | given))
    await _append(tx, actor, company, "created", changes, now=now)
    return company


async def _append(
    tx: Tx, actor: Actor, company: CompanyDetails, action: str, changes: Sequence[Change], *, now: datetime
) -> None:
    """Store the event of a change, and one of its own for the own fields that the customer does not see."""
    shown, hidden = await own_fields.split_changes(tx, RecordKind.COMPANY, changes)
    for done, part in ((action, shown), (FIELDS_CHANGED, hidden)):
        if part:
            await append_record_event(tx, actor, "company", done, company, part, company_id=company.id, now=now)


async def _valid(tx: Tx, actor: Actor, before: CompanyDetails, after: CompanyDetails) -> CompanyDetails:
    """Return a company that breaks no rule; the own fields are given by those that change."""
    violations = check_company(after)
    violations += await check_tier_change(tx, before.tier, after.tier)
    if after.fields is not before.fields:
        fields, wrong = await own_fields.values_after(
            tx, actor, RecordKind.COMPANY, after.id, before.fields, after.fields
        )
        after, violations = replace(after, fields=fields), [*violations, *wrong]
    require_valid(violations)
    return after


async def _visible(tx: Tx, actor: Actor, company: CompanyDetails) -> CompanyDetails:
    """Return what the actor may see of a company: of the own fields those for it, and nobody a deleted one."""
    fields = await own_fields.visible_values(tx, actor, RecordKind.COMPANY, company.fields)
    return company if fields == company.fields else replace(company, fields=fields)


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
        if company is None or not is_listed or company.id == PROVIDER_ID:
            return []
        return [await _details(tx, actor, company)]
    page = await company_store.page(tx, after=after or "", only=permissions.only_companies(actor), limit=limit)
    return [await _visible(tx, actor, company) for company in page]


async def companies_matching(tx: Tx, actor: Actor, text: str, *, after: str = "", limit: int) -> list[CompanyDetails]:
    """Return the customers with a text in their name or code, in any case, by name, after the name ``after``."""
    permissions.require_staff(actor, Scope.ACCOUNTS_READ)
    only = permissions.only_companies(actor)
    if not storable(text):
        return []
    matches = await company_store.matching(tx, text, after=after, only=only, limit=limit)
    return [await _visible(tx, actor, company) for company in matches]


async def relatives(tx: Tx, actor: Actor, ref: UUID | str) -> tuple[CompanyDetails | None, list[CompanyDetails]]:
    """Return the parent of a company, if it has one, and its children by name, for the provider's people.

    Those beyond the limits of the actor are left out.
    """
    permissions.require_staff(actor, Scope.ACCOUNTS_READ)
    company = await get_company_details(tx, actor, ref)
    parent = None
    if company.parent_id is not None and permissions.may_see_company(actor, company.parent_id):
        parent = await company_store.details(tx, company.parent_id)
    children = await company_store.children(tx, company.id)
    return parent, [child for child in children if permissions.may_see_company(actor, child.id)]


async def get_company_details(tx: Tx, actor: Actor, ref: UUID | str) -> CompanyDetails:
    """Return a company, and whether it is deactivated."""
    return await _details(tx, actor, await accounts.get_company(tx, actor, ref))


async def _details(tx: Tx, actor: Actor, company: Company) -> CompanyDetails:
    details = require_found(await company_store.details(tx, company.id), "company", company.id)
    return await _visible(tx, actor, details)


async def lock_company(tx: Tx, actor: Actor, ref: UUID | str) -> CompanyDetails:
    """Lock a company that the actor is about to change, until the transaction ends."""
    permissions.require_desk_admin(actor)
    permissions.require_scope(actor, Scope.ACCOUNTS_WRITE)
    company = await accounts.find_company(tx, actor, ref)
    return await _visible(tx, actor, require_found(await company_store.lock_details(tx, company.id), "company", ref))


async def lock_to_change(tx: Tx, actor: Actor, ref: UUID | str) -> CompanyDetails:
    """Lock a company of which the actor is about to change something: any for desk admins, its own for its admins."""
    company = await accounts.company_to_manage(tx, actor, ref)
    return await _visible(tx, actor, require_found(await company_store.lock_details(tx, company.id), "company", ref))


async def change_company(
    tx: Tx, actor: Actor, ref: UUID | str, values: Mapping[str, Any], *, now: datetime
) -> CompanyDetails:
    """Set some of the fields in ``COMPANY_FIELDS``; the admins of a customer may set ``OWN_FIELDS`` of their own.

    Notice addresses change by their subjects, and the own fields by their keys.

    Raises:
        AlreadyExists: another company has the name or the code, as its name or its code.
    """
    if not values.keys() <= OWN_FIELDS:
        permissions.require_desk_admin(actor)
    return await _change_company(tx, actor, await lock_to_change(tx, actor, ref), values, now=now)


async def _change_company(
    tx: Tx, actor: Actor, before: CompanyDetails, values: Mapping[str, Any], *, now: datetime
) -> CompanyDetails:
    after = with_values(before, values)
    if after != before:
        after = await _valid(tx, actor, before, after)
    if changes := changes_between(before, after):
        await _lock_names(tx)
        await _require_parent(tx, before, after)
        fields = changed_fields(before.fields, after.fields)
        require_free(await company_store.save(tx, after, fields), "company", _names(after))
        tx.changes_memory = tx.changes_memory or after.tier != before.tier
        await _append(tx, actor, after, "changed", changes, now=now)
    return after


async def set_ended(tx: Tx, actor: Actor, company: CompanyDetails, ended: Ended | None, *, now: datetime) -> None:
    """Store that a locked company is deactivated, and what that ended; or with None that it is active again.

    Whoever calls this ends what ``ended`` names, or brings it back.
    """
    await company_store.set_ended(tx, company.id, ended, now=now)
    changes = [Change("is_active", ended is not None, ended is None)]
    await append_record_event(tx, actor, "company", "changed", company, changes, company_id=company.id, now=now)
