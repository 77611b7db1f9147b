"""Deactivate a company with its users, webhooks and mail, and activate it again."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from clearline.accounts import company_store
from clearline.accounts import key_usecases as keys
from clearline.accounts import usecases as accounts
from clearline.accounts.company_store import Ended
from clearline.companies import usecases as companies
from clearline.deactivation.domain import Activation, Deactivation
from clearline.errors import Conflict
from clearline.identity import PROVIDER_ID, Actor, Company, User
from clearline.notifications import preference_usecases as preferences
from clearline.platform.database.transactions import Tx
from clearline.tickets import list_store
from clearline.webhooks import subscription_usecases as subscriptions


async def deactivate_company(tx: Tx, actor: Actor, ref: UUID | str, *, now: datetime) -> Deactivation:
    """Deactivate a company: its users, and with them their keys, its webhooks, and mail to its contacts.

    A company that is deactivated already stays as it is, unless something in it became active.

    Raises:
        Conflict: it is the provider.
        ScopeMissing: the actor may not read accounts.
    """
    company = await companies.lock_company(tx, actor, ref)
    if company.id == PROVIDER_ID:
        raise Conflict("the provider cannot be deactivated")
    users, ended_keys = await _users_and_keys(tx, actor, company, now=now)
    for user in users:
        await accounts.change_user(tx, actor, company.id, user.id, {"is_active": False}, now=now)
    webhooks = await subscriptions.end_subscriptions(tx, actor, company, now=now)
    had_mail = (await preferences.get_contact_mail(tx, actor, company.id)).settings.mails_contacts
    await preferences.change_contact_mail(tx, actor, company.id, mails=False, now=now)
    if company.deactivated_at is None:
        ended = Ended([user.id for user in users], webhooks, had_mail)
        await companies.set_ended(tx, actor, company, ended, now=now)
    after = await companies.get_company_details(tx, actor, company.id)
    return Deactivation(after, len(users), ended_keys, len(webhooks), had_mail, await _open_tickets(tx, company))


async def preview_deactivation(tx: Tx, actor: Actor, ref: UUID | str, *, now: datetime) -> Deactivation:
    """Return what the deactivation of a company would end now. Changes nothing.

    Raises:
        Forbidden: the actor is no admin of the provider.
    """
    company = await companies.get_company_details(tx, actor, ref)
    webhooks = await subscriptions.active_subscriptions(tx, actor, company)
    users, ended_keys = await _users_and_keys(tx, actor, company, now=now)
    has_mail = (await preferences.get_contact_mail(tx, actor, company.id)).settings.mails_contacts
    return Deactivation(company, len(users), ended_keys, len(webhooks), has_mail, await _open_tickets(tx, company))


async def _users_and_keys(tx: Tx, actor: Actor, company: Company, *, now: datetime) -> tuple[list[User], int]:
    """Return the active users of a company, and how many keys in force they have."""
    users = [user for user in await accounts.list_users(tx, actor, company.id) if user.is_active]
    active = {user.id for user in users}
    in_force = sum(
        key.user_id in active and key.revoked_at is None and (key.expires_at is None or key.expires_at > now)
        for key in await keys.list_keys(tx, actor, company.id)
    )
    return users, in_force


async def _open_tickets(tx: Tx, company: Company) -> int:
    page = await list_store.page(tx, company.id, is_open=True, offset=0, limit=1, visibilities=[], notes_max=0)
    return page.total


async def activate_company(
    tx: Tx, actor: Actor, ref: UUID | str, *, networks: Sequence[str], now: datetime
) -> Activation:
    """Activate a deactivated company, and what its deactivation ended: users, webhooks, mail to its contacts.

    What was inactive before stays so. ``networks`` are the private ones that webhooks may reach.

    Raises:
        Conflict: the company is active.
        ScopeMissing: the actor may not read accounts, or may not do all that a user or a webhook may that comes back.
    """
    company = await companies.lock_company(tx, actor, ref)
    ended = await company_store.ended(tx, company.id)
    if ended is None:
        raise Conflict(f"company {company.name} is active")
    await companies.set_ended(tx, actor, company, None, now=now)
    for user_id in ended.users:
        await accounts.change_user(tx, actor, company.id, user_id, {"is_active": True}, now=now)
    webhooks, refused = await subscriptions.restart_subscriptions(
        tx, actor, company, ended.subscriptions, networks=networks, now=now
    )
    await preferences.change_contact_mail(tx, actor, company.id, mails=ended.mails_contacts, now=now)
    after = await companies.get_company_details(tx, actor, company.id)
    return Activation(after, len(ended.users), webhooks, refused, ended.mails_contacts)
