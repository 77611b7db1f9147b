"""The commands that end what a company may do, and bring it back. Part of ``clearline company``."""

import click

from clearline.cli.context import current_settings, transact
from clearline.cli.output import json_option, show
from clearline.cli.terminal.questions import confirm, yes_option
from clearline.cli.terminal.text import counted
from clearline.clock import now
from clearline.deactivation import usecases as deactivation
from clearline.identity import OPERATOR
from clearline.wires.house.accounts.mapping import activation_out, deactivation_out


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
    ended = transact(lambda tx: deactivation.deactivate_company(tx, OPERATOR, company, now=now()))
    mail = "mail to its contacts" if ended.mails_contacts else "no mail to contacts (it was off)"
    text = (
        f"Company {ended.company.name} ({ended.company.code}) deactivated. Ended: {counted(ended.users, 'user')}, "
        f"{counted(ended.keys, 'key')}, {counted(ended.webhooks, 'webhook')}, {mail}. "
        f"Open tickets: {ended.open_tickets}."
    )
    show(deactivation_out(ended), text, as_json=as_json)


@click.command("activate")
@click.argument("company")
@json_option
def company_activate(company: str, *, as_json: bool) -> None:
    """Activate a deactivated company, and what its deactivation ended: users, webhooks, mail to its contacts.

    What was inactive before stays so. Keys of its users work again unless they were revoked or expired.
    """
    networks = current_settings().webhook_networks
    back = transact(lambda tx: deactivation.activate_company(tx, OPERATOR, company, networks=networks, now=now()))
    text = (
        f"Company {back.company.name} ({back.company.code}) activated, with {counted(back.users, 'user')}, "
        f"{counted(back.webhooks, 'webhook')}, {'mail' if back.mails_contacts else 'no mail'} to its contacts."
    )
    if back.refused_webhooks:
        text += f" {counted(back.refused_webhooks, 'webhook')} may no longer be reached and stays off."
    show(activation_out(back), text, as_json=as_json)
