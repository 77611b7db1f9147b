"""Plan a query, so that its cost depends on what it finds and not on the number of tickets.

PostgreSQL's GIN index intersects words quickly. But it reads every ticket of a prefix (``po*``) first, it knows words
but not their order, and it returns tickets in no order. So an attempt looks some conditions up in the index and checks
the others on the tickets that it finds, among as many of the newest tickets as should be enough. When many tickets
should match, the attempt scans the newest tickets and does not use the index. The statistics give the expected costs.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import prod, sqrt
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from clearline.search.document import BUCKETS, facet, quoted
from clearline.search.language import Clause

RARE_SHARE = 0.001
"""The share of tickets that is assumed for a word when there are no statistics."""

SCAN_COST: Final = 6.0
"""Microseconds for each scanned ticket: its words are unpacked, and the query is checked on them."""

COMPANY_SCAN_COST: Final = 12.0
"""The same for the tickets of one company, which lie apart."""

CHECK_COST: Final = 15.0
"""Microseconds to check a condition on a ticket from the index."""

READ_COST: Final = 1.0
"""Microseconds for each ticket from the index: it is read and sorted."""

PREFIX_COST: Final = 0.04
"""Microseconds for each ticket of a prefix that is looked up in the index."""

SHORT_PREFIX_COST: Final = 0.8
"""The same for a prefix of one or two characters: most of its words are too rare for the statistics."""

WIDE_PREFIX_COST: Final = 0.3
"""The same for the prefixes of a wide filter: those of a span of numbers, for example."""

VALUE_COST: Final = 0.04
"""Microseconds for each value of a wide filter and each ticket of the rarest condition that is looked up."""

_WIDE_ABOVE = 4
"""A filter with more values than this is wide: a span of days, for example."""

_ADJACENT_SHARE = 0.01
"""The share of tickets with two words in which they are adjacent, where the statistics do not say."""

_MARGIN = 2
"""The first attempt reads this many times the tickets that should be enough."""

_DEVIATIONS = 2
"""A later one reads what is enough if the matches of the one before were so many standard deviations too many."""

_PROBE_COST = 6_000.0
"""Microseconds for the tickets that the first attempt scans when a share is guessed: they show what it is worth."""

_GAPS = 5
"""Of matches that are spread evenly, one in 150 searches has no match for so many times the mean gap between two."""

_GROWTH, _GROWTH_MAX = 2, 64
_BUCKETS_MAX = 10
_EVERY_TICKET = f"{quoted(facet('is', 'open'))} | {quoted(facet('is', 'closed'))}"


class Statistics(Struct, frozen=True):
    """The share of tickets that have a lexeme, or a lexeme with a prefix; ``rare`` is the share of unknown ones."""

    shares: Mapping[tuple[str, bool], float]
    rare: float = RARE_SHARE

    def share(self, clause: Clause) -> float:
        """Return the expected share of tickets that match a condition."""
        shares = [min(1.0, self.shares.get(lexeme) or self.rare) for lexeme in clause.lexemes]
        if not clause.is_text:
            share = min(1.0, sum(shares))
        elif len(shares) == 1 or clause.lexemes[-1] in self.shares:
            share = min(shares)
        else:
            share = max(RARE_SHARE, _ADJACENT_SHARE * prod(shares[:2]))
        return max(RARE_SHARE, 1 - share) if clause.is_negated else share

    def guesses(self, clause: Clause) -> bool:
        """Return whether the share of a wide filter is guessed: it has values that the statistics do not have."""
        is_wide = not (clause.is_text or clause.is_negated) and len(clause.lexemes) > _WIDE_ABOVE
        return is_wide and not all(lexeme in self.shares for lexeme in clause.lexemes)


class Attempt(Struct, frozen=True):
    """One statement of a plan.

    ``index`` is the query that is looked up in the index; with None the newest tickets that the actor may see, or all,
    are scanned. ``check`` is the query that is checked on the tickets that this reads. ``oldest`` is the lowest ticket
    number that is read, None for all.
    """

    index: str | None
    check: str | None
    oldest: int | None


class _Part(Struct, frozen=True):
    """A condition, with the share of tickets that match it."""

    clause: Clause
    share: float
    is_guess: bool = False

    @property
    def is_wide(self) -> bool:
        return not self.clause.is_text and len(self.clause.lexemes) > _WIDE_ABOVE

    @property
    def index_cost(self) -> float:
        """Microseconds for each matching ticket that the index reads before other conditions apply; 0 for none."""
        if not self.clause.is_text:
            return (
                WIDE_PREFIX_COST if self.is_wide and any(is_prefix for _lexeme, is_prefix in self.clause.lexemes) else 0
            )
        lexeme, is_prefix = self.clause.lexemes[0]
        return (SHORT_PREFIX_COST if len(lexeme) <= 2 else PREFIX_COST) if is_prefix else 0

    @property
    def value_cost(self) -> float:
        """Microseconds for each ticket that the index compares with the values of a wide filter; 0 if it is none."""
        return len(self.clause.lexemes) * VALUE_COST if self.is_wide else 0

    @property
    def is_expensive(self) -> bool:
        """Whether it may be cheaper to check the condition on tickets than to look it up in the index."""
        return self.is_wide or self.index_cost > 0

    @property
    def query(self) -> str:
        return f"!({self.clause.query})" if self.clause.is_negated else f"({self.clause.query})"

    @property
    def needs_check(self) -> bool:
        """Whether the index cannot decide the condition, because it is about the order of words."""
        return self.clause.is_text and len(self.clause.lexemes) > 1


class _Strategy(Struct, frozen=True):
    """Which conditions are looked up in the index, and which are checked on the tickets."""

    indexed: list[_Part]
    checked: list[_Part]

    def cost(self, tickets: float, *, within: float, needed: int) -> float:
        """Return the microseconds to find the ``needed`` tickets ``within`` the newest of all ``tickets``."""
        read = within * prod(part.share for part in self.indexed)
        rarest = min([within, *(tickets * part.share for part in self.indexed)])
        index_cost = tickets * sum(part.share * part.index_cost for part in self.indexed)
        index_cost += rarest * sum(part.value_cost for part in self.indexed)
        checks = min(read, needed / max(prod(part.share for part in self.checked), 1e-9)) if self.checked else 0
        return index_cost + read * READ_COST + checks * CHECK_COST


class Plan:
    """The attempts at a query. Each finds matches that are older than those of the one before; the last finds the rest.

    ``newest`` is the highest ticket number that may match, ``needed`` the number of tickets that are wanted.
    ``company`` is the condition that restricts the tickets to one company's, if any.
    """

    def __init__(
        self, clauses: Sequence[Clause], statistics: Statistics, *, newest: int, needed: int, company: Clause | None
    ) -> None:
        self._company = [] if company is None else [_Part(company, statistics.share(company))]
        self._newest = newest
        self._needed = needed
        self._read = 0
        self._take([_Part(clause, statistics.share(clause), statistics.guesses(clause)) for clause in clauses])

    def _take(self, parts: Sequence[_Part]) -> None:
        self._parts = sorted(parts, key=lambda part: part.share)
        self._strategies = list(_strategies(self._parts, self._company))
        self._share = max(prod(part.share for part in (*parts, *self._company)), 1e-9)

    def first(self) -> Attempt:
        """Return the first attempt."""
        if any(part.is_guess for part in self._parts):
            attempt, cost = self._all()
            probed = self._newest * min(1, _PROBE_COST / self._scan_cost(self._newest))
            return attempt if cost < _PROBE_COST else self._scan(probed)
        enough = self._needed / self._share
        return self._attempt(_MARGIN * enough, expected=enough)

    def after(self, attempt: Attempt, matches: int, oldest: int) -> Attempt | None:
        """Return the next attempt after one that found so many ``matches``; None when that one found every match.

        ``oldest`` is the lowest number of these. If the tickets below it are many more than lie between two matches,
        as for those of the newest days, it is taken for the oldest of all, and the next attempt is the last.
        """
        if attempt.oldest is None or attempt.oldest <= 1:
            return None
        read = self._read = self._newest - attempt.oldest + 1
        if matches and (oldest - attempt.oldest) * matches > _GAPS * read:
            self._learn((matches + 0.5) / (self._newest * self._share))
            return self._attempt(self._newest, expected=self._newest)
        self._learn((matches + 0.5) / (read * self._share))
        enough = self._needed * read / max(matches, 1)
        reach = enough * (1 + _DEVIATIONS / sqrt(max(matches, 1)))
        return self._attempt(min(max(reach, read * _GROWTH), read * _GROWTH_MAX), expected=enough)

    def _learn(self, found: float) -> None:
        """Lower the guessed shares when an attempt ``found`` only a fraction of what should match.

        All numbers of a span, or all hours, may be far fewer tickets than as many values that the statistics do not
        have. Then the index finds them, while a scan of many tickets would take long.
        """
        guesses = [part for part in self._parts if part.is_guess]
        if not guesses or found >= 1:
            return
        factor = found ** (1 / len(guesses))
        self._take([replace(part, share=part.share * factor) if part.is_guess else part for part in self._parts])

    def last(self) -> Attempt:
        """Return the attempt that looks every match up in the index, to count them."""
        attempt, _cost = self._looked_up(needed=self._newest)
        return attempt

    def _looked_up(self, *, needed: int) -> tuple[Attempt, float]:
        """Return the cheapest attempt that looks up in the index, with what the ``needed`` matches of it cost."""
        strategy, cost = self._cheapest(self._newest, needed=needed)
        index = _index_query(strategy)
        if all(part.clause.is_negated for part in strategy.indexed):
            index = " & ".join(filter(None, [f"({_EVERY_TICKET})", index]))
        return Attempt(index, _check_query(strategy.checked), None), cost

    def _attempt(self, reach: float, *, expected: float) -> Attempt:
        """Return the cheapest attempt that reads about ``reach`` of the newest tickets, or all.

        The first ``expected`` of them are expected to be enough.
        """
        attempt, cost = self._all()
        if reach >= self._newest:
            return attempt
        newest = self._scan(reach)
        newest_cost = self._scan_cost(min(reach, expected))
        if (window := _window(self._newest, int(reach))) is not None:
            buckets, oldest = window
            strategy, index_cost = self._cheapest(self._newest - oldest + 1 - self._read, needed=self._needed)
            if index_cost < newest_cost:
                index = " & ".join(filter(None, [_index_query(strategy), f"({buckets})"]))
                newest, newest_cost = Attempt(index, _check_query(strategy.checked), oldest), index_cost
        # The further it reaches, the likelier the matches end before there are enough, and all is read after all.
        return newest if newest_cost <= cost * (1 - reach / self._newest) else attempt

    def _all(self) -> tuple[Attempt, float]:
        """Return the cheapest attempt that finds every match, with its cost."""
        attempt, cost = self._looked_up(needed=self._needed)
        scan_cost = self._scan_cost(self._newest)
        return (self._scan(self._newest), scan_cost) if scan_cost < cost else (attempt, cost)

    def _scan(self, reach: float) -> Attempt:
        return Attempt(None, _check_query(self._parts), self._newest - int(reach) + 1)

    def _scan_cost(self, reach: float) -> float:
        """Return the microseconds to scan what was not read of the newest ``reach`` tickets that the actor may see."""
        cost = COMPANY_SCAN_COST if self._company else SCAN_COST
        return max((reach - self._read) * prod(part.share for part in self._company), 1) * cost

    def _cheapest(self, within: float, *, needed: int) -> tuple[_Strategy, float]:
        """Return the cheapest strategy for the newest ``within`` tickets, with its cost."""
        costs = [
            (strategy.cost(self._newest, within=within, needed=needed), position)
            for position, strategy in enumerate(self._strategies)
        ]
        cost, position = min(costs)
        return self._strategies[position], cost


def _strategies(parts: Sequence[_Part], company: list[_Part]) -> Iterator[_Strategy]:
    checked = [part for part in parts if part.needs_check]
    cheap = [part for part in parts if part.clause.rough or not (part.is_expensive or part.needs_check)]
    expensive = [part for part in parts if part.is_expensive]
    for count in range(len(expensive) + 1):
        yield _Strategy([*cheap, *expensive[:count], *company], [*expensive[count:], *checked])


def _window(newest: int, reach: int) -> tuple[str, int] | None:
    """Return a query for at least the newest ``reach`` tickets, and the oldest number in it.

    None when that is nearly all tickets.
    """
    for name, size in BUCKETS:
        last = newest // size
        count = reach // size + 2
        if count <= min(_BUCKETS_MAX, last):
            first = last - count + 1
            buckets = range(first, last + 1)
            return " | ".join(quoted(facet(name, bucket)) for bucket in buckets), first * size
    return None


def _index_query(strategy: _Strategy) -> str | None:
    """Return the query of a strategy; wide filters come last, for the tickets that all others have."""
    parts = sorted(strategy.indexed, key=lambda part: part.is_wide)
    return " & ".join(f"({part.clause.rough})" if part.clause.rough else part.query for part in parts) or None


def _check_query(parts: Iterable[_Part]) -> str | None:
    return " & ".join(part.query for part in sorted(parts, key=lambda part: part.is_wide)) or None
