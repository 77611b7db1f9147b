"""What people want to hear of, how, and who hears of an event at all."""

from collections.abc import Collection, Mapping, Sequence
from datetime import time
from enum import StrEnum
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from msgspec import Struct

from clearline.errors import Violation
from clearline.events.event_types import EVENT_TYPES, Audience, EventType, NotificationKind, NotificationRule, Relation
from clearline.identity import Role
from clearline.tickets.domain import Channel

WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
"""The days as people name them; the first is day 1 (ISO 8601)."""


class DeliveryMode(StrEnum):
    """How somebody hears of something."""

    EMAIL = "email"
    DIGEST = "digest"
    OFF = "off"


class DigestFrequency(StrEnum):
    """How often a digest comes, when there is anything in it."""

    HOURLY = "hourly"
    DAILY = "daily"


_AGENT_DEFAULTS: dict[NotificationKind, DeliveryMode] = {
    NotificationKind.ASSIGNED_TO_ME: DeliveryMode.EMAIL,
    NotificationKind.ROUTED_TO_MY_TEAM: DeliveryMode.EMAIL,
}
_STAFF_DEFAULTS: dict[NotificationKind, DeliveryMode] = {
    NotificationKind.TICKET_RAISED: DeliveryMode.OFF,
    NotificationKind.CUSTOMER_NOTE: DeliveryMode.EMAIL,
    NotificationKind.PROVIDER_NOTE: DeliveryMode.EMAIL,
    NotificationKind.INTERNAL_NOTE: DeliveryMode.EMAIL,
    NotificationKind.STATUS_CHANGED: DeliveryMode.EMAIL,
    NotificationKind.RESOLVED: DeliveryMode.EMAIL,
    NotificationKind.REOPENED: DeliveryMode.EMAIL,
    NotificationKind.WATCHED_CHANGE: DeliveryMode.DIGEST,
}
_CUSTOMER_DEFAULTS: dict[NotificationKind, DeliveryMode] = {
    NotificationKind.TICKET_RAISED: DeliveryMode.EMAIL,
    NotificationKind.CUSTOMER_NOTE: DeliveryMode.EMAIL,
    NotificationKind.PROVIDER_NOTE: DeliveryMode.EMAIL,
    NotificationKind.STATUS_CHANGED: DeliveryMode.EMAIL,
    NotificationKind.RESOLVED: DeliveryMode.EMAIL,
    NotificationKind.REOPENED: DeliveryMode.EMAIL,
    NotificationKind.WATCHED_CHANGE: DeliveryMode.DIGEST,
    NotificationKind.COMPANY_TICKET: DeliveryMode.OFF,
}
DEFAULTS: dict[Role, dict[NotificationKind, DeliveryMode]] = {
    Role.VIEWER: _STAFF_DEFAULTS,
    Role.AGENT: _AGENT_DEFAULTS | _STAFF_DEFAULTS,
    Role.ADMIN: _AGENT_DEFAULTS | _STAFF_DEFAULTS,
    Role.CUSTOMER: _CUSTOMER_DEFAULTS,
    Role.CUSTOMER_ADMIN: _CUSTOMER_DEFAULTS,
}
"""What holds until somebody says otherwise. What is not named is nothing that the role could hear of."""


class NotificationPreferences(Struct, frozen=True):
    """What a person wants to hear of, and when.

    From ``quiet_from`` to ``quiet_to`` on the clocks of ``time_zone``, past midnight when the second is earlier, and on
    the whole of ``quiet_days`` (1 Monday to 7 Sunday), mail waits; that about a critical ticket does not if
    ``critical_breaks_quiet``. A daily digest comes at ``digest_at``. ``rules`` holds what differs from the defaults.
    """

    time_zone: str = "UTC"
    quiet_from: time | None = None
    quiet_to: time | None = None
    quiet_days: tuple[int, ...] = ()
    digest: DigestFrequency = DigestFrequency.DAILY
    digest_at: time = time(8)
    critical_breaks_quiet: bool = False
    rules: dict[NotificationKind, DeliveryMode] = {}
    version: int = 1


_RECEIPT_CHANNELS = {Channel.EMAIL, Channel.PHONE, Channel.PORTAL}
"""Ways to raise a ticket that give its number by mail also to the one who did it."""


def notification_rules(
    kind: str, data: Mapping[str, Any], *, source: str | None = None
) -> tuple[NotificationRule, ...]:
    """Return the rules that hold for an event; none when it notifies nobody.

    ``source`` is the side that attached a file, which the file's event does not say.
    """
    row = EVENT_TYPES.get(kind)
    if row is None or row.notifications is None:
        return ()
    values = data if source is None else {**data, "source": source}
    return tuple(rule for rule in row.notifications if _holds(rule, values))


def _holds(rule: NotificationRule, values: Mapping[str, Any]) -> bool:
    return all(values.get(name) in wanted for name, wanted in rule.when.items()) and not any(
        values.get(name) in unwanted for name, unwanted in rule.unless.items()
    )


def is_receipt(kind: str, data: dict[str, Any]) -> bool:
    """Whether the contact is told even of what it did itself: that its ticket arrived, and under which number."""
    return kind == EventType.TICKET_CREATED and data["channel"] in _RECEIPT_CHANNELS


def delivery_mode(
    role: Role,
    rules: dict[NotificationKind, DeliveryMode],
    relations: Collection[Relation],
    matching: Sequence[NotificationRule],
) -> DeliveryMode:
    """How a person hears of an event: by the loudest of the rules that its relations to the ticket touch."""
    defaults = DEFAULTS.get(role, {})
    modes = {
        rules.get(rule.kind, defaults[rule.kind])
        for rule in matching
        if rule.kind in defaults and not rule.recipients.isdisjoint(relations)
    }
    return next((mode for mode in DeliveryMode if mode in modes), DeliveryMode.OFF)


def audience_of(role: Role | None) -> Audience:
    """Return the audience of somebody's mail; a contact who is no user (None) is a customer."""
    return Audience.STAFF if role is not None and role.is_staff else Audience.CUSTOMER


def effective_rules(preferences: NotificationPreferences, role: Role) -> dict[NotificationKind, DeliveryMode]:
    """Every rule that a person of the role has, with what holds now."""
    return {kind: preferences.rules.get(kind, default) for kind, default in DEFAULTS.get(role, {}).items()}


@cache
def _zone_names() -> frozenset[str]:
    return frozenset(available_timezones())


def check_preferences(preferences: NotificationPreferences, role: Role) -> list[Violation]:
    """The rules that settings break."""
    violations = []
    if preferences.time_zone not in _zone_names():
        violations.append(Violation("time_zone", "must be the name of an IANA time zone, such as Europe/Amsterdam"))
    if (preferences.quiet_from is None) != (preferences.quiet_to is None):
        missing = "quiet_from" if preferences.quiet_from is None else "quiet_to"
        violations.append(Violation(missing, "is required with the other end of the quiet hours"))
    elif preferences.quiet_from is not None and preferences.quiet_from == preferences.quiet_to:
        violations.append(Violation("quiet_to", "must differ from quiet_from"))
    days = set(preferences.quiet_days)
    if len(days) != len(preferences.quiet_days) or not days < set(range(1, 8)):
        violations.append(Violation("quiet_days", "must be at most six different days of the week"))
    known = DEFAULTS.get(role, {})
    violations += [
        Violation(f"rules.{kind}", f"is not available to the role {role}")
        for kind in preferences.rules
        if kind not in known
    ]
    return violations
