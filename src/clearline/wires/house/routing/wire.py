"""House API v1: routing rules, what they would do, and who gets a ticket, exactly as they travel."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType, field

from clearline.inventory.domain import ServiceType
from clearline.routing import domain as routing
from clearline.tickets.domain import DESCRIPTION_MAX, TITLE_MAX, IssueType, Priority
from clearline.wires.house.wire import Name, Number, Ref, characters

_MOST = Meta(max_length=routing.LIST_MAX)
RULES_MAX = 10_000
IssueTypes = Annotated[list[IssueType], _MOST]
ServiceTypes = Annotated[list[ServiceType], _MOST]
Companies = Annotated[list[UUID], _MOST]
Priorities = Annotated[list[Priority], _MOST]
Keywords = Annotated[list[Annotated[str, characters(1, routing.KEYWORD_MAX)]], _MOST]
Position = Annotated[int, Meta(ge=1, le=RULES_MAX)]


class RuleIn(Struct, forbid_unknown_fields=True):
    """A rule to make, at ``position`` or at the end. An empty list is no condition.

    ``queue`` and ``companies`` are ids. ``keywords`` are whole words, or words in a row, one of which must stand in
    the title or the description, in any case.
    """

    name: Name
    queue: UUID
    issue_types: IssueTypes = field(default_factory=list)
    service_types: ServiceTypes = field(default_factory=list)
    companies: Companies = field(default_factory=list)
    priorities: Priorities = field(default_factory=list)
    keywords: Keywords = field(default_factory=list)
    is_active: bool = True
    position: Position | None = None


class RulePatch(Struct, forbid_unknown_fields=True):
    """What to change of a rule (RFC 7396); lists are replaced whole. ``position`` moves it."""

    name: Name | UnsetType = UNSET
    queue: UUID | UnsetType = UNSET
    issue_types: IssueTypes | UnsetType = UNSET
    service_types: ServiceTypes | UnsetType = UNSET
    companies: Companies | UnsetType = UNSET
    priorities: Priorities | UnsetType = UNSET
    keywords: Keywords | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET
    position: Position | UnsetType = UNSET


class RuleOut(Struct, frozen=True):
    """A rule. The active one with the lowest position whose every condition holds chooses a ticket's queue."""

    id: str
    position: int
    name: str
    queue: Ref
    issue_types: list[IssueType]
    service_types: list[ServiceType]
    companies: list[str]
    priorities: list[Priority]
    keywords: list[str]
    is_active: bool
    created_at: datetime


class OrderIn(Struct, forbid_unknown_fields=True):
    """All the rules' ids, in the order they are to have."""

    ids: Annotated[list[UUID], Meta(max_length=RULES_MAX)]


class OrderOut(Struct, frozen=True):
    """All the rules in order."""

    data: list[RuleOut]


class ForecastIn(Struct, forbid_unknown_fields=True):
    """A ticket to try the rules on: one that there is, or one that is only thought of.

    Without ``ticket``, ``issue_type`` and ``service_type`` are required, and ``priority`` is by default what such a
    ticket gets. ``company`` is a customer's code, name or id. With ``ticket`` every other member takes the place of
    what the ticket says.
    """

    ticket: Number | None = None
    issue_type: IssueType | UnsetType = UNSET
    service_type: ServiceType | UnsetType = UNSET
    company: Annotated[str, characters(1, 255)] | UnsetType = UNSET
    priority: Priority | UnsetType = UNSET
    title: Annotated[str, characters(0, TITLE_MAX)] | UnsetType = UNSET
    description: Annotated[str, characters(0, DESCRIPTION_MAX)] | UnsetType = UNSET


class VerdictOut(Struct, frozen=True):
    """What one rule says: ``failed`` names the conditions that do not hold, as the rule's own members."""

    rule: Ref
    position: int
    matched: bool
    failed: list[str]


class ForecastOut(Struct, frozen=True):
    """What would happen now. ``rule`` and ``queue`` are null when no rule matches, ``assignee`` when nobody gets it."""

    rules: list[VerdictOut]
    rule: Ref | None
    queue: Ref | None
    assignee: Ref | None
    why: str


class RouteIn(Struct, forbid_unknown_fields=True):
    """Nothing: the rules choose."""


class AssignIn(Struct, forbid_unknown_fields=True):
    """Whom to give the ticket: ``to`` somebody, or whoever the ``mode`` chooses of the queue's team; one of the two.

    ``force`` takes the ticket from whoever has it when ``to`` is ``me``.
    """

    to: Annotated[str, Meta(max_length=36, description="A user's id, `me`, or null.")] | UnsetType | None = UNSET
    mode: Literal["round_robin", "least_loaded"] | UnsetType = UNSET
    force: bool = False
