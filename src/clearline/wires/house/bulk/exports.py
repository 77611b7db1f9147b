"""House API v1: exports of tickets, streamed while they are read."""

from collections.abc import AsyncIterator

from clearline.bulk import export_usecases as exports
from clearline.identity import Scope
from clearline.wires.house.bulk import wire
from clearline.wires.house.parameters import query_refusals
from clearline.wires.house.tickets.filters import filter_of
from clearline.wires.http.call import Call, Headers, Stream, download
from clearline.wires.http.table import Operation

MEDIA = {"ndjson": b"application/x-ndjson", "csv": b"text/csv; charset=utf-8; header=present"}


async def export_tickets(call: Call) -> Stream:
    """Stream the tickets that the actor may see."""
    query: wire.ExportQuery = call.query
    with query_refusals():
        async with call.statement() as tx:
            selected = await filter_of(tx, call.actor, query, state="all")
            export = await exports.prepare(
                tx,
                call.actor,
                state=selected.state,
                company=query.company,
                created_since=query.created_since,
                selected=selected,
            )
    headers: Headers = [
        (b"content-type", MEDIA[query.format]),
        (b"content-disposition", f'attachment; filename="tickets.{query.format}"'.encode()),
        (b"cache-control", b"private, no-store"),
        (b"vary", b"Authorization"),
    ]
    is_head = call.scope["method"] == "HEAD"
    if is_head:
        return Stream(200, _nothing(), headers)
    parts = exports.read(call.database, export, query.format, bom=query.bom)
    return Stream(200, download(call.services, call.customer, parts), headers)


async def _nothing() -> AsyncIterator[bytes]:
    yield b""


OPERATIONS = (
    Operation(
        "exportTickets", "GET", "/api/v1/exports/tickets", export_tickets,
        "Export tickets", "Streams every ticket, or those that match the filters, in the order of the numbers. A "
        "broken connection means that the file is incomplete. In a table, a cell that a spreadsheet would run as a "
        "formula begins with an apostrophe. Customers get their own company's tickets with the public notes, and then "
        "those of each company that shares its tickets with theirs.",
        Scope.TICKETS_READ, bytes, query=wire.ExportQuery, media=tuple(media.decode() for media in MEDIA.values()),
        errors=(400,),
    ),
)  # fmt: skip
