"""Open tickets whose priority or severity is another than a priority matrix says."""

from collections.abc import Sequence

from clearline.catalogue.assessment import Impact, Priority, Severity
from clearline.catalogue.matrix.domain import Cell, Matrix
from clearline.identity import Company
from clearline.platform.database.transactions import Record, Tx
from clearline.tickets.matrix.domain import COUNT_MAX, Difference

_DIFFERING = """
      from ticket t
      join company c on c.id = t.company_id
      join unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])
               verdict (tier, impact, urgency, priority, severity)
        on verdict.tier = case when c.tier = any($6::text[]) then c.tier else '' end
       and verdict.impact = t.impact and verdict.urgency = coalesce(t.asked_priority, '')
     where t.is_open and (verdict.priority <> t.priority or verdict.severity <> t.severity)"""

LIST = f"""
    select t.number, t.title, c.id, c.name, c.code, c.tier, t.impact, t.asked_priority, t.priority, t.severity,
           coalesce(verdict.priority, t.priority), coalesce(verdict.severity, t.severity)
    {_DIFFERING} and t.number > $7 order by t.number limit $8"""
COUNT = f"select count(*) from (select {_DIFFERING} limit {COUNT_MAX}) differing"


def _bound(matrix: Matrix) -> tuple[list[str | None], ...]:
    """Return what both statements bind. No tier and no urgency are empty texts, which can be compared."""
    verdicts: Sequence[Cell] = [*matrix.every_verdict()]
    return (
        [cell.tier or "" for cell in verdicts],
        [cell.impact for cell in verdicts],
        [cell.urgency or "" for cell in verdicts],
        [cell.priority for cell in verdicts],
        [cell.severity for cell in verdicts],
        [*matrix.tiers],
    )


def _difference(row: Record) -> Difference:
    number, title, company_id, name, code, tier, impact, urgency, *values = row
    priority, severity, new_priority, new_severity = values
    return Difference(
        number,
        title,
        Company(company_id, name, code),
        tier,
        Impact(impact),
        None if urgency is None else Priority(urgency),
        Priority(priority),
        Severity(severity),
        Priority(new_priority),
        Severity(new_severity),
    )


async def differing(tx: Tx, matrix: Matrix, *, after: int, limit: int) -> list[Difference]:
    """Return the open tickets that a matrix would change, by number, after a number. Served by ``ticket_open``."""
    return [_difference(row) for row in await tx.fetch(LIST, *_bound(matrix), after, limit)]


async def count_differing(tx: Tx, matrix: Matrix) -> int:
    """Return how many open tickets a matrix would change, at most ``COUNT_MAX``. Served by ``ticket_open``."""
    count: int = await tx.fetchval(COUNT, *_bound(matrix))
    return count
