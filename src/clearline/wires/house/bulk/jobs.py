"""House API v1: bulk changes, imports, and the jobs that process them."""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from functools import partial
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import astuple

from clearline.bulk import domain, import_file
from clearline.bulk import import_usecases as imports
from clearline.bulk import usecases as jobs
from clearline.bulk.domain import IMPORT_BYTES, Action, ImportSubject, Job, NewItem
from clearline.bulk.import_file import Format
from clearline.errors import InvalidInput, RuleCode, Violation
from clearline.identity import Actor, Scope
from clearline.platform.database.transactions import Tx
from clearline.reminders.domain import ReminderChange
from clearline.tickets.domain import Channel
from clearline.wires.house import paging
from clearline.wires.house.bulk import wire
from clearline.wires.house.bulk.mapping import job_item_out, job_out
from clearline.wires.house.parameters import id_in_body, id_in_path, query_refusals, uuid_of
from clearline.wires.house.records import get_record, list_records, newest_key, not_before_since, time_and_id_keys
from clearline.wires.house.tickets.filter_wire import Filters
from clearline.wires.house.tickets.filters import filter_of
from clearline.wires.house.tickets.progress_wire import facts_in
from clearline.wires.house.tickets.wire import ReminderPatch
from clearline.wires.house.wire import DatedPageQuery, Page
from clearline.wires.http.body import BodyTooLarge, InvalidMembers, InvalidQuery, NotJson
from clearline.wires.http.call import Call
from clearline.wires.http.edge import header
from clearline.wires.http.table import Operation

JOBS = "/api/v1/jobs"
ID = id_in_path("id", "The job's id.")

_MEDIA: dict[str, Format] = {"application/x-ndjson": "ndjson", "text/csv": "csv"}
_MEDIA_TYPE = re.compile(r'\s*([a-z/-]+)\s*(;\s*charset="?utf-8"?\s*)?(;\s*header=present\s*)?', re.IGNORECASE)


class Staged(Struct):
    """The items of an uploaded file, which was read before any transaction."""

    items: Sequence[NewItem]
    kind: Format
    fingerprint: bytes

    async def discard(self) -> None:
        """Do nothing: the file is in memory only."""


def _action_in(body: wire.BulkAction, actor: Actor) -> Action:  # noqa: PLR0911 - a table
    match body:
        case wire.StatusAction(to, reason, sub_status, waiting, closure):
            return domain.ChangeStatus(to, reason, facts_in(sub_status, waiting, closure))
        case wire.AssignAction(to):
            return domain.Assign(id_in_body("action.to", to, "user", actor))
        case wire.ChangeAction(priority, severity, queue, reminder, fields):
            return domain.ChangeValues(
                priority,
                severity,
                UNSET if queue is UNSET else id_in_body("action.queue", queue, "queue", actor),
                ReminderChange(*astuple(reminder)) if isinstance(reminder, ReminderPatch) else reminder,
                fields,
            )
        case wire.TagAction(add, remove):
            return domain.ChangeTags(tuple(add), tuple(remove))
        case wire.NoteAction(text, visibility):
            return domain.AddNote(text, visibility)
        case wire.MatrixAction():
            return domain.ApplyMatrix()
        case wire.MacroAction(macro):
            try:
                return domain.UseMacro(UUID(macro))
            except ValueError:
                raise InvalidInput([jobs.NO_MACRO]) from None


async def create_bulk(call: Call) -> wire.JobOut:
    """Create a job that applies one action to many tickets."""
    body = _bulk_in(call)
    action = _action_in(body.action, call.actor)
    async with call.statement() if body.filter is UNSET else call.transaction() as tx:
        job = await jobs.create_bulk_job(
            tx,
            call.actor,
            await _selected(call, tx, body.filter) if body.tickets is UNSET else body.tickets,
            action,
            channel=Channel.API,
            dry_run=body.dry_run,
            most=call.services.settings.company_jobs_max,
            now=call.now,
        )
    return _accepted(call, job)


_TICKETS_OR_FILTER = Violation("tickets", "is required, or filter instead, but not both", RuleCode.REQUIRED)


def _bulk_in(call: Call) -> wire.BulkIn:
    """Return the body of a bulk job, which has either tickets or a filter."""
    is_wrong = ("tickets" in call.json) == ("filter" in call.json)
    try:
        body = call.body(wire.BulkIn)
    except InvalidMembers as invalid:
        raise InvalidMembers([*([_TICKETS_OR_FILTER] if is_wrong else []), *invalid.violations]) from None
    if is_wrong:
        raise InvalidMembers([_TICKETS_OR_FILTER])
    return body


async def _selected(call: Call, tx: Tx, body: Filters | UnsetType) -> list[str]:
    """Return the numbers of the tickets that match a filter in a body.

    Raises:
        InvalidInput: a condition is invalid, or no ticket matches, or more than a job may have.
    """
    if isinstance(body, UnsetType):
        return []
    try:
        with query_refusals():
            selected = await filter_of(tx, call.actor, body)
            seconds = call.services.settings.search_seconds
            return await jobs.select_tickets(tx, call.actor, selected, seconds=seconds)
    except InvalidQuery as refused:
        broken = [Violation(f"filter.{each.field}", each.rule, each.code) for each in refused.violations]
        raise InvalidInput(broken) from None


async def stage_import(call: Call, chunks: AsyncIterator[bytes]) -> Staged:
    """Receive a file and read it, in a thread."""
    subject = ImportSubject(call.query.subject)
    imports.require_import(call.actor, subject)
    media = _MEDIA_TYPE.fullmatch((header(call.scope, b"content-type") or b"").decode("latin-1"))
    kind = None if media is None else _MEDIA.get(media[1].lower())
    if kind is None:
        raise NotJson("send Content-Type: " + " or ".join(_MEDIA))
    body = bytearray()
    async for chunk in chunks:
        body += chunk
        if len(body) > IMPORT_BYTES:
            raise BodyTooLarge(f"the file must not be longer than {IMPORT_BYTES} bytes")
    whole = bytes(body)
    items = await asyncio.to_thread(import_file.read_file, whole, kind, now=call.now, subject=imports.lines_of(subject))
    return Staged(items, kind, f"{subject} {kind}".encode() + whole)


async def create_import(call: Call) -> wire.JobOut:
    """Create a job that imports the tickets of a file."""
    staged: Staged = call.staged
    async with call.statement() as tx:
        job = await jobs.create_import_job(
            tx,
            call.actor,
            staged.items,
            staged.kind,
            subject=ImportSubject(call.query.subject),
            dry_run=call.query.dry_run,
            most=call.services.settings.company_jobs_max,
            now=call.now,
        )
    return _accepted(call, job)


def _accepted(call: Call, job: Job) -> wire.JobOut:
    call.location = f"{JOBS}/{job.id}"
    return job_out(job)


async def list_jobs(call: Call) -> Page[wire.JobOut]:
    """List the acting user's jobs, newest first."""
    after = newest_key(call)
    async with call.statement() as tx:
        page = await jobs.list_jobs(tx, call.actor, after=after, limit=call.query.limit + 1)
    return paging.page(call, not_before_since(call, page, lambda job: job.created_at), time_and_id_keys, job_out)


async def get_job(call: Call) -> wire.JobOut:
    """Return a job."""
    return await get_record(call, (uuid_of(call.path["id"], "job"),), jobs.get_job, job_out)


async def list_items(call: Call) -> Page[wire.JobItemOut]:
    """List the items of a job in order."""
    ids = (uuid_of(call.path["id"], "job"),)
    read = partial(jobs.list_items, outcome=call.query.outcome)
    return await list_records(call, ids, read, int, lambda item: [item.position], job_item_out)


async def cancel_job(call: Call) -> wire.JobOut:
    """Cancel the waiting items of a job."""
    call.body(wire.CancelIn)
    async with call.transaction() as tx:
        return job_out(await jobs.cancel_job(tx, call.actor, uuid_of(call.path["id"], "job"), now=call.now))


OPERATIONS = (
    Operation(
        "bulkTickets", "POST", "/api/v1/bulk", create_bulk,
        "Change many tickets", "Creates a job that applies one action to up to 1,000 tickets, and has a result for "
        "each. A `filter` chooses them as a list does, at the time of the request. Customers can change the status and "
        "add notes.",
        Scope.TICKETS_WRITE, wire.JobOut, body=wire.BulkIn, status=202,
    ),
    Operation(
        "importTickets", "POST", "/api/v1/imports", create_import,
        "Import a file", "Creates a job that stores the up to 10,000 lines of a file, and has a result for each: "
        "tickets of another system with their notes, or what `subject` says. A ticket whose `external` system and id "
        "the company has already stays as it is; a company (by `code`), person (by `email`) or service (by `id`) gets "
        "what its line says. All but tickets also need `accounts:write`. For admins.",
        Scope.TICKETS_WRITE, wire.JobOut, query=wire.ImportQuery, status=202, stage=stage_import, media=tuple(_MEDIA),
    ),
    Operation(
        "listJobs", "GET", JOBS, list_jobs,
        "List jobs", "Returns your jobs, or for admins everybody's, newest first, without counts.",
        Scope.TICKETS_READ, Page[wire.JobOut], query=DatedPageQuery,
    ),
    Operation(
        "getJob", "GET", JOBS + "/{id}", get_job,
        "Get a job", "Returns a job with the number of its items by outcome.",
        Scope.TICKETS_READ, wire.JobOut, path_parameters=ID, errors=(404,),
    ),
    Operation(
        "listJobItems", "GET", JOBS + "/{id}/items", list_items,
        "List the items of a job", "Returns the result of each ticket or line, in the order of the request.",
        Scope.TICKETS_READ, Page[wire.JobItemOut], query=wire.JobItemQuery, path_parameters=ID, errors=(404,),
    ),
    Operation(
        "cancelJob", "POST", JOBS + "/{id}/cancel", cancel_job,
        "Cancel a job", "Refuses the waiting items with the code `cancelled`. Processed items stay processed.",
        Scope.TICKETS_WRITE, wire.JobOut, body=wire.CancelIn, path_parameters=ID, errors=(404,),
    ),
)  # fmt: skip
