"""Downloads of the files of a ticket."""

import re
from urllib.parse import quote

from clearline.tickets import access
from clearline.tickets.attachments import usecases as attachments
from clearline.tickets.attachments.blob_backend import Key
from clearline.web.fields import known_id
from clearline.web.visit import Visit
from clearline.wires.http.call import Headers, Stream

_ATTR_CHAR = "!#$&+-.^_`|~"
"""What needs no escape in ``filename*`` (RFC 8187, 3.2.1), besides letters and digits."""


async def download_file(visit: Visit) -> Stream:
    """Send a file, always as a download: a browser must not run what a customer attached."""
    number = access.parse_number(visit.path["number"])
    file_id = known_id("attachment", visit.path["file"])
    async with visit.database.statement() as tx:
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
