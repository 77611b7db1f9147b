"""House API v1: teams, their members, and the availability of the acting user."""

from uuid import UUID

from clearline.errors import require_found
from clearline.identity import Scope
from clearline.queues import team_usecases as teams
from clearline.queues.team_store import TeamDetails
from clearline.wires.house.parameters import id_in_path, uuid_of
from clearline.wires.house.queues import team_wire as wire
from clearline.wires.house.queues.mapping import member_out, team_out
from clearline.wires.house.records import change_record, delete_record, get_record, list_records
from clearline.wires.house.wire import Page, PageQuery, set_fields
from clearline.wires.http.call import Call
from clearline.wires.http.table import Operation

TEAMS = "/api/v1/teams"
AVAILABILITY = "/api/v1/me/availability"
_ID = id_in_path("id", "The team's id.")
_MEMBER = _ID | id_in_path("user_id", "The id of a person of the provider.")


def _team_id(call: Call) -> tuple[UUID]:
    return (uuid_of(call.path["id"], teams.KIND),)


def _member_out(details: TeamDetails, user_id: UUID) -> wire.MemberOut:
    member = next((member for member in details.members if member.id == user_id), None)
    return member_out(require_found(member, "member", user_id))


async def list_teams(call: Call) -> Page[wire.TeamOut]:
    """List teams by name."""
    return await list_records(call, (), teams.list_teams, str, lambda details: [details.team.name], team_out)


async def create_team(call: Call) -> wire.TeamOut:
    """Add a team."""
    body = call.body(wire.TeamIn)
    async with call.transaction() as tx:
        details = await teams.add_team(tx, call.actor, body.name, now=call.now)
    call.location = f"{TEAMS}/{details.team.id}"
    return team_out(details)


async def get_team(call: Call) -> wire.TeamOut:
    """Return a team."""
    return await get_record(call, _team_id(call), teams.get_team, team_out)


async def change_team(call: Call) -> wire.TeamOut:
    """Change a team."""
    ids, values = _team_id(call), set_fields(call.body(wire.TeamPatch))
    return await change_record(call, ids, values, teams.lock_team, teams.change_team, team_out)


async def delete_team(call: Call) -> None:
    """Delete a team."""
    await delete_record(call, _team_id(call), teams.lock_team, teams.delete_team, team_out)


async def get_member(call: Call) -> wire.MemberOut:
    """Return a member of a team."""
    team_id, user_id = uuid_of(call.path["id"], "team"), uuid_of(call.path["user_id"], "member")
    async with call.statement() as tx:
        return _member_out(await teams.get_team(tx, call.actor, team_id), user_id)


async def join_team(call: Call) -> wire.MemberOut:
    """Add a person to a team."""
    team_id, user_id = uuid_of(call.path["id"], "team"), uuid_of(call.path["user_id"], "user")
    async with call.transaction() as tx:
        return _member_out(await teams.join_team(tx, call.actor, team_id, user_id, now=call.now), user_id)


async def leave_team(call: Call) -> None:
    """Remove a person from a team."""
    team_id, user_id = uuid_of(call.path["id"], "team"), uuid_of(call.path["user_id"], "member")
    async with call.transaction() as tx:
        call.check_if_match(_member_out(await teams.lock_team(tx, call.actor, team_id), user_id))
        await teams.leave_team(tx, call.actor, team_id, user_id, now=call.now)


async def get_availability(call: Call) -> wire.AvailabilityOut:
    """Return whether the acting user is assigned tickets automatically."""
    async with call.statement() as tx:
        return wire.AvailabilityOut(await teams.is_available(tx, call.actor))


async def set_availability(call: Call) -> wire.AvailabilityOut:
    """Set whether the acting user is assigned tickets automatically."""
    body = call.body(wire.AvailabilityIn)
    async with call.transaction() as tx:
        user = await teams.set_available(tx, call.actor, available=body.available, now=call.now)
    return wire.AvailabilityOut(user.is_available)


OPERATIONS = (
    Operation(
        "listTeams", "GET", TEAMS, list_teams,
        "List teams", "Returns teams by name. For the provider's people.",
        Scope.DESK_READ, Page[wire.TeamOut], query=PageQuery, errors=(400,),
    ),
    Operation(
        "createTeam", "POST", TEAMS, create_team,
        "Create a team", "A new team has no members. Names are unique, ignoring case. For admins.",
        Scope.DESK_WRITE, wire.TeamOut, body=wire.TeamIn, status=201,
    ),
    Operation(
        "getTeam", "GET", TEAMS + "/{id}", get_team,
        "Get a team", "Returns a team with its members and the names of its queues.",
        Scope.DESK_READ, wire.TeamOut, path_parameters=_ID, errors=(404,),
    ),
    Operation(
        "changeTeam", "PATCH", TEAMS + "/{id}", change_team,
        "Rename a team", "Members are added and removed by operations of their own. For admins.",
        Scope.DESK_WRITE, wire.TeamOut, body=wire.TeamPatch, path_parameters=_ID, errors=(404,), conditional=True,
    ),
    Operation(
        "deleteTeam", "DELETE", TEAMS + "/{id}", delete_team,
        "Delete a team", "A team cannot be deleted while it has a queue. Its members stay users. For admins.",
        Scope.DESK_WRITE, None, path_parameters=_ID, errors=(404, 409), status=204, conditional=True,
    ),
    Operation(
        "getTeamMember", "GET", TEAMS + "/{id}/members/{user_id}", get_member,
        "Get a member of a team", "Returns whether the person is active and available, and so is assigned tickets "
        "automatically.",
        Scope.DESK_READ, wire.MemberOut, path_parameters=_MEMBER, errors=(404,),
    ),
    Operation(
        "joinTeam", "PUT", TEAMS + "/{id}/members/{user_id}", join_team,
        "Add a person to a team", "The person must be an agent or admin. A member stays a member. For admins.",
        Scope.DESK_WRITE, wire.MemberOut, path_parameters=_MEMBER, errors=(404, 422),
    ),
    Operation(
        "leaveTeam", "DELETE", TEAMS + "/{id}/members/{user_id}", leave_team,
        "Remove a person from a team", "The person's tickets stay assigned to it. For admins.",
        Scope.DESK_WRITE, None, path_parameters=_MEMBER, errors=(404,), status=204, conditional=True,
    ),
    Operation(
        "getAvailability", "GET", AVAILABILITY, get_availability,
        "Get your availability", "Returns whether you are assigned tickets automatically. For the provider's people.",
        Scope.TICKETS_READ, wire.AvailabilityOut,
    ),
    Operation(
        "setAvailability", "PUT", AVAILABILITY, set_availability,
        "Set your availability", "Queues assign tickets automatically only to people who are available. For the "
        "provider's people.",
        Scope.TICKETS_WRITE, wire.AvailabilityOut, body=wire.AvailabilityIn,
    ),
)  # fmt: skip
