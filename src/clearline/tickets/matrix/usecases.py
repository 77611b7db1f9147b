"""Preview what a priority matrix would change of open tickets, and apply the stored one to a ticket."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from clearline.accounts import permissions
from clearline.accounts.tiers import store as tier_store
from clearline.accounts.tiers.usecases import current_tier
from clearline.catalogue.matrix import store as cell_store
from clearline.catalogue.matrix.domain import Cell, Verdict
from clearline.catalogue.matrix.usecases import checked_matrix, current_matrix
from clearline.identity import Actor, Scope
from clearline.platform.database.transactions import Tx, set_statement_timeout
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets.domain import Ticket, TicketView
from clearline.tickets.matrix import store as matrix_store
from clearline.tickets.matrix.domain import MatrixPreview

PREVIEW_SECONDS = 10
"""After so many seconds a preview is given up."""


async def preview_matrix(
    tx: Tx, actor: Actor, cells: Sequence[Cell] | None = None, *, after: int = 0, limit: int
) -> MatrixPreview:
    """Return the open tickets that the cells of a matrix would change, after a number; without cells the stored one.

    Nothing is changed. ``tx`` must be a transaction: it limits how long a statement takes.

    Raises:
        InvalidInput: the cells break a rule.
    """
    permissions.require_desk_admin(actor)
    permissions.require_whole_desk(actor, Scope.DESK_READ)
    permissions.require_scope(actor, Scope.TICKETS_READ)
    matrix = await cell_store.read(tx) if cells is None else await checked_matrix(tx, cells)
    await set_statement_timeout(tx, PREVIEW_SECONDS)
    count = await matrix_store.count_differing(tx, matrix)
    tickets = await matrix_store.differing(tx, matrix, after=after, limit=limit + 1) if count else []
    return MatrixPreview(count, tickets[:limit], len(tickets) > limit)


async def apply_matrix(tx: Tx, actor: Actor, number: int, *, now: datetime) -> TicketView:
    """Give a ticket the priority and severity that the stored matrix says. Where it says nothing, they stay.

    Raises:
        As ``change_usecases.change_ticket``.
    """
    permissions.require_staff(actor, Scope.TICKETS_WRITE)
    ticket = (await ticket_changes.lock_ticket(tx, actor, number)).ticket
    verdict = (await cell_store.read(tx)).verdict(
        await tier_store.of_company(tx, ticket.company_id), ticket.impact, ticket.asked_priority
    )
    values: dict[str, Any] = {"priority": verdict.priority, "severity": verdict.severity}
    given = {name: value for name, value in values.items() if value is not None}
    return await ticket_changes.change_ticket(tx, actor, number, given, now=now)


async def difference_of(tx: Tx, ticket: Ticket) -> Verdict:
    """Return what the matrix says of a ticket, from memory, as far as the ticket has another value."""
    matrix = await current_matrix(tx)
    if not matrix.by_place:
        return Verdict()
    tier = await current_tier(tx, ticket.company_id) if matrix.has_tiers else None
    verdict = matrix.verdict(tier, ticket.impact, ticket.asked_priority)
    return Verdict(
        None if verdict.priority is ticket.priority else verdict.priority,
        None if verdict.severity is ticket.severity else verdict.severity,
    )
