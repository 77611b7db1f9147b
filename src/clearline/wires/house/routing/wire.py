"""House API v1: routing rules, their preview, and the assignment of tickets, exactly as they travel."""

from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType, field

from clearline.accounts.domain import NAME_MAX
from clearline.catalogue.assessment import Priority
from clearline.queues.domain import AUTOMATIC
from clearline.routing import domain as routing
from clearline.tickets.domain import DESCRIPTION_MAX, TITLE_MAX
from clearline.wires.house.wire import (
    UUID_MAX,
    FieldValues,
    Id,
    IssueTypeKey,
    Moment,
    Name,
    Number,
    Ref,
    ServiceTypeKey,
)
from clearline.wires.http.fields import characters
from clearline.wires.http.one_of import OneOf

_MOST = Meta(max_length=routing.LIST_MAX)
RULES_MAX = 10_000
IssueTypes = Annotated[list[IssueTypeKey], _MOST]
ServiceTypes = Annotated[list[ServiceTypeKey], _MOST]
Companies = Annotated[list[UUID], _MOST]
Priorities = Annotated[list[Priority], _MOST]
Keywords = Annotated[list[Annotated[str, characters(1, routing.KEYWORD_MAX)]], _MOST]
FieldConditions = Annotated[
    list[Annotated[str, characters(1, routing.FIELD_CONDITION_MAX)]],
    Meta(
        max_length=routing.LIST_MAX,
        description="Conditions on own fields, all of which must hold: the key, a colon and a value, several values or "
        "a span as in a search.",
        extra_json_schema={"examples": [["region:emea,apac", "latency:>20"]]},
    ),
]
Position = Annotated[int, Meta(ge=1, le=RULES_MAX)]


class RuleIn(Struct, forbid_unknown_fields=True):
    """A rule to create, at ``position`` or at the end. An empty list is no condition.

    ``queue`` and ``companies`` are ids. ``keywords`` are whole words, or sequences of words: the title or the
    description must contain one of them, in any case.
    """

    name: Name
    queue: UUID
    issue_types: IssueTypes = field(default_factory=list)
    service_types: ServiceTypes = field(default_factory=list)
    companies: Companies = field(default_factory=list)
    priorities: Priorities = field(default_factory=list)
    keywords: Keywords = field(default_factory=list)
    fields: FieldConditions = field(default_factory=list)
    is_active: bool = True
    position: Position | None = None


class RulePatch(Struct, forbid_unknown_fields=True):
    """What to change of a rule (RFC 7396). A list replaces the whole list. ``position`` moves the rule."""

    name: Name | UnsetType = UNSET
    queue: UUID | UnsetType = UNSET
    issue_types: IssueTypes | UnsetType = UNSET
    service_types: ServiceTypes | UnsetType = UNSET
    companies: Companies | UnsetType = UNSET
    priorities: Priorities | UnsetType = UNSET
    keywords: Keywords | UnsetType = UNSET
    fields: FieldConditions | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET
    position: Position | UnsetType = UNSET


class RuleOut(Struct, frozen=True):
    """A rule. The active rule with the lowest position whose conditions all hold chooses the queue of a ticket.

    ``shadowed_by`` is the id of the first rule before it that takes all its tickets, so that it gets none, or null.
    Combinations of several rules are not considered.
    """

    id: Id
    position: int
    name: str
    queue: Ref
    issue_types: list[str]
    service_types: list[str]
    companies: list[Id]
    priorities: list[Priority]
    keywords: list[str]
    fields: list[str]
    is_active: bool
    created_at: Moment
    shadowed_by: Id | None


class OrderIn(Struct, forbid_unknown_fields=True):
    """The ids of all rules, in their new order."""

    ids: Annotated[list[UUID], Meta(max_length=RULES_MAX)]


class OrderOut(Struct, frozen=True):
    """All rules in order."""

    data: list[RuleOut]


class ForecastIn(Struct, forbid_unknown_fields=True):
    """A ticket to test the rules with: an existing or a hypothetical one.

    Without ``ticket``, ``issue_type`` and ``service_type`` are required, and the default ``priority`` is that of a new
    ticket of the issue type. ``company`` is a customer's code, name or id. With ``ticket``, the other members replace
    the values of the ticket.
    """

    ticket: Number | None = None
    issue_type: IssueTypeKey | UnsetType = UNSET
    service_type: ServiceTypeKey | UnsetType = UNSET
    company: Annotated[str, characters(1, NAME_MAX)] | UnsetType = UNSET
    priority: Priority | UnsetType = UNSET
    title: Annotated[str, characters(0, TITLE_MAX)] | UnsetType = UNSET
    description: Annotated[str, characters(0, DESCRIPTION_MAX)] | UnsetType = UNSET
    fields: FieldValues | UnsetType = UNSET


class VerdictOut(Struct, frozen=True):
    """The result of a rule: ``failed`` has the conditions that do not hold, by the names of the rule's members."""

    rule: Ref
    position: int
    matched: bool
    failed: list[str]


class ForecastOut(Struct, frozen=True):
    """What would happen now. ``rule`` and ``queue`` are null when no rule matches, ``assignee`` is for nobody."""

    rules: list[VerdictOut]
    rule: Ref | None
    queue: Ref | None
    assignee: Ref | None
    why: str


class RouteIn(Struct, forbid_unknown_fields=True):
    """An empty object: the rules choose."""


class AssignIn(Struct, forbid_unknown_fields=True):
    """Whom to assign the ticket to: ``to``, or the agent that ``mode`` chooses from the queue's team; one of the two.

    With ``force``, ``me`` takes the ticket from its assignee.
    """

    to: Annotated[str, Meta(max_length=UUID_MAX, description="A user's id, `me`, or null.")] | UnsetType | None = UNSET
    mode: OneOf[str, AUTOMATIC] | UnsetType = UNSET
    force: bool = False
