"""Queues: where tickets wait, whose they are, and how they find their agent."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from msgspec.structs import replace

from clearline.accounts import permissions
from clearline.errors import AlreadyExists, InUse, InvalidInput, NotFound, Violation
from clearline.events import store as event_store
from clearline.events.domain import changes_between, first_values, record
from clearline.identity import PROVIDER_ID, Actor, Scope
from clearline.platform.database.transactions import Tx
from clearline.queues import store as queue_store
from clearline.queues import team_store
from clearline.queues.domain import Assignment, Queue, check_queue
from clearline.queues.store import QueueDetails

KIND = "queue"
CHANGEABLE = frozenset({"name", "description", "team_id", "assignment"})
"""What ``change_queue`` may set."""


async def lock_setup(tx: Tx, actor: Actor) -> None:
    """Begin a change of teams, queues or rules: nobody else changes any until the transaction ends.

    Raises:
        Forbidden: the actor does not run the desk, or its key may not write its setup.
    """
    permissions.require_desk_admin(actor)
    permissions.require_scope(actor, Scope.DESK_WRITE)
    await queue_store.lock_setup(tx)


async def list_queues(tx: Tx, actor: Actor, *, after: str | None, limit: int) -> list[QueueDetails]:
    """Queues by name, behind the name ``after``, with what waits in each. Served by ``queue_name``.

    Raises:
        Forbidden: the actor is a customer, or its key may not read the desk's setup.
    """
    permissions.require_staff(actor, Scope.DESK_READ)
    return await queue_store.page(tx, after=after, limit=limit)


async def get_queue(tx: Tx, actor: Actor, queue_id: UUID) -> QueueDetails:
    """A queue with what waits in it.

    Raises:
        NotFound: there is no such queue.
        Forbidden: as for ``list_queues``.
    """
    permissions.require_staff(actor, Scope.DESK_READ)
    return await _details(tx, queue_id)


async def queue_named(tx: Tx, actor: Actor, name: str) -> Queue:
    """The queue of this name, in any case.

    Raises:
        NotFound: there is none.
        Forbidden: as for ``list_queues``.
    """
    permissions.require_staff(actor, Scope.DESK_READ)
    found = await queue_store.find(tx, name)
    if found is None:
        raise NotFound(KIND, name)
    return found


async def add_queue(
    tx: Tx,
    actor: Actor,
    *,
    name: str,
    description: str = "",
    team_id: UUID | None = None,
    assignment: Assignment = Assignment.MANUAL,
    now: datetime,
) -> QueueDetails:
    """Make an empty queue.

    Raises:
        Forbidden: the actor does not run the desk.
        InvalidInput: a value breaks a rule, or there is no such team.
        AlreadyExists: another queue has the name.
    """
    await lock_setup(tx, actor)
    queue = Queue(uuid4(), name, description, team_id, assignment, None, now)
    await _check(tx, queue)
    if not await queue_store.insert(tx, queue):
        raise AlreadyExists(KIND, name)
    fact = record(KIND, "created", queue, first_values(queue, CHANGEABLE))
    await event_store.append(tx, actor, PROVIDER_ID, fact, now=now)
    return await _details(tx, queue.id)


async def change_queue(
    tx: Tx, actor: Actor, queue_id: UUID, values: Mapping[str, Any], *, now: datetime
) -> QueueDetails:
    """Set some of the values in ``CHANGEABLE``; those that are as they were are no change.

    Raises:
        NotFound: there is no such queue.
        Forbidden, InvalidInput, AlreadyExists: as for ``add_queue``.
    """
    await lock_setup(tx, actor)
    before = await queue_store.get(tx, queue_id)
    if before is None:
        raise NotFound(KIND, str(queue_id))
    after = replace(before, **{name: value for name, value in values.items() if name in CHANGEABLE})
    if changes := changes_between(before, after):
        await _check(tx, after)
        if not await queue_store.save(tx, after):
            raise AlreadyExists(KIND, after.name)
        await event_store.append(tx, actor, PROVIDER_ID, record(KIND, "changed", after, changes), now=now)
    return await _details(tx, queue_id)


async def delete_queue(tx: Tx, actor: Actor, queue_id: UUID, *, now: datetime) -> None:
    """Forget a queue that never had a ticket that is still in it, and that no rule chooses.

    Raises:
        NotFound: there is no such queue.
        InUse: tickets are in it, open or finished, or a routing rule chooses it.
        Forbidden: the actor does not run the desk.
    """
    await lock_setup(tx, actor)
    queue = await queue_store.lock(tx, queue_id)
    if queue is None:
        raise NotFound(KIND, str(queue_id))
    if by := await _used_by(tx, queue_id):
        raise InUse(KIND, queue.name, by)
    await queue_store.delete(tx, queue_id)
    await event_store.append(tx, actor, PROVIDER_ID, record(KIND, "deleted", queue), now=now)


async def _used_by(tx: Tx, queue_id: UUID) -> str | None:
    """What keeps a queue from being deleted, and what to do about it."""
    if waiting := (await _details(tx, queue_id)).open:
        return f"it has {waiting} open {'ticket' if waiting == 1 else 'tickets'}; move them to another queue first"
    if rules := await queue_store.rules_into(tx, queue_id):
        return f"the routing rules {', '.join(rules)} choose it; change or delete them first"
    if await queue_store.has_tickets(tx, queue_id):
        return "finished tickets were worked in it, and their history keeps it; rename it instead"
    return None


async def _details(tx: Tx, queue_id: UUID) -> QueueDetails:
    found = await queue_store.details(tx, queue_id)
    if found is None:
        raise NotFound(KIND, str(queue_id))
    return found


async def _check(tx: Tx, queue: Queue) -> None:
    violations = check_queue(queue)
    if queue.team_id is not None and await team_store.get(tx, queue.team_id) is None:
        violations.append(Violation("team_id", "must be the id of a team"))
    if violations:
        raise InvalidInput(violations)
