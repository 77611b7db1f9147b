from datetime import UTC, datetime
from uuid import uuid4

import pytest

from clearline.catalogue.assessment import Impact, Priority, Severity
from clearline.catalogue.published import IssueType, ServiceType
from clearline.identity import Company
from clearline.tickets.contact import Contact
from clearline.tickets.domain import Channel, Status, Ticket, TicketView
from clearline.workspace.domain import (
    PLACEHOLDERS,
    Macro,
    SavedView,
    check_macro,
    check_view,
    placeholder_values,
    render,
)

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def a_ticket(*, title: str = "Port is slow", label: str | None = "Port 1 Hong Kong") -> TicketView:
    company = Company(uuid4(), "Birch Telecom", "BIR001")
    ticket = Ticket(
        company_id=company.id,
        number=42,
        title=title,
        description="Slow since 08:00 UTC",
        issue_type=IssueType.SLOW_RESPONSE,
        service_type=ServiceType.PORT,
        service_id="SVC-1",
        service_label=label,
        severity=Severity.MINOR,
        impact=Impact.DEGRADED,
        priority=Priority.LOW,
        status=Status.IN_PROGRESS,
        contact=Contact("Ada Okoro", "+1-555-0199", "ada@example.com"),
        channel=Channel.API,
        created_at=AT,
        updated_at=AT,
        status_changed_at=AT,
        resolved_at=None,
        version=1,
    )
    return TicketView(ticket, company)


def fields(macro: Macro) -> list[str]:
    return [violation.field for violation in check_macro(macro)]


@pytest.mark.parametrize(
    ("name", "value"),
    {
        "ticket.number": "INC000000000042",
        "ticket.title": "Port is slow",
        "service.id": "SVC-1",
        "service.label": "Port 1 Hong Kong",
        "contact.name": "Ada Okoro",
        "company.name": "Birch Telecom",
        "agent.name": "Nia",
    }.items(),
)
@pytest.mark.parametrize("pattern", ["{{%s}}", "{{ %s }}", "{{\n%s\t}}"])
def test_a_placeholder_is_replaced_by_a_value_of_the_ticket(name: str, value: str, pattern: str) -> None:
    text = f"a {pattern % name}, b"
    assert fields(Macro(uuid4(), "m", text)) == []
    assert render(text, placeholder_values(a_ticket(), "Nia")) == f"a {value}, b"


def test_every_placeholder_has_a_value() -> None:
    assert tuple(placeholder_values(a_ticket(), "Nia")) == PLACEHOLDERS


def test_braces_around_a_placeholder_stay() -> None:
    assert fields(Macro(uuid4(), "m", "{{{ticket.number}}}")) == []
    assert render("{{{ticket.number}}}", placeholder_values(a_ticket(), "Nia")) == "{INC000000000042}"


def test_a_service_without_a_label_shows_its_id() -> None:
    assert render("{{service.label}}", placeholder_values(a_ticket(label=None), "Nia")) == "SVC-1"


def test_a_filled_in_value_is_not_parsed_again() -> None:
    values = placeholder_values(a_ticket(title=r"{{agent.name}} \1 \g<0>"), "Nia")
    assert render("{{ticket.title}}|{{agent.name}}", values) == r"{{agent.name}} \1 \g<0>|Nia"


@pytest.mark.parametrize(
    "text",
    ["{{ticket.secret}}", "{{}}", "{{ }}", "{{Ticket.Number}}", "{{ticket.number}} {{agent}}"],
)
def test_an_unknown_placeholder_is_refused_when_a_macro_is_saved(text: str) -> None:
    [violation] = check_macro(Macro(uuid4(), "m", text))
    assert violation.field == "text"
    assert violation.rule.startswith("may only have the placeholders {{ticket.number}}, ")


@pytest.mark.parametrize("text", ["{ticket.secret}", "{{ticket.secret", "ticket.secret}}", "{% if %}"])
def test_other_braces_are_text(text: str) -> None:
    assert fields(Macro(uuid4(), "m", text)) == []
    assert render(text, {}) == text


@pytest.mark.parametrize(
    ("macro", "wrong"),
    [
        (Macro(uuid4(), "", "x"), ["name"]),
        (Macro(uuid4(), "x" * 256, "x"), ["name"]),
        (Macro(uuid4(), "m", "x" * 4000), []),
        (Macro(uuid4(), "m", "x" * 4001), ["text"]),
        (Macro(uuid4(), "m", " \n"), ["text"]),
        (Macro(uuid4(), "m", "\0x"), ["text"]),
        (Macro(uuid4(), "m"), ["text"]),
        (Macro(uuid4(), "m", status=Status.PENDING), []),
        (Macro(uuid4(), "m", queue_id=uuid4()), []),
        (Macro(uuid4(), "m", priority=Priority.HIGH), []),
        (Macro(uuid4(), "m", add_tags=("fibre",)), []),
        (Macro(uuid4(), "m", add_tags=("!",)), ["add_tags"]),
        (Macro(uuid4(), "m", status=Status.ACKNOWLEDGED), ["status"]),
    ],
)
def test_a_macro_that_breaks_a_rule_names_the_field(macro: Macro, wrong: list[str]) -> None:
    assert fields(macro) == wrong


@pytest.mark.parametrize(
    ("name", "query", "sort", "wrong"),
    [
        ("Mine", "", None, []),
        ("Mine", "x" * 500, "-updated_at", []),
        ("Mine", "x" * 501, None, ["query"]),
        ("", "", None, ["name"]),
        ("x" * 256, "\0", None, ["name", "query"]),
    ],
)
def test_a_view_that_breaks_a_rule_names_the_field(name: str, query: str, sort: str | None, wrong: list[str]) -> None:
    view = SavedView(uuid4(), uuid4(), uuid4(), name, query, False, AT, sort)
    assert [violation.field for violation in check_view(view)] == wrong
