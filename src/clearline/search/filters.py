"""The filters of the search: read their values into conditions. See docs/reference/search.md."""

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import MAXYEAR, MINYEAR, date, datetime, timedelta
from functools import partial
from uuid import UUID

from msgspec import Struct

from clearline.catalogue.assessment import Priority, Severity
from clearline.catalogue.domain import Catalogue
from clearline.catalogue.term_domain import KEY
from clearline.clock import now
from clearline.errors import InvalidInput, RuleCode, Violation
from clearline.fields.domain import Field
from clearline.fields.query_domain import offered_values
from clearline.search.document import (
    CREATED,
    OCCURRED,
    REMINDER,
    UPDATED,
    UPDATED_FOR_CUSTOMER,
    day_facets,
    facet,
    hour_facet,
)
from clearline.text import fold
from clearline.tickets.domain import Status, parse_ticket_number

FIRST_YEAR, LAST_YEAR = 2000, 2099
"""The filters ``created``, ``updated`` and ``occurred`` find no tickets of other years."""

NAMED = ("company", "tier", "queue", "team", "assignee", "watcher")
"""Filters whose values are names that have to be looked up in the database. Customers have the first."""

TYPES = ("issue", "service")
"""Filters whose values are types of the catalogue, which have to be looked up in it."""

OWN_FIELD = "field."
"""How the filters begin whose names end with the key of an own field of tickets, which has to be looked up."""

CUSTOMER_FILTERS = (
    "status", "service", "issue", "priority", "number", "created", "updated", "occurred", "contact", "cc", "external",
    "has", "company",
)  # fmt: skip
TERM_FILTERS = ("sub-status", "waiting", "cause", "action", "responsibility")
"""Filters whose values are keys of the provider's lists."""
STAFF_FILTERS = (*CUSTOMER_FILTERS, "severity", "tag", "case", "is", "reminder", *TERM_FILTERS, *NAMED[1:])

_WITHIN = re.compile(r"<=?([1-9][0-9]{0,3})([hdw])")
_LATE = timedelta(days=31)
"""How late a reminder can be that is still found as one that is due soon: no worker ran."""
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_DAY = re.compile(r"(>=|<=|>|<|)([0-9]{4}-[0-9]{2}-[0-9]{2})")


class Facets(Struct, frozen=True):
    """A filter: the ticket has any of these facets."""

    any_of: tuple[str, ...]


class Range(Struct, frozen=True):
    """A filter: a number, a date or a moment of an own field is within a span, or any of some.

    ``prefixes`` are the beginnings of the facets of all numbers of the spans. ``own_number`` is the filter of a list by
    a single span: see ``list_store.Filter``.
    """

    prefixes: tuple[str, ...]
    own_number: tuple[UUID, float, float] | None = None


class Named(Struct, frozen=True):
    """A filter whose value is a name that is not looked up yet."""

    filter: str
    value: str


def invalid(rule: str) -> InvalidInput:
    """Return the refusal of a query that breaks a rule."""
    return InvalidInput([Violation("q", rule, RuleCode.FORMAT)])


def _one_of(name: str, kinds: tuple[str, ...], value: str) -> Facets:
    if fold(value) not in {fold(kind) for kind in kinds}:
        raise invalid(f"has an unknown {name}: it must be one of {', '.join(kinds)}")
    return Facets((facet(name, value),))


def _status(value: str) -> Facets:
    status = fold(value).replace(" ", "_").replace("-", "_")
    if status in {"open", "closed"}:
        # closed is also a status, but people who search for closed tickets mean all finished ones
        return Facets((facet("is", status),))
    return _one_of("status", ("open", *Status), status)


def issue_facets(value: str, catalogue: Catalogue) -> Facets:
    """Return the filter of any of the types of issues between commas, each by its key or name.

    Raises:
        InvalidInput: one is unknown.
    """
    keys = [catalogue.issue_named(each.strip()) for each in value.split(",")]
    known = [key for key in keys if key is not None]
    if len(known) < len(keys):
        raise invalid(f"has an unknown issue: it must be one of {', '.join(catalogue.issue_types)}")
    return Facets(tuple(facet("issue", key) for key in known))


def service_facets(value: str, catalogue: Catalogue) -> Facets:
    """Return the filter of a type of services, by its key or name, or of the id of a service.

    Raises:
        InvalidInput: there is no value.
    """
    if not value:
        raise invalid("has a filter service without a value: it must be a type or the id of a service")
    key = catalogue.service_named(value)
    return Facets((facet("service-id", value) if key is None else facet("service", key),))


def _number(value: str) -> Facets:
    number = int(value) if re.fullmatch("[0-9]{1,12}", value) else parse_ticket_number(value.upper())
    if number is None:
        raise invalid("has an unknown number: it must be like INC000000000042 or 42")
    return Facets((facet("number", number),))


def _tag(value: str) -> Facets:
    if not value:
        raise invalid("has a filter tag without a value")
    return Facets((facet("tag", value),))


def _key(name: str, value: str) -> Facets:
    key = fold(value).replace(" ", "_").replace("-", "_")
    if not KEY.fullmatch(key):
        raise invalid(f"has an unknown {name}: it must be the key of a term, such as third_party")
    return Facets((facet(name, key),))


def _person(name: str, value: str) -> Facets:
    if not value:
        raise invalid(f"has a filter {name} without a value: it must be an e-mail address or a name")
    return Facets((facet(name, value),))


def _case(value: str) -> Facets:
    if not value:
        raise invalid("has a filter case without a value: it must be the number of a case at a third party")
    return Facets((facet("case", value),))


def _external(value: str) -> Facets:
    system, _, number = value.partition(":")
    if not (system and number):
        raise invalid("has an unknown external: it must be the name of a system and its number, such as jira:OPS-17")
    return Facets((facet("external", value),))


def _has(value: str, staff: bool) -> Facets:  # noqa: FBT001 - called through a table
    if fold(value) != "file":
        raise invalid("has an unknown has: it must be file")
    return Facets((facet("file", "any" if staff else "public"),))


def _days(name: str, prefix: str, value: str) -> Facets:
    """Return the days that a filter selects. The facets of the ticket's time have the ``prefix``."""
    match = _DAY.fullmatch(value)
    try:
        day = date.fromisoformat(match[2]) if match else None
    except ValueError:
        day = None
    if match is None or day is None or not MINYEAR < day.year < MAXYEAR:
        raise invalid(f"has an unknown {name}: it must be a day such as 2026-01-31, after >=, >, <=, < or nothing")
    first, last = date(FIRST_YEAR, 1, 1), date(LAST_YEAR, 12, 31)
    step = timedelta(1)
    spans = {
        "": (day, day),
        ">=": (day, last),
        ">": (day + step, last),
        "<=": (first, day),
        "<": (first, day - step),
    }
    start, end = spans[match[1]]
    return Facets(tuple(_span(max(first, start), min(last, end), prefix)))


def _reminder(value: str) -> Facets:
    """Return the filter of reminders: any, none, due within a time from now on, or on days."""
    if fold(value) in {"any", "none"}:
        return Facets((facet("reminder", value),))
    if (match := _WITHIN.fullmatch(value)) is None:
        if not _DAY.fullmatch(value):
            raise invalid("has an unknown reminder: it must be any, none, within a time such as <4h or <2d, or a day")
        return _days("reminder", REMINDER, value)
    at = now()
    return Facets(tuple(_hours(at - _LATE, at + int(match[1]) * _UNITS[match[2]])))


def _hours(start: datetime, end: datetime) -> Iterator[str]:
    """Return the facets of the hours from one moment to another, whole days by their own."""
    hour, last = start.replace(minute=0, second=0, microsecond=0), end.replace(minute=0, second=0, microsecond=0)
    while hour <= last:
        next_day = hour.replace(hour=0) + timedelta(days=1)
        if hour.hour == 0 and next_day <= last:
            yield from _span(hour.date(), last.date() - timedelta(days=1), REMINDER)
            hour = last.replace(hour=0)
        else:
            yield hour_facet(hour)
            hour += timedelta(hours=1)


def _updated(value: str, staff: bool) -> Facets:  # noqa: FBT001 - called through a table
    return _days("updated", UPDATED if staff else UPDATED_FOR_CUSTOMER, value)


def _span(start: date, end: date, prefix: str) -> Iterator[str]:
    """Return the facets of the fewest years, months and days that make up a span, both ends included."""
    while start <= end:
        day, month, year = day_facets(start, prefix)
        next_year = date(start.year + 1, 1, 1)
        next_month = date(start.year, start.month + 1, 1) if start.month < 12 else next_year
        if start.month == start.day == 1 and next_year - timedelta(1) <= end:
            yield year
            start = next_year
        elif start.day == 1 and next_month - timedelta(1) <= end:
            yield month
            start = next_month
        else:
            yield day
            start += timedelta(1)


def _any_of(read: Callable[[str], Facets], value: str) -> Facets:
    """Return the filter of any of the values between commas."""
    return Facets(tuple(lexeme for each in value.split(",") for lexeme in read(each).any_of))


_FILTERS: dict[str, Callable[[str], Facets]] = {
    "status": lambda value: _any_of(_status, value),
    "priority": lambda value: _any_of(partial(_one_of, "priority", tuple(Priority)), value),
    "severity": lambda value: _any_of(partial(_one_of, "severity", tuple(Severity)), value),
    "number": _number,
    "tag": _tag,
    "created": partial(_days, "created", CREATED),
    "occurred": partial(_days, "occurred", OCCURRED),
    "is": partial(_one_of, "is", ("chronic",)),
    **{name: partial(_any_of, partial(_key, name)) for name in TERM_FILTERS},
    "contact": partial(_person, "contact"),
    "cc": partial(_person, "cc"),
    "external": _external,
    "case": _case,
    "reminder": _reminder,
}
_FILTERS_BY_READER: dict[str, Callable[[str, bool], Facets]] = {"updated": _updated, "has": _has}
"""The filters that depend on what their reader may see: the provider's people, or a customer."""
_SUGGESTED: dict[str, tuple[str, ...]] = {
    "status": ("open", *Status),
    "priority": tuple(Priority),
    "severity": tuple(Severity),
    "has": ("file",),
    "is": ("chronic",),
    "assignee": ("me", "none"),
    "watcher": ("me",),
    "reminder": ("any", "none", "<1d"),
    "queue": ("none", ""),
}


def read_filter(name: str, value: str, *, staff: bool) -> Facets | Named:
    """Return the condition of a filter.

    Raises:
        InvalidInput: the filter or its value is unknown. The filters of the staff are unknown to customers.
    """
    if name.startswith(OWN_FIELD) and len(name) > len(OWN_FIELD):
        return Named(name, value)
    allowed = STAFF_FILTERS if staff else CUSTOMER_FILTERS
    if name not in allowed:
        raise invalid(
            f"has no filter {name}: it must be one of {', '.join(allowed)}; put words with a colon in quotation marks"
        )
    if name in NAMED or name in TYPES:
        return Named(name, value)
    if name in _FILTERS_BY_READER:
        return _FILTERS_BY_READER[name](value, staff)
    return _FILTERS[name](value)


def suggestions(catalogue: Catalogue, fields: Sequence[Field], *, staff: bool) -> list[str]:
    """Return filters with each of their values; those of any other value end with the colon.

    ``fields`` are the own fields of tickets that the person sees.
    """
    suggested = {**_SUGGESTED, "service": tuple(catalogue.service_types), "issue": tuple(catalogue.issue_types)}
    own = {OWN_FIELD + field.key: offered_values(field) for field in fields}
    return [
        f'{name}:"{value}"' if " " in value else f"{name}:{value}"
        for name in (*(STAFF_FILTERS if staff else CUSTOMER_FILTERS), *own)
        for value in (own | suggested).get(name, ("",))
    ]
