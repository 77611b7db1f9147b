"""Hand a shift over: see what is open, sign off with a note, and read earlier handovers."""

from datetime import datetime
from itertools import takewhile
from uuid import UUID, uuid4

from msgspec import Struct

from clearline.accounts import permissions
from clearline.accounts import usecases as accounts
from clearline.catalogue.assessment import Priority
from clearline.errors import require_found, require_valid
from clearline.events.record_changes import append_record_event
from clearline.handovers import store as handover_store
from clearline.handovers.domain import GROUP_MAX, LONGEST_MAX, Handover, HandoverDetails, Work, check_note, group_of
from clearline.identity import Actor, Scope
from clearline.platform.database.transactions import Tx
from clearline.tickets import list_store
from clearline.tickets import list_usecases as ticket_lists
from clearline.tickets.domain import TicketView
from clearline.tickets.list_store import Filter
from clearline.tickets.lists.order import Order
from clearline.tickets.reports import usecases as reports
from clearline.tickets.reports.domain import COUNT_MAX, Tally, tally

KIND = "handover"


class OpenWork(Struct, frozen=True):
    """What is open now; a group has one ticket more than a handover names when there are others."""

    open: Tally
    critical: list[TicketView]
    held: list[TicketView]
    longest: list[TicketView]


async def read_open_work(tx: Tx, actor: Actor) -> OpenWork:
    """Return the open tickets that the next shift has to know, the longest unchanged first.

    Served by ``ticket_open_priority``, ``ticket_open``, ``ticket_held`` and ``ticket_open_updated``.
    """
    permissions.require_whole_desk(actor, Scope.TICKETS_READ)
    urgent = await _list(tx, actor, Order.PRIORITY, GROUP_MAX)
    [(count, _is_all)] = await list_store.count(tx, [Filter()], for_staff=True, walked=COUNT_MAX)
    return OpenWork(
        tally(count),
        list(takewhile(lambda view: view.ticket.priority is Priority.CRITICAL, urgent)),
        await reports.list_held(tx, actor, limit=GROUP_MAX + 1),
        await _list(tx, actor, Order.UPDATED, LONGEST_MAX),
    )


async def _list(tx: Tx, actor: Actor, order: Order, most: int) -> list[TicketView]:
    """Return the first open tickets in an order, one more than ``most`` if there are others."""
    return await ticket_lists.list_tickets(
        tx, actor, Filter(), after=None, limit=most + 1, newest_first=False, order=order
    )


async def sign_off(tx: Tx, actor: Actor, note: str, *, now: datetime) -> HandoverDetails:
    """Sign a shift off with a note, and keep what is open now. For people of the provider who work tickets."""
    permissions.require_whole_desk(actor, Scope.TICKETS_WRITE)
    user, _company = accounts.user_and_company(actor)
    require_valid(check_note(note))
    work = await read_open_work(tx, actor)
    handover = HandoverDetails(
        uuid4(), now, user.id, user.name, note, work.open.count, work.open.is_exact,
        work=Work(
            group_of(work.critical, GROUP_MAX), group_of(work.held, GROUP_MAX), group_of(work.longest, LONGEST_MAX)
        ),
    )  # fmt: skip
    await handover_store.insert(tx, handover)
    await append_record_event(tx, actor, KIND, "created", handover, now=now)
    return handover


async def list_handovers(
    tx: Tx, actor: Actor, *, after: tuple[datetime, UUID] | None = None, limit: int
) -> list[Handover]:
    """Return the handovers before a time and an id, newest first. Served by ``handover_by_time``."""
    permissions.require_whole_desk(actor, Scope.TICKETS_READ)
    return await handover_store.page(tx, after=after, limit=limit)


async def get_handover(tx: Tx, actor: Actor, handover_id: UUID) -> HandoverDetails:
    """Return a handover with what was open then."""
    permissions.require_whole_desk(actor, Scope.TICKETS_READ)
    return require_found(await handover_store.get(tx, handover_id), KIND, handover_id)
