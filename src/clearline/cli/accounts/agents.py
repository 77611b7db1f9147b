"""Commands for agents: the users of the provider."""

import click

from clearline.accounts import usecases as accounts
from clearline.cli.accounts.options import email_option, phone_option
from clearline.cli.accounts.users import show_added, show_users
from clearline.cli.context import transact
from clearline.cli.output import json_option
from clearline.clock import now
from clearline.identity import OPERATOR, PROVIDER_ID, STAFF_ROLES, Role, User
from clearline.platform.database.transactions import Tx


@click.group()
def agent() -> None:
    """Manage the provider's own people."""


@agent.command("add")
@click.argument("name")
@email_option
@phone_option
@click.option(
    "--role",
    type=click.Choice([role.value for role in STAFF_ROLES]),
    default=Role.AGENT.value,
    show_default=True,
    help="A viewer reads, an agent works tickets, an admin also sets up the desk.",
)
@json_option
def agent_add(name: str, email: str, phone: str, role: str, *, as_json: bool) -> None:
    """Add a user to the provider.

    Give the user a key with: clearline key create --company PROVIDER --user EMAIL.
    """

    async def work(tx: Tx) -> User:
        return await accounts.add_user(
            tx, OPERATOR, PROVIDER_ID, name=name, email=email, phone=phone, role=Role(role), now=now()
        )

    show_added(transact(work), as_json=as_json)


@agent.command("list")
@json_option
def agent_list(*, as_json: bool) -> None:
    """List the provider's people by e-mail address."""
    show_users(transact(lambda tx: accounts.list_users(tx, OPERATOR, PROVIDER_ID)), as_json=as_json)
