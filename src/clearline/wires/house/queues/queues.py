"""House API v1: queues."""

from clearline.identity import Scope
from clearline.queues import usecases as queues
from clearline.wires.house import paging
from clearline.wires.house.queues import queue_wire as wire
from clearline.wires.house.queues.mapping import queue_out, queue_summary_out
from clearline.wires.house.tickets.handlers import id_in_path, uuid_of
from clearline.wires.house.wire import Page, PageQuery, set_fields, wire_names
from clearline.wires.http.call import Call
from clearline.wires.http.table import Operation

QUEUES = "/api/v1/queues"
_ID = id_in_path("id", "The queue's id.")
_NAMES = {"team": "team_id"}
"""What this wire calls otherwise than the domain."""


async def list_queues(call: Call) -> Page[wire.QueueSummary]:
    """Queues by name."""
    after = paging.read_cursor(call, str)
    async with call.statement() as tx:
        found = await queues.list_queues(tx, call.actor, after=after, limit=call.query.limit + 1)
    return paging.page(call, found, lambda one: [one.queue.name], queue_summary_out)


async def create_queue(call: Call) -> wire.QueueOut:
    """Make a queue."""
    body = call.body(wire.QueueIn)
    with wire_names(_NAMES):
        async with call.transaction() as tx:
            made = await queues.add_queue(
                tx,
                call.actor,
                name=body.name,
                description=body.description,
                team_id=body.team,
                assignment=body.assignment,
                now=call.now,
            )
    call.location = f"{QUEUES}/{made.queue.id}"
    return queue_out(made)


async def get_queue(call: Call) -> wire.QueueOut:
    """One queue."""
    queue_id = uuid_of(call.path["id"], "queue")
    async with call.statement() as tx:
        return queue_out(await queues.get_queue(tx, call.actor, queue_id))


async def change_queue(call: Call) -> wire.QueueOut:
    """Change a queue."""
    queue_id = uuid_of(call.path["id"], "queue")
    values = {_NAMES.get(name, name): value for name, value in set_fields(call.body(wire.QueuePatch)).items()}
    with wire_names(_NAMES):
        async with call.transaction() as tx:
            await queues.lock_setup(tx, call.actor)
            call.check_if_match(queue_out(await queues.get_queue(tx, call.actor, queue_id)))
            return queue_out(await queues.change_queue(tx, call.actor, queue_id, values, now=call.now))


async def delete_queue(call: Call) -> None:
    """Forget a queue."""
    queue_id = uuid_of(call.path["id"], "queue")
    async with call.transaction() as tx:
        await queues.lock_setup(tx, call.actor)
        call.check_if_match(queue_out(await queues.get_queue(tx, call.actor, queue_id)))
        await queues.delete_queue(tx, call.actor, queue_id, now=call.now)


OPERATIONS = (
    Operation(
        "listQueues", "GET", QUEUES, list_queues,
        "List queues", "By name, with how many open tickets each has. For the provider's people.",
        Scope.DESK_READ, Page[wire.QueueSummary], query=PageQuery, errors=(400,),
    ),
    Operation(
        "createQueue", "POST", QUEUES, create_queue,
        "Make a queue", "`assignment` says how its tickets find their agent: people take them (`manual`), the team's "
        "available agents take turns (`round_robin`), or the one with the fewest open tickets gets them "
        "(`least_loaded`).",
        Scope.DESK_WRITE, wire.QueueOut, body=wire.QueueIn, status=201,
    ),
    Operation(
        "getQueue", "GET", QUEUES + "/{id}", get_queue,
        "Read a queue", "One queue. Its tickets are in the list of tickets, by `queue`.",
        Scope.DESK_READ, wire.QueueOut, path_parameters=_ID, errors=(404,),
    ),
    Operation(
        "changeQueue", "PATCH", QUEUES + "/{id}", change_queue,
        "Change a queue", "Tickets that wait in it stay whose they are.",
        Scope.DESK_WRITE, wire.QueueOut, body=wire.QueuePatch, path_parameters=_ID, errors=(404,), conditional=True,
    ),
    Operation(
        "deleteQueue", "DELETE", QUEUES + "/{id}", delete_queue,
        "Delete a queue", "Refused while tickets, open or finished, or a routing rule refer to it.",
        Scope.DESK_WRITE, None, path_parameters=_ID, errors=(404, 409), status=204, conditional=True,
    ),
)  # fmt: skip
