from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from clearline.catalogue.assessment import Impact
from clearline.clock import CLOCK_SECONDS
from clearline.events.domain import Change
from clearline.tickets.faults import domain
from clearline.tickets.faults.domain import (
    FACTS,
    NO_FAULT,
    DetectedBy,
    Fault,
    SiteAccess,
    TestingConsent,
    by_fact,
    change_fault,
    check_fault,
    check_occurred_at,
)
from tests.builders.people import NOW

ACCESS = SiteAccess("Front desk, +1-555-0140", "06:00 to 22:00", "Laser class 3B")


def broken(fault: Fault) -> list[str]:
    return [violation.field for violation in check_fault(fault)]


@pytest.mark.parametrize(
    ("values", "field", "most"),
    [
        ({"intermittent": "x"}, "intermittent", domain.INTERMITTENT_MAX),
        ({"site_access": "contact"}, "site_access.contact", domain.ACCESS_CONTACT_MAX),
        ({"site_access": "hours"}, "site_access.hours", domain.ACCESS_HOURS_MAX),
        ({"site_access": "hazards"}, "site_access.hazards", domain.HAZARDS_MAX),
    ],
)
def test_each_text_has_a_limit(values: dict[str, str], field: str, most: int) -> None:
    def fault(text: str) -> Fault:
        [(name, inner)] = values.items()
        return Fault(**{name: SiteAccess(**{inner: text}) if name == "site_access" else text})  # type: ignore[arg-type]

    assert broken(fault("x" * most)) == []
    for text in ("x" * (most + 1), "", "a\x00b"):
        assert broken(fault(text)) == [field]


@pytest.mark.parametrize(
    ("consent", "hours", "fields"),
    [
        (None, None, []),
        (None, "at night", ["testing_hours"]),
        ("no", None, []),
        ("no", "at night", ["testing_hours"]),
        ("yes", None, []),
        ("yes", "at night", ["testing_hours"]),
        ("within_hours", "at night", []),
        ("within_hours", None, ["testing_hours"]),
        ("within_hours", " ", ["testing_hours"]),
        ("within_hours", "x" * (domain.TESTING_HOURS_MAX + 1), ["testing_hours"]),
    ],
)
def test_hours_of_testing_stand_with_the_consent_that_they_limit(
    consent: str | None, hours: str | None, fields: list[str]
) -> None:
    given = None if consent is None else TestingConsent(consent)
    assert broken(Fault(testing_consent=given, testing_hours=hours)) == fields


@pytest.mark.parametrize(
    ("values", "after"),
    [
        ({"detected_by": DetectedBy.THIRD_PARTY}, {"detected_by": DetectedBy.THIRD_PARTY}),
        ({"testing_consent": TestingConsent.YES}, {"testing_consent": TestingConsent.YES, "testing_hours": None}),
        ({"testing_consent": None}, {"testing_consent": None, "testing_hours": None}),
        ({"testing_hours": "by day"}, {"testing_hours": "by day"}),
        ({"testing_consent": TestingConsent.NO, "testing_hours": "x"},
         {"testing_consent": TestingConsent.NO, "testing_hours": "x"}),
        ({"site_access": SiteAccess()}, {"site_access": None}),
        ({"site_access": SiteAccess(hours="always")}, {"site_access": SiteAccess(hours="always")}),
    ],
)  # fmt: skip
def test_a_change_keeps_the_other_facts_and_drops_hours_without_their_consent(
    values: dict[str, Any], after: dict[str, Any]
) -> None:
    before = Fault(
        observed_impact=Impact.DOWN, testing_consent=TestingConsent.WITHIN_HOURS, testing_hours="at night",
        site_access=ACCESS,
    )  # fmt: skip
    changed = change_fault(before, values)
    for name in Fault.__struct_fields__:
        assert getattr(changed, name) == after.get(name, getattr(before, name)), name


@pytest.mark.parametrize(
    ("at", "is_valid"),
    [
        (None, True),
        (NOW, True),
        (NOW + timedelta(seconds=CLOCK_SECONDS), True),
        (NOW + timedelta(seconds=CLOCK_SECONDS + 1), False),
        (NOW - timedelta(days=900), True),
        (datetime(2000, 1, 1, tzinfo=UTC), True),
        (datetime(1999, 12, 31, 23, 59, tzinfo=UTC), False),
    ],
)
def test_a_fault_began_in_the_past_of_this_century(at: datetime | None, *, is_valid: bool) -> None:
    assert [violation.field for violation in check_occurred_at(at, NOW)] == ([] if is_valid else ["occurred_at"])


def test_an_event_has_a_change_for_each_fact() -> None:
    after = Fault(dispatch_allowed=False, site_access=ACCESS)
    changes = [Change("title", "a", "b"), Change("fault", NO_FAULT, after)]
    assert by_fact(changes) == [
        Change("title", "a", "b"), Change("dispatch_allowed", None, False), Change("site_access", None, ACCESS),
    ]  # fmt: skip
    assert set(FACTS) == {"occurred_at", *Fault.__struct_fields__}
