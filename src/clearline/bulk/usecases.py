"""Jobs: ask for one, see how far it is, cancel it, and do one of its items."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid4

from msgspec.structs import replace

from clearline.accounts import permissions
from clearline.accounts import store as account_store
from clearline.bulk import action_usecases as actions
from clearline.bulk import import_usecases as imports
from clearline.bulk import store as job_store
from clearline.bulk.domain import (
    CUSTOMER_ACTIONS,
    Action,
    AddNote,
    BulkRequest,
    Counts,
    ImportRequest,
    ItemOutcome,
    ItemResult,
    Job,
    JobItem,
    JobState,
    NewItem,
    Request,
    check_bulk,
)
from clearline.bulk.import_usecases import Format
from clearline.bulk.store import Waiting
from clearline.errors import Conflict, DeskError, Forbidden, NotFound, TooManyJobs
from clearline.events.store import actor_id
from clearline.identity import OPERATOR, PROVIDER_ID, Actor, Scope
from clearline.platform.database.transactions import Tx
from clearline.tickets.domain import Channel
from clearline.tickets.note_domain import Visibility

UNFINISHED_MAX = 20
"""The most unfinished jobs of a company; of requests at the same moment some more may get through."""
"""How long a finished job can still be read."""
_PURGED_AT_ONCE = 20


async def create_bulk_job(
    tx: Tx,
    actor: Actor,
    tickets: Sequence[str],
    action: Action,
    *,
    channel: Channel,
    dry_run: bool = False,
    now: datetime,
) -> Job:
    """Ask for one action on many tickets. One write, so ``tx`` may be a single-statement transaction.

    Whether each ticket exists and takes the action shows when its turn comes.

    Raises:
        Forbidden: the action is not the customer's to ask for, or the key may not write.
        InvalidInput: the list of tickets, or a value of the action, breaks a rule.
        TooManyJobs: the company has ``UNFINISHED_MAX`` jobs that are not finished.
    """
    permissions.require_scope(actor, Scope.TICKETS_WRITE)
    if not actor.is_staff:
        if not isinstance(action, CUSTOMER_ACTIONS):
            raise Forbidden("customers change the status of many tickets, or add a note to them")
        if isinstance(action, AddNote) and action.visibility is Visibility.INTERNAL:
            raise Forbidden("only the provider writes internal notes")
    items = [NewItem(ticket_number=number) for number in check_bulk(tickets, action)]
    return await _make(tx, actor, BulkRequest(action, channel), items, dry_run=dry_run, now=now)


async def create_import_job(
    tx: Tx, actor: Actor, items: Sequence[NewItem], kind: Format, *, dry_run: bool = False, now: datetime
) -> Job:
    """Ask for the tickets of a file that was read (``imports.read_file``): each line is tried when its turn comes.

    One write, so ``tx`` may be a single-statement transaction.

    Raises:
        Forbidden: the actor does not run the desk, or its key may not write.
        TooManyJobs: the provider has ``UNFINISHED_MAX`` jobs that are not finished.
    """
    imports.require_import(actor)
    return await _make(tx, actor, ImportRequest(kind), items, dry_run=dry_run, now=now)


async def _make(
    tx: Tx, actor: Actor, request: Request, items: Sequence[NewItem], *, dry_run: bool, now: datetime
) -> Job:
    company_id = PROVIDER_ID if actor.company is None else actor.company.id
    if await job_store.count_unfinished(tx, company_id) >= UNFINISHED_MAX:
        raise TooManyJobs(UNFINISHED_MAX)
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
    """A job with its counts: one's own, or anybody's for those who run the desk.

    Raises:
        NotFound: no such job for this actor.
        ScopeMissing: the actor's key may not read.
    """
    permissions.require_scope(actor, Scope.TICKETS_READ)
    if actor.is_desk_admin:
        found = await job_store.get(tx, job_id, None, None)
    else:
        company_id, user_id = _owner(actor)
        found = await job_store.get(tx, job_id, company_id, user_id)
    if found is None:
        raise NotFound("job", str(job_id))
    return found


def _owner(actor: Actor) -> tuple[UUID, UUID]:
    if actor.company is None or actor.user is None:
        raise Forbidden("only users have jobs")
    return actor.company.id, actor.user.id


async def list_jobs(tx: Tx, actor: Actor, *, after: tuple[datetime, UUID] | None, limit: int) -> list[Job]:
    """One's own jobs, or everybody's for those who run the desk, newest first after the key (created_at, id).

    They come without counts. Served by ``job_newest`` or ``job_of_user``.

    Raises:
        ScopeMissing: the actor's key may not read.
    """
    permissions.require_scope(actor, Scope.TICKETS_READ)
    if actor.is_desk_admin:
        return await job_store.newest(tx, after, limit)
    return await job_store.newest_of(tx, *_owner(actor), after, limit)


async def list_items(
    tx: Tx, actor: Actor, job_id: UUID, *, outcome: str | None, after: int | None, limit: int
) -> list[JobItem]:
    """The items of a job in their order, after a position: of one outcome, those that are ``waiting``, or all.

    Served by the primary key.

    Raises:
        NotFound: no such job for this actor.
        ScopeMissing: the actor's key may not read.
    """
    job = await get_job(tx, actor, job_id)
    return await job_store.items(tx, job, outcome, -1 if after is None else after, limit)


async def cancel_job(tx: Tx, actor: Actor, job_id: UUID, *, now: datetime) -> Job:
    """Have what waits of a job not be done; what is done stays. A job that was cancelled before stays as it is.

    Raises:
        NotFound: no such job for this actor.
        Conflict: the job is done.
        ScopeMissing: the actor's key may not write.
    """
    permissions.require_scope(actor, Scope.TICKETS_WRITE)
    job = await get_job(tx, actor, job_id)
    state = await job_store.lock(tx, job)
    if state is JobState.DONE:
        raise Conflict("the job is done")
    if state is not JobState.CANCELLED:
        await job_store.cancel(tx, actor, replace(job, state=state), now=now)
    return await get_job(tx, actor, job_id)


async def process_item(tx: Tx, job: Job, item: Waiting, *, now: datetime) -> ItemResult:
    """Do one item, on behalf of whoever asked for the job and with the rights of now. The caller keeps the result.

    Raises:
        DeskError: the item is refused; the caller undoes whatever was done for it.
    """
    actor = await _asker(tx, job)
    if isinstance(job.request, ImportRequest):
        return await imports.import_ticket(tx, actor, item.input, now=now)
    if item.ticket_number is None:
        raise RuntimeError("an item of a bulk job without a ticket")
    return ItemResult(await actions.apply_action(tx, actor, item.ticket_number, job.request, now=now))


async def _asker(tx: Tx, job: Job) -> Actor:
    if job.user_id is None:
        return OPERATOR
    actor = await account_store.actor_for(tx, job.company_id, job.user_id, job.scopes)
    if actor is None:
        raise Forbidden("the person who asked for this is not active any more")
    return actor


def refusal(job: Job, error: DeskError) -> ItemResult:
    """What is kept of an item that the desk refused."""
    told = imports.refusal_text(error, job.request.format) if isinstance(job.request, ImportRequest) else str(error)
    return ItemResult(ItemOutcome.REFUSED, None, error.code, told)


async def purge(tx: Tx, *, before: datetime) -> int:
    """Delete some of the jobs that were finished before a time; return how many."""
    return await job_store.purge(tx, before=before, limit=_PURGED_AT_ONCE)
