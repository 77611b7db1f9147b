"""Commands for how users sign in."""

import click

from clearline.accounts import usecases as accounts
from clearline.cli.accounts.links import company_ref, invited, show_link
from clearline.cli.context import transact
from clearline.cli.output import json_option, show
from clearline.cli.terminal.questions import confirm, yes_option
from clearline.cli.terminal.text import counted, echo
from clearline.clock import now
from clearline.identity import OPERATOR, STAFF_ROLES, Role, User
from clearline.platform.database.transactions import Tx
from clearline.sign_in import session_usecases as sessions
from clearline.sign_in.second_factors import usecases as second_factors
from clearline.wires.house.accounts.mapping import user_out

_of_company = click.option(
    "--company", metavar="NAME", help="Name or customer code of a customer; without it, the provider."
)


@click.command("invite")
@_of_company
@click.argument("email")
@click.option("--link", is_flag=True, help="Print the link, and send no mail.")
@json_option
def user_invite(company: str | None, email: str, *, link: bool, as_json: bool) -> None:
    """Invite a person to choose a password, or first to confirm its address if a customer gave it.

    Without a mail server the link to choose a password is printed. It works once, for 7 days.
    """

    async def confirmation(tx: Tx) -> User | None:
        found = await accounts.get_user(tx, OPERATOR, company_ref(company), email)
        if link or found.is_confirmed:
            return None
        return await accounts.invite_user(tx, OPERATOR, found.company_id, email, now=now())

    user = transact(confirmation)
    if user is None:
        show_link(invited(email, company=company, by_mail=not link), as_json=as_json)
        return
    show(user_out(user), f"The invitation is sent to {user.email} again.", as_json=as_json)


@click.command("reset-password")
@_of_company
@click.argument("email")
@click.option("--link", is_flag=True, help="Print the link, and send no mail.")
@json_option
def user_reset_password(company: str | None, email: str, *, link: bool, as_json: bool) -> None:
    """Send a person a link to choose a new password. It works once, for an hour.

    Without a mail server the link is printed. The old password works until a new one is chosen.
    """
    show_link(invited(email, company=company, by_mail=not link), as_json=as_json)


@click.command("sign-out")
@_of_company
@click.argument("email")
def user_sign_out(company: str | None, email: str) -> None:
    """End all sessions of a person."""

    async def work(tx: Tx) -> int:
        return await sessions.revoke_sessions_of(tx, OPERATOR, company_ref(company), email, now=now())

    echo(f"{counted(transact(work), 'session')} of {email} ended.")


@click.command("reset-second-factor")
@_of_company
@click.argument("email")
@yes_option
def user_reset_second_factor(company: str | None, email: str, *, yes: bool) -> None:
    """Remove the second factor of a person who lost it, and end its sessions."""
    confirm(f"Remove the second factor of {email}? Be sure that it is this person who asks.", yes=yes)
    ref = company_ref(company)
    user = transact(lambda tx: second_factors.reset(tx, OPERATOR, email, company_ref=ref, now=now()))
    echo(f"The second factor of {user.name} <{user.email}> is removed.")


@click.command("require-second-factor")
@click.argument("roles", nargs=-1, type=click.Choice([role.value for role in STAFF_ROLES]))
@click.option("--none", "is_none", is_flag=True, help="Require it of no role.")
def user_require_second_factor(roles: tuple[str, ...], *, is_none: bool) -> None:
    """Set the roles whose people need a second factor, or print them.

    Until such a person has set one up, it can do nothing else in the web console.
    """
    if roles and is_none:
        raise click.UsageError("Give roles or --none, not both.")

    async def work(tx: Tx) -> list[Role]:
        if roles or is_none:
            return await second_factors.set_required_roles(tx, OPERATOR, [Role(role) for role in roles], now=now())
        return await second_factors.required_roles(tx, OPERATOR)

    names = ", ".join(transact(work))
    echo(f"Roles that need a second factor: {names}." if names else "No role needs a second factor.")
