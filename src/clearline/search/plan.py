"""How a query is put to the database, so that it costs what it finds and not what the desk holds.

PostgreSQL's GIN index intersects words quickly, but it reads every ticket of a beginning (``po*``) first, knows words
but not their order, and knows no order of tickets. So an attempt asks the index for some conditions and checks the
others on the tickets it finds, among the newest only: as many as should be enough. When many tickets should match, it
goes along the newest tickets and asks no index at all. What an attempt costs is estimated from the statistics.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import prod
from typing import Final

from msgspec import Struct

from clearline.search.document import BUCKETS, facet, quoted
from clearline.search.language import Clause

RARE = 0.001
"""The share of tickets taken for a word when there are no statistics."""

WALKED: Final = 6.0
"""Microseconds for each ticket along which the search goes: its words are unpacked, and the query checked on them."""

CHECKED: Final = 15.0
"""Microseconds that it takes to check a condition on a ticket that the index found."""

FOUND: Final = 2.0
"""Microseconds for each ticket that the index finds: it is read, and put in its place."""

BEGUN: Final = 0.1
"""Microseconds for each ticket of a beginning that the index is asked for."""

SHORT: Final = 0.8
"""The same for a beginning of one or two characters: most of its words are too rare for the statistics."""

WIDE: Final = 0.4
"""Microseconds for each ticket of a filter of many values that the index is asked for."""

_MANY = 4
"""A filter of more values than this is wide, such as a span of days."""

_ADJACENT = 0.01
"""How often two words that a ticket has follow each other, where the statistics do not say."""

_MARGIN = 2
"""So many times the tickets needed are expected in an attempt."""

_GROWTH, _GROWTH_MAX = 2, 64
_BUCKETS_MAX = 10
_EVERY = f"{quoted(facet('is', 'open'))} | {quoted(facet('is', 'closed'))}"


class Statistics(Struct, frozen=True):
    """Which share of the tickets has a lexeme, or one that begins with it; ``rare`` of one that is not known."""

    shares: Mapping[tuple[str, bool], float]
    rare: float = RARE

    def share(self, clause: Clause) -> float:
        """The share of tickets for which a condition should hold."""
        found = [min(1.0, self.shares.get(lexeme) or self.rare) for lexeme in clause.lexemes]
        if not clause.is_text:
            share = min(1.0, sum(found))
        elif len(found) == 1 or clause.lexemes[-1] in self.shares:
            share = min(found)
        else:
            share = max(RARE, _ADJACENT * prod(found[:2]))
        return max(RARE, 1 - share) if clause.is_negated else share


class Step(Struct, frozen=True):
    """One attempt: what the index is asked for, None for nothing, and what is checked on the tickets it finds.

    ``oldest`` is the least ticket number that it looks at, None for all. Without an index it goes along the newest
    tickets that the asker may see.
    """

    index: str | None
    rest: str | None
    oldest: int | None


class _Part(Struct, frozen=True):
    """A condition, with the share of tickets that meet it."""

    clause: Clause
    share: float

    @property
    def dear(self) -> float:
        """Microseconds for each ticket that the index would read before it looks at other conditions; 0 for none."""
        if not self.clause.is_text:
            return WIDE if len(self.clause.lexemes) > _MANY else 0
        lexeme, is_beginning = self.clause.lexemes[0]
        return (SHORT if len(lexeme) <= 2 else BEGUN) if is_beginning else 0

    @property
    def query(self) -> str:
        return f"!({self.clause.query})" if self.clause.is_negated else f"({self.clause.query})"

    @property
    def is_checked(self) -> bool:
        """Whether the index cannot decide it, because it is an order of words."""
        return self.clause.is_text and len(self.clause.lexemes) > 1


class _Way(Struct, frozen=True):
    """Which conditions the index is asked for, and which are checked."""

    index: list[_Part]
    rest: list[_Part]

    def cost(self, tickets: float, *, within: float, needed: int) -> float:
        """Microseconds, on a desk of so many tickets, to find those needed ``within`` the newest."""
        read = sum(one.share * one.dear for one in self.index) * tickets
        found = within * prod(one.share for one in self.index)
        checked = min(found, needed / max(prod(one.share for one in self.rest), 1e-9)) if self.rest else 0
        return read + found * FOUND + checked * CHECKED


class Plan:
    """The attempts at a query. Each finds what the one before found and more; the last one finds everything.

    ``newest`` is the greatest ticket number that may be found, ``needed`` how many tickets are wanted. ``company`` is
    the condition that they are one company's, when they are to be.
    """

    def __init__(
        self, clauses: Sequence[Clause], known: Statistics, *, newest: int, needed: int, company: Clause | None
    ) -> None:
        parts = [_Part(one, known.share(one)) for one in clauses]
        self._asked = sorted(parts, key=lambda one: one.share)
        self._company = [] if company is None else [_Part(company, known.share(company))]
        self._newest = newest
        self._needed = needed
        self._ways = list(_ways(self._asked, self._company))
        self._share = max(prod(one.share for one in (*parts, *self._company)), 1e-9)

    def first(self) -> Step:
        """The attempt to begin with."""
        return self._step(_MARGIN * self._needed / self._share)

    def after(self, step: Step, found: int) -> Step | None:
        """The attempt after one that found so few tickets; None when that one found all there are."""
        if step.oldest is None:
            return None
        looked_at = self._newest - step.oldest + 1
        expected = _MARGIN * self._needed * looked_at / max(found, 1)
        return self._step(min(max(expected, looked_at * _GROWTH), looked_at * _GROWTH_MAX))

    def last(self) -> Step:
        """The attempt that looks at every ticket, for it does not find enough before."""
        way, _cost = self._cheapest(self._newest, needed=self._newest)
        index = _index(way)
        if all(one.clause.is_negated for one in way.index):
            index = " & ".join(filter(None, [f"({_EVERY})", index]))
        return Step(index, _all(way.rest), None)

    def _step(self, reach: float) -> Step:
        """The cheapest attempt that looks at about so many of the newest tickets."""
        if reach >= self._newest:
            return self.last()
        walked = reach / _MARGIN * prod(one.share for one in self._company) * WALKED
        window = _window(self._newest, int(reach))
        if window is None:
            _way, cost = self._cheapest(self._newest, needed=self._newest)
            if cost < walked:
                return self.last()
        else:
            buckets, oldest = window
            way, cost = self._cheapest(self._newest - oldest + 1, needed=self._needed)
            if cost < walked:
                return Step(" & ".join(filter(None, [_index(way), f"({buckets})"])), _all(way.rest), oldest)
        return Step(None, _all(self._asked), self._newest - int(reach) + 1)

    def _cheapest(self, within: float, *, needed: int) -> tuple[_Way, float]:
        """How to ask for the tickets among so many, and what that costs."""
        costs = [(way.cost(self._newest, within=within, needed=needed), at) for at, way in enumerate(self._ways)]
        cost, at = min(costs)
        return self._ways[at], cost


def _ways(asked: Sequence[_Part], company: list[_Part]) -> Iterator[_Way]:
    checked = [one for one in asked if one.is_checked]
    known = [one for one in asked if one.clause.rough or not (one.dear or one.is_checked)]
    dear = [one for one in asked if one.dear]
    for many in range(len(dear) + 1):
        yield _Way([*known, *dear[:many], *company], [*dear[many:], *checked])


def _window(newest: int, reach: int) -> tuple[str, int] | None:
    """The newest tickets, at least so many numbers of them, and the oldest number; None when that is nearly all."""
    for name, size in BUCKETS:
        last = newest // size
        count = reach // size + 2
        if count <= min(_BUCKETS_MAX, last):
            first = last - count + 1
            return " | ".join(quoted(facet(name, at)) for at in range(first, last + 1)), first * size
    return None


def _index(way: _Way) -> str | None:
    return " & ".join(f"({one.clause.rough})" if one.clause.rough else one.query for one in way.index) or None


def _all(parts: Iterable[_Part]) -> str | None:
    return " & ".join(one.query for one in parts) or None
