"""The rules of the catalogue."""

import pytest

from clearline.catalogue.assessment import Assessment, Impact, Priority, Severity
from clearline.catalogue.domain import (
    Entry,
    check_entry,
    check_inventory_type,
    check_issue_type,
    check_known,
    check_service_type,
)
from clearline.catalogue.published import IssueType, ServiceType
from tests.builders.catalogue.entries import issue_entry, published_catalogue, service_entry

CATALOGUE = published_catalogue(
    issue_entry(
        "Fibre cut", name="Cut of a fibre", customer_name="No light", customer_name_de="Kein Licht",
        console_connect=IssueType.CIRCUIT_DOWN, service_types=("Wavelength",), priority=Priority.CRITICAL,
    ),
    issue_entry("Old", is_active=False),
    issue_entry(IssueType.APPLICATION, is_active=False),
    service_entry("Wavelength", console_connect=ServiceType.CONNECTION),
    service_entry("Telex", is_active=False),
)  # fmt: skip
OWN = issue_entry("Own")


def test_a_type_is_shown_as_its_word_on_console_connect() -> None:
    assert CATALOGUE.issue_word("Fibre cut") is IssueType.CIRCUIT_DOWN
    assert CATALOGUE.issue_word("Old") is IssueType.OTHERS
    assert CATALOGUE.service_word("Wavelength") is ServiceType.CONNECTION
    assert CATALOGUE.service_word("Telex") is ServiceType.NON_CONSOLE


def test_a_deleted_type_has_an_assessment() -> None:
    assert CATALOGUE.assessment_of("Fibre cut").priority is Priority.CRITICAL
    assert CATALOGUE.assessment_of("Gone") == Assessment(Severity.MINOR, Impact.DEGRADED, Priority.LOW)


def test_people_read_names_in_their_language() -> None:
    cut, plain = CATALOGUE.issue_types["Fibre cut"], CATALOGUE.service_types["Wavelength"]
    assert [cut.name_for_customers(language) for language in ("en", "de")] == ["No light", "Kein Licht"]
    assert [plain.name_for_customers(language) for language in ("en", "de")] == ["Wavelength", "Wavelength"]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("fibre CUT", "Fibre cut"), ("cut of a fibre", "Fibre cut"), ("kein licht", "Fibre cut"), ("old", "Old"),
        ("unstable", "Unstable"), ("", None), ("fire", None),
    ],
)  # fmt: skip
def test_a_type_is_known_by_its_key_and_names(text: str, key: str | None) -> None:
    assert CATALOGUE.issue_named(text) == key


def test_a_key_counts_before_the_name_of_another() -> None:
    renamed = published_catalogue(issue_entry(IssueType.UNSTABLE, customer_name="Others"))
    assert renamed.issue_named("others") == IssueType.OTHERS


@pytest.mark.parametrize(
    ("issue", "service", "rule"),
    [
        ("Fibre cut", "Wavelength", None),
        ("Circuit Down", "Wavelength", None),
        ("Fibre cut", "Port", "does not apply to Port, and must be one of "),
        ("Old", "Port", "is retired, and must be one of "),
        ("Application", "Port", "is retired, and must be one of "),
        ("Fire", "Port", "must be one of "),
    ],
)
def test_a_ticket_gets_an_active_issue_that_applies_to_its_service(issue: str, service: str, rule: str | None) -> None:
    broken = check_issue_type(CATALOGUE, issue, service)
    assert [violation.field for violation in broken] == ([] if rule is None else ["issue_type"])
    if rule is not None:
        choices = broken[0].rule.removeprefix(rule).split(", ")
        assert {"Circuit Down", "Others"} <= set(choices)
        assert {"Fibre cut", "Old", "Application"}.isdisjoint(choices)


@pytest.mark.parametrize(
    ("kind", "new", "stored", "kept"),
    [
        ("Port", None, None, None),
        ("Wavelength", None, None, None),
        ("Non-Console Service", None, "must be one of", "must be one of"),
        ("Telex", "is retired, and must be one of", "is retired, and must be one of", None),
        ("Fax", "must be one of", "must be one of", "must be one of"),
    ],
)
def test_services_and_tickets_get_active_types(
    kind: str, new: str | None, stored: str | None, kept: str | None
) -> None:
    for expected, broken in (
        (new, check_service_type(CATALOGUE, kind)),
        (stored, check_inventory_type(CATALOGUE, kind)),
        (kept, check_inventory_type(CATALOGUE, kind, is_kept=True)),
    ):
        assert [violation.rule.split(" Port")[0] for violation in broken] == ([] if expected is None else [expected])


def test_conditions_may_name_retired_types() -> None:
    assert check_known(["Old", "Circuit Down"], CATALOGUE.issue_types, "issue_types") == []
    [broken] = check_known(["Fire"], CATALOGUE.issue_types, "issue_types")
    assert broken.field == "issue_types"


@pytest.mark.parametrize(
    ("entry", "fields"),
    [
        (OWN, []),
        (issue_entry("Loss, drops"), ["key"]),
        (issue_entry('"Quoted"'), ["key"]),
        (issue_entry(" ahead"), ["key"]),
        (issue_entry("two  spaces"), ["key"]),
        (issue_entry("k" * 65), ["key", "name"]),
        (issue_entry("Own", name=""), ["name"]),
        (issue_entry("Own", customer_name="n" * 65, customer_name_de="n" * 65), ["customer_name", "customer_name_de"]),
        (issue_entry("Own", help="h" * 256, help_de="h" * 256), ["help", "help_de"]),
        (issue_entry("Own", position=10_000), ["position"]),
        (issue_entry("Own", position=-1), ["position"]),
        (issue_entry(IssueType.UNSTABLE, console_connect=IssueType.OTHERS), ["console_connect"]),
        (issue_entry("Own", console_connect=IssueType.UNSTABLE), []),
    ],
)
def test_an_entry_keeps_the_rules(entry: Entry, fields: list[str]) -> None:
    assert [violation.field for violation in check_entry(entry, [OWN], set(IssueType))] == fields


def test_the_last_active_entry_cannot_be_retired() -> None:
    retired = issue_entry("Own", is_active=False)
    assert [violation.field for violation in check_entry(retired, [retired], ())] == ["is_active"]
    assert check_entry(retired, [OWN], ()) == []
