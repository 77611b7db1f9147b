"""Teams, who belongs to them, and who takes tickets by turns."""

import click

from clearline.accounts import usecases as accounts
from clearline.cli.context import as_json, emit, limit_option, table, within
from clearline.clock import now
from clearline.identity import OPERATOR, PROVIDER_ID, User
from clearline.platform.database.transactions import Tx
from clearline.queues import team_usecases as teams
from clearline.queues.domain import Member
from clearline.queues.team_store import TeamDetails


@click.group()
def team() -> None:
    """Teams of the provider's people, who work the queues."""


@team.command("add")
@click.argument("name")
@as_json
def team_add(name: str, *, as_json: bool) -> None:
    """Make a team."""

    async def work(tx: Tx) -> TeamDetails:
        return await teams.add_team(tx, OPERATOR, name, now=now())

    added = within(work)
    emit(_described(added)) if as_json else click.echo(f"Team {added.team.name} added.")


@team.command("list")
@click.option("--after", metavar="NAME", help="Go on behind this name.")
@limit_option
@as_json
def team_list(after: str | None, limit: int, *, as_json: bool) -> None:
    """Teams by name."""
    found = within(lambda tx: teams.list_teams(tx, OPERATOR, after=after, limit=limit))
    if as_json:
        emit([_described(one) for one in found])
        return
    table(("NAME", "MEMBERS", "QUEUES"), [(one.team.name, len(one.members), ", ".join(one.queues)) for one in found])


@team.command("members")
@click.argument("name")
@as_json
def team_members(name: str, *, as_json: bool) -> None:
    """Who belongs to a team, by name."""
    members = within(lambda tx: teams.team_named(tx, OPERATOR, name)).members
    if as_json:
        emit(_described_members(members))
        return
    table(
        ("NAME", "EMAIL", "ROLE", "ACTIVE", "AVAILABLE"),
        [(one.name, one.email, one.role, one.is_active, one.is_available) for one in members],
    )


@team.command("rename")
@click.argument("name")
@click.argument("new_name")
@as_json
def team_rename(name: str, new_name: str, *, as_json: bool) -> None:
    """Give a team another name."""

    async def work(tx: Tx) -> TeamDetails:
        found = await teams.team_named(tx, OPERATOR, name)
        return await teams.change_team(tx, OPERATOR, found.team.id, {"name": new_name}, now=now())

    renamed = within(work)
    emit(_described(renamed)) if as_json else click.echo(f"Team {name} is called {renamed.team.name} now.")


@team.command("join")
@click.argument("name")
@click.argument("email")
@as_json
def team_join(name: str, email: str, *, as_json: bool) -> None:
    """Put a person of the provider into a team."""

    async def work(tx: Tx) -> TeamDetails:
        found = await teams.team_named(tx, OPERATOR, name)
        user = await accounts.get_user(tx, OPERATOR, PROVIDER_ID, email)
        return await teams.join_team(tx, OPERATOR, found.team.id, user.id, now=now())

    joined = within(work)
    emit(_described(joined)) if as_json else click.echo(f"{email} is in team {joined.team.name}.")


@team.command("leave")
@click.argument("name")
@click.argument("email")
@as_json
def team_leave(name: str, email: str, *, as_json: bool) -> None:
    """Take a person out of a team; its tickets stay with it."""

    async def work(tx: Tx) -> TeamDetails:
        found = await teams.team_named(tx, OPERATOR, name)
        user = await accounts.get_user(tx, OPERATOR, PROVIDER_ID, email)
        return await teams.leave_team(tx, OPERATOR, found.team.id, user.id, now=now())

    left = within(work)
    emit(_described(left)) if as_json else click.echo(f"{email} is out of team {left.team.name}.")


@team.command("available")
@click.argument("email")
@click.option("--yes/--no", "available", default=True, help="Whether queues may give the person tickets.")
@as_json
def team_available(email: str, *, available: bool, as_json: bool) -> None:
    """Say whether queues that assign by themselves may give a person tickets."""

    async def work(tx: Tx) -> User:
        values = {"is_available": available}
        return await accounts.change_user(tx, OPERATOR, PROVIDER_ID, email, values, now=now())

    user = within(work)
    if as_json:
        emit({"id": user.id, "name": user.name, "email": user.email, "isAvailable": user.is_available})
    else:
        click.echo(f"{email} is {'available' if user.is_available else 'away'}.")


@team.command("delete")
@click.argument("name")
@as_json
def team_delete(name: str, *, as_json: bool) -> None:
    """Delete a team that works no queue."""

    async def work(tx: Tx) -> TeamDetails:
        found = await teams.team_named(tx, OPERATOR, name)
        await teams.delete_team(tx, OPERATOR, found.team.id, now=now())
        return found

    gone = within(work)
    emit(_described(gone)) if as_json else click.echo(f"Team {gone.team.name} deleted.")


def _described(found: TeamDetails) -> dict[str, object]:
    return {
        "id": found.team.id,
        "name": found.team.name,
        "members": _described_members(found.members),
        "queues": found.queues,
        "createdAt": found.team.created_at,
    }


def _described_members(members: list[Member]) -> list[dict[str, object]]:
    return [
        {
            "id": one.id,
            "name": one.name,
            "email": one.email,
            "role": one.role,
            "isActive": one.is_active,
            "isAvailable": one.is_available,
        }
        for one in members
    ]
