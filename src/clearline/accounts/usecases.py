"""Companies and their users. Their API keys have a module of their own."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from msgspec.structs import replace

from clearline.accounts import permissions
from clearline.accounts import store as account_store
from clearline.accounts.domain import check_company, check_user
from clearline.errors import AlreadyExists, Forbidden, InvalidInput, LastAdmin, NotFound
from clearline.events import store as event_store
from clearline.events.domain import changes_between, first_values, record
from clearline.identity import PROVIDER_ID, Actor, Company, Role, Scope, User
from clearline.platform.database.transactions import Tx

COMPANY_FIELDS = frozenset({"name", "code"})
USER_FIELDS = frozenset({"name", "email", "phone", "role", "is_active", "is_available"})


async def company_of(tx: Tx, actor: Actor, which: UUID | str) -> Company:
    """The company of an id, or of a name or customer code: any for the staff, a customer's own for the customer.

    Raises:
        NotFound: there is none that the actor may see.
    """
    if isinstance(which, UUID):
        return await permissions.company_with_id(tx, actor, which)
    return await permissions.company_named(tx, actor, which)


def user_and_company(actor: Actor) -> tuple[User, Company]:
    """Who the actor is, and where it belongs.

    Raises:
        Forbidden: the actor is the operator, who is no person of the desk.
    """
    if actor.user is None or actor.company is None:
        raise Forbidden("this needs a key of a user")
    return actor.user, actor.company


async def company_to_manage(tx: Tx, actor: Actor, which: UUID | str) -> Company:
    """A company whose people and keys the actor manages.

    Raises:
        NotFound: there is none that the actor may see.
        Forbidden: the actor does not manage it.
    """
    company = await company_of(tx, actor, which)
    permissions.require_company_admin(actor, company)
    return company


async def add_company(tx: Tx, actor: Actor, name: str, code: str, *, now: datetime) -> Company:
    """Take on a customer; ``code`` is the customer number that wires show.

    Raises:
        Forbidden: the actor does not run the desk.
        InvalidInput: a value breaks a rule.
        AlreadyExists: the name or the code is taken.
    """
    permissions.require_desk_admin(actor)
    permissions.require_scope(actor, Scope.ACCOUNTS_WRITE)
    if violations := check_company(name, code):
        raise InvalidInput(violations)
    company = Company(uuid4(), name, code)
    await _one_at_a_time(tx)
    if not await account_store.insert_company(tx, company, now=now):
        raise AlreadyExists("company", f"{name} or code {code}")
    fact = record("company", "created", company, first_values(company, COMPANY_FIELDS))
    await event_store.append(tx, actor, company.id, fact, now=now)
    return company


async def _one_at_a_time(tx: Tx) -> None:
    """Name one company at a time: no index keeps one's name from being another's code."""
    await account_store.lock_company(tx, PROVIDER_ID)


async def list_companies(
    tx: Tx, actor: Actor, *, named: str | None = None, after: str = "", limit: int | None = None
) -> list[Company]:
    """The customers by name, whatever the case of its letters; ``after`` is the name of the last one before.

    ``named`` leaves only the one with that name or customer code. Served by ``company_name``. Without ``limit``, all
    that follow.

    Raises:
        Forbidden: the actor is a customer, or its key may not read accounts.
    """
    permissions.require_staff(actor, Scope.ACCOUNTS_READ)
    if named is not None:
        found = await account_store.find_company(tx, named)
        return [] if found is None or found.id == PROVIDER_ID else [found]
    return await account_store.companies(tx, after=after, limit=limit)


async def get_company(tx: Tx, actor: Actor, which: UUID | str) -> Company:
    """A company, or the provider itself.

    Raises:
        NotFound: there is none that the actor may see.
        ScopeMissing: the actor's key may not read accounts.
    """
    permissions.require_scope(actor, Scope.ACCOUNTS_READ)
    return await company_of(tx, actor, which)


async def lock_company(tx: Tx, actor: Actor, which: UUID | str) -> Company:
    """A company that the actor is about to change, held against changes by others until the transaction ends.

    Raises:
        Forbidden: the actor does not run the desk, or its key may not write accounts.
        NotFound: no such company.
    """
    permissions.require_desk_admin(actor)
    permissions.require_scope(actor, Scope.ACCOUNTS_WRITE)
    found = await company_of(tx, actor, which)
    locked = await account_store.lock_company(tx, found.id)
    if locked is None:
        raise NotFound("company", str(which))
    return locked


async def change_company(
    tx: Tx, actor: Actor, which: UUID | str, values: Mapping[str, Any], *, now: datetime
) -> Company:
    """Set some of the values of ``COMPANY_FIELDS``; what is as it was is no change, and makes no event.

    Raises:
        Forbidden: the actor does not run the desk, or its key may not write accounts.
        NotFound: no such company.
        InvalidInput: a value breaks a rule.
        AlreadyExists: the name or the code is taken.
    """
    before = await lock_company(tx, actor, which)
    after = replace(before, **values)
    changes = changes_between(before, after)
    if not changes:
        return before
    if violations := check_company(after.name, after.code):
        raise InvalidInput(violations)
    await _one_at_a_time(tx)
    if not await account_store.save_company(tx, after):
        raise AlreadyExists("company", f"{after.name} or code {after.code}")
    await event_store.append(tx, actor, after.id, record("company", "changed", after, changes), now=now)
    return after


async def add_user(
    tx: Tx,
    actor: Actor,
    which: UUID | str,
    *,
    name: str,
    email: str,
    phone: str,
    role: Role | None = None,
    now: datetime,
) -> User:
    """Add a person to a company; without a role, one who may do the least there.

    Raises:
        NotFound: no such company.
        Forbidden: the actor does not manage it.
        InvalidInput: a value breaks a rule.
        AlreadyExists: the company has a user of that address.
    """
    company = await company_to_manage(tx, actor, which)
    of_provider = company.id == PROVIDER_ID
    if role is None:
        role = Role.VIEWER if of_provider else Role.CUSTOMER
    if violations := check_user(name, email, phone, role, of_provider=of_provider):
        raise InvalidInput(violations)
    user = User(company.id, uuid4(), name, email, phone, role)
    if not await account_store.insert_user(tx, user, now=now):
        raise AlreadyExists("user", email)
    fact = record("user", "created", user, first_values(user, USER_FIELDS))
    await event_store.append(tx, actor, company.id, fact, now=now)
    return user


async def list_users(
    tx: Tx, actor: Actor, which: UUID | str, *, after: str = "", limit: int | None = None
) -> list[User]:
    """The users of a company by address, whatever the case of its letters; ``after`` is the last address before.

    Served by ``app_user_email``. Without ``limit``, all that follow.

    Raises:
        NotFound: no such company.
        ScopeMissing: the actor's key may not read accounts.
    """
    permissions.require_scope(actor, Scope.ACCOUNTS_READ)
    company = await company_of(tx, actor, which)
    return await account_store.users(tx, company.id, after=after, limit=limit)


async def get_user(tx: Tx, actor: Actor, which: UUID | str, who: UUID | str) -> User:
    """A user of a company, by id or address.

    Raises:
        NotFound: no such company, or it has no such user.
        ScopeMissing: the actor's key may not read accounts.
    """
    permissions.require_scope(actor, Scope.ACCOUNTS_READ)
    return await _user(tx, await company_of(tx, actor, which), who)


async def _user(tx: Tx, company: Company, who: UUID | str) -> User:
    if isinstance(who, UUID):
        user = await account_store.user(tx, company.id, who)
    else:
        user = await account_store.user_with_email(tx, company.id, who)
    if user is None:
        raise NotFound("user", str(who))
    return user


async def lock_user(tx: Tx, actor: Actor, which: UUID | str, who: UUID | str) -> User:
    """A user that the actor is about to change, held against changes by others until the transaction ends.

    Raises:
        NotFound: no such company, or it has no such user.
        Forbidden: the actor does not manage the company.
    """
    company = await company_to_manage(tx, actor, which)
    if company.id == PROVIDER_ID:
        await account_store.lock_company(tx, company.id)  # one at a time, or two admins could dismiss each other
    found = await _user(tx, company, who)
    locked = await account_store.lock_user(tx, company.id, found.id)
    if locked is None:
        raise NotFound("user", str(who))
    return locked


async def change_user(
    tx: Tx, actor: Actor, which: UUID | str, who: UUID | str, values: Mapping[str, Any], *, now: datetime
) -> User:
    """Set some of the values of ``USER_FIELDS``; what is as it was is no change, and makes no event.

    One who is no longer active, or has another role, has it at once: every process forgets what keys may do.

    Raises:
        NotFound: no such company, or it has no such user.
        Forbidden: the actor does not manage the company.
        InvalidInput: a value breaks a rule.
        AlreadyExists: the company has another user of that address.
        LastAdmin: it is the provider's last active admin, and only the operator may dismiss that one.
    """
    before = await lock_user(tx, actor, which, who)
    after = replace(before, **values)
    changes = changes_between(before, after)
    if not changes:
        return before
    of_provider = before.company_id == PROVIDER_ID
    if violations := check_user(after.name, after.email, after.phone, after.role, of_provider=of_provider):
        raise InvalidInput(violations)
    leaves = _runs_the_desk(before) and not _runs_the_desk(after)
    if leaves and not actor.is_operator and not await account_store.has_other_admin(tx, PROVIDER_ID, before.id):
        raise LastAdmin
    if not await account_store.save_user(tx, after):
        raise AlreadyExists("user", after.email)
    await event_store.append(tx, actor, after.company_id, record("user", "changed", after, changes), now=now)
    return after


def _runs_the_desk(user: User) -> bool:
    return user.role.is_desk_admin and user.is_active
