"""Tickets and their notes at the command line."""

import pytest

from clearline.platform.database.transactions import Database
from clearline.tickets.domain import ticket_number
from tests.builders.application import run_command, run_json, run_refused, run_text
from tests.builders.people import Tenant
from tests.builders.tickets import raised


@pytest.fixture
async def number(database: Database, tenant: Tenant) -> str:
    """Return the number of a ticket."""
    async with database.transaction() as tx:
        return ticket_number(await raised(tx, tenant))


def test_a_ticket_is_shown_and_gets_notes_and_statuses(database_url: str, number: str) -> None:
    url = database_url
    run_json(url, "ticket", "status", number, "in_progress")
    note = run_json(url, "ticket", "note", number, "for us", "--internal")
    assert (note["text"], note["visibility"], note["ticket"]) == ("for us", "internal", number)
    resolved = run_json(url, "ticket", "status", number, "resolved", "--reason", "fixed")
    assert (resolved["number"], resolved["status"]) == (number, "resolved")
    assert run_json(url, "ticket", "show", number) == resolved
    assert run_json(url, "ticket", "notes", number) == [note]
    history = run_json(url, "ticket", "history", number)
    assert history[-1]["data"] == {"before": "in_progress", "after": "resolved", "reason": "fixed"}
    shown = run_text(url, "ticket", "show", number)
    assert "in_progress -> resolved: fixed" in shown
    assert f"{note['id']}  " in shown
    assert "operator (internal)\nfor us\n" in shown
    refused = run_refused(url, "ticket", "status", number, "pending")
    assert refused == "refused: a ticket that is resolved cannot become pending\n"


def test_a_ticket_is_raised_changed_tagged_and_listed(database_url: str, tenant: Tenant) -> None:
    url, of = database_url, ("--company", tenant.company.code)
    options = (
        "--title", "Port is down", "--description", "No light", "--issue", "Circuit Down", "--service", "SVC-1",
        "--service-type", "Port", "--asked-priority", "high",
    )  # fmt: skip
    raised_text = run_text(url, "ticket", "create", *of, *options)
    number = raised_text.split()[1]
    assert raised_text == f"Ticket {number} raised.\n"
    changed = run_json(url, "ticket", "change", number, "--priority", "low", "--title", "Port 1 is down")
    assert (changed["priority"], changed["title"], changed["asked"]["priority"]) == ("low", "Port 1 is down", "high")
    assert run_json(url, "ticket", "tag", number, "--add", "fibre", "--add", "cut")["tags"] == ["cut", "fibre"]
    assert run_text(url, "ticket", "tag", number, "--remove", "cut") == f"Tags of {number}: fibre\n"
    assert run_text(url, "ticket", "change", number, "--impact", "degraded").startswith(f"{number} changed: impact: ")
    assert run_text(url, "ticket", "change", number, "--impact", "degraded") == f"{number}: nothing changed.\n"
    listed = run_json(url, "ticket", "list", *of, "--assignee", "none", "--limit", "1")
    assert [ticket["number"] for ticket in listed] == [number]
    assert "Port 1 is down" in run_text(url, "ticket", "list", *of)


def test_other_contacts_and_copies_are_named_as_the_form_demands(database_url: str, tenant: Tenant) -> None:
    url, form = database_url, ("Circuit Down", "--audience", "staff")
    create = (
        "ticket", "create", "--company", tenant.company.code, "--title", "Port is down", "--description", "No light",
        "--issue", "Circuit Down", "--service", "SVC-1", "--service-type", "Port",
    )  # fmt: skip
    fields = [part for name in ("title", "description", "contacts!", "cc!") for part in ("--field", name)]
    run_json(url, "form", "set", *form, *fields)
    try:
        assert "contacts" in run_refused(url, *create)
        nia = ("--other-contact", "Roy, Nia <nia@example.com>, +1-555-0142; technical, on_duty")
        gate = ("--other-contact", "Gate, +1-555-0143;site_access")
        copies = ("--cc", "noc@example.org", "--cc", "Ole <ole@example.org>")
        created = run_json(url, *create, *nia, *gate, *copies)
    finally:
        run_text(url, "form", "delete", *form, "--yes")
    assert [(one["name"], one["email"], one["phone"], one["roles"]) for one in created["contacts"]] == [
        ("Roy, Nia", "nia@example.com", "+1-555-0142", ["technical", "on_duty"]),
        ("Gate", "", "+1-555-0143", ["site_access"]),
    ]
    assert [(one["name"], one["email"]) for one in created["cc"]] == [
        ("", "noc@example.org"), ("Ole", "ole@example.org"),
    ]  # fmt: skip
    assert created["version"] == 1


@pytest.mark.parametrize(
    ("option", "text", "why"),
    [
        ("--other-contact", "nia@example.com", 'is not "NAME <EMAIL>, PHONE; ROLE, ROLE"'),
        ("--other-contact", "Nia <nia@example.com>;", "nothing is no role"),
        ("--other-contact", "Nia <nia@example.com>; chief", "chief is no role: must be one of reporter, technical,"),
        ("--other-contact", "<nia@example.com>; technical", 'is not "NAME <EMAIL>, PHONE; ROLE, ROLE"'),
        ("--cc", "Ole <>", "is no address"),
    ],
)
def test_people_that_cannot_be_read_are_refused(
    database_url: str, tenant: Tenant, option: str, text: str, why: str
) -> None:
    refused = run_command(
        database_url, "ticket", "create", "--company", tenant.company.code, "--title", "Down", "--description", "Down",
        "--issue", "Circuit Down", "--service", "SVC-1", "--service-type", "Port", option, text,
    )  # fmt: skip
    assert (refused.exit_code, why in " ".join(refused.stderr.split())) == (2, True), refused.stderr


def test_the_facts_of_a_fault_are_given_changed_and_removed(database_url: str, tenant: Tenant) -> None:
    url = database_url
    number = run_json(
        url, "ticket", "create", "--company", tenant.company.code, "--title", "Port is down",
        "--description", "No light", "--issue", "Circuit Down", "--service", "CPE-7",
        "--service-type", "Non-Console Service",
        "--occurred-at", "2026-03-01T02:00", "--detected-by", "customer", "--intermittent", "Nightly",
        "--observed-impact", "down", "--service-end", "z", "--path-state", "unprotected",
        "--testing-consent", "within_hours", "--testing-hours", "22:00 to 04:00", "--no-dispatch",
        "--access-contact", "Front desk", "--access-hours", "always", "--access-hazards", "Laser",
    )["number"]  # fmt: skip
    shown = run_text(url, "ticket", "show", number)
    for text in ("testing hours", "22:00 to 04:00", "dispatch allowed", "access hazards", "Laser"):
        assert text in shown
    changed = run_json(
        url, "ticket", "change", number, "--dispatch", "--access-hours", "by day", "--clear", "occurred_at",
        "--clear", "path_state", "--testing-consent", "no",
    )  # fmt: skip
    assert (changed["occurred_at"], changed["path_state"], changed["dispatch_allowed"]) == (None, None, True)
    assert (changed["testing_consent"], changed["testing_hours"], changed["intermittent"]) == ("no", None, "Nightly")
    assert changed["site_access"] == {"contact": "Front desk", "hours": "by day", "hazards": "Laser"}
    assert run_text(url, "ticket", "change", number, "--dispatch") == f"{number}: nothing changed.\n"
    refused = run_refused(url, "ticket", "change", number, "--testing-consent", "within_hours")
    assert "testing_hours is required" in refused
    refused = run_refused(url, "ticket", "change", number, "--occurred-at", "2999-01-01")
    assert "occurred_at must not lie in the future" in refused
    of = ("--company", tenant.company.code)
    run_json(url, "ticket", "change", number, "--occurred-at", "2026-03-02T02:00")
    for option, numbers in (("--occurred-since", [number]), ("--occurred-until", [])):
        listed = run_json(url, "ticket", "list", *of, option, "2026-03-02", "--sort", "occurred_at", "--not-chronic")
        assert [ticket["number"] for ticket in listed] == numbers
