"""A field of a form as a line that people write: ``site_access! ? dispatch_allowed = true``."""

from clearline.tickets.forms.domain import Condition, FormField

_REQUIRED, _WHEN, _OR = "!", "?", "|"
_BOOLEANS = {"true": True, "false": False}


def line_of(field: FormField) -> str:
    """Return a field as a line."""
    line = field.name + _REQUIRED * field.is_required
    if field.when is None:
        return line
    values = [str(value).lower() if isinstance(value, bool) else value for value in field.when.values]
    return f"{line} {_WHEN} {field.when.field}" + (f" = {f' {_OR} '.join(values)}" if values else "")


def field_of(line: str) -> FormField:
    """Return the field of a line: its name, ``!`` if it is required, and after ``?`` on which field it depends.

    The values of that stand after ``=``, between ``|``; without them any value counts.
    """
    named, asked, condition = line.partition(_WHEN)
    when = None
    if asked:
        other, _, text = condition.partition("=")
        values = [value.strip() for value in text.split(_OR) if value.strip()]
        when = Condition(other.strip(), tuple(_BOOLEANS.get(value, value) for value in values))
    return FormField(named.strip().removesuffix(_REQUIRED).strip(), named.strip().endswith(_REQUIRED), when)
