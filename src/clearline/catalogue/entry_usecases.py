"""The types of issues and services: list, read, add, change, retire and delete them."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID, uuid4

from msgspec import Struct
from msgspec.structs import replace

from clearline.accounts import permissions
from clearline.catalogue import store as catalogue_store
from clearline.catalogue.domain import (
    POSITION_STEP,
    Catalogue,
    Entry,
    IssueEntry,
    ServiceEntry,
    check_entry,
    check_known,
)
from clearline.catalogue.published import IssueType, ServiceType
from clearline.catalogue.usecases import stored_catalogue
from clearline.errors import AlreadyExists, InUse, Violation, require_found, require_valid
from clearline.events.domain import first_values
from clearline.events.record_changes import append_record_event, change_record
from clearline.identity import Actor, Scope
from clearline.platform.database.transactions import Tx
from clearline.text import fold

E = TypeVar("E", bound=Entry)
_FIELDS = frozenset(
    {"name", "customer_name", "customer_name_de", "help", "help_de", "is_active", "position", "console_connect"}
)


class EntryKind(Struct, Generic[E], frozen=True):
    """One of the two tables of the catalogue, with what is special about its entries.

    ``kind`` is what events and refusals call an entry, ``words`` are those of the Console Connect API, ``fields`` those
    that can be set. ``users`` returns what has an entry.
    """

    kind: str
    words: frozenset[str]
    fields: frozenset[str]
    make: type[E]
    select: Callable[[Catalogue], Mapping[str, E]]
    save: Callable[[Tx, E], Awaitable[None]]
    delete: Callable[[Tx, UUID], Awaitable[None]]
    users: Callable[[Tx, str], Awaitable[list[str]]]


ISSUE_TYPES = EntryKind(
    "issue_type",
    frozenset(IssueType),
    _FIELDS | {"severity", "impact", "priority", "service_types", "closure_required", "counts_as_fault"},
    IssueEntry,
    lambda catalogue: catalogue.issue_types,
    catalogue_store.save_issue_type,
    catalogue_store.delete_issue_type,
    catalogue_store.users_of_issue_type,
)
SERVICE_TYPES = EntryKind(
    "service_type",
    frozenset(ServiceType),
    _FIELDS,
    ServiceEntry,
    lambda catalogue: catalogue.service_types,
    catalogue_store.save_service_type,
    catalogue_store.delete_service_type,
    catalogue_store.users_of_service_type,
)


async def list_entries(
    tx: Tx, actor: Actor, kind: EntryKind[E], *, after: tuple[int, str] | None = None, limit: int | None = None
) -> list[E]:
    """Return the entries after a position and a name in lower case, in that order. Customers get the active ones."""
    entries = await _visible(tx, actor, kind)
    return [entry for entry in entries if after is None or place_of(entry) > after][:limit]


def place_of(entry: Entry) -> tuple[int, str]:
    """Return the place of an entry in the lists."""
    return entry.position, entry.name.lower()


async def get_entry(tx: Tx, actor: Actor, kind: EntryKind[E], entry_id: UUID) -> E:
    """Return an entry."""
    entries = await _visible(tx, actor, kind)
    return require_found(next((each for each in entries if each.id == entry_id), None), kind.kind, entry_id)


async def entry_called(tx: Tx, actor: Actor, kind: EntryKind[E], text: str) -> E:
    """Return the entry with this key, or else this name, in any case."""
    wanted, entries = fold(text), await _visible(tx, actor, kind)
    by_key = [each for each in entries if fold(each.key) == wanted]
    by_name = [each for each in entries if fold(each.name) == wanted]
    return require_found(next(iter(by_key + by_name), None), kind.kind, text)


async def _visible(tx: Tx, actor: Actor, kind: EntryKind[E]) -> list[E]:
    permissions.require_scope(actor, Scope.TICKETS_READ)
    entries = kind.select(await stored_catalogue(tx)).values()
    return sorted((each for each in entries if each.is_active or actor.is_staff), key=place_of)


async def lock_entry(tx: Tx, actor: Actor, kind: EntryKind[E], entry_id: UUID) -> E:
    """Lock the catalogue before a change until the transaction ends, and return the entry."""
    return _found(kind, await _lock(tx, actor), entry_id)


def _found(kind: EntryKind[E], catalogue: Catalogue, entry_id: UUID) -> E:
    entries = kind.select(catalogue).values()
    return require_found(next((each for each in entries if each.id == entry_id), None), kind.kind, entry_id)


async def _lock(tx: Tx, actor: Actor) -> Catalogue:
    """Begin a change of the catalogue: nobody else changes it until the transaction ends. Return it as stored."""
    permissions.require_desk_admin(actor)
    permissions.require_scope(actor, Scope.DESK_WRITE)
    await catalogue_store.lock(tx)
    return await stored_catalogue(tx)


async def add_entry(
    tx: Tx, actor: Actor, kind: EntryKind[E], values: Mapping[str, Any], *, key: str | None = None, now: datetime
) -> E:
    """Add an entry; ``values`` are some of its ``fields``, the name at least. The key is the name by default.

    Without a position it becomes the last.

    Raises:
        AlreadyExists: another entry has the key or the name.
    """
    catalogue = await _lock(tx, actor)
    others = [*kind.select(catalogue).values()]
    position = max((each.position for each in others), default=0) + POSITION_STEP
    usual = {"id": uuid4(), "key": values["name"] if key is None else key, "position": position, "created_at": now}
    entry = kind.make(**{**usual, **values})
    _check(kind, entry, catalogue, others)
    await _save(tx, kind, entry)
    fields = kind.fields | {"key"}
    await append_record_event(tx, actor, kind.kind, "created", entry, first_values(entry, fields), now=now)
    return entry


async def change_entry(
    tx: Tx, actor: Actor, kind: EntryKind[E], entry_id: UUID, values: Mapping[str, Any], *, now: datetime
) -> E:
    """Set some of the ``fields`` of an entry. Without ``is_active`` it is retired: only tickets that have it keep it.

    Raises:
        AlreadyExists: another entry has the name.
    """
    catalogue = await _lock(tx, actor)
    before = _found(kind, catalogue, entry_id)
    after = replace(before, **values)
    others = [each for each in kind.select(catalogue).values() if each.id != entry_id]
    _check(kind, after, catalogue, others)

    async def save(tx: Tx, entry: E) -> None:
        await _save(tx, kind, entry)

    return await change_record(tx, actor, kind.kind, before, after, save, now=now)


async def delete_entry(tx: Tx, actor: Actor, kind: EntryKind[E], entry_id: UUID, *, now: datetime) -> E:
    """Delete an entry that is not published, and that nothing has.

    Raises:
        InUse: it is published, or tickets, services, rules or types of issues have it: it can be retired.
    """
    entry = await lock_entry(tx, actor, kind, entry_id)
    if entry.key in kind.words:
        raise InUse(kind.kind, entry.name, "it is a word of the Console Connect API; retire it instead")
    if users := await kind.users(tx, entry.key):
        raise InUse(kind.kind, entry.name, f"{' and '.join(users)} have it; retire it instead")
    await kind.delete(tx, entry_id)
    tx.changes_memory = True
    await append_record_event(tx, actor, kind.kind, "deleted", entry, now=now)
    return entry


async def _save(tx: Tx, kind: EntryKind[E], entry: E) -> None:
    await kind.save(tx, entry)
    tx.changes_memory = True


def _check(kind: EntryKind[E], entry: E, catalogue: Catalogue, others: Sequence[E]) -> None:
    """Refuse an entry that breaks a rule, or whose key or name another has.

    Raises:
        InvalidInput, AlreadyExists.
    """
    violations: list[Violation] = check_entry(entry, others, kind.words)
    if isinstance(entry, IssueEntry):
        violations += check_known(entry.service_types, catalogue.service_types, "service_types")
    require_valid(violations)
    taken = {fold(text) for each in others for text in (each.key, each.name)}
    for text in (entry.key, entry.name):
        if fold(text) in taken:
            raise AlreadyExists(kind.kind, text)
