"""The list of tickets as a table for spreadsheets."""

from msgspec.structs import replace

from clearline.bulk import export_usecases as exports
from clearline.fields.reference_usecases import NO_NAMES
from clearline.language.reader import reader
from clearline.web.portal.tickets.listing import chosen_in, find_all
from clearline.web.visit import Visit
from clearline.wires.http.call import Answer, Headers, Stream, download

_DELIMITERS = {"de": ";"}
"""What separates the cells, by the language of the reader: Excel splits a table at the list separator of the system,
which is the semicolon where the comma is the decimal sign. The headings are those that imports read, in every
language."""


async def export_tickets(visit: Visit) -> Answer | Stream:
    """Send the tickets that the list has, as CSV."""
    chosen, database = chosen_in(visit.query), visit.database
    filters = chosen.filter_for(visit.actor)
    async with database.transaction() as tx:
        export = await exports.prepare(tx, visit.actor, state=filters.state, selected=filters)
        export = replace(export, delimiter=_DELIMITERS.get(reader().language, ","))
        found = await find_all(visit, tx, chosen) if chosen.q else None
        names = NO_NAMES if found is None else await exports.names_of(tx, export, found)
    headers: Headers = [
        (b"content-type", b"text/csv; charset=utf-8; header=present"),
        (b"content-disposition", b'attachment; filename="tickets.csv"'),
        (b"cache-control", b"private, no-store"),
    ]
    if found is not None:
        return Answer(200, exports.table(found, export, names, bom=True), headers)
    table = exports.read(database, export, "csv", bom=True)
    return Stream(200, download(visit.services, visit.customer, table), headers)
