"""Find tickets, and keep the index of the search up to date."""

from collections.abc import AsyncIterator, Iterator, Sequence
from uuid import UUID

from msgspec import Struct

from clearline.accounts import permissions
from clearline.errors import InvalidInput, RuleCode, Violation
from clearline.fields.domain import RecordKind
from clearline.fields.facet_domain import is_read
from clearline.fields.usecases import definitions
from clearline.identity import Actor, Scope
from clearline.platform.database.errors import QUERY_CANCELED, DatabaseUnavailable, StatementFailed
from clearline.platform.database.transactions import Tx
from clearline.search import store as search_store
from clearline.search.document import facet, own_mark
from clearline.search.filters import Facets, Range
from clearline.search.language import Clause, Phrase, Word, clause, parse
from clearline.search.lookups import condition_of
from clearline.search.plan import Attempt, Plan
from clearline.search.store import CANDIDATES, CANDIDATES_LATER, Hit, HitQuery
from clearline.tickets import list_usecases as ticket_lists
from clearline.tickets.domain import TicketView
from clearline.tickets.list_store import Filter

RANKED_MAX = CANDIDATES - 1
"""Up to this number of matches, or to the length of a longer page, matches are counted exactly and ranked."""


_SEARCHED = (RecordKind.TICKET, RecordKind.SERVICE)
"""The records of whose own fields a ticket has the words: its own, and those of its service."""


class SearchCursor(Struct, frozen=True, array_like=True):
    """Where a list continues: after which ticket, and what the first page said about the whole list.

    ``newest`` is the highest number on a ranked list: newer tickets do not change the list.
    """

    number: int
    rank: float
    is_ranked: bool
    newest: int
    count: int
    is_exact: bool


class SearchResult(Struct, frozen=True):
    """A page of the matches of a query. ``next`` is None on the last one.

    ``count`` is the number of matches, or at least that number when not ``is_exact``. With ``is_ranked`` the best
    matches come first, otherwise the newest.
    """

    tickets: list[TicketView]
    count: int
    is_exact: bool
    is_ranked: bool
    next: SearchCursor | None


class _Query(Struct, frozen=True):
    clauses: list[Clause]
    company_id: UUID | None
    ranked_by: str | None

    @property
    def company(self) -> Clause | None:
        """The condition that restricts the tickets to one company's, if any."""
        if self.company_id is None:
            return None
        return clause(Facets((facet("company", self.company_id),)), staff=False)

    @property
    def lexemes(self) -> list[tuple[str, bool]]:
        """The lexemes of all conditions, each with whether it is a prefix."""
        clauses = self.clauses if self.company is None else [*self.clauses, self.company]
        return [lexeme for each in clauses for lexeme in each.lexemes]


async def find_tickets(
    tx: Tx,
    actor: Actor,
    text: str,
    *,
    after: SearchCursor | None = None,
    limit: int,
    count: bool = False,
    seconds: int | None = None,
) -> SearchResult:
    """Return the tickets that match a query; docs/reference/search.md describes its language.

    At most 100 matches are ranked by how well they match, then newest first; more are listed newest first. The pages
    of either list have every ticket that matches all the time exactly once. With ``count`` a larger number of matches
    is counted exactly, too. A change is found about a second later. ``tx`` must be a transaction.

    Raises:
        InvalidInput: the query is invalid, or a statement of it took longer than ``seconds``.
    """
    try:
        return await _find_tickets(tx, actor, text, after, limit, count=count, seconds=seconds)
    except (StatementFailed, DatabaseUnavailable) as error:
        if error.sqlstate != QUERY_CANCELED:
            raise
        rule = f"takes longer than {seconds} seconds: add a word that few tickets have, or a filter"
        raise InvalidInput([Violation("q", rule, RuleCode.INVALID)]) from None


async def _find_tickets(
    tx: Tx, actor: Actor, text: str, after: SearchCursor | None, limit: int, *, count: bool, seconds: int | None
) -> SearchResult:
    company_id, conditions = await read_query(tx, actor, text)
    clauses = await _clauses(tx, actor, conditions)
    words = [clause.query for clause in clauses if clause.is_text and not clause.is_negated]
    query = _Query(clauses, company_id, " & ".join(f"({word})" for word in words) or None)
    found = await _hits(tx, query, after, limit, seconds)
    shown = found.hits[:limit]
    most = max(RANKED_MAX, limit)
    total, is_exact = min(found.matches, most), found.matches <= most
    if after:
        total, is_exact = after.count, after.is_exact
    if count and not is_exact:
        total, is_exact = await search_store.count(tx, found.counted_by, company_id), True
    cursor = None
    if len(found.hits) > limit:
        newest = after.newest if after else found.newest
        cursor = SearchCursor(shown[-1].number, shown[-1].rank, found.is_ranked, newest, total, is_exact)
    return SearchResult(await _tickets(tx, actor, shown), total, is_exact, found.is_ranked, cursor)


Conditions = list[tuple[Word | Phrase | Facets | Range, bool]]
"""The conditions of a query with their names looked up, each with whether it is negated."""


async def read_query(tx: Tx, actor: Actor, text: str) -> tuple[UUID | None, Conditions]:
    """Return the company whose tickets the actor may find, None for all, and the conditions of a query.

    Raises:
        InvalidInput: the query is invalid.
    """
    permissions.require_scope(actor, Scope.TICKETS_READ)
    company_id = None if actor.is_staff or actor.children else permissions.own_company(actor).id
    terms = parse(text, staff=actor.is_staff)
    return company_id, [await condition_of(tx, actor, term) for term in terms]


async def _clauses(tx: Tx, actor: Actor, conditions: Conditions) -> list[Clause]:
    marks: list[str] = []
    if not actor.is_staff:
        known = await definitions(tx)
        seen = (field for kind in _SEARCHED for field in known.shown(kind, for_staff=False))
        marks = [own_mark(field) for field in seen if is_read(field)]
    asked = [
        clause(each, staff=actor.is_staff, is_negated=is_negated, own_marks=marks) for each, is_negated in conditions
    ]
    return [*asked, *(clause(each, staff=True, is_negated=False) for each in _limits(actor))]


def _limits(actor: Actor) -> Iterator[Facets]:
    """Yield the conditions of the queues and customers that the actor is limited to, and of a customer's companies."""
    within = ticket_lists.within_reach(actor, Filter())
    for name, ids in (("queue", within.within_queues), ("company", within.within_companies)):
        if ids:
            yield Facets(tuple(facet(name, each) for each in ids))


async def newest_hits(
    tx: Tx, actor: Actor, company_id: UUID | None, conditions: Conditions, *, limit: int, seconds: int | None
) -> list[Hit]:
    """Return the newest matches, at most ``limit`` and one more. ``tx`` must be a transaction.

    Raises:
        StatementFailed, DatabaseUnavailable: also when a statement took longer than ``seconds``.
    """
    query = _Query(await _clauses(tx, actor, conditions), company_id, None)
    return (await _hits(tx, query, None, limit, seconds)).hits


async def count_newest(
    tx: Tx, actor: Actor, queries: Sequence[tuple[UUID | None, Conditions]], *, most: int, seconds: int
) -> AsyncIterator[int]:
    """Yield the number of matches of each query, at most ``most`` and one. ``tx`` must be a transaction.

    What the plans of all need is read once.

    Raises:
        StatementFailed, DatabaseUnavailable: also when a statement took longer than ``seconds``.
    """
    counted = [_Query(await _clauses(tx, actor, conditions), company_id, None) for company_id, conditions in queries]
    newest = await search_store.newest(tx)
    lexemes = [lexeme for query in counted for lexeme in query.lexemes]
    companies = {query.company_id for query in counted if query.company_id is not None}
    statistics = await search_store.statistics(tx, lexemes, companies=companies, newest=newest)
    await search_store.set_planner_options(tx, seconds)
    for query in counted:
        plan = Plan(query.clauses, statistics, newest=newest, needed=most + 1, company=query.company)
        yield len(await _find(tx, plan, HitQuery(newest, query.company_id, None, 0, most + 1)))


class _Found(Struct, frozen=True):
    """The next matches of a query and one more, of so many ``matches`` that were read.

    ``newest`` is the highest number of these. ``counted_by`` is the attempt that finds all.
    """

    hits: list[Hit]
    matches: int
    newest: int
    is_ranked: bool
    counted_by: Attempt


async def _hits(tx: Tx, query: _Query, after: SearchCursor | None, limit: int, seconds: int | None) -> _Found:
    """Return the next matches: the best first if there are few, or else the newest first."""
    candidates, newest, ranked_by = max(RANKED_MAX, limit) + 1, 0, query.ranked_by
    if after is None:
        newest = await search_store.newest(tx)
    elif after.is_ranked:
        candidates, newest = CANDIDATES_LATER, after.newest
    else:
        candidates, newest, ranked_by = limit + 1, after.number - 1, None
    companies = [] if query.company_id is None else [query.company_id]
    statistics = await search_store.statistics(tx, query.lexemes, companies=companies, newest=newest)
    plan = Plan(query.clauses, statistics, newest=newest, needed=candidates, company=query.company)
    await search_store.set_planner_options(tx, seconds)
    ranked_max = candidates - (after is None)
    hits = await _find(tx, plan, HitQuery(newest, query.company_id, ranked_by, ranked_max, candidates))
    is_ranked = ranked_by is not None and (after is not None or len(hits) < candidates)
    next_hits = sorted(hits, key=lambda hit: (hit.rank, hit.number) if is_ranked else (0, hit.number), reverse=True)
    if after is not None and after.is_ranked:
        next_hits = [hit for hit in next_hits if (hit.rank, hit.number) < (after.rank, after.number)]
    if not is_ranked:
        next_hits = [hit._replace(rank=0) for hit in next_hits[: limit + 1]]
    found_newest = max((hit.number for hit in hits), default=0)
    return _Found(next_hits[: limit + 1], len(hits), found_newest, is_ranked, plan.last())


async def _find(tx: Tx, plan: Plan, query: HitQuery) -> list[Hit]:
    """Return what the attempts of a plan find, until there are enough: each reads what is older than the one before."""
    hits: list[Hit] = []
    attempt: Attempt | None = plan.first()
    while attempt is not None:
        found = await search_store.find(tx, attempt, query)
        hits += found
        if len(found) == query.limit:
            break
        next_attempt = plan.after(attempt, len(hits), min((hit.number for hit in hits), default=0))
        if attempt.oldest is not None:
            query = query._replace(
                newest=attempt.oldest - 1,
                ranked_max=query.ranked_max - len(found),
                limit=query.limit - len(found),
            )
        attempt = next_attempt
    return hits


async def _tickets(tx: Tx, actor: Actor, hits: Sequence[Hit]) -> list[TicketView]:
    if not hits:
        return []
    await search_store.reset_plan_cache_mode(tx)
    return await search_store.tickets(tx, hits, for_staff=actor.is_staff)
