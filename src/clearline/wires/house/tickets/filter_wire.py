"""House API v1: the filters and orders of lists of tickets."""

import re
from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from clearline.accounts.domain import NAME_MAX
from clearline.catalogue.assessment import Priority, Severity
from clearline.catalogue.domain import KEY_MAX
from clearline.catalogue.term_domain import KEY
from clearline.catalogue.term_domain import KEY_MAX as TERM_KEY_MAX
from clearline.errors import RuleCode
from clearline.fields.domain import KEY as FIELD_KEY
from clearline.fields.domain import TEXT_MAX
from clearline.inventory.domain import ID_MAX
from clearline.tickets.domain import Status
from clearline.tickets.label_domain import EXTERNAL_ID_MAX, SYSTEM_MAX, TAG, TAG_MAX, TAGS_MAX
from clearline.tickets.lists.order import OWN_FIELD, SORTS
from clearline.tickets.status_domain import State
from clearline.tickets.third_parties.domain import CASE_NUMBER_MAX
from clearline.wires.house.wire import UUID_MAX, Cursor, Limit, Moment
from clearline.wires.http.fields import NOT_NUL, Email

_TAG = TAG.removeprefix("^").removesuffix("$")
_SIGN = re.compile(r"[()]")
_TYPES_MAX = 100


def _several(kind: type[StrEnum], about: str) -> Meta:
    """Return the rule of a parameter that has some members of an enumeration between commas."""
    members = [str(member) for member in kind]
    choices = "|".join(_SIGN.sub(r"\\\g<0>", member) for member in members)
    name = f"({choices})"
    return Meta(
        pattern=f"^{name}(,{name})*$",
        description=f"{about} Several are separated by commas: any of them.",
        extra={
            "rule": f"must be one of {', '.join(members)}; several are separated by commas",
            "code": RuleCode.CHOICE,
        },
        extra_json_schema={"examples": [members[0], ",".join(members[:2])]},
    )


def _keys(kind: str, about: str, example: str) -> Meta:
    """Return the rule of a parameter that has some keys of types of the catalogue between commas."""
    return Meta(
        max_length=(KEY_MAX + 1) * _TYPES_MAX,
        description=f"{about}, also of one that is retired: its key in `list{kind.title()}Types`. Several are "
        "separated by commas: any of them.",
        extra_json_schema={"examples": [example]},
    )


def _listed(about: str, of: str = "terms", example: str = "third_party") -> Meta:
    """Return the rule of a parameter that has keys between commas."""
    key = KEY.pattern.removeprefix("^").removesuffix("$")
    return Meta(
        pattern=f"^{key}(,{key})*$",
        max_length=(TERM_KEY_MAX + 1) * 20,
        description=f"{about} Several are separated by commas: any of them.",
        extra={"rule": f"must be keys of {of}, separated by commas"},
        extra_json_schema={"examples": [example]},
    )


class Filters(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The filters of tickets; a ticket must match all of them."""

    state: (
        Annotated[
            State, Meta(description="`open`, `finished` or `all` tickets. Default: the state of `status`, or `open`.")
        ]
        | None
    ) = None
    status: Annotated[str, _several(Status, "Tickets with this status.")] | None = None
    company: Annotated[str, Meta(max_length=NAME_MAX, description="A customer's code, name or id.")] | None = None
    queue: Annotated[str, Meta(max_length=UUID_MAX, description="A queue's id. For the provider's people.")] | None = (
        None
    )
    team: (
        Annotated[
            str, Meta(max_length=UUID_MAX, description="A team's id: tickets in its queues. For the provider's people.")
        ]
        | None
    ) = None
    assignee: (
        Annotated[str, Meta(max_length=UUID_MAX, description="`me`, `none` or a user's id. For the provider's people.")]
        | None
    ) = None
    watcher: Annotated[str, Meta(max_length=UUID_MAX, description="`me` or the id of a user who watches.")] | None = (
        None
    )
    service: Annotated[str, Meta(max_length=ID_MAX, description="A service's id.")] | None = None
    service_type: Annotated[str, _keys("service", "Tickets about services of this type", "Port")] | None = None
    issue_type: Annotated[str, _keys("issue", "Tickets with this type of issue", "Circuit Down")] | None = None
    priority: Annotated[str, _several(Priority, "Tickets with this priority.")] | None = None
    severity: Annotated[str, _several(Severity, "Tickets with this severity, as assessed.")] | None = None
    tags: (
        Annotated[
            str,
            Meta(
                pattern=f"^{_TAG}(,{_TAG})*$",
                max_length=(TAG_MAX + 1) * TAGS_MAX,
                description="Tickets with all of these tags, separated by commas. For the provider's people.",
                extra={"rule": "must be tags of letters, digits and . _ : / -, separated by commas"},
                extra_json_schema={"examples": ["fibre", "fibre,vip"]},
            ),
        ]
        | None
    ) = None
    tier: (
        Annotated[str, _listed("Tickets of companies of this tier. For the provider's people.", "tiers", "gold")] | None
    ) = None
    sub_status: Annotated[str, _listed("Tickets with this sub-status. For the provider's people.")] | None = None
    waiting: Annotated[str, _listed("Tickets that wait for this reason. For the provider's people.")] | None = None
    contact: Annotated[Email, Meta(description="The e-mail address of a contact, in any case.")] | None = None
    cc: Annotated[Email, Meta(description="An e-mail address that gets copies, in any case.")] | None = None
    external_id: (
        Annotated[
            str,
            Meta(
                pattern=f"^[^:]{{1,{SYSTEM_MAX}}}:[^\\x00]{{1,{EXTERNAL_ID_MAX}}}$",
                description="The name of another system, a colon, and that system's number for the ticket.",
                extra={"rule": "must be the name of a system and its number, such as jira:OPS-17"},
                extra_json_schema={"examples": ["jira:OPS-17"]},
            ),
        ]
        | None
    ) = None
    case: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=CASE_NUMBER_MAX,
                description="The number of a case at a third party, in any case. For the provider's people.",
                extra_json_schema={"pattern": NOT_NUL, "examples": ["FH-2026-00731"]},
            ),
        ]
        | None
    ) = None
    field: (
        Annotated[
            str,
            Meta(
                pattern=f"^{FIELD_KEY.pattern}:[^\\x00]{{1,{TEXT_MAX}}}$",
                description="The key of an own field, a colon, and its value in any case, or for numbers, dates and "
                "moments a span, such as `size:10..20`, `size:10..` or `size:..20`, with both its ends.",
                extra={"rule": "must be the key of a field and a value, such as circuit_ref:BIR-104"},
                extra_json_schema={"examples": ["circuit_ref:BIR-104"]},
            ),
        ]
        | None
    ) = None
    has_file: Annotated[bool, Meta(description="Tickets with an attachment, or without any.")] | None = None
    has_reminder: (
        Annotated[bool, Meta(description="Tickets with a reminder, or without one. For the provider's people.")] | None
    ) = None
    reminder_since: (
        Annotated[
            Moment, Meta(description="With a reminder that is due at this time or later. For the provider's people.")
        ]
        | None
    ) = None
    reminder_until: (
        Annotated[Moment, Meta(description="With a reminder that is due before this time. For the provider's people.")]
        | None
    ) = None
    since: (
        Annotated[
            Moment,
            Meta(description="Created at this time or later. A list by number is in the order of that time then."),
        ]
        | None
    ) = None
    until: Annotated[Moment, Meta(description="Created before this time.")] | None = None
    updated_since: Annotated[Moment, Meta(description="Last changed at this time or later.")] | None = None
    updated_until: Annotated[Moment, Meta(description="Last changed before this time.")] | None = None
    occurred_since: (
        Annotated[Moment, Meta(description="The fault began at this time or later, as the ticket says.")] | None
    ) = None
    occurred_until: Annotated[Moment, Meta(description="The fault began before this time.")] | None = None
    chronic: (
        Annotated[
            bool,
            Meta(
                description="Tickets of services with many tickets in a short time, or others. For the provider's "
                "people."
            ),
        ]
        | None
    ) = None


Sort = Annotated[
    str,
    Meta(
        pattern=f"^({'|'.join(SORTS)}|-?{re.escape(OWN_FIELD)}{FIELD_KEY.pattern})$",
        extra={"rule": f"must be one of {', '.join(SORTS)}, or {OWN_FIELD} and a key", "code": RuleCode.CHOICE},
        extra_json_schema={"examples": ["-updated_at", "field.latency"]},
    ),
]
"""An order of tickets; a minus reverses it."""


class ListQuery(Filters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The filters, the order and the page of a list."""

    sort: Annotated[
        Sort,
        Meta(
            description="`-number`: the newest first; `number`: the oldest first. `priority`: critical first, then the "
            "oldest. `created_at`, `updated_at`, `status_changed_at`, `occurred_at`: the earliest first. A minus "
            "reverses the order. A ticket without `occurred_at` counts from its `created_at`. Tickets with the same "
            "value are in the order of their numbers. By priority, change, status and beginning only open tickets can "
            "be sorted. `reminder_at` has only tickets with a reminder, and is for the provider's people. `field.KEY` "
            "sorts open tickets by an own field that the reader sees, those that have a value: text from a to z, the "
            "least number or earliest date first. Values of `long_text` and `choices` are in no order."
        ),
    ] = "-number"  # fmt: skip
    limit: Limit = 50
    cursor: Cursor | None = None
