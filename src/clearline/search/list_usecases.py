"""Searches whose matches are sorted like a list, and counts of matches."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from msgspec import Struct

from clearline.accounts import permissions
from clearline.catalogue.domain import Catalogue
from clearline.catalogue.usecases import current_catalogue
from clearline.errors import InvalidInput, RuleCode, Violation
from clearline.fields.facet_domain import has_value
from clearline.identity import Actor, Scope
from clearline.platform.database.errors import QUERY_CANCELED, DatabaseUnavailable, StatementFailed
from clearline.platform.database.transactions import Transactions, Tx
from clearline.search import store as search_store
from clearline.search.document import facet
from clearline.search.filters import Facets
from clearline.search.structured import list_filter
from clearline.search.usecases import Conditions, count_newest, newest_hits, read_query
from clearline.tickets import list_store
from clearline.tickets import list_usecases as ticket_lists
from clearline.tickets.domain import TicketView
from clearline.tickets.list_store import Filter, Position
from clearline.tickets.lists.order import AnyOrder, Key, Order, OwnOrder, key_in, key_of

SORTED_MAX = 2_000
"""The most matches that are read and sorted. The tickets of a query that more match must be listed by an index."""
COUNT_MAX = 1_000
"""Up to this number the matches of a query are counted exactly."""
_WALKED_MAX = 3_000
"""The most tickets that a count reads of a list before it asks the search index."""
_ROUND = 100
"""What inexact counts below ``COUNT_MAX`` are multiples of."""


class SortedCursor(Struct, frozen=True, array_like=True):
    """Where a sorted search continues: after which sort key and number; and the number of matches on its first page."""

    key: str | int | float
    number: int
    count: int
    is_exact: bool


class SortedResult(Struct, frozen=True):
    """A page of matches in an order. ``next`` is None on the last one.

    ``count`` is the number of matches, or at least that number when not ``is_exact``.
    """

    tickets: list[TicketView]
    count: int
    is_exact: bool
    next: SortedCursor | None


class Count(Struct, frozen=True):
    """The number of matches, or at least that number when not ``is_exact``."""

    count: int
    is_exact: bool


async def find_sorted(
    tx: Tx,
    actor: Actor,
    text: str,
    order: AnyOrder,
    *,
    newest_first: bool,
    after: SortedCursor | None = None,
    limit: int,
    seconds: int | None = None,
) -> SortedResult:
    """Return the tickets that match a query, sorted. ``tx`` must be a transaction.

    By reminder only those that have one, for the provider's people. A query of filters alone for open tickets is a
    list (``tickets.usecases.list_tickets_as``) if an index has them in the order, or very many match. Of any other all
    matches are read and sorted.

    Raises:
        InvalidInput: the query is invalid, or more than ``SORTED_MAX`` tickets match one that is no list, or a
            statement of it took longer than ``seconds``.
    """
    company_id, conditions = await read_query(tx, actor, text)
    if order is Order.REMINDER:
        permissions.require_staff(actor, Scope.TICKETS_READ)
        with_reminder = Facets((facet("reminder", "any"),)), False
        conditions = [*(each for each in conditions if each != with_reminder), with_reminder]
    if isinstance(order, OwnOrder):
        with_value = Facets((has_value(order.field),)), False
        conditions = [*conditions, with_value]
    position = None if after is None else (_key(order, after), after.number)
    try:
        selected = list_filter(conditions, await current_catalogue(tx))
        if selected is not None and _is_list(selected, order):
            return await _listed(tx, actor, selected, order, newest_first=newest_first, after=after, limit=limit)
        hits = await newest_hits(tx, actor, company_id, conditions, limit=SORTED_MAX, seconds=seconds)
        if len(hits) > SORTED_MAX:
            if selected is None or selected.state != "open":
                rule = f"matches more than {SORTED_MAX} tickets: add a word or a filter, such as status:open"
                raise InvalidInput([Violation("q", rule, RuleCode.COUNT)])
            # So many match that a walk of the index in its order soon has a page.
            return await _listed(tx, actor, selected, order, newest_first=newest_first, after=after, limit=limit)
        await search_store.reset_plan_cache_mode(tx)
        page = await search_store.sorted_tickets(
            tx, hits, order, newest_first=newest_first, for_staff=actor.is_staff, after=position, limit=limit + 1
        )
    except (StatementFailed, DatabaseUnavailable) as error:
        if error.sqlstate != QUERY_CANCELED:
            raise
        rule = f"takes longer than {seconds} seconds: add a word that few tickets have, or a filter"
        raise InvalidInput([Violation("q", rule, RuleCode.INVALID)]) from None
    return _result(page, order, limit, after or Count(len(hits), True))


def _result(page: list[TicketView], order: AnyOrder, limit: int, total: "Count | SortedCursor") -> SortedResult:
    """Return a page without the ticket after it, and where the next one continues."""
    cursor = None
    if len(page) > limit:
        last = page[limit - 1]
        key = key_of(last.ticket, order)
        stored = key.isoformat() if isinstance(key, datetime) else key
        cursor = SortedCursor(stored, last.ticket.number, total.count, total.is_exact)
    return SortedResult(page[:limit], total.count, total.is_exact, cursor)


def _key(order: AnyOrder, after: SortedCursor) -> Key:
    return key_in(order, after.key)


def _is_list(selected: Filter, order: AnyOrder) -> bool:
    """Return whether an index of lists has the filters in the order, so that few tickets are read for a page."""
    is_sparse = bool(list_store.checked(selected, order)) or selected.status is not None or selected.unassigned
    return not is_sparse and selected.state == "open"


async def _listed(
    tx: Tx,
    actor: Actor,
    selected: Filter,
    order: AnyOrder,
    *,
    newest_first: bool,
    after: SortedCursor | None,
    limit: int,
) -> SortedResult:
    position: Position | None = None
    if after is not None:
        position = after.number if order is Order.NUMBER else (_key(order, after), after.number)
    page = await ticket_lists.list_tickets(
        tx, actor, selected, after=position, limit=limit + 1, newest_first=newest_first, order=order
    )
    total: Count | SortedCursor | None = after
    if total is None:
        selected = ticket_lists.visible_filter(actor, selected)
        [(count, is_all)] = await list_store.count(tx, [selected], for_staff=actor.is_staff, walked=COUNT_MAX)
        total = Count(count if is_all else COUNT_MAX, is_all)
    return _result(page, order, limit, total)


async def matching_numbers(tx: Tx, actor: Actor, text: str, numbers: Sequence[int]) -> set[int] | None:
    """Return which of these tickets match a query of filters alone, as they are now; None for any other query.

    Those are found by the search index only, which is a second behind.

    Raises:
        InvalidInput: the query is invalid.
    """
    _company_id, conditions = await read_query(tx, actor, text)
    selected = list_filter(conditions, await current_catalogue(tx))
    if selected is None:
        return None
    selected = ticket_lists.within_reach(actor, selected)
    return await list_store.matching(tx, selected, numbers, for_staff=actor.is_staff)


class CountedList(NamedTuple):
    """A query of filters alone to count, with the filter that matches the same tickets."""

    text: str
    filter: Filter


async def count_queries(
    database: Transactions,
    actor: Actor,
    queries: Sequence[str | CountedList],
    *,
    seconds: int,
    enough: int | None = None,
) -> list[Count | None]:
    """Return the number of matches of each query, exact up to ``COUNT_MAX``.

    With ``enough`` it may be inexact from that number on, so that a view of a large desk costs little: it is a full
    hundred then. None for a query that is invalid, or takes longer than ``seconds``. Queries of filters alone are
    counted by the indexes of the lists in one transaction, those with the same index in one walk; others, and those
    whose filters few tickets match, by the search index in another. The same query is counted once.
    """
    counts: dict[str | CountedList, Count | None] = dict.fromkeys(queries)
    listed: dict[str | CountedList, Filter] = {}
    indexed: dict[str | CountedList, tuple[UUID | None, Conditions]] = {}
    async with database.transaction() as tx:
        for query in counts:
            if isinstance(query, CountedList):
                listed[query] = ticket_lists.visible_filter(actor, query.filter)
                continue
            with suppress(InvalidInput):
                indexed[query] = await read_query(tx, actor, query)
                if (selected := _walkable(*indexed[query], await current_catalogue(tx))) is not None:
                    listed[query] = ticket_lists.within_reach(actor, selected)
        walked = await list_store.count(
            tx, [*listed.values()], for_staff=actor.is_staff, walked=_WALKED_MAX, most=COUNT_MAX
        )
        for query, (matches, is_all) in zip(listed, walked, strict=True):
            counts[query] = _count_of(matches, is_all=is_all, enough=enough)
            if counts[query] is not None:
                indexed.pop(query, None)
            elif isinstance(query, CountedList):
                with suppress(InvalidInput):
                    indexed[query] = await read_query(tx, actor, query.text)
    by_index = await _count_indexed(database, actor, [*indexed.values()], seconds)
    counts |= zip(indexed, by_index, strict=True)
    return [counts[query] for query in queries]


def _count_of(matches: int, *, is_all: bool, enough: int | None) -> Count | None:
    """Return what a walk over a list says about its number of matches; None if it is not enough."""
    if matches > COUNT_MAX:
        return Count(COUNT_MAX, False)
    if is_all:
        return Count(matches, True)
    return None if enough is None or matches < enough else Count(matches // _ROUND * _ROUND, False)


def _walkable(company_id: UUID | None, conditions: Conditions, catalogue: Catalogue) -> Filter | None:
    """Return the filter whose tickets an index of lists has, or None."""
    selected = list_filter(conditions, catalogue)
    if selected is not None and company_id is not None:
        selected = selected._replace(company_id=company_id)
    if selected is None or (selected.company_id is None and selected.state != "open"):
        return None  # no index has the finished tickets of a queue or of an assignee
    return selected


async def _count_indexed(
    database: Transactions, actor: Actor, queries: Sequence[tuple[UUID | None, Conditions]], seconds: int
) -> list[Count | None]:
    """Return the number of matches of each query by the search index."""
    counts: list[Count | None] = []
    while len(counts) < len(queries):
        try:
            async with database.transaction() as tx:
                remaining = queries[len(counts) :]
                async for matches in count_newest(tx, actor, remaining, most=COUNT_MAX, seconds=seconds):
                    count = Count(min(matches, COUNT_MAX), matches <= COUNT_MAX)
                    counts.append(count)
        except (StatementFailed, DatabaseUnavailable) as error:
            if error.sqlstate != QUERY_CANCELED:
                raise
            counts.append(None)  # it took too long: the next transaction counts those after it
    return counts
