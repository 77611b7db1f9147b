"""The attempts of a query."""

from typing import Any

import pytest

from clearline.search.document import facet, pairs
from clearline.search.filters import Facets, Named
from clearline.search.language import Clause, clause, parse
from clearline.search.plan import Attempt, Plan, Statistics


def clauses_of(query: str) -> list[Clause]:
    return [
        clause(term.condition, staff=True, is_negated=term.is_negated)
        for term in parse(query, staff=True)
        if not isinstance(term.condition, Named)
    ]


def plan(query: str, shares: dict[tuple[str, bool], float], **more: Any) -> Plan:
    known = Statistics(shares, more.get("rare", 0.001))
    company = clause(Facets((facet("company", "x"),)), staff=False) if "company" in more else None
    return Plan(
        clauses_of(query), known, newest=more.get("newest", 1_000_000), needed=more.get("needed", 101), company=company
    )


def attempts(query_plan: Plan, *, density: float) -> list[Attempt]:
    """Return the attempts until enough tickets are found, on a desk where the fraction ``density`` matches."""
    done: list[Attempt] = []
    attempt: Attempt | None = query_plan.first()
    while attempt is not None:
        done.append(attempt)
        matches = int(density * (1_000_000 - (attempt.oldest or 0)))
        attempt = query_plan.after(attempt, matches, attempt.oldest or 0) if matches < 101 else None
    return done


def test_a_rare_word_is_looked_up_among_all_tickets_at_once() -> None:
    first = plan("rare", {}, rare=0.0001).first()
    assert first == Attempt("('rare':* | '~rare':*)", None, None)


def test_a_word_of_some_tickets_is_looked_up_among_the_newest_first() -> None:
    first = plan("usual", {("usual", True): 0.01}).first()
    assert first.oldest is not None
    assert 1_000_000 * 0.05 > 1_000_000 - first.oldest > 101 / 0.01
    assert first.index is not None
    assert first.index.startswith("('usual':* | '~usual':*) & ('=n")
    assert first.check is None


@pytest.mark.parametrize("query", ["status:open", "po"])
def test_a_condition_of_most_tickets_needs_no_index(query: str) -> None:
    first = plan(query, {("=is:open", False): 0.9, ("po", True): 0.9}).first()
    assert first.index is None
    assert first.check in {"('=is:open')", "('po':* | '~po':*)"}
    assert first.oldest is not None
    assert 101 / 0.9 < 1_000_000 - first.oldest < 300


def test_a_common_prefix_is_checked_on_the_matches_of_the_other_conditions() -> None:
    first = plan("po usual", {("po", True): 0.6, ("usual", True): 0.01}).first()
    assert first.check == "('po':* | '~po':*)"
    assert "usual" in (first.index or "")


def test_the_last_attempt_looks_a_common_prefix_up_in_the_index_too() -> None:
    last = plan("po usual", {("po", True): 0.2, ("usual", True): 0.05}).last()
    assert last == Attempt("('usual':* | '~usual':*) & ('po':* | '~po':*)", None, None)
    last = plan("po rare", {("po", True): 0.6}, rare=0.0001).last()
    assert last == Attempt("('rare':* | '~rare':*)", "('po':* | '~po':*)", None)


def test_a_range_of_days_is_checked_and_not_looked_up() -> None:
    first = plan("created:>=2025-05-15 usual", {("usual", True): 0.02, ("=m:2025-06", False): 0.2}).first()
    assert "=m:2025-06" in (first.check or "")
    assert "=m:2025-06" not in (first.index or "")


def test_a_phrase_is_checked_on_tickets_that_have_its_words_and_pairs() -> None:
    first = plan('"port down"', {}).first()
    [pair] = pairs(["port", "down"])
    public_or_internal = f"(('port' & 'down' & '{pair}') | ('~port' & '~down' & '~{pair}'))"
    assert (first.index or "").startswith(public_or_internal)
    assert first.check == "('port' <1> 'down' | '~port' <1> '~down')"


@pytest.mark.parametrize("density", [0.0, 0.00001, 0.0001, 0.01, 1.0])
@pytest.mark.parametrize(
    "query",
    ["usual", "usual -po", '"port down"', "status:open", "-status:open", "status:open po", "created:>=2025-05-15"],
)
def test_each_attempt_reaches_further_until_there_are_enough_matches(query: str, density: float) -> None:
    known = {("usual", True): 0.02, ("=is:open", False): 0.3, ("po", True): 0.5, ("=m:2025-06", False): 0.05}
    done = attempts(plan(query, known), density=density)
    reached = [attempt.oldest or 0 for attempt in done]
    assert reached == sorted(reached, reverse=True)
    assert len(set(reached)) == len(reached) <= 7
    assert (reached[-1] == 0) == (density * (1_000_000 - reached[-1]) < 101 or reached[-1] == 0)


@pytest.mark.parametrize("found", [0, 3])
def test_a_span_of_fewer_tickets_than_was_guessed_is_looked_up(found: int) -> None:
    span = plan("reminder:<20d", {}, rare=0.01)
    first = span.first()
    assert first.index is None
    assert 1_000_000 - (first.oldest or 0) < 10_000
    second = span.after(first, found, first.oldest or 0)
    assert second is not None
    assert "=rh:" in (second.index or "")


def test_a_span_of_as_many_tickets_as_was_guessed_is_scanned_on() -> None:
    span = plan("reminder:<20d", {}, rare=0.01)
    first = span.first()
    second = span.after(first, 100, first.oldest or 0)
    assert second is not None
    assert second.index is None


def test_a_guess_is_tried_on_few_tickets_first() -> None:
    first = plan("created:>=2025-05-15 usual", {("usual", True): 0.1}, rare=0.00001).first()
    assert first == Attempt(None, first.check, 999_001)


def test_when_no_older_ticket_matches_all_are_looked_up() -> None:
    known = {("usual", True): 0.5, ("=m:2025-06", False): 0.3}
    query_plan = plan("created:>=2025-05-15 usual", known)
    first = query_plan.first()
    assert first.oldest is not None
    second = query_plan.after(first, 60, first.oldest + 500)
    assert second is not None
    assert (second.index is None, second.oldest) == (False, None)
    assert (second.index or "").endswith("2099')"), "days last: they are compared with tickets that have the words"
    evenly = plan("created:>=2025-05-15 usual", known)
    second = evenly.after(evenly.first(), 60, first.oldest + 10)
    assert second is not None
    assert second.oldest is not None


def test_the_tickets_of_a_small_company_are_all_scanned() -> None:
    known = {("usual", True): 0.3, ("many", True): 0.3, ("=company:x", False): 0.0001}
    query_plan = plan("many usual", known, company="x")
    first = query_plan.first()
    assert (first.index, first.oldest) == (None, 1)
    assert query_plan.after(first, 3, 10) is None


def test_the_few_tickets_of_a_company_are_scanned_when_the_words_are_common() -> None:
    known = {("po", True): 0.5, ("=company:x", False): 0.005}
    first = plan("po", known, company="x").first()
    assert first.index is None
    assert 101 / 0.5 / 0.005 < 1_000_000 - (first.oldest or 0) < 100_000


def test_the_index_looks_a_customers_tickets_up_with_the_company() -> None:
    first = plan("usual", {("usual", True): 0.001, ("=company:x", False): 0.005}, company="x").first()
    assert first.index == "('usual':* | '~usual':*) & ('=company:x')"


@pytest.mark.parametrize(
    ("query", "known", "check"),
    [
        ("-loss", " & !('loss' | '~loss')", None),
        ('-"port down"', "", "!('port' <1> 'down' | '~port' <1> '~down')"),
        ('-"loss"', " & !('loss' | '~loss')", None),
        ("-status:open -tag:x", " & !('=is:open') & !('=tag:x')", None),
    ],
)
def test_a_query_with_only_exclusions_starts_from_every_ticket(query: str, known: str, check: str | None) -> None:
    last = plan(query, {}, newest=10).last()
    assert (last.index, last.check) == ("('=is:open' | '=is:closed')" + known, check)
