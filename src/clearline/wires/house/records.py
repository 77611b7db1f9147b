"""House API v1: list, get, change and delete records, such as queues, users and macros."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol, TypeVar, TypeVarTuple
from uuid import UUID

from clearline.clock import Span
from clearline.errors import RuleCode, Violation
from clearline.identity import Actor
from clearline.platform.database.transactions import Tx
from clearline.wires.house import paging
from clearline.wires.house.wire import DatedPageQuery, Page
from clearline.wires.http.body import InvalidQuery
from clearline.wires.http.call import Call

Ids = TypeVarTuple("Ids")
"""The ids in the path of a record: its own, after that of its company if it has one there."""
Key = TypeVar("Key")
Key_contra = TypeVar("Key_contra", contravariant=True)
Record = TypeVar("Record")
Record_co = TypeVar("Record_co", covariant=True)
Out = TypeVar("Out")


class DatedRecord(Protocol):
    """A record that is listed by time and id."""

    @property
    def id(self) -> UUID:
        """The id of the record."""

    @property
    def created_at(self) -> datetime:
        """The time of its creation."""


class ListUseCase(Protocol[Key_contra, Record_co, *Ids]):
    """A use case that returns records after a sort key."""

    async def __call__(
        self, tx: Tx, actor: Actor, /, *ids: *Ids, after: Key_contra | None, limit: int
    ) -> Sequence[Record_co]:
        """Return at most ``limit`` records."""
        ...


class GetUseCase(Protocol[Record_co, *Ids]):
    """A use case that returns a record, locked or not."""

    async def __call__(self, tx: Tx, actor: Actor, /, *ids: *Ids) -> Record_co:
        """Return the record."""
        ...


class ChangeUseCase(Protocol[Record_co, *Ids]):
    """A use case that sets some values of a record."""

    async def __call__(
        self, tx: Tx, actor: Actor, /, *ids_and_values: *tuple[*Ids, Mapping[str, Any]], now: datetime
    ) -> Record_co:
        """Return the changed record."""
        ...


class DeleteUseCase(Protocol[*Ids]):
    """A use case that deletes a record."""

    async def __call__(self, tx: Tx, actor: Actor, /, *ids: *Ids, now: datetime) -> object:
        """Delete the record."""
        ...


def time_and_id(time: str, record_id: str) -> tuple[datetime, UUID]:
    """Return the sort key of a time and an id in a cursor."""
    return datetime.fromisoformat(time), UUID(record_id)


def time_and_number(time: str, number: int) -> tuple[datetime, int]:
    """Return the sort key of a time and a number in a cursor."""
    return datetime.fromisoformat(time), number


def time_and_id_keys(record: DatedRecord) -> list[Any]:
    """Return the values of the sort key of a record in a list by time and id."""
    return [record.created_at.isoformat(), str(record.id)]


def span_of_query(since: datetime | None, until: datetime | None, name: str = "until") -> Span | None:
    """Return the span of time that two parameters of a query give, or None if neither is given.

    Raises:
        InvalidQuery: it ends before it begins; the parameter ``name`` has its end.
    """
    if since is None and until is None:
        return None
    span = Span(since or Span().since, until or Span().until)
    if span.until <= span.since:
        raise InvalidQuery([Violation(name, f"must be after {name.replace('until', 'since')}", RuleCode.ORDER)])
    return span


def newest_key(call: Call) -> tuple[datetime, UUID] | None:
    """Return the sort key after which a page from the newest to the oldest begins: the cursor's, or that of ``until``.

    Raises:
        InvalidCursor: the cursor is malformed, or belongs to another list.
        InvalidQuery: ``until`` is not after ``since``.
    """
    query: DatedPageQuery = call.query
    span_of_query(query.since, query.until)
    cursor = paging.read_cursor(call, time_and_id)
    if cursor is None and query.until is not None:
        return query.until, UUID(int=0)
    return cursor


def not_before_since(call: Call, records: Sequence[Record], time_of: Callable[[Record], datetime]) -> list[Record]:
    """Return the records of a page from the newest to the oldest that are not older than ``since``."""
    since = call.query.since
    return [record for record in records if since is None or time_of(record) >= since]


async def list_records(
    call: Call,
    ids: tuple[*Ids],
    read: ListUseCase[Key, Record, *Ids],
    key_of: Callable[..., Key],
    keys: Callable[[Record], list[Any]],
    out: Callable[[Record], Out],
) -> Page[Out]:
    """Return the requested page of a list.

    Args:
        call: the request.
        ids: the ids in the path of the list, if any.
        read: returns the records after a sort key.
        key_of: converts the values in a cursor to a sort key.
        keys: returns the sort key of a record, as values that JSON can represent.
        out: returns a record as a body.
    """
    after = paging.read_cursor(call, key_of)
    async with call.statement() as tx:
        records = await read(tx, call.actor, *ids, after=after, limit=call.query.limit + 1)
    return paging.page(call, records, keys, out)


async def get_record(call: Call, ids: tuple[*Ids], get: GetUseCase[Record, *Ids], out: Callable[[Record], Out]) -> Out:
    """Return a record as a body."""
    async with call.statement() as tx:
        return out(await get(tx, call.actor, *ids))


async def change_record(
    call: Call,
    ids: tuple[*Ids],
    values: Mapping[str, Any],
    lock: GetUseCase[Record, *Ids],
    change: ChangeUseCase[Record, *Ids],
    out: Callable[[Record], Out],
) -> Out:
    """Change a record and return it, if its ETag matches If-Match."""
    async with call.transaction() as tx:
        call.check_if_match(out(await lock(tx, call.actor, *ids)))
        return out(await change(tx, call.actor, *ids, values, now=call.now))


async def delete_record(
    call: Call,
    ids: tuple[*Ids],
    lock: GetUseCase[Record, *Ids],
    delete: DeleteUseCase[*Ids],
    out: Callable[[Record], object],
) -> None:
    """Delete a record, if its ETag matches If-Match."""
    async with call.transaction() as tx:
        call.check_if_match(out(await lock(tx, call.actor, *ids)))
        await delete(tx, call.actor, *ids, now=call.now)
