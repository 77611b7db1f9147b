"""House API v1: handovers of shifts."""

from clearline.handovers import usecases as handovers
from clearline.identity import Scope
from clearline.wires.house import paging
from clearline.wires.house.handovers import wire
from clearline.wires.house.handovers.mapping import details_out, handover_out
from clearline.wires.house.parameters import EXAMPLE_ID, id_in_path, uuid_of
from clearline.wires.house.records import get_record, newest_key, not_before_since
from clearline.wires.house.wire import DatedPageQuery, Page
from clearline.wires.http.call import Call
from clearline.wires.http.table import Operation

_HANDOVERS = "/api/v1/handovers"
_ID = id_in_path("id", "The handover's id.", example=EXAMPLE_ID)


async def list_handovers(call: Call) -> Page[wire.HandoverOut]:
    """List handovers, newest first."""
    before = newest_key(call)
    async with call.statement() as tx:
        page = await handovers.list_handovers(tx, call.actor, after=before, limit=call.query.limit + 1)
    page = not_before_since(call, page, lambda handover: handover.at)
    return paging.page(call, page, lambda handover: [handover.at.isoformat(), str(handover.id)], handover_out)


async def add_handover(call: Call) -> wire.HandoverDetailsOut:
    """Sign a shift off."""
    body = call.body(wire.HandoverIn)
    async with call.transaction() as tx:
        handover = await handovers.sign_off(tx, call.actor, body.note, now=call.now)
    call.location = f"{_HANDOVERS}/{handover.id}"
    return details_out(handover)


async def get_handover(call: Call) -> wire.HandoverDetailsOut:
    """Return a handover."""
    return await get_record(call, (uuid_of(call.path["id"], handovers.KIND),), handovers.get_handover, details_out)


OPERATIONS = (
    Operation(
        "listHandovers", "GET", _HANDOVERS, list_handovers,
        "List handovers", "Returns the shifts that were signed off, newest first. For the provider's people.",
        Scope.TICKETS_READ, Page[wire.HandoverOut], query=DatedPageQuery, errors=(400,),
    ),
    Operation(
        "addHandover", "POST", _HANDOVERS, add_handover,
        "Sign a shift off", "Keeps the note, and what is open now: at most 50 critical tickets, 50 on hold, and the 10 "
        "longest without a change. For the provider's people who work tickets.",
        Scope.TICKETS_WRITE, wire.HandoverDetailsOut, body=wire.HandoverIn, status=201,
    ),
    Operation(
        "getHandover", "GET", _HANDOVERS + "/{id}", get_handover,
        "Get a handover", "Returns a handover with what was open then. For the provider's people.",
        Scope.TICKETS_READ, wire.HandoverDetailsOut, path_parameters=_ID, errors=(404,),
    ),
)  # fmt: skip
