"""How the provider assesses a fault."""

from enum import StrEnum

from msgspec import Struct


class Severity(StrEnum):
    """How bad it is for the customer (MEF 124, ``severity``)."""

    MINOR = "minor"
    MODERATE = "moderate"
    SIGNIFICANT = "significant"
    EXTENSIVE = "extensive"


class Priority(StrEnum):
    """How soon the provider works on it."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Impact(StrEnum):
    """What the customer observes (MEF 124, ``observedImpact``)."""

    DEGRADED = "degraded"
    INTERMITTENT = "intermittent"
    DOWN = "down"


class Assessment(Struct, frozen=True):
    """The assessment of a new ticket, before an agent changes it."""

    severity: Severity
    impact: Impact
    priority: Priority


class Stated(Struct, frozen=True):
    """The part of the assessment that somebody states; None is left to the issue type and the priority matrix."""

    severity: Severity | None = None
    impact: Impact | None = None
    priority: Priority | None = None


NOTHING_STATED = Stated()
