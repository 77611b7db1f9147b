from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearline.catalogue.assessment import Assessment, Impact, Priority, Severity
from clearline.catalogue.published import IssueType, ServiceType
from clearline.errors import Forbidden, InvalidInput
from clearline.identity import PROVIDER_ID, Role, User
from clearline.tickets.contact import Contact
from clearline.tickets.domain import (
    CUSTOMER_EDITABLE_FIELDS,
    Channel,
    FaultSymptom,
    NewTicket,
    Status,
    Ticket,
    TicketValues,
    can_be_assigned,
    check_customer_fields,
    check_new_ticket,
    fault_symptom,
    first_state,
    parse_ticket_number,
    ticket_number,
    values_of,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)

_CUT = Assessment(Severity.SIGNIFICANT, Impact.DOWN, Priority.HIGH)


@given(st.integers(0, 999_999_999_999))
def test_a_ticket_number_is_formatted_and_parsed_back(number: int) -> None:
    text = ticket_number(number)
    assert len(text) == 15
    assert parse_ticket_number(text) == number


@given(st.text())
def test_only_the_formatted_form_is_parsed_as_a_number(text: str) -> None:
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
def test_a_text_that_is_almost_a_number_is_refused(text: str) -> None:
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


def test_a_new_ticket_at_every_limit_is_accepted_unchanged() -> None:
    contact = Contact("n" * 255, "1" * 64, "a" * 252 + "@b")
    new = NewTicket("t" * 255, "d" * 32_000, IssueType.OTHERS, ServiceType.PORT, "s" * 64, contact, Channel.API)
    assert check_new_ticket(new) is new


def test_a_new_ticket_is_acknowledged_and_assessed_by_its_issue_type() -> None:
    contact = Contact("Ada Okoro", "", "ada@example.com")
    new = NewTicket(
        "Port is slow", "Since 08:00", "Fibre cut", "Wavelength", "SVC-1", contact, Channel.EMAIL,
        Severity.EXTENSIVE, Priority.CRITICAL, ("bgp",), {"snow": "CHG1"},
    )  # fmt: skip
    assert first_state(UUID(int=1), new, _CUT, now=NOW) == Ticket(
        company_id=UUID(int=1),
        number=0,
        title="Port is slow",
        description="Since 08:00",
        issue_type="Fibre cut",
        service_type="Wavelength",
        service_id="SVC-1",
        service_label=None,
        severity=Severity.SIGNIFICANT,
        impact=Impact.DOWN,
        priority=Priority.HIGH,
        status=Status.ACKNOWLEDGED,
        contact=contact,
        channel=Channel.EMAIL,
        created_at=NOW,
        updated_at=NOW,
        status_changed_at=NOW,
        resolved_at=None,
        version=1,
        asked_severity=Severity.EXTENSIVE,
        asked_priority=Priority.CRITICAL,
        queue_id=None,
        assignee_id=None,
        tags=("bgp",),
        external_ids={"snow": "CHG1"},
    )


def test_the_values_that_can_be_changed_are_fields_of_a_ticket() -> None:
    contact = Contact("Ada Okoro", "", "ada@example.com")
    new = NewTicket("Port is slow", "Slow", IssueType.OTHERS, ServiceType.PORT, "SVC-1", contact, Channel.API)
    ticket = first_state(UUID(int=1), new, _CUT, now=NOW)
    values = values_of(ticket)
    assert all(getattr(values, name) == getattr(ticket, name) for name in TicketValues.__struct_fields__)


@pytest.mark.parametrize("field", TicketValues.__struct_fields__)
def test_a_customer_changes_its_contact_its_requested_values_and_its_numbers(field: str) -> None:
    is_customers = field in {
        "contact", "asked_severity", "asked_priority", "external_ids", "occurred_at", "fault", "fields"
    }  # fmt: skip
    assert (field in CUSTOMER_EDITABLE_FIELDS) is is_customers
    if is_customers:
        check_customer_fields([field])
        return
    with pytest.raises(Forbidden, match=field):
        check_customer_fields(["contact", field])


@pytest.mark.parametrize("is_active", [True, False])
@pytest.mark.parametrize("company_id", [PROVIDER_ID, UUID(int=1)])
@pytest.mark.parametrize("role", Role)
def test_tickets_are_assigned_to_active_agents_and_admins_of_the_provider(
    role: Role, company_id: UUID, *, is_active: bool
) -> None:
    user = User(company_id, UUID(int=2), "Jo", "jo@example.com", "", role, is_active=is_active)
    expected = is_active and company_id == PROVIDER_ID and role in {Role.AGENT, Role.ADMIN}
    assert can_be_assigned(user) is expected
