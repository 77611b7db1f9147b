"""The parts of the reference that are made from the table of event types, and the schedule of webhooks."""

from collections.abc import Collection, Iterator
from datetime import timedelta
from typing import get_args

from markup import table

from clearline.events.domain import TicketFact
from clearline.events.event_types import EventTypeRow, NotificationKind, NotificationRule, Relation, Visibility
from clearline.events.type_table import EVENT_TYPES
from clearline.identity import Role
from clearline.notifications.domain import DEFAULTS
from clearline.webhooks import attempt_domain


def events() -> Iterator[str]:
    """Return the page of events."""
    yield "Everything that happens is stored as an event, with who did it and what was before and after. The history"
    yield "of a ticket, the audit, the [event stream](event-stream.md) and [webhooks](webhooks.md) show events. The"
    yield "provider's people see every event; those about other records than tickets need the scope `audit:read`. The"
    yield "tables say what customers see. [Notifications](notifications.md) says who gets mail about an event."
    yield ""
    yield "An event about a ticket has the `version` of the ticket after it. For a customer that is the version of its"
    yield "own view, which counts the changes that it can see."
    yield ""
    yield "## Events about tickets"
    yield ""
    facts = {fact.__struct_config__.tag: fact for fact in get_args(TicketFact)}
    yield from table(
        ("type", "data", "meaning", "a customer sees it", "notifications"),
        [
            (
                f"`{row.type}`",
                ", ".join(f"`{name}`" for name in facts[row.type].__struct_fields__),
                (facts[row.type].__doc__ or "").split("\n")[0].replace("``", "`"),
                _visible_to_customers(row),
                ", ".join(dict.fromkeys(f"`{rule.kind}`" for rule in row.notifications or ())) or "none",
            )
            for row in EVENT_TYPES.values()
            if row.record == "ticket"
        ],
    )
    yield "## Events about other records"
    yield ""
    yield "`ticket` is null. The data has `id`, `name` and `changes`: a list of `field`, `before` and `after`. These"
    yield "events make no notifications."
    yield ""
    yield from table(
        ("type", "meaning", "a customer sees it"),
        [
            (f"`{row.type}`", row.sentence, _visible_to_customers(row))
            for row in EVENT_TYPES.values()
            if row.record != "ticket"
        ],
    )


def _visible_to_customers(row: EventTypeRow) -> str:
    match row.visibility:
        case Visibility.ALWAYS:
            return "yes"
        case Visibility.WHEN_PUBLIC:
            return "when `visibility` is `public`"
        case Visibility.SOME_FIELDS:
            return f"the changes of {_words(sorted(row.visible_fields))}"
        case Visibility.COMPANY_ADMINS:
            return "the company's admins"
        case Visibility.STAFF_ONLY:
            return "no"


def _words(values: Collection[str], last: str = "and") -> str:
    """Return values as code, with a word before the last of several."""
    *others, end = (f"`{value}`" for value in values)
    return f"{', '.join(others)} {last} {end}" if others else end


_KINDS: dict[NotificationKind, str] = {
    NotificationKind.ASSIGNED_TO_ME: "a ticket was assigned to you",
    NotificationKind.ROUTED_TO_MY_TEAM: "a ticket without an assignee came into a queue of your team",
    NotificationKind.TICKET_RAISED: "a ticket was raised",
    NotificationKind.CUSTOMER_NOTE: "the customer wrote a note, or attached a file",
    NotificationKind.PRIORITY_CHANGED: "the priority changed",
    NotificationKind.PROVIDER_NOTE: "the provider wrote a public note, or attached a public file",
    NotificationKind.INTERNAL_NOTE: "the provider's people wrote an internal note, or attached an internal file",
    NotificationKind.STATUS_CHANGED: "the status changed, other than the next two; for the contact, also a merge",
    NotificationKind.RESOLVED: "the ticket was resolved",
    NotificationKind.REOPENED: "the ticket was reopened",
    NotificationKind.WATCHED_CHANGE: "anything else changed: priority, title, assignee, queue, links, merges",
    NotificationKind.COMPANY_TICKET: "a ticket of your company was raised, got a public note or changed its status",
}
_RECIPIENTS: dict[Relation, str] = {
    Relation.CONTACT: "contacts, by their roles",
    Relation.WATCHER: "watchers",
    Relation.ASSIGNEE: "assignee",
    Relation.TEAM: "people of the queue's team",
    Relation.STAFF: "all staff",
    Relation.COMPANY: "everybody of the customer",
}


def notification_kinds() -> Iterator[str]:
    """Return the table of kinds, with who is notified and the defaults."""
    rules = [rule for row in EVENT_TYPES.values() for rule in row.notifications or ()]
    yield from table(
        ("kind", "what happened", "recipients", "staff, by default", "customers, by default"),
        [
            (
                f"`{kind}`",
                about,
                _recipients({one for rule in rules if rule.kind is kind for one in rule.recipients}),
                DEFAULTS[Role.AGENT].get(kind, ""),
                DEFAULTS[Role.CUSTOMER].get(kind, ""),
            )
            for kind, about in _KINDS.items()
        ],
    )


def _recipients(relations: Collection[Relation]) -> str:
    return ", ".join(about for relation, about in _RECIPIENTS.items() if relation in relations)


def notification_rules() -> Iterator[str]:
    """Return the table of events with the notifications that they make."""
    yield from table(
        ("event", "condition", "kind", "recipients"),
        [
            (f"`{row.type}`", _condition(rule), f"`{rule.kind}`", _recipients(rule.recipients))
            for row in EVENT_TYPES.values()
            for rule in row.notifications or ()
        ],
    )


def _condition(rule: NotificationRule) -> str:
    return ", ".join(
        [f"`{name}` is {_words(values, 'or')}" for name, values in rule.when.items()]
        + [f"`{name}` is not {_words(values, 'or')}" for name, values in rule.unless.items()]
    )


def retry_schedule() -> Iterator[str]:
    """Return the table of attempts."""
    yield from table(
        ("attempt", "after the one before"),
        [(str(number), _span(pause)) for number, pause in enumerate(attempt_domain.SCHEDULE, 1)],
    )
    yield f"Each pause is up to {attempt_domain.JITTER:.0%} longer or shorter."


def _span(span: timedelta) -> str:
    seconds = int(span.total_seconds())
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds and seconds % size == 0:
            return f"{seconds // size} {unit}"
    return f"{seconds} s" if seconds else "at once"
