"""House API v1: queues."""

from uuid import UUID

from clearline.identity import Scope
from clearline.queues import usecases as queues
from clearline.wires.house.parameters import id_in_path, uuid_of
from clearline.wires.house.queues import queue_wire as wire
from clearline.wires.house.queues.mapping import queue_out, queue_summary_out
from clearline.wires.house.records import change_record, delete_record, get_record, list_records
from clearline.wires.house.wire import Page, PageQuery, set_fields, wire_names
from clearline.wires.http.call import Call
from clearline.wires.http.table import Operation

QUEUES = "/api/v1/queues"
_ID = id_in_path("id", "The queue's id.")
_NAMES = {"team": "team_id"}
"""The members that have other names in the domain."""


def _queue_id(call: Call) -> tuple[UUID]:
    return (uuid_of(call.path["id"], queues.KIND),)


async def list_queues(call: Call) -> Page[wire.QueueSummary]:
    """List queues by name."""
    return await list_records(
        call, (), queues.list_queues, str, lambda details: [details.queue.name], queue_summary_out
    )


async def create_queue(call: Call) -> wire.QueueOut:
    """Add a queue."""
    body = call.body(wire.QueueIn)
    with wire_names(_NAMES):
        async with call.transaction() as tx:
            details = await queues.add_queue(
                tx,
                call.actor,
                name=body.name,
                description=body.description,
                team_id=body.team,
                assignment=body.assignment,
                sender_name=body.sender_name,
                sender_address=body.sender_address,
                now=call.now,
            )
    call.location = f"{QUEUES}/{details.queue.id}"
    return queue_out(details)


async def get_queue(call: Call) -> wire.QueueOut:
    """Return a queue."""
    return await get_record(call, _queue_id(call), queues.get_queue, queue_out)


async def change_queue(call: Call) -> wire.QueueOut:
    """Change a queue."""
    ids, members = _queue_id(call), set_fields(call.body(wire.QueuePatch))
    values = {_NAMES.get(name, name): value for name, value in members.items()}
    with wire_names(_NAMES):
        return await change_record(call, ids, values, queues.lock_queue, queues.change_queue, queue_out)


async def delete_queue(call: Call) -> None:
    """Delete a queue."""
    await delete_record(call, _queue_id(call), queues.lock_queue, queues.delete_queue, queue_out)


OPERATIONS = (
    Operation(
        "listQueues", "GET", QUEUES, list_queues,
        "List queues", "Returns queues by name, with the number of their open tickets. For the provider's people.",
        Scope.DESK_READ, Page[wire.QueueSummary], query=PageQuery, errors=(400,),
    ),
    Operation(
        "createQueue", "POST", QUEUES, create_queue,
        "Create a queue", "`assignment` says how tickets are assigned: by people (`manual`), to the team's available "
        "agents in turn (`round_robin`), or to the one with the fewest open tickets (`least_loaded`). For admins.",
        Scope.DESK_WRITE, wire.QueueOut, body=wire.QueueIn, status=201,
    ),
    Operation(
        "getQueue", "GET", QUEUES + "/{id}", get_queue,
        "Get a queue", "The tickets of a queue are listed by `listTickets` with `queue`.",
        Scope.DESK_READ, wire.QueueOut, path_parameters=_ID, errors=(404,),
    ),
    Operation(
        "changeQueue", "PATCH", QUEUES + "/{id}", change_queue,
        "Change a queue", "Sets the values in the merge-patch. Its tickets keep their assignees. For admins.",
        Scope.DESK_WRITE, wire.QueueOut, body=wire.QueuePatch, path_parameters=_ID, errors=(404,), conditional=True,
    ),
    Operation(
        "deleteQueue", "DELETE", QUEUES + "/{id}", delete_queue,
        "Delete a queue", "A queue cannot be deleted while it has tickets, open or finished, or a routing rule "
        "chooses it. For admins.",
        Scope.DESK_WRITE, None, path_parameters=_ID, errors=(404, 409), status=204, conditional=True,
    ),
)  # fmt: skip
