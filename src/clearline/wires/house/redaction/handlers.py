"""House API v1: remove words and files from tickets for good."""

from clearline.identity import Scope
from clearline.redaction import usecases as redactions
from clearline.redaction.domain import KIND
from clearline.tickets import access
from clearline.tickets.attachments.blob_backend import Key
from clearline.tickets.domain import ticket_number
from clearline.wires.house import paging
from clearline.wires.house.parameters import EXAMPLE_ID, id_in_path, uuid_of
from clearline.wires.house.records import newest_key, not_before_since
from clearline.wires.house.redaction import wire
from clearline.wires.house.redaction.mapping import place_of, preview_out, redaction_out
from clearline.wires.house.tickets.handlers import NUMBER, TICKETS, check_if_match
from clearline.wires.house.wire import DatedPageQuery, Page
from clearline.wires.http.call import Call
from clearline.wires.http.edge import header
from clearline.wires.http.table import Operation

_REDACTIONS = TICKETS + "/{number}/redactions"
_ID = {**NUMBER, **id_in_path("id", "The redaction's id.", example=EXAMPLE_ID)}


async def preview_redaction(call: Call) -> wire.PreviewOut:
    """Return what a redaction would rewrite."""
    number = access.parse_number(call.path["number"])
    place = place_of(call.body(wire.PlaceIn))
    async with call.transaction() as tx:
        preview = await redactions.preview(tx, call.actor, number, place)
    return preview_out(preview)


async def add_redaction(call: Call) -> wire.RedactionOut:
    """Redact words or a file."""
    number = access.parse_number(call.path["number"])
    body = call.body(wire.RedactionIn)
    place = place_of(body)
    secret_key = call.services.settings.secret_key
    async with call.transaction() as tx:
        await check_if_match(call, tx, number)
        started = await redactions.redact(
            tx, call.actor, number, place, reason=body.reason, secret_key=secret_key, now=call.now
        )
    if header(call.scope, b"idempotency-key") is None:  # with a key, the commit comes later, and the work deletes them
        for content_id in started.content_ids:
            await call.services.blobs.delete(Key(started.redaction.company_id, content_id))
    call.location = f"{TICKETS}/{ticket_number(number)}/redactions/{started.redaction.id}"
    return redaction_out(started.redaction)


async def list_redactions(call: Call) -> Page[wire.RedactionOut]:
    """List the redactions of a ticket, newest first."""
    number = access.parse_number(call.path["number"])
    before = newest_key(call)
    async with call.statement() as tx:
        page = await redactions.list_redactions(tx, call.actor, number, after=before, limit=call.query.limit + 1)
    page = not_before_since(call, page, lambda redaction: redaction.created_at)
    return paging.page(
        call, page, lambda redaction: [redaction.created_at.isoformat(), str(redaction.id)], redaction_out
    )


async def get_redaction(call: Call) -> wire.RedactionOut:
    """Return a redaction of a ticket."""
    number = access.parse_number(call.path["number"])
    redaction_id = uuid_of(call.path["id"], KIND)
    async with call.statement() as tx:
        return redaction_out(await redactions.get_redaction(tx, call.actor, number, redaction_id))


OPERATIONS = (
    Operation(
        "listRedactions", "GET", _REDACTIONS, list_redactions,
        "List the redactions of a ticket", "Returns who removed what kind of text or file from the ticket, when and "
        "why, newest first. For the provider's people.",
        Scope.TICKETS_READ, Page[wire.RedactionOut], query=DatedPageQuery, path_parameters=NUMBER, errors=(400, 404),
    ),
    Operation(
        "previewRedaction", "POST", _REDACTIONS + "/preview", preview_redaction,
        "Preview a redaction", "Returns how many places hold the words, or how many copies the file has, without a "
        "change. For the provider's people.",
        Scope.TICKETS_REDACT, wire.PreviewOut, body=wire.PlaceIn, path_parameters=NUMBER, errors=(404,),
    ),
    Operation(
        "addRedaction", "POST", _REDACTIONS, add_redaction,
        "Redact words or a file", "Replaces the words by `[redacted]` in everything that is kept of the ticket: its "
        "texts, notes, history and search, its mails as they were received and sent, webhooks, drafts, kept answers, "
        "handovers, jobs, and copies in tickets that are merged with it, split from it, or linked to it. A file is "
        "removed from all of them. The ticket is rewritten at once, the rest by the workers; `finished_at` says when "
        "all is done. It cannot be undone. For the provider's people.",
        Scope.TICKETS_REDACT, wire.RedactionOut, body=wire.RedactionIn, path_parameters=NUMBER, errors=(404,),
        status=201, guarded=True,
    ),
    Operation(
        "getRedaction", "GET", _REDACTIONS + "/{id}", get_redaction,
        "Get a redaction", "Returns a redaction of the ticket. For the provider's people.",
        Scope.TICKETS_READ, wire.RedactionOut, path_parameters=_ID, errors=(404,),
    ),
)  # fmt: skip
