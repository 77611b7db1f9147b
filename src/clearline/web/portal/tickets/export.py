"""The list of tickets as a table for spreadsheets."""

from clearline.bulk import export_usecases as exports
from clearline.web.portal.tickets.listing import chosen_in
from clearline.web.visit import Visit
from clearline.wires.http.call import Headers, Stream, download


async def export_tickets(visit: Visit) -> Stream:
    """Send the tickets that the filters of the list choose, without its words, as CSV."""
    filters = chosen_in(visit.query).filter_for(visit.actor)
    database = visit.database
    async with database.statement() as tx:
        export = await exports.prepare(tx, visit.actor, state=filters.state, selected=filters)
    headers: Headers = [
        (b"content-type", b"text/csv; charset=utf-8; header=present"),
        (b"content-disposition", b'attachment; filename="tickets.csv"'),
        (b"cache-control", b"private, no-store"),
    ]
    table = exports.read(database, export, "csv", bom=True)
    return Stream(200, download(visit.services, filters.company_id, table), headers)
