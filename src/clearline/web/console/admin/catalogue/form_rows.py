"""The form of an issue type as rows of a page: what it sends, what its steps do to it, and what it shows."""

from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from clearline.errors import RuleCode, Violation
from clearline.fields.domain import Definitions, FieldAudience, RecordKind, Required
from clearline.tickets.forms.domain import (
    ALWAYS,
    MEMBERS,
    OWN,
    Condition,
    Form,
    FormField,
    check_form,
    choices_of,
    default_form,
    live,
    settable,
)
from clearline.tickets.forms.wording import Value, text_of, value_of
from clearline.tickets.forms.words import LABELS, WORDS
from clearline.web.language.refusals import rule_text
from clearline.web.records.form import Choice, Values
from clearline.web.words import gettext

STEP = "step"
"""The field of a form that redraws the rows instead of saving them: ``customer.up.site_access``."""

_MOVES = {"up": -1, "down": 1}


class Row(Struct, frozen=True):
    """A field of a form. ``id`` is what its controls are called.

    One that ``is_always`` there is in every form; one that ``is_required_anyway`` is by its definition. ``conditions``
    are the fields that it can depend on, ``values`` are those of the one that it does, and ``chosen`` those that count.
    """

    id: str
    field: FormField
    label: str
    is_always: bool
    is_required_anyway: bool
    conditions: Sequence[Choice]
    values: Sequence[Choice]
    chosen: Sequence[str]
    problem: str


class Question(Struct, frozen=True):
    """What a person is asked for: the label, whether it is required, and the condition in words."""

    label: str
    is_required: bool
    condition: str


class Part(Struct, frozen=True):
    """The form of an audience on the page. ``focus`` is the id of the control that a step leads to."""

    audience: FieldAudience
    rows: Sequence[Row]
    addable: Sequence[Choice]
    chosen: str
    questions: Sequence[Question]
    stored: Sequence[Question]
    is_changed: bool
    focus: str


# --- What the page sends.


def values_of(audience: FieldAudience, fields: Sequence[FormField]) -> Values:
    """Return the fields of a form as its page sends them."""
    values = {
        f"{audience}.field": [field.name for field in fields],
        f"{audience}.required": [field.name for field in fields if field.is_required],
    }
    for field in fields:
        if field.when is not None:
            values[f"{audience}.when.{field.name}"] = [field.when.field]
            values[f"{audience}.of.{field.name}"] = [field.when.field]
            values[f"{audience}.values.{field.name}"] = [text_of(value) for value in field.when.values]
    return values


def fields_in(values: Values, audience: FieldAudience, known: Definitions) -> tuple[FormField, ...]:
    """Return the fields of a form that a page sent; values of another condition than the chosen one are left out."""
    own, required = settable(known, audience), values.get(f"{audience}.required", ())

    def when(name: str) -> Condition | None:
        other = _first(values, f"{audience}.when.{name}")
        chosen = values.get(f"{audience}.values.{name}", ()) if other == _first(values, f"{audience}.of.{name}") else ()
        return Condition(other, tuple(value_of(text, choices_of(other, own)) for text in chosen)) if other else None

    names = dict.fromkeys(values.get(f"{audience}.field", ()))
    return tuple(FormField(name, name in required, when(name)) for name in names)


def unseen(values: Values, audience: FieldAudience, fields: Sequence[FormField], known: Definitions) -> list[Violation]:
    """Return the rows whose condition was chosen without its values being shown: whether any counts was not asked."""
    own = settable(known, audience)
    return [
        Violation(
            f"{audience}.{field.name}", gettext("choose the values, or save again for any value"), RuleCode.REQUIRED
        )
        for field in fields
        if field.when is not None
        and choices_of(field.when.field, own)
        and field.when.field != _first(values, f"{audience}.of.{field.name}")
    ]


def at_rows(audience: FieldAudience, fields: Sequence[FormField], violations: Sequence[Violation]) -> list[Violation]:
    """Return what is wrong with a form, each at the row that it names."""
    return [_at_row(audience, fields, violation) for violation in violations]


def _at_row(audience: FieldAudience, fields: Sequence[FormField], violation: Violation) -> Violation:
    _fields, _, at = violation.field.partition(".")
    place, _, part = at.partition(".")
    if not place:
        return Violation(audience, violation.rule, violation.code)
    is_unknown = part == "name" and violation.code is RuleCode.REFERENCE
    rule = gettext("cannot be set by them; remove it") if is_unknown else violation.rule
    return Violation(f"{audience}.{fields[int(place)].name}", rule, violation.code)


def _first(values: Values, name: str) -> str:
    return next(iter(values.get(name, ())), "")


# --- What its steps do.


def after_step(
    fields: tuple[FormField, ...], audience: FieldAudience, step: str, values: Values, known: Definitions
) -> tuple[tuple[FormField, ...], str]:
    """Return the fields of a form after a step, and the id of the control that has the focus then.

    A step that is not this form's, or names none of its fields, changes nothing.
    """
    whose, _, rest = step.partition(".")
    word, _, name = rest.partition(".")
    if whose != audience:
        return fields, ""
    if word == "define" and not fields:
        return default_form("", audience, known).fields, f"{audience}-add"
    if word == "clear":
        return (), f"{audience}-define"
    names, added = [field.name for field in fields], _first(values, f"{audience}.add")
    if word == "add" and added not in names and (added in MEMBERS or added in settable(known, audience)):
        return (*fields, FormField(added, added in ALWAYS)), _id(audience, "required", added)
    return _after_row_step(fields, audience, word, names.index(name)) if name in names else (fields, "")


def _after_row_step(
    fields: tuple[FormField, ...], audience: FieldAudience, word: str, at: int
) -> tuple[tuple[FormField, ...], str]:
    field, others = fields[at], fields[:at] + fields[at + 1 :]
    if word in _MOVES:
        to = min(max(at + _MOVES[word], 0), len(others))
        return (*others[:to], field, *others[to:]), _id(audience, word, field.name)
    if word == "remove" and field.name not in ALWAYS:
        return others, _id(audience, "down", others[min(at, len(others) - 1)].name) if others else f"{audience}-define"
    return fields, ""


def _id(audience: FieldAudience, word: str, name: str) -> str:
    """Return the id of a control of a row."""
    return f"{audience}-{word}-{name.replace('.', '-')}"


# --- What it shows.


def part_of(form: Form, values: Values, known: Definitions, step: str) -> Part:
    """Return a form as the page shows it: with the fields that it sent, after a step."""
    audience, own = form.audience, settable(known, form.audience)
    fields, focus = after_step(fields_in(values, audience, known), audience, step, values, known)
    names = [field.name for field in fields]
    draft = replace(form, fields=fields)
    broken = at_rows(audience, fields, check_form(draft, known)) if fields else []
    problems = {violation.field: rule_text(violation) for violation in broken}
    asked = draft if fields else default_form(form.issue_type, audience, known)
    asked = asked if broken else live(asked, known)
    stored = fields_in(values_of(audience, form.fields), audience, known) if form.id.int else ()
    return Part(
        audience,
        [
            Row(
                field.name.replace(".", "-"), field, label_of(field.name, known), field.name in ALWAYS,
                field.name in own and own[field.name].required is Required.TO_RAISE,
                _conditions(field, names[:place], known),
                [] if field.when is None else [
                    Choice(text_of(value), value_word(field.when.field, value, known))
                    for value in choices_of(field.when.field, own)
                ],
                [] if field.when is None else [text_of(value) for value in field.when.values],
                problems.get(f"{audience}.{field.name}", ""),
            )
            for place, field in enumerate(fields)
        ],
        [Choice(name, label_of(name, known)) for name in (*MEMBERS, *own) if name not in names],
        _first(values, f"{audience}.add"),
        questions(asked, known),
        questions(live(replace(form, fields=stored), known), known),
        fields != stored,
        focus,
    )  # fmt: skip


def _conditions(field: FormField, before: Sequence[str], known: Definitions) -> list[Choice]:
    """Return the fields before a field, on which it can depend; with the one on which it does, wherever that stands."""
    names = [name for name in before if name not in ALWAYS]
    if field.when is not None and field.when.field not in names:
        names.append(field.when.field)
    return [Choice(name, label_of(name, known)) for name in names]


def questions(form: Form, known: Definitions) -> list[Question]:
    """Return what people are asked for by a form, in its order, without what they cannot set any more."""
    own = settable(known, form.audience)
    return [
        Question(
            label_of(field.name, known),
            field.is_required or (field.name in own and own[field.name].required is Required.TO_RAISE),
            "" if field.when is None else _in_words(field.when, known),
        )
        for field in form.fields
        if field.name in own or not field.name.startswith(OWN)
    ]


def _in_words(when: Condition, known: Definitions) -> str:
    label = label_of(when.field, known)
    if not when.values:
        return gettext("only when %(field)s has a value") % {"field": label}
    words = [value_word(when.field, value, known) for value in when.values]
    return gettext("only when %(field)s is %(values)s") % {"field": label, "values": gettext(" or ").join(words)}


def label_of(name: str, known: Definitions) -> str:
    """Return what a field is called; one that is unknown by now, by its name."""
    field = known.of(RecordKind.TICKET).get(name.removeprefix(OWN)) if name.startswith(OWN) else None
    return field.label if field is not None else gettext(LABELS[name]) if name in LABELS else name


def value_word(name: str, value: Value, known: Definitions) -> str:
    """Return the word of a value of a field."""
    if isinstance(value, bool):
        return gettext("Yes") if value else gettext("No")
    words: Mapping[str, str] = WORDS.get(name, {})
    field = known.of(RecordKind.TICKET).get(name.removeprefix(OWN)) if name.startswith(OWN) else None
    option = field.option(value) if field is not None else None
    return option.label if option is not None else gettext(words[value]) if value in words else value
