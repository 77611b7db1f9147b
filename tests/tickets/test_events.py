from typing import Any, get_args

import msgspec
import pytest
from msgspec import Struct

from clearline.catalogue.assessment import Impact, Priority, Severity
from clearline.catalogue.published import IssueType
from clearline.events.domain import Change, RecordChanged, TicketFact, changes_between
from clearline.events.event_types import Audience
from clearline.events.type_table import visible_data
from clearline.tickets.contact import Contact
from clearline.tickets.domain import CUSTOMER_EDITABLE_FIELDS, TicketValues
from clearline.tickets.faults.domain import FAULT_FIELDS, NO_FAULT

CONTACT = Contact("Ada Okoro", "+1-555-0199", "ada@example.com")
VALUES = TicketValues(
    "Title",
    IssueType.OTHERS,
    Severity.MINOR,
    Impact.DEGRADED,
    Priority.LOW,
    CONTACT,
    None,
    None,
    None,
    None,
    (),
    {},
    None,
    None,
    NO_FAULT,
    {},
)
ASKED = {"field": "asked_priority", "before": None, "after": "high"}
QUEUE = {"field": "tags", "before": [], "after": ["bgp"]}

# For each fact of a ticket: its data, and the part that its customer may see.
TECHNICIAN = {"name": "Nia", "email": "n@example.com", "roles": ["technical"]}
KNOWN: dict[str, list[tuple[dict[str, Any], dict[str, Any] | None]]] = {
    "ticket.created": [
        ({"status": "acknowledged", "priority": "low", "channel": "API"}, {"status": "acknowledged", "priority": "low",
         "channel": "API"})
    ],
    "note.added": [
        ({"visibility": "public", "source": "seller"}, {"visibility": "public", "source": "seller"}),
        ({"visibility": "internal", "source": "seller"}, None),
    ],
    "ticket.status_changed": [
        ({"before": "held", "after": "pending", "reason": "x"}, {"before": "held", "after": "pending", "reason": "x"})
    ],
    "ticket.changed": [
        ({"changes": [ASKED]}, {"changes": [ASKED]}),
        ({"changes": [ASKED, QUEUE]}, {"changes": [ASKED]}),
        ({"changes": [QUEUE]}, None),
        ({"changes": [{"field": "merged_tickets", "before": None, "after": "INC000000000001"}]}, None),
    ],
    "ticket.assigned": [({"before": None, "after": "x", "by": "manual"}, None)],
    "ticket.routed": [({"before": None, "after": "x", "rule": None}, None)],
    "ticket.reminded": [({"at": "2026-03-01T12:00:00Z", "reason": "Call", "set_by": "Mara Lind"}, None)],
    "ticket.rated": [({"id": "x", "before": None, "after": "good"}, None)],
    "ticket.watched": [({"user_id": "x", "watches": True}, None)],
    "ticket.contact_added": [(TECHNICIAN, TECHNICIAN)],
    "ticket.contact_removed": [(TECHNICIAN, TECHNICIAN)],
    "ticket.contact_changed": [
        ({"name": "Nia", "email": "n@example.com", "changes": [ASKED]},
         {"name": "Nia", "email": "n@example.com", "changes": [ASKED]}),
    ],
    "ticket.cc_added": [({"name": "", "email": "n@example.com"}, {"name": "", "email": "n@example.com"})],
    "ticket.cc_removed": [({"name": "", "email": "n@example.com"}, {"name": "", "email": "n@example.com"})],
    **{
        f"ticket.case_{what}": [({"id": "x", "party": "Fernhill", "number": "FH-1", "changes": [ASKED]}, None)]
        for what in ("added", "changed", "removed")
    },
    "ticket.linked": [({"link": "related", "other": "INC000000000001"}, None)],
    "ticket.unlinked": [({"link": "related", "other": "INC000000000001"}, None)],
    "ticket.merged": [({"into": "INC000000000001"}, {"into": "INC000000000001"})],
    "ticket.unmerged": [({"into": "INC000000000001"}, {"into": "INC000000000001"})],
    "attachment.added": [
        ({"id": "x", "size": 1, "visibility": "public"}, {"id": "x", "size": 1, "visibility": "public"}),
        ({"id": "x", "size": 1, "visibility": "internal"}, None),
    ],
    "attachment.removed": [
        ({"id": "x", "visibility": "public"}, {"id": "x", "visibility": "public"}),
        ({"id": "x", "visibility": "internal"}, None),
    ],
    "ticket.redacted": [
        ({"id": "x", "target": "note", "visibility": "public", "count": 2},
         {"id": "x", "target": "note", "visibility": "public", "count": 2}),
        ({"id": "x", "target": "note", "visibility": "internal", "count": 1}, None),
    ],
}  # fmt: skip


def facts() -> dict[str, type[Struct]]:
    return {kind.__struct_config__.tag: kind for kind in get_args(TicketFact)}


def test_every_fact_of_a_ticket_has_cases() -> None:
    assert set(KNOWN) == set(facts()), "add to KNOWN what a customer may see of it"


@pytest.mark.parametrize(("kind", "data", "shown"), [(kind, *case) for kind, cases in KNOWN.items() for case in cases])
def test_a_customer_sees_only_the_visible_part_of_a_fact(
    kind: str, data: dict[str, Any], shown: dict[str, Any] | None
) -> None:
    msgspec.convert({"type": kind, **data}, facts()[kind])  # the table has valid facts
    assert visible_data(kind, data, Audience.CUSTOMER) == shown


@pytest.mark.parametrize("kind", ["user.created", "queue.changed", "ticket.invented"])
def test_unknown_types_are_not_visible_to_customers(kind: str) -> None:
    assert visible_data(kind, {"changes": [ASKED], "visibility": "public"}, Audience.CUSTOMER) is None


# The members of TicketValues that a customer sees in a ticket, and so may see in its history.
FIELDS = (*(name for name in TicketValues.__struct_fields__ if name != "fault"), *FAULT_FIELDS)
# Each own field has a change of its own, which says whether customers see it.
SEEN = set(FIELDS) - {"queue_id", "assignee_id", "tags", "reminder", "fields"}


@pytest.mark.parametrize("field", FIELDS)
def test_the_history_shows_a_customer_the_same_values_as_the_ticket(field: str) -> None:
    change = {"field": field, "before": None, "after": "x"}
    data = {"changes": [change]}
    assert visible_data("ticket.changed", data, Audience.CUSTOMER) == (data if field in SEEN else None)


def test_a_customer_sees_every_field_that_it_may_set() -> None:
    assert CUSTOMER_EDITABLE_FIELDS - {"fault", "fields"} < SEEN
    public = {"field": "fields.circuit_ref", "before": None, "after": "x"}
    data = {"changes": [{**public, "is_public": True}, {"field": "fields.margin", "before": None, "after": 3}]}
    assert visible_data("ticket.changed", data, Audience.CUSTOMER) == {"changes": [public]}


def test_only_different_values_are_a_change() -> None:
    after = msgspec.structs.replace(VALUES, title="Another", tags=("a",))
    assert changes_between(VALUES, after) == [Change("title", "Title", "Another"), Change("tags", (), ("a",))]
    assert changes_between(VALUES, msgspec.structs.replace(VALUES)) == []


def test_the_type_of_a_changed_record_has_its_kind_and_action() -> None:
    assert RecordChanged("queue", "changed", "x", "NOC").changes == []
