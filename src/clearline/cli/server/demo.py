"""The command that loads demo data."""

from dataclasses import replace
from email.utils import parseaddr
from typing import NamedTuple

import click
from rich.console import Console

from clearline.app import shared_jobs
from clearline.bulk import worker as jobs
from clearline.cli.context import current_settings, run
from clearline.cli.output import json_option, print_json
from clearline.cli.terminal.text import echo
from clearline.clock import now
from clearline.demo import usecases as demo_data
from clearline.demo.sign_ins import DemoSignIn, set_passwords
from clearline.demo.usecases import DemoKey
from clearline.events.consumer import CONSUMERS
from clearline.identity import Role
from clearline.platform.database.transactions import Database
from clearline.settings.values import Bind
from clearline.tickets.attachments.blobs import open_blobs
from clearline.wires.house.accounts.mapping import company_out


class DemoAccess(NamedTuple):
    """The new keys and passwords of the demo."""

    keys: list[DemoKey]
    sign_ins: list[DemoSignIn]


@click.command()
@json_option
def demo(*, as_json: bool) -> None:
    """Load demo data and print a new key for each company, and passwords of a customer's people, an agent and an admin.

    The demo is a desk and two customers with services and tickets. Safe to repeat: existing data stays, and each
    call creates keys that last 30 days, and new passwords.
    """
    access = run(load, may_create=True, may_migrate=True)
    keys = access.keys
    if as_json:
        print_json([_account(key, access) for key in keys])
        return
    for key in keys:
        echo(f"{key.company.name} ({key.company.code}): {key.secret}")
    for sign_in in access.sign_ins:
        echo(f"{sign_in.user.name} <{sign_in.user.email}>, {sign_in.user.role}: {sign_in.password}")


def _account(key: DemoKey, access: DemoAccess) -> dict[str, object]:
    """Return the key of a company as JSON shows it, and the passwords of its people."""
    sign_ins = [
        {"email": sign_in.user.email, "role": sign_in.user.role, "password": sign_in.password}
        for sign_in in access.sign_ins
        if sign_in.user.company_id == key.company.id
    ]
    return {
        "company": company_out(key.company),
        "key": key.secret,
        "expires_at": key.expires_at,
        "sign_ins": sign_ins,
    }


async def load(database: Database) -> DemoAccess:
    """Load the parts of the demo that are missing, and show progress on a terminal."""
    with Console(stderr=True).status("Loading the demo ...") as status:
        keys = await demo_data.load(
            database,
            open_blobs(current_settings()),
            mailbox=parseaddr(current_settings().mail_from)[1],
            now=now(),
            progress=lambda name: status.update(f"Loading the demo: {name} ..."),
        )
        sign_ins = await set_passwords(database, now=now())
        status.update("Routing and indexing the tickets ...")
        # Demo data must not send mail.
        silent = replace(current_settings(), smtp=None)
        for job in shared_jobs(database, open_blobs(silent), silent):
            while job.name in {jobs.NAME, *CONSUMERS} and await job.run():
                pass
        return DemoAccess(keys, sign_ins)


_WHO = {
    Role.CUSTOMER: "A customer", Role.CUSTOMER_ADMIN: "Customer's admin", Role.AGENT: "An agent",
    Role.ADMIN: "The admin",
}  # fmt: skip
"""What the greeting calls people, by role."""


def examples(access: DemoAccess, bind: Bind) -> str:
    """Return commands to try first; they work when pasted into a shell."""
    base = bind.url
    body = (
        '{"name":"Port is slow","description":"Slow since 08:00 UTC","issueType":"Slow Response",'
        '"service":{"id":"NET-AMS-0012","type":"Port"}}'
    )
    key, agent = access.keys[0], access.keys[-1]
    sign_ins = "\n".join(
        f"{f'{_WHO[sign_in.user.role]}:':<18}{sign_in.user.email}  {sign_in.password}" for sign_in in access.sign_ins
    )
    auth = f"-H 'Authorization: Bearer {key.secret}'"
    return f"""
Sign in:          {base}/sign-in
{sign_ins}

Demo company: {key.company.name} ({key.company.code})
API key:      {key.secret}
Agent key:    {agent.secret}

Try, in another terminal:
  curl {auth} '{base}/v2/support-tickets?status=open'
  curl {auth} {base}/v2/support-tickets/services
  curl {auth} -H 'Content-Type: application/json' -d '{body}' {base}/v2/support-tickets

As an agent:
  curl -H 'Authorization: Bearer {agent.secret}' '{base}/api/v1/tickets?state=open'
  curl -H 'Authorization: Bearer {agent.secret}' '{base}/api/v1/search?q=amsterdam'

Reference: {base}/docs and {base}/docs/api
"""
