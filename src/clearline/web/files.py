"""Files of a ticket: downloads, and uploads from the composer."""

import re
from urllib.parse import quote

from clearline.errors import InvalidInput, RuleCode, Violation
from clearline.tickets import access
from clearline.tickets.attachments import usecases as attachments
from clearline.tickets.attachments.blob_backend import Key
from clearline.tickets.attachments.domain import ANY_TYPE, new_attachment, specific_type
from clearline.tickets.note_domain import Visibility
from clearline.web.fields import known_id
from clearline.web.visit import Visit
from clearline.wires.http.call import Answer, Headers, Stream
from clearline.wires.http.edge import header

_ATTR_CHAR = "!#$&+-.^_`|~"
"""What needs no escape in ``filename*`` (RFC 8187, 3.2.1), besides letters and digits."""


async def download_file(visit: Visit) -> Stream:
    """Send a file, always as a download: a browser must not run what a customer attached."""
    number = access.parse_number(visit.path["number"])
    file_id = known_id("attachment", visit.path["file"])
    async with visit.services.database.statement() as tx:
        attachment = await attachments.get_attachment(tx, visit.actor, number, file_id)
    plain = re.sub(r'[^\x20-\x7e]|["%\\]', "_", attachment.name)
    escaped = quote(attachment.name, safe=_ATTR_CHAR)
    headers: Headers = [
        (b"content-type", attachment.media_type.encode()),
        (b"content-length", b"%d" % attachment.size),
        (b"content-disposition", f"attachment; filename=\"{plain}\"; filename*=UTF-8''{escaped}".encode()),
        (b"content-security-policy", b"sandbox; default-src 'none'"),
        (b"cache-control", b"private, no-store"),
    ]
    blocks = visit.services.blobs.read(Key(attachment.company_id, attachment.id), start=0, length=attachment.size)
    return Stream(200, blocks, headers)


async def add_file(visit: Visit) -> Answer:
    """Attach the file that is the body, with the name and visibility in the query."""
    number = access.parse_number(visit.path["number"])
    limits, blobs = visit.services.attachments, visit.services.blobs
    name, visibility = visit.query.get("name", ""), visit.query.get("visibility", "")
    if visibility not in tuple(Visibility):
        raise InvalidInput([Violation("visibility", "must be one of " + ", ".join(Visibility), RuleCode.CHOICE)])
    sent_type = (header(visit.browser.scope, b"content-type") or ANY_TYPE.encode()).decode("latin-1")
    new = new_attachment(name, specific_type(name, sent_type, limits), Visibility(visibility), limits)
    async with visit.services.database.statement() as tx:
        company_id = await attachments.require_attachable(tx, visit.actor, number, new.visibility)
    content = await blobs.stage(company_id, visit.chunks(), most=limits.size)
    is_kept = False
    try:
        async with visit.services.database.transaction() as tx:
            await attachments.add_attachment(
                tx, visit.actor, number, new, content, company_size=limits.company_size, now=visit.now
            )
            is_kept = True  # a commit that fails may still have succeeded
    finally:
        if not is_kept:
            await blobs.delete(Key(company_id, content.id))
    return Answer(204, b"", [(b"cache-control", b"no-store")])
