"""The provider's lists: read them, add terms, change and retire them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from msgspec.structs import replace

from clearline.accounts import permissions
from clearline.catalogue import term_store
from clearline.catalogue.term_domain import CUSTOMER_KINDS, TERMS_MAX, Term, TermKind, Terms, check_term, terms_of
from clearline.errors import NotFound, RuleCode, Violation, require_found, require_free, require_valid
from clearline.events.record_changes import append_record_event, change_record
from clearline.identity import Actor, Scope
from clearline.platform.database.transactions import Transactions, Tx

KIND = "term"


_NAME = "terms"


async def current_terms(tx: Tx) -> Terms:
    """Return the terms of all lists: from memory, where the process is notified of their changes."""
    return await tx.memory.get(tx, _NAME, _read)


async def terms_of_database(database: Transactions) -> Terms:
    """Return the terms where there is no transaction yet. Without a connection, where the process knows them."""
    return await database.remembered(_NAME, _read)


async def _read(tx: Tx) -> Terms:
    return terms_of(await term_store.terms(tx))


Place = tuple[int, int, str, str]
"""Where a term stands in a list of all: its list, its position, and what the reader calls it."""
_ORDER = {kind: index for index, kind in enumerate(TermKind)}


async def list_terms(
    tx: Tx, actor: Actor, kind: TermKind | None = None, *, after: Place | None = None, limit: int = TERMS_MAX
) -> list[Term]:
    """Return the terms of a list, or of all lists, in their order, after a place.

    Customers get those that they see, with their own wording in the place of the provider's.
    """
    permissions.require_scope(actor, Scope.TICKETS_READ)
    lists = (await current_terms(tx)).by_kind
    terms = [term for each in TermKind if kind in {None, each} for term in lists[each].values()]
    if not actor.is_staff:
        terms = _for_customers(terms)
    return [term for term in sorted(terms, key=place_of) if after is None or place_of(term) > after][:limit]


def place_of(term: Term) -> Place:
    """Return the place of a term, as its reader has it: it says nothing else of the provider's wording."""
    return _ORDER[term.kind], term.position, term.label.lower(), term.key


def _for_customers(terms: list[Term]) -> list[Term]:
    return [
        replace(term, label=term.customer_label, help="", is_customer_time=False)
        for term in terms
        if term.kind in CUSTOMER_KINDS and term.customer_label
    ]


async def get_term(tx: Tx, actor: Actor, term_id: UUID) -> Term:
    """Return a term."""
    permissions.require_staff(actor, Scope.DESK_READ)
    return require_found(await term_store.get(tx, term_id), KIND, term_id)


async def term_named(tx: Tx, actor: Actor, kind: TermKind, key: str) -> Term:
    """Return the term of a list with this key."""
    permissions.require_staff(actor, Scope.DESK_READ)
    term = (await current_terms(tx)).get(kind, key)
    if term is None:
        raise NotFound(KIND, key)
    return term


async def lock_term(tx: Tx, actor: Actor, term_id: UUID) -> Term:
    """Lock a term that the actor is about to change, until the transaction ends."""
    await _lock(tx, actor)
    return require_found(await term_store.get(tx, term_id), KIND, term_id)


async def add_term(tx: Tx, actor: Actor, values: Mapping[str, Any], *, now: datetime) -> Term:
    """Add a term; ``values`` are fields of ``Term``, its kind, key and label at least.

    It comes last in its list, unless it has a position.

    Raises:
        AlreadyExists: the list has a term of this key.
    """
    await _lock(tx, actor)
    terms = await term_store.terms(tx)
    places = [term.position for term in terms if term.kind is values["kind"]]
    term = Term(id=uuid4(), created_at=now, **{"position": min(max(places, default=0) + 10, 9999), **values})
    is_taken = any(other.kind is term.kind and other.key == term.key for other in terms)
    require_valid(check_term(term))
    require_free(not is_taken, KIND, term.key)
    if len(terms) >= TERMS_MAX:
        require_valid([Violation("key", f"must be one of at most {TERMS_MAX} terms", RuleCode.COUNT)])
    await term_store.save(tx, term)
    await append_record_event(tx, actor, KIND, "created", term, now=now)
    return term


async def change_term(tx: Tx, actor: Actor, term_id: UUID, values: Mapping[str, Any], *, now: datetime) -> Term:
    """Set some fields of a term, but its kind and key. Tickets that have it stay as they are."""
    before = await lock_term(tx, actor, term_id)
    return await change_record(tx, actor, KIND, before, replace(before, **values), _save, now=now)


async def _save(tx: Tx, term: Term) -> None:
    require_valid(check_term(term))
    await term_store.save(tx, term)


async def _lock(tx: Tx, actor: Actor) -> None:
    permissions.require_desk_admin(actor)
    permissions.require_scope(actor, Scope.DESK_WRITE)
    tx.changes_memory = True
    await term_store.lock(tx)
