"""Forms: which fields a new ticket of a type of issue is asked for, in which order, and under which conditions."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from clearline.catalogue.assessment import Impact, Priority, Severity
from clearline.errors import RuleCode, Violation
from clearline.fields.domain import (
    FIELDS_MAX,
    WITH_OPTIONS,
    Definitions,
    Field,
    FieldAudience,
    FieldType,
    RecordKind,
    Required,
)
from clearline.fields.domain import KEY_MAX as FIELD_KEY_MAX
from clearline.fields.type_domain import WrongValue
from clearline.fields.value_domain import read_value
from clearline.tickets.domain import NewTicket
from clearline.tickets.faults.domain import FACTS, DetectedBy, PathState, ServiceEnd, TestingConsent

OWN = "fields."
"""What the name of an own field begins with in a form: its member in the body of a ticket."""
NAME_MAX = len(OWN) + FIELD_KEY_MAX
VALUES_MAX = 50
ALWAYS = ("title", "description")
"""The fields that no ticket is without: every form has them, without a condition."""
CHOICES: Mapping[str, tuple[str | bool, ...]] = {
    "observed_impact": tuple(Impact),
    "service_end": tuple(ServiceEnd),
    "path_state": tuple(PathState),
    "detected_by": tuple(DetectedBy),
    "testing_consent": tuple(TestingConsent),
    "dispatch_allowed": (True, False),
    "asked.severity": tuple(Severity),
    "asked.priority": tuple(Priority),
}
"""The values of those built-in fields that have a list of them."""
MEMBERS = (
    "title", "occurred_at", "description", "observed_impact", "service_end", "path_state", "detected_by",
    "intermittent", "testing_consent", "dispatch_allowed", "site_access", "asked.severity", "asked.priority",
    "contacts", "cc",
)  # fmt: skip
"""The built-in fields, in the order of the default form. ``testing_consent`` brings its ``testing_hours``."""
FORM_FIELDS_MAX = len(MEMBERS) + FIELDS_MAX
_OWN_PLACE = MEMBERS.index("observed_impact")


class Condition(Struct, frozen=True):
    """When a field is asked for: another field has one of these values or, without values, any value."""

    field: str
    values: tuple[str | bool, ...] = ()

    def is_met(self, value: Any) -> bool:
        """Return whether the other field, with this value, meets the condition."""
        if value is None:
            return False
        if not self.values:
            return True
        has = value if isinstance(value, (list, tuple)) else [value]
        return any(each in self.values for each in has)


class FormField(Struct, frozen=True):
    """A field of a form, by the name of its member in the body of a ticket.

    ``is_required`` asks for a value wherever the field is shown; an own field that is required to raise a ticket needs
    one in any case.
    """

    name: str
    is_required: bool = False
    when: Condition | None = None


class Form(Struct, frozen=True):
    """The fields of a new ticket of a type of issue, in the order in which an audience is asked for them."""

    id: UUID
    issue_type: str
    audience: FieldAudience
    fields: tuple[FormField, ...]

    @property
    def name(self) -> str:
        """What events call the form."""
        return f"{self.issue_type}, {self.audience}"


NO_ID = UUID(int=0)
"""The id of a form that nobody defined."""


class Forms:
    """All forms, as a process remembers them."""

    __slots__ = ("_by_key", "all")

    def __init__(self, forms: Iterable[Form]) -> None:
        self.all = tuple(forms)
        self._by_key = {(form.issue_type, form.audience): form for form in self.all}

    def of(self, issue_type: str, audience: FieldAudience) -> Form | None:
        """Return the form that an admin defined; None where the default one counts."""
        return self._by_key.get((issue_type, audience))


def audience_of(*, for_staff: bool) -> FieldAudience:
    """Return whose form it is: the staff's, or the customers'."""
    return FieldAudience.STAFF if for_staff else FieldAudience.CUSTOMER


def settable(known: Definitions, audience: FieldAudience) -> dict[str, Field]:
    """Return the own fields of tickets that an audience may set, by their names in forms."""
    for_staff = audience is FieldAudience.STAFF
    fields = known.active(RecordKind.TICKET, for_staff=for_staff)
    return {f"{OWN}{field.key}": field for field in fields if field.is_editable(for_staff=for_staff)}


def default_form(issue_type: str, audience: FieldAudience, known: Definitions) -> Form:
    """Return the form that counts where nobody defined one: every field that the audience may set, no condition."""
    names = [*MEMBERS[:_OWN_PLACE], *settable(known, audience), *MEMBERS[_OWN_PLACE:]]
    return Form(NO_ID, issue_type, audience, tuple(FormField(name, name in ALWAYS) for name in names))


def live(form: Form, known: Definitions) -> Form:
    """Return a form without the own fields that its audience cannot set any more, and what depends on these."""
    own, kept = settable(known, form.audience), set[str]()
    fields = []
    for field in form.fields:
        is_there = not field.name.startswith(OWN) or field.name in own
        if is_there and (field.when is None or field.when.field in kept):
            kept.add(field.name)
            fields.append(field)
    return replace(form, fields=tuple(fields))


def shown_fields(form: Form, values: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, FormField]:
    """Return the fields that are asked for, by their names, with the values that a ticket is given.

    A condition names a field before its own, which has its default if no value is given. What is hidden has none.
    """
    shown: dict[str, FormField] = {}
    for field in form.fields:
        when = field.when
        if when is None or (when.field in shown and when.is_met(values.get(when.field, defaults.get(when.field)))):
            shown[field.name] = field
    return shown


def defaults_of(own: Mapping[str, Field]) -> dict[str, Any]:
    """Return the defaults of own fields, by their names in forms."""
    return {name: field.default for name, field in own.items() if field.default is not None}


def canonical_values(own: Mapping[str, Field], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return values by their keys as conditions compare them; None for what clears one.

    A wrong value is refused elsewhere.
    """
    values = {}
    for key, value in given.items():
        field = own.get(f"{OWN}{key}")
        values[key] = None if value in ("", []) else value
        if field is not None and values[key] is not None:
            try:
                values[key] = read_value(field, value)
            except WrongValue:
                continue
    return values


def given_values(new: NewTicket, own: Mapping[str, Any], people: Collection[str]) -> dict[str, Any]:
    """Return the values of a new ticket by the names of fields; of ``people`` only which lists are not empty.

    ``own`` has the values of own fields by their keys, with None for those that are cleared.
    """
    values: dict[str, Any] = {name: getattr(new.fault, name) for name in FACTS[1:]}
    values |= {"title": new.title, "description": new.description, "occurred_at": new.occurred_at}
    values |= {"asked.severity": new.asked_severity, "asked.priority": new.asked_priority}
    values |= dict.fromkeys(people, True)
    given = {name: value for name, value in values.items() if value is not None}
    return given | {f"{OWN}{key}": value for key, value in own.items()}


def check_given(
    form: Form, shown: Mapping[str, FormField], values: Mapping[str, Any], own: Mapping[str, Field]
) -> list[Violation]:
    """Return what is wrong with the values that a ticket is given, but for own fields that are required anyway.

    A value of a field that is not asked for is refused: it is neither stored unseen nor lost.
    """
    conditions = {field.name: field.when for field in form.fields}
    violations = []
    for name, value in values.items():
        if value is None or name in shown or not (name in MEMBERS or name in own):
            continue
        when = conditions.get(name)
        rule = f"is not asked for with the issue type {form.issue_type}"
        violations.append(
            Violation(name, rule if when is None else f"is asked for only {in_words(when)}", RuleCode.INVALID)
        )
    for name, field in shown.items():
        is_asked_anyway = name in own and own[name].required is Required.TO_RAISE
        if field.is_required and not is_asked_anyway and values.get(name, _default(own, name)) is None:
            violations.append(Violation(name, "is required", RuleCode.REQUIRED))
    return violations


def _default(own: Mapping[str, Field], name: str) -> Any:
    return own[name].default if name in own else None


def in_words(when: Condition) -> str:
    """Return a condition as refusals name it: ``when service_end is a or z``."""
    if not when.values:
        return f"when {when.field} has a value"
    words = [str(value).lower() if isinstance(value, bool) else value for value in when.values]
    return f"when {when.field} is {' or '.join(words)}"


def check_form(form: Form, known: Definitions) -> list[Violation]:
    """Return the rules that the definition of a form breaks."""
    own, names = settable(known, form.audience), [field.name for field in form.fields]
    violations = [
        Violation("fields", f"must have {name}, without which there is no ticket", RuleCode.REQUIRED)
        for name in ALWAYS
        if name not in names
    ]
    if len(names) > FORM_FIELDS_MAX:
        return [Violation("fields", f"must be at most {FORM_FIELDS_MAX}", RuleCode.COUNT)]
    for place, field in enumerate(form.fields):
        at = f"fields.{place}"
        if field.name not in MEMBERS and field.name not in own:
            rule = f"must be a field that the {form.audience} may set: {', '.join([*MEMBERS, *own])}"
            violations.append(Violation(f"{at}.name", rule, RuleCode.REFERENCE))
        if field.name in names[:place]:
            violations.append(Violation(f"{at}.name", "must not be named twice", RuleCode.DUPLICATE))
        if field.when is not None:
            violations += _check_condition(f"{at}.when", field, names[:place], own)
    return violations


def _check_condition(at: str, field: FormField, before: Sequence[str], own: Mapping[str, Field]) -> list[Violation]:
    when = field.when
    if when is None:
        return []
    if field.name in ALWAYS:
        return [Violation(at, f"must be null: there is no ticket without {field.name}", RuleCode.INVALID)]
    if when.field not in before:
        return [Violation(f"{at}.field", "must be a field that stands before it", RuleCode.ORDER)]
    choices = choices_of(when.field, own)
    if when.values and not choices:
        rule = f"must be empty: {when.field} has no list of values, only a value or none"
        return [Violation(f"{at}.values", rule, RuleCode.INVALID)]
    words = ", ".join(str(each).lower() if isinstance(each, bool) else each for each in choices)
    return [
        Violation(f"{at}.values.{place}", f"must be one of {words}", RuleCode.CHOICE)
        for place, value in enumerate(when.values)
        if not any(value is each or (isinstance(value, str) and value == each) for each in choices)
    ]


def choices_of(name: str, own: Mapping[str, Field]) -> tuple[str | bool, ...]:
    """Return the values of a field that has a list of them; nothing for others."""
    field = own.get(name)
    if field is None:
        return CHOICES.get(name, ())
    if field.type is FieldType.BOOLEAN:
        return True, False
    return tuple(option.key for option in field.options) if field.type in WITH_OPTIONS else ()
