"""Queues: list, read, add, change and delete them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from msgspec.structs import replace

from clearline.accounts import permissions, user_store
from clearline.errors import InUse, RuleCode, Violation, require_found, require_free, require_valid
from clearline.events.domain import first_values
from clearline.events.record_changes import append_record_event, change_record
from clearline.identity import Actor, Scope
from clearline.platform.database.transactions import Tx
from clearline.queues import store as queue_store
from clearline.queues import team_store
from clearline.queues.domain import Assignment, Queue, check_queue
from clearline.queues.store import QueueDetails

KIND = "queue"
CHANGEABLE = frozenset({"name", "description", "team_id", "assignment", "sender_name", "sender_address"})
"""The fields that ``change_queue`` can set."""


async def lock_setup(tx: Tx, actor: Actor) -> None:
    """Begin a change of teams, queues, rules or macros: nobody else changes any until the transaction ends."""
    permissions.require_desk_admin(actor)
    permissions.require_scope(actor, Scope.DESK_WRITE)
    await queue_store.lock_setup(tx)


async def list_queues(tx: Tx, actor: Actor, *, after: str | None, limit: int) -> list[QueueDetails]:
    """Return the queues after the name ``after``, by name, with the counts of what the actor sees.

    Served by ``queue_name``.
    """
    permissions.require_staff(actor, Scope.DESK_READ)
    companies = permissions.only_companies(actor)
    return [_seen(actor, each) for each in await queue_store.page(tx, after=after, limit=limit, companies=companies)]


def _seen(actor: Actor, details: QueueDetails) -> QueueDetails:
    """Return a queue without the counts of tickets if the limits of the actor do not leave the queue to it."""
    queues = None if actor.limits is None else actor.limits.only_queues
    return details if queues is None or details.queue.id in queues else QueueDetails(*details[:2], 0, 0, 0)


async def name_queues(tx: Tx, actor: Actor, *, limit: int) -> list[tuple[Queue, bool]]:
    """Return the queues by name without their counts, each with whether a team of the actor has it."""
    permissions.require_staff(actor, Scope.DESK_READ)
    return await queue_store.named_for(tx, None if actor.user is None else actor.user.id, limit=limit)


async def get_queue(tx: Tx, actor: Actor, queue_id: UUID) -> QueueDetails:
    """Return a queue with the counts of what the actor sees."""
    permissions.require_staff(actor, Scope.DESK_READ)
    found = await queue_store.details(tx, queue_id, companies=permissions.only_companies(actor))
    return _seen(actor, require_found(found, KIND, queue_id))


async def queue_with_id(tx: Tx, actor: Actor, queue_id: UUID) -> Queue:
    """Return a queue without its counts."""
    permissions.require_staff(actor, Scope.DESK_READ)
    return require_found(await queue_store.get(tx, queue_id), KIND, queue_id)


async def queue_named(tx: Tx, actor: Actor, name: str) -> Queue:
    """Return the queue of this name, in any case."""
    permissions.require_staff(actor, Scope.DESK_READ)
    return require_found(await queue_store.find(tx, name), KIND, name)


async def lock_queue(tx: Tx, actor: Actor, queue_id: UUID) -> QueueDetails:
    """Lock a queue that the actor is about to change, until the transaction ends."""
    await lock_setup(tx, actor)
    return await get_queue(tx, actor, queue_id)


async def add_queue(
    tx: Tx,
    actor: Actor,
    *,
    name: str,
    description: str = "",
    team_id: UUID | None = None,
    assignment: Assignment = Assignment.MANUAL,
    sender_name: str = "",
    sender_address: str = "",
    now: datetime,
) -> QueueDetails:
    """Add an empty queue.

    Raises:
        AlreadyExists: another queue has the name.
    """
    await lock_setup(tx, actor)
    queue = Queue(uuid4(), name, description, team_id, assignment, None, now, sender_name, sender_address)
    await _save(tx, queue)
    await append_record_event(tx, actor, KIND, "created", queue, first_values(queue, CHANGEABLE), now=now)
    return await _details(tx, queue.id)


async def change_queue(
    tx: Tx, actor: Actor, queue_id: UUID, values: Mapping[str, Any], *, now: datetime
) -> QueueDetails:
    """Set some of the fields in ``CHANGEABLE``.

    Raises:
        AlreadyExists: another queue has the name.
    """
    await lock_setup(tx, actor)
    before = require_found(await queue_store.get(tx, queue_id), KIND, queue_id)
    await change_record(tx, actor, KIND, before, replace(before, **values), _save, now=now)
    return await _details(tx, queue_id)


async def delete_queue(tx: Tx, actor: Actor, queue_id: UUID, *, now: datetime) -> None:
    """Delete a queue that has no tickets, open or finished, and that no rule chooses.

    Raises:
        InUse: tickets are in it, open or finished, or a routing rule chooses it.
    """
    await lock_setup(tx, actor)
    queue = require_found(await queue_store.lock(tx, queue_id), KIND, queue_id)
    if by := await _used_by(tx, queue_id):
        raise InUse(KIND, queue.name, by)
    await queue_store.delete(tx, queue_id)
    await append_record_event(tx, actor, KIND, "deleted", queue, now=now)


async def _used_by(tx: Tx, queue_id: UUID) -> str | None:
    """Return what keeps a queue from being deleted, and what to do about it."""
    if waiting := (await _details(tx, queue_id)).open:
        return f"it has {waiting} open {'ticket' if waiting == 1 else 'tickets'}; move them to another queue first"
    if rules := await queue_store.rules_into(tx, queue_id):
        return f"the routing rules {', '.join(rules)} choose it; change or delete them first"
    if await queue_store.has_tickets(tx, queue_id):
        return "finished tickets were worked in it, and their history keeps it; rename it instead"
    return None


async def _details(tx: Tx, queue_id: UUID) -> QueueDetails:
    return require_found(await queue_store.details(tx, queue_id), KIND, queue_id)


async def _save(tx: Tx, queue: Queue) -> None:
    violations = check_queue(queue)
    if queue.team_id is not None and await team_store.get(tx, queue.team_id) is None:
        violations.append(Violation("team_id", "must be the id of a team", RuleCode.REFERENCE))
    if not violations and queue.sender_address and await user_store.with_address(tx, queue.sender_address, limit=1):
        violations.append(Violation("sender_address", "must not be the address of a person", RuleCode.REFERENCE))
    require_valid(violations)
    require_free(await queue_store.save(tx, queue), KIND, queue.name)


async def check_queue_id(tx: Tx, queue_id: UUID | None) -> list[Violation]:
    """Return the rule that ``queue_id`` breaks as a reference to a queue; None refers to no queue."""
    if queue_id is None or await queue_store.get(tx, queue_id) is not None:
        return []
    return [Violation("queue_id", "must be the id of a queue", RuleCode.REFERENCE)]
