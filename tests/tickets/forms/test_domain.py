"""Which fields of a form are shown, and what a form may be."""

from uuid import uuid4

import pytest

from clearline.fields.domain import Definitions, Field, FieldAudience, FieldType, Option, RecordKind
from clearline.tickets.forms.domain import (
    ALWAYS,
    CHOICES,
    MEMBERS,
    NO_ID,
    Condition,
    Form,
    FormField,
    check_form,
    choices_of,
    default_form,
    in_words,
    live,
    settable,
    shown_fields,
)
from clearline.tickets.forms.words import LABELS, WORDS

CUSTOMER, STAFF = FieldAudience.CUSTOMER, FieldAudience.STAFF


def own(key: str, kind: FieldType = FieldType.TEXT, audience: FieldAudience = CUSTOMER, **more: object) -> Field:
    return Field(
        uuid4(), RecordKind.TICKET, key, key, kind, visible_to=audience, edited_by=audience, **more  # type: ignore[arg-type]
    )  # fmt: skip


KNOWN = Definitions([
    own("region", FieldType.CHOICE, options=(Option("emea", "Europe"), Option("apac", "Asia"))),
    own("circuit"),
    own("margin", audience=STAFF),
    own("spare", FieldType.BOOLEAN, active=False),
])  # fmt: skip


def form(*fields: FormField, audience: FieldAudience = CUSTOMER) -> Form:
    return Form(uuid4(), "Circuit Down", audience, (*map(FormField, ALWAYS), *fields))


CHAIN = form(
    FormField("dispatch_allowed"),
    FormField("site_access", when=Condition("dispatch_allowed", (True,))),
    FormField("cc", when=Condition("site_access")),
)


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ({}, []),
        ({"dispatch_allowed": False}, []),
        ({"dispatch_allowed": True}, ["site_access"]),
        ({"dispatch_allowed": True, "site_access": "08:00"}, ["site_access", "cc"]),
        ({"dispatch_allowed": False, "site_access": "08:00"}, []),
    ],
)
def test_a_field_is_shown_while_its_condition_holds_and_what_it_depends_on_is_shown(
    values: dict[str, object], shown: list[str]
) -> None:
    assert [*shown_fields(CHAIN, values, {})] == [*ALWAYS, "dispatch_allowed", *shown]


def test_a_default_counts_where_no_value_is_given() -> None:
    by_default = form(FormField("fields.region"), FormField("cc", when=Condition("fields.region", ("emea",))))
    defaults = {"fields.region": "emea"}
    assert "cc" in shown_fields(by_default, {}, defaults)
    assert "cc" not in shown_fields(by_default, {"fields.region": "apac"}, defaults)
    assert "cc" not in shown_fields(by_default, {"fields.region": None}, defaults)


def test_one_of_several_options_meets_a_condition() -> None:
    condition = Condition("fields.sides", ("a", "b"))
    assert condition.is_met(["z", "a"])
    assert not condition.is_met(["z"])
    assert not condition.is_met(None)
    assert in_words(condition) == "when fields.sides is a or b"


def test_the_default_form_has_every_field_that_the_audience_may_set() -> None:
    names = [field.name for field in default_form("Others", CUSTOMER, KNOWN).fields]
    assert sorted(names) == sorted([*MEMBERS, "fields.region", "fields.circuit"])
    assert "fields.margin" in settable(KNOWN, STAFF)
    assert "fields.spare" not in settable(KNOWN, STAFF)
    assert default_form("Others", STAFF, KNOWN).id == NO_ID


def test_a_live_form_is_without_fields_that_are_gone_and_what_depends_on_them() -> None:
    gone = form(
        FormField("fields.spare"), FormField("cc", when=Condition("fields.spare", (True,))),
        FormField("contacts", when=Condition("cc")), FormField("fields.circuit"),
    )  # fmt: skip
    assert [field.name for field in live(gone, KNOWN).fields] == [*ALWAYS, "fields.circuit"]
    assert live(CHAIN, KNOWN) == CHAIN


def test_every_default_form_is_valid() -> None:
    for audience in FieldAudience:
        assert check_form(default_form("Others", audience, KNOWN), KNOWN) == []


def test_every_field_has_its_words_and_each_of_its_values() -> None:
    assert {*MEMBERS, "testing_hours"} <= LABELS.keys()
    assert CHOICES.keys() - {"dispatch_allowed"} == WORDS.keys()
    assert all({*WORDS[name]} == {*values} for name, values in CHOICES.items() if name in WORDS)
    assert choices_of("fields.region", settable(KNOWN, CUSTOMER)) == ("emea", "apac")
    assert choices_of("title", {}) == ()
