"""The priority matrix, which every process keeps in memory: read it, replace it, and assess new tickets by it."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec.structs import replace

from clearline.accounts import permissions
from clearline.accounts.tiers import store as tier_store
from clearline.accounts.tiers.usecases import current_tier
from clearline.catalogue.assessment import NOTHING_STATED, Assessment, Priority, Stated
from clearline.catalogue.matrix import store as matrix_store
from clearline.catalogue.matrix.domain import Cell, Matrix, changes_of, check_cells, matrix_of
from clearline.errors import require_valid
from clearline.events.record_changes import append_record_event
from clearline.identity import Actor, Scope
from clearline.platform.database.transactions import Tx

KIND = "priority_matrix"


async def current_matrix(tx: Tx) -> Matrix:
    """Return the matrix: from memory, where the process is notified of its changes."""
    return await tx.memory.get(tx, KIND, matrix_store.read)


async def assess(
    tx: Tx, company_id: UUID | None, usual: Assessment, urgency: Priority | None, stated: Stated = NOTHING_STATED
) -> Assessment:
    """Return the assessment of a new ticket of a company, or of one whose company is not known.

    ``usual`` is that of its issue type. The matrix goes by the impact that is stated; a stated severity or priority
    stands. Where the process is notified of changes, this needs no statement: the matrix and the tier are in memory.
    """
    matrix = await current_matrix(tx)
    if stated.impact is not None:
        usual = replace(usual, impact=stated.impact)
    if matrix.by_place:
        tier = await current_tier(tx, company_id) if matrix.has_tiers and company_id is not None else None
        usual = matrix.assess(usual, tier, urgency)
    return Assessment(stated.severity or usual.severity, usual.impact, stated.priority or usual.priority)


async def get_matrix(tx: Tx, actor: Actor) -> Matrix:
    """Return the matrix as it is stored, for the provider's people."""
    permissions.require_staff(actor, Scope.DESK_READ)
    return await matrix_store.read(tx)


def require_admin(actor: Actor) -> None:
    """Refuse an actor who may not change the matrix."""
    permissions.require_desk_admin(actor)
    permissions.require_scope(actor, Scope.DESK_WRITE)


async def lock_matrix(tx: Tx, actor: Actor) -> Matrix:
    """Lock the matrix, which the actor is about to change, until the transaction ends; return it."""
    require_admin(actor)
    await matrix_store.lock(tx)
    return await matrix_store.read(tx)


async def checked_matrix(tx: Tx, cells: Sequence[Cell]) -> Matrix:
    """Return the matrix of some cells.

    Raises:
        InvalidInput: they break a rule.
    """
    require_valid(check_cells(cells, [tier.key for tier in await tier_store.all_tiers(tx)]))
    return matrix_of(cells)


async def replace_matrix(tx: Tx, actor: Actor, cells: Sequence[Cell], *, now: datetime) -> Matrix:
    """Store other cells in the place of all that there are. Tickets that exist keep what they have."""
    before = await lock_matrix(tx, actor)
    after = await checked_matrix(tx, cells)
    if changes := changes_of(before, after):
        await matrix_store.replace(tx, after)
        tx.changes_memory = True
        await append_record_event(tx, actor, KIND, "changed", after, changes, now=now)
    return after
