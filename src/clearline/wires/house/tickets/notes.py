"""House API v1: the notes of a ticket."""

from clearline.drafts import pending_usecases as pending
from clearline.errors import NotFound
from clearline.identity import Scope
from clearline.tickets import access
from clearline.tickets import note_usecases as notes
from clearline.tickets.domain import Channel, ticket_number
from clearline.tickets.links import merge_usecases as merging
from clearline.tickets.links.domain import TicketNote
from clearline.tickets.note_domain import parse_worklog_id, worklog_id
from clearline.wires.house import paging
from clearline.wires.house.tickets import wire
from clearline.wires.house.tickets.handlers import NUMBER, TICKETS
from clearline.wires.house.tickets.mapping import note_out, trimmed_text_out
from clearline.wires.house.wire import Page, PageQuery
from clearline.wires.http.call import Call
from clearline.wires.http.table import Operation

_ID = {
    "id": {
        "description": "The note's id.",
        "example": "WLG000001234567",
        "schema": {"type": "string", "pattern": "^WLG[0-9]{12}$"},
    }
}


async def list_notes(call: Call) -> Page[wire.NoteOut]:
    """List the notes of a ticket and of the tickets merged into it, oldest first."""
    number = access.parse_number(call.path["number"])
    after = paging.read_cursor(call, int)
    async with call.statement() as tx:
        ticket_notes = await merging.notes_with_merged(tx, call.actor, number, after=after, limit=call.query.limit + 1)
    return paging.page(call, ticket_notes, lambda ticket_note: [ticket_note.note.number], note_out)


async def add_note(call: Call) -> wire.NoteOut:
    """Add a note, after what its author has waiting to be sent in the console."""
    number = access.parse_number(call.path["number"])
    body = call.body(wire.NoteIn)
    may_wait = call.actor.is_staff and call.actor.user is not None
    notes_max = call.services.settings.ticket_notes_max
    async with call.transaction() if may_wait else call.statement() as tx:
        await pending.send_waiting(tx, call.actor, number, notes_max=notes_max, now=call.now)
        added = await notes.append_note(
            tx,
            call.actor,
            number,
            body.text,
            channel=Channel.API,
            visibility=body.visibility,
            reopens=call.services.settings.reopen_on_answer,
            notes_max=notes_max,
            now=call.now,
        )
    call.location = f"{TICKETS}/{ticket_number(number)}/notes/{worklog_id(added.number)}"
    return note_out(TicketNote(number, added))


async def get_note(call: Call) -> wire.NoteOut:
    """Get a note of a ticket."""
    number = access.parse_number(call.path["number"])
    text = call.path["id"]
    note_number = parse_worklog_id(text)
    async with call.statement() as tx:
        ticket_note = await merging.note_with_merged(tx, call.actor, number, note_number or 0)
    if ticket_note is None:
        raise NotFound("note", text)
    return note_out(ticket_note)


async def get_trimmed_text(call: Call) -> wire.TrimmedTextOut:
    """Get the text that was trimmed from the mail of a note."""
    number = access.parse_number(call.path["number"])
    text = call.path["id"]
    note_number = parse_worklog_id(text)
    if note_number is None:
        raise NotFound("note", text)
    async with call.statement() as tx:
        return trimmed_text_out(await merging.trimmed_text(tx, call.actor, number, note_number))


OPERATIONS = (
    Operation(
        "listNotes", "GET", TICKETS + "/{number}/notes", list_notes,
        "List the notes of a ticket", "Oldest first, with the notes of tickets merged into it. Customers see public "
        "notes only.",
        Scope.TICKETS_READ, Page[wire.NoteOut], query=PageQuery, path_parameters=NUMBER, errors=(400, 404),
    ),
    Operation(
        "addNote", "POST", TICKETS + "/{number}/notes", add_note,
        "Add a note", "A customer's note is an answer: a pending ticket is in progress again, and a resolved one is "
        "reopened unless the provider turned that off. A ticket has at most 1,000 notes; the provider's people can "
        "add another 1,000.",
        Scope.TICKETS_WRITE, wire.NoteOut, body=wire.NoteIn, path_parameters=NUMBER, errors=(404,), status=201,
    ),
    Operation(
        "getNote", "GET", TICKETS + "/{number}/notes/{id}", get_note,
        "Get a note", "A note of the ticket, or of a ticket merged into it.",
        Scope.TICKETS_READ, wire.NoteOut, path_parameters=NUMBER | _ID, errors=(404,),
    ),
    Operation(
        "getTrimmedText", "GET", TICKETS + "/{number}/notes/{id}/trimmed-text", get_trimmed_text,
        "Get the trimmed text of a note", "The part of a mail that its note leaves out, such as the quote and the "
        "signature. For the provider's people, and for the user who wrote the mail.",
        Scope.TICKETS_READ, wire.TrimmedTextOut, path_parameters=NUMBER | _ID, errors=(404,),
    ),
)  # fmt: skip
