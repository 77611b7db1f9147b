"""House API v1: jobs, imports and exports, exactly as they travel."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from clearline.bulk import domain as job
from clearline.bulk.domain import JobKind, JobState
from clearline.bulk.import_file import Format
from clearline.catalogue.assessment import Priority, Severity
from clearline.tickets import note_domain as note
from clearline.tickets.domain import Status
from clearline.tickets.note_domain import Visibility
from clearline.wires.house.tickets.filter_wire import Filters
from clearline.wires.house.tickets.progress_wire import ClosureIn, Key, WaitingIn
from clearline.wires.house.tickets.wire import Reason, ReminderPatch, Tags
from clearline.wires.house.wire import UUID_MAX, FieldValues, Id, Moment, Number, PageQuery
from clearline.wires.http.fields import characters
from clearline.wires.http.one_of import OneOf


class StatusAction(Struct, tag="status", tag_field="type", forbid_unknown_fields=True):
    """Move each ticket to a status. Only the provider's people say what goes with it; see "Change the status"."""

    to: Status
    reason: Reason = ""
    sub_status: Key | None = None
    waiting: WaitingIn | None = None
    closure: ClosureIn | None = None


class AssignAction(Struct, tag="assign", tag_field="type", forbid_unknown_fields=True):
    """Assign each ticket to an agent, or to nobody. For the provider's people."""

    to: Annotated[str, Meta(max_length=UUID_MAX, description="A user's id, `me`, or null.")] | None


class ChangeAction(Struct, tag="change", tag_field="type", forbid_unknown_fields=True):
    """Set some values of each ticket. For the provider's people."""

    priority: Priority | UnsetType = UNSET
    severity: Severity | UnsetType = UNSET
    queue: Annotated[str, Meta(max_length=UUID_MAX, description="A queue's id, or null.")] | UnsetType | None = UNSET
    reminder: ReminderPatch | UnsetType | None = UNSET
    fields: FieldValues | UnsetType = UNSET


class TagAction(Struct, tag="tag", tag_field="type", forbid_unknown_fields=True):
    """Add tags to each ticket, and remove tags. For the provider's people."""

    add: Tags = []
    remove: Tags = []


class NoteAction(Struct, tag="note", tag_field="type", forbid_unknown_fields=True):
    """Add the same note to each ticket; it may not be blank."""

    text: Annotated[str, characters(1, note.TEXT_MAX)]
    visibility: Visibility = Visibility.PUBLIC


class MacroAction(Struct, tag="macro", tag_field="type", forbid_unknown_fields=True):
    """Use a macro on each ticket: write its text, and set its values and its status. For the provider's people."""

    macro: Annotated[str, Meta(max_length=UUID_MAX, description="A macro's id.")]


class MatrixAction(Struct, tag="priority_matrix", tag_field="type", forbid_unknown_fields=True):
    """Give each ticket the priority and severity that the priority matrix says. For the provider's people."""


BulkAction = StatusAction | AssignAction | ChangeAction | TagAction | NoteAction | MacroAction | MatrixAction


class BulkIn(Struct, kw_only=True, forbid_unknown_fields=True):
    """One action for many tickets, each named once, or for those that match a filter when the job is created.

    A dry run changes nothing, and returns what would be done.
    """

    tickets: Annotated[list[Number], Meta(min_length=1, max_length=job.BULK_MAX)] | UnsetType = UNSET
    filter: (
        Annotated[
            Filters, Meta(description=f"Instead of `tickets`: a filter that at most {job.BULK_MAX} tickets match.")
        ]
        | UnsetType
    ) = UNSET
    action: BulkAction
    dry_run: bool = False


class JobCounts(Struct, frozen=True):
    """The number of items by outcome."""

    done: int
    unchanged: int
    refused: int
    waiting: int


class JobOut(Struct, frozen=True, kw_only=True):
    """A job. ``action`` is what a bulk job does, ``format`` and ``subject`` say what an import reads.

    Lists have no ``counts``.
    """

    id: Id
    kind: JobKind
    state: JobState
    dry_run: bool
    total: int
    requested_by: str
    created_at: Moment
    finished_at: Moment | None
    action: BulkAction | UnsetType = UNSET
    format: str | UnsetType = UNSET
    subject: OneOf[str, job.ImportSubject] | UnsetType = UNSET
    counts: JobCounts | UnsetType = UNSET


class JobItemOut(Struct, frozen=True):
    """A ticket of a bulk job, or a line of an import. ``position`` is its place in the request, from 0.

    ``code`` and ``detail`` say why it was refused. The code is that of the problem that a single request would get,
    ``cancelled`` or ``fault``.
    """

    position: int
    ticket: Number | None
    outcome: OneOf[str, job.OUTCOMES]
    code: str | None
    detail: str | None


class JobItemQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which items to list."""

    outcome: (
        Annotated[
            OneOf[str, job.OUTCOMES],
            Meta(description="Only items with this outcome."),
        ]
        | None
    ) = None


class CancelIn(Struct, forbid_unknown_fields=True):
    """An empty object."""


_READ = tuple(subject for subject in job.ImportSubject if subject is not job.ImportSubject.FILES)
"""What the lines of a body may be. Files of tickets come in with their content: by page, or by the command line."""


class ImportQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """How to import."""

    subject: Annotated[OneOf[str, _READ], Meta(description="What the lines are.")] = "tickets"
    dry_run: Annotated[bool, Meta(description="Return what would be done, and do nothing.")] = False


class ExportQuery(Filters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which tickets to export, of every state unless one is given, and in which format."""

    format: Annotated[
        Format,
        Meta(description="One JSON object on each line, with notes, or a table without notes."),
    ] = "ndjson"
    created_since: Annotated[Moment, Meta(description="As `since`.")] | None = None
    bom: Annotated[
        bool, Meta(description="Begin a table with a byte order mark (U+FEFF), by which Excel takes it for UTF-8.")
    ] = False
