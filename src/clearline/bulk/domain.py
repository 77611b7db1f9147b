"""Jobs: one thing done to many tickets, or many tickets brought in, piece by piece and each piece by itself."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from clearline.errors import InvalidInput, Violation
from clearline.text import check_text
from clearline.tickets.domain import Channel, Priority, Severity, Status, parse_ticket_number
from clearline.tickets.note_domain import Visibility, check_note_text
from clearline.tickets.status_domain import REASON_MAX
from clearline.tickets.tag_domain import check_tags

BULK_MAX = 1000
"""The most tickets of one bulk job."""
IMPORT_MAX = 10_000
"""The most lines of one import."""
DETAIL_MAX = 2000
"""The most characters that are kept of why an item was refused."""
CANCELLED = "cancelled"
"""The code of an item that was waiting when its job was cancelled."""
FAULT = "fault"
"""The code of an item that met a fault of ours; the log has it."""


class JobKind(StrEnum):
    """What a job does."""

    BULK = "bulk"
    IMPORT = "import"


class JobState(StrEnum):
    """How far a job is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"


class ItemOutcome(StrEnum):
    """What became of one item."""

    DONE = "done"
    UNCHANGED = "unchanged"
    """It was so already."""
    REFUSED = "refused"


class ChangeStatus(Struct, frozen=True, tag="status", tag_field="action", forbid_unknown_fields=True):
    """Move each ticket to a status."""

    to: Status
    reason: str = ""


class Assign(Struct, frozen=True, tag="assign", tag_field="action", forbid_unknown_fields=True):
    """Give each ticket to an agent, or to nobody."""

    to: UUID | None


class ChangeValues(Struct, frozen=True, tag="change", tag_field="action", forbid_unknown_fields=True):
    """Set values of each ticket; those that are not named stay. A queue of None takes it out of its queue."""

    priority: Priority | UnsetType = UNSET
    severity: Severity | UnsetType = UNSET
    queue_id: UUID | UnsetType | None = UNSET


class ChangeTags(Struct, frozen=True, tag="tag", tag_field="action", forbid_unknown_fields=True):
    """Put tags on each ticket, and take tags off."""

    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()


class AddNote(Struct, frozen=True, tag="note", tag_field="action", forbid_unknown_fields=True):
    """Add the same note to each ticket."""

    text: str
    visibility: Visibility = Visibility.PUBLIC


Action = ChangeStatus | Assign | ChangeValues | ChangeTags | AddNote
CUSTOMER_ACTIONS = (ChangeStatus, AddNote)
"""The actions that a customer may ask for; which moves of a status are its own is the ticket's affair."""


class BulkRequest(Struct, frozen=True, tag="bulk", tag_field="kind"):
    """What a bulk job does to each of its tickets. ``channel`` is the way in which it was asked for."""

    action: Action
    channel: Channel


class ImportRequest(Struct, frozen=True, tag="import", tag_field="kind"):
    """What an import reads: its members are named as columns (``csv``) or as JSON pointers (``ndjson``)."""

    format: str


Request = BulkRequest | ImportRequest


class NewItem(Struct, frozen=True):
    """One item of a job to be made. One that is wrong from the start has its ``refusal``, and is never tried."""

    input: str = "{}"
    ticket_number: int | None = None
    refusal: str | None = None


class Counts(Struct, frozen=True):
    """What became of a job's items so far; the rest of them wait."""

    done: int
    unchanged: int
    refused: int
    waiting: int


class Job(Struct, frozen=True):
    """Work on many tickets, as the user who asked, with the scopes of then and the rights of the moment.

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
    """What became of an item; ``code`` and ``detail`` say why it was refused."""

    outcome: ItemOutcome
    ticket_number: int | None = None
    code: str | None = None
    detail: str | None = None


class JobItem(Struct, frozen=True):
    """One item of a job, in the order asked for: ``position`` counts from 0. Without an outcome it waits."""

    position: int
    ticket_number: int | None
    outcome: ItemOutcome | None
    code: str | None
    detail: str | None


def check_bulk(tickets: Sequence[str], action: Action) -> list[int]:
    """The numbers of the tickets that a bulk job is asked for, when it breaks no rule.

    Raises:
        InvalidInput: no tickets or more than 1000, one that is no number or stands twice, or
            a value of the action that breaks a rule.
    """
    violations = _check_action(action)
    if not 1 <= len(tickets) <= BULK_MAX:
        violations.append(Violation("tickets", f"must be 1 to {BULK_MAX}"))
    elif len(set(tickets)) < len(tickets):
        violations.append(Violation("tickets", "must name each ticket once"))
    numbers = []
    for place, text in enumerate(tickets[:BULK_MAX]):
        if (number := parse_ticket_number(text)) is None:
            violations.append(Violation(f"tickets.{place}", "must be INC and twelve digits"))
        else:
            numbers.append(number)
    if violations:
        raise InvalidInput(violations)
    return numbers


def _check_action(action: Action) -> list[Violation]:
    match action:
        case ChangeStatus(reason=reason):
            return check_text("action.reason", reason, least=0, most=REASON_MAX)
        case ChangeValues(UnsetType(), UnsetType(), UnsetType()):
            return [Violation("action", "must set priority, severity or queue_id")]
        case ChangeTags((), ()):
            return [Violation("action", "must add or remove a tag")]
        case ChangeTags(add, remove):
            return [*_within("add", check_tags(add)), *_within("remove", check_tags(remove))]
        case AddNote(text):
            try:
                check_note_text(text)
            except InvalidInput as error:
                return [Violation(f"action.{one.field}", one.rule) for one in error.violations]
    return []


def _within(member: str, violations: list[Violation]) -> list[Violation]:
    return [Violation(f"action.{member}", one.rule) for one in violations]
