"""The language of the search: what people type, as conditions. docs/reference/search.md describes it."""

import re
from collections.abc import Callable, Iterator
from datetime import MAXYEAR, MINYEAR, date, timedelta

from msgspec import Struct

from clearline.errors import InvalidInput, Violation
from clearline.inventory.domain import ServiceType
from clearline.search.document import INTERNAL, day_facets, facet, pairs, quoted
from clearline.search.words import Unit, address, fold, units
from clearline.text import storable
from clearline.tickets.domain import IssueType, Priority, Severity, Status, parse_ticket_number

QUERY_MAX = 500
TERMS_MAX = 30

FIRST_YEAR, LAST_YEAR = 2000, 2099
"""Tickets of other years are not found by their day."""

NAMED = ("company", "queue", "assignee", "watcher")
"""Filters whose values are names that only the database knows."""

CUSTOMER_FILTERS = ("status", "service", "issue", "priority", "number", "created")
STAFF_FILTERS = (*CUSTOMER_FILTERS, "severity", "tag", *NAMED)

_TERM = re.compile(
    r"""(?P<minus>-(?=\S))?
        (?: (?P<name>[A-Za-z_]+):(?!//)(?P<value>"[^"]*"?|\S+) | "(?P<phrase>[^"]*)"? | (?P<word>[^\s"]+) )""",
    re.VERBOSE,
)
_QUOTES = str.maketrans("\u201c\u201d\u201e\u00ab\u00bb", '"""""')
_DAY = re.compile(r"(>=|<=|>|<|)([0-9]{4}-[0-9]{2}-[0-9]{2})")


class Word(Struct, frozen=True):
    """A word, or whatever begins with it."""

    lexeme: str
    is_beginning: bool


class Phrase(Struct, frozen=True):
    """Words that follow each other, each with its place."""

    lexemes: tuple[tuple[int, str], ...]


class Facets(Struct, frozen=True):
    """A filter: the ticket has one of these facets."""

    any_of: tuple[str, ...]


class Named(Struct, frozen=True):
    """A filter whose value is a name that is still to be looked up."""

    filter: str
    value: str


class Term(Struct, frozen=True):
    """One condition of a query, or its opposite."""

    what: Word | Phrase | Facets | Named
    is_negated: bool = False


class Clause(Struct, frozen=True):
    """A condition in the spelling of ``tsquery``.

    ``lexemes`` tell how common it is: each with whether it is a beginning. ``is_text`` when it is people's words, which
    results are ranked by, and no filter. ``rough`` is what the index can tell of a condition that it cannot decide: it
    holds for every ticket that meets the condition, and for some others.
    """

    query: str
    lexemes: tuple[tuple[str, bool], ...]
    is_text: bool = False
    is_negated: bool = False
    rough: str | None = None


def parse(text: str, *, staff: bool) -> list[Term]:
    """The conditions of a query, all of which must hold. An empty query has none.

    Raises:
        InvalidInput: the query is longer than 500 characters, has more than 30 terms, or has words of which nothing is
            left, or a filter or a value that there is not. Filters of the staff are none for customers.
    """
    if len(text) > QUERY_MAX or not storable(text):
        raise _refused(f"must have at most {QUERY_MAX} characters, and none that cannot be stored")
    terms = [term for match in _TERM.finditer(text.translate(_QUOTES)) for term in _term(match, staff=staff)]
    if len(terms) > TERMS_MAX:
        raise _refused(f"must have at most {TERMS_MAX} words and filters")
    if text.strip() and not terms:
        raise _refused("must have a letter or a digit")
    return terms


def _refused(rule: str) -> InvalidInput:
    return InvalidInput([Violation("q", rule)])


def _term(match: re.Match[str], *, staff: bool) -> Iterator[Term]:
    is_negated = match["minus"] is not None
    if match["name"] is not None and address(fold(match[0])) is None:
        value = match["value"].strip('"').strip()
        yield Term(_filter(match["name"].lower(), value, staff=staff), is_negated)
    elif match["phrase"] is not None:
        if (phrase := _phrase(list(units(match["phrase"])))) is not None:
            yield Term(phrase, is_negated)
    else:
        bare = match[0][1:] if is_negated else match[0]
        for unit in units(bare):
            yield Term(_asked(unit, is_negated=is_negated), is_negated)


def _asked(unit: Unit, *, is_negated: bool) -> Word | Phrase:
    """What a word asks for. An excluded one is taken exactly: whoever leaves out "in" has not seen the interfaces."""
    if unit.chained:
        return Phrase(tuple(enumerate(unit.parts[:-1])))
    is_short = len(unit.asked) == 1 and unit.asked.isascii()
    return Word(unit.asked, not (unit.exact or is_short or is_negated))


def _phrase(found: list[Unit]) -> Word | Phrase | None:
    """Words in their order. The last character of a chain may go on in the text, so it is not asked for at the end."""
    if not found:
        return None
    parts = [part for unit in found for part in unit.parts]
    if found[-1].chained:
        parts.pop()
    return Word(parts[0], is_beginning=False) if len(parts) == 1 else Phrase(tuple(enumerate(parts)))


def _filter(name: str, value: str, *, staff: bool) -> Facets | Named:
    allowed = STAFF_FILTERS if staff else CUSTOMER_FILTERS
    if name not in allowed:
        raise _refused(
            f"has no filter {name}: it must be one of {', '.join(allowed)}; put words with a colon in quotation marks"
        )
    if name in NAMED:
        return Named(name, value)
    return _FILTERS[name](value)


def _one_of(name: str, kinds: tuple[str, ...], value: str) -> Facets:
    wanted = fold(value)
    if wanted not in {fold(kind) for kind in kinds}:
        raise _refused(f"has an unknown {name}: it must be one of {', '.join(kinds)}")
    return Facets((facet(name, value),))


def _status(value: str) -> Facets:
    wanted = fold(value).replace(" ", "_").replace("-", "_")
    if wanted in {"open", "closed"}:
        # closed is also a status, but people who ask for closed tickets mean all that have ended
        return Facets((facet("is", wanted),))
    return _one_of("status", ("open", *Status), wanted)


def _service(value: str) -> Facets:
    is_type = fold(value) in {fold(kind) for kind in ServiceType}
    if not value:
        raise _refused("has a filter service without a value: it must be a type or the id of a service")
    return Facets((facet("service" if is_type else "service-id", value),))


def _number(value: str) -> Facets:
    number = int(value) if re.fullmatch("[0-9]{1,12}", value) else parse_ticket_number(value.upper())
    if number is None:
        raise _refused("has an unknown number: it must be like INC000000000042 or 42")
    return Facets((facet("number", number),))


def _tag(value: str) -> Facets:
    if not value:
        raise _refused("has a filter tag without a value")
    return Facets((facet("tag", value),))


def _created(value: str) -> Facets:
    found = _DAY.fullmatch(value)
    try:
        day = date.fromisoformat(found[2]) if found else None
    except ValueError:
        day = None
    if found is None or day is None or not MINYEAR < day.year < MAXYEAR:
        raise _refused("has an unknown created: it must be a day such as 2026-01-31, after >=, >, <=, < or nothing")
    first, last = date(FIRST_YEAR, 1, 1), date(LAST_YEAR, 12, 31)
    step = timedelta(1)
    spans = {
        "": (day, day),
        ">=": (day, last),
        ">": (day + step, last),
        "<=": (first, day),
        "<": (first, day - step),
    }
    start, end = spans[found[1]]
    return Facets(tuple(_span(max(first, start), min(last, end))))


def _span(start: date, end: date) -> Iterator[str]:
    """The fewest years, months and days that make up a span, both ends included; nothing when it is empty."""
    while start <= end:
        day, month, year = day_facets(start)
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


_FILTERS: dict[str, Callable[[str], Facets]] = {
    "status": _status,
    "service": _service,
    "issue": lambda value: _one_of("issue", tuple(IssueType), value),
    "priority": lambda value: _one_of("priority", tuple(Priority), value),
    "severity": lambda value: _one_of("severity", tuple(Severity), value),
    "number": _number,
    "tag": _tag,
    "created": _created,
}


def clause(what: Word | Phrase | Facets, *, staff: bool, is_negated: bool = False) -> Clause:
    """A condition for the database.

    A customer's words never match what only the provider sees: its words are others, which are asked for by the staff
    alone.
    """
    if isinstance(what, Facets):
        lexemes = what.any_of or (facet("nothing"),)
        query = " | ".join(quoted(lexeme) for lexeme in lexemes)
        return Clause(query, tuple((lexeme, False) for lexeme in lexemes), is_negated=is_negated)
    spellings = ("", INTERNAL) if staff else ("",)
    if isinstance(what, Word):
        mark = ":*" if what.is_beginning else ""
        query = " | ".join(quoted(spelling + what.lexeme) + mark for spelling in spellings)
        return Clause(query, ((what.lexeme, what.is_beginning),), True, is_negated)
    words = [lexeme for _place, lexeme in what.lexemes]
    known = [*words, *pairs(words)]
    query = " | ".join(_in_order(what, spelling) for spelling in spellings)
    rough = " | ".join(f"({' & '.join(quoted(spelling + one) for one in known)})" for spelling in spellings)
    return Clause(query, tuple((one, False) for one in known), True, is_negated, None if is_negated else rough)


def _in_order(phrase: Phrase, spelling: str) -> str:
    query, before = "", 0
    for place, lexeme in phrase.lexemes:
        query += (f" <{place - before}> " if query else "") + quoted(spelling + lexeme)
        before = place
    return query
