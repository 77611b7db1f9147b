"""Find tickets, and keep them findable."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

from msgspec import Struct

from clearline.accounts import permissions
from clearline.accounts import store as account_store
from clearline.errors import InvalidInput, NotFound, Violation
from clearline.events import offset_store
from clearline.events.store import Offset
from clearline.identity import PROVIDER_ID, Actor, Scope
from clearline.platform.database.transactions import Tx
from clearline.queues import store as queue_store
from clearline.search import store as search_store
from clearline.search.document import Document, facet, vector
from clearline.search.language import Clause, Facets, Named, Term, clause, parse
from clearline.search.plan import Plan, Step
from clearline.search.store import CANDIDATES, CANDIDATES_LATER, Hit, Hits, Wanted
from clearline.tickets.domain import TicketView

RANKED_MAX = CANDIDATES - 1
"""When at most so many tickets match, or as many as a longer page holds, they are counted and ranked."""

CONSUMER = "search"
"""Under which name the events are read."""

_SLICE = 10
"""So many tickets are cut into words in one go, in a thread: a long one must not hold up those who ask."""


class SearchCursor(Struct, frozen=True, array_like=True):
    """Where a list goes on: behind which ticket, and what the first page said of the whole list.

    ``newest`` is the greatest number on a ranked list: tickets that came later do not disturb it.
    """

    number: int
    rank: float
    is_ranked: bool
    newest: int
    count: int
    is_exact: bool


class SearchResult(Struct, frozen=True):
    """One page of what a query finds. ``next`` is None on the last one.

    ``count`` is how many tickets match, or when not ``is_exact`` how many do at least. ``is_ranked`` says that the best
    come first; otherwise the newest do.
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


async def find_tickets(
    tx: Tx, actor: Actor, text: str, *, after: SearchCursor | None = None, limit: int, count: bool = False
) -> SearchResult:
    """Find tickets by a query; docs/reference/search.md tells its language. ``tx`` must be a transaction.

    At most 100 matches are ranked by how well they match, then newest first; more are listed newest first. Either list
    goes on to its end: every ticket that matches all the time is on it once. ``count`` has a larger number counted too.
    A ticket is found about a second after it was changed.

    Raises:
        InvalidInput: the query is too long, or names a filter or a value that there is not.
        Forbidden: the actor's key may not read.
    """
    permissions.require_scope(actor, Scope.TICKETS_READ)
    company_id = None if actor.is_staff else permissions.own_company(actor).id
    terms = parse(text, staff=actor.is_staff)
    clauses = [await _clause(tx, actor, term) for term in terms]
    words = [one.query for one in clauses if one.is_text and not one.is_negated]
    query = _Query(clauses, company_id, " & ".join(f"({one})" for one in words) or None)
    hits, is_ranked, last = await _hits(tx, query, after, limit)
    shown = hits.hits[:limit]
    most = max(RANKED_MAX, limit)
    total, is_exact = min(hits.many, most), hits.many <= most
    if after:
        total, is_exact = after.count, after.is_exact
    if count and not is_exact:
        total, is_exact = await search_store.count(tx, last, company_id), True
    following = None
    if len(hits.hits) > limit:
        newest = after.newest if after else hits.newest
        following = SearchCursor(shown[-1].number, shown[-1].rank, is_ranked, newest, total, is_exact)
    return SearchResult(await _tickets(tx, shown), total, is_exact, is_ranked, following)


async def _hits(tx: Tx, query: _Query, after: SearchCursor | None, limit: int) -> tuple[Hits, bool, Step]:
    """The next matches, one more than the page holds; whether they are ranked; the attempt that looks everywhere."""
    candidates, newest, behind, ranked_by = max(RANKED_MAX, limit) + 1, 0, None, query.ranked_by
    if after is None:
        newest = await search_store.newest(tx)
    elif after.is_ranked:
        candidates, newest, behind = CANDIDATES_LATER, after.newest, (after.rank, after.number)
    else:
        candidates, newest, ranked_by = limit + 1, after.number - 1, None
    company = None
    if query.company_id is not None:
        company = clause(Facets((facet("company", query.company_id),)), staff=False)
    asked = query.clauses if company is None else [*query.clauses, company]
    known = await search_store.statistics(tx, [lexeme for one in asked for lexeme in one.lexemes])
    plan = Plan(query.clauses, known, newest=newest, needed=candidates, company=company)
    await search_store.prepare(tx)
    wanted = Wanted(newest, query.company_id, ranked_by, behind, limit + 1)
    hits = Hits([], 0, 0)
    step: Step | None = plan.first()
    while step is not None:
        hits = await search_store.find(tx, step, wanted, candidates=candidates)
        step = plan.after(step, hits.many) if hits.many < candidates else None
    is_ranked = ranked_by is not None and (after is not None or hits.many < candidates)
    return hits, is_ranked, plan.last()


async def _tickets(tx: Tx, hits: Sequence[Hit]) -> list[TicketView]:
    if not hits:
        return []
    await search_store.relax(tx)
    return await search_store.tickets(tx, hits)


async def _clause(tx: Tx, actor: Actor, term: Term) -> Clause:
    what = term.what
    if isinstance(what, Named):
        what = Facets((facet(what.filter, await _LOOKED_UP[what.filter](tx, actor, what.value)),))
    return clause(what, staff=actor.is_staff, is_negated=term.is_negated)


def _unknown(name: str, rule: str) -> InvalidInput:
    return InvalidInput([Violation("q", f"has an unknown {name}: it must be {rule}")])


async def _company(tx: Tx, actor: Actor, value: str) -> object:
    try:
        return (await permissions.company_named(tx, actor, value)).id
    except NotFound:
        raise _unknown("company", "the name or code of a company") from None


async def _queue(tx: Tx, _actor: Actor, value: str) -> object:
    if value.lower() == "none":
        return "none"
    if (queue := await queue_store.find(tx, value)) is None:
        raise _unknown("queue", "none or the name of a queue")
    return queue.id


async def _person(tx: Tx, actor: Actor, name: str, value: str) -> object:
    if value.lower() == "me" and actor.user is not None:
        return actor.user.id
    if (user := await account_store.user_with_email(tx, PROVIDER_ID, value)) is None:
        raise _unknown(name, "me or the e-mail address of one of the provider's people")
    return user.id


async def _assignee(tx: Tx, actor: Actor, value: str) -> object:
    return "none" if value.lower() == "none" else await _person(tx, actor, "assignee", value)


async def _watcher(tx: Tx, actor: Actor, value: str) -> object:
    return await _person(tx, actor, "watcher", value)


_LOOKED_UP: dict[str, Callable[[Tx, Actor, str], Awaitable[object]]] = {
    "company": _company,
    "queue": _queue,
    "assignee": _assignee,
    "watcher": _watcher,
}


async def index_tickets(tx: Tx, keys: Sequence[tuple[UUID, int]]) -> None:
    """Make tickets findable as they are now. The caller holds the follower: two at once could leave an older state."""
    found = await search_store.documents(tx, keys)
    kept, vectors = [], []
    for start in range(0, len(found), _SLICE):
        some = found[start : start + _SLICE]
        kept += [(document.found.ticket.company_id, document.found.ticket.number) for document in some]
        vectors += await asyncio.to_thread(_vectors, some)
    if kept:
        await search_store.save(tx, kept, vectors)
    if gone := sorted(set(keys) - set(kept)):
        await search_store.forget(tx, gone)


def _vectors(documents: Sequence[Document]) -> list[str]:
    return [vector(document) for document in documents]


async def reindex_company(tx: Tx, company_id: UUID) -> None:
    """Have all tickets of a company made findable anew, little by little: its name is among their words."""
    await offset_store.advance(tx, search_store.backlog_name(company_id), search_store.FROM_THE_NEWEST)


async def reindex_backlog(tx: Tx, *, limit: int) -> int:
    """Make some tickets of a marked company findable anew; how many."""
    if await search_store.next_backlog(tx) is None or await offset_store.lock(tx, CONSUMER) is None:
        return 0
    if (marked := await search_store.next_backlog(tx)) is None:
        return 0
    company_id, below = marked
    keys = await search_store.keys_below(tx, below, company_id=company_id, limit=limit)
    if keys:
        await index_tickets(tx, keys)
        await offset_store.advance(
            tx, search_store.backlog_name(company_id), search_store.FROM_THE_NEWEST._replace(id=keys[-1][1])
        )
    else:
        await search_store.end_backlog(tx, company_id)
    return len(keys)


class RebuildStart(Struct, frozen=True):
    """How a rebuild began: about how many tickets it goes through, and which events it need not follow."""

    tickets: int
    seen: Offset


async def start_rebuild(tx: Tx, actor: Actor, *, empty: bool) -> RebuildStart:
    """Begin to make all tickets findable anew; ``empty`` has none found until it is done, and waits for searches.

    Raises:
        Forbidden: the actor does not run the desk.
    """
    permissions.require_desk_admin(actor)
    await search_store.wait_for_consumer(tx)
    if empty:
        await search_store.empty(tx)
    return RebuildStart(await search_store.how_many(tx), await search_store.settled(tx))


async def finish_rebuild(tx: Tx, actor: Actor, start: RebuildStart) -> None:
    """Have the follower pass over the events that were there before the rebuild: every ticket was read after them.

    Raises:
        Forbidden: the actor does not run the desk.
    """
    permissions.require_desk_admin(actor)
    await search_store.wait_for_consumer(tx)
    followed = await offset_store.lock(tx, CONSUMER)
    if followed is not None and followed < start.seen:
        await offset_store.advance(tx, CONSUMER, start.seen)


async def rebuild_batch(tx: Tx, actor: Actor, *, below: int | None, limit: int) -> tuple[int, int | None]:
    """Make the next tickets below a number findable anew: how many, and below which number to go on; None at the end.

    Raises:
        Forbidden: the actor does not run the desk.
    """
    permissions.require_desk_admin(actor)
    await search_store.wait_for_consumer(tx)
    keys = await search_store.keys_below(tx, below, company_id=None, limit=limit)
    if keys:
        await index_tickets(tx, keys)
    return len(keys), keys[-1][1] if len(keys) == limit else None


async def remove_orphans(tx: Tx, actor: Actor, *, after: int, limit: int) -> int | None:
    """Let go of the next entries whose tickets are gone: the number to go on behind; None at the end.

    Raises:
        Forbidden: the actor does not run the desk.
    """
    permissions.require_desk_admin(actor)
    await search_store.wait_for_consumer(tx)
    gone, going_on = await search_store.orphans(tx, after, limit=limit)
    if gone:
        await search_store.forget(tx, gone)
    return going_on
