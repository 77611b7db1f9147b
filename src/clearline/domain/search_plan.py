"""How a query is put to the index, so that it costs what it finds and not what the desk holds.

PostgreSQL's GIN index intersects words quickly, but it reads every ticket of a beginning (``po*``) first, and it knows
no order. So beginnings that are common are checked on the tickets found by the rest of the query, and when many tickets
match, only the newest are asked for at first: as many as should be enough.
"""

from collections.abc import Iterator, Mapping, Sequence
from math import prod

from msgspec import Struct

from clearline.domain.search import Clause
from clearline.domain.search_document import BUCKETS, facet, quoted

COMMON = 0.3
"""A beginning that more than this share of all tickets has is not given to the index when there is something rarer."""

RARE = 0.001
"""The share of tickets taken for a word that the statistics do not hold."""

_TOGETHER = 0.02
"""How often words that a ticket has also follow each other, where it is by chance."""

_SPAN = 0.3
"""The share taken for a filter of many values, such as a span of days."""

_MARGIN = 2
"""So many times the tickets needed are expected in the first attempt."""

_BUCKETS_MAX = 10
_GROWTH = 8

_EVERY = f"{quoted(facet('is', 'open'))} | {quoted(facet('is', 'closed'))}"


class Step(Struct, frozen=True):
    """One attempt.

    What the index is asked for, what is checked on the tickets it finds, and the oldest ticket number that it can find;
    None when it finds every ticket.
    """

    index: str
    rest: str | None
    oldest: int | None


def frequency(clause: Clause, shares: Mapping[tuple[str, bool], float]) -> float:
    """The share of tickets for which a condition should hold."""
    if len(clause.lexemes) > 10:
        return _SPAN
    found = [min(1.0, shares.get(lexeme) or RARE) for lexeme in clause.lexemes]
    if not clause.is_text:
        return min(1.0, sum(found))
    return found[0] if len(found) == 1 else min(*found, _TOGETHER * prod(found[:2]))


def steps(
    clauses: Sequence[Clause], shares: Mapping[tuple[str, bool], float], *, newest: int, needed: int
) -> Iterator[Step]:
    """The attempts, each of which finds what the one before found and more; the last one finds everything.

    ``newest`` is the greatest ticket number that may be found, ``needed`` how many tickets are wanted.
    """
    wanted = sorted((one for one in clauses if not one.is_negated), key=lambda one: frequency(one, shares))
    usual = [one for one in wanted if not _is_costly(one, shares)]
    known = [f"!({one.query})" for one in clauses if one.is_negated and _is_known(one)]
    unwanted = [f"!({one.query})" for one in clauses if one.is_negated and not _is_known(one)]
    share = 1.0
    for one in wanted:
        share *= frequency(one, shares)
    costly = [f"({one.query})" for one in wanted if one not in usual]
    reach = int(_MARGIN * needed / max(share, 1e-9))
    while (window := _window(newest, reach)) is not None:
        buckets, oldest = window
        yield Step(_all([*(one.query for one in usual), *known, buckets]), _rest(costly + unwanted), oldest)
        reach *= _GROWTH
    index = usual or wanted[:1]
    rest = [f"({one.query})" for one in wanted if one not in index]
    yield Step(_all([*([one.query for one in index] or [_EVERY]), *known]), _rest(rest + unwanted), None)


def _window(newest: int, reach: int) -> tuple[str, int] | None:
    """The newest tickets, at least so many numbers of them, and the oldest number; None when that is nearly all."""
    for name, size in BUCKETS:
        last = newest // size
        count = reach // size + 2
        if count <= min(_BUCKETS_MAX, last):
            first = last - count + 1
            return " | ".join(quoted(facet(name, at)) for at in range(first, last + 1)), first * size
    return None


def _is_costly(clause: Clause, shares: Mapping[tuple[str, bool], float]) -> bool:
    return any(is_beginning for _, is_beginning in clause.lexemes) and frequency(clause, shares) > COMMON


def _is_known(clause: Clause) -> bool:
    """Whether the index alone can tell that a ticket does not have it: it knows words, but not their places."""
    return len(clause.lexemes) == 1


def _all(queries: list[str]) -> str:
    return " & ".join(f"({query})" for query in queries)


def _rest(queries: list[str]) -> str | None:
    return " & ".join(queries) or None
