"""House API v1: export what is stored about a person."""

from collections.abc import AsyncIterator

from clearline.identity import Scope
from clearline.privacy import export_usecases as person_exports
from clearline.privacy.domain import PersonExport
from clearline.wires.house.parameters import query_refusals
from clearline.wires.house.privacy import wire
from clearline.wires.http.call import Call, Headers, Stream, download
from clearline.wires.http.table import Operation

MEDIA = "application/zip"


async def export_person(call: Call) -> Stream:
    """Stream the file of what is stored about a person."""
    query: wire.PersonExportQuery = call.query
    with query_refusals():
        async with call.transaction() as tx:
            export = await person_exports.prepare_export(tx, call.actor, query.address, now=call.now)
    headers = export_headers(export)
    parts = person_exports.read(call.database, call.services.blobs, export)
    if call.scope["method"] == "HEAD":
        return Stream(200, _nothing(), headers)
    return Stream(200, download(call.services, call.customer, parts), headers)


def export_headers(export: PersonExport) -> Headers:
    """Return the headers of the file of an export."""
    return [
        (b"content-type", MEDIA.encode()),
        (b"content-disposition", f'attachment; filename="{export.file_name}"'.encode()),
        (b"cache-control", b"private, no-store"),
        (b"vary", b"Authorization"),
    ]


async def _nothing() -> AsyncIterator[bytes]:
    yield b""


OPERATIONS = (
    Operation(
        "exportPerson", "GET", "/api/v1/exports/person", export_person,
        "Export a person", "Streams a ZIP file with all that is stored about the person with an e-mail address: "
        "accounts, sessions and keys without their secrets, tickets, notes, contacts, mail, notifications, events, and "
        "the files that the person attached. `person.json` says what is in it, and what is not. An address without an "
        "account, such as that of a contact, is a person, too. The audit says who exported. For the provider's "
        "admins whose access is not limited.",
        Scope.PEOPLE_EXPORT, bytes, query=wire.PersonExportQuery, media=(MEDIA,), errors=(400, 404),
    ),
)  # fmt: skip
