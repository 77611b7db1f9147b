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


class Way(StrEnum):
    """How somebody hears of something."""

    EMAIL = "email"
    DIGEST = "digest"
    OFF = "off"


class DigestEvery(StrEnum):
    """How often a digest comes, when there is anything in it."""

    HOURLY = "hourly"
    DAILY = "daily"


_WORKS: dict[NotificationKind, Way] = {
    NotificationKind.ASSIGNED_TO_ME: Way.EMAIL,
    NotificationKind.ROUTED_TO_MY_TEAM: Way.EMAIL,
}
_STAFF: dict[NotificationKind, Way] = {
    NotificationKind.TICKET_RAISED: Way.OFF,
    NotificationKind.CUSTOMER_NOTE: Way.EMAIL,
    NotificationKind.PROVIDER_NOTE: Way.EMAIL,
    NotificationKind.INTERNAL_NOTE: Way.EMAIL,
    NotificationKind.STATUS_CHANGED: Way.EMAIL,
    NotificationKind.RESOLVED: Way.EMAIL,
    NotificationKind.REOPENED: Way.EMAIL,
    NotificationKind.WATCHED_CHANGE: Way.DIGEST,
}
_CUSTOMER: dict[NotificationKind, Way] = {
    NotificationKind.TICKET_RAISED: Way.EMAIL,
    NotificationKind.CUSTOMER_NOTE: Way.EMAIL,
    NotificationKind.PROVIDER_NOTE: Way.EMAIL,
    NotificationKind.STATUS_CHANGED: Way.EMAIL,
    NotificationKind.RESOLVED: Way.EMAIL,
    NotificationKind.REOPENED: Way.EMAIL,
    NotificationKind.WATCHED_CHANGE: Way.DIGEST,
    NotificationKind.COMPANY_TICKET: Way.OFF,
}
DEFAULTS: dict[Role, dict[NotificationKind, Way]] = {
    Role.VIEWER: _STAFF,
    Role.AGENT: _WORKS | _STAFF,
    Role.ADMIN: _WORKS | _STAFF,
    Role.CUSTOMER: _CUSTOMER,
    Role.CUSTOMER_ADMIN: _CUSTOMER,
}
"""What holds until somebody says otherwise. What is not named is nothing that the role could hear of."""


class NotificationSettings(Struct, frozen=True):
    """What a person wants to hear of, and when.

    From ``quiet_from`` to ``quiet_to`` on the clocks of ``time_zone``, past midnight when the second is earlier, and on
    the whole of ``quiet_days`` (1 Monday to 7 Sunday), mail waits; that about a critical ticket does not if
    ``critical_breaks_quiet``. A daily digest comes at ``digest_at``. ``rules`` holds what differs from the defaults.
    """

    time_zone: str = "UTC"
    quiet_from: time | None = None
    quiet_to: time | None = None
    quiet_days: tuple[int, ...] = ()
    digest: DigestEvery = DigestEvery.DAILY
    digest_at: time = time(8)
    critical_breaks_quiet: bool = False
    rules: dict[NotificationKind, Way] = {}
    version: int = 1


_RECEIPTS = {Channel.EMAIL, Channel.PHONE, Channel.PORTAL}
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
    return kind == EventType.TICKET_CREATED and data["channel"] in _RECEIPTS


def way_to(
    role: Role,
    rules: dict[NotificationKind, Way],
    relations: Collection[Relation],
    matching: Sequence[NotificationRule],
) -> Way:
    """How a person hears of an event: by the loudest of the rules that its relations to the ticket touch."""
    defaults = DEFAULTS.get(role, {})
    ways = {
        rules.get(rule.kind, defaults[rule.kind])
        for rule in matching
        if rule.kind in defaults and not rule.recipients.isdisjoint(relations)
    }
    return next((way for way in Way if way in ways), Way.OFF)


def audience_of(role: Role | None) -> Audience:
    """Return the audience of somebody's mail; a contact who is no user (None) is a customer."""
    return Audience.STAFF if role is not None and role.is_staff else Audience.CUSTOMER


def rules_of(settings: NotificationSettings, role: Role) -> dict[NotificationKind, Way]:
    """Every rule that a person of the role has, with what holds now."""
    return {what: settings.rules.get(what, default) for what, default in DEFAULTS.get(role, {}).items()}


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def check_settings(settings: NotificationSettings, role: Role) -> list[Violation]:
    """The rules that settings break."""
    violations = []
    if settings.time_zone not in _zones():
        violations.append(Violation("time_zone", "must be the name of an IANA time zone, such as Europe/Amsterdam"))
    if (settings.quiet_from is None) != (settings.quiet_to is None):
        missing = "quiet_from" if settings.quiet_from is None else "quiet_to"
        violations.append(Violation(missing, "must be given with the other end of the quiet hours"))
    elif settings.quiet_from is not None and settings.quiet_from == settings.quiet_to:
        violations.append(Violation("quiet_to", "must not be when the quiet hours begin"))
    days = set(settings.quiet_days)
    if len(days) != len(settings.quiet_days) or not days < set(range(1, 8)):
        violations.append(Violation("quiet_days", "must be at most six different days of the week"))
    known = DEFAULTS.get(role, {})
    violations += [
        Violation(f"rules.{what}", f"is nothing that {role.replace('_', ' ')}s hear of")
        for what in settings.rules
        if what not in known
    ]
    return violations
