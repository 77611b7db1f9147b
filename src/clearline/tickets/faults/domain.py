"""The facts of a fault, as customers and the provider's people give them: their values and rules."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from clearline.catalogue.assessment import Impact
from clearline.clock import CLOCK_SECONDS
from clearline.errors import RuleCode, Violation
from clearline.events.domain import Change, changes_between
from clearline.text import check_text, is_blank

INTERMITTENT_MAX = 1000
TESTING_HOURS_MAX = 500
ACCESS_CONTACT_MAX = 500
ACCESS_HOURS_MAX = 500
HAZARDS_MAX = 1000
FIRST_OCCURRENCE = datetime(2000, 1, 1, tzinfo=UTC)
"""No fault began before this."""


class DetectedBy(StrEnum):
    """Who noticed the fault first. The list is closed, so that a report can count how many the provider saw itself."""

    CUSTOMER = "customer"
    CUSTOMER_MONITORING = "customer_monitoring"
    PROVIDER = "provider"
    PROVIDER_MONITORING = "provider_monitoring"
    THIRD_PARTY = "third_party"
    """A carrier, a data centre, a vendor."""


class TestingConsent(StrEnum):
    """Whether the provider may run tests that interrupt the service (intrusive tests)."""

    __test__ = False

    NO = "no"
    YES = "yes"
    WITHIN_HOURS = "within_hours"
    """Only within the hours that ``testing_hours`` says."""


class ServiceEnd(StrEnum):
    """The end of the service at which the fault shows."""

    A = "a"
    Z = "z"
    BOTH = "both"


class PathState(StrEnum):
    """The state of the paths of a service, as protection switching names them (ITU-T G.808.1)."""

    BOTH_UP = "both_up"
    WORKING_DOWN = "working_down"
    """Traffic runs over the protection path, or should."""
    PROTECTION_DOWN = "protection_down"
    """Traffic runs over the working path, without protection."""
    BOTH_DOWN = "both_down"
    UNPROTECTED = "unprotected"
    """The service has no second path."""
    UNKNOWN = "unknown"


class SiteAccess(Struct, frozen=True, gc=False):
    """How a technician gets in: whom to call, when, and what is dangerous there."""

    contact: str | None = None
    hours: str | None = None
    hazards: str | None = None


class Fault(Struct, frozen=True, gc=False, omit_defaults=True):
    """The facts of a fault, each None while nobody gave it.

    ``intermittent`` is the pattern of a fault that comes and goes, in words. ``observed_impact`` is what the customer
    observes, beside the provider's own ``impact``. ``testing_hours`` is there with ``within_hours`` only.
    """

    detected_by: DetectedBy | None = None
    intermittent: str | None = None
    observed_impact: Impact | None = None
    service_end: ServiceEnd | None = None
    path_state: PathState | None = None
    testing_consent: TestingConsent | None = None
    testing_hours: str | None = None
    dispatch_allowed: bool | None = None
    site_access: SiteAccess | None = None


NO_FAULT = Fault()
"""The facts of a fault of which none is known."""

FAULT_FIELDS = Fault.__struct_fields__
FACTS = ("occurred_at", *FAULT_FIELDS)
"""All facts by their names in bodies and events; ``occurred_at`` is a column of its own."""


def change_fault(fault: Fault, values: Mapping[str, Any]) -> Fault:
    """Return the facts with some values changed. Hours of testing end with the consent that they limit."""
    values = dict(values)
    if values.get("testing_consent", TestingConsent.WITHIN_HOURS) is not TestingConsent.WITHIN_HOURS:
        values.setdefault("testing_hours", None)
    changed = replace(fault, **values)
    return replace(changed, site_access=None) if changed.site_access == SiteAccess() else changed


def check_fault(fault: Fault) -> list[Violation]:
    """Return the rules that the facts of a fault break."""
    if fault == NO_FAULT:
        return []
    access = fault.site_access or SiteAccess()
    violations = [
        violation
        for field, text, most in (
            ("intermittent", fault.intermittent, INTERMITTENT_MAX),
            ("testing_hours", fault.testing_hours, TESTING_HOURS_MAX),
            ("site_access.contact", access.contact, ACCESS_CONTACT_MAX),
            ("site_access.hours", access.hours, ACCESS_HOURS_MAX),
            ("site_access.hazards", access.hazards, HAZARDS_MAX),
        )
        if text is not None
        for violation in check_text(field, text, most=most)
    ]
    is_within_hours = fault.testing_consent is TestingConsent.WITHIN_HOURS
    if is_within_hours and is_blank(fault.testing_hours or ""):
        rule = "is required: within which hours may tests interrupt the service?"
        violations.append(Violation("testing_hours", rule, RuleCode.REQUIRED))
    if not is_within_hours and fault.testing_hours is not None:
        rule = "is only for consent to tests within hours"
        violations.append(Violation("testing_hours", rule, RuleCode.CHOICE))
    return violations


def check_occurred_at(at: datetime | None, now: datetime) -> list[Violation]:
    """Return the rules that the beginning of a fault breaks. The clock of who gives it may be ahead by a minute."""
    if at is None:
        return []
    if at > now + timedelta(seconds=CLOCK_SECONDS):
        return [Violation("occurred_at", "must not lie in the future", RuleCode.ORDER)]
    if at < FIRST_OCCURRENCE:
        return [Violation("occurred_at", "must not be before the year 2000", RuleCode.ORDER)]
    return []


def by_fact(changes: Iterable[Change]) -> list[Change]:
    """Return changes of a ticket with that of its ``fault`` taken apart: one change for each fact."""
    apart: list[Change] = []
    for change in changes:
        apart += changes_between(change.before, change.after) if change.field == "fault" else [change]
    return apart
