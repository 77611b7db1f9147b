"""The notification preferences of users, and the rules that decide whether and how an event notifies somebody."""

from collections.abc import Collection, Mapping, Sequence
from datetime import time, timedelta
from enum import StrEnum
from typing import Any

from msgspec import Struct

from clearline.errors import RuleCode, Violation
from clearline.events.event_types import Audience, EventType, NotificationKind, NotificationRule, Relation
from clearline.events.type_table import EVENT_TYPES
from clearline.identity import CUSTOMER_ROLES, STAFF_ROLES, Role
from clearline.language.zone_names import is_zone
from clearline.tickets.domain import Channel

WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
"""The days of the week; the first is day 1 (ISO 8601)."""


class DeliveryMode(StrEnum):
    """How a notification is delivered.

    Where several rules apply to an event, the first of these that any of them has counts.
    """

    EMAIL = "email"
    DIGEST = "digest"
    OFF = "off"


class DigestFrequency(StrEnum):
    """How often a digest is sent, when there is anything in it."""

    HOURLY = "hourly"
    DAILY = "daily"


LONGEST_WAIT = timedelta(days=8)
"""The longest time from an event to its mail or digest: after six quiet days, on the seventh."""

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
    NotificationKind.REMINDER: DeliveryMode.EMAIL,
    NotificationKind.WATCHED_CHANGE: DeliveryMode.DIGEST,
}
_CUSTOMER_DEFAULTS: dict[NotificationKind, DeliveryMode] = {
    NotificationKind.TICKET_RAISED: DeliveryMode.EMAIL,
    NotificationKind.CUSTOMER_NOTE: DeliveryMode.EMAIL,
    NotificationKind.PROVIDER_NOTE: DeliveryMode.EMAIL,
    NotificationKind.STATUS_CHANGED: DeliveryMode.EMAIL,
    NotificationKind.RESOLVED: DeliveryMode.EMAIL,
    NotificationKind.REOPENED: DeliveryMode.EMAIL,
    NotificationKind.PRIORITY_CHANGED: DeliveryMode.EMAIL,
    NotificationKind.WATCHED_CHANGE: DeliveryMode.DIGEST,
    NotificationKind.COMPANY_TICKET: DeliveryMode.OFF,
}


def _defaults(role: Role) -> dict[NotificationKind, DeliveryMode]:
    if not role.is_staff:
        return _CUSTOMER_DEFAULTS
    return _AGENT_DEFAULTS | _STAFF_DEFAULTS if role.works_tickets else _STAFF_DEFAULTS


DEFAULTS = {role: _defaults(role) for role in (*STAFF_ROLES, *CUSTOMER_ROLES)}
"""The rules of each role until the user changes them. A role has no other rules than these."""


class NotificationPreferences(Struct, frozen=True):
    """What a user is notified of, how, and when.

    Mail waits from ``quiet_from`` to ``quiet_to`` in ``time_zone``, past midnight when the second is earlier, and on
    all of ``quiet_days`` (1 Monday to 7 Sunday); mail about a critical ticket does not wait with
    ``critical_breaks_quiet``. A daily digest is sent at ``digest_at``. ``rules`` holds only what differs from the
    defaults. With ``replies_by_mail``, and where the desk allows it, mail of an agent that is marked for it goes to the
    customer.
    """

    time_zone: str = "UTC"
    quiet_from: time | None = None
    quiet_to: time | None = None
    quiet_days: tuple[int, ...] = ()
    digest: DigestFrequency = DigestFrequency.DAILY
    digest_at: time = time(8)
    critical_breaks_quiet: bool = False
    replies_by_mail: bool = False
    rules: dict[NotificationKind, DeliveryMode] = {}
    version: int = 1


_RECEIPT_CHANNELS = {Channel.EMAIL, Channel.PHONE, Channel.PORTAL}
"""The channels of a ticket whose contact gets a receipt with its number, even when the contact created it."""


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
    if rule.field and all(change["field"] != rule.field for change in values["changes"]):
        return False
    return all(values.get(name) in accepted for name, accepted in rule.when.items()) and not any(
        values.get(name) in unwanted for name, unwanted in rule.unless.items()
    )


def is_receipt(kind: str, data: dict[str, Any]) -> bool:
    """Return whether an event notifies the contact even of its own action: as a receipt of a new ticket."""
    return kind == EventType.TICKET_CREATED and data["channel"] in _RECEIPT_CHANNELS and notifies_contact(data)


def notifies_contact(data: Mapping[str, Any]) -> bool:
    """Return whether the contact of a ticket may be notified of an event."""
    return data.get("sends_receipt", True) is True


def delivery_mode(
    role: Role,
    rules: dict[NotificationKind, DeliveryMode],
    relations: Collection[Relation],
    matching: Sequence[NotificationRule],
) -> DeliveryMode:
    """Return how a user is notified of an event, by the rules that match one of the user's relations to the ticket."""
    defaults = DEFAULTS.get(role, {})
    modes = {
        rules.get(rule.kind, defaults[rule.kind])
        for rule in matching
        if rule.kind in defaults and not rule.recipients.isdisjoint(relations)
    }
    return next((mode for mode in DeliveryMode if mode in modes), DeliveryMode.OFF)


def audience_of(role: Role | None) -> Audience:
    """Return the audience that a recipient belongs to. A contact who is not a user (None) is a customer."""
    return Audience.STAFF if role is not None and role.is_staff else Audience.CUSTOMER


def effective_rules(preferences: NotificationPreferences, role: Role) -> dict[NotificationKind, DeliveryMode]:
    """Return all rules of a role, with the user's own settings or the defaults."""
    return {kind: preferences.rules.get(kind, default) for kind, default in DEFAULTS.get(role, {}).items()}


def check_preferences(preferences: NotificationPreferences, role: Role) -> list[Violation]:
    """Return the violations of preferences: an unknown zone, incomplete quiet hours, a rule of another role."""
    violations = []
    if not is_zone(preferences.time_zone):
        violations.append(
            Violation("time_zone", "must be the name of an IANA time zone, such as Europe/Amsterdam", RuleCode.FORMAT)
        )
    if (preferences.quiet_from is None) != (preferences.quiet_to is None):
        missing = "quiet_from" if preferences.quiet_from is None else "quiet_to"
        violations.append(Violation(missing, "is required with the other end of the quiet hours", RuleCode.REQUIRED))
    elif preferences.quiet_from is not None and preferences.quiet_from == preferences.quiet_to:
        violations.append(Violation("quiet_to", "must differ from quiet_from", RuleCode.ORDER))
    days = set(preferences.quiet_days)
    if len(days) != len(preferences.quiet_days) or not days < set(range(1, 8)):
        violations.append(Violation("quiet_days", "must be at most six different days of the week", RuleCode.COUNT))
    if preferences.replies_by_mail and not role.works_tickets:
        violations.append(Violation("replies_by_mail", f"is not available to the role {role}", RuleCode.CHOICE))
    known = DEFAULTS.get(role, {})
    violations += [
        Violation(f"rules.{kind}", f"is not available to the role {role}", RuleCode.CHOICE)
        for kind in preferences.rules
        if kind not in known
    ]
    return violations
