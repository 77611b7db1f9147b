"""Imported tickets: the members of a line of a file, and the rules for their values."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from msgspec import Struct
from msgspec.structs import astuple, fields

from clearline.accounts.domain import NAME_MAX
from clearline.bulk.parts.domain import (
    ImportedCase,
    ImportedCaseRef,
    ImportedCopy,
    ImportedTicketContact,
    When,
    check_awaited,
    check_imported_cases,
)
from clearline.catalogue.assessment import Assessment, Impact, Priority, Severity
from clearline.errors import InvalidInput, RuleCode, Violation, require_valid
from clearline.inventory.domain import ID_MAX
from clearline.reminders.domain import AHEAD_MAX, REASON_MAX, Reminder
from clearline.text import check_text
from clearline.tickets.contact import Contact, Person, PersonKind, check_contact, check_people
from clearline.tickets.domain import DESCRIPTION_MAX, TITLE_MAX, Channel, Closure, Status, Ticket, Waiting
from clearline.tickets.faults.domain import (
    FAULT_FIELDS,
    DetectedBy,
    Fault,
    PathState,
    ServiceEnd,
    SiteAccess,
    TestingConsent,
    check_fault,
    check_occurred_at,
)
from clearline.tickets.label_domain import EXTERNAL_ID_MAX, SYSTEM_MAX, check_external_ids, check_tags, normalize_tags
from clearline.tickets.note_domain import TEXT_MAX, Note, Source, Visibility
from clearline.tickets.status_domain import FINISHED

T = TypeVar("T", bound=Struct)
_AT = re.compile(r"(.*) - at `\$(.*)`", re.DOTALL)
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+)\]")


class Subject(Struct, frozen=True):
    """What the lines of a file are about.

    ``columns`` are those of a table, of which ``nested`` are members of a member; ``value_of`` reads a cell.
    ``read`` checks a decoded line. ``ignored`` are members that an export writes and an import cannot set.
    """

    columns: tuple[str, ...]
    read: Callable[[Any], Struct]
    nested: Mapping[str, tuple[str, str]]
    value_of: Callable[[str, str], Any]
    ignored: frozenset[str]
    own_field: str = ""


def read_struct(
    value: Any, kind: type[T], ignored: Collection[str], choices: Mapping[str, Collection[str]] | None = None
) -> T:
    """Return the struct of a decoded line; ``choices`` are the values that some members, dotted, may have.

    Raises:
        InvalidInput: naming each wrong, missing or unknown member, dotted.
    """
    if not isinstance(value, dict):
        raise InvalidInput([Violation("line", "must be a JSON object", RuleCode.TYPE)])
    members = fields(kind)
    known = {field.name for field in members}
    violations = [
        Violation(name[:NAME_MAX], "is not known", RuleCode.UNKNOWN)
        for name in sorted(set(value) - known - set(ignored))
    ]
    read = {}
    for field in members:
        if field.name not in value:
            if field.required:
                violations.append(Violation(field.name, "is required", RuleCode.REQUIRED))
            continue
        try:
            read[field.name] = msgspec.convert(value[field.name], field.type)
        except msgspec.ValidationError as error:
            violations.append(_violation(field.name, str(error), choices or {}))
    require_valid(violations)
    return kind(**read)


def _violation(name: str, message: str, choices: Mapping[str, Collection[str]]) -> Violation:
    """Return an error of msgspec as a violation: a dotted field, and a rule."""
    match = _AT.fullmatch(message)
    message, path = (match[1], match[2]) if match else (message, "")
    field = ".".join([name, *(a or b for a, b in _STEP.findall(path))])
    if field in choices:
        return Violation(field, "must be one of " + ", ".join(choices[field]), RuleCode.CHOICE)
    return Violation(field, "is wrong: " + message[:1].lower() + message[1:], RuleCode.FORMAT)


NOTES_MAX = 1000
"""The most notes of an imported ticket."""
RESOLVED_STATUSES = frozenset({Status.RESOLVED, Status.CLOSED})
"""The statuses with a time of resolution."""


class ImportedService(Struct, frozen=True, forbid_unknown_fields=True):
    """What the ticket is about; anything with the type Non-Console Service."""

    id: str
    type: str
    label: str | None = None
    """Ignored: an export writes it, but the inventory has the label."""


class ImportedContact(Struct, frozen=True, forbid_unknown_fields=True):
    """The contact of the ticket; the phone may be unknown."""

    name: str
    email: str
    phone: str = ""


class ImportedSiteAccess(Struct, frozen=True, forbid_unknown_fields=True):
    """How a technician gets in."""

    contact: str | None = None
    hours: str | None = None
    hazards: str | None = None


class External(Struct, frozen=True, forbid_unknown_fields=True):
    """The ticket's id in the system that it comes from. The same id is the same ticket: it is imported once."""

    system: str
    id: str


class ImportedNote(Struct, frozen=True):
    """A note, with the text and the time that it had."""

    text: str
    author: str
    created_at: When
    visibility: Visibility = Visibility.PUBLIC
    source: Source = Source.SELLER


class ImportedReminder(Struct, frozen=True, forbid_unknown_fields=True):
    """When the ticket comes back, and why: at once if that is past. Who imports it set it, unless it says otherwise."""

    at: When
    reason: str = ""
    cancelled_by_answer: bool = False
    set_by: str = ""
    set_at: When | None = None


class ImportedWaiting(Struct, frozen=True, forbid_unknown_fields=True):
    """Why the ticket waits: the key of a reason, a text, who said so, when, and the case at a third party."""

    reason: str
    text: str = ""
    by: str = ""
    at: When | None = None
    case: ImportedCaseRef | None = None


class ImportedClosure(Closure, frozen=True, forbid_unknown_fields=True):
    """What was found and done."""


class ImportedTicket(Struct, frozen=True):
    """One line of an import. ``company`` is a name or customer code.

    The default priority and severity are those that a new ticket would begin with. ``resolved_at`` is for tickets that
    are resolved or closed; its default is the latest time in the line.
    """

    company: str
    title: str
    description: str
    issue_type: str
    service: ImportedService
    contact: ImportedContact
    created_at: When
    status: Status = Status.ACKNOWLEDGED
    priority: Priority | None = None
    severity: Severity | None = None
    resolved_at: When | None = None
    external: External | None = None
    external_ids: dict[str, str] = {}
    impact: Impact | None = None
    asked_severity: Severity | None = None
    asked_priority: Priority | None = None
    tags: tuple[str, ...] = ()
    fields: dict[str, Any] = {}
    notes: tuple[ImportedNote, ...] = ()
    reminder: ImportedReminder | None = None
    occurred_at: When | None = None
    detected_by: DetectedBy | None = None
    intermittent: str | None = None
    observed_impact: Impact | None = None
    service_end: ServiceEnd | None = None
    path_state: PathState | None = None
    testing_consent: TestingConsent | None = None
    testing_hours: str | None = None
    dispatch_allowed: bool | None = None
    site_access: ImportedSiteAccess | None = None
    sub_status: str | None = None
    waiting: ImportedWaiting | None = None
    closure: ImportedClosure | None = None
    contacts: tuple[ImportedTicketContact, ...] = ()
    cc: tuple[ImportedCopy, ...] = ()
    cases: tuple[ImportedCase, ...] = ()

    @property
    def people(self) -> tuple[list[Person], list[Person]]:
        """The contacts besides the contact, and who gets copies."""
        return (
            [Person(PersonKind.CONTACT, each.email, each.name, each.phone, each.roles) for each in self.contacts],
            [Person(PersonKind.CC, each.email, each.name) for each in self.cc],
        )

    @property
    def ids(self) -> list[External]:
        """The ids of the ticket in other systems, each system once."""
        ids = self.external_ids | ({} if self.external is None else {self.external.system: self.external.id})
        return [External(system, ids[system]) for system in sorted(ids)]

    @property
    def fault(self) -> Fault:
        """The facts of the fault."""
        values = {name: getattr(self, name) for name in FAULT_FIELDS if name != "site_access"}
        access = self.site_access
        site_access = None if access is None else SiteAccess(access.contact, access.hours, access.hazards)
        return Fault(**values, site_access=site_access)

    @property
    def last_known(self) -> datetime:
        """The latest time in the line: nothing is known to have happened since."""
        times = [self.created_at, *(note.created_at for note in self.notes)]
        return max([*times, self.resolved_at] if self.resolved_at else times)


MEMBERS = frozenset(ImportedTicket.__struct_fields__)
WRITTEN_BY_EXPORT = frozenset(
    {
        "number", "company_name", "channel", "updated_at", "status_changed_at", "version", "merged_into",
        "merged_notes", "queue", "assignee", "is_chronic",
    }
)  # fmt: skip
"""The members that an export writes and an import ignores, so that an exported file can be imported."""


def read_ticket(value: Any) -> ImportedTicket:
    """Return the ticket of a decoded line.

    Raises:
        InvalidInput: naming each wrong, missing or unknown member, dotted.
    """
    return read_struct(value, ImportedTicket, WRITTEN_BY_EXPORT, _CHOICES)


_CHOICES: dict[str, Sequence[str]] = {"status": tuple(Status)}
"""Members of which a wrong value is answered with what it may be."""


def check_imported(ticket: ImportedTicket, *, now: datetime) -> list[Violation]:
    """Return the rules that an imported ticket breaks, except of its types. No time in it may be after ``now``."""
    contact = Contact(ticket.contact.name, ticket.contact.phone, ticket.contact.email)
    violations = [
        *check_text("company", ticket.company, most=NAME_MAX),
        *check_text("title", ticket.title, most=TITLE_MAX),
        *check_text("description", ticket.description, most=DESCRIPTION_MAX),
        *check_text("service.id", ticket.service.id, most=ID_MAX),
        *check_text("service.label", ticket.service.label or "", least=0, most=NAME_MAX),
        *check_contact("contact", contact),
        *check_people(*ticket.people, contact),
        *check_tags(ticket.tags),
        *_past("created_at", ticket.created_at, now),
        *check_occurred_at(ticket.occurred_at, now),
        *check_fault(ticket.fault),
        *check_imported_cases(ticket.cases, ticket.created_at, now=now),
        *check_awaited(None if ticket.waiting is None else ticket.waiting.case),
    ]
    if ticket.resolved_at is not None:
        violations += _past("resolved_at", ticket.resolved_at, now)
        if ticket.resolved_at < ticket.created_at:
            violations.append(Violation("resolved_at", "must not be before created_at", RuleCode.ORDER))
        if ticket.status not in RESOLVED_STATUSES:
            violations.append(
                Violation("resolved_at", "must stand only with the status resolved or closed", RuleCode.CHOICE)
            )
    if ticket.external is not None:
        violations += check_text("external.system", ticket.external.system, most=SYSTEM_MAX)
        violations += check_text("external.id", ticket.external.id, most=EXTERNAL_ID_MAX)
    violations += check_external_ids(ticket.external_ids)
    if ticket.reminder is not None:
        violations += _check_reminder(ticket.reminder, ticket.status, now)
    return violations + _check_notes(ticket.notes, now)


def _check_reminder(reminder: ImportedReminder, status: Status, now: datetime) -> list[Violation]:
    violations = [
        *check_text("reminder.reason", reminder.reason, least=0, most=REASON_MAX),
        *check_text("reminder.set_by", reminder.set_by, least=0, most=NAME_MAX),
        *_past("reminder.set_at", reminder.set_at or now, now),
    ]
    if reminder.at > now + AHEAD_MAX:
        violations.append(Violation("reminder.at", "must not be more than 5 years ahead", RuleCode.ORDER))
    if status in FINISHED:
        violations.append(Violation("reminder", "must stand only with the status of an open ticket", RuleCode.CHOICE))
    return violations


def _check_notes(notes: tuple[ImportedNote, ...], now: datetime) -> list[Violation]:
    if len(notes) > NOTES_MAX:
        return [Violation("notes", f"must be at most {NOTES_MAX}", RuleCode.COUNT)]
    violations = []
    for index, note in enumerate(notes):
        violations += check_text(f"notes.{index}.text", note.text, most=TEXT_MAX)
        violations += check_text(f"notes.{index}.author", note.author, most=NAME_MAX)
        violations += _past(f"notes.{index}.created_at", note.created_at, now)
    return violations


def _past(field: str, at: datetime, now: datetime) -> list[Violation]:
    return [Violation(field, "must not lie in the future", RuleCode.ORDER)] if at > now else []


def imported_state(company_id: UUID, imported: ImportedTicket, assessment: Assessment) -> Ticket:
    """Return an imported ticket as it is stored, with the times that it had. Its number is not known before that.

    ``assessment`` has what the line states, and otherwise what a new ticket would begin with.
    """
    last_known, waiting = imported.last_known, imported.waiting
    resolved_at = (imported.resolved_at or last_known) if imported.status in RESOLVED_STATUSES else None
    return Ticket(
        company_id=company_id,
        number=0,
        title=imported.title,
        description=imported.description,
        issue_type=imported.issue_type,
        service_type=imported.service.type,
        service_id=imported.service.id,
        service_label=None,
        severity=assessment.severity,
        impact=assessment.impact,
        priority=assessment.priority,
        status=imported.status,
        contact=Contact(imported.contact.name, imported.contact.phone, imported.contact.email),
        channel=Channel.SYSTEM,
        created_at=imported.created_at,
        updated_at=last_known,
        status_changed_at=resolved_at or last_known,
        resolved_at=resolved_at,
        version=1,
        tags=normalize_tags(imported.tags),
        asked_severity=imported.asked_severity,
        asked_priority=imported.asked_priority,
        external_ids={external.system: external.id for external in imported.ids},
        occurred_at=imported.occurred_at,
        fault=imported.fault,
        sub_status=imported.sub_status,
        waiting=_waiting(waiting, last_known),
        closure=None if imported.closure is None else Closure(*astuple(imported.closure)),
        fields=imported.fields,
    )


def _waiting(waiting: ImportedWaiting | None, last_known: datetime) -> Waiting | None:
    if waiting is None:
        return None
    case = None if waiting.case is None else waiting.case.ref
    return Waiting(waiting.reason, waiting.text, waiting.by, waiting.at or last_known, case)


def imported_reminder(imported: ImportedTicket, by: str, *, now: datetime) -> Reminder | None:
    """Return the reminder of an imported ticket, set by who imports it unless the line says by whom and when."""
    reminder = imported.reminder
    if reminder is None:
        return None
    return Reminder(
        reminder.at, reminder.reason, reminder.cancelled_by_answer, reminder.set_by or by, reminder.set_at or now
    )


def imported_notes(imported: ImportedTicket) -> list[Note]:
    """Return the notes of an imported ticket. Their numbers are not known before they are stored."""
    return [
        Note(0, note.text, note.visibility, note.source, Channel.SYSTEM, note.author, note.created_at)
        for note in imported.notes
    ]
