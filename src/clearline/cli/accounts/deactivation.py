"""The commands that end what a company may do, and bring it back. Part of ``clearline company``."""

from datetime import datetime
from uuid import UUID

import click
from msgspec import Struct

from clearline.accounts import company_store
from clearline.accounts import key_usecases as keys
from clearline.accounts import usecases as accounts
from clearline.accounts.company_store import Ended
from clearline.cli.context import current_settings, transact
from clearline.cli.output import json_option, show
from clearline.cli.terminal.questions import confirm, yes_option
from clearline.cli.terminal.text import counted
from clearline.clock import now
from clearline.errors import Conflict, InvalidInput, NotFound
from clearline.identity import OPERATOR, PROVIDER_ID, Company
from clearline.notifications import preference_usecases as preferences
from clearline.platform.database.transactions import Tx
from clearline.tickets import list_store
from clearline.webhooks import subscription_usecases as subscriptions
from clearline.wires.house.accounts.mapping import company_out
from clearline.wires.house.accounts.wire import CompanyOut

_WEBHOOKS_MAX = 10_000
"""More webhooks than a company can have."""


class Deactivation(Struct, frozen=True):
    """What the deactivation of a company ended, and what stays."""

    company: CompanyOut
    users: int
    keys: int
    webhooks: int
    mails_contacts: bool
    open_tickets: int


class Activation(Struct, frozen=True):
    """What the activation of a company brought back, and the webhooks that stay off since their URL is not allowed."""

    company: CompanyOut
    users: int
    webhooks: int
    refused_webhooks: int
    mails_contacts: bool


@click.command("deactivate")
@click.argument("company")
@yes_option
@json_option
def company_deactivate(company: str, *, yes: bool, as_json: bool) -> None:
    """Deactivate a company: its users, and with them their keys, its webhooks, and mail to its contacts.

    Tickets and the history stay, and agents go on with open tickets. Nothing in the company can be activated before the
    company is, with clearline company activate.
    """
    confirm(f"Deactivate {company}: its users, keys, webhooks and mail to its contacts?", yes=yes)
    ended = transact(lambda tx: _deactivate(tx, company, now=now()))
    mail = "mail to its contacts" if ended.mails_contacts else "no mail to contacts (it was off)"
    text = (
        f"Company {ended.company.name} ({ended.company.code}) deactivated. Ended: {counted(ended.users, 'user')}, "
        f"{counted(ended.keys, 'key')}, {counted(ended.webhooks, 'webhook')}, {mail}. "
        f"Open tickets: {ended.open_tickets}."
    )
    show(ended, text, as_json=as_json)


@click.command("activate")
@click.argument("company")
@json_option
def company_activate(company: str, *, as_json: bool) -> None:
    """Activate a deactivated company, and what its deactivation ended: users, webhooks, mail to its contacts.

    What was inactive before stays so. Keys of its users work again unless they were revoked or expired.
    """
    back = transact(lambda tx: _activate(tx, company, now=now()))
    text = (
        f"Company {back.company.name} ({back.company.code}) activated, with {counted(back.users, 'user')}, "
        f"{counted(back.webhooks, 'webhook')}, {'mail' if back.mails_contacts else 'no mail'} to its contacts."
    )
    if back.refused_webhooks:
        text += f" {counted(back.refused_webhooks, 'webhook')} may no longer be reached and stays off."
    show(back, text, as_json=as_json)


async def _deactivate(tx: Tx, ref: str, *, now: datetime) -> Deactivation:
    company = await accounts.lock_company(tx, OPERATOR, ref)
    if company.id == PROVIDER_ID:
        raise Conflict("the provider cannot be deactivated")
    users = [user for user in await accounts.list_users(tx, OPERATOR, company.id) if user.is_active]
    active = {user.id for user in users}
    ended_keys = sum(
        key.user_id in active and key.revoked_at is None and (key.expires_at is None or key.expires_at > now)
        for key in await keys.list_keys(tx, OPERATOR, company.id)
    )
    for user in users:
        await accounts.change_user(tx, OPERATOR, company.id, user.id, {"is_active": False}, now=now)
    webhooks = await _end_webhooks(tx, company, now=now)
    _company, had_mail = await preferences.get_contact_mail(tx, OPERATOR, company.id)
    await preferences.change_contact_mail(tx, OPERATOR, company.id, mails=False, now=now)
    if company.deactivated_at is None:
        ended = Ended([user.id for user in users], webhooks, had_mail)
        await accounts.set_ended(tx, OPERATOR, company, ended, now=now)
    tickets = await list_store.page(tx, company.id, is_open=True, offset=0, limit=1, visibilities=[], notes_max=0)
    after = await accounts.get_company_details(tx, OPERATOR, company.id)
    return Deactivation(company_out(after), len(users), ended_keys, len(webhooks), had_mail, tickets.total)


async def _end_webhooks(tx: Tx, company: Company, *, now: datetime) -> list[UUID]:
    listed = await subscriptions.list_subscriptions(tx, OPERATOR, of=company, after=None, limit=_WEBHOOKS_MAX)
    active = [subscription.id for subscription in listed if subscription.is_active]
    for subscription_id in active:
        await subscriptions.change_subscription(
            tx, OPERATOR, subscription_id, {"is_active": False}, of=company, networks=(), now=now
        )
    return active


async def _activate(tx: Tx, ref: str, *, now: datetime) -> Activation:
    company = await accounts.lock_company(tx, OPERATOR, ref)
    ended = await company_store.ended(tx, company.id)
    if ended is None:
        raise Conflict(f"company {company.name} is active")
    await accounts.set_ended(tx, OPERATOR, company, None, now=now)
    for user_id in ended.users:
        await accounts.change_user(tx, OPERATOR, company.id, user_id, {"is_active": True}, now=now)
    webhooks, refused = await _restart_webhooks(tx, company, ended.subscriptions, now=now)
    await preferences.change_contact_mail(tx, OPERATOR, company.id, mails=ended.mails_contacts, now=now)
    after = await accounts.get_company_details(tx, OPERATOR, company.id)
    return Activation(company_out(after), len(ended.users), webhooks, refused, ended.mails_contacts)


async def _restart_webhooks(tx: Tx, company: Company, ids: list[UUID], *, now: datetime) -> tuple[int, int]:
    """Activate webhooks unless they were deleted; return how many, and how many may no longer be reached."""
    networks, restarted, refused = current_settings().webhook_networks, 0, 0
    for subscription_id in ids:
        try:
            await subscriptions.change_subscription(
                tx, OPERATOR, subscription_id, {"is_active": True}, of=company, networks=networks, now=now
            )
            restarted += 1
        except NotFound:
            continue
        except InvalidInput:
            refused += 1
    return restarted, refused
