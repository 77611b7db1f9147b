from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from clearline.errors import IllegalTransition, InvalidInput
from clearline.events.domain import StatusChanged
from clearline.inventory.domain import ServiceType
from clearline.tickets.contact import Contact
from clearline.tickets.domain import (
    ASSESSMENT,
    Channel,
    FaultSymptom,
    Impact,
    IssueType,
    NewTicket,
    Priority,
    Severity,
    Status,
    Ticket,
    check_new_ticket,
    fault_symptom,
    parse_ticket_number,
    ticket_number,
)
from clearline.tickets.status_domain import FINISHED, OPEN, TRANSITIONS, change_status

BORN = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = BORN + timedelta(hours=1)
EVERY_PAIR = [(before, after) for before in Status for after in Status]

A, P, W, H = Status.ACKNOWLEDGED, Status.IN_PROGRESS, Status.PENDING, Status.HELD
R, AGAIN, Q, X = Status.RESOLVED, Status.REOPENED, Status.CANCELLATION_REQUESTED, Status.CANCELLED
LEGAL = {
    *((A, after) for after in (P, W, H, Status.REJECTED, X, Q)),
    *((P, after) for after in (W, H, R, X, Q)),
    *((W, after) for after in (P, H, X, Q)),
    *((H, after) for after in (P, W, X, Q)),
    *((R, after) for after in (Status.CLOSED, AGAIN)),
    (AGAIN, P),
    (Q, X),
}
"""The lifecycle written a second time, so that a change to the table has to be meant."""

MATRIX = {
    "Circuit Down": ("extensive", "down", "critical"),
    "Circuit Flapping": ("significant", "intermittent", "high"),
    "Unstable": ("significant", "intermittent", "high"),
    "Circuit taking errors": ("moderate", "degraded", "medium"),
    "High Latency": ("moderate", "degraded", "medium"),
    "Packet Loss/Drops": ("moderate", "degraded", "medium"),
    "Slow Response": ("moderate", "degraded", "medium"),
}


def a_ticket(status: Status, *, resolved_at: datetime | None = None, version: int = 1) -> Ticket:
    return Ticket(
        company_id=UUID(int=1),
        number=7,
        title="Port is slow",
        description="Slow since 08:00 UTC",
        issue_type=IssueType.SLOW_RESPONSE,
        service_type=ServiceType.PORT,
        service_id="SVC-1",
        service_label="Service 1",
        severity=Severity.MODERATE,
        impact=Impact.DEGRADED,
        priority=Priority.MEDIUM,
        status=status,
        contact=Contact("Ada Okoro", "", "ada@example.com"),
        channel=Channel.API,
        created_at=BORN,
        updated_at=BORN,
        status_changed_at=BORN,
        resolved_at=resolved_at,
        version=version,
    )


@pytest.mark.parametrize(("before", "after"), EVERY_PAIR)
def test_a_move_works_exactly_when_the_lifecycle_allows_it(before: Status, after: Status) -> None:
    ticket = a_ticket(before, version=4)
    if (before, after) not in LEGAL:
        with pytest.raises(IllegalTransition) as refused:
            change_status(ticket, after, reason="", now=LATER)
        assert (refused.value.current, refused.value.requested) == (before, after)
        return
    moved, fact = change_status(ticket, after, reason="because", now=LATER)
    assert fact == StatusChanged(before=before, after=after, reason="because")
    expected = replace(
        ticket,
        status=after,
        status_changed_at=LATER,
        updated_at=LATER,
        version=5,
        resolved_at=LATER if after is Status.RESOLVED else None,
    )
    assert moved == expected


def test_the_table_of_moves_speaks_of_every_status() -> None:
    assert set(TRANSITIONS) == set(Status)
    assert {(before, after) for before, moves in TRANSITIONS.items() for after in moves} == LEGAL


@pytest.mark.parametrize("after", Status)
@pytest.mark.parametrize("end", [Status.CANCELLED, Status.CLOSED, Status.REJECTED])
def test_nothing_leaves_a_terminal_status(end: Status, after: Status) -> None:
    with pytest.raises(IllegalTransition):
        change_status(a_ticket(end), after, reason="", now=LATER)


def test_three_statuses_are_terminal_and_the_rest_are_open() -> None:
    assert {Status.CANCELLED, Status.CLOSED, Status.REJECTED} == FINISHED
    assert set(Status) == OPEN | FINISHED
    assert not OPEN & FINISHED


def test_resolving_sets_the_time_and_closing_keeps_it() -> None:
    resolved, _ = change_status(a_ticket(Status.IN_PROGRESS), Status.RESOLVED, reason="", now=LATER)
    closed, _ = change_status(resolved, Status.CLOSED, reason="", now=LATER + timedelta(days=1))
    assert closed.resolved_at == LATER


def test_reopening_clears_the_time_of_resolving() -> None:
    ticket = a_ticket(Status.RESOLVED, resolved_at=BORN)
    reopened, _ = change_status(ticket, Status.REOPENED, reason="again", now=LATER)
    assert reopened.resolved_at is None


@pytest.mark.parametrize("reason", ["x" * 1001, "nul \x00", "half \ud800"])
def test_a_reason_that_is_too_long_or_cannot_be_stored_is_refused(reason: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        change_status(a_ticket(Status.ACKNOWLEDGED), Status.IN_PROGRESS, reason=reason, now=LATER)
    assert [violation.field for violation in refused.value.violations] == ["reason"]


@given(st.lists(st.sampled_from(Status), max_size=60))
def test_a_random_walk_never_leaves_the_lifecycle(wishes: list[Status]) -> None:
    ticket, at = a_ticket(Status.ACKNOWLEDGED), BORN
    for wish in wishes:
        at += timedelta(minutes=1)
        before = ticket
        try:
            ticket, fact = change_status(ticket, wish, reason="", now=at)
        except IllegalTransition:
            assert (before.status, wish) not in LEGAL
            continue
        assert (fact.before, fact.after) == (before.status, wish)
        assert (before.status, wish) in LEGAL
        assert ticket.version == before.version + 1
        assert ticket.updated_at == ticket.status_changed_at == at
        assert (ticket.resolved_at is not None) == (ticket.status in {Status.RESOLVED, Status.CLOSED})
        assert ticket.created_at == BORN


@given(st.data())
def test_every_walk_of_legal_moves_can_still_reach_an_end(data: st.DataObject) -> None:
    ticket = a_ticket(Status.ACKNOWLEDGED)
    for _ in range(data.draw(st.integers(0, 30))):
        if not TRANSITIONS[ticket.status]:
            break
        to = data.draw(st.sampled_from(sorted(TRANSITIONS[ticket.status])))
        ticket, _fact = change_status(ticket, to, reason="", now=LATER)
    reached, frontier = set[Status](), {ticket.status}
    while frontier:
        reached |= frontier
        frontier = {after for before in frontier for after in TRANSITIONS[before]} - reached
    assert reached & FINISHED


def test_every_issue_type_has_an_assessment() -> None:
    assert set(ASSESSMENT) == set(IssueType)


@pytest.mark.parametrize("issue", IssueType)
def test_an_issue_is_assessed_as_the_matrix_says(issue: IssueType) -> None:
    found = ASSESSMENT[issue]
    assert (found.severity, found.impact, found.priority) == MATRIX.get(issue, ("minor", "degraded", "low"))


@given(st.integers(0, 999_999_999_999))
def test_a_ticket_number_survives_writing_and_reading(number: int) -> None:
    text = ticket_number(number)
    assert len(text) == 15
    assert parse_ticket_number(text) == number


@given(st.text())
def test_only_what_would_be_written_is_read_as_a_number(text: str) -> None:
    number = parse_ticket_number(text)
    assert number is None or ticket_number(number) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "INC",
        "INC12345678901",
        "INC1234567890123",
        "inc123456789012",
        " INC123456789012",
        "INC123456789012\n",
        "INC-00000000001",
        "INC+00000000001",
        "INC1_3456789012",
        "INC" + "\u0661" * 12,  # Arabic-Indic digits
        "INC" + "\uff11" * 12,  # full-width digits
        "INC00000000000\u00b2",  # a superscript two
    ],
)
def test_a_text_that_is_nearly_a_number_is_none(text: str) -> None:
    assert parse_ticket_number(text) is None


def test_a_symptom_names_the_category_the_service_and_the_issue() -> None:
    assert fault_symptom(IssueType.CIRCUIT_DOWN, ServiceType.PORT) == FaultSymptom(
        "Console Connect", "Port", "Circuit Down"
    )
    assert fault_symptom(IssueType.OTHERS, ServiceType.NON_CONSOLE).category == "Non-Console"


def test_every_broken_rule_of_a_new_ticket_is_named_at_once() -> None:
    contact = Contact("", "1" * 65, "nobody")
    new = NewTicket("", "x" * 32_001, IssueType.OTHERS, ServiceType.PORT, "s" * 65, contact, Channel.API)
    with pytest.raises(InvalidInput) as refused:
        check_new_ticket(new)
    assert [violation.field for violation in refused.value.violations] == [
        "title",
        "description",
        "service.id",
        "contact.name",
        "contact.phone",
        "contact.email",
    ]


def test_a_new_ticket_at_every_limit_is_taken_unchanged() -> None:
    contact = Contact("n" * 255, "1" * 64, "a" * 252 + "@b")
    new = NewTicket("t" * 255, "d" * 32_000, IssueType.OTHERS, ServiceType.PORT, "s" * 64, contact, Channel.API)
    assert check_new_ticket(new) is new
