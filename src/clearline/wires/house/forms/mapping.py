"""House API v1: the definitions of forms as they travel."""

from clearline.tickets.forms.domain import NO_ID, Condition, Form, FormField
from clearline.wires.house.forms import wire


def form_out(form: Form) -> wire.FormOut:
    """Return the definition of a form."""
    return wire.FormOut(
        form.issue_type,
        form.audience,
        form.id == NO_ID,
        [
            wire.FormFieldOut(
                field.name,
                field.is_required,
                None if field.when is None else wire.ConditionOut(field.when.field, list(field.when.values)),
            )
            for field in form.fields
        ],
    )


def form_fields(body: wire.FormIn) -> list[FormField]:
    """Return the fields that a body defines."""
    return [
        FormField(
            field.name,
            field.required,
            None if field.when is None else Condition(field.when.field, tuple(field.when.values)),
        )
        for field in body.fields
    ]
