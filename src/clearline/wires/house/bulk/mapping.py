"""House API v1: jobs and their items as they travel."""

from uuid import UUID

from msgspec import UNSET
from msgspec.structs import astuple

from clearline.bulk import domain
from clearline.bulk.domain import WAITING, Action, BulkRequest, Job, JobItem
from clearline.reminders.domain import ReminderChange
from clearline.tickets.domain import ticket_number
from clearline.wires.house.bulk import wire
from clearline.wires.house.tickets.progress_wire import facts_out
from clearline.wires.house.tickets.wire import ReminderPatch


def _action_out(action: Action) -> wire.BulkAction:  # noqa: PLR0911 - a table
    match action:
        case domain.ChangeStatus(to, reason, facts):
            return wire.StatusAction(to, reason, *facts_out(facts))
        case domain.Assign(to):
            return wire.AssignAction(None if to is None else str(to))
        case domain.ChangeValues(priority, severity, queue_id, reminder, fields):
            queue = str(queue_id) if isinstance(queue_id, UUID) else queue_id
            patch = ReminderPatch(*astuple(reminder)) if isinstance(reminder, ReminderChange) else reminder
            return wire.ChangeAction(priority, severity, queue, patch, fields)
        case domain.ChangeTags(add, remove):
            return wire.TagAction(list(add), list(remove))
        case domain.AddNote(text, visibility):
            return wire.NoteAction(text, visibility)
        case domain.UseMacro(macro):
            return wire.MacroAction(str(macro))
        case domain.ApplyMatrix():
            return wire.MatrixAction()


def job_out(job: Job) -> wire.JobOut:
    """Return a job."""
    request, counts = job.request, job.counts
    return wire.JobOut(
        id=str(job.id),
        kind=job.kind,
        state=job.state,
        dry_run=job.dry_run,
        total=job.total,
        requested_by=job.actor_name,
        created_at=job.created_at,
        finished_at=job.finished_at,
        action=_action_out(request.action) if isinstance(request, BulkRequest) else UNSET,
        format=UNSET if isinstance(request, BulkRequest) else request.format,
        subject=UNSET if isinstance(request, BulkRequest) else request.subject,
        counts=wire.JobCounts(counts.done, counts.unchanged, counts.refused, counts.waiting) if counts else UNSET,
    )


def job_item_out(item: JobItem) -> wire.JobItemOut:
    """Return an item of a job."""
    number = None if item.ticket_number is None else ticket_number(item.ticket_number)
    code = None if item.code is None else item.code.replace("_", "-")
    return wire.JobItemOut(item.position, number, item.outcome or WAITING, code, item.detail)
