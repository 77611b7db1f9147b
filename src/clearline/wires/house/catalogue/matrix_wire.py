"""House API v1: the priority matrix, exactly as it travels."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from clearline.accounts.tiers import domain as tier
from clearline.catalogue.assessment import Impact, Priority, Severity
from clearline.catalogue.matrix.domain import CELLS_MAX, Cell, Matrix
from clearline.tickets.domain import ticket_number
from clearline.tickets.matrix.domain import COUNT_MAX, Difference, MatrixPreview
from clearline.wires.house.wire import CompanyRef, Limit, Number
from clearline.wires.http.fields import characters

TierKey = Annotated[str, characters(1, tier.KEY_MAX)]


class CellIn(Struct, forbid_unknown_fields=True):
    """What follows from an impact, the priority that the customer asked for, and the tier of the company.

    ``urgency`` null is for customers who asked for none. ``tier`` null is for every company whose tier has no cell for
    the same impact and urgency. A ``priority`` or ``severity`` of null is left to the cell without a tier, and there to
    the issue type; one of both is required.
    """

    impact: Impact
    tier: TierKey | None = None
    urgency: Priority | None = None
    priority: Priority | None = None
    severity: Severity | None = None


class CellOut(Struct, frozen=True):
    """What follows from an impact, the priority that the customer asked for, and the tier of the company."""

    tier: str | None
    impact: Impact
    urgency: Priority | None
    priority: Priority | None
    severity: Severity | None


Cells = Annotated[list[CellIn], Meta(max_length=CELLS_MAX)]


class MatrixIn(Struct, forbid_unknown_fields=True):
    """All cells of the matrix. Without any, the issue type alone says what a new ticket begins with."""

    cells: Cells


class MatrixOut(Struct, frozen=True):
    """The cells of the matrix: those without a tier, then by tier; within one by impact and urgency."""

    cells: list[CellOut]


class MatrixPreviewIn(Struct, forbid_unknown_fields=True):
    """A matrix to try; without ``cells`` the stored one. ``after`` is the last number of the page before."""

    cells: Cells | UnsetType = UNSET
    limit: Limit = 50
    after: Number | None = None


class DifferenceOut(Struct, frozen=True):
    """An open ticket that the matrix would change, what it goes by, and its values before and after."""

    ticket: Number
    title: str
    company: CompanyRef
    tier: str | None
    impact: Impact
    urgency: Priority | None
    priority: Priority
    severity: Severity
    new_priority: Priority
    new_severity: Severity


class MatrixPreviewOut(Struct, frozen=True):
    """How many open tickets would change, and a page of them by number."""

    count: Annotated[int, Meta(description=f"At most {COUNT_MAX}: then there may be more.")]
    tickets: list[DifferenceOut]
    has_more: bool


def cells_in(cells: list[CellIn]) -> list[Cell]:
    """Return the cells of a body."""
    return [Cell(cell.tier, cell.impact, cell.urgency, cell.priority, cell.severity) for cell in cells]


def matrix_out(matrix: Matrix) -> MatrixOut:
    """Return the matrix as a body."""
    return MatrixOut(
        [CellOut(cell.tier, cell.impact, cell.urgency, cell.priority, cell.severity) for cell in matrix.cells]
    )


def difference_out(difference: Difference) -> DifferenceOut:
    """Return a ticket that would change as a body."""
    company = difference.company
    return DifferenceOut(
        ticket_number(difference.number),
        difference.title,
        CompanyRef(company.id, company.name, company.code),
        difference.tier,
        difference.impact,
        difference.urgency,
        difference.priority,
        difference.severity,
        difference.new_priority,
        difference.new_severity,
    )


def preview_out(preview: MatrixPreview) -> MatrixPreviewOut:
    """Return a preview as a body."""
    return MatrixPreviewOut(preview.count, [difference_out(each) for each in preview.tickets], preview.has_more)
