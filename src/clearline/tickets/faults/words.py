"""The facts of a fault in words: what they are called in pages, and the words of their values."""

from clearline.catalogue.assessment import Impact
from clearline.tickets.faults.domain import (
    ACCESS_CONTACT_MAX,
    ACCESS_HOURS_MAX,
    HAZARDS_MAX,
    INTERMITTENT_MAX,
    TESTING_HOURS_MAX,
    DetectedBy,
    PathState,
    ServiceEnd,
    TestingConsent,
)


def _(text: str) -> str:
    """Mark a text for translation; templates translate it."""
    return text


DETECTED_BY: dict[str, str] = {
    DetectedBy.CUSTOMER: _("The customer"),
    DetectedBy.CUSTOMER_MONITORING: _("The customer's monitoring"),
    DetectedBy.PROVIDER: _("The provider"),
    DetectedBy.PROVIDER_MONITORING: _("The provider's monitoring"),
    DetectedBy.THIRD_PARTY: _("Somebody else"),
}
OBSERVED_IMPACTS: dict[str, str] = {
    Impact.DOWN: _("Down"),
    Impact.INTERMITTENT: _("Comes and goes"),
    Impact.DEGRADED: _("Degraded"),
}
SERVICE_ENDS: dict[str, str] = {
    ServiceEnd.A: _("A end"),
    ServiceEnd.Z: _("Z end"),
    ServiceEnd.BOTH: _("Both ends"),
}
PATH_STATES: dict[str, str] = {
    PathState.BOTH_UP: _("Both paths up"),
    PathState.WORKING_DOWN: _("Working path down"),
    PathState.PROTECTION_DOWN: _("Protection path down"),
    PathState.BOTH_DOWN: _("Both paths down"),
    PathState.UNPROTECTED: _("Unprotected"),
    PathState.UNKNOWN: _("Unknown"),
}
CONSENTS: dict[str, str] = {
    TestingConsent.NO: _("No"),
    TestingConsent.YES: _("Yes, at any time"),
    TestingConsent.WITHIN_HOURS: _("Yes, within hours"),
}
ANSWERS: dict[str, str] = {"yes": _("Yes"), "no": _("No")}
WORDS: dict[str, dict[str, str]] = {
    "detected_by": DETECTED_BY,
    "observed_impact": OBSERVED_IMPACTS,
    "service_end": SERVICE_ENDS,
    "path_state": PATH_STATES,
    "testing_consent": CONSENTS,
    "dispatch_allowed": ANSWERS,
}
"""The choices of each fact, with their words."""
LABELS: dict[str, str] = {
    "occurred_at": _("Began"),
    "detected_by": _("Noticed by"),
    "intermittent": _("Pattern"),
    "observed_impact": _("Observed impact"),
    "service_end": _("Affected end"),
    "path_state": _("Paths"),
    "testing_consent": _("Intrusive tests"),
    "testing_hours": _("Hours for tests"),
    "dispatch_allowed": _("Technician on site"),
    "site_access_contact": _("Access: contact"),
    "site_access_hours": _("Access: hours"),
    "site_access_hazards": _("Access: hazards"),
    "site_access": _("Site access"),
}
"""What the facts are called in forms and histories, by the names of their fields."""
LIMITS = {
    "intermittent": INTERMITTENT_MAX,
    "testing_hours": TESTING_HOURS_MAX,
    "site_access_contact": ACCESS_CONTACT_MAX,
    "site_access_hours": ACCESS_HOURS_MAX,
    "site_access_hazards": HAZARDS_MAX,
}
"""The most characters of each text."""
