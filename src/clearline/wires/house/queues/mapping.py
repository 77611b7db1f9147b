"""House API v1: queues and teams as they travel."""

from typing import Any

from clearline.queues.domain import Member
from clearline.queues.store import QueueDetails
from clearline.queues.team_store import TeamDetails
from clearline.wires.house.queues import queue_wire, team_wire
from clearline.wires.house.tickets.mapping import ref
from clearline.wires.house.wire import Ref


def _queue_members(found: QueueDetails) -> dict[str, Any]:
    queue = found.queue
    return {
        "id": str(queue.id),
        "name": queue.name,
        "description": queue.description,
        "team": ref(queue.team_id, found.team_name),
        "assignment": queue.assignment,
        "created_at": queue.created_at,
    }


def queue_out(found: QueueDetails) -> queue_wire.QueueOut:
    """Return a queue without the number of its tickets: its ETag would change with every ticket."""
    return queue_wire.QueueOut(**_queue_members(found))


def queue_summary_out(found: QueueDetails) -> queue_wire.QueueSummary:
    """Return a queue in a list."""
    return queue_wire.QueueSummary(
        **_queue_members(found), open_tickets=found.open, unassigned_tickets=found.unassigned
    )


def team_out(found: TeamDetails) -> team_wire.TeamOut:
    """Return a team."""
    members = [Ref(str(one.id), one.name) for one in found.members]
    return team_wire.TeamOut(str(found.team.id), found.team.name, members, list(found.queues), found.team.created_at)


def member_out(one: Member) -> team_wire.MemberOut:
    """Return a member of a team."""
    return team_wire.MemberOut(str(one.id), one.name, one.email, one.role, one.is_active, one.is_available)
