import re
from typing import get_args

import pytest
from msgspec.structs import fields

from clearline.events.domain import Change, RecordChanged, TicketFact
from clearline.events.event_types import (
    BY_BOUNCE,
    Audience,
    EventType,
    EventTypeRow,
    NotificationKind,
    Relation,
    Visibility,
)
from clearline.events.store import encode
from clearline.events.type_table import EVENT_TYPES, types_with, visible_data
from clearline.queues.domain import Assignment
from clearline.tickets.change_usecases import MANUAL
from clearline.tickets.domain import Channel, Status
from clearline.tickets.note_domain import Source
from clearline.tickets.note_domain import Visibility as NoteVisibility

ROWS = pytest.mark.parametrize("row", EVENT_TYPES.values(), ids=list(EVENT_TYPES))
TICKET_FACTS = {fact.__struct_config__.tag: fact for fact in get_args(TicketFact)}
DATA = {"id": "1", "name": "One", "changes": [{"field": "name", "before": None, "after": "One"}]}
# The members of an event's data that a notification rule may compare, with their possible values.
CONDITIONS: dict[str, set[str]] = {
    "after": set(Status),
    "before": set(Status),
    "by": {MANUAL, *Assignment, BY_BOUNCE},
    "channel": set(Channel),
    "source": set(Source),
    "visibility": set(NoteVisibility),
}


def test_every_type_has_one_row_under_its_own_name() -> None:
    assert [row.type for row in EVENT_TYPES.values()] == list(EVENT_TYPES)
    assert set(EVENT_TYPES) == set(EventType)


def test_the_types_about_tickets_are_those_of_the_facts() -> None:
    assert {row.type for row in EVENT_TYPES.values() if row.record == "ticket"} == set(TICKET_FACTS)


@ROWS
def test_a_row_fills_every_column(row: EventTypeRow) -> None:
    assert isinstance(row.visibility, Visibility)
    assert row.record == "ticket" or row.type.startswith(f"{row.record}.")
    assert row.sentence.endswith(".")
    assert (row.headline is None) == (row.notifications is None), "every notification has a headline"
    assert row.notifications is None or row.notifications
    assert bool(row.visible_fields) == (row.visibility is Visibility.SOME_FIELDS)
    assert (row.visibility is Visibility.COMPANY_ADMINS) <= (row.record != "ticket")


@ROWS
def test_the_conditions_of_a_row_name_values_that_exist(row: EventTypeRow) -> None:
    for rule in row.notifications or ():
        assert rule.kind in set(NotificationKind)
        assert rule.recipients
        assert rule.recipients <= set(Relation)
        for name, values in [*rule.when.items(), *rule.unless.items()]:
            assert set(values) <= CONDITIONS[name]


@ROWS
def test_a_sentence_names_values_that_its_event_has(row: EventTypeRow) -> None:
    looked_up = {"file", "size", "agent", "queue"}
    members = {field.name for field in fields(TICKET_FACTS.get(row.type, RecordChanged))} | looked_up
    for text in (row.headline, row.sentence, row.sentence_when_cleared, row.sentence_when_bounced):
        assert set(re.findall(r"\{(\w+)\}", text or "")) <= members


def test_every_kind_of_notification_belongs_to_an_event() -> None:
    kinds = {rule.kind for row in EVENT_TYPES.values() for rule in row.notifications or ()}
    assert kinds == set(NotificationKind)


@ROWS
def test_the_staff_sees_everything_and_customers_see_nothing_about_other_records(row: EventTypeRow) -> None:
    assert visible_data(row.type, DATA, Audience.STAFF) == DATA
    if row.record != "ticket":
        is_shown = row.visibility is Visibility.COMPANY_ADMINS
        assert visible_data(row.type, DATA, Audience.COMPANY_ADMIN) == (DATA if is_shown else None)
        assert visible_data(row.type, DATA, Audience.CUSTOMER) is None


def test_a_type_that_is_not_in_the_table_is_visible_only_to_the_staff() -> None:
    assert visible_data("user.invented", DATA, Audience.STAFF) == DATA
    assert visible_data("user.invented", DATA, Audience.COMPANY_ADMIN) is None


def test_admins_of_a_company_see_what_happens_to_its_people_keys_services_and_subscriptions() -> None:
    records = {EVENT_TYPES[kind].record for kind in types_with(Visibility.COMPANY_ADMINS)}
    assert records == {"company", "user", "api_key", "mail_domain", "service", "subscription", "ticket_template"}


@pytest.mark.parametrize("kind", [kind for kind, row in EVENT_TYPES.items() if row.record != "ticket"])
def test_a_record_is_stored_under_its_kind_and_action(kind: str) -> None:
    record, _, action = kind.partition(".")
    changes = [Change("name", None, "One")]
    data = '{"id":"1","name":"One","changes":[{"field":"name","before":null,"after":"One"}]}'
    assert encode(RecordChanged(record, action, "1", "One", changes)) == (kind, data)


@pytest.mark.parametrize(("kind", "action"), [("queue", "painted"), ("weather", "changed"), ("ticket", "")])
def test_a_type_without_a_row_is_not_stored(kind: str, action: str) -> None:
    with pytest.raises(ValueError, match="is no event type"):
        encode(RecordChanged(kind, action, "1", "One"))
