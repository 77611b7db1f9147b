"""What pages call the terms of the provider's lists, and the facts of a ticket that they are for."""

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

from clearline.catalogue.term_domain import Term, TermKind, Terms
from clearline.language.reader import reader
from clearline.tickets.progress.facts import CLOSURE_KINDS
from clearline.web.words import gettext

_SHOWN: ContextVar[tuple[Terms, bool] | None] = ContextVar("terms", default=None)


def _(text: str) -> str:
    """Mark a text for translation; templates translate it."""
    return text


CLOSURE_LABELS: dict[str, str] = {
    "cause": _("Cause"),
    "action": _("Action taken"),
    "responsibility": _("Responsibility"),
    "fault_found": _("Fault found"),
    "root_cause": _("Root cause"),
    "resolution": _("Resolution for the customer"),
}
"""What pages call the facts of a closure."""
FACT_LABELS: dict[str, str] = {
    "sub_status": _("Sub-status"),
    "waiting.reason": _("Reason to wait"),
    "waiting.text": _("What it waits for"),
    "waiting.case": _("Case that it waits for"),
    **{f"closure.{name}": label for name, label in CLOSURE_LABELS.items()},
}
"""What the history calls what goes with a status."""
FACT_KINDS: dict[str, TermKind] = {
    "sub_status": TermKind.SUB_STATUS,
    "waiting.reason": TermKind.WAITING_REASON,
    **{f"closure.{name}": kind for name, kind in CLOSURE_KINDS.items()},
}
"""The lists whose keys facts have."""


def show_terms(terms: Terms, *, for_customers: bool) -> None:
    """Call the terms in the pages of the present request as these lists do."""
    _SHOWN.set((terms, for_customers))


def term_name(kind: TermKind, key: str | None) -> str:
    """Return what the reader of the present page calls a term: for customers their wording, empty for none."""
    shown = _SHOWN.get()
    term = None if shown is None else shown[0].get(kind, key)
    if shown is None or not shown[1]:
        return (key or "") if term is None else term.label
    return "" if term is None else term.label_for_customers(reader().language)


def offered_terms(kind: TermKind, status: str | None = None) -> list[Term]:
    """Return the active terms of a list, of those for a status."""
    shown = _SHOWN.get()
    return [] if shown is None else shown[0].offered(kind, status)


def sub_status_for_customers(words: str) -> str:
    """Return the words for customers of a sub-status, which events have in English, in the reader's language."""
    shown = _SHOWN.get()
    terms = () if shown is None else shown[0].by_kind[TermKind.SUB_STATUS].values()
    language = reader().language
    return next((term.label_for_customers(language) for term in terms if term.customer_label == words), words)


def fact_value(field: str, value: Any) -> str:
    """Return the value of a fact in words."""
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return gettext("Yes") if value else gettext("No")
    return term_name(FACT_KINDS[field], value) if field in FACT_KINDS else str(value)


def moved_facts(data: Mapping[str, Any]) -> str:
    """Return what goes with a status in the event of its change, in words; empty for nothing."""
    waiting = data.get("waiting") or {}
    parts = (
        fact_value("sub_status", data.get("sub_status")),
        fact_value("waiting.reason", waiting.get("reason")),
        waiting.get("case", ""),
        waiting.get("text", ""),
    )
    return ", ".join(filter(None, parts))
