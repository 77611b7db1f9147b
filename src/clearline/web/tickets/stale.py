"""Forms that were made from other values than what is stored by now: what was typed stays, beside what is stored."""

from collections.abc import Mapping, Sequence

from clearline.web.records.form import VERSION, Values, check_version, version_of
from clearline.web.tickets.new_ticket import Refusal
from clearline.web.tickets.own_fields import OwnInput
from clearline.web.visit import Form
from clearline.web.words import gettext

_NONE = "-"


def require_shown_values(form: Form, stored: Values) -> None:
    """Refuse a form that says what it was made from, unless that is what is stored.

    Raises:
        ChangedMeanwhile: somebody changed it since.
    """
    if form.has(VERSION):
        check_version(form, stored)


def form_version(stored: Values, typed: Form | None, refusal: Refusal) -> str:
    """Return the version that a form carries: one that is shown again was made from the values that it was made from.

    Who was told that somebody changed them goes on from what is stored now.
    """
    is_kept = typed is not None and typed.has(VERSION) and not refusal.is_stale
    return typed.get(VERSION) if typed is not None and is_kept else version_of(stored)


def stale_refusal(now: Mapping[str, str]) -> Refusal:
    """Return the refusal of a form that somebody was faster than; ``now`` are the stored values that differ."""
    text = gettext(
        "Somebody changed this meanwhile. What you typed is kept, and what is stored now stands below each field that"
        " differs. Save again to replace it."
    )
    said = {name: gettext("Now stored: %(value)s") % {"value": value or _NONE} for name, value in now.items()}
    return Refusal(said, text, "", 409, is_stale=True)


def own_stored(inputs: Sequence[OwnInput]) -> Values:
    """Return what the inputs of own fields have that have anything."""
    return {own.name: [*own.values] for own in inputs if own.values}


def own_now(inputs: Sequence[OwnInput], typed: Form) -> dict[str, str]:
    """Return the stored values, in words, of the inputs that a form fills in otherwise."""
    differing = {}
    for own in inputs:
        texts = [text.replace("\r\n", "\n") for text in typed.all(own.name) if text.strip()]
        if typed.has(f"{own.name}.shown") and texts != [*own.values]:
            words = dict(own.choices)
            differing[own.name] = ", ".join(words.get(value, value) for value in own.values)
    return differing
