"""Downloads of the files of a ticket, and which file of it is missing in the store."""

import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import aclosing, suppress
from typing import Any
from urllib.parse import quote

import structlog

from clearline.tickets import access
from clearline.tickets.attachments import usecases as attachments
from clearline.tickets.attachments.blob_backend import BlobMissing, BlobsUnavailable, Key
from clearline.tickets.attachments.domain import Attachment
from clearline.web.fields import known_id
from clearline.web.visit import Visit, redirect
from clearline.wires.http.call import Answer, Headers, Stream

_ATTR_CHAR = "!#$&+-.^_`|~"
"""What needs no escape in ``filename*`` (RFC 8187, 3.2.1), besides letters and digits."""
_MISSING = "missing"
_log = structlog.get_logger("clearline.web")


async def download_file(visit: Visit) -> Answer | Stream:
    """Send a file, always as a download: a browser must not run what a customer attached.

    When its content is missing, whoever follows the link is led to the ticket, whose page says so beside the file.
    """
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
    try:
        first = await anext(blocks)
    except BlobMissing as error:
        _log.warning("file not sent", request_id=visit.browser.request_id, error=str(error))
        if not visit.browser.navigates:
            raise
        ticket, _, _ = str(visit.browser.scope["path"]).rpartition("/files/")
        return redirect(visit.browser, f"{ticket}?all=1&{_MISSING}={attachment.id}#{_MISSING}-{attachment.id}")
    return Stream(200, _whole(first, blocks), headers)


async def missing_file(visit: Visit, entries: Iterable[Any]) -> Attachment | None:
    """Return the file of a timeline that the address of the page calls missing, if its content is still missing."""
    named = visit.query.get(_MISSING, "")
    every: list[Attachment] = [file for entry in entries for file in getattr(entry, "files", ())]
    files = (file for file in every if str(file.id) == named)
    if (file := next(files, None)) is not None:
        with suppress(BlobsUnavailable):
            if not await visit.services.blobs.holds(Key(file.company_id, file.id), file.size):
                return file
    return None


async def _whole(first: bytes, rest: AsyncGenerator[bytes, None]) -> AsyncIterator[bytes]:
    """Yield the first block and the others, then close them."""
    async with aclosing(rest):
        yield first
        async for block in rest:
            yield block
