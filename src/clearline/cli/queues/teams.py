"""Commands for teams."""

import click

from clearline.accounts import usecases as accounts
from clearline.cli.context import transact
from clearline.cli.output import json_option, limit_option, show, show_done, show_list
from clearline.cli.terminal.questions import confirm, yes_option
from clearline.clock import now
from clearline.identity import OPERATOR, PROVIDER_ID, User
from clearline.platform.database.transactions import Tx
from clearline.queues import team_usecases as teams
from clearline.queues.domain import Member
from clearline.queues.team_store import TeamDetails
from clearline.wires.house.accounts.mapping import user_out
from clearline.wires.house.queues.mapping import member_out, team_out


@click.group()
def team() -> None:
    """Manage teams: the people who work the queues."""


@team.command("add")
@click.argument("name")
@json_option
def team_add(name: str, *, as_json: bool) -> None:
    """Add a team without members."""

    async def work(tx: Tx) -> TeamDetails:
        return await teams.add_team(tx, OPERATOR, name, now=now())

    added = transact(work)
    show(team_out(added), f"Team {added.team.name} added.", as_json=as_json)


@team.command("list")
@click.option("--after", metavar="NAME", help="Start after this name.")
@limit_option
@json_option
def team_list(after: str | None, limit: int, *, as_json: bool) -> None:
    """List teams by name."""
    show_list(
        transact(lambda tx: teams.list_teams(tx, OPERATOR, after=after, limit=limit + 1)),
        team_out,
        ("NAME", "MEMBERS", "QUEUES"),
        lambda details: (details.team.name, len(details.members), ", ".join(details.queues)),
        noun="teams",
        as_json=as_json,
        limit=limit,
    )


@team.command("members")
@click.argument("name")
@json_option
def team_members(name: str, *, as_json: bool) -> None:
    """List the members of a team by name."""
    show_list(
        transact(lambda tx: teams.team_named(tx, OPERATOR, name)).members,
        member_out,
        ("NAME", "EMAIL", "ROLE", "ACTIVE", "AVAILABLE"),
        lambda member: (member.name, member.email, member.role, member.is_active, member.is_available),
        noun="members",
        as_json=as_json,
    )


@team.command("rename")
@click.argument("name")
@click.argument("new_name")
@json_option
def team_rename(name: str, new_name: str, *, as_json: bool) -> None:
    """Rename a team."""

    async def work(tx: Tx) -> TeamDetails:
        details = await teams.team_named(tx, OPERATOR, name)
        return await teams.change_team(tx, OPERATOR, details.team.id, {"name": new_name}, now=now())

    renamed = transact(work)
    show(team_out(renamed), f"Team {name} renamed to {renamed.team.name}.", as_json=as_json)


@team.command("join")
@click.argument("name")
@click.argument("email")
@json_option
def team_join(name: str, email: str, *, as_json: bool) -> None:
    """Add a person of the provider to a team."""

    async def work(tx: Tx) -> tuple[TeamDetails, Member]:
        details = await teams.team_named(tx, OPERATOR, name)
        user = await accounts.get_user(tx, OPERATOR, PROVIDER_ID, email)
        joined = await teams.join_team(tx, OPERATOR, details.team.id, user.id, now=now())
        return joined, next(member for member in joined.members if member.id == user.id)

    details, member = transact(work)
    show(member_out(member), f"{member.email} added to team {details.team.name}.", as_json=as_json)


@team.command("leave")
@click.argument("name")
@click.argument("email")
@json_option
def team_leave(name: str, email: str, *, as_json: bool) -> None:
    """Remove a person from a team. Tickets that are assigned to the person stay so."""

    async def work(tx: Tx) -> TeamDetails:
        details = await teams.team_named(tx, OPERATOR, name)
        user = await accounts.get_user(tx, OPERATOR, PROVIDER_ID, email)
        return await teams.leave_team(tx, OPERATOR, details.team.id, user.id, now=now())

    details = transact(work)
    show_done(f"{email} removed from team {details.team.name}.", as_json=as_json)


@team.command("available")
@click.argument("email")
@click.option("--yes/--no", "available", default=True, help="Whether queues may assign tickets to the person.")
@json_option
def team_available(email: str, *, available: bool, as_json: bool) -> None:
    """Set whether queues may assign tickets to a person."""

    async def work(tx: Tx) -> User:
        return await accounts.change_user(tx, OPERATOR, PROVIDER_ID, email, {"is_available": available}, now=now())

    user = transact(work)
    show(user_out(user), f"{email} is {'available' if user.is_available else 'away'}.", as_json=as_json)


@team.command("delete")
@click.argument("name")
@yes_option
@json_option
def team_delete(name: str, *, yes: bool, as_json: bool) -> None:
    """Delete a team that no queue has."""
    confirm(f"Delete team {name}?", yes=yes)

    async def work(tx: Tx) -> TeamDetails:
        details = await teams.team_named(tx, OPERATOR, name)
        await teams.delete_team(tx, OPERATOR, details.team.id, now=now())
        return details

    deleted = transact(work)
    show_done(f"Team {deleted.team.name} deleted.", as_json=as_json)
