from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from clearline.catalogue.assessment import Impact, Priority, Severity
from clearline.catalogue.published import IssueType, ServiceType
from clearline.errors import Forbidden, IllegalTransition, InvalidInput
from clearline.events.domain import StatusChanged
from clearline.tickets.contact import Contact
from clearline.tickets.domain import Channel, Status, Ticket
from clearline.tickets.note_domain import Source
from clearline.tickets.status_domain import (
    ACCEPTS_NOTES,
    CUSTOMER_TRANSITIONS,
    FINISHED,
    OPEN,
    TRANSITIONS,
    change_status,
    check_customer_move,
    customer_moves,
    force_status,
    move_by_answer,
    moves_by_answer,
)

CREATED = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = CREATED + timedelta(hours=1)
EVERY_PAIR = [(before, after) for before in Status for after in Status]

A, P, W, H = Status.ACKNOWLEDGED, Status.IN_PROGRESS, Status.PENDING, Status.HELD
R, AGAIN, Q, X = Status.RESOLVED, Status.REOPENED, Status.CANCELLATION_REQUESTED, Status.CANCELLED
LEGAL = {
    *((A, after) for after in (P, W, H, R, Status.REJECTED, X, Q)),
    *((P, after) for after in (W, H, R, X, Q)),
    *((W, after) for after in (P, H, R, X, Q)),
    *((H, after) for after in (P, W, R, X, Q)),
    *((R, after) for after in (Status.CLOSED, AGAIN)),
    *((AGAIN, after) for after in (P, R)),
    *((Q, after) for after in (R, X)),
}
"""The lifecycle, written again so that no change of the table is accidental."""


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
        created_at=CREATED,
        updated_at=CREATED,
        status_changed_at=CREATED,
        resolved_at=resolved_at,
        version=version,
    )


@pytest.mark.parametrize(("before", "after"), EVERY_PAIR)
def test_a_transition_succeeds_exactly_when_the_lifecycle_allows_it(before: Status, after: Status) -> None:
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


def test_the_table_of_transitions_has_every_status() -> None:
    assert set(TRANSITIONS) == set(Status)
    assert {(before, after) for before, moves in TRANSITIONS.items() for after in moves} == LEGAL


@pytest.mark.parametrize("after", Status)
@pytest.mark.parametrize("end", [Status.CANCELLED, Status.CLOSED, Status.REJECTED])
def test_nothing_leaves_a_terminal_status(end: Status, after: Status) -> None:
    with pytest.raises(IllegalTransition):
        change_status(a_ticket(end), after, reason="", now=LATER)


def test_three_statuses_are_terminal_and_the_others_are_open() -> None:
    assert {Status.CANCELLED, Status.CLOSED, Status.REJECTED} == FINISHED
    assert set(Status) == OPEN | FINISHED
    assert not OPEN & FINISHED


def test_resolving_sets_the_time_and_closing_keeps_it() -> None:
    resolved, _ = change_status(a_ticket(Status.IN_PROGRESS), Status.RESOLVED, reason="", now=LATER)
    closed, _ = change_status(resolved, Status.CLOSED, reason="", now=LATER + timedelta(days=1))
    assert closed.resolved_at == LATER


def test_reopening_clears_the_resolution_time() -> None:
    ticket = a_ticket(Status.RESOLVED, resolved_at=CREATED)
    reopened, _ = change_status(ticket, Status.REOPENED, reason="again", now=LATER)
    assert reopened.resolved_at is None


@pytest.mark.parametrize("reason", ["x" * 1001, "nul \x00", "half \ud800"])
def test_a_reason_that_is_too_long_or_cannot_be_stored_is_refused(reason: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        change_status(a_ticket(Status.ACKNOWLEDGED), Status.IN_PROGRESS, reason=reason, now=LATER)
    assert [violation.field for violation in refused.value.violations] == ["reason"]


@given(st.lists(st.sampled_from(Status), max_size=60))
def test_a_random_walk_never_leaves_the_lifecycle(statuses: list[Status]) -> None:
    ticket, at = a_ticket(Status.ACKNOWLEDGED), CREATED
    for status in statuses:
        at += timedelta(minutes=1)
        before = ticket
        try:
            ticket, fact = change_status(ticket, status, reason="", now=at)
        except IllegalTransition:
            assert (before.status, status) not in LEGAL
            continue
        assert (fact.before, fact.after) == (before.status, status)
        assert (before.status, status) in LEGAL
        assert ticket.version == before.version + 1
        assert ticket.updated_at == ticket.status_changed_at == at
        assert (ticket.resolved_at is not None) == (ticket.status in {Status.RESOLVED, Status.CLOSED})
        assert ticket.created_at == CREATED


@given(st.data())
def test_every_sequence_of_legal_transitions_can_reach_a_terminal_status(data: st.DataObject) -> None:
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


CUSTOMER_PAIRS = (
    {(before, Q) for before in (A, P, W, H)} | {(before, Status.CLOSED) for before in (A, P, R)} | {(R, AGAIN)}
)
"""The transitions of customers, written again."""


@pytest.mark.parametrize(("before", "after"), EVERY_PAIR)
def test_a_customer_may_make_exactly_the_transitions_of_the_table(before: Status, after: Status) -> None:
    assert (after in CUSTOMER_TRANSITIONS.get(before, ())) is ((before, after) in CUSTOMER_PAIRS)
    if (before, after) in CUSTOMER_PAIRS:
        check_customer_move(before, after, "still down")
        return
    with pytest.raises(Forbidden):
        check_customer_move(before, after, "still down")


@pytest.mark.parametrize(
    ("before", "after", "is_needed"),
    [(R, Status.CLOSED, False), (A, Q, False), (R, AGAIN, True), (A, Status.CLOSED, True), (P, Status.CLOSED, True)],
)
@pytest.mark.parametrize("reason", ["", " ", "\u200b"])
def test_a_customer_needs_a_reason_to_reopen_and_to_close_what_is_not_resolved(
    before: Status, after: Status, reason: str, *, is_needed: bool
) -> None:
    if not is_needed:
        check_customer_move(before, after, reason)
        return
    with pytest.raises(InvalidInput) as refused:
        check_customer_move(before, after, reason)
    assert [violation.field for violation in refused.value.violations] == ["reason"]


@pytest.mark.parametrize(("before", "after"), sorted(CUSTOMER_PAIRS))
def test_a_provider_can_reserve_the_closing_of_what_is_not_resolved(before: Status, after: Status) -> None:
    is_reserved = after is Status.CLOSED and before is not R
    assert (after in customer_moves(before, may_close=False)) is not is_reserved
    if is_reserved:
        with pytest.raises(Forbidden):
            check_customer_move(before, after, "it works again", may_close=False)
    else:
        check_customer_move(before, after, "it works again", may_close=False)


@pytest.mark.parametrize("before", [A, P])
def test_a_customer_closes_in_one_step_what_only_the_provider_would_resolve_first(before: Status) -> None:
    ticket = a_ticket(before)
    with pytest.raises(IllegalTransition):
        change_status(ticket, Status.CLOSED, reason="it works again", now=LATER)
    moved, fact = change_status(ticket, Status.CLOSED, reason="it works again", by_customer=True, now=LATER)
    assert (moved.status, moved.resolved_at) == (Status.CLOSED, LATER)
    assert fact == StatusChanged(before, Status.CLOSED, "it works again")


@pytest.mark.parametrize("reopens", [True, False])
@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("source", Source)
def test_only_a_customers_answer_changes_the_status_of_only_a_pending_or_resolved_ticket(
    source: Source, status: Status, *, reopens: bool
) -> None:
    to = {Status.PENDING: Status.IN_PROGRESS, **({Status.RESOLVED: Status.REOPENED} if reopens else {})}.get(status)
    move = None if to is None or source is not Source.BUYER else StatusChanged(status, to, "the customer answered")
    assert move_by_answer(a_ticket(status), source, reopens=reopens) == move


def test_the_transitions_of_an_answer_are_legal_for_a_ticket_that_accepts_notes() -> None:
    moves = moves_by_answer(Source.BUYER, reopens=True)
    assert len(moves) == 2
    for move in moves:
        assert move.after in TRANSITIONS[Status(move.before)]
        assert move.before in ACCEPTS_NOTES


@pytest.mark.parametrize("status", Status)
def test_a_ticket_accepts_notes_until_it_is_finished(status: Status) -> None:
    assert (status in ACCEPTS_NOTES) is (status not in {Status.CANCELLED, Status.CLOSED, Status.REJECTED})


@pytest.mark.parametrize(("before", "after"), EVERY_PAIR)
def test_a_forced_transition_keeps_the_resolution_time(before: Status, after: Status) -> None:
    ticket = a_ticket(before, resolved_at=CREATED, version=4)
    moved, fact = force_status(ticket, after, reason="why", now=LATER)
    assert moved == replace(ticket, status=after, status_changed_at=LATER, updated_at=LATER, version=5)
    assert fact == StatusChanged(before, after, "why")
