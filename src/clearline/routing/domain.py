"""The rules by which a ticket finds its queue."""

import re
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from uuid import UUID

from msgspec import Struct

from clearline.errors import Violation
from clearline.inventory.domain import ServiceType
from clearline.text import check_text, is_blank
from clearline.tickets.domain import IssueType, Priority

NAME_MAX = 255
LIST_MAX = 100
KEYWORD_MAX = 100

CONDITIONS = ("issue_types", "service_types", "company_ids", "priorities", "keywords")
INACTIVE = "is_active"
"""What an inactive rule fails by."""


class RoutingRule(Struct, frozen=True):
    """Sends a ticket to a queue when every condition holds; an empty list is no condition. Positions count from 1."""

    id: UUID
    position: int
    name: str
    queue_id: UUID
    issue_types: tuple[IssueType, ...]
    service_types: tuple[ServiceType, ...]
    company_ids: tuple[UUID, ...]
    priorities: tuple[Priority, ...]
    keywords: tuple[str, ...]
    is_active: bool
    created_at: datetime


class RoutingFacts(Struct, frozen=True):
    """What the rules look at. ``priority`` is the provider's assessment; ``company_id`` is None for any company."""

    issue_type: IssueType
    service_type: ServiceType
    company_id: UUID | None
    priority: Priority
    title: str
    description: str


class Verdict(Struct, frozen=True):
    """What one rule says of a ticket: it matches when nothing of it ``failed``."""

    rule: RoutingRule
    failed: tuple[str, ...]


def check_rule(rule: RoutingRule) -> list[Violation]:
    """The rules that a routing rule breaks: lists of at most 100, keywords of 1 to 100 characters that can be seen."""
    violations = check_text("name", rule.name, most=NAME_MAX)
    for name in CONDITIONS:
        if len(getattr(rule, name)) > LIST_MAX:
            violations.append(Violation(name, f"must be at most {LIST_MAX}"))
    for keyword in rule.keywords:
        broken = check_text("keywords", keyword, most=KEYWORD_MAX)
        if not broken and is_blank(keyword):
            broken = [Violation("keywords", "must not be blank")]
        violations += broken
    return violations


def judge(rules: Sequence[RoutingRule], facts: RoutingFacts) -> list[Verdict]:
    """What every rule says of a ticket, in their order."""
    text = _plain(facts.title, facts.description)
    return [Verdict(rule, tuple(_failures(rule, facts, text))) for rule in rules]


def choose_rule(rules: Sequence[RoutingRule], facts: RoutingFacts) -> RoutingRule | None:
    """The first active rule, in the order given, whose every condition holds."""
    text = _plain(facts.title, facts.description)
    return next((rule for rule in rules if not _failures(rule, facts, text)), None)


def _failures(rule: RoutingRule, facts: RoutingFacts, text: str) -> list[str]:
    holds = {
        INACTIVE: rule.is_active,
        "issue_types": _among(facts.issue_type, rule.issue_types),
        "service_types": _among(facts.service_type, rule.service_types),
        "company_ids": _among(facts.company_id, rule.company_ids),
        "priorities": _among(facts.priority, rule.priorities),
        "keywords": not rule.keywords or any(_mentions(text, keyword) for keyword in rule.keywords),
    }
    return [name for name, held in holds.items() if not held]


def _among(value: object, allowed: Sequence[object]) -> bool:
    return not allowed or value in allowed


def _plain(*texts: str) -> str:
    """Texts without differences of case and white space; NUL, which no text holds, keeps them apart."""
    return "\0".join(" ".join(text.casefold().split()) for text in texts)


@lru_cache(maxsize=10_000)
def _plain_keyword(keyword: str) -> str:
    return _plain(keyword)


def _mentions(text: str, keyword: str) -> bool:
    """Whether a keyword stands in the text as a word, or as words.

    ``xe-0/0/1.100`` is one word: between letters and digits ``-``, ``.`` and ``/`` belong to it, at its ends not.
    """
    wanted = _plain_keyword(keyword)
    # Most keywords are in no text at all, and this search is a hundred times faster than the next.
    if wanted not in text:
        return False
    return re.search(rf"(?<!\w)(?<!\w[-./]){re.escape(wanted)}(?!\w)(?![-./]\w)", text) is not None
