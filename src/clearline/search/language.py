"""The query language of the search: parse what people type into conditions. See docs/reference/search.md."""

import re
from collections.abc import Iterator, Sequence

from msgspec import Struct

from clearline.search.document import INTERNAL, facet, pairs, quoted
from clearline.search.domain import QUERY_MAX
from clearline.search.filters import Facets, Named, Range, invalid, read_filter
from clearline.search.words import Unit, address, units
from clearline.text import fold, storable

TERMS_MAX = 30

_TERM = re.compile(
    r"""(?P<minus>-(?=\S))?
        (?: (?P<name>[A-Za-z_]+|(?i:sub-status)|(?i:field)\.[A-Za-z0-9_]+):(?!//)(?P<value>"[^"]*"?|\S+)
            | "(?P<phrase>[^"]*)"? | (?P<word>[^\s"]+) )""",
    re.VERBOSE,
)
_QUOTES = str.maketrans("\u201c\u201d\u201e\u00ab\u00bb", '"""""')


class Word(Struct, frozen=True):
    """A word, or a prefix of words."""

    lexeme: str
    is_prefix: bool


class Phrase(Struct, frozen=True):
    """Words in a fixed order, each with its position."""

    lexemes: tuple[tuple[int, str], ...]


class Term(Struct, frozen=True):
    """One condition of a query, possibly negated."""

    condition: Word | Phrase | Facets | Named
    is_negated: bool = False


class Clause(Struct, frozen=True):
    """A condition as the text of a ``tsquery``.

    ``lexemes``, each with whether it is a prefix, show how common the condition is. ``is_text`` is true for words, by
    which results are ranked, and false for filters. ``rough`` is set for a condition that the index cannot decide: it
    is a query that matches every ticket that the condition matches, and some others.
    """

    query: str
    lexemes: tuple[tuple[str, bool], ...]
    is_text: bool = False
    is_negated: bool = False
    rough: str | None = None


def parse(text: str, *, staff: bool) -> list[Term]:
    """Return the conditions of a query, all of which a ticket must match. An empty query has none.

    Raises:
        InvalidInput: the query is longer than 500 characters, has more than 30 terms or no letter or digit at all, or
            has an unknown filter or value. The filters of the staff are unknown to customers.
    """
    if len(text) > QUERY_MAX or not storable(text):
        raise invalid(f"must have at most {QUERY_MAX} characters, and none that cannot be stored")
    terms = [term for match in _TERM.finditer(text.translate(_QUOTES)) for term in _term(match, staff=staff)]
    if len(terms) > TERMS_MAX:
        raise invalid(f"must have at most {TERMS_MAX} words and filters")
    if text.strip() and not terms:
        raise invalid("must have a letter or a digit")
    return terms


def _term(match: re.Match[str], *, staff: bool) -> Iterator[Term]:
    is_negated = match["minus"] is not None
    if match["name"] is not None and address(fold(match[0])) is None:
        value = match["value"].strip('"').strip()
        yield Term(read_filter(match["name"].lower(), value, staff=staff), is_negated)
    elif match["phrase"] is not None:
        if (phrase := _phrase(list(units(match["phrase"])))) is not None:
            yield Term(phrase, is_negated)
    else:
        bare = match[0][1:] if is_negated else match[0]
        for unit in units(bare):
            yield Term(_word(unit, is_negated=is_negated), is_negated)


def _word(unit: Unit, *, is_negated: bool) -> Word | Phrase:
    """Return the condition of a word. A negated word is no prefix: ``-in`` must not exclude ``interface``."""
    if unit.is_chain:
        return Phrase(tuple(enumerate(unit.parts[:-1])))
    is_short = len(unit.lookup) == 1 and unit.lookup.isascii()
    return Word(unit.lookup, not (unit.is_exact or is_short or is_negated))


def _phrase(words: list[Unit]) -> Word | Phrase | None:
    """Return words in their order. The last part of a chain is left out: in the text the chain may continue."""
    if not words:
        return None
    parts = [part for unit in words for part in unit.parts]
    if words[-1].is_chain:
        parts.pop()
    return Word(parts[0], is_prefix=False) if len(parts) == 1 else Phrase(tuple(enumerate(parts)))


def clause(
    condition: Word | Phrase | Facets | Range,
    *,
    staff: bool,
    is_negated: bool = False,
    own_marks: Sequence[str] = (),
) -> Clause:
    """Return a condition for the database.

    A customer's query never matches internal text: its words have other lexemes, which only queries of the staff have.
    ``own_marks`` are those of the own fields that a customer sees.
    """
    if isinstance(condition, Facets):
        lexemes = condition.any_of or (facet("nothing"),)
        query = " | ".join(quoted(lexeme) for lexeme in lexemes)
        return Clause(query, tuple((lexeme, False) for lexeme in lexemes), is_negated=is_negated)
    if isinstance(condition, Range):
        query = " | ".join(f"{quoted(prefix)}:*" for prefix in condition.prefixes)
        return Clause(query, tuple((prefix, True) for prefix in condition.prefixes), is_negated=is_negated)
    marks = ("", INTERNAL) if staff else ("", *own_marks)
    if isinstance(condition, Word):
        star = ":*" if condition.is_prefix else ""
        query = " | ".join(quoted(mark + condition.lexeme) + star for mark in marks)
        return Clause(query, ((condition.lexeme, condition.is_prefix),), True, is_negated)
    words = [lexeme for _position, lexeme in condition.lexemes]
    indexed = [*words, *pairs(words)]
    query = " | ".join(_in_order(condition, mark) for mark in marks)
    rough = " | ".join(f"({' & '.join(quoted(mark + lexeme) for lexeme in indexed)})" for mark in marks)
    return Clause(query, tuple((lexeme, False) for lexeme in indexed), True, is_negated, None if is_negated else rough)


def _in_order(phrase: Phrase, mark: str) -> str:
    query, before = "", 0
    for position, lexeme in phrase.lexemes:
        query += (f" <{position - before}> " if query else "") + quoted(mark + lexeme)
        before = position
    return query
