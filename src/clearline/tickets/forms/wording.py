"""A field of a form as a line that people write: ``site_access! ? dispatch_allowed = true``."""

from collections.abc import Sequence

from clearline.tickets.forms.domain import Condition, FormField

_REQUIRED, _WHEN, _OR = "!", "?", "|"
_BOOLEANS = (True, False)
Value = str | bool
"""A value that a condition names."""


def text_of(value: Value) -> str:
    """Return a value of a condition as people write it."""
    return str(value).lower() if isinstance(value, bool) else value


def value_of(text: str, choices: Sequence[Value]) -> Value:
    """Return that of the choices which a text names; the text itself if it names none."""
    return next((value for value in choices if text_of(value) == text), text)


def field_of(line: str) -> FormField:
    """Return the field of a line: its name, ``!`` if it is required, and after ``?`` on which field it depends.

    The values of that stand after ``=``, between ``|``; without them any value counts.
    """
    named, asked, condition = line.partition(_WHEN)
    when = None
    if asked:
        other, _, text = condition.partition("=")
        values = [value.strip() for value in text.split(_OR) if value.strip()]
        when = Condition(other.strip(), tuple(value_of(value, _BOOLEANS) for value in values))
    return FormField(named.strip().removesuffix(_REQUIRED).strip(), named.strip().endswith(_REQUIRED), when)
