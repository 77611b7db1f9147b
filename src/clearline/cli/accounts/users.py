"""Commands for users."""

import re

import click

from clearline.accounts import usecases as accounts
from clearline.accounts.conflict_store import Holder, HolderKind
from clearline.cli.accounts.options import (
    changed_values,
    company_option,
    email_option,
    language_of,
    language_option,
    phone_option,
    with_language,
)
from clearline.cli.context import transact
from clearline.cli.lazy import LazyCommand, LazyGroup
from clearline.cli.output import json_option, limit_option, show, show_list
from clearline.cli.terminal.changes import change_text
from clearline.cli.terminal.questions import confirm, yes_option
from clearline.cli.terminal.text import counted
from clearline.clock import now
from clearline.identity import CUSTOMER_ROLES, OPERATOR, PROVIDER_ID, STAFF_ROLES, Role, User
from clearline.platform.database.transactions import Tx
from clearline.queues import usecases as queue_usecases
from clearline.tickets import hand_over_usecases as hand_over
from clearline.wires.house.accounts.mapping import conflict_out, user_out

_heir_option = click.option(
    "--hand-over-to", metavar="EMAIL", help="Agent who gets the open tickets of one who stops working tickets."
)
_ROLES = click.Choice([role.value for role in (*CUSTOMER_ROLES, *STAFF_ROLES)])


_COMMANDS = {
    "invite": LazyCommand(
        "accounts.user_sign_in",
        "user_invite",
        "Invite a person to choose a password, or first to confirm its address if a customer gave it.",
    ),
    "require-second-factor": LazyCommand(
        "accounts.user_sign_in",
        "user_require_second_factor",
        "Set the roles whose people need a second factor, or print them.",
    ),
    "reset-password": LazyCommand(
        "accounts.user_sign_in",
        "user_reset_password",
        "Send a person a link to choose a new password. It works once, for an hour.",
    ),
    "reset-second-factor": LazyCommand(
        "accounts.user_sign_in",
        "user_reset_second_factor",
        "Remove the second factor of a person who lost it, and end its sessions.",
    ),
    "sign-out": LazyCommand("accounts.user_sign_in", "user_sign_out", "End all sessions of a person."),
}


@click.group(cls=LazyGroup, lazy=_COMMANDS)
def user() -> None:
    """Manage the people of a company."""


@user.command("add")
@company_option
@click.option("--name", required=True, help="Full name.")
@email_option
@phone_option
@click.option("--role", type=_ROLES, help="What the user may do; by default the role that may do the least.")
@language_option
@json_option
def user_add(
    company: str, name: str, email: str, phone: str, role: str | None, language: str | None, *, as_json: bool
) -> None:
    """Add a user to a company."""

    async def work(tx: Tx) -> User:
        kind = None if role is None else Role(role)
        return await accounts.add_user(
            tx, OPERATOR, company, name=name, email=email, phone=phone, role=kind, language=language_of(language),
            now=now(),
        )  # fmt: skip

    show_added(transact(work), as_json=as_json)


def show_added(user: User, *, as_json: bool) -> None:
    """Print that a user was added."""
    show(user_out(user), f"User {user.name} <{user.email}> added as {user.role}.", as_json=as_json)


@user.command("list")
@company_option
@json_option
def user_list(company: str, *, as_json: bool) -> None:
    """List the users of a company by e-mail address."""
    show_users(transact(lambda tx: accounts.list_users(tx, OPERATOR, company)), as_json=as_json)


@user.command("find")
@click.argument("address")
@limit_option
@json_option
def user_find(address: str, limit: int, *, as_json: bool) -> None:
    """Find the users with an e-mail address, of every company and of the provider."""
    email = re.sub(r".*<([^<>]*)>\s*", r"\1", address)
    if "@" not in email:
        raise click.BadParameter("must be an e-mail address, such as ada@example.com", param_hint="ADDRESS")
    show_list(
        transact(lambda tx: accounts.find_users(tx, OPERATOR, email, limit=limit + 1)),
        lambda match: user_out(match[1]),
        ("COMPANY", "CODE", "NAME", "EMAIL", "ROLE", "ACTIVE", "ID"),
        lambda match: (
            match[0].name,
            match[0].code,
            match[1].name,
            _shown_email(match[1]),
            match[1].role,
            match[1].is_active,
            match[1].id,
        ),
        noun="users",
        as_json=as_json,
        limit=limit,
    )


def show_users(users: list[User], *, as_json: bool) -> None:
    """Print users."""
    show_list(
        users,
        user_out,
        ("NAME", "EMAIL", "PHONE", "ROLE", "ACTIVE", "AVAILABLE", "ID"),
        lambda user: (
            user.name,
            _shown_email(user),
            user.phone,
            user.role,
            user.is_active,
            user.is_available,
            user.id,
        ),
        noun="users",
        as_json=as_json,
    )


def _shown_email(user: User) -> str:
    return user.email if user.is_confirmed else f"{user.email} (unconfirmed)"


@user.command("change")
@company_option
@click.argument("email")
@click.option("--name", help="New name.")
@click.option("--email", "address", help="New e-mail address.")
@click.option("--phone", help="New phone number.")
@click.option("--role", type=_ROLES, help="New role.")
@click.option("--active/--inactive", default=None, help="Whether the user may do anything; inactive ends its keys.")
@click.option("--available/--away", default=None, help="Whether queues may assign tickets to the user.")
@click.option("--confirmed/--unconfirmed", default=None, help="Set whether the address is confirmed to be the user's.")
@language_option
@_heir_option
@json_option
def user_change(
    company: str,
    email: str,
    *,
    name: str | None,
    address: str | None,
    phone: str | None,
    role: str | None,
    active: bool | None,
    available: bool | None,
    confirmed: bool | None,
    language: str | None,
    hand_over_to: str | None,
    as_json: bool,
) -> None:
    """Change the user with the address EMAIL."""
    given = changed_values(
        name=name,
        email=address,
        phone=phone,
        role=None if role is None else Role(role),
        is_active=active,
        is_available=available,
        is_confirmed=confirmed,
        language=language,
        hand_over_to=hand_over_to,
    )
    values = with_language(given)

    async def work(tx: Tx) -> tuple[User, User]:
        before = await accounts.lock_user(tx, OPERATOR, company, email)
        return before, await hand_over.change_user(tx, OPERATOR, company, email, values, now=now())

    before, after = map(user_out, transact(work))
    show(after, change_text(f"User {after.name} <{after.email}>", before, after), as_json=as_json)


@user.command("limit")
@click.argument("email")
@click.option("--queue", "queues", metavar="NAME", multiple=True, help="Queue that it sees; repeat for several.")
@click.option("--company", "companies", metavar="NAME", multiple=True, help="Customer it sees; repeat for several.")
@click.option("--none", "is_unlimited", is_flag=True, help="End the limits: it sees every queue and customer.")
@json_option
def user_limit(
    email: str, queues: tuple[str, ...], companies: tuple[str, ...], *, is_unlimited: bool, as_json: bool
) -> None:
    """Limit the agent or viewer with the address EMAIL to the tickets of queues, or of customers.

    What is not given is no limit: every call sets both. Its open tickets beyond the limits lose their assignee.
    """
    if is_unlimited == bool(queues or companies):
        raise click.UsageError("Give --queue or --company, or --none.")

    async def work(tx: Tx) -> tuple[User, User]:
        before = await accounts.lock_user(tx, OPERATOR, PROVIDER_ID, email)
        values = {
            "only_queues": tuple([(await queue_usecases.queue_named(tx, OPERATOR, each)).id for each in queues])
            or None,
            "only_companies": tuple([(await accounts.find_company(tx, OPERATOR, each)).id for each in companies])
            or None,
        }
        return before, await hand_over.change_user(tx, OPERATOR, PROVIDER_ID, email, values, now=now())

    before, after = map(user_out, transact(work))
    show(after, change_text(f"User {after.name} <{after.email}>", before, after), as_json=as_json)


@user.command("conflicts")
@limit_option
@json_option
def user_conflicts(limit: int, *, as_json: bool) -> None:
    """List the unconfirmed addresses of users that other companies have. Decide with clearline user decide."""
    show_list(
        transact(lambda tx: accounts.list_conflicts(tx, OPERATOR, limit=limit + 1)),
        conflict_out,
        ("ADDRESS", "CLAIMED BY", "SINCE", "USER", "OTHERS"),
        lambda conflict: (
            conflict.user.email,
            conflict.company.code,
            conflict.claimed_at,
            conflict.user.name,
            "; ".join(_shown_holder(holder) for holder in conflict.holders),
        ),
        noun="conflicts",
        as_json=as_json,
        limit=limit,
    )


def _shown_holder(holder: Holder) -> str:
    kind = "released mail" if holder.kind is HolderKind.RELEASE else "user" if holder.is_active else "inactive user"
    return f"{holder.company.code}: {kind} since {holder.since:%Y-%m-%d}"


@user.command("decide")
@company_option
@click.argument("email")
@click.option("--confirm/--refuse", "is_confirmed", required=True, help="Whether the address is that of the user.")
@json_option
def user_decide(company: str, email: str, *, is_confirmed: bool, as_json: bool) -> None:
    """Confirm the address EMAIL for the user of a company, or refuse that the company claims it."""

    async def work(tx: Tx) -> User:
        return await accounts.decide_claim(tx, OPERATOR, company, email, is_confirmed=is_confirmed, now=now())

    decided = transact(work)
    show(
        user_out(decided),
        f"The address {decided.email} is {'confirmed for' if is_confirmed else 'refused to'} {company}.",
        as_json=as_json,
    )


@user.command("deactivate")
@company_option
@click.argument("email")
@_heir_option
@yes_option
@json_option
def user_deactivate(company: str, email: str, *, hand_over_to: str | None, yes: bool, as_json: bool) -> None:
    """Deactivate a user and end its keys at once. The history keeps the name.

    The open tickets of an agent return to their queues, without an assignee, or go to another agent.
    """
    confirm(f"Deactivate {email} of {company}, and end its keys?", yes=yes)

    values = {"is_active": False} if hand_over_to is None else {"is_active": False, "hand_over_to": hand_over_to}

    async def work(tx: Tx) -> tuple[User, int]:
        return await hand_over.change_user_and_tickets(tx, OPERATOR, company, email, values, now=now())

    user, count = transact(work)
    text = f"User {user.name} <{user.email}> is now not active."
    if count:
        goal = "returned to their queues" if hand_over_to is None else f"handed over to {hand_over_to}"
        text += f" {counted(count, 'open ticket')} {goal}."
    show(user_out(user), text, as_json=as_json)
