"""House API v1: where events are sent to (webhooks), and what became of them."""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from clearline.events.event_types import EventType
from clearline.webhooks import subscription_domain as subscription
from clearline.webhooks.delivery_domain import DeliveryState
from clearline.wires.house.wire import Moment, Number, PageQuery, characters

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
    """Where events are to be sent to.

    ``types`` are types of events, or with a dot at the end beginnings of them, such as ``ticket.``; none are all.
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


class SubscriptionOut(Struct, frozen=True):
    """Where events are sent to.

    ``disabled_reason`` is there when the desk gave the receiver up. ``failures`` counts how often in a row it could not
    be reached, since ``failing_since``; ``resumes_at`` is when it is tried again. Until ``old_secret_until`` the secret
    before signs too.
    """

    id: str
    url: str
    description: str
    types: list[str]
    is_active: bool
    disabled_reason: str | None
    failures: int
    failing_since: Moment | None
    resumes_at: Moment | None
    old_secret_until: Moment | None
    created_at: Moment
    updated_at: Moment


class SubscriptionMade(SubscriptionOut, frozen=True):
    """Where events are sent to, with the secret that signs them: it is shown now and not again."""

    secret: str | None = None
    """Null when the answer is given again for an Idempotency-Key."""


class DeliveriesQuery(PageQuery):
    """Which deliveries."""

    state: Annotated[DeliveryState, Meta(description="Only those that are in this state.")] | None = None


class DeliveryOut(Struct, frozen=True):
    """An event on its way to a subscription. ``id`` is its ``webhook-id``, the same on every attempt.

    ``event`` and ``ticket`` are null when it is about none, as a ``ping``. ``due_at`` is when it is tried next.
    """

    id: str
    type: str
    event: str | None
    ticket: Number | None
    state: DeliveryState
    attempt_count: int
    due_at: Moment | None
    created_at: Moment
    finished_at: Moment | None


class AttemptOut(Struct, frozen=True):
    """One try: what was sent with it, but for the signature, and what came back.

    ``status`` is null when nobody answered; then ``error`` says why. ``answer`` is the beginning of the body.
    """

    number: int
    at: Moment
    request_headers: dict[str, str]
    status: int | None
    error: str | None
    answer: str
    milliseconds: int


class DeliveryDetail(DeliveryOut, frozen=True):
    """A delivery with what it sends and its attempts, oldest first."""

    body: dict[str, Any] = field(default_factory=dict)
    attempts: list[AttemptOut] = field(default_factory=list)


class RotateIn(Struct, forbid_unknown_fields=True):
    """Nothing more is needed."""


class PingIn(Struct, forbid_unknown_fields=True):
    """Nothing more is needed."""


class ReplayOneIn(Struct, forbid_unknown_fields=True):
    """Nothing more is needed."""


class ReplayIn(Struct, forbid_unknown_fields=True):
    """Which deliveries to send again: those made from ``since`` on, before ``until``."""

    since: Moment
    until: Moment
    state: Literal["dead", "delivered"] = "dead"


class ReplayOut(Struct, frozen=True):
    """How many deliveries are sent again. With ``has_more``, dead ones only, ask again with the same times."""

    count: int
    has_more: bool
