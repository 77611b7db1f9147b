"""What mail the contacts of a ticket get by their roles, and who gets copies: the defaults, and a company's own."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

from clearline.events.event_types import NotificationKind, NotificationRule, Relation
from clearline.tickets.contact import ContactRole, Person, PersonKind


class RuleRole(StrEnum):
    """Whom a rule is for: the contacts of a role, or those who get copies."""

    REPORTER = ContactRole.REPORTER.value
    TECHNICAL = ContactRole.TECHNICAL.value
    ON_DUTY = ContactRole.ON_DUTY.value
    ESCALATION = ContactRole.ESCALATION.value
    SITE_ACCESS = ContactRole.SITE_ACCESS.value
    CC = "cc"


class Notice(StrEnum):
    """What a rule can send."""

    RAISED = "raised"
    """The ticket was raised."""
    ANSWERS = "answers"
    """The provider wrote a public note, or attached a public file."""
    CUSTOMER_NOTES = "customer_notes"
    """Somebody else of the customer wrote a note, or attached a file."""
    STATUS = "status"
    """The status changed, other than to resolved, or the ticket was merged."""
    RESOLVED = "resolved"
    PRIORITY = "priority"
    """The priority changed."""


ContactRules = Mapping[RuleRole, frozenset[Notice]]

_WORKING = frozenset({Notice.RAISED, Notice.ANSWERS, Notice.STATUS, Notice.RESOLVED})
DEFAULT_RULES: ContactRules = {
    RuleRole.REPORTER: _WORKING,
    RuleRole.TECHNICAL: _WORKING,
    RuleRole.ON_DUTY: _WORKING,
    RuleRole.ESCALATION: frozenset({Notice.RAISED, Notice.PRIORITY, Notice.RESOLVED}),
    RuleRole.SITE_ACCESS: frozenset(),
    RuleRole.CC: frozenset({Notice.ANSWERS, Notice.CUSTOMER_NOTES, Notice.RESOLVED}),
}
"""What each gets until its company sets something else."""

_NOTICES = {
    NotificationKind.TICKET_RAISED: Notice.RAISED,
    NotificationKind.PROVIDER_NOTE: Notice.ANSWERS,
    NotificationKind.CUSTOMER_NOTE: Notice.CUSTOMER_NOTES,
    NotificationKind.STATUS_CHANGED: Notice.STATUS,
    NotificationKind.REOPENED: Notice.STATUS,
    NotificationKind.RESOLVED: Notice.RESOLVED,
    NotificationKind.PRIORITY_CHANGED: Notice.PRIORITY,
}


class InboundCc(StrEnum):
    """What becomes of the Cc of a mail of the company's people."""

    IGNORE = "ignore"
    SUGGEST = "suggest"
    """Agents see it, and add it or not."""
    ADD = "add"
    """Addresses within the company's verified domains get copies from then on, and others are suggested."""


def rules_of(own: Mapping[str, Any] | None) -> ContactRules:
    """Return the rules of a company, by what it has set itself. Words that this version does not know are ignored."""
    if not own:
        return DEFAULT_RULES
    known = {role: frozenset(each for each in Notice if each in own[role]) for role in RuleRole if role in own}
    return {**DEFAULT_RULES, **known}


def own_rules(rules: ContactRules) -> dict[str, list[str]]:
    """Return what of the rules differs from the defaults, as it is stored."""
    return {str(role): listed(notices) for role, notices in rules.items() if notices != DEFAULT_RULES[role]}


def listed(notices: frozenset[Notice]) -> list[str]:
    """Return notices in their order."""
    return [str(each) for each in Notice if each in notices]


def notices_of(person: Person, rules: ContactRules) -> frozenset[Notice]:
    """Return what one of a ticket's people gets: what any of the roles gets."""
    roles = (RuleRole.CC,) if person.kind is PersonKind.CC else map(RuleRole, person.roles)
    return frozenset[Notice]().union(*(rules[role] for role in roles))


def told(matching: Iterable[NotificationRule], notices: frozenset[Notice]) -> list[NotificationRule]:
    """Return the rules of an event that notify a contact who gets these notices."""
    return [rule for rule in matching if Relation.CONTACT in rule.recipients and _NOTICES.get(rule.kind) in notices]
