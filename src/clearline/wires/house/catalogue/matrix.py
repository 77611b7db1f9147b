"""House API v1: the priority matrix."""

from msgspec import UnsetType

from clearline.catalogue.matrix import usecases as matrix
from clearline.identity import Scope
from clearline.tickets import access
from clearline.tickets.matrix import usecases as ticket_matrix
from clearline.wires.house.catalogue import matrix_wire as wire
from clearline.wires.house.records import get_record
from clearline.wires.http.call import Call
from clearline.wires.http.table import Operation

MATRIX = "/api/v1/priority-matrix"


async def get_matrix(call: Call) -> wire.MatrixOut:
    """Return the matrix."""
    return await get_record(call, (), matrix.get_matrix, wire.matrix_out)


async def replace_matrix(call: Call) -> wire.MatrixOut:
    """Replace the matrix."""
    cells = wire.cells_in(call.body(wire.MatrixIn).cells)
    async with call.transaction() as tx:
        call.check_if_match(wire.matrix_out(await matrix.lock_matrix(tx, call.actor)))
        return wire.matrix_out(await matrix.replace_matrix(tx, call.actor, cells, now=call.now))


async def preview_matrix(call: Call) -> wire.MatrixPreviewOut:
    """Return the open tickets that a matrix would change."""
    body = call.body(wire.MatrixPreviewIn)
    cells = None if isinstance(body.cells, UnsetType) else wire.cells_in(body.cells)
    after = 0 if body.after is None else access.parse_number(body.after)
    async with call.transaction() as tx:
        preview = await ticket_matrix.preview_matrix(tx, call.actor, cells, after=after, limit=body.limit)
    return wire.preview_out(preview)


OPERATIONS = (
    Operation(
        "getPriorityMatrix", "GET", MATRIX, get_matrix,
        "Get the priority matrix", "Returns all cells; none while nobody defined a matrix. For the provider's people.",
        Scope.DESK_READ, wire.MatrixOut,
    ),
    Operation(
        "replacePriorityMatrix", "PUT", MATRIX, replace_matrix,
        "Replace the priority matrix", "Stores these cells in the place of all that there are. New tickets begin with "
        "what they say; tickets that exist keep their priority and severity until somebody applies the matrix to them, "
        "with the action `priority_matrix` of `bulkTickets`. For admins.",
        Scope.DESK_WRITE, wire.MatrixOut, body=wire.MatrixIn, conditional=True,
    ),
    Operation(
        "previewPriorityMatrix", "POST", MATRIX + "/preview", preview_matrix,
        "Preview a priority matrix", "Returns which open tickets have another priority or severity than these cells, "
        "or the stored ones, say. Tickets for which the matrix says nothing are not among them, but those whose values "
        "somebody set by hand are. Nothing is stored or changed. For admins who see every queue and customer.",
        Scope.DESK_READ, wire.MatrixPreviewOut, body=wire.MatrixPreviewIn,
    ),
)  # fmt: skip
