"""House API v1: add, list, download and delete the attachments of tickets."""

import re
from base64 import b64encode
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote
from uuid import UUID

from clearline.errors import AttachmentTooLarge, InvalidInput, MediaTypeRefused
from clearline.identity import Scope
from clearline.settings.defaults import ATTACHMENT_MAX, COMPANY_ATTACHMENTS_MAX
from clearline.tickets import access
from clearline.tickets.attachments import usecases as attachments
from clearline.tickets.attachments.blob_backend import BlobMissing, Key
from clearline.tickets.attachments.blobs import Blobs
from clearline.tickets.attachments.domain import (
    Attachment,
    Content,
    NewAttachment,
    new_attachment,
    specific_type,
)
from clearline.tickets.domain import ticket_number
from clearline.wires.house import paging
from clearline.wires.house.errors import RangeNotSatisfiable
from clearline.wires.house.parameters import uuid_of
from clearline.wires.house.records import time_and_id, time_and_id_keys
from clearline.wires.house.tickets.attachments.mapping import attachment_out
from clearline.wires.house.tickets.attachments.wire import AttachmentOut, AttachmentQuery
from clearline.wires.house.tickets.handlers import NUMBER, TICKETS
from clearline.wires.house.wire import Page, PageQuery
from clearline.wires.http.body import BodyTooLarge, InvalidQuery, NotJson
from clearline.wires.http.call import Call, Headers, Stream, download
from clearline.wires.http.edge import header
from clearline.wires.http.table import Header, Operation

_OF_TICKET = TICKETS + "/{number}/attachments"
_ATTACHMENT = _OF_TICKET + "/{id}"
_ID: dict[str, dict[str, Any]] = NUMBER | {
    "id": {"description": "The attachment's id.", "schema": {"type": "string", "format": "uuid"}}
}
_RANGE = re.compile(rb"bytes=(\d{0,18})-(\d{0,18})")
_ATTR_CHAR = "!#$&+-.^_`|~"
"""What needs no escape in ``filename*`` (RFC 8187, 3.2.1), besides letters and digits."""


class _Received:
    """A stored file that is not an attachment yet."""

    __slots__ = ("_blobs", "_company_id", "content", "fingerprint", "is_kept", "new")

    def __init__(self, blobs: Blobs, company_id: UUID, new: NewAttachment, content: Content) -> None:
        self._blobs, self._company_id = blobs, company_id
        self.new, self.content = new, content
        self.fingerprint = content.sha256 + new.media_type.encode()
        self.is_kept = False
        """Whether the attachment was inserted. A commit that failed may still have succeeded, so the file is kept then;
        ``delete_orphaned_files`` decides a day later."""

    async def discard(self) -> None:
        """Delete the content, if the attachment was not inserted."""
        if not self.is_kept:
            await self._blobs.delete(Key(self._company_id, self.content.id))


async def receive_attachment(call: Call, chunks: AsyncIterator[bytes]) -> _Received:
    """Store the upload, if the actor may attach it."""
    number = access.parse_number(call.path["number"])
    new = _described(call)
    most = call.services.attachments.size
    length = header(call.scope, b"content-length")
    if length is not None and length.isdigit() and int(length) > most:
        raise BodyTooLarge(str(AttachmentTooLarge(most)))
    async with call.statement() as tx:
        company_id = await attachments.require_attachable(tx, call.actor, number, new.visibility)
        size = int(length) if length is not None and length.isdigit() else 1
        await attachments.require_room(tx, call.actor, company_id, size, most=call.services.attachments.company_size)
    try:
        content = await call.services.blobs.stage(company_id, chunks, most=most)
    except AttachmentTooLarge as error:
        raise BodyTooLarge(str(error)) from None
    return _Received(call.services.blobs, company_id, new, content)


def _described(call: Call) -> NewAttachment:
    query: AttachmentQuery = call.query
    sent_type = header(call.scope, b"content-type")
    try:
        return new_attachment(
            query.name,
            None
            if sent_type is None
            else specific_type(query.name, sent_type.decode("latin-1"), call.services.attachments),
            query.visibility,
            call.services.attachments,
        )
    except MediaTypeRefused as error:
        if sent_type is not None and sent_type.lower().startswith(b"multipart/"):
            raise NotJson("send the file itself as the body, with its own Content-Type, and not as a form") from None
        raise NotJson(f"Content-Type {error.violations[0].rule}") from None
    except InvalidInput as error:
        raise InvalidQuery(list(error.violations)) from None


async def add_attachment(call: Call) -> AttachmentOut:
    """Attach the uploaded file."""
    number = access.parse_number(call.path["number"])
    received: _Received = call.staged
    async with call.transaction() as tx:
        added = await attachments.add_attachment(
            tx,
            call.actor,
            number,
            received.new,
            received.content,
            company_size=call.services.attachments.company_size,
            reopens=call.services.settings.reopen_on_answer,
            now=call.now,
        )
        received.is_kept = True
    call.location = f"{TICKETS}/{ticket_number(number)}/attachments/{added.id}"
    return attachment_out(added)


async def list_attachments(call: Call) -> Page[AttachmentOut]:
    """List the attachments of a ticket, oldest first."""
    number = access.parse_number(call.path["number"])
    after = paging.read_cursor(call, time_and_id)
    async with call.statement() as tx:
        page = await attachments.list_attachments(tx, call.actor, number, after=after, limit=call.query.limit + 1)
    return paging.page(call, page, time_and_id_keys, attachment_out)


async def get_attachment(call: Call) -> AttachmentOut:
    """Get an attachment, without its content."""
    return attachment_out(await _attachment(call))


async def _attachment(call: Call) -> Attachment:
    number = access.parse_number(call.path["number"])
    async with call.statement() as tx:
        return await attachments.get_attachment(tx, call.actor, number, uuid_of(call.path["id"], "attachment"))


async def delete_attachment(call: Call) -> None:
    """Delete an attachment."""
    number = access.parse_number(call.path["number"])
    async with call.transaction() as tx:
        removed = await attachments.remove_attachment(
            tx, call.actor, number, uuid_of(call.path["id"], "attachment"), now=call.now
        )
        call.check_if_match(attachment_out(removed))
    if header(call.scope, b"idempotency-key") is None:  # with a key, the commit comes later, or the file is orphaned
        await call.services.blobs.delete(Key(removed.company_id, removed.id))


async def download_attachment(call: Call) -> Stream:
    """Return the content of an attachment, or a part of it."""
    attachment = await _attachment(call)
    tag = f'"{attachment.sha256.hex()}"'.encode()
    headers: Headers = [(b"etag", tag), (b"cache-control", b"private, no-cache"), (b"vary", b"Authorization")]
    known = header(call.scope, b"if-none-match")
    if known is not None and (known.strip() == b"*" or tag in known):
        return Stream(304, _empty(), headers)
    part = _part(call, attachment.size, tag)
    start, length = part or (0, attachment.size)
    headers += [*_file_headers(attachment), (b"content-length", b"%d" % length)]
    if part is None:
        headers.append((b"content-digest", _digest(attachment)))
    else:
        headers.append((b"content-range", b"bytes %d-%d/%d" % (start, start + length - 1, attachment.size)))
    key = Key(attachment.company_id, attachment.id)
    if call.scope["method"] == "HEAD":
        if not await call.services.blobs.holds(key, attachment.size):
            raise BlobMissing(f"the content of attachment {attachment.id} is missing")
        return Stream(200 if part is None else 206, _empty(), headers)
    blocks = call.services.blobs.read(key, start=start, length=length)
    return Stream(200 if part is None else 206, download(call.services, call.customer, blocks), headers)


def _file_headers(attachment: Attachment) -> Headers:
    plain = re.sub(r'[^\x20-\x7e]|["%\\]', "_", attachment.name)
    escaped = quote(attachment.name, safe=_ATTR_CHAR)
    return [
        (b"content-type", attachment.media_type.encode()),
        (b"content-disposition", f"attachment; filename=\"{plain}\"; filename*=UTF-8''{escaped}".encode()),
        (b"content-security-policy", b"sandbox; default-src 'none'"),
        (b"repr-digest", _digest(attachment)),
        (b"accept-ranges", b"bytes"),
    ]


def _digest(attachment: Attachment) -> bytes:
    return b"sha-256=:%b:" % b64encode(attachment.sha256)


def _part(call: Call, size: int, tag: bytes) -> tuple[int, int] | None:
    """Return the offset and length of the requested range (RFC 9110, 14.1.2), or None for the whole content.

    Raises:
        RangeNotSatisfiable: the range begins after the end.
    """
    byte_range = _RANGE.fullmatch(header(call.scope, b"range") or b"")
    if (
        byte_range is None
        or byte_range[1] == byte_range[2] == b""
        or header(call.scope, b"if-range") not in {None, tag}
    ):
        return None
    if not byte_range[1]:
        length = min(int(byte_range[2]), size)
        start, end = size - length, size
    else:
        start, end = int(byte_range[1]), min(int(byte_range[2]) + 1 if byte_range[2] else size, size)
        if byte_range[2] and int(byte_range[2]) < start:
            return None
    if start >= size:
        raise RangeNotSatisfiable(size)
    return start, end - start


async def _empty() -> AsyncIterator[bytes]:
    none: tuple[bytes, ...] = ()
    for part in none:
        yield part


_TEXT = {"type": "string"}
_DOWNLOADED = (
    Header("Content-Disposition", "`attachment` with the file's name (RFC 6266).", _TEXT),
    Header("Content-Digest", "The SHA-256 of the content (RFC 9530); `Repr-Digest` with a part.", _TEXT),
    Header("Content-Security-Policy", "Prevents browsers from running the file.", _TEXT),
)
_PARTIAL = (
    Header("Range", "The bytes to return, such as `bytes=1000-` (RFC 9110, 14.2).", _TEXT),
    Header("If-Range", "The ETag of the part that you have: if the file is another, all of it is returned.", _TEXT),
)
OPERATIONS = (
    Operation(
        "listAttachments", "GET", _OF_TICKET, list_attachments,
        "List attachments", "Oldest first, without contents, with those of tickets merged into it: `ticket` says whose "
        "a file is. Customers see public ones.",
        Scope.TICKETS_READ, Page[AttachmentOut], query=PageQuery, path_parameters=NUMBER, errors=(400, 404),
    ),
    Operation(
        "addAttachment", "POST", _OF_TICKET, add_attachment,
        "Attach a file", "The body is the file itself, and `Content-Type` its media type, which must be in "
        "`CLEARLINE_ATTACHMENT_TYPES`. With `application/octet-stream` the type is guessed from the file's name. A "
        "file has at least one byte and at most `CLEARLINE_ATTACHMENT_MAX` bytes "
        f"(default: {ATTACHMENT_MAX // 1024**2} MiB). A ticket has at most 100 attachments; a finished "
        "ticket accepts none. A customer's file is an answer, as a note is. "
        "All files of a company have at most `CLEARLINE_COMPANY_ATTACHMENTS_MAX` bytes (default: "
        f"{COMPANY_ATTACHMENTS_MAX // 1024**3} GiB; 413 `attachments-full`), and a store without room answers 507.",
        Scope.TICKETS_WRITE, AttachmentOut, query=AttachmentQuery, path_parameters=NUMBER,
        errors=(403, 404, 422, 507), status=201, stage=receive_attachment, media=("application/octet-stream", "*/*"),
    ),
    Operation(
        "getAttachment", "GET", _ATTACHMENT, get_attachment,
        "Get an attachment", "Without its content. Of the ticket, or of one merged into it.",
        Scope.TICKETS_READ, AttachmentOut, path_parameters=_ID, errors=(404,),
    ),
    Operation(
        "downloadAttachment", "GET", _ATTACHMENT + "/content", download_attachment,
        "Download an attachment", "The file as it was sent. `Range` requests a part of it (206); `If-Range` makes sure "
        "that the file is still the same. A file that is missing in the provider's store is 404 `content-missing`.",
        Scope.TICKETS_READ, bytes, path_parameters=_ID, errors=(404, 416), answer_headers=_DOWNLOADED,
        media=("application/octet-stream", "*/*"), request_headers=_PARTIAL,
    ),
    Operation(
        "deleteAttachment", "DELETE", _ATTACHMENT, delete_attachment,
        "Delete an attachment", "For the provider's people, and for the user who attached it. The history of the "
        "ticket keeps the events.",
        Scope.TICKETS_WRITE, None, path_parameters=_ID, errors=(403, 404), status=204, conditional=True,
    ),
)  # fmt: skip
