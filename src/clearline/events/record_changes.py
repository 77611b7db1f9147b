"""Changes of records that are not tickets (queues, users, macros): each is stored with an event ``kind.action``."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, Protocol, TypeVar
from uuid import UUID

from clearline.events import store as event_store
from clearline.events.domain import Change, Fields, Named, changes_between, record
from clearline.identity import PROVIDER_ID, Actor
from clearline.platform.database.transactions import Tx


class NamedRecord(Fields, Named, Protocol):
    """A struct that has an id and a name."""


R = TypeVar("R", bound=NamedRecord)


async def append_record_event(
    tx: Tx,
    actor: Actor,
    kind: str,
    action: str,
    changed: Named,
    changes: Sequence[Change] = (),
    *,
    company_id: UUID = PROVIDER_ID,
    now: datetime,
) -> None:
    """Store the event of a change, in the transaction that makes the change."""
    await event_store.append(tx, actor, company_id, record(kind, action, changed, changes), now=now)


async def change_record(
    tx: Tx,
    actor: Actor,
    kind: str,
    before: R,
    after: R,
    save: Callable[[Tx, R], Awaitable[Any]],
    *,
    company_id: UUID = PROVIDER_ID,
    now: datetime,
) -> R:
    """Store a changed record and its event; return ``after``. Equal values are no change, and make no event.

    ``before`` is the locked record. ``save`` stores ``after``, or refuses it: it breaks a rule, or its name is in use.
    """
    if changes := changes_between(before, after):
        await save(tx, after)
        await append_record_event(tx, actor, kind, "changed", after, changes, company_id=company_id, now=now)
    return after
