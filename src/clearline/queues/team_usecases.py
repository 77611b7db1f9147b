"""Teams and their members, and whether a person is assigned tickets automatically."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from msgspec.structs import replace

from clearline.accounts import permissions, user_store
from clearline.errors import (
    Forbidden,
    InUse,
    InvalidInput,
    NotFound,
    RuleCode,
    Violation,
    require_found,
    require_free,
    require_valid,
)
from clearline.events.domain import Change
from clearline.events.record_changes import append_record_event, change_record
from clearline.identity import PROVIDER_ID, Actor, Scope, User
from clearline.platform.database.transactions import Tx
from clearline.queues import team_store
from clearline.queues.domain import Team, check_team
from clearline.queues.team_store import TeamDetails
from clearline.queues.usecases import lock_setup

KIND = "team"


async def list_teams(tx: Tx, actor: Actor, *, after: str | None, limit: int) -> list[TeamDetails]:
    """Return the teams after the name ``after``, by name, with their members. Served by ``team_name``."""
    permissions.require_staff(actor, Scope.DESK_READ)
    return await team_store.page(tx, after=after, limit=limit)


async def get_team(tx: Tx, actor: Actor, team_id: UUID) -> TeamDetails:
    """Return a team with its members."""
    permissions.require_staff(actor, Scope.DESK_READ)
    return await _team(tx, team_id)


async def team_named(tx: Tx, actor: Actor, name: str) -> TeamDetails:
    """Return the team of this name, in any case."""
    permissions.require_staff(actor, Scope.DESK_READ)
    return require_found(await team_store.find(tx, name), KIND, name)


async def lock_team(tx: Tx, actor: Actor, team_id: UUID) -> TeamDetails:
    """Lock a team that the actor is about to change, until the transaction ends."""
    await lock_setup(tx, actor)
    return await get_team(tx, actor, team_id)


async def add_team(tx: Tx, actor: Actor, name: str, *, now: datetime) -> TeamDetails:
    """Add a team without members.

    Raises:
        AlreadyExists: another team has the name.
    """
    await lock_setup(tx, actor)
    team = Team(uuid4(), name, now)
    await _save(tx, team)
    await append_record_event(tx, actor, KIND, "created", team, [Change("name", None, name)], now=now)
    return TeamDetails(team, [], [])


async def change_team(tx: Tx, actor: Actor, team_id: UUID, values: Mapping[str, Any], *, now: datetime) -> TeamDetails:
    """Set a team's ``name``.

    Raises:
        AlreadyExists: another team has the name.
    """
    await lock_setup(tx, actor)
    details = await _team(tx, team_id)
    after = replace(details.team, **values)
    await change_record(tx, actor, KIND, details.team, after, _save, now=now)
    return details._replace(team=after)


async def delete_team(tx: Tx, actor: Actor, team_id: UUID, *, now: datetime) -> None:
    """Delete a team that has no queue; its members stay users.

    Raises:
        InUse: a queue has this team.
    """
    await lock_setup(tx, actor)
    details = await _team(tx, team_id)
    if details.queues:
        raise InUse(KIND, details.team.name, f"it works {', '.join(details.queues)}; give these to another team first")
    await team_store.delete(tx, team_id)
    await append_record_event(tx, actor, KIND, "deleted", details.team, now=now)


async def join_team(tx: Tx, actor: Actor, team_id: UUID, user_id: UUID, *, now: datetime) -> TeamDetails:
    """Add a person of the provider, who is no viewer, to a team; a member stays one."""
    await lock_setup(tx, actor)
    details = await _team(tx, team_id)
    user = require_found(await user_store.get(tx, PROVIDER_ID, user_id), "user", user_id)
    if not user.role.works_tickets:
        raise InvalidInput(
            [Violation("user_id", "must be the id of an agent or admin: viewers work no tickets", RuleCode.REFERENCE)]
        )
    if not await team_store.join(tx, team_id, user_id):
        return details
    joined = Change("member", None, str(user_id))
    await append_record_event(tx, actor, KIND, "changed", details.team, [joined], now=now)
    return await _team(tx, team_id)


async def leave_team(tx: Tx, actor: Actor, team_id: UUID, user_id: UUID, *, now: datetime) -> TeamDetails:
    """Remove a person from a team; its tickets stay assigned to it."""
    await lock_setup(tx, actor)
    details = await _team(tx, team_id)
    if not await team_store.leave(tx, team_id, user_id):
        raise NotFound("member", str(user_id))
    left = Change("member", str(user_id), None)
    await append_record_event(tx, actor, KIND, "changed", details.team, [left], now=now)
    return await _team(tx, team_id)


async def is_available(tx: Tx, actor: Actor) -> bool:
    """Return whether the acting user is assigned tickets automatically; only a person of the provider has an answer."""
    permissions.require_staff(actor, Scope.TICKETS_READ)
    user = None if actor.user is None else await user_store.get(tx, PROVIDER_ID, actor.user.id)
    if user is None:
        raise Forbidden("only a person of the provider is available or not")
    return user.is_available


async def set_available(tx: Tx, actor: Actor, *, available: bool, now: datetime) -> User:
    """Set whether the acting user, a person of the provider, is assigned tickets automatically."""
    permissions.require_staff(actor, Scope.TICKETS_WRITE)
    if actor.user is None:
        raise Forbidden("only a person of the provider is available or not")
    if await team_store.set_available(tx, actor.user.id, available=available):
        changes = [Change("is_available", not available, available)]
        await append_record_event(tx, actor, "user", "changed", actor.user, changes, now=now)
    return replace(actor.user, is_available=available)


async def _team(tx: Tx, team_id: UUID) -> TeamDetails:
    return require_found(await team_store.get(tx, team_id), KIND, team_id)


async def _save(tx: Tx, team: Team) -> None:
    require_valid(check_team(team.name))
    require_free(await team_store.save(tx, team), KIND, team.name)
