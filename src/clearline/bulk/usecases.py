"""Jobs: create, read, list and cancel them, and process their items."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid4

from msgspec import UNSET
from msgspec.structs import replace

from clearline.accounts import key_store, permissions
from clearline.bulk import action_usecases as actions
from clearline.bulk import import_file
from clearline.bulk import import_usecases as imports
from clearline.bulk import store as job_store
from clearline.bulk.domain import (
    BULK_MAX,
    CUSTOMER_ACTIONS,
    Action,
    AddNote,
    BulkRequest,
    ChangeValues,
    Counts,
    ImportRequest,
    ImportSubject,
    ItemOutcome,
    ItemResult,
    Job,
    JobItem,
    JobKind,
    JobState,
    NewItem,
    Request,
    UseMacro,
    check_bulk,
)
from clearline.bulk.import_file import Format
from clearline.bulk.store import Waiting
from clearline.errors import Conflict, DeskError, Forbidden, InvalidInput, NotFound, RuleCode, Violation, require_found
from clearline.events.store import actor_id
from clearline.fields import value_usecases as own_values
from clearline.identity import OPERATOR, PROVIDER_ID, Actor, Scope
from clearline.limit_errors import TooManyJobs
from clearline.platform.database.transactions import Tx
from clearline.settings.defaults import COMPANY_JOBS_MAX, TICKET_NOTES_MAX
from clearline.tickets import list_usecases as ticket_lists
from clearline.tickets.domain import Channel, ticket_number
from clearline.tickets.list_store import Filter
from clearline.tickets.note_domain import Visibility
from clearline.workspace import macro_usecases as macros

NO_MACRO = Violation("action.macro", "must be the id of a macro", RuleCode.REFERENCE)
_PURGED_AT_ONCE = 1000


async def create_bulk_job(
    tx: Tx,
    actor: Actor,
    tickets: Sequence[str],
    action: Action,
    *,
    channel: Channel,
    dry_run: bool = False,
    most: int = COMPANY_JOBS_MAX,
    now: datetime,
) -> Job:
    """Create a job that applies one action to many tickets, in one write.

    Whether a ticket exists and allows the action is checked when the job processes it.

    Raises:
        Forbidden: the actor is a customer, who may not use the action.
        InvalidInput: there is no such macro; or as ``check_bulk``.
        TooManyJobs: the company has ``most`` unfinished jobs. Concurrent requests may create some more.
    """
    permissions.require_scope(actor, Scope.TICKETS_WRITE)
    if not actor.is_staff:
        if not isinstance(action, CUSTOMER_ACTIONS):
            raise Forbidden("customers change the status of many tickets, or add a note to them")
        if isinstance(action, AddNote) and action.visibility is Visibility.INTERNAL:
            raise Forbidden("only the provider writes internal notes")
    items = [NewItem(ticket_number=number) for number in check_bulk(tickets, action)]
    if isinstance(action, UseMacro):
        try:
            await macros.get_macro(tx, actor, action.macro)
        except NotFound:
            raise InvalidInput([NO_MACRO]) from None
    if isinstance(action, ChangeValues) and action.fields is not UNSET:
        action = replace(action, fields=await own_values.read_given(tx, action.fields, member="action.fields"))
    return await _create(tx, actor, BulkRequest(action, channel), items, dry_run=dry_run, most=most, now=now)


async def select_tickets(tx: Tx, actor: Actor, selected: Filter, *, seconds: int | None = None) -> list[str]:
    """Return the numbers of the tickets that match a filter, in their order.

    ``seconds`` is as for ``tickets.usecases.list_tickets_as``.

    Raises:
        InvalidInput: no ticket matches, or more than ``BULK_MAX``.
    """
    found = await ticket_lists.list_tickets_as(
        lambda row: ticket_number(row["number"]), tx, actor, selected, after=None, limit=BULK_MAX + 1,
        newest_first=False, seconds=seconds,
    )  # fmt: skip
    if not found:
        raise InvalidInput([Violation("state", "and the other conditions match no ticket", RuleCode.COUNT)])
    if len(found) > BULK_MAX:
        rule = f"and the other conditions match more than {BULK_MAX} tickets: add one"
        raise InvalidInput([Violation("state", rule, RuleCode.COUNT)])
    return found


async def create_import_job(
    tx: Tx,
    actor: Actor,
    items: Sequence[NewItem],
    kind: Format,
    *,
    subject: ImportSubject = ImportSubject.TICKETS,
    dry_run: bool = False,
    most: int = COMPANY_JOBS_MAX,
    now: datetime,
) -> Job:
    """Create a job that imports the lines of a file (``import_file.read_file``), in one write.

    Raises:
        TooManyJobs: the provider has ``most`` unfinished jobs. Concurrent requests may create some more.
    """
    imports.require_import(actor, subject)
    return await _create(tx, actor, ImportRequest(kind, subject), items, dry_run=dry_run, most=most, now=now)


async def _create(
    tx: Tx, actor: Actor, request: Request, items: Sequence[NewItem], *, dry_run: bool, most: int, now: datetime
) -> Job:
    company_id = PROVIDER_ID if actor.company is None else actor.company.id
    if await job_store.count_unfinished(tx, company_id) >= most:
        raise TooManyJobs(most)
    refused = sum(item.refusal is not None for item in items)
    job = Job(
        company_id,
        uuid4(),
        JobState.WAITING,
        request,
        dry_run,
        len(items),
        actor_id(actor),
        actor.name,
        actor.scopes,
        now,
        None,
        Counts(0, 0, refused, len(items) - refused),
    )
    await job_store.insert(tx, actor, job, items)
    return job


async def get_job(tx: Tx, actor: Actor, job_id: UUID) -> Job:
    """Return a job with its counts: the acting user's own, or for a desk admin anybody's."""
    permissions.require_scope(actor, Scope.TICKETS_READ)
    owner = None if actor.is_desk_admin else _owner(actor)
    job = require_found(await job_store.get(tx, job_id), "job", job_id)
    if owner is not None and owner != (job.company_id, job.user_id):
        raise NotFound("job", str(job_id))
    return job


def _owner(actor: Actor) -> tuple[UUID, UUID]:
    if actor.company is None or actor.user is None:
        raise Forbidden("only users have jobs")
    return actor.company.id, actor.user.id


async def list_jobs(tx: Tx, actor: Actor, *, after: tuple[datetime, UUID] | None, limit: int) -> list[Job]:
    """Return the acting user's jobs, or for a desk admin everybody's, newest first, after a time and id.

    They have no counts. Served by ``job_newest`` or ``job_of_user``.
    """
    permissions.require_scope(actor, Scope.TICKETS_READ)
    if actor.is_desk_admin:
        return await job_store.newest(tx, after, limit)
    return await job_store.newest_of(tx, *_owner(actor), after, limit)


async def list_imports(tx: Tx, actor: Actor, *, after: tuple[datetime, UUID] | None, limit: int) -> list[Job]:
    """Return everybody's imports for a desk admin, newest first, after a time and id. They have no counts."""
    permissions.require_desk_admin(actor)
    return await job_store.newest_imports(tx, after, limit)


async def get_import(tx: Tx, actor: Actor, job_id: UUID) -> Job:
    """Return an import with its counts, for a desk admin."""
    permissions.require_desk_admin(actor)
    job = await get_job(tx, actor, job_id)
    if job.kind is not JobKind.IMPORT:
        raise NotFound("import", str(job_id))
    return job


async def ids_between(tx: Tx, actor: Actor, low: UUID, high: UUID, *, limit: int = 10) -> list[UUID]:
    """Return the ids of jobs between two, both included, for a desk admin. Served by ``job_by_id``."""
    permissions.require_desk_admin(actor)
    return await job_store.ids_between(tx, low, high, limit=limit)


async def list_items(
    tx: Tx, actor: Actor, job_id: UUID, *, outcome: str | None, after: int | None, limit: int
) -> list[JobItem]:
    """Return the items of a job after a position, in order: of one outcome, those that are ``waiting``, or all."""
    job = await get_job(tx, actor, job_id)
    return await job_store.items(tx, job, outcome, -1 if after is None else after, limit)


async def cancel_job(tx: Tx, actor: Actor, job_id: UUID, *, now: datetime) -> Job:
    """Cancel the waiting items of a job; processed items stay. A cancelled job stays as it is.

    Raises:
        Conflict: the job is done.
    """
    permissions.require_scope(actor, Scope.TICKETS_WRITE)
    job = await get_job(tx, actor, job_id)
    state = await job_store.lock(tx, job)
    if state is JobState.DONE:
        raise Conflict("the job is done")
    if state is not JobState.CANCELLED:
        await job_store.cancel(tx, actor, replace(job, state=state), now=now)
    return await get_job(tx, actor, job_id)


async def process_item(
    tx: Tx,
    job: Job,
    item: Waiting,
    *,
    reopens: bool = True,
    customer_closes: bool = True,
    notes_max: int = TICKET_NOTES_MAX,
    now: datetime,
) -> ItemResult:
    """Process an item as the user who created the job, with its present rights. The caller stores the result.

    ``reopens`` and ``notes_max`` are as for ``note_usecases.add_note``, ``customer_closes`` as for ``move_ticket``.

    Raises:
        DeskError: the item is refused; the caller rolls back what was done for it.
    """
    actor = await _job_actor(tx, job)
    if isinstance(job.request, ImportRequest):
        return await imports.import_line(tx, actor, job.request.subject, item.input, now=now)
    if item.ticket_number is None:
        raise RuntimeError("an item of a bulk job without a ticket")
    outcome = await actions.apply_action(
        tx, actor, item.ticket_number, job.request, reopens=reopens, customer_closes=customer_closes,
        notes_max=notes_max, now=now,
    )  # fmt: skip
    return ItemResult(outcome)


async def _job_actor(tx: Tx, job: Job) -> Actor:
    if job.user_id is None:
        return OPERATOR
    actor = await key_store.actor_for(tx, job.company_id, job.user_id, job.scopes)
    if actor is None:
        raise Forbidden("the person who asked for this is not active any more")
    return actor


def refusal(job: Job, error: DeskError) -> ItemResult:
    """Return the result of an item that was refused."""
    detail = (
        import_file.refusal_text(error, job.request.format) if isinstance(job.request, ImportRequest) else str(error)
    )
    return ItemResult(ItemOutcome.REFUSED, None, error.code, detail)


async def purge(tx: Tx, *, before: datetime) -> int:
    """Delete a batch of the jobs that were finished before a time, and of their items; return how many of both."""
    return await job_store.purge(tx, before=before, limit=_PURGED_AT_ONCE)
