"""House API v1: webhook subscriptions and deliveries, exactly as they travel."""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from clearline.events.event_types import EventType
from clearline.webhooks import subscription_domain as subscription
from clearline.webhooks.delivery_domain import REPLAYABLE, DeliveryState
from clearline.wires.house.wire import DatedPageQuery, Id, Moment, Number
from clearline.wires.http.fields import characters
from clearline.wires.http.one_of import OneOf

Url = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=subscription.URL_MAX,
        pattern=f"^{subscription.URL.pattern}$",
        extra={"rule": subscription.URL_RULE},
        extra_json_schema={"examples": ["https://hooks.example.com/desk"]},
    ),
]
Description = Annotated[str, characters(0, subscription.DESCRIPTION_MAX)]
Types = Annotated[
    list[Annotated[str, characters(1, 64)]],
    Meta(
        max_length=subscription.TYPES_MAX,
        extra_json_schema={"examples": [["ticket.", EventType.NOTE_ADDED.value]]},
    ),
]


class SubscriptionIn(Struct, forbid_unknown_fields=True):
    """A subscription to create.

    ``types`` are event types, or prefixes of types that end with a dot, such as ``ticket.``; none means every type.
    """

    url: Url
    description: Description = ""
    types: Types = field(default_factory=list)
    is_active: bool = True


class SubscriptionPatch(Struct, forbid_unknown_fields=True):
    """What to change (RFC 7396)."""

    url: Url | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    types: Types | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET


class DeliveryActionOut(Struct, frozen=True):
    """What is being done with all deliveries that a subscription had at ``started_at``.

    ``give_up``: those that wait become dead letters, since the server disabled the subscription; until that is done,
    nothing is sent or replayed. ``resume``: those that wait for a retry are due now, since the subscription was
    activated or has another URL. Of ``total`` deliveries ``done`` were looked at; ``total`` is null until they are
    counted.
    """

    action: Literal["give_up", "resume"]
    done: int
    total: int | None
    started_at: Moment


class SubscriptionOut(Struct, frozen=True):
    """A subscription.

    ``disabled_reason`` is set when the server disabled the subscription. ``failures`` counts how often in a row the
    receiver could not be reached, since ``failing_since``; ``resumes_at`` is when it is tried next. Until
    ``old_secret_until`` the previous secret signs too. ``in_progress`` is null unless something is being done with more
    deliveries than are changed at once.
    """

    id: Id
    url: Annotated[str, Meta(extra_json_schema={"format": "uri"})]
    description: str
    types: list[str]
    is_active: bool
    disabled_reason: str | None
    failures: int
    failing_since: Moment | None
    resumes_at: Moment | None
    old_secret_until: Moment | None
    in_progress: DeliveryActionOut | None
    created_at: Moment
    updated_at: Moment


class SubscriptionMade(SubscriptionOut, frozen=True):
    """A subscription with the secret that signs its requests, which is not shown again."""

    secret: str | None = None
    """Null when the answer is repeated for an Idempotency-Key."""


class DeliveriesQuery(DatedPageQuery, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Which deliveries to list."""

    state: Annotated[DeliveryState, Meta(description="Only deliveries in this state.")] | None = None


class DeliveryOut(Struct, frozen=True):
    """One event for one subscription. ``id`` is the ``webhook-id``, the same on every attempt.

    ``event`` is null for a ``ping``, ``ticket`` when the event is about no ticket. ``due_at`` is when it is tried next.
    A waiting delivery may have none while it waits for an earlier one of its ticket.
    """

    id: Id
    type: str
    event: str | None
    ticket: Number | None
    state: DeliveryState
    attempt_count: int
    due_at: Moment | None
    created_at: Moment
    finished_at: Moment | None


class AttemptOut(Struct, frozen=True):
    """One request for a delivery: its headers without the signature, and the response.

    ``status`` is null when there was no response; then ``error`` says why. ``answer`` is the beginning of the body.
    """

    number: int
    at: Moment
    request_headers: dict[str, str]
    status: int | None
    error: str | None
    answer: str
    milliseconds: int


class DeliveryDetail(DeliveryOut, frozen=True):
    """A delivery with its body and its attempts, oldest first."""

    body: dict[str, Any] = field(default_factory=dict)
    attempts: list[AttemptOut] = field(default_factory=list)


class RotateIn(Struct, forbid_unknown_fields=True):
    """An empty object."""


class PingIn(Struct, forbid_unknown_fields=True):
    """An empty object."""


class ReplayOneIn(Struct, forbid_unknown_fields=True):
    """An empty object."""


class ReplayIn(Struct, forbid_unknown_fields=True):
    """Which deliveries to replay: those made from ``since`` on and before ``until``."""

    since: Moment
    until: Moment
    state: OneOf[str, REPLAYABLE] = "dead"


class ReplayOut(Struct, frozen=True):
    """How many deliveries are sent again. With ``has_more``, repeat the request for more dead letters."""

    count: int
    has_more: bool
