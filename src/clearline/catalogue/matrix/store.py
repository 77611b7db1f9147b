"""The cells of the priority matrix."""

from clearline.catalogue.assessment import Impact, Priority, Severity
from clearline.catalogue.matrix.domain import Cell, Matrix, matrix_of
from clearline.platform.database.transactions import Record, Tx


def _cell(row: Record) -> Cell:
    tier, impact, urgency, priority, severity = row
    return Cell(
        tier,
        Impact(impact),
        None if urgency is None else Priority(urgency),
        None if priority is None else Priority(priority),
        None if severity is None else Severity(severity),
    )


async def read(tx: Tx) -> Matrix:
    """Return the matrix. It has at most 765 cells: all are read."""
    rows = await tx.fetch("select tier, impact, urgency, priority, severity from priority_matrix")
    return matrix_of(map(_cell, rows))


async def lock(tx: Tx) -> None:
    """Lock the matrix against changes by others until the transaction ends."""
    await tx.fetchval("select pg_advisory_xact_lock(hashtextextended('priority matrix', 0))")


async def replace(tx: Tx, matrix: Matrix) -> None:
    """Store a matrix in the place of the locked one."""
    cells = matrix.cells
    await tx.write("delete from priority_matrix")
    await tx.write(
        """insert into priority_matrix (tier, impact, urgency, priority, severity)
           select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])""",
        [cell.tier for cell in cells],
        [cell.impact for cell in cells],
        [cell.urgency for cell in cells],
        [cell.priority for cell in cells],
        [cell.severity for cell in cells],
    )
