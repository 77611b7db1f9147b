"""The files in the composer: each is uploaded when it is chosen, and goes with the message."""

from clearline.tickets import access
from clearline.tickets.attachments import held_usecases as held_files
from clearline.tickets.attachments import usecases as attachments
from clearline.tickets.attachments.blob_backend import Key
from clearline.tickets.attachments.domain import ANY_TYPE, new_attachment, specific_type
from clearline.tickets.domain import ticket_number
from clearline.tickets.note_domain import Visibility
from clearline.web.console.tickets.copies import composer_again
from clearline.web.console.tickets.drafts import no_more_files, save_typed
from clearline.web.fields import known_id
from clearline.web.multipart import receive_form
from clearline.web.visit import Visit
from clearline.wires.http.call import Answer
from clearline.wires.http.edge import header


async def add_file(visit: Visit) -> Answer:
    """Put the file that is the body into the composer, with the name in the query; show the files that are there."""
    number = access.parse_number(visit.path["number"])
    limits, blobs = visit.services.attachments, visit.services.blobs
    name = visit.query.get("name", "")
    sent_type = (header(visit.browser.scope, b"content-type") or ANY_TYPE.encode()).decode("latin-1")
    new = new_attachment(name, specific_type(name, sent_type, limits), Visibility.PUBLIC, limits)
    async with visit.services.database.statement() as tx:
        company_id = await attachments.require_attachable(tx, visit.actor, number, new.visibility)
    content = await blobs.stage(company_id, visit.chunks(), most=limits.size)
    is_kept = False
    try:
        async with visit.services.database.transaction() as tx:
            await held_files.hold_file(tx, visit.actor, number, new, content, now=visit.now)
            files = await held_files.in_composer(tx, visit.actor, number)
            is_kept = True  # a commit that fails may still have succeeded
    finally:
        if not is_kept:
            await blobs.delete(Key(company_id, content.id))
    return visit.page("console/files.html", files=files, base=f"/console/tickets/{ticket_number(number)}", end="")


async def drop_file(visit: Visit) -> Answer:
    """Take a file out of the composer; what was typed there is saved as its draft."""
    number = access.parse_number(visit.path["number"])
    async with receive_form(visit, no_more_files):  # scripts send the form as the composer does
        file_id = known_id("file", visit.form.get("drop"))
        async with visit.services.database.transaction() as tx:
            file = await held_files.drop_file(tx, visit.actor, number, file_id)
            await save_typed(visit, tx, number)
    await visit.services.blobs.delete(Key(file.company_id, file.id))
    return await composer_again(visit, number)
