"""Jobs: one action on many tickets, or an import of many tickets, item by item."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import astuple

from clearline.catalogue.assessment import Priority, Severity
from clearline.errors import InvalidInput, RuleCode, Violation, require_valid
from clearline.reminders.domain import ReminderChange
from clearline.text import check_text
from clearline.tickets.domain import Channel, Status, parse_ticket_number
from clearline.tickets.label_domain import check_tags
from clearline.tickets.note_domain import Visibility, check_note_text
from clearline.tickets.progress.facts import NO_FACTS, StatusFacts
from clearline.tickets.status_domain import REASON_MAX

BULK_MAX = 1000
"""The most tickets of one bulk job."""
IMPORT_MAX = 10_000
"""The most lines of one import."""
IMPORT_BYTES = 10 * 1024 * 1024
"""The most bytes of the file of an import."""
ARCHIVE_BYTES = 100 * 1024 * 1024
"""The most bytes of a ZIP archive with the files of an import."""
DETAIL_MAX = 2000
"""The most characters of the detail of a refused item."""
CANCELLED = "cancelled"
"""The code of an item that was waiting when its job was cancelled."""
FAULT = "fault"
"""The code of an item that failed by a fault of the server; the log has the details."""


class JobKind(StrEnum):
    """What a job does."""

    BULK = "bulk"
    IMPORT = "import"


class JobState(StrEnum):
    """The progress of a job."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"


class ItemOutcome(StrEnum):
    """The outcome of an item."""

    DONE = "done"
    UNCHANGED = "unchanged"
    """Nothing had to be changed."""
    REFUSED = "refused"


WAITING = "waiting"
"""The text in place of an outcome for an item that still waits."""
OUTCOMES = (WAITING, *(outcome.value for outcome in ItemOutcome))


class ChangeStatus(Struct, frozen=True, tag="status", tag_field="action", forbid_unknown_fields=True):
    """Move each ticket to a status, with what goes with it; ``facts`` are set on those that have the status already."""

    to: Status
    reason: str = ""
    facts: StatusFacts = NO_FACTS


class Assign(Struct, frozen=True, tag="assign", tag_field="action", forbid_unknown_fields=True):
    """Assign each ticket to an agent, or to nobody."""

    to: UUID | None


class ChangeValues(Struct, frozen=True, tag="change", tag_field="action", forbid_unknown_fields=True):
    """Set some values of each ticket. A queue, a reminder, or the value of an own field, of None is removed."""

    priority: Priority | UnsetType = UNSET
    severity: Severity | UnsetType = UNSET
    queue_id: UUID | UnsetType | None = UNSET
    reminder: ReminderChange | UnsetType | None = UNSET
    fields: dict[str, Any] | UnsetType = UNSET


class ChangeTags(Struct, frozen=True, tag="tag", tag_field="action", forbid_unknown_fields=True):
    """Add tags to each ticket, and remove tags."""

    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()


class AddNote(Struct, frozen=True, tag="note", tag_field="action", forbid_unknown_fields=True):
    """Add the same note to each ticket."""

    text: str
    visibility: Visibility = Visibility.PUBLIC


class UseMacro(Struct, frozen=True, tag="macro", tag_field="action", forbid_unknown_fields=True):
    """Use a macro on each ticket: write its text, set its values and its status."""

    macro: UUID


class ApplyMatrix(Struct, frozen=True, tag="priority_matrix", tag_field="action", forbid_unknown_fields=True):
    """Give each ticket the priority and severity that the priority matrix says."""


Action = ChangeStatus | Assign | ChangeValues | ChangeTags | AddNote | UseMacro | ApplyMatrix
CUSTOMER_ACTIONS = (ChangeStatus, AddNote)
"""The actions that a customer may use. Which status a customer may set is checked for each ticket."""


class BulkRequest(Struct, frozen=True, tag="bulk", tag_field="kind"):
    """What a bulk job does to each of its tickets. ``channel`` is where the request came from."""

    action: Action
    channel: Channel


class ImportSubject(StrEnum):
    """What the lines of an import are."""

    TICKETS = "tickets"
    COMPANIES = "companies"
    PEOPLE = "people"
    SERVICES = "services"
    FILES = "files"


class ImportRequest(Struct, frozen=True, tag="import", tag_field="kind"):
    """What an import reads. Errors name members as columns (``csv``) or as JSON pointers (``ndjson``)."""

    format: str
    subject: ImportSubject = ImportSubject.TICKETS


Request = BulkRequest | ImportRequest


class NewItem(Struct, frozen=True):
    """An item of a new job. An invalid one has a ``refusal``, and is never processed."""

    input: str = "{}"
    ticket_number: int | None = None
    refusal: str | None = None


class Counts(Struct, frozen=True):
    """The number of items of a job by outcome."""

    done: int
    unchanged: int
    refused: int
    waiting: int


class Job(Struct, frozen=True):
    """Work on many tickets, as the user who created the job, with the scopes of that key and the user's present role.

    A ``user_id`` of None is the operator. A dry run changes nothing but its own items. ``counts`` is None in lists.
    """

    company_id: UUID
    id: UUID
    state: JobState
    request: Request
    dry_run: bool
    total: int
    user_id: UUID | None
    actor_name: str
    scopes: frozenset[str]
    created_at: datetime
    finished_at: datetime | None
    counts: Counts | None = None

    @property
    def kind(self) -> JobKind:
        """What the job does."""
        return JobKind.BULK if isinstance(self.request, BulkRequest) else JobKind.IMPORT


class ItemResult(Struct, frozen=True):
    """The result of an item; ``code`` and ``detail`` say why it was refused."""

    outcome: ItemOutcome
    ticket_number: int | None = None
    code: str | None = None
    detail: str | None = None


class JobItem(Struct, frozen=True):
    """An item of a job. ``position`` is its place in the request, from 0. Without an outcome it waits."""

    position: int
    ticket_number: int | None
    outcome: ItemOutcome | None
    code: str | None
    detail: str | None


def check_bulk(tickets: Sequence[str], action: Action) -> list[int]:
    """Return the ticket numbers of a bulk job.

    Raises:
        InvalidInput: there are no tickets or more than 1000, a number is malformed or repeated, or a value of the
            action breaks a rule.
    """
    violations = check_action(action)
    if not 1 <= len(tickets) <= BULK_MAX:
        violations.append(Violation("tickets", f"must be 1 to {BULK_MAX}", RuleCode.COUNT))
    elif len(set(tickets)) < len(tickets):
        violations.append(Violation("tickets", "must name each ticket once", RuleCode.DUPLICATE))
    numbers = []
    for index, text in enumerate(tickets[:BULK_MAX]):
        if (number := parse_ticket_number(text)) is None:
            violations.append(Violation(f"tickets.{index}", "must be INC and twelve digits", RuleCode.FORMAT))
        else:
            numbers.append(number)
    require_valid(violations)
    return numbers


def check_action(action: Action) -> list[Violation]:
    """Return the rules that the values of an action break."""
    match action:
        case ChangeStatus(reason=reason):
            return check_text("action.reason", reason, least=0, most=REASON_MAX)
        case ChangeValues() if all(value is UNSET or value == {} for value in astuple(action)):
            rule = "must set priority, severity, queue_id, reminder or fields"
            return [Violation("action", rule, RuleCode.REQUIRED)]
        case ChangeTags((), ()):
            return [Violation("action", "must add or remove a tag", RuleCode.REQUIRED)]
        case ChangeTags(add, remove):
            return [*_within("add", check_tags(add)), *_within("remove", check_tags(remove))]
        case AddNote(text):
            try:
                check_note_text(text)
            except InvalidInput as error:
                return [
                    Violation(f"action.{violation.field}", violation.rule, violation.code)
                    for violation in error.violations
                ]
    return []


def _within(member: str, violations: list[Violation]) -> list[Violation]:
    return [Violation(f"action.{member}", violation.rule, violation.code) for violation in violations]
