"""Say where events are to be sent to. A company's admins have their own; the provider's hear of every company."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from msgspec.structs import replace

from clearline.accounts import permissions
from clearline.accounts import store as account_store
from clearline.errors import Conflict, Forbidden, InvalidInput, NotFound, TooManySubscriptions
from clearline.events import store as event_store
from clearline.events.domain import Change, changes_between, record
from clearline.identity import Actor, Company, Scope
from clearline.platform.database.server import shared_secret
from clearline.platform.database.transactions import Tx
from clearline.webhooks import delivery_store
from clearline.webhooks import store as subscription_store
from clearline.webhooks.delivery_store import NewDelivery
from clearline.webhooks.domain import MOST, ROTATION, Subscription, check_subscription, origin
from clearline.webhooks.protocol import PING, Delivery, ping_body, secret_key, shown_secret

KIND = "subscription"
CHANGEABLE = frozenset({"url", "description", "types", "is_active"})
_OF_EVENTS = frozenset({"url", "types", "is_active"})
"""What decides which events go where."""

_TOLD = ("url", "description", "types", "is_active", "disabled_reason", "generation")
"""What an event tells of a change."""


def of_company(actor: Actor, of: Company | None, scope: Scope) -> UUID:
    """The company whose subscriptions are meant: the actor's own, or the one that the operator names.

    Raises:
        Forbidden: the actor is no admin, or is the operator and names none.
        ScopeMissing: its key lacks the scope.
    """
    if not actor.is_company_admin:
        raise Forbidden("only an admin may do this")
    permissions.require_scope(actor, scope)
    if actor.company is not None and of is None:
        return actor.company.id
    if not actor.is_operator or of is None:
        raise Forbidden("the operator, and nobody else, names whose subscriptions are meant")
    return of.id


def may_hear(actor: Actor) -> None:
    """Refuse unless the actor may read what subscriptions send: tickets, and what happened to everything else.

    Raises:
        ScopeMissing: its key lacks a scope for that.
    """
    permissions.require_scope(actor, Scope.TICKETS_READ)
    permissions.require_scope(actor, Scope.AUDIT_READ)


async def list_subscriptions(
    tx: Tx, actor: Actor, *, of: Company | None = None, after: tuple[datetime, UUID] | None, limit: int
) -> list[Subscription]:
    """A company's subscriptions, oldest first, behind the one of this time and id. Served by ``subscription_by_age``.

    Raises:
        Forbidden: as ``of_company``.
    """
    return await subscription_store.page(tx, of_company(actor, of, Scope.ACCOUNTS_READ), after=after, limit=limit)


async def get_subscription(tx: Tx, actor: Actor, subscription_id: UUID, *, of: Company | None = None) -> Subscription:
    """One subscription.

    Raises:
        NotFound: the company has none of this id.
        Forbidden: as ``of_company``.
    """
    found = await subscription_store.get(tx, of_company(actor, of, Scope.ACCOUNTS_READ), subscription_id)
    if found is None:
        raise NotFound(KIND, str(subscription_id))
    return found


async def lock_subscription(tx: Tx, actor: Actor, subscription_id: UUID, *, of: Company | None = None) -> Subscription:
    """A subscription that the actor is about to change, held against changes by others until the transaction ends.

    Raises:
        NotFound: the company has none of this id.
        Forbidden: as ``of_company``.
    """
    found = await subscription_store.lock(tx, of_company(actor, of, Scope.ACCOUNTS_WRITE), subscription_id)
    if found is None:
        raise NotFound(KIND, str(subscription_id))
    return found


async def add_subscription(
    tx: Tx,
    actor: Actor,
    values: Mapping[str, Any],
    *,
    of: Company | None = None,
    networks: Sequence[str],
    now: datetime,
) -> tuple[Subscription, str]:
    """Have events sent to a URL from now on; answers with the secret that signs them.

    ``values`` are fields of ``CHANGEABLE``, the URL at least; ``networks`` the private ones that may be sent to.

    Raises:
        Forbidden: as ``of_company`` and ``may_hear``.
        InvalidInput: a value breaks a rule.
        TooManySubscriptions: the company has as many as it may have.
    """
    company_id = of_company(actor, of, Scope.ACCOUNTS_WRITE)
    may_hear(actor)
    given = {"description": "", "types": (), "is_active": True, **values}
    made = Subscription(
        company_id=company_id,
        id=uuid4(),
        disabled_reason=None,
        generation=1,
        previous_until=None,
        failures=0,
        failing_since=None,
        resume_at=None,
        created_by=event_store.actor_id(actor),
        created_at=now,
        updated_at=now,
        **given,
    )
    _check(made, networks)
    await account_store.lock_company(tx, company_id)
    if await subscription_store.count(tx, company_id) >= MOST:
        raise TooManySubscriptions(MOST)
    await subscription_store.save(tx, made)
    await event_store.append(tx, actor, company_id, record(KIND, "created", made), now=now)
    return made, await secret_of(tx, made)


def _check(one: Subscription, networks: Sequence[str], *, with_url: bool = True) -> None:
    violations = [found for found in check_subscription(one, networks) if with_url or found.field != "url"]
    if violations:
        raise InvalidInput(violations)


async def server_secret(tx: Tx) -> bytes:
    """What the secrets of all subscriptions are derived from."""
    return await shared_secret(tx, "webhooks", secrets.token_bytes(32))


async def secret_of(tx: Tx, one: Subscription) -> str:
    """The newest secret of a subscription, as its receiver configures it."""
    return shown_secret(secret_key(await server_secret(tx), one.id, one.generation))


async def change_subscription(
    tx: Tx,
    actor: Actor,
    subscription_id: UUID,
    values: Mapping[str, Any],
    *,
    of: Company | None = None,
    networks: Sequence[str],
    now: datetime,
) -> Subscription:
    """Set some fields of ``CHANGEABLE``; those that are as they were are no change.

    Activated again, or sent elsewhere, it begins afresh: its failures are forgotten, and what waits is tried now.
    While it is not active what happens is not kept for it. The URL is checked when it is another one, or activated:
    what may not be reached any more can still be switched off.

    Raises:
        NotFound, Forbidden, InvalidInput: as ``lock_subscription`` and ``add_subscription``; the scopes to read what is
            sent are asked for when the URL, the types or whether it is active are among the values.
    """
    before = await lock_subscription(tx, actor, subscription_id, of=of)
    if _OF_EVENTS & values.keys():
        may_hear(actor)
    after = replace(before, **values)
    if after == before:
        return before
    begins_afresh = (after.is_active and not before.is_active) or after.url != before.url
    _check(after, networks, with_url=begins_afresh)
    after = replace(after, updated_at=now)
    if begins_afresh:
        after = replace(after, failures=0, failing_since=None, resume_at=None)
        await delivery_store.revive(tx, after, now=now)
    if after.is_active:
        after = replace(after, disabled_reason=None)
    await _save(tx, actor, before, after, now=now)
    return after


async def _save(tx: Tx, actor: Actor, before: Subscription, after: Subscription, *, now: datetime) -> None:
    await subscription_store.save(tx, after)
    changes = [_public(one) for one in changes_between(before, after) if one.field in _TOLD]
    await event_store.append(tx, actor, after.company_id, record(KIND, "changed", after, changes), now=now)


def _public(change: Change) -> Change:
    """A change as an event tells it: of a URL only the origin, for the rest may be a secret."""
    if change.field != "url":
        return change
    return Change("url", origin(change.before), origin(change.after))


async def disable(tx: Tx, actor: Actor, before: Subscription, reason: str, *, now: datetime) -> Subscription:
    """Give a locked subscription up: what waits for it is dead, until it is replayed."""
    after = replace(before, is_active=False, disabled_reason=reason, resume_at=None, updated_at=now)
    await delivery_store.give_up(tx, after, now=now)
    await _save(tx, actor, before, after, now=now)
    return after


async def delete_subscription(
    tx: Tx, actor: Actor, subscription_id: UUID, *, of: Company | None = None, now: datetime
) -> None:
    """Send nothing there any more, and forget what was sent.

    Raises:
        NotFound, Forbidden: as ``lock_subscription``.
    """
    found = await lock_subscription(tx, actor, subscription_id, of=of)
    await subscription_store.delete(tx, found.company_id, found.id)
    await event_store.append(tx, actor, found.company_id, record(KIND, "deleted", found), now=now)


async def rotate_secret(
    tx: Tx, actor: Actor, subscription_id: UUID, *, of: Company | None = None, now: datetime
) -> tuple[Subscription, str]:
    """Sign with a new secret, which is answered, and for ``ROTATION`` with the one before too.

    Raises:
        NotFound, Forbidden: as ``lock_subscription``.
    """
    before = await lock_subscription(tx, actor, subscription_id, of=of)
    after = replace(before, generation=before.generation + 1, previous_until=now + ROTATION, updated_at=now)
    await _save(tx, actor, before, after, now=now)
    return after, await secret_of(tx, after)


async def ping(tx: Tx, actor: Actor, subscription_id: UUID, *, of: Company | None = None, now: datetime) -> Delivery:
    """Send a delivery of type ``ping``, at once also where the receiver failed before.

    Raises:
        NotFound, Forbidden: as ``lock_subscription``.
        Conflict: the subscription is not active.
    """
    one = await lock_subscription(tx, actor, subscription_id, of=of)
    if not one.is_active:
        raise Conflict("the subscription is not active: activate it first")
    made = NewDelivery(one.company_id, one.id, uuid4(), None, PING, None, ping_body(one, now))
    await delivery_store.insert(tx, [made], now=now)
    await subscription_store.hurry(tx, one)
    found = await delivery_store.get(tx, one.company_id, one.id, made.id)
    if found is None:
        raise NotFound("delivery", str(made.id))
    return found[0]
