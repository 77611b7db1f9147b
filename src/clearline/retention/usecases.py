"""See what is kept of each kind, how much of it is due, and what the last run deleted."""

from datetime import datetime

from clearline.accounts import permissions
from clearline.identity import Actor, Scope
from clearline.platform.database.transactions import Tx
from clearline.retention import store as retention_store
from clearline.retention.domain import Kept, Kind, Run, days_kept, deleted_before
from clearline.settings.settings import Settings

DUE_MAX = 100_000
"""How far what is due is counted."""


async def overview(tx: Tx, actor: Actor, settings: Settings) -> list[Kept]:
    """Return what is kept of each kind. For admins of the provider."""
    _require_admin(actor)
    runs = await retention_store.runs(tx)
    sizes = await retention_store.sizes(tx)
    tickets = max(sizes["ticket"][0], 1)
    return [await _kept(tx, kind, settings, sizes, tickets, runs.get(kind)) for kind in Kind]


async def _kept(
    tx: Tx, kind: Kind, settings: Settings, sizes: dict[str, tuple[int, int]], tickets: int, run: Run | None
) -> Kept:
    days = days_kept(settings, kind)
    measured = retention_store.MEASURED.get(kind)
    if measured is None:
        return Kept(kind, days, None, None, None, None, run)
    rows, size = sizes[measured.tables[0]][0], sum(sizes[table][1] for table in measured.tables)
    if measured.partial is not None:
        counted = min(sizes[measured.partial][0], rows)
        rows, size = counted, size * counted // max(rows, 1)
    return Kept(kind, days, rows, size, size // tickets, await retention_store.oldest(tx, kind), run)


async def count_due(tx: Tx, actor: Actor, kind: Kind, settings: Settings, *, now: datetime) -> int | None:
    """Return how much of a kind a run would delete, counted up to ``DUE_MAX``; None if that is not in the database.

    For admins of the provider.
    """
    _require_admin(actor)
    before = deleted_before(settings, kind, now)
    if kind not in retention_store.DUE:
        return None
    return 0 if before is None else await retention_store.due(tx, kind, before=before, limit=DUE_MAX)


def _require_admin(actor: Actor) -> None:
    permissions.require_desk_admin(actor)
    permissions.require_scope(actor, Scope.DESK_WRITE)
