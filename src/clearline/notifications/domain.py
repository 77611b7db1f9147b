"""What people want to hear of, how, and who hears of an event at all."""

from collections.abc import Collection
from datetime import time
from enum import StrEnum
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from msgspec import Struct

from clearline.errors import Violation
from clearline.events.domain import for_customer
from clearline.identity import Role
from clearline.tickets.domain import Channel, Status

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


class Happening(StrEnum):
    """What one may want to hear of. Each has a rule; files count as notes."""

    ASSIGNED_TO_ME = "assigned_to_me"
    """A ticket was given to me."""
    ROUTED_TO_MY_TEAM = "routed_to_my_team"
    """A ticket that nobody has came into a queue of one of my teams."""
    TICKET_RAISED = "ticket_raised"
    """A ticket was raised: staff hear of all of them, a customer's people of those whose contact they are."""
    CUSTOMER_NOTE = "customer_note"
    """The customer wrote."""
    PROVIDER_NOTE = "provider_note"
    """The provider wrote to the customer."""
    INTERNAL_NOTE = "internal_note"
    """The provider's people wrote to each other."""
    STATUS_CHANGED = "status_changed"
    """The status changed, other than the next two."""
    RESOLVED = "resolved"
    REOPENED = "reopened"
    WATCHED_CHANGE = "watched_change"
    """Anything else about a ticket that I follow: its priority, title, agent, queue, links, merges."""
    COMPANY_TICKET = "company_ticket"
    """Any ticket of my company was raised, written to or moved."""


_WORKS: dict[Happening, Way] = {
    Happening.ASSIGNED_TO_ME: Way.EMAIL,
    Happening.ROUTED_TO_MY_TEAM: Way.EMAIL,
}
_STAFF: dict[Happening, Way] = {
    Happening.TICKET_RAISED: Way.OFF,
    Happening.CUSTOMER_NOTE: Way.EMAIL,
    Happening.PROVIDER_NOTE: Way.EMAIL,
    Happening.INTERNAL_NOTE: Way.EMAIL,
    Happening.STATUS_CHANGED: Way.EMAIL,
    Happening.RESOLVED: Way.EMAIL,
    Happening.REOPENED: Way.EMAIL,
    Happening.WATCHED_CHANGE: Way.DIGEST,
}
_CUSTOMER: dict[Happening, Way] = {
    Happening.TICKET_RAISED: Way.EMAIL,
    Happening.CUSTOMER_NOTE: Way.EMAIL,
    Happening.PROVIDER_NOTE: Way.EMAIL,
    Happening.STATUS_CHANGED: Way.EMAIL,
    Happening.RESOLVED: Way.EMAIL,
    Happening.REOPENED: Way.EMAIL,
    Happening.WATCHED_CHANGE: Way.DIGEST,
    Happening.COMPANY_TICKET: Way.OFF,
}
DEFAULTS: dict[Role, dict[Happening, Way]] = {
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
    rules: dict[Happening, Way] = {}
    version: int = 1


class Relation(StrEnum):
    """What a person has to do with a ticket."""

    CONTACT = "contact"
    WATCHER = "watcher"
    ASSIGNEE = "assignee"
    TEAM = "team"
    """Of the team of the queue that the ticket came into, while nobody has the ticket."""
    DESK = "desk"
    """Of the provider."""
    COMPANY = "company"
    """Of the customer."""


Heard = tuple[tuple[Happening, frozenset[Relation]], ...]
"""What an event is to whom."""

_FOLLOWERS = frozenset({Relation.WATCHER, Relation.ASSIGNEE})
_AND_CONTACT = _FOLLOWERS | {Relation.CONTACT}
_COMPANY = (Happening.COMPANY_TICKET, frozenset({Relation.COMPANY}))
_WATCHED: Heard = ((Happening.WATCHED_CHANGE, frozenset({Relation.WATCHER})),)
_CHANGES = {"ticket.changed", "ticket.linked", "ticket.unlinked"}

_CONTACT_HEARS = {
    Status.PENDING,
    Status.HELD,
    Status.RESOLVED,
    Status.REOPENED,
    Status.CANCELLED,
    Status.CLOSED,
    Status.REJECTED,
}
"""The statuses that the contact is told of whatever came before."""
_BEGINS = {Status.ACKNOWLEDGED, Status.REOPENED}
"""From here, going in progress means that somebody begins; from elsewhere it says little."""
_RECEIPTS = {Channel.EMAIL, Channel.PHONE, Channel.PORTAL}
"""Ways to raise a ticket that give its number by mail also to the one who did it."""


def heard(kind: str, data: dict[str, Any], *, side: str | None = None) -> Heard:  # noqa: PLR0911 - a table
    """What an event is, and to whom; nothing when nobody is told of its kind.

    Tickets of an import, and what the desk itself writes beside another event, are nothing. ``side`` is where a file
    comes from, which its event does not say.
    """
    match kind:
        case "ticket.created":
            if data["channel"] == Channel.SYSTEM:
                return ()
            return ((Happening.TICKET_RAISED, frozenset({Relation.CONTACT, Relation.DESK})), _COMPANY)
        case "note.added":
            if data["source"] == "system":
                return ()
            return _said(data["visibility"], side=data["source"])
        case "attachment.added":
            return _said(data["visibility"], side=side)
        case "ticket.status_changed":
            return _moved(data["before"], data["after"])
        case "ticket.merged" | "ticket.unmerged":
            return (*_WATCHED, (Happening.STATUS_CHANGED, frozenset({Relation.CONTACT})))
        case "ticket.assigned":
            return ((Happening.ASSIGNED_TO_ME, frozenset({Relation.ASSIGNEE})), *_WATCHED)
        case "ticket.routed":
            return ((Happening.ROUTED_TO_MY_TEAM, frozenset({Relation.TEAM})), *_WATCHED)
    return _WATCHED if kind in _CHANGES else ()


def _said(visibility: str, *, side: str | None) -> Heard:
    if visibility != "public":
        return ((Happening.INTERNAL_NOTE, _FOLLOWERS),)
    if side == "seller":
        return ((Happening.PROVIDER_NOTE, _AND_CONTACT), _COMPANY)
    return ((Happening.CUSTOMER_NOTE, _FOLLOWERS), _COMPANY)


def _moved(before: str, after: str) -> Heard:
    what = {"resolved": Happening.RESOLVED, "reopened": Happening.REOPENED}.get(after, Happening.STATUS_CHANGED)
    told = after in _CONTACT_HEARS or (after == Status.IN_PROGRESS and before in _BEGINS)
    return ((what, _AND_CONTACT if told else _FOLLOWERS), _COMPANY)


def is_receipt(kind: str, data: dict[str, Any]) -> bool:
    """Whether the contact is told even of what it did itself: that its ticket arrived, and under which number."""
    return kind == "ticket.created" and data["channel"] in _RECEIPTS


def way_to(role: Role, rules: dict[Happening, Way], relations: Collection[Relation], what: Heard) -> Way:
    """How a person hears of an event: by the loudest of the rules that its relations to the ticket touch."""
    defaults = DEFAULTS.get(role, {})
    ways = {
        rules.get(happening, defaults[happening])
        for happening, hears in what
        if happening in defaults and not hears.isdisjoint(relations)
    }
    return next((way for way in Way if way in ways), Way.OFF)


def may_know(role: Role | None, kind: str, data: dict[str, Any]) -> dict[str, Any] | None:
    """What somebody may know of an event; a contact who is no user (None) is a customer."""
    return data if role is not None and role.is_staff else for_customer(kind, data)


def rules_of(settings: NotificationSettings, role: Role) -> dict[Happening, Way]:
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
