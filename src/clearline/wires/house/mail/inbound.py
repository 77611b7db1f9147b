"""House API v1: inbound mail, and the review of mail in quarantine."""

from collections.abc import AsyncIterator
from uuid import UUID

from clearline.errors import DeskError, InvalidInput, RuleCode, Violation
from clearline.identity import Scope
from clearline.mail.inbound import review_usecases as inbound_review
from clearline.mail.inbound import usecases as inbound_mail
from clearline.mail.inbound.domain import InboundMail
from clearline.mail.inbound.file import InboundMailContext
from clearline.platform.database.errors import StatementFailed
from clearline.platform.database.transactions import Tx
from clearline.tickets import access
from clearline.tickets.attachments.blob_backend import BlobsUnavailable
from clearline.wires.house import paging
from clearline.wires.house.mail import inbound_wire as wire
from clearline.wires.house.mail.inbound_mapping import inbound_mail_details_out, inbound_mail_out
from clearline.wires.house.parameters import EXAMPLE_ID, id_in_path, query_refusals, uuid_of
from clearline.wires.house.records import newest_key, not_before_since
from clearline.wires.house.wire import Page
from clearline.wires.http.call import Call, Headers, Stream, download
from clearline.wires.http.table import Operation

_MAILS = "/api/v1/inbound-mails"
_ID = id_in_path("id", "The mail's id.", example=EXAMPLE_ID)


async def list_mails(call: Call) -> Page[wire.InboundMailOut]:
    """Return mails, newest first."""
    query: wire.InboundMailQuery = call.query
    before = newest_key(call)
    number = None if query.ticket is None else access.parse_number(query.ticket)
    with query_refusals():
        async with call.statement() as tx:
            mails = await inbound_mail.list_mails(
                tx, call.actor, state=query.state, ticket_number=number, before=before, limit=query.limit + 1
            )
    mails = not_before_since(call, mails, lambda mail: mail.received_at)
    return paging.page(call, mails, lambda mail: [mail.received_at.isoformat(), str(mail.id)], inbound_mail_out)


async def get_mail(call: Call) -> wire.InboundMailDetails:
    """Return a mail with its content."""
    mail_id = uuid_of(call.path["id"], inbound_mail.KIND)
    async with call.statement() as tx:
        return inbound_mail_details_out(await inbound_mail.get_mail(tx, call.actor, mail_id))


async def get_raw(call: Call) -> Stream:
    """Return the raw content of a mail."""
    mail_id = uuid_of(call.path["id"], inbound_mail.KIND)
    async with call.statement() as tx:
        raw = await inbound_mail.get_raw(tx, call.actor, mail_id)
    headers: Headers = [
        (b"content-type", b"message/rfc822"),
        (b"content-disposition", f'attachment; filename="{mail_id}.eml"'.encode()),
        (b"content-security-policy", b"sandbox; default-src 'none'"),
        (b"content-length", b"%d" % len(raw)),
        (b"cache-control", b"private, no-cache"),
        (b"vary", b"Authorization"),
    ]
    return Stream(
        200, download(call.services, call.customer, _once(b"" if call.scope["method"] == "HEAD" else raw)), headers
    )


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def release_mail(call: Call) -> wire.InboundMailOut:
    """File a mail as a note or a ticket."""
    mail_id = uuid_of(call.path["id"], inbound_mail.KIND)
    body = call.body(wire.ReleaseIn)
    if (body.ticket is None) == (body.company is None):
        raise InvalidInput([Violation("ticket", "is required, or company, but not both", RuleCode.REQUIRED)])
    context: InboundMailContext | None = None
    try:
        async with call.transaction() as tx:
            context = await _context(tx, call)
            return inbound_mail_out(await _released(tx, call, mail_id, body, context))
    except (DeskError, BlobsUnavailable, StatementFailed):  # with any other, the commit may have happened
        if context is not None:
            await context.discard()
        raise


async def _released(
    tx: Tx, call: Call, mail_id: UUID, body: wire.ReleaseIn, context: InboundMailContext
) -> InboundMail:
    if body.ticket is not None:
        number = access.parse_number(body.ticket)
        return await inbound_review.release_to_ticket(tx, call.actor, mail_id, number, context=context, now=call.now)
    company = body.company or ""
    return await inbound_review.release_as_ticket(tx, call.actor, mail_id, company, context=context, now=call.now)


async def _context(tx: Tx, call: Call) -> InboundMailContext:
    services = call.services
    return await inbound_review.processing_context(tx, services.settings, services.blobs, services.attachments)


async def discard_mail(call: Call) -> wire.InboundMailOut:
    """Discard a mail."""
    mail_id = uuid_of(call.path["id"], inbound_mail.KIND)
    call.body(wire.DiscardIn)
    async with call.transaction() as tx:
        return inbound_mail_out(await inbound_review.discard(tx, call.actor, mail_id, now=call.now))


OPERATIONS = (
    Operation(
        "listInboundMails", "GET", _MAILS, list_mails,
        "List inbound mail", "Newest first. Mail with `state=quarantined` waits for a review. With `ticket`, the mails "
        "that became a note or the ticket itself, and those about it that did not. For the provider's people.",
        Scope.DESK_READ, Page[wire.InboundMailOut], query=wire.InboundMailQuery, errors=(400,),
    ),
    Operation(
        "getInboundMail", "GET", _MAILS + "/{id}", get_mail,
        "Get an inbound mail", "With its headers, its text and the names of its files, but never HTML.",
        Scope.DESK_READ, wire.InboundMailDetails, path_parameters=_ID, errors=(404,),
    ),
    Operation(
        "getRawInboundMail", "GET", _MAILS + "/{id}/raw", get_raw,
        "Download an inbound mail", "The raw message (RFC 5322), byte for byte. Kept for 90 days after it was "
        "classified or reviewed, unless the provider sets another time.",
        Scope.DESK_READ, bytes, path_parameters=_ID, errors=(404,), media=("message/rfc822",),
    ),
    Operation(
        "releaseInboundMail", "POST", _MAILS + "/{id}/release", release_mail,
        "Release a mail", "Turns a quarantined or ignored mail into a note of a ticket, on behalf of its sender, "
        "or into a new ticket of a company, with its sender as the contact.",
        Scope.TICKETS_WRITE, wire.InboundMailOut, body=wire.ReleaseIn, path_parameters=_ID, errors=(403, 404, 409),
    ),
    Operation(
        "discardInboundMail", "POST", _MAILS + "/{id}/discard", discard_mail,
        "Discard a mail", "A quarantined or ignored mail becomes neither a note nor a ticket.",
        Scope.TICKETS_WRITE, wire.InboundMailOut, body=wire.DiscardIn, path_parameters=_ID, errors=(403, 404, 409),
    ),
)  # fmt: skip
