"""Queries of filters alone, as the filters of a list: lists serve them by their own indexes, without delay."""

import re
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from clearline.catalogue.assessment import Priority, Severity
from clearline.catalogue.domain import Catalogue
from clearline.search.document import facet
from clearline.search.filters import Facets, Range
from clearline.search.language import Phrase, Word
from clearline.search.words import WORD_MAX
from clearline.tickets.domain import Status
from clearline.tickets.list_store import Filter
from clearline.tickets.status_domain import OPEN

_NONE = "none"
_OWN_FIELD = re.compile("=f([0-9a-f]{32})")
"""As ``has_value`` writes an own field."""
_OWN_VALUE = re.compile("=f([0-9a-f]{32}):.+")
"""As ``value_facet`` writes the value of an own field that is compared as a whole."""
_KINDS: dict[str, tuple[str, Any]] = {
    "priority": ("priorities", Priority),
    "severity": ("severities", Severity),
}
_ADDRESSES = {"contact", "cc"}
_TERMS = {"sub-status": "sub_statuses", "waiting": "waiting_reasons", "tier": "tiers"}
_IDS = {"company": "company_id", "queue": "queue_id", "assignee": "assignee_id"}


def _values() -> dict[str, dict[str, Any]]:
    """Return the fields of a filter that each facet sets, for facets whose values are known."""
    values: dict[str, dict[str, Any]] = {
        facet("is", "open"): {"state": "open"},
        facet("is", "closed"): {"state": "finished"},
        facet("is", "chronic"): {"is_chronic": True},
        facet("assignee", _NONE): {"unassigned": True},
        facet("reminder", "any"): {"has_reminder": True},
        facet("reminder", _NONE): {"has_reminder": False},
        **{facet("file", reader): {"has_file": True} for reader in ("any", "public")},
    }
    for status in Status:
        values[facet("status", status)] = {"status": status}
    for name, (field, kind) in _KINDS.items():
        for member in kind:
            values[facet(name, member)] = {field: (member,)}
    return values


_KNOWN = _values()


def _field(lexeme: str, catalogue: Catalogue) -> dict[str, Any] | None:
    """Return the field of a filter that a facet sets whose values are known, or None."""
    if (known := _KNOWN.get(lexeme)) is not None:
        return known
    name, _, value = lexeme.removeprefix("=").partition(":")
    issue = catalogue.issue_named(value) if name == "issue" else None
    service = catalogue.service_named(value) if name == "service" else None
    if issue is not None:
        return {"issue_types": (issue,)}
    return None if service is None else {"service_types": (service,)}


def _several(lexemes: Sequence[str], catalogue: Catalogue) -> dict[str, Any] | None:
    """Return the field of a filter that any of these facets sets, or None."""
    known = [_field(lexeme, catalogue) or {} for lexeme in dict.fromkeys(lexemes)]
    names = {name for fields in known for name in fields}
    if len(names) != 1 or not all(known):
        return None
    [name] = names
    if name == "status":
        return {"statuses": tuple(fields[name] for fields in known)}
    if name in {"state", "unassigned", "has_file", "is_chronic", "has_reminder"}:
        return None
    return {name: tuple(member for fields in known for member in fields[name])}


def _single(lexeme: str, catalogue: Catalogue) -> dict[str, Any] | None:
    """Return the field of a filter that a facet sets, or None."""
    name, _, value = lexeme.removeprefix("=").partition(":")
    if (known := _field(lexeme, catalogue)) is not None:
        return known
    if name in _ADDRESSES and "@" in value and value.isascii() and len(value) < WORD_MAX:  # longer ones are cut
        return {name: value}
    if own := _OWN_FIELD.fullmatch(lexeme):
        return {"has_own": UUID(own[1])}
    if (own := _OWN_VALUE.fullmatch(lexeme)) and value.isascii() and len(value) < WORD_MAX:
        return {"own_field": (UUID(own[1]), value)}
    if name == "case" and value.isascii() and len(value) < WORD_MAX:
        return {"case_number": value}
    return {_IDS[name]: UUID(value)} if name in _IDS and value != _NONE else None


def _negated(condition: Facets) -> dict[str, Any] | None:
    """Return the field of a filter for tickets without a facet, or None."""
    known = _KNOWN.get(condition.any_of[0], {})
    return {name: False for name in known if name in {"has_file", "is_chronic"}} or None


def list_filter(
    conditions: Sequence[tuple[Word | Phrase | Facets | Range, bool]], catalogue: Catalogue
) -> Filter | None:
    """Return the filter that matches the same tickets as these conditions, each with whether it is negated.

    None when there is none: conditions with words, negations (except of a file or chronic), days, teams, external ids
    (the index has them without case), or two conditions on one field.
    """
    fields: dict[str, Any] = {}
    tags: list[str] = []
    for condition, is_negated in conditions:
        if isinstance(condition, Range) and condition.own_number is not None and not is_negated:
            if "own_number" in fields:
                return None
            fields["own_number"] = condition.own_number
            continue
        if not isinstance(condition, Facets) or not condition.any_of:
            return None
        [lexeme, *others] = condition.any_of
        name, _, value = lexeme.removeprefix("=").partition(":")
        if name == "tag" and value.isascii() and not (is_negated or others):
            tags.append(value)
            continue
        known: dict[str, Any] | None
        values = tuple(lexeme.partition(":")[2] for lexeme in condition.any_of)
        if name in _TERMS and not is_negated and _NONE not in values:
            known = {_TERMS[name]: values}
        else:
            known = (
                _negated(condition)
                if is_negated
                else _several(condition.any_of, catalogue)
                if others
                else _single(lexeme, catalogue)
            )
        if known is None or not fields.keys().isdisjoint(known):
            return None
        fields |= known
    statuses = fields.get("statuses") or ((fields["status"],) if "status" in fields else ())
    is_open = bool(statuses and OPEN.issuperset(statuses)) or fields.get("has_reminder") is True
    state = "open" if is_open else "all"
    return Filter(**{"state": state, **fields, "tags": tuple(tags)})
