"""Tiers: list, read, add and change them. One that was used is never deleted, but retired."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from clearline.accounts import permissions
from clearline.accounts.tiers import store as tier_store
from clearline.accounts.tiers.domain import TIERS_MAX, Tier, check_tier
from clearline.errors import Conflict, Forbidden, RuleCode, Violation, require_found, require_free, require_valid
from clearline.events.domain import first_values
from clearline.events.record_changes import append_record_event, change_record
from clearline.identity import Actor, Scope
from clearline.platform.database.transactions import Transactions, Tx
from clearline.text import storable

KIND = "tier"
_LABELS = "labels of tiers"
_FIELDS = frozenset({"key", "label", "help", "position"})


async def labels_of(tx: Tx, actor: Actor, company_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the labels of the tiers of companies that have one, for the provider's people."""
    permissions.require_staff(actor, Scope.TICKETS_READ)
    return await tier_store.labels_of(tx, company_ids)


async def list_tiers(
    tx: Tx, actor: Actor, *, after: tuple[int, str] | None = None, limit: int | None = None
) -> list[Tier]:
    """Return the tiers after a position and key, in their order, with those that are not active."""
    permissions.require_staff(actor, Scope.ACCOUNTS_READ)
    tiers = await tier_store.all_tiers(tx)
    return [tier for tier in tiers if after is None or (tier.position, tier.key) > after][:limit]


async def get_tier(tx: Tx, actor: Actor, key: str) -> Tier:
    """Return a tier."""
    permissions.require_staff(actor, Scope.ACCOUNTS_READ)
    return require_found(await tier_store.find(tx, key) if storable(key) else None, KIND, key)


async def tier_keys(tx: Tx, actor: Actor, keys: Iterable[str], field: str = "tier") -> tuple[str, ...]:
    """Return keys of tiers by which tickets are listed, each once.

    Raises:
        InvalidInput: one of them names none.
    """
    named = tuple(dict.fromkeys(keys))
    if not named:
        return ()
    require_lists_by_tier(actor)
    known = {tier.key for tier in await tier_store.all_tiers(tx)}
    rule = "must be the key of a tier"
    require_valid([Violation(field, rule, RuleCode.REFERENCE) for key in named if key not in known][:1])
    return named


def require_lists_by_tier(actor: Actor) -> None:
    """Refuse unless the actor may list tickets by tiers: customers are not told theirs."""
    if not actor.is_staff:
        raise Forbidden("only the provider's people list tickets by tier")


async def current_tier(tx: Tx, company_id: UUID) -> str | None:
    """Return the key of a company's tier: from memory, where the process is notified of changes."""

    async def read(tx: Tx) -> tuple[str | None]:
        return (await tier_store.of_company(tx, company_id),)

    (tier,) = await tx.memory.get(tx, f"tier of company {company_id}", read)
    return tier


async def labels_of_database(database: Transactions) -> Mapping[str, str]:
    """Return the labels of all tiers by their keys. Without a connection, where the process knows them."""
    (labels,) = await database.remembered(_LABELS, _read_labels)
    return labels


async def _read_labels(tx: Tx) -> tuple[Mapping[str, str]]:
    return ({tier.key: tier.label for tier in await tier_store.all_tiers(tx)},)


async def lock_tier(tx: Tx, actor: Actor, key: str) -> Tier:
    """Lock a tier that the actor is about to change, until the transaction ends."""
    _require_manager(actor)
    return require_found(await tier_store.lock(tx, key) if storable(key) else None, KIND, key)


def _require_manager(actor: Actor) -> None:
    permissions.require_desk_admin(actor)
    permissions.require_scope(actor, Scope.ACCOUNTS_WRITE)


async def add_tier(
    tx: Tx, actor: Actor, key: str, label: str, *, help_text: str = "", position: int | None = None, now: datetime
) -> Tier:
    """Add a tier; without a ``position`` it comes last.

    Raises:
        AlreadyExists: another tier has the key or the label.
        Conflict: there are as many tiers as there may be.
    """
    _require_manager(actor)
    tx.changes_memory = True
    await tier_store.lock_all(tx)
    tiers = await tier_store.all_tiers(tx)
    if position is None:
        position = max((tier.position for tier in tiers), default=0) + 1
    tier = Tier(key, label, help_text, position)
    require_valid(check_tier(tier))
    if len(tiers) >= TIERS_MAX:
        raise Conflict(f"there can be at most {TIERS_MAX} tiers")
    require_free(await tier_store.insert(tx, tier, now=now), KIND, f"{key} or label {label}")
    await append_record_event(tx, actor, KIND, "created", tier, first_values(tier, _FIELDS), now=now)
    return tier


async def change_tier(tx: Tx, actor: Actor, key: str, values: Mapping[str, Any], *, now: datetime) -> Tier:
    """Set a tier's ``label``, ``help``, ``position`` or ``is_active``.

    Raises:
        AlreadyExists: another tier has the label.
    """
    before = await lock_tier(tx, actor, key)

    async def save(tx: Tx, tier: Tier) -> None:
        require_valid(check_tier(tier))
        tx.changes_memory = True
        require_free(await tier_store.save(tx, tier), KIND, tier.label)

    return await change_record(tx, actor, KIND, before, replace(before, **values), save, now=now)


async def check_tier_change(tx: Tx, before: str | None, after: str | None) -> list[Violation]:
    """Return the rule that another tier of a company or service breaks. The tier that it had stays."""
    if after in {None, before}:
        return []
    return check_tier_key({tier.key: tier for tier in await tier_store.all_tiers(tx)}, before, after)


def check_tier_key(tiers: Mapping[str, Tier], before: str | None, after: str | None) -> list[Violation]:
    """Return the rule that another tier of a company or service breaks; ``tiers`` has all by their keys."""
    if after in {None, before} or ((tier := tiers.get(after)) is not None and tier.is_active):
        return []
    return [Violation("tier", tier_rule([tier.key for tier in tiers.values() if tier.is_active]), RuleCode.REFERENCE)]


def tier_rule(keys: list[str]) -> str:
    """Return what a tier must be."""
    return "must be one of " + ", ".join(keys) if keys else "must be null: there is no tier"
