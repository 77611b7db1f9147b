"""House API v1: queues and teams as they travel."""

from typing import Any

from clearline.queues.domain import Member
from clearline.queues.store import QueueDetails
from clearline.queues.team_store import TeamDetails
from clearline.wires.house.queues import queue_wire, team_wire
from clearline.wires.house.tickets.mapping import ref
from clearline.wires.house.wire import Ref


def _queue_members(details: QueueDetails) -> dict[str, Any]:
    queue = details.queue
    return {
        "id": str(queue.id),
        "name": queue.name,
        "description": queue.description,
        "team": ref(queue.team_id, details.team_name),
        "assignment": queue.assignment,
        "sender_name": queue.sender_name,
        "sender_address": queue.sender_address,
        "created_at": queue.created_at,
    }


def queue_out(details: QueueDetails) -> queue_wire.QueueOut:
    """Return a queue without the number of its tickets: its ETag would change with every ticket."""
    return queue_wire.QueueOut(**_queue_members(details))


def queue_summary_out(details: QueueDetails) -> queue_wire.QueueSummary:
    """Return a queue in a list."""
    return queue_wire.QueueSummary(
        **_queue_members(details),
        open_tickets=details.open,
        unassigned_tickets=details.unassigned,
        unreachable_tickets=details.unreachable,
    )


def team_out(details: TeamDetails) -> team_wire.TeamOut:
    """Return a team."""
    team = details.team
    members = [Ref(str(member.id), member.name) for member in details.members]
    return team_wire.TeamOut(str(team.id), team.name, members, list(details.queues), team.created_at)


def member_out(member: Member) -> team_wire.MemberOut:
    """Return a member of a team."""
    return team_wire.MemberOut(
        str(member.id), member.name, member.email, member.role, member.is_active, member.is_available
    )
