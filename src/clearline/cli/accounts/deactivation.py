"""The command that ends what a company may do. Part of ``clearline company``."""

from datetime import datetime

import click
from msgspec import Struct

from clearline.accounts import key_usecases as keys
from clearline.accounts import usecases as accounts
from clearline.cli.context import transact
from clearline.cli.output import json_option, show
from clearline.cli.terminal.questions import confirm, yes_option
from clearline.cli.terminal.text import counted
from clearline.clock import now
from clearline.errors import Conflict
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


@click.command("deactivate")
@click.argument("company")
@yes_option
@json_option
def company_deactivate(company: str, *, yes: bool, as_json: bool) -> None:
    """Deactivate a company: its users, and with them their keys, its webhooks, and mail to its contacts.

    Tickets and the history stay, and agents go on with open tickets. Activate the company again user by user, with
    clearline user change --active.
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
    tickets = await list_store.page(tx, company.id, is_open=True, offset=0, limit=1, visibilities=[], notes_max=0)
    return Deactivation(company_out(company), len(users), ended_keys, webhooks, had_mail, tickets.total)


async def _end_webhooks(tx: Tx, company: Company, *, now: datetime) -> int:
    listed = await subscriptions.list_subscriptions(tx, OPERATOR, of=company, after=None, limit=_WEBHOOKS_MAX)
    active = [subscription.id for subscription in listed if subscription.is_active]
    for subscription_id in active:
        await subscriptions.change_subscription(
            tx, OPERATOR, subscription_id, {"is_active": False}, of=company, networks=(), now=now
        )
    return len(active)
