"""The members of a ticket's bodies are put in order by position: each must get the value of its own name."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from msgspec import UNSET, to_builtins

from clearline.catalogue.assessment import Impact, Priority, Severity
from clearline.catalogue.published import IssueType, ServiceType
from clearline.identity import Actor, Company, Role
from clearline.reminders.domain import Reminder
from clearline.tickets.contact import Contact
from clearline.tickets.domain import Channel, Closure, Status, Ticket, TicketView, Waiting
from clearline.tickets.faults.domain import DetectedBy, Fault, PathState, ServiceEnd, SiteAccess, TestingConsent
from clearline.tickets.third_parties.domain import CaseRef
from clearline.wires.house.tickets.mapping import summary_mapper, ticket_out

TIME = datetime(2026, 3, 1, 12, tzinfo=UTC)
COMPANY = Company(UUID(int=1), "Acme", "ACM001")
TICKET = Ticket(
    company_id=COMPANY.id,
    number=42,
    title="the title",
    description="the description",
    issue_type=IssueType.UNSTABLE,
    service_type=ServiceType.PORT,
    service_id="the service",
    service_label="the label",
    severity=Severity.EXTENSIVE,
    impact=Impact.INTERMITTENT,
    priority=Priority.HIGH,
    status=Status.HELD,
    contact=Contact("Ada", "+1-555-0100", "ada@example.com"),
    channel=Channel.PHONE,
    created_at=TIME,
    updated_at=TIME + timedelta(hours=1),
    status_changed_at=TIME + timedelta(hours=2),
    resolved_at=TIME + timedelta(hours=3),
    version=7,
    asked_severity=Severity.MINOR,
    asked_priority=Priority.LOW,
    queue_id=UUID(int=2),
    assignee_id=UUID(int=3),
    tags=("a tag",),
    external_ids={"acme": "X-1"},
    reminder=Reminder(TIME + timedelta(days=1), "the reason", True, "the setter", TIME),
    occurred_at=TIME - timedelta(hours=1),
    fault=Fault(
        detected_by=DetectedBy.PROVIDER_MONITORING,
        intermittent="the pattern",
        observed_impact=Impact.DOWN,
        service_end=ServiceEnd.Z,
        path_state=PathState.WORKING_DOWN,
        testing_consent=TestingConsent.WITHIN_HOURS,
        testing_hours="the hours of testing",
        dispatch_allowed=False,
        site_access=SiteAccess("the desk", "the hours", "the hazards"),
    ),
    is_chronic=True,
    fields={"circuit_ref": "BIR-1"},
    sub_status="with_carrier",
    waiting=Waiting("third_party", "the text", "the speaker", TIME, CaseRef(UUID(int=4), "the party", "the case")),
    closure=Closure(cause="fibre_cut", resolution="the resolution"),
)
VIEW = TicketView(TICKET, COMPANY, "the queue", "the assignee", 43)
PUBLIC = {
    "number": "INC000000000042",
    "company": {"id": str(UUID(int=1)), "name": "Acme", "code": "ACM001"},
    "title": "the title",
    "status": "held",
    "issue_type": "Unstable",
    "service": {"id": "the service", "type": "Port", "label": "the label"},
    "severity": "extensive",
    "impact": "intermittent",
    "priority": "high",
    "asked": {"severity": "minor", "priority": "low"},
    "contact": {"name": "Ada", "phone": "+1-555-0100", "email": "ada@example.com"},
    "channel": "Phone",
    "external_ids": {"acme": "X-1"},
    "fields": {"circuit_ref": "BIR-1"},
    "merged_into": "INC000000000043",
    "created_at": "2026-03-01T12:00:00Z",
    "updated_at": "2026-03-01T13:00:00Z",
    "status_changed_at": "2026-03-01T14:00:00Z",
    "resolved_at": "2026-03-01T15:00:00Z",
    "version": 7,
    "occurred_at": "2026-03-01T11:00:00Z",
    "sub_status": "with_carrier",
    "waiting": {"reason": "third_party", "at": "2026-03-01T12:00:00Z"},
}
INTERNAL = {
    "waiting": {
        "reason": "third_party",
        "at": "2026-03-01T12:00:00Z",
        "text": "the text",
        "by": "the speaker",
        "case": {"id": str(UUID(int=4)), "party": "the party", "number": "the case"},
    },
    "queue": {"id": str(UUID(int=2)), "name": "the queue"},
    "assignee": {"id": str(UUID(int=3)), "name": "the assignee"},
    "tags": ["a tag"],
    "reminder": {
        "at": "2026-03-02T12:00:00Z",
        "reason": "the reason",
        "cancelled_by_answer": True,
        "set_by": "the setter",
        "set_at": "2026-03-01T12:00:00Z",
    },
    "is_chronic": True,
}
CLOSURE = {
    "cause": "fibre_cut",
    "action": None,
    "responsibility": None,
    "fault_found": None,
    "root_cause": "",
    "resolution": "the resolution",
}
FAULT = {
    "detected_by": "provider_monitoring",
    "intermittent": "the pattern",
    "observed_impact": "down",
    "service_end": "z",
    "path_state": "working_down",
    "testing_consent": "within_hours",
    "testing_hours": "the hours of testing",
    "dispatch_allowed": False,
    "site_access": {"contact": "the desk", "hours": "the hours", "hazards": "the hazards"},
}


@pytest.mark.parametrize(
    ("role", "members"), [(Role.CUSTOMER, PUBLIC), (Role.VIEWER, PUBLIC | INTERNAL), (Role.OPERATOR, PUBLIC | INTERNAL)]
)
def test_each_member_has_the_value_of_its_name(role: Role, members: dict[str, object]) -> None:
    actor = Actor(role, "Bo")
    assert to_builtins(summary_mapper(actor)(VIEW)) == members
    people: dict[str, object] = {
        "contacts": [],
        "cc": [],
        **({"suggested_cc": [], "cases": []} if role.is_staff else {}),
    }
    closure = {"closure": CLOSURE if role.is_staff else {"resolution": "the resolution"}}
    assert (
        to_builtins(ticket_out(VIEW, actor)) == members | {"description": "the description"} | FAULT | people | closure
    )


def test_what_a_ticket_has_none_of_is_null_for_staff_and_absent_for_customers() -> None:
    view = TicketView(Ticket(*(getattr(TICKET, name) for name in Ticket.__struct_fields__[:19])), COMPANY)
    body = ticket_out(view, Actor(Role.AGENT, "Bo"))
    assert (body.queue, body.assignee, body.tags, body.reminder) == (None, None, [], None)
    assert (body.queue, body.assignee, body.tags) == (None, None, [])
    assert not any(getattr(body, fact) for fact in ("occurred_at", *FAULT))
    assert (body.asked.severity, body.asked.priority, body.merged_into) == (None, None, None)
    assert ticket_out(view, Actor(Role.CUSTOMER, "Bo")).queue is UNSET
    assert ticket_out(view, Actor(Role.CUSTOMER, "Bo")).reminder is UNSET
