"""Report figures about the tickets of all companies, for the provider's people."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from clearline.accounts import permissions
from clearline.identity import Actor, Scope
from clearline.platform.database.transactions import Tx
from clearline.tickets.domain import TicketView
from clearline.tickets.reports import store as report_store
from clearline.tickets.reports.domain import AgeGroup, Day, age_groups, last_days, tally


async def count_by_day(tx: Tx, actor: Actor, *, zone: ZoneInfo, days: int, now: datetime) -> list[Day]:
    """Return how many tickets were created and finished on each of the last days in a zone, oldest first."""
    permissions.require_whole_desk(actor, Scope.TICKETS_READ)
    spans = last_days(now, zone, days)
    counts = await report_store.created_and_closed(tx, [span for _day, span in spans])
    return [
        Day(day, tally(created), tally(closed)) for (day, _span), (created, closed) in zip(spans, counts, strict=True)
    ]


async def count_by_age(tx: Tx, actor: Actor, *, now: datetime) -> list[AgeGroup]:
    """Return the open tickets by age and priority, the youngest first."""
    permissions.require_whole_desk(actor, Scope.TICKETS_READ)
    groups = age_groups(now)
    counts = await report_store.open_by_priority(tx, [span for _least, _below, span in groups])
    return [
        AgeGroup(least, below, priorities) for (least, below, _span), priorities in zip(groups, counts, strict=True)
    ]


async def list_held(tx: Tx, actor: Actor, *, limit: int) -> list[TicketView]:
    """Return the tickets on hold, those that are for the longest first."""
    permissions.require_whole_desk(actor, Scope.TICKETS_READ)
    return await report_store.held(tx, limit=limit)


async def count_open_of_companies(tx: Tx, actor: Actor, company_ids: Sequence[UUID]) -> list[int]:
    """Return how many tickets of each of these companies are open."""
    permissions.require_staff(actor, Scope.TICKETS_READ)
    return await report_store.open_of_companies(tx, company_ids)
