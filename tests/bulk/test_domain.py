from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest

from clearline.bulk.domain import Action, AddNote, Assign, ChangeStatus, ChangeTags, ChangeValues, UseMacro, check_bulk
from clearline.bulk.import_domain import check_imported, read_ticket
from clearline.catalogue.assessment import Priority
from clearline.errors import InvalidInput
from clearline.tickets.domain import Status
from tests.builders.tickets import imported

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ONE = ["INC000000000001"]
LINE = imported("BIR001", created_at="2025-01-31T10:00:00+01:00")


@pytest.mark.parametrize(
    "action",
    [
        ChangeStatus(Status.CLOSED, "over"),
        Assign(None),
        Assign(UUID(int=1)),
        ChangeValues(priority=Priority.LOW),
        ChangeValues(queue_id=None),
        ChangeTags(add=("fibre-cut",)),
        AddNote("We are on it"),
        UseMacro(UUID(int=1)),
    ],
)
def test_an_action_is_stored_as_it_was_requested(action: Action) -> None:
    assert msgspec.json.decode(msgspec.json.encode(action), type=Action) == action
    assert check_bulk(["INC000000000002", *ONE], action) == [2, 1]


@pytest.mark.parametrize(
    ("tickets", "action", "fields"),
    [
        ([], Assign(None), ["tickets"]),
        ([f"INC{n:012}" for n in range(1001)], Assign(None), ["tickets"]),
        ([*ONE, *ONE], Assign(None), ["tickets"]),
        ([*ONE, "7"], Assign(None), ["tickets.1"]),
        (ONE, ChangeValues(), ["action"]),
        (ONE, ChangeTags(), ["action"]),
        (ONE, ChangeTags(add=("-",)), ["action.add"]),
        (ONE, ChangeTags(remove=("x" * 51,)), ["action.remove"]),
        (ONE, AddNote(" "), ["action.text"]),
        (ONE, ChangeStatus(Status.CLOSED, "x" * 1001), ["action.reason"]),
        (["x"], AddNote(""), ["action.text", "tickets.0"]),
    ],
)
def test_every_broken_rule_of_a_bulk_request_is_named(tickets: list[str], action: Action, fields: list[str]) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_bulk(tickets, action)
    assert [violation.field for violation in refused.value.violations] == fields


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"title": 7}, {"title": "is wrong: expected `str`, got `int`"}),
        (
            {"created_at": "2025-01-31T10:00:00"},
            {"created_at": "is wrong: expected `datetime` with a timezone component"},
        ),
        ({"service": {"id": "SVC-1"}}, {"service": "is wrong: object missing required field `type`"}),
        ({"servcie": {}}, {"servcie": "is not known"}),
        (
            {"notes": [{"text": "x", "author": "y", "created_at": "2025-01-31T10:00:00Z", "visibility": "secret"}]},
            {"notes.0.visibility": "is wrong: invalid enum value 'secret'"},
        ),
        (
            {"status": "lost", "priority": "urgent"},
            {
                "status": "must be one of " + ", ".join(Status),
                "priority": "is wrong: invalid enum value 'urgent'",
            },
        ),
    ],
)
def test_every_wrong_member_of_a_line_is_named(changes: dict[str, Any], wrong: dict[str, str]) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_ticket({**LINE, **changes})
    assert {violation.field: violation.rule for violation in refused.value.violations} == wrong


def test_a_missing_member_is_named() -> None:
    with pytest.raises(InvalidInput) as refused:
        read_ticket({"title": "Port down"})
    assert [violation.field for violation in refused.value.violations if violation.rule == "is required"] == [
        "company", "description", "issue_type", "service", "contact", "created_at",
    ]  # fmt: skip


NOTE = {"text": "x", "author": "y", "created_at": "2025-01-31T10:00:00Z"}


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({}, []),
        ({"created_at": "2026-03-01T12:00:00.001Z"}, ["created_at"]),
        ({"status": "resolved", "resolved_at": "2026-04-01T12:00:00Z"}, ["resolved_at"]),
        ({"status": "resolved", "resolved_at": "2025-01-31T08:59:59Z"}, ["resolved_at"]),
        ({"status": "closed", "resolved_at": "2025-01-31T09:00:00Z"}, []),
        ({"status": "held", "resolved_at": "2025-02-01T09:00:00Z"}, ["resolved_at"]),
        ({"contact": {"name": "", "email": "nobody"}}, ["contact.name", "contact.email"]),
        ({"external": {"system": "", "id": "x" * 256}}, ["external.system", "external.id"]),
        ({"tags": ["a b"]}, ["tags"]),
        ({"company": "\0"}, ["company"]),
        ({"notes": [NOTE, {**NOTE, "text": ""}, {**NOTE, "created_at": "2027-01-01T00:00:00Z"}]},
         ["notes.1.text", "notes.2.created_at"]),
        ({"notes": [NOTE] * 1001}, ["notes"]),
    ],
)  # fmt: skip
def test_every_broken_rule_of_a_line_is_named(changes: dict[str, Any], fields: list[str]) -> None:
    assert [violation.field for violation in check_imported(read_ticket({**LINE, **changes}), now=NOW)] == fields


def test_the_last_known_time_of_a_ticket_is_its_latest() -> None:
    note = {**NOTE, "created_at": "2025-05-01T00:00:00Z"}
    assert read_ticket(LINE).last_known == datetime(2025, 1, 31, 9, tzinfo=UTC)
    assert read_ticket({**LINE, "notes": [note, NOTE]}).last_known == datetime(2025, 5, 1, tzinfo=UTC)
