"""Teams, who belongs to them, and who takes tickets by turns."""

from datetime import datetime
from uuid import UUID, uuid4

from msgspec.structs import replace

from clearline.accounts import permissions
from clearline.accounts import store as account_store
from clearline.errors import AlreadyExists, Forbidden, InUse, InvalidInput, NotFound, Violation
from clearline.events import store as event_store
from clearline.events.domain import Change, record
from clearline.identity import PROVIDER_ID, Actor, Scope, User
from clearline.platform.database.transactions import Tx
from clearline.queues import team_store
from clearline.queues.domain import Team, check_team
from clearline.queues.team_store import TeamDetails
from clearline.queues.usecases import lock_setup

KIND = "team"


async def list_teams(tx: Tx, actor: Actor, *, after: str | None, limit: int) -> list[TeamDetails]:
    """Teams with their members, by name, behind the name ``after``. Served by ``team_name``.

    Raises:
        Forbidden: the actor is a customer, or its key may not read the desk's setup.
    """
    permissions.require_staff(actor, Scope.DESK_READ)
    return await team_store.page(tx, after=after, limit=limit)


async def get_team(tx: Tx, actor: Actor, team_id: UUID) -> TeamDetails:
    """A team with its members.

    Raises:
        NotFound: there is no such team.
        Forbidden: as for ``list_teams``.
    """
    permissions.require_staff(actor, Scope.DESK_READ)
    return await _found(tx, team_id)


async def team_named(tx: Tx, actor: Actor, name: str) -> TeamDetails:
    """The team of this name, in any case.

    Raises:
        NotFound: there is none.
        Forbidden: as for ``list_teams``.
    """
    permissions.require_staff(actor, Scope.DESK_READ)
    found = await team_store.find(tx, name)
    if found is None:
        raise NotFound(KIND, name)
    return found


async def add_team(tx: Tx, actor: Actor, name: str, *, now: datetime) -> TeamDetails:
    """Make a team without members.

    Raises:
        Forbidden: the actor does not run the desk.
        InvalidInput: the name breaks a rule.
        AlreadyExists: another team has it.
    """
    await lock_setup(tx, actor)
    team = Team(uuid4(), _checked(name), now)
    if not await team_store.insert(tx, team):
        raise AlreadyExists(KIND, name)
    await _append(tx, actor, team, "created", Change("name", None, name), now=now)
    return TeamDetails(team, [], [])


async def rename_team(tx: Tx, actor: Actor, team_id: UUID, name: str, *, now: datetime) -> TeamDetails:
    """Give a team another name; the one it has is no change.

    Raises:
        NotFound: there is no such team.
        Forbidden, InvalidInput, AlreadyExists: as for ``add_team``.
    """
    await lock_setup(tx, actor)
    found = await _found(tx, team_id)
    if _checked(name) == found.team.name:
        return found
    renamed = replace(found.team, name=name)
    if not await team_store.save(tx, renamed):
        raise AlreadyExists(KIND, name)
    await _append(tx, actor, renamed, "changed", Change("name", found.team.name, name), now=now)
    return found._replace(team=renamed)


async def delete_team(tx: Tx, actor: Actor, team_id: UUID, *, now: datetime) -> None:
    """Forget a team. Its members stay what they are.

    Raises:
        NotFound: there is no such team.
        InUse: it works a queue.
        Forbidden: the actor does not run the desk.
    """
    await lock_setup(tx, actor)
    found = await _found(tx, team_id)
    if found.queues:
        raise InUse(KIND, found.team.name, f"it works {', '.join(found.queues)}; give these to another team first")
    await team_store.delete(tx, team_id)
    await _append(tx, actor, found.team, "deleted", now=now)


async def join_team(tx: Tx, actor: Actor, team_id: UUID, user_id: UUID, *, now: datetime) -> TeamDetails:
    """Put a person of the provider into a team; one who is in already stays so.

    Raises:
        NotFound: there is no such team, or no such person of the provider.
        InvalidInput: the person only views.
        Forbidden: the actor does not run the desk.
    """
    await lock_setup(tx, actor)
    found = await _found(tx, team_id)
    user = await account_store.user(tx, PROVIDER_ID, user_id)
    if user is None:
        raise NotFound("user", str(user_id))
    if not user.role.works_tickets:
        raise InvalidInput([Violation("user_id", "must be the id of an agent or admin: viewers work no tickets")])
    if not await team_store.join(tx, team_id, user_id):
        return found
    await _append(tx, actor, found.team, "changed", Change("member", None, str(user_id)), now=now)
    return await _found(tx, team_id)


async def leave_team(tx: Tx, actor: Actor, team_id: UUID, user_id: UUID, *, now: datetime) -> TeamDetails:
    """Take a person out of a team; tickets it has stay its own.

    Raises:
        NotFound: there is no such team, or the person is not in it.
        Forbidden: the actor does not run the desk.
    """
    await lock_setup(tx, actor)
    found = await _found(tx, team_id)
    if not await team_store.leave(tx, team_id, user_id):
        raise NotFound("member", str(user_id))
    await _append(tx, actor, found.team, "changed", Change("member", str(user_id), None), now=now)
    return await _found(tx, team_id)


async def is_available(tx: Tx, actor: Actor) -> bool:
    """Whether one is given tickets by turns.

    Raises:
        Forbidden: the actor is no person of the provider.
    """
    permissions.require_staff(actor, Scope.TICKETS_READ)
    user = None if actor.user is None else await account_store.user(tx, PROVIDER_ID, actor.user.id)
    if user is None:
        raise Forbidden("only a person of the provider is available or not")
    return user.is_available


async def set_available(tx: Tx, actor: Actor, *, available: bool, now: datetime) -> User:
    """Say whether one is given tickets by turns; what is true already is no change.

    Raises:
        Forbidden: the actor is no person of the provider, or its key may not write tickets.
    """
    permissions.require_staff(actor, Scope.TICKETS_WRITE)
    if actor.user is None:
        raise Forbidden("only a person of the provider is available or not")
    if await team_store.set_available(tx, actor.user.id, available=available):
        fact = record("user", "changed", actor.user, [Change("is_available", not available, available)])
        await event_store.append(tx, actor, PROVIDER_ID, fact, now=now)
    return replace(actor.user, is_available=available)


async def _found(tx: Tx, team_id: UUID) -> TeamDetails:
    found = await team_store.get(tx, team_id)
    if found is None:
        raise NotFound(KIND, str(team_id))
    return found


def _checked(name: str) -> str:
    if violations := check_team(name):
        raise InvalidInput(violations)
    return name


async def _append(tx: Tx, actor: Actor, team: Team, action: str, *changes: Change, now: datetime) -> None:
    await event_store.append(tx, actor, PROVIDER_ID, record(KIND, action, team, changes), now=now)
