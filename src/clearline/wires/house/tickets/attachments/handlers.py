"""House API v1: attach files to tickets, list, download and delete them."""

import re
from base64 import b64encode
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID

from clearline.errors import AttachmentTooLarge, InvalidInput, MediaTypeRefused
from clearline.identity import Scope
from clearline.tickets import access
from clearline.tickets.attachments import usecases as attachments
from clearline.tickets.attachments.blob_backend import Key
from clearline.tickets.attachments.blobs import Blobs
from clearline.tickets.attachments.domain import Attachment, Content, NewAttachment, new_attachment
from clearline.tickets.domain import ticket_number
from clearline.wires.house import paging
from clearline.wires.house.errors import RangeNotSatisfiable
from clearline.wires.house.parameters import uuid_of
from clearline.wires.house.tickets.attachments.mapping import attachment_out
from clearline.wires.house.tickets.attachments.wire import AttachmentOut, AttachmentQuery
from clearline.wires.house.tickets.handlers import NUMBER, TICKETS
from clearline.wires.house.wire import Page, PageQuery
from clearline.wires.http.body import BodyTooLarge, InvalidQuery, NotJson
from clearline.wires.http.call import Call, Headers, Stream
from clearline.wires.http.edge import header
from clearline.wires.http.table import Header, Operation

_OF_TICKET = TICKETS + "/{number}/attachments"
_ONE = _OF_TICKET + "/{id}"
_ID: dict[str, dict[str, Any]] = NUMBER | {
    "id": {"description": "The attachment's id.", "schema": {"type": "string", "format": "uuid"}}
}
_RANGE = re.compile(rb"bytes=(\d{0,18})-(\d{0,18})")
_ATTR_CHAR = "!#$&+-.^_`|~"
"""What needs no escape in ``filename*`` (RFC 8187, 3.2.1), besides letters and digits."""


class _Received:
    """A file that is stored, and not yet an attachment."""

    __slots__ = ("_blobs", "_company_id", "content", "fingerprint", "is_kept", "new")

    def __init__(self, blobs: Blobs, company_id: UUID, new: NewAttachment, content: Content) -> None:
        self._blobs, self._company_id = blobs, company_id
        self.new, self.content = new, content
        self.fingerprint = content.sha256 + new.media_type.encode()
        self.is_kept = False
        """Whether a row names it: then a commit that failed may have happened all the same, and a day will tell."""

    async def discard(self) -> None:
        """Delete the content, when no row can name it."""
        if not self.is_kept:
            await self._blobs.delete(Key(self._company_id, self.content.id))


async def receive_attachment(call: Call, chunks: AsyncIterator[bytes]) -> _Received:
    """Store what comes in, once it is known that this actor may attach it."""
    number = access.parse_number(call.path["number"])
    new = _described(call)
    most = call.services.attachments.size
    length = header(call.scope, b"content-length")
    if length is not None and length.isdigit() and int(length) > most:
        raise BodyTooLarge(str(AttachmentTooLarge(most)))
    async with call.statement() as tx:
        company_id = await attachments.require_attachable(tx, call.actor, number, new.visibility)
    try:
        content = await call.services.blobs.stage(company_id, chunks, most=most)
    except AttachmentTooLarge as error:
        raise BodyTooLarge(str(error)) from None
    return _Received(call.services.blobs, company_id, new, content)


def _described(call: Call) -> NewAttachment:
    query: AttachmentQuery = call.query
    media_type = header(call.scope, b"content-type")
    try:
        return new_attachment(
            query.name,
            None if media_type is None else media_type.decode("latin-1"),
            query.visibility,
            call.services.attachments,
        )
    except MediaTypeRefused as error:
        raise NotJson(str(error)) from None
    except InvalidInput as error:
        raise InvalidQuery(list(error.violations)) from None


async def add_attachment(call: Call) -> AttachmentOut:
    """Make what came in an attachment."""
    number = access.parse_number(call.path["number"])
    received: _Received = call.staged
    async with call.transaction() as tx:
        added = await attachments.add_attachment(tx, call.actor, number, received.new, received.content, now=call.now)
        received.is_kept = True
    call.location = f"{TICKETS}/{ticket_number(number)}/attachments/{added.id}"
    return attachment_out(added)


async def list_attachments(call: Call) -> Page[AttachmentOut]:
    """Attachments of a ticket, oldest first."""
    number = access.parse_number(call.path["number"])
    given = paging.cursor_keys(call)
    after = None if given is None else (datetime.fromisoformat(given[0]), UUID(given[1]))
    async with call.statement() as tx:
        found = await attachments.list_attachments(tx, call.actor, number, after=after, limit=call.query.limit + 1)
    return paging.page(call, found, lambda one: [one.created_at.isoformat(), str(one.id)], attachment_out)


async def get_attachment(call: Call) -> AttachmentOut:
    """One attachment."""
    return attachment_out(await _found(call))


async def _found(call: Call) -> Attachment:
    number = access.parse_number(call.path["number"])
    async with call.statement() as tx:
        return await attachments.get_attachment(tx, call.actor, number, uuid_of(call.path["id"], "attachment"))


async def delete_attachment(call: Call) -> None:
    """Take an attachment off its ticket."""
    number = access.parse_number(call.path["number"])
    async with call.transaction() as tx:
        gone = await attachments.remove_attachment(
            tx, call.actor, number, uuid_of(call.path["id"], "attachment"), now=call.now
        )
        call.check_if_match(attachment_out(gone))
    if header(call.scope, b"idempotency-key") is None:  # with one, the commit is yet to come: left to the sweep
        await call.services.blobs.delete(Key(gone.company_id, gone.id))


async def download_attachment(call: Call) -> Stream:
    """Return the content of an attachment, or a part of it."""
    one = await _found(call)
    tag = f'"{one.sha256.hex()}"'.encode()
    headers: Headers = [(b"etag", tag), (b"cache-control", b"private, no-cache"), (b"vary", b"Authorization")]
    known = header(call.scope, b"if-none-match")
    if known is not None and (known.strip() == b"*" or tag in known):
        return Stream(304, _nothing(), headers)
    part = _part(call, one.size, tag)
    start, length = part or (0, one.size)
    headers += [*_about(one), (b"content-length", b"%d" % length)]
    if part is None:
        headers.append((b"content-digest", _digest(one)))
    else:
        headers.append((b"content-range", b"bytes %d-%d/%d" % (start, start + length - 1, one.size)))
    if call.scope["method"] == "HEAD":
        return Stream(200 if part is None else 206, _nothing(), headers)
    blocks = call.services.blobs.read(Key(one.company_id, one.id), start=start, length=length)
    first = await anext(blocks)  # while there is still time to say that it is not there
    return Stream(200 if part is None else 206, _after(first, blocks), headers)


def _about(one: Attachment) -> Headers:
    plain = re.sub(r'[^\x20-\x7e]|["%\\]', "_", one.name)
    escaped = quote(one.name, safe=_ATTR_CHAR)
    return [
        (b"content-type", one.media_type.encode()),
        (b"content-disposition", f"attachment; filename=\"{plain}\"; filename*=UTF-8''{escaped}".encode()),
        (b"content-security-policy", b"sandbox; default-src 'none'"),
        (b"repr-digest", _digest(one)),
        (b"accept-ranges", b"bytes"),
    ]


def _digest(one: Attachment) -> bytes:
    return b"sha-256=:%b:" % b64encode(one.sha256)


def _part(call: Call, size: int, tag: bytes) -> tuple[int, int] | None:
    """Return the offset and length of the part that is asked for (RFC 9110, 14.1.2), or None for the whole.

    Raises:
        RangeNotSatisfiable: it begins after the end.
    """
    asked = _RANGE.fullmatch(header(call.scope, b"range") or b"")
    if asked is None or asked[1] == asked[2] == b"" or header(call.scope, b"if-range") not in {None, tag}:
        return None
    if not asked[1]:
        length = min(int(asked[2]), size)
        start, end = size - length, size
    else:
        start, end = int(asked[1]), min(int(asked[2]) + 1 if asked[2] else size, size)
        if asked[2] and int(asked[2]) < start:
            return None
    if start >= size:
        raise RangeNotSatisfiable(size)
    return start, end - start


async def _nothing() -> AsyncIterator[bytes]:
    none: tuple[bytes, ...] = ()
    for part in none:
        yield part


async def _after(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for block in rest:
        yield block


_TEXT = {"type": "string"}
_DOWNLOADED = (
    Header("Content-Disposition", "`attachment` with the file's name (RFC 6266).", _TEXT),
    Header("Content-Digest", "The SHA-256 of the content (RFC 9530); `Repr-Digest` with a part.", _TEXT),
    Header("Content-Security-Policy", "Keeps browsers from running it.", _TEXT),
)
OPERATIONS = (
    Operation(
        "listAttachments", "GET", _OF_TICKET, list_attachments,
        "List attachments", "Oldest first, without contents. Customers see public ones.",
        Scope.TICKETS_READ, Page[AttachmentOut], query=PageQuery, path_parameters=NUMBER, errors=(400, 404),
    ),
    Operation(
        "addAttachment", "POST", _OF_TICKET, add_attachment,
        "Attach a file", "The body is the file as it is, and `Content-Type` its media type: one of those that the "
        "desk takes (`CLEARLINE_ATTACHMENT_TYPES`), at most `CLEARLINE_ATTACHMENT_MAX` bytes (25 MiB unless set "
        "otherwise), and not empty. A ticket has at most 100; one that has ended takes none.",
        Scope.TICKETS_WRITE, AttachmentOut, query=AttachmentQuery, path_parameters=NUMBER,
        errors=(403, 404, 422), status=201, stage=receive_attachment, media=("application/octet-stream",),
    ),
    Operation(
        "getAttachment", "GET", _ONE, get_attachment,
        "Read about an attachment", "What is known of one file.",
        Scope.TICKETS_READ, AttachmentOut, path_parameters=_ID, errors=(404,),
    ),
    Operation(
        "downloadAttachment", "GET", _ONE + "/content", download_attachment,
        "Download an attachment", "The file as it was sent. `Range` asks for one part of it (206), and `If-Range` "
        "makes sure that it is a part of the same file.",
        Scope.TICKETS_READ, bytes, path_parameters=_ID, errors=(404, 416), answer_headers=_DOWNLOADED,
        media=("*/*",),
    ),
    Operation(
        "deleteAttachment", "DELETE", _ONE, delete_attachment,
        "Delete an attachment", "For the provider's people, and for the user who attached it. What happened stays "
        "in the ticket's history.",
        Scope.TICKETS_WRITE, None, path_parameters=_ID, errors=(403, 404), status=204, conditional=True,
    ),
)  # fmt: skip
