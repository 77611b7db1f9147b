"""House API v1: teams, their members, and whether one is given tickets."""

from uuid import UUID

from clearline.errors import NotFound
from clearline.identity import Scope
from clearline.queues import team_usecases as teams
from clearline.queues import usecases as queues
from clearline.queues.team_store import TeamDetails
from clearline.wires.house import paging
from clearline.wires.house.queues import team_wire as wire
from clearline.wires.house.queues.mapping import member_out, team_out
from clearline.wires.house.tickets.handlers import id_in_path, uuid_of
from clearline.wires.house.wire import Page, PageQuery
from clearline.wires.http.call import Call
from clearline.wires.http.table import Operation

TEAMS = "/api/v1/teams"
AVAILABILITY = "/api/v1/me/availability"
_ID = id_in_path("id", "The team's id.")
_MEMBER = _ID | id_in_path("user_id", "The id of a person of the provider.")


def _member_out(found: TeamDetails, user_id: UUID) -> wire.MemberOut:
    for one in found.members:
        if one.id == user_id:
            return member_out(one)
    raise NotFound("member", str(user_id))


async def list_teams(call: Call) -> Page[wire.TeamOut]:
    """Teams by name."""
    after = paging.read_cursor(call, str)
    async with call.statement() as tx:
        found = await teams.list_teams(tx, call.actor, after=after, limit=call.query.limit + 1)
    return paging.page(call, found, lambda one: [one.team.name], team_out)


async def create_team(call: Call) -> wire.TeamOut:
    """Make a team."""
    body = call.body(wire.TeamIn)
    async with call.transaction() as tx:
        made = await teams.add_team(tx, call.actor, body.name, now=call.now)
    call.location = f"{TEAMS}/{made.team.id}"
    return team_out(made)


async def get_team(call: Call) -> wire.TeamOut:
    """One team."""
    team_id = uuid_of(call.path["id"], "team")
    async with call.statement() as tx:
        return team_out(await teams.get_team(tx, call.actor, team_id))


async def change_team(call: Call) -> wire.TeamOut:
    """Rename a team."""
    team_id = uuid_of(call.path["id"], "team")
    body = call.body(wire.TeamPatch)
    async with call.transaction() as tx:
        await queues.lock_setup(tx, call.actor)
        found = await teams.get_team(tx, call.actor, team_id)
        call.check_if_match(team_out(found))
        if isinstance(body.name, str):
            found = await teams.rename_team(tx, call.actor, team_id, body.name, now=call.now)
    return team_out(found)


async def delete_team(call: Call) -> None:
    """Forget a team."""
    team_id = uuid_of(call.path["id"], "team")
    async with call.transaction() as tx:
        await queues.lock_setup(tx, call.actor)
        call.check_if_match(team_out(await teams.get_team(tx, call.actor, team_id)))
        await teams.delete_team(tx, call.actor, team_id, now=call.now)


async def get_member(call: Call) -> wire.MemberOut:
    """One person of a team."""
    team_id, user_id = uuid_of(call.path["id"], "team"), uuid_of(call.path["user_id"], "member")
    async with call.statement() as tx:
        return _member_out(await teams.get_team(tx, call.actor, team_id), user_id)


async def join_team(call: Call) -> wire.MemberOut:
    """Put a person into a team."""
    team_id, user_id = uuid_of(call.path["id"], "team"), uuid_of(call.path["user_id"], "user")
    async with call.transaction() as tx:
        return _member_out(await teams.join_team(tx, call.actor, team_id, user_id, now=call.now), user_id)


async def leave_team(call: Call) -> None:
    """Take a person out of a team."""
    team_id, user_id = uuid_of(call.path["id"], "team"), uuid_of(call.path["user_id"], "member")
    async with call.transaction() as tx:
        await queues.lock_setup(tx, call.actor)
        call.check_if_match(_member_out(await teams.get_team(tx, call.actor, team_id), user_id))
        await teams.leave_team(tx, call.actor, team_id, user_id, now=call.now)


async def get_availability(call: Call) -> wire.AvailabilityOut:
    """Whether queues give one tickets."""
    async with call.statement() as tx:
        return wire.AvailabilityOut(await teams.is_available(tx, call.actor))


async def set_availability(call: Call) -> wire.AvailabilityOut:
    """Say whether queues may give one tickets."""
    body = call.body(wire.AvailabilityIn)
    async with call.transaction() as tx:
        user = await teams.set_available(tx, call.actor, available=body.available, now=call.now)
    return wire.AvailabilityOut(user.is_available)


OPERATIONS = (
    Operation(
        "listTeams", "GET", TEAMS, list_teams,
        "List teams", "By name. For the provider's people.",
        Scope.DESK_READ, Page[wire.TeamOut], query=PageQuery, errors=(400,),
    ),
    Operation(
        "createTeam", "POST", TEAMS, create_team,
        "Make a team", "It has no members yet. Names are unique, whatever the case of their letters.",
        Scope.DESK_WRITE, wire.TeamOut, body=wire.TeamIn, status=201,
    ),
    Operation(
        "getTeam", "GET", TEAMS + "/{id}", get_team,
        "Read a team", "With its members and the names of the queues that it works.",
        Scope.DESK_READ, wire.TeamOut, path_parameters=_ID, errors=(404,),
    ),
    Operation(
        "changeTeam", "PATCH", TEAMS + "/{id}", change_team,
        "Rename a team", "Members come and go by their own addresses.",
        Scope.DESK_WRITE, wire.TeamOut, body=wire.TeamPatch, path_parameters=_ID, errors=(404,), conditional=True,
    ),
    Operation(
        "deleteTeam", "DELETE", TEAMS + "/{id}", delete_team,
        "Delete a team", "Refused while it works a queue. Its members stay what they are.",
        Scope.DESK_WRITE, None, path_parameters=_ID, errors=(404, 409), status=204, conditional=True,
    ),
    Operation(
        "getTeamMember", "GET", TEAMS + "/{id}/members/{user_id}", get_member,
        "Read a member of a team", "With whether the person is given tickets by turns now.",
        Scope.DESK_READ, wire.MemberOut, path_parameters=_MEMBER, errors=(404,),
    ),
    Operation(
        "joinTeam", "PUT", TEAMS + "/{id}/members/{user_id}", join_team,
        "Put a person into a team", "Agents and admins. One who is in already stays so.",
        Scope.DESK_WRITE, wire.MemberOut, path_parameters=_MEMBER, errors=(404, 422),
    ),
    Operation(
        "leaveTeam", "DELETE", TEAMS + "/{id}/members/{user_id}", leave_team,
        "Take a person out of a team", "Tickets that the person has stay with it.",
        Scope.DESK_WRITE, None, path_parameters=_MEMBER, errors=(404,), status=204, conditional=True,
    ),
    Operation(
        "getAvailability", "GET", AVAILABILITY, get_availability,
        "Read whether you are available", "For the provider's people.",
        Scope.TICKETS_READ, wire.AvailabilityOut,
    ),
    Operation(
        "setAvailability", "PUT", AVAILABILITY, set_availability,
        "Say whether you are available", "Queues that assign by themselves give tickets only to those who are.",
        Scope.TICKETS_WRITE, wire.AvailabilityOut, body=wire.AvailabilityIn,
    ),
)  # fmt: skip
