"""Routing rules: their conditions, and which rule a ticket matches."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from msgspec import Struct

from clearline.catalogue.assessment import Priority
from clearline.errors import RuleCode, Violation
from clearline.fields.domain import Field
from clearline.fields.query_domain import asked, holds
from clearline.fields.type_domain import WrongValue
from clearline.text import PAIRED, check_text, fold, is_blank

NAME_MAX = 255
LIST_MAX = 100
KEYWORD_MAX = 100

CONDITIONS = ("issue_types", "service_types", "company_ids", "priorities", "keywords", "fields")
FIELD_CONDITION_MAX = 300
INACTIVE = "is_active"
"""The name by which an inactive rule fails, beside those of the conditions."""

_JOINTS = {"-", ".", "/"}
_SPACELESS = re.compile(f"[{PAIRED}]")
_LETTER = re.compile(rf"[^\W{PAIRED}]")


class RoutingRule(Struct, frozen=True):
    """Sends a ticket to a queue when every condition holds. An empty list is no condition. Positions count from 1.

    ``fields`` are conditions on own fields, as a search has them without ``field.``: ``region:emea``, ``size:>10``.
    """

    id: UUID
    position: int
    name: str
    queue_id: UUID
    issue_types: tuple[str, ...]
    service_types: tuple[str, ...]
    company_ids: tuple[UUID, ...]
    priorities: tuple[Priority, ...]
    keywords: tuple[str, ...]
    is_active: bool
    created_at: datetime
    fields: tuple[str, ...] = ()


class RoutingFacts(Struct, frozen=True):
    """What the conditions look at. ``priority`` is the provider's assessment; ``company_id`` is None for no company.

    ``known`` are the own fields of tickets by their keys, ``fields`` the values of the ticket.
    """

    issue_type: str
    service_type: str
    company_id: UUID | None
    priority: Priority
    title: str
    description: str
    fields: Mapping[str, Any] = {}
    known: Mapping[str, Field] = {}


class RuleResult(Struct, frozen=True):
    """Whether a rule matches a ticket: it does when ``failed`` names no condition."""

    rule: RoutingRule
    failed: tuple[str, ...]


def check_rule(rule: RoutingRule) -> list[Violation]:
    """Return the rules that a routing rule breaks: lists of at most 100, keywords of 1 to 100 visible characters."""
    violations = check_text("name", rule.name, most=NAME_MAX)
    for name in CONDITIONS:
        if len(getattr(rule, name)) > LIST_MAX:
            violations.append(Violation(name, f"must be at most {LIST_MAX}", RuleCode.COUNT))
    for keyword in rule.keywords:
        broken = check_text("keywords", keyword, most=KEYWORD_MAX)
        if not broken and is_blank(fold(keyword)):
            broken = [Violation("keywords", "must not be blank", RuleCode.BLANK)]
        violations += broken
    for condition in rule.fields:
        violations += check_text("fields", condition, most=FIELD_CONDITION_MAX)
    return violations


def check_field_conditions(conditions: Sequence[str], known: Mapping[str, Field]) -> list[Violation]:
    """Return the rules that conditions on own fields break: each is a key, a colon, and what is asked of the field."""
    violations = []
    for condition in conditions:
        key, _, text = condition.partition(":")
        field = known.get(key)
        if field is None or field.deleted_at is not None:
            rule = f"must be a key of a field, a colon and a value, such as region:emea, and {key[:80]} is no field"
            violations.append(Violation("fields", rule, RuleCode.UNKNOWN))
            continue
        try:
            asked(field, text)
        except WrongValue as wrong:
            violations.append(Violation("fields", f"must have a value of {key} that {wrong.rule}", wrong.code))
    return violations


def _field_holds(condition: str, facts: RoutingFacts) -> bool:
    """Return whether a condition on an own field holds. One on a field that there is no more never does."""
    key, _, text = condition.partition(":")
    field = facts.known.get(key)
    if field is None or field.deleted_at is not None:
        return False
    try:
        return holds(field, text, facts.fields.get(key))
    except WrongValue:  # an option that there is no more
        return False


def evaluate_rules(rules: Sequence[RoutingRule], facts: RoutingFacts) -> list[RuleResult]:
    """Test a ticket against every rule, in the order of the rules."""
    text = _plain(facts.title, facts.description)
    return [RuleResult(rule, tuple(_failures(rule, facts, text))) for rule in rules]


def choose_rule(rules: Sequence[RoutingRule], facts: RoutingFacts) -> RoutingRule | None:
    """Return the first active rule, in the order of the list, whose conditions all hold; None when there is none."""
    text = _plain(facts.title, facts.description)
    return next((rule for rule in rules if not _failures(rule, facts, text)), None)


def shadowed_rules(rules: Sequence[RoutingRule], issue_types: int, service_types: int) -> Mapping[UUID, RoutingRule]:
    """Return the active rules that no ticket reaches, each with the first rule before it that takes all its tickets.

    A rule takes all tickets of another when each of its conditions holds for every ticket that the other matches. Rules
    that only together leave nothing to another are not found. ``issue_types`` and ``service_types`` are how many types
    there are: a condition that has all of them is none.
    """
    return _shadowed_rules(tuple(rules), issue_types, service_types)


@lru_cache(maxsize=8)
def _shadowed_rules(rules: tuple[RoutingRule, ...], issue_types: int, service_types: int) -> Mapping[UUID, RoutingRule]:
    """See ``shadowed_rules``. Remembered, because rules seldom change and are compared each with each."""
    before: dict[UUID | None, list[RoutingRule]] = {None: []}
    """Those that take tickets, by each of their companies; with None those for any company."""
    shadowed: dict[UUID, RoutingRule] = {}
    for rule in rules:
        if not rule.is_active:
            continue
        # What takes all its tickets is for any company, or for its companies, and so for the first of them.
        groups = (before[None], before.get(rule.company_ids[0], []) if rule.company_ids else [])
        takers = [
            next((earlier for earlier in group if _takes_all(earlier, rule, issue_types, service_types)), None)
            for group in groups
        ]
        taker = min((taker for taker in takers if taker is not None), key=_position, default=None)
        if taker is not None:
            shadowed[rule.id] = taker
            continue
        for company_id in rule.company_ids or (None,):
            before.setdefault(company_id, []).append(rule)
    return shadowed


def _position(rule: RoutingRule) -> int:
    return rule.position


def _takes_all(earlier: RoutingRule, rule: RoutingRule, issue_types: int, service_types: int) -> bool:
    return (
        _holds_wherever(earlier.issue_types, rule.issue_types, issue_types)
        and _holds_wherever(earlier.service_types, rule.service_types, service_types)
        and _holds_wherever(earlier.company_ids, rule.company_ids)
        and _holds_wherever(earlier.priorities, rule.priorities, len(Priority))
        and _keywords_hold_wherever(earlier.keywords, rule.keywords)
        and set(earlier.fields) <= set(rule.fields)
    )


def _holds_wherever(allowed: Sequence[object], narrower: Sequence[object], possible: int | None = None) -> bool:
    """Return whether a condition holds for every ticket for which another holds; an empty one always holds."""
    return not allowed or len(set(allowed)) == possible or (bool(narrower) and set(narrower) <= set(allowed))


def _keywords_hold_wherever(keywords: Sequence[str], narrower: Sequence[str]) -> bool:
    """As ``_holds_wherever``: a text that has a keyword has the words within the keyword, too."""
    return not keywords or (
        bool(narrower)
        and all(any(_mentions(_plain_keyword(text), keyword) for keyword in keywords) for text in narrower)
    )


def _failures(rule: RoutingRule, facts: RoutingFacts, text: str) -> list[str]:
    holds = {
        INACTIVE: rule.is_active,
        "issue_types": _among(facts.issue_type, rule.issue_types),
        "service_types": _among(facts.service_type, rule.service_types),
        "company_ids": _among(facts.company_id, rule.company_ids),
        "priorities": _among(facts.priority, rule.priorities),
        "keywords": not rule.keywords or any(_mentions(text, keyword) for keyword in rule.keywords),
        "fields": all(_field_holds(condition, facts) for condition in rule.fields),
    }
    return [name for name, held in holds.items() if not held]


def _among(value: object, allowed: Sequence[object]) -> bool:
    return not allowed or value in allowed


def _plain(*texts: str) -> str:
    """Return texts folded as the search folds them, with single spaces, joined by NUL, which no text contains."""
    return "\0".join(" ".join(fold(text).split()) for text in texts)


@lru_cache(maxsize=10_000)
def _plain_keyword(keyword: str) -> str:
    return _plain(keyword)


def _mentions(text: str, keyword: str) -> bool:
    """Return whether the text contains a keyword as a word, or as words.

    ``xe-0/0/1.100`` is one word: ``-``, ``.`` and ``/`` belong to a word between letters and digits, not at its ends.
    Scripts without spaces have no whole words: there a keyword matches anywhere.
    """
    plain = _plain_keyword(keyword)
    at = text.find(plain) if plain else -1
    while at >= 0:
        end = at + len(plain)
        if _begins_word(text, at) and _ends_word(text, end):
            return True
        at = text.find(plain, at + 1)
    return False


def _begins_word(text: str, at: int) -> bool:
    if _SPACELESS.match(text, at):
        return True
    joint = at - 2 if text[at - 1 : at] in _JOINTS else at - 1
    return not (at > 0 and joint >= 0 and _is_in_word(text[joint]))


def _ends_word(text: str, end: int) -> bool:
    if _is_mark(text[end : end + 1]):
        return False
    if _SPACELESS.match(text, end - 1):
        return True
    next_char = text[end + 1 : end + 2] if text[end : end + 1] in _JOINTS else text[end : end + 1]
    return not _is_in_word(next_char)


def _is_in_word(char: str) -> bool:
    """Return whether a character is part of a word of a script with spaces."""
    return _LETTER.match(char) is not None or (_is_mark(char) and _SPACELESS.match(char) is None)


def _is_mark(char: str) -> bool:
    """Return whether a character is a combining mark, which is part of the letter before it."""
    return char != "" and unicodedata.category(char).startswith("M")
