"""The names of event types: those that customers are sent, and whether what somebody wrote is one, or a prefix."""

from collections.abc import Iterable

from clearline.errors import RuleCode, Violation
from clearline.events.event_types import EventType, Visibility
from clearline.events.type_table import EVENT_TYPES

_PREFIXES = tuple(dict.fromkeys(kind.partition(".")[0] + "." for kind in EVENT_TYPES))


def unknown_type_rule(kind: str) -> str | None:
    """Return the rule that ``kind`` breaks if it is neither a type nor a prefix that ends with a dot; None if it is."""
    if kind in EVENT_TYPES or kind in _PREFIXES:
        return None
    prefix = kind.partition(".")[0] + "."
    if prefix in _PREFIXES:
        choices = ", ".join([prefix, *(known for known in EVENT_TYPES if known.startswith(prefix))])
        return f"must be one of {choices}; {kind} does not exist"
    return f"must be a type of event, or one of the prefixes {', '.join(_PREFIXES)}; {kind} does not exist"


def check_types(field: str, kinds: Iterable[str]) -> list[Violation]:
    """Return a violation of ``field`` for each of ``kinds`` that is neither a type nor a prefix."""
    rules = map(unknown_type_rule, kinds)
    return [Violation(field, rule, RuleCode.CHOICE) for rule in rules if rule is not None]


def customer_types() -> list[EventType]:
    """Return the types of which a customer can be sent at least a part, in the table's order."""
    return [row.type for row in EVENT_TYPES.values() if row.visibility is not Visibility.STAFF_ONLY]
