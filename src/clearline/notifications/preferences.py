"""What people want to hear of: their settings, whether contacts are written to, and what waits to be told."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from clearline.accounts import permissions
from clearline.accounts import store as account_store
from clearline.accounts import usecases as accounts
from clearline.errors import InvalidInput, NotFound
from clearline.events import store as event_store
from clearline.events.domain import Change, changes_between, record
from clearline.identity import Actor, Company, Scope, User
from clearline.notifications import preference_store
from clearline.notifications import store as notification_store
from clearline.notifications.domain import NotificationSettings, check_settings, rules_of
from clearline.notifications.store import Pending
from clearline.platform.database.transactions import Tx

FIELD = "notifications"
"""What the fields of the event of a change begin with."""

Wishes = tuple[User, NotificationSettings]
"""A person, and what it wants to hear of."""


async def get_own(tx: Tx, actor: Actor) -> Wishes:
    """What the actor wants to hear of.

    Raises:
        Forbidden: the actor is the operator, who is no person of the desk.
        ScopeMissing: its key may not read tickets.
    """
    permissions.require_scope(actor, Scope.TICKETS_READ)
    user, _company = accounts.user_and_company(actor)
    return user, await preference_store.get(tx, user.company_id, user.id)


async def get_settings(tx: Tx, actor: Actor, which: UUID | str, who: UUID | str) -> Wishes:
    """What a person of a company wants to hear of.

    Raises:
        NotFound: no such company for this actor, or it has no such user.
        Forbidden: the actor does not manage the company.
        ScopeMissing: its key may not write accounts.
    """
    company = await accounts.company_to_manage(tx, actor, which)
    user = await accounts.get_user(tx, actor, company.id, who)
    return user, await preference_store.get(tx, company.id, user.id)


async def lock_own(tx: Tx, actor: Actor) -> Wishes:
    """What the actor wants to hear of, held against changes by others until the transaction ends.

    Raises:
        Forbidden: as for ``get_own``.
        ScopeMissing: the actor's key may not write tickets.
    """
    permissions.require_scope(actor, Scope.TICKETS_WRITE)
    user, _company = accounts.user_and_company(actor)
    await account_store.lock_user(tx, user.company_id, user.id)
    return await get_own(tx, actor)


async def lock_settings(tx: Tx, actor: Actor, which: UUID | str, who: UUID | str) -> Wishes:
    """What a person wants to hear of, held against changes by others until the transaction ends.

    Raises:
        NotFound, Forbidden, ScopeMissing: as for ``get_settings``.
    """
    user = await accounts.lock_user(tx, actor, which, who)
    return user, await preference_store.get(tx, user.company_id, user.id)


async def change_own(tx: Tx, actor: Actor, values: Mapping[str, Any], *, now: datetime) -> Wishes:
    """Set what the actor wants to hear of, as ``change_settings`` does.

    Raises:
        Forbidden: as for ``get_own``.
        InvalidInput: a value breaks a rule.
    """
    return await _change(tx, actor, await lock_own(tx, actor), values, now=now)


async def change_settings(
    tx: Tx, actor: Actor, which: UUID | str, who: UUID | str, values: Mapping[str, Any], *, now: datetime
) -> Wishes:
    """Set some fields of ``NotificationSettings`` of a person; of ``rules`` some, and None has the default hold.

    What waits already keeps its time. What is as it was is no change, and makes no event.

    Raises:
        NotFound, Forbidden, ScopeMissing: as for ``get_settings``.
        InvalidInput: a value breaks a rule.
    """
    return await _change(tx, actor, await lock_settings(tx, actor, which, who), values, now=now)


async def _change(tx: Tx, actor: Actor, held: Wishes, values: Mapping[str, Any], *, now: datetime) -> Wishes:
    user, before = held
    given = dict(values)
    if "rules" in given:
        merged = {**before.rules, **given["rules"]}
        given["rules"] = {what: way for what, way in merged.items() if way is not None}
    after = replace(before, **given)
    if violations := check_settings(after, user.role):
        raise InvalidInput(violations)
    changes = [*_plain_changes(before, after), *_rule_changes(before, after, user)]
    if after == before:
        return held
    after = replace(after, version=before.version + 1)
    await preference_store.save(tx, user.company_id, user.id, after)
    if changes:
        await event_store.append(tx, actor, user.company_id, record("user", "changed", user, changes), now=now)
    return user, after


def _plain_changes(before: NotificationSettings, after: NotificationSettings) -> list[Change]:
    bare = replace(before, rules={}), replace(after, rules={})
    return [Change(f"{FIELD}.{one.field}", one.before, one.after) for one in changes_between(*bare)]


def _rule_changes(before: NotificationSettings, after: NotificationSettings, user: User) -> list[Change]:
    was, now = rules_of(before, user.role), rules_of(after, user.role)
    return [Change(f"{FIELD}.rules.{what}", was[what], now[what]) for what in now if was[what] != now[what]]


async def get_contacts(tx: Tx, actor: Actor, which: UUID | str) -> tuple[Company, bool]:
    """A company, and whether the contacts of its tickets are written to.

    Raises:
        NotFound: no such company for this actor.
        ScopeMissing: the actor's key may not read accounts.
    """
    company = await accounts.get_company(tx, actor, which)
    return company, await preference_store.mails_contacts(tx, company.id)


async def lock_contacts(tx: Tx, actor: Actor, which: UUID | str) -> tuple[Company, bool]:
    """As ``get_contacts``, held against changes by others until the transaction ends.

    Raises:
        NotFound: no such company for this actor.
        Forbidden: the actor does not manage it.
        ScopeMissing: the actor's key may not write accounts.
    """
    company = await accounts.company_to_manage(tx, actor, which)
    if await account_store.lock_company(tx, company.id) is None:
        raise NotFound("company", str(which))
    return company, await preference_store.mails_contacts(tx, company.id)


async def change_contacts(
    tx: Tx, actor: Actor, which: UUID | str, *, mails: bool, now: datetime
) -> tuple[Company, bool]:
    """Say whether the contacts of a company's tickets are written to; what waits for them already is dropped too.

    Raises:
        NotFound, Forbidden, ScopeMissing: as for ``lock_contacts``.
    """
    company, before = await lock_contacts(tx, actor, which)
    if before != mails:
        await preference_store.save_mails_contacts(tx, company.id, mails=mails)
        fact = record("company", "changed", company, [Change("mails_contacts", before, mails)])
        await event_store.append(tx, actor, company.id, fact, now=now)
    return company, mails


async def list_pending(
    tx: Tx, actor: Actor, *, after: tuple[datetime, str, int] | None = None, limit: int
) -> list[Pending]:
    """What waits to be told, what is due first standing first. Served by ``notification_due``.

    Raises:
        Forbidden: the actor does not run the desk.
        ScopeMissing: its key may not read the desk's setup.
    """
    permissions.require_desk_admin(actor)
    permissions.require_scope(actor, Scope.DESK_READ)
    return await notification_store.pending(tx, after=after, limit=limit)


async def takes_replies(tx: Tx, *, listens: bool) -> bool:
    """Whether an answer to a mail becomes a note: mail comes in, and is looked for (``listens``: by a listener)."""
    return await preference_store.takes_replies(tx, listens=listens)
