"""Own fields: list, read, add, change, delete and restore their definitions."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from msgspec.structs import replace

from clearline.accounts import permissions
from clearline.errors import (
    Conflict,
    InvalidInput,
    NotConfirmed,
    RuleCode,
    Violation,
    require_found,
    require_free,
    require_valid,
)
from clearline.events.record_changes import append_record_event, change_record
from clearline.fields import store as field_store
from clearline.fields.domain import (
    FIELDS_MAX,
    UNDO_FOR,
    Definitions,
    Field,
    RecordKind,
    check_field,
    missing_options,
)
from clearline.fields.value_domain import check_limits
from clearline.identity import Actor, Scope
from clearline.limit_errors import TooManyFields
from clearline.platform.database.transactions import Tx

KIND = "field"
_PURGED_AT_ONCE = 1000


async def definitions(tx: Tx) -> Definitions:
    """Return all fields, which this process remembers until one changes."""
    return await tx.memory.get(tx, KIND, field_store.definitions)


async def definitions_with(tx: Tx, kind: RecordKind, keys: Iterable[str]) -> Definitions:
    """Return the fields as ``definitions``, but as they are stored if keys of a kind of record are unknown.

    The process may not have heard yet of a field that was added a moment ago.
    """
    known = await definitions(tx)
    return known if known.of(kind).keys() >= set(keys) else await field_store.definitions(tx)


def place_of(field: Field) -> tuple[str, int, str]:
    """Return the sort key of a field in a list."""
    return field.record.value, field.place, field.key


def place_of_keys(record: str, place: int, key: str) -> tuple[str, int, str]:
    """Return the sort key of a field in a cursor."""
    return record, place, key


async def list_fields(
    tx: Tx,
    actor: Actor,
    *,
    kind: RecordKind | None = None,
    after: tuple[str, int, str] | None = None,
    limit: int | None = None,
) -> list[Field]:
    """Return the fields after a sort key, by record and in the order in which they are shown.

    The provider's people get all, with those that were deleted less than a day ago; customers those that they see.
    """
    permissions.require_scope(actor, Scope.TICKETS_READ)
    return [
        field
        for field in (await definitions(tx)).all
        if kind in {None, field.record}
        and (actor.is_staff or field.is_visible(for_staff=False))
        and (after is None or place_of(field) > after)
    ][:limit]


async def get_field(tx: Tx, actor: Actor, field_id: UUID) -> Field:
    """Return a field."""
    fields = await list_fields(tx, actor)
    return require_found(next((field for field in fields if field.id == field_id), None), KIND, field_id)


async def field_named(tx: Tx, actor: Actor, kind: RecordKind, key: str) -> Field:
    """Return the field of a record with a key."""
    fields = await list_fields(tx, actor, kind=kind)
    return require_found(next((field for field in fields if field.key == key), None), KIND, f"{kind} {key}")


async def lock_field(tx: Tx, actor: Actor, field_id: UUID) -> Field:
    """Lock the definitions before a change until the transaction ends, and return a field."""
    await _lock(tx, actor)
    fields = (await field_store.definitions(tx)).all
    return require_found(next((field for field in fields if field.id == field_id), None), KIND, field_id)


async def _lock(tx: Tx, actor: Actor) -> None:
    permissions.require_desk_admin(actor)
    permissions.require_scope(actor, Scope.DESK_WRITE)
    await field_store.lock_definitions(tx)
    tx.changes_memory = True


async def add_field(tx: Tx, actor: Actor, values: Mapping[str, Any], *, now: datetime) -> Field:
    """Add a field; ``values`` are fields of ``Field``, its record, key, label and type at least.

    Without a place it is shown last.

    Raises:
        AlreadyExists: another field of the record has the key, maybe a deleted one that can still be restored.
        TooManyFields: the record has 200 fields.
    """
    await _lock(tx, actor)
    fields = (await field_store.definitions(tx)).of(values["record"])
    if len(fields) >= FIELDS_MAX:
        raise TooManyFields(FIELDS_MAX)
    last = max((field.place for field in fields.values()), default=0)
    field = Field(uuid4(), **({"place": last + 10} | {**values}))
    require_free(field.key not in fields, KIND, field.name)
    await _save(tx, field, now=now)
    await append_record_event(tx, actor, KIND, "created", field, now=now)
    return field


async def _save(tx: Tx, field: Field, *, now: datetime) -> None:
    require_valid(check_field(field))
    require_valid(check_limits(field))
    await field_store.save(tx, field, now=now)


async def change_field(tx: Tx, actor: Actor, field_id: UUID, values: Mapping[str, Any], *, now: datetime) -> Field:
    """Set some values of a field; its record and key never change. Values that records have stay as they are.

    Raises:
        Conflict: its type, or what it refers to, changes while records have values; or it is deleted.
        InvalidInput: an option is left out that records have: retire it instead.
    """
    before = await lock_field(tx, actor, field_id)
    _require_kept(before)
    after = replace(before, **values)
    if (before.type, before.refers_to) != (after.type, after.refers_to) and await field_store.has_values(tx, before):
        raise Conflict(f"the type of {before.name} cannot change while there are values of it: add another field")
    if before.type is after.type:
        await _require_unused(tx, before, missing_options(before.options, after.options))
    return await change_record(tx, actor, KIND, before, after, partial(_save, now=now), now=now)


def _require_kept(field: Field) -> None:
    if field.deleted_at is not None:
        raise Conflict(f"{field.name} is deleted: restore it first")


async def _require_unused(tx: Tx, field: Field, options: list[str]) -> None:
    used = [option for option in options if await field_store.has_values(tx, field, option)]
    if used:
        rule = f"must keep {', '.join(used)}, which there are values of: retire an option by active: false"
        raise InvalidInput([Violation("options", rule, RuleCode.INVALID)])


async def delete_field(
    tx: Tx, actor: Actor, field_id: UUID, *, confirmed: int | None = None, now: datetime
) -> tuple[Field, int]:
    """Delete a field with its values, of which ``confirmed`` says how many; return it with their number.

    A field without values needs no confirmation. For a day it can be restored with all of them.

    Raises:
        NotConfirmed: there is another number of values.
    """
    field = await lock_field(tx, actor, field_id)
    _require_kept(field)
    count = await field_store.count_values(tx, field)
    if count != (confirmed or 0):
        raise NotConfirmed(field.name, count)
    deleted = replace(field, deleted_at=now)
    await field_store.save(tx, deleted, now=now)
    await append_record_event(tx, actor, KIND, "deleted", field, now=now)
    return deleted, count


async def count_values(tx: Tx, actor: Actor, field: Field) -> int:
    """Return how many records have a value of a field."""
    permissions.require_staff(actor, Scope.DESK_READ)
    return await field_store.count_values(tx, field)


async def restore_field(tx: Tx, actor: Actor, field_id: UUID, *, now: datetime) -> Field:
    """Undo the deletion of a field: its values are there again. A field that is not deleted stays as it is."""
    field = await lock_field(tx, actor, field_id)
    if field.deleted_at is None:
        return field
    restored = replace(field, deleted_at=None)
    await field_store.save(tx, restored, now=now)
    await append_record_event(tx, actor, KIND, "restored", field, now=now)
    return restored


async def purge(tx: Tx, *, now: datetime) -> int:
    """Remove values of fields that were deleted more than a day ago, then the fields; return how much was removed.

    At most so many in a transaction; 0 when nothing is left to do.
    """
    await field_store.lock_definitions(tx)
    for field in await field_store.deleted_before(tx, now - UNDO_FOR):
        if purged := await field_store.purge_values(tx, field, limit=_PURGED_AT_ONCE):
            return purged
        tx.changes_memory = True
        await field_store.delete(tx, field)
        return 1
    return 0
