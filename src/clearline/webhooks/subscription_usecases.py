"""Manage subscriptions. A customer's admins manage their company's; the provider's admins all.

The provider's own receive events of every company.
"""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from msgspec.structs import replace

from clearline.accounts import company_store, permissions
from clearline.accounts import usecases as accounts
from clearline.errors import Conflict, Forbidden, InvalidInput, require_found, require_valid
from clearline.events import store as event_store
from clearline.events.domain import Change, changes_between
from clearline.events.record_changes import append_record_event
from clearline.identity import Actor, Company, Scope
from clearline.limit_errors import TooManySubscriptions
from clearline.platform.database.server import shared_secret
from clearline.platform.database.transactions import Tx
from clearline.platform.network.addresses import origin
from clearline.settings.defaults import COMPANY_SUBSCRIPTIONS_MAX
from clearline.webhooks import delivery_store, subscription_store
from clearline.webhooks.delivery_actions import usecases as delivery_actions
from clearline.webhooks.delivery_actions.domain import Action
from clearline.webhooks.delivery_actions.store import Key
from clearline.webhooks.delivery_domain import PING, Delivery, ping_body
from clearline.webhooks.delivery_store import NewDelivery
from clearline.webhooks.signature import derive_key, format_secret
from clearline.webhooks.subscription_domain import (
    ROTATION_PERIOD,
    Subscription,
    check_subscription,
)

KIND = "subscription"
CHANGEABLE = frozenset({"url", "description", "types", "is_active"})
_ROUTING = frozenset({"url", "types", "is_active"})
"""The fields that decide which events go where."""

_ALL = 10_000
"""More subscriptions than a company can have."""

_PUBLISHED = ("url", "description", "types", "is_active", "disabled_reason", "generation")
"""The fields whose changes an event contains."""


def owner_id(actor: Actor, of: Company | None, scope: Scope) -> UUID:
    """Return the company whose subscriptions are managed: the actor's own, or the one that the provider's admin names.

    Raises:
        Forbidden: the actor is no admin, names another company than its own, or is the operator and names none.
    """
    if not actor.is_company_admin:
        raise Forbidden("only an admin may do this")
    permissions.require_scope(actor, scope)
    if of is None:
        if actor.company is None:
            raise Forbidden("the operator names whose subscriptions are meant")
        return actor.company.id
    permissions.require_desk_admin(actor)
    return of.id


def require_event_scopes(actor: Actor) -> None:
    """Refuse unless the actor may read what subscriptions send: events about tickets and about other records."""
    permissions.require_scope(actor, Scope.TICKETS_READ)
    permissions.require_scope(actor, Scope.AUDIT_READ)


async def list_subscriptions(
    tx: Tx, actor: Actor, *, of: Company | None = None, after: tuple[datetime, UUID] | None, limit: int
) -> list[Subscription]:
    """Return a company's subscriptions, oldest first, after the one of this time and id.

    Served by ``subscription_by_age``.
    """
    return await subscription_store.page(tx, owner_id(actor, of, Scope.ACCOUNTS_READ), after=after, limit=limit)


async def get_subscription(tx: Tx, actor: Actor, subscription_id: UUID, *, of: Company | None = None) -> Subscription:
    """Return a subscription."""
    subscription = await subscription_store.get(tx, owner_id(actor, of, Scope.ACCOUNTS_READ), subscription_id)
    return require_found(subscription, KIND, subscription_id)


async def lock_subscription(tx: Tx, actor: Actor, subscription_id: UUID, *, of: Company | None = None) -> Subscription:
    """Return a subscription that the actor is about to change, locked until the transaction ends; its company first."""
    company_id = owner_id(actor, of, Scope.ACCOUNTS_WRITE)
    await company_store.lock(tx, company_id)
    subscription = await subscription_store.lock(tx, company_id, subscription_id)
    return require_found(subscription, KIND, subscription_id)


async def lock_active(tx: Tx, actor: Actor, subscription_id: UUID, *, of: Company | None = None) -> Subscription:
    """Return a subscription to which the actor has something sent, locked until the transaction ends.

    Raises:
        Conflict: the subscription is not active.
    """
    subscription = await lock_subscription(tx, actor, subscription_id, of=of)
    if not subscription.is_active:
        raise Conflict("the subscription is not active: activate it first")
    return subscription


async def add_subscription(
    tx: Tx,
    actor: Actor,
    values: Mapping[str, Any],
    *,
    of: Company | None = None,
    networks: Sequence[str],
    most: int = COMPANY_SUBSCRIPTIONS_MAX,
    now: datetime,
) -> tuple[Subscription, str]:
    """Send events to a URL from now on; return the subscription with the secret that signs them.

    ``values`` are fields of ``CHANGEABLE``, the URL at least; ``networks`` are the private ones that may be reached.

    Raises:
        TooManySubscriptions: the company has ``most`` already.
        CompanyInactive: the company is deactivated.
    """
    company_id = owner_id(actor, of, Scope.ACCOUNTS_WRITE)
    require_event_scopes(actor)
    fields = {"description": "", "types": (), "is_active": True, **values}
    subscription = Subscription(
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
        **fields,
    )
    _check(subscription, networks)
    await accounts.require_active_company(tx, company_id)
    if await subscription_store.count(tx, company_id) >= most:
        raise TooManySubscriptions(most)
    await subscription_store.save(tx, subscription)
    await append_record_event(tx, actor, KIND, "created", subscription, company_id=company_id, now=now)
    return subscription, await newest_secret(tx, subscription)


def _check(subscription: Subscription, networks: Sequence[str], *, with_url: bool = True) -> None:
    violations = check_subscription(subscription, networks)
    require_valid([violation for violation in violations if with_url or violation.field != "url"])


async def server_secret(tx: Tx) -> bytes:
    """Return the secret that the secrets of all subscriptions are derived from."""
    return await shared_secret(tx, "webhooks", secrets.token_bytes(32))


async def newest_secret(tx: Tx, subscription: Subscription) -> str:
    """Return the newest secret of a subscription, as its receiver configures it."""
    return format_secret(derive_key(await server_secret(tx), subscription.id, subscription.generation))


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
    """Set some fields of ``CHANGEABLE``; equal values are no change.

    A subscription that is activated, or gets another URL, starts without failures, and its waiting deliveries are due
    now. Events that happen while it is not active are not sent later. The URL is checked when it changes or the
    subscription is activated, so that a URL that may no longer be reached can still be deactivated.

    Raises:
        ScopeMissing: the actor may not read events, and the URL, the types or the activity is among the values.
        CompanyInactive: the subscription is activated, and its company is deactivated.
    """
    before = await lock_subscription(tx, actor, subscription_id, of=of)
    if _ROUTING & values.keys():
        require_event_scopes(actor)
    return await _set(tx, actor, before, values, networks, now=now)


async def _set(
    tx: Tx, actor: Actor, before: Subscription, values: Mapping[str, Any], networks: Sequence[str], *, now: datetime
) -> Subscription:
    """Set some fields of a locked subscription. See ``change_subscription``."""
    after = replace(before, **values)
    if after == before:
        return before
    is_restarted = (after.is_active and not before.is_active) or after.url != before.url
    _check(after, networks, with_url=is_restarted)
    after = replace(after, updated_at=now)
    if after.is_active and not before.is_active:
        await accounts.require_active_company(tx, after.company_id)
    if is_restarted:
        after = replace(after, failures=0, failing_since=None, resume_at=None)
        after = await _begin(tx, after, Action.RESUME, now=now)
    if after.is_active:
        after = replace(after, disabled_reason=None)
    await _save(tx, actor, before, after, now=now)
    return after


async def active_subscriptions(tx: Tx, actor: Actor, company: Company) -> list[UUID]:
    """Return the ids of the active subscriptions of a company: a deactivation ends them."""
    permissions.require_desk_admin(actor)
    permissions.require_scope(actor, Scope.ACCOUNTS_WRITE)
    subscriptions = await subscription_store.page(tx, company.id, after=None, limit=_ALL)
    return [subscription.id for subscription in subscriptions if subscription.is_active]


async def end_subscriptions(tx: Tx, actor: Actor, company: Company, *, now: datetime) -> list[UUID]:
    """Deactivate the subscriptions of a locked company with it; return those that were active."""
    active = await active_subscriptions(tx, actor, company)
    for subscription_id in active:
        if (before := await subscription_store.lock(tx, company.id, subscription_id)) is not None:
            await _set(tx, actor, before, {"is_active": False}, (), now=now)
    return active


async def restart_subscriptions(
    tx: Tx, actor: Actor, company: Company, ids: Sequence[UUID], *, networks: Sequence[str], now: datetime
) -> tuple[int, int]:
    """Activate subscriptions of a locked company with it, unless they were deleted.

    Return how many, and how many stay off because their URL may no longer be reached.

    Raises:
        ScopeMissing: the actor may not read events, and there are any.
    """
    permissions.require_desk_admin(actor)
    permissions.require_scope(actor, Scope.ACCOUNTS_WRITE)
    restarted = refused = 0
    for subscription_id in ids:
        require_event_scopes(actor)
        if (before := await subscription_store.lock(tx, company.id, subscription_id)) is None:
            continue
        try:
            await _set(tx, actor, before, {"is_active": True}, networks, now=now)
            restarted += 1
        except InvalidInput:
            refused += 1
    return restarted, refused


async def _save(tx: Tx, actor: Actor, before: Subscription, after: Subscription, *, now: datetime) -> None:
    await subscription_store.save(tx, after)
    changes = [_without_secret(change) for change in changes_between(before, after) if change.field in _PUBLISHED]
    await append_record_event(tx, actor, KIND, "changed", after, changes, company_id=after.company_id, now=now)


def _without_secret(change: Change) -> Change:
    """Return a change as an event contains it: of a URL only the origin, for the rest may be a secret."""
    if change.field != "url":
        return change
    return Change("url", origin(change.before), origin(change.after))


async def disable(tx: Tx, actor: Actor, before: Subscription, reason: str, *, now: datetime) -> Subscription:
    """Deactivate a locked subscription for a reason. Its waiting deliveries become dead letters."""
    after = replace(before, is_active=False, disabled_reason=reason, resume_at=None, updated_at=now)
    after = await _begin(tx, after, Action.GIVE_UP, now=now)
    await _save(tx, actor, before, after, now=now)
    return after


async def _begin(tx: Tx, subscription: Subscription, action: Action, *, now: datetime) -> Subscription:
    """Begin something with all deliveries of a subscription; return it with what is still in progress."""
    key = Key(subscription.company_id, subscription.id)
    return replace(subscription, in_progress=await delivery_actions.begin(tx, key, action, now=now))


async def delete_subscription(
    tx: Tx, actor: Actor, subscription_id: UUID, *, of: Company | None = None, now: datetime
) -> None:
    """Delete a subscription with its deliveries: nothing is sent any more, and nobody sees it, while they are."""
    subscription = await lock_subscription(tx, actor, subscription_id, of=of)
    company_id = subscription.company_id
    await subscription_store.save(tx, replace(subscription, is_active=False, updated_at=now))
    await _begin(tx, subscription, Action.DELETE, now=now)
    await append_record_event(tx, actor, KIND, "deleted", subscription, company_id=company_id, now=now)


async def rotate_secret(
    tx: Tx, actor: Actor, subscription_id: UUID, *, of: Company | None = None, now: datetime
) -> tuple[Subscription, str]:
    """Sign with a new secret, which is returned, and for ``ROTATION_PERIOD`` with the previous one too."""
    before = await lock_subscription(tx, actor, subscription_id, of=of)
    after = replace(before, generation=before.generation + 1, previous_until=now + ROTATION_PERIOD, updated_at=now)
    await _save(tx, actor, before, after, now=now)
    return after, await newest_secret(tx, after)


async def ping(tx: Tx, actor: Actor, subscription_id: UUID, *, of: Company | None = None, now: datetime) -> Delivery:
    """Make a delivery of type ``ping``, which is sent at once, also while the receiver is paused.

    Raises:
        Conflict: the subscription is not active.
    """
    subscription = await lock_active(tx, actor, subscription_id, of=of)
    new = NewDelivery(subscription.company_id, subscription.id, uuid4(), None, PING, None, ping_body(subscription, now))
    await delivery_store.insert(tx, [new], now=now)
    await subscription_store.end_pause(tx, subscription)
    delivery = await delivery_store.get(tx, subscription.company_id, subscription.id, new.id)
    return require_found(delivery, "delivery", new.id)
