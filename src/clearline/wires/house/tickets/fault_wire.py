"""House API v1: the facts of a fault in the bodies of tickets."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from clearline.catalogue.assessment import Impact
from clearline.tickets.faults import domain as fault
from clearline.tickets.faults.domain import DetectedBy, PathState, ServiceEnd, SiteAccess, TestingConsent
from clearline.wires.house.wire import Moment
from clearline.wires.http.fields import characters

OccurredAt = Annotated[
    Moment, Meta(description="When the fault began: not in the future, and not before the year 2000.")
]
Intermittent = Annotated[str, characters(1, fault.INTERMITTENT_MAX)]
TestingHours = Annotated[str, characters(1, fault.TESTING_HOURS_MAX)]
AccessContact = Annotated[str, characters(1, fault.ACCESS_CONTACT_MAX)]
AccessHours = Annotated[str, characters(1, fault.ACCESS_HOURS_MAX)]
Hazards = Annotated[str, characters(1, fault.HAZARDS_MAX)]


class SiteAccessOut(SiteAccess, frozen=True):
    """How a technician gets in: whom to call, when, and what is dangerous there."""


class SiteAccessIn(Struct, forbid_unknown_fields=True):
    """How a technician gets in: whom to call, when, and what is dangerous there."""

    contact: AccessContact | None = None
    hours: AccessHours | None = None
    hazards: Hazards | None = None


class SiteAccessPatch(Struct, forbid_unknown_fields=True):
    """How a technician gets in. Members that are absent do not change; null removes one."""

    contact: AccessContact | UnsetType | None = UNSET
    hours: AccessHours | UnsetType | None = UNSET
    hazards: Hazards | UnsetType | None = UNSET


class FaultIn(Struct, kw_only=True, forbid_unknown_fields=True):
    """The facts of a fault as they are given with a new ticket; all can be left out."""

    occurred_at: OccurredAt | None = None
    detected_by: DetectedBy | None = None
    intermittent: Annotated[Intermittent, Meta(description="The pattern of a fault that comes and goes.")] | None = None
    observed_impact: Impact | None = None
    service_end: ServiceEnd | None = None
    path_state: PathState | None = None
    testing_consent: TestingConsent | None = None
    testing_hours: (
        Annotated[TestingHours, Meta(description="Required with the `testing_consent` `within_hours`.")] | None
    ) = None
    dispatch_allowed: bool | None = None
    site_access: SiteAccessIn | None = None


class FaultPatch(Struct, kw_only=True, forbid_unknown_fields=True):
    """The facts of a fault in a merge patch; null removes one."""

    occurred_at: OccurredAt | UnsetType | None = UNSET
    detected_by: DetectedBy | UnsetType | None = UNSET
    intermittent: Intermittent | UnsetType | None = UNSET
    observed_impact: Impact | UnsetType | None = UNSET
    service_end: ServiceEnd | UnsetType | None = UNSET
    path_state: PathState | UnsetType | None = UNSET
    testing_consent: TestingConsent | UnsetType | None = UNSET
    testing_hours: TestingHours | UnsetType | None = UNSET
    dispatch_allowed: bool | UnsetType | None = UNSET
    site_access: SiteAccessPatch | UnsetType | None = UNSET
