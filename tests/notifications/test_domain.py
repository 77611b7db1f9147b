from datetime import time
from typing import Any

import pytest

from clearline.events.event_types import NotificationKind
from clearline.events.type_table import visible_data
from clearline.identity import CUSTOMER_ROLES, STAFF_ROLES, Role
from clearline.notifications.domain import (
    DEFAULTS,
    DeliveryMode,
    NotificationPreferences,
    audience_of,
    check_preferences,
    effective_rules,
    notification_rules,
)
from clearline.notifications.wording import MailEntry, Names, author_text, headline, sentence
from clearline.tickets.domain import Channel
from tests.builders.people import NOW


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"time_zone": "Europe/Nowhere"}, "time_zone"),
        ({"time_zone": ""}, "time_zone"),
        ({"time_zone": "../../etc/passwd"}, "time_zone"),
        ({"time_zone": "America"}, "time_zone"),
        ({"quiet_from": time(22)}, "quiet_to"),
        ({"quiet_to": time(7)}, "quiet_from"),
        ({"quiet_from": time(7), "quiet_to": time(7)}, "quiet_to"),
        ({"quiet_days": (0,)}, "quiet_days"),
        ({"quiet_days": (8,)}, "quiet_days"),
        ({"quiet_days": (6, 6)}, "quiet_days"),
        ({"quiet_days": (1, 2, 3, 4, 5, 6, 7)}, "quiet_days"),
        ({"rules": {NotificationKind.INTERNAL_NOTE: DeliveryMode.EMAIL}}, "rules.internal_note"),
        ({"rules": {NotificationKind.ASSIGNED_TO_ME: DeliveryMode.OFF}}, "rules.assigned_to_me"),
    ],
)
def test_invalid_preferences_are_violations_of_their_field(values: dict[str, Any], field: str) -> None:
    assert [violation.field for violation in check_preferences(NotificationPreferences(**values), Role.CUSTOMER)] == [
        field
    ]


@pytest.mark.parametrize("zone", ["UTC", "Europe/Amsterdam", "America/Argentina/Buenos_Aires", "Asia/Kathmandu"])
def test_valid_preferences_have_no_violations(zone: str) -> None:
    preferences = NotificationPreferences(
        zone, time(22), time(7), (6, 7), rules={NotificationKind.RESOLVED: DeliveryMode.OFF}
    )
    for role in (*STAFF_ROLES, *CUSTOMER_ROLES):
        assert check_preferences(preferences, role) == []


def test_every_role_of_a_person_has_defaults() -> None:
    assert DEFAULTS.keys() == set(Role) - {Role.OPERATOR}
    assert all(DEFAULTS.values())
    assert {kind for rules in DEFAULTS.values() for kind in rules} == set(NotificationKind)


def test_customers_have_no_rule_about_internal_events() -> None:
    inside = {NotificationKind.INTERNAL_NOTE, NotificationKind.ASSIGNED_TO_ME, NotificationKind.ROUTED_TO_MY_TEAM}
    for role in CUSTOMER_ROLES:
        assert not inside & DEFAULTS[role].keys()
        assert (
            effective_rules(NotificationPreferences(rules=dict.fromkeys(inside, DeliveryMode.EMAIL)), role)
            == DEFAULTS[role]
        )
    assert all(NotificationKind.COMPANY_TICKET not in DEFAULTS[role] for role in STAFF_ROLES)


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("ticket.created", {"channel": Channel.SYSTEM}),
        ("note.added", {"visibility": "public", "source": "system"}),
        ("attachment.removed", {"visibility": "public", "id": "x"}),
        ("ticket.watched", {"user_id": "x", "watches": True}),
        ("queue.changed", {}),
    ],
)
def test_some_events_notify_nobody(kind: str, data: dict[str, Any]) -> None:
    assert notification_rules(kind, data) == ()


@pytest.mark.parametrize("role", [None, Role.CUSTOMER, Role.CUSTOMER_ADMIN])
@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("note.added", {"visibility": "internal", "source": "seller"}),
        ("attachment.added", {"visibility": "internal", "id": "x"}),
        ("ticket.assigned", {"before": None, "after": "x"}),
        ("ticket.routed", {"before": None, "after": "x"}),
        ("ticket.linked", {"link": "related", "other": "x"}),
        ("ticket.changed", {"changes": [{"field": "tags", "before": [], "after": ["vip"]}]}),
    ],
)
def test_customers_see_no_data_of_internal_events(role: Role | None, kind: str, data: dict[str, Any]) -> None:
    assert visible_data(kind, data, audience_of(role)) is None
    assert visible_data(kind, data, audience_of(Role.VIEWER)) == data


SENTENCES: list[tuple[str, dict[str, Any], str]] = [
    ("ticket.created", {"channel": "API"}, "Raised the ticket."),
    ("attachment.added", {"visibility": "public"}, "Attached crc.txt (12 KiB)."),
    ("ticket.status_changed", {"before": "held", "after": "in_progress", "reason": ""},
     "Changed the status from held to in progress."),
    ("ticket.status_changed", {"before": "in_progress", "after": "resolved", "reason": "New optics"},
     "Changed the status from in progress to resolved.\n\nNew optics"),
    ("ticket.assigned", {"after": "x"}, "Assigned the ticket to Jonas."),
    ("ticket.assigned", {"after": None}, "Unassigned the ticket."),
    ("ticket.routed", {"after": "x"}, "Moved the ticket to the queue Faults."),
    ("ticket.routed", {"after": None}, "Removed the ticket from its queue."),
    ("ticket.merged", {"into": "INC1"}, "Merged the ticket into INC1. Use that ticket from now on."),
    ("ticket.unmerged", {"into": "INC1"}, "Undid the merge into INC1."),
    ("ticket.linked", {"link": "caused_by", "other": "INC1"}, "Linked the ticket: caused by INC1."),
    ("ticket.unlinked", {"link": "related", "other": "INC1"}, "Removed the link: related INC1."),
    ("ticket.changed", {"changes": [{"field": "priority", "before": "low", "after": "high"},
                                    {"field": "title", "before": "x", "after": "y" * 200},
                                    {"field": "asked_priority", "before": None, "after": "high"},
                                    {"field": "tags", "before": [], "after": ["a"]}]},
     f"Changed priority from low to high; title from x to {'y' * 97}...; asked priority to high; tags."),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "data", "expected"), SENTENCES)
def test_each_event_has_a_sentence(kind: str, data: dict[str, Any], expected: str) -> None:
    names = Names("crc.txt", 11 * 1024 + 1, "Jonas", "Faults")
    assert sentence(kind, data, names, is_own=False) == expected


def test_the_assignee_reads_you_and_deleted_names_are_described() -> None:
    own = sentence("ticket.assigned", {"after": "x"}, Names(agent="Jonas"), is_own=True)
    assert own == "Assigned the ticket to you."
    deleted = sentence("ticket.routed", {"after": "x"}, Names(), is_own=False)
    assert deleted.endswith("to a queue that no longer exists.")
    assert sentence("attachment.added", {}, Names("a", 7), is_own=False) == "Attached a (7 bytes)."
    assert author_text("note.added", {"visibility": "internal"}, "Mara") == "Mara (internal)"
    assert author_text("note.added", {"visibility": "public"}, "Mara") == "Mara"


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([("note.added", {})], "New note"),
        ([("note.added", {}), ("ticket.status_changed", {"after": "in_progress"})], "In progress"),
        ([("ticket.status_changed", {"after": "resolved"}), ("ticket.created", {})], "New ticket"),
        ([("ticket.assigned", {"after": "me"})], "Assigned to you"),
        ([("ticket.assigned", {"after": "other"})], "New agent"),
        ([("ticket.linked", {})], "Updated"),
    ],
)
def test_the_headline_is_that_of_the_most_important_event(
    events: list[tuple[str, dict[str, Any]]], expected: str
) -> None:
    entries = [MailEntry(number, NOW, kind, data, "Mara", "") for number, (kind, data) in enumerate(events)]
    assert headline(entries, reader_id="me") == expected
