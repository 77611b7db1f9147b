"""Companies and their users: list, read, add and change them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from msgspec.structs import replace

from clearline.accounts import address_usecases as addresses
from clearline.accounts import company_store, conflict_store, permissions, user_store
from clearline.accounts.conflict_store import AddressConflict
from clearline.accounts.domain import (
    DEFAULT_LIMITS,
    AccountLimits,
    CompanyDetails,
    check_user,
)
from clearline.errors import (
    CompanyInactive,
    Conflict,
    Forbidden,
    require_found,
    require_free,
    require_valid,
)
from clearline.events.domain import Change, changes_between, first_values
from clearline.events.record_changes import append_record_event, change_record
from clearline.identity import PROVIDER_ID, Actor, Company, Role, Scope, User
from clearline.platform.database.transactions import Tx
from clearline.text import storable

USER_FIELDS = frozenset({"name", "email", "phone", "role", "is_active", "is_available", "is_confirmed", "language"})
"""The fields of a user that are given at the start; later its limits, too."""


async def find_company(tx: Tx, actor: Actor, ref: UUID | str) -> Company:
    """Return the company of an id, name or customer code: any for the staff, only its own for a customer."""
    if isinstance(ref, UUID):
        return await permissions.company_with_id(tx, actor, ref)
    return await permissions.company_named(tx, actor, ref)


async def provider(tx: Tx) -> CompanyDetails:
    """Return the provider, whose language is that of the desk. Everybody may know its name."""
    return require_found(await company_store.details(tx, PROVIDER_ID), "company", PROVIDER_ID)


def user_and_company(actor: Actor) -> tuple[User, Company]:
    """Return the acting user and its company; refuse the operator, who is no user."""
    if actor.user is None or actor.company is None:
        raise Forbidden("this needs a key of a user")
    return actor.user, actor.company


async def company_to_manage(tx: Tx, actor: Actor, ref: UUID | str) -> Company:
    """Return a company whose users and keys the actor manages."""
    company = await find_company(tx, actor, ref)
    permissions.require_company_admin(actor, company)
    return company


async def count_people(tx: Tx, actor: Actor, company_ids: Sequence[UUID], *, most: int) -> list[int]:
    """Return how many people each of these companies has, active or not; of more than ``most`` that number and one."""
    permissions.require_staff(actor, Scope.ACCOUNTS_READ)
    return await user_store.count_each(tx, company_ids, limit=most + 1)


async def get_company(tx: Tx, actor: Actor, ref: UUID | str) -> Company:
    """Return a company: a customer or the provider."""
    permissions.require_scope(actor, Scope.ACCOUNTS_READ)
    return await find_company(tx, actor, ref)


async def require_active_company(tx: Tx, company_id: UUID) -> None:
    """Refuse when a company is deactivated: nothing in it becomes active before it is; lock it until then.

    Raises:
        CompanyInactive: it is.
    """
    company = require_found(await company_store.lock_details(tx, company_id), "company", company_id)
    if company.deactivated_at is not None:
        raise CompanyInactive(company.name)


async def add_user(
    tx: Tx,
    actor: Actor,
    company_ref: UUID | str,
    *,
    name: str,
    email: str,
    phone: str,
    role: Role | None = None,
    language: str | None = None,
    limits: AccountLimits = DEFAULT_LIMITS,
    now: datetime,
) -> User:
    """Add a user to a company; the default role is the one with the fewest rights there.

    The address is confirmed when one of the provider's people adds the user, or when it is within a verified domain of
    the company; otherwise it gets an invitation.

    Raises:
        AlreadyExists: the company has a user with that e-mail address.
        CompanyInactive: the company is deactivated.
        TooManyUsers, TooManyInvitations: a customer adds more than it may.
    """
    company = await company_to_manage(tx, actor, company_ref)
    if role is None:
        role = Role.VIEWER if company.id == PROVIDER_ID else Role.CUSTOMER
    user = User(company.id, uuid4(), name, email, phone, role, language=language)
    require_valid(check_user(user))
    permissions.require_rights_of_person(actor, user.role)
    await require_active_company(tx, company.id)
    await addresses.require_room_for_user(tx, actor, company.id, limits)
    user = replace(user, is_confirmed=await addresses.is_vouched_for(tx, actor, company.id, email))
    require_free(await user_store.insert(tx, user, now=now), "user", email)
    if not user.is_confirmed:
        await addresses.invite(tx, actor, user, limits, now=now)
    unsaid = _unset(language) | ({"is_confirmed"} if user.is_confirmed else set())
    changes = first_values(user, USER_FIELDS - unsaid)
    await append_record_event(tx, actor, "user", "created", user, changes, company_id=company.id, now=now)
    return user


async def list_users(
    tx: Tx, actor: Actor, company_ref: UUID | str, *, after: str | None = None, limit: int | None = None
) -> list[User]:
    """Return a company's users after the e-mail address ``after``, by address in any case; without ``limit`` all.

    Served by ``app_user_email``.
    """
    company = await get_company(tx, actor, company_ref)
    return await user_store.page(tx, company.id, after=after or "", limit=limit)


async def find_users(tx: Tx, actor: Actor, email: str, *, limit: int) -> list[tuple[Company, User]]:
    """Return the users with an e-mail address, in any case, and their companies. Served by ``app_user_by_address``."""
    permissions.require_staff(actor, Scope.ACCOUNTS_READ)
    users = await user_store.with_address(tx, email, only=permissions.only_companies(actor), limit=limit)
    return [(await permissions.company_with_id(tx, actor, user.company_id), user) for user in users]


async def users_matching(tx: Tx, actor: Actor, text: str, *, limit: int) -> list[tuple[Company, User]]:
    """Return users of all companies with every word of a text in their name or address, and their companies.

    Those with the words themselves come first, then those in which the last word begins another. Served by
    ``app_user_by_words``.
    """
    permissions.require_staff(actor, Scope.ACCOUNTS_READ)
    if not storable(text):
        return []
    users: dict[UUID, User] = {}
    for is_begun in (False, True):
        if len(users) < limit:
            matches = await user_store.with_words(
                tx, text, is_begun=is_begun, only=permissions.only_companies(actor), limit=limit
            )
            users |= {match.id: match for match in matches}
    return [
        (await permissions.company_with_id(tx, actor, user.company_id), user) for user in list(users.values())[:limit]
    ]


async def get_user(tx: Tx, actor: Actor, company_ref: UUID | str, user_ref: UUID | str) -> User:
    """Return a user of a company, by id or e-mail address."""
    return await _user(tx, await get_company(tx, actor, company_ref), user_ref)


async def find_user(tx: Tx, company_id: UUID, ref: UUID | str) -> User | None:
    """Return the user of a company with an id, or with an address."""
    if isinstance(ref, UUID):
        return await user_store.get(tx, company_id, ref)
    return await user_store.find(tx, company_id, ref) if storable(ref) else None


async def _user(tx: Tx, company: Company, ref: UUID | str) -> User:
    return require_found(await find_user(tx, company.id, ref), "user", ref)


async def lock_user(tx: Tx, actor: Actor, company_ref: UUID | str, user_ref: UUID | str) -> User:
    """Lock a user that the actor is about to change, until the transaction ends."""
    company = await company_to_manage(tx, actor, company_ref)
    # Or two admins of the provider at once could deactivate each other; and what confirms the addresses of a company
    # locks it before its users, too.
    await company_store.lock(tx, company.id)
    user = await _user(tx, company, user_ref)
    return require_found(await user_store.lock(tx, company.id, user.id), "user", user_ref)


async def change_user(
    tx: Tx,
    actor: Actor,
    company_ref: UUID | str,
    user_ref: UUID | str,
    values: Mapping[str, Any],
    *,
    limits: AccountLimits = DEFAULT_LIMITS,
    now: datetime,
) -> User:
    """Set some of the fields in ``USER_FIELDS``. Another role or state takes effect at once, in every process.

    Another address that a customer sets has to be confirmed again, unless it is within a verified domain of the
    company, and the old one is notified. Only the provider's people may set ``is_confirmed``.

    Raises:
        TooManyInvitations: a customer had too many addresses invited.
        AlreadyExists: the company has another user with that e-mail address.
        CompanyInactive: the user is activated, and its company is deactivated.
        LastAdmin: the user is the last active admin of the provider or, for a customer, of its company.
    """
    before = await lock_user(tx, actor, company_ref, user_ref)
    after = await addresses.with_confirmation(tx, actor, before, replace(before, **values))
    changes = changes_between(before, after)
    if not changes:
        return before
    require_valid(check_user(after))
    permissions.require_granted_rights(actor, before, after)
    if after.is_active and not before.is_active:
        await require_active_company(tx, after.company_id)
    await permissions.require_admin_left(tx, actor, before, after)
    require_free(await user_store.save(tx, after), "user", after.email)
    await addresses.follow_change(tx, actor, before, after, limits, now=now)
    await append_record_event(tx, actor, "user", "changed", after, changes, company_id=after.company_id, now=now)
    return after


async def lock_self(tx: Tx, actor: Actor) -> User:
    """Lock the acting person until the transaction ends."""
    user, _company = user_and_company(actor)
    return require_found(await user_store.lock(tx, user.company_id, user.id), "user", user.id)


async def change_self(tx: Tx, actor: Actor, values: Mapping[str, Any], *, now: datetime) -> User:
    """Set some of the acting person's name, phone and language; without a language the company's counts."""
    before = await lock_self(tx, actor)
    after = replace(before, **values)
    require_valid(check_user(after))
    return await change_record(tx, actor, "user", before, after, user_store.save, company_id=before.company_id, now=now)


def _unset(language: str | None) -> set[str]:
    return {"language"} if language is None else set()


async def invite_user(
    tx: Tx,
    actor: Actor,
    company_ref: UUID | str,
    user_ref: UUID | str,
    *,
    limits: AccountLimits = DEFAULT_LIMITS,
    now: datetime,
) -> User:
    """Have the invitation of an unconfirmed address sent again.

    Raises:
        Conflict: the address is confirmed or refused, or was invited too often or less than an hour ago.
        TooManyInvitations: a customer had too many addresses invited.
    """
    user = await lock_user(tx, actor, company_ref, user_ref)
    permissions.require_rights_of_person(actor, user.role)
    await addresses.remind(tx, actor, user, limits, now=now)
    changes = [Change("invitation", None, "sent again")]
    await append_record_event(tx, actor, "user", "changed", user, changes, company_id=user.company_id, now=now)
    return user


async def list_conflicts(
    tx: Tx, actor: Actor, *, after: tuple[str, UUID] | None = None, limit: int | None = None
) -> list[AddressConflict]:
    """Return the unconfirmed addresses that other companies have, after an address in lower case and a company.

    Served by ``app_user_claimed``.
    """
    permissions.require_whole_desk(actor, Scope.ACCOUNTS_READ)
    conflicts = await conflict_store.page(tx, after=after, limit=limit)
    return [
        replace(conflict, holders=await conflict_store.holders(tx, conflict.company.id, conflict.user.email.lower()))
        for conflict in conflicts
    ]


async def decide_claim(
    tx: Tx, actor: Actor, company_ref: UUID | str, user_ref: UUID | str, *, is_confirmed: bool, now: datetime
) -> User:
    """Confirm the address of a user for its company, or refuse that the company claims it.

    A refused address gets no more invitations of the company, and nothing but the provider's word confirms it.

    Raises:
        Conflict: the address is confirmed already.
    """
    permissions.require_desk_admin(actor)
    user = await lock_user(tx, actor, company_ref, user_ref)
    if user.is_confirmed:
        raise Conflict(f"the address {user.email} is confirmed already")
    if is_confirmed:
        return await change_user(tx, actor, company_ref, user.id, {"is_confirmed": True}, now=now)
    await addresses.set_claim_refused(tx, user, refused_at=now, now=now)
    changes = [Change("address_claim", None, "refused")]
    await append_record_event(tx, actor, "user", "changed", user, changes, company_id=user.company_id, now=now)
    return user
