"""The priority matrix: its cells, what follows from them, and their rules."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import ClassVar

from msgspec import Struct

from clearline.accounts.tiers.domain import TIERS_MAX
from clearline.catalogue.assessment import Assessment, Impact, Priority, Severity
from clearline.errors import RuleCode, Violation
from clearline.events.domain import Change

URGENCIES: tuple[Priority | None, ...] = (None, *Priority)
"""What customers can ask for; None is that they did not."""
CELLS_MAX = (TIERS_MAX + 1) * len(Impact) * len(URGENCIES)

Place = tuple[str | None, Impact, Priority | None]
"""Where a cell is: tier, impact, urgency."""


class Verdict(Struct, frozen=True):
    """The priority and severity that follow for a ticket. None is that nothing does."""

    priority: Priority | None = None
    severity: Severity | None = None


class Cell(Struct, frozen=True):
    """A cell of the matrix.

    ``urgency`` is the priority that the customer asked for. Without a ``tier`` the cell is for every company whose tier
    has none at the same place. A cell without a priority, or without a severity, leaves that to the cell without a
    tier, and this one to the issue type.
    """

    tier: str | None
    impact: Impact
    urgency: Priority | None
    priority: Priority | None = None
    severity: Severity | None = None

    @property
    def place(self) -> Place:
        """Where the cell is."""
        return self.tier, self.impact, self.urgency


_NOTHING = Cell(None, Impact.DEGRADED, None)


class Matrix(Struct, frozen=True):
    """The priority matrix. ``by_place`` has its cells, and ``has_tiers`` is whether a tier has cells of its own."""

    id: ClassVar[str] = "priority_matrix"
    name: ClassVar[str] = "Priority matrix"

    by_place: Mapping[Place, Cell]
    has_tiers: bool = False

    @property
    def cells(self) -> list[Cell]:
        """The cells: those without a tier, then by tier; within one by impact and urgency, from the least."""
        return sorted(self.by_place.values(), key=_order)

    @property
    def tiers(self) -> list[str]:
        """The tiers that have cells of their own."""
        return sorted({tier for tier, _impact, _urgency in self.by_place if tier is not None})

    def verdict(self, tier: str | None, impact: Impact, urgency: Priority | None) -> Verdict:
        """Return what follows for a ticket of a company of a tier."""
        own = self.by_place.get((tier, impact, urgency), _NOTHING)
        general = self.by_place.get((None, impact, urgency), _NOTHING)
        return Verdict(own.priority or general.priority, own.severity or general.severity)

    def assess(self, usual: Assessment, tier: str | None, urgency: Priority | None) -> Assessment:
        """Return the assessment of a new ticket; ``usual`` is that without a matrix."""
        verdict = self.verdict(tier, usual.impact, urgency)
        return Assessment(verdict.severity or usual.severity, usual.impact, verdict.priority or usual.priority)

    def every_verdict(self) -> Iterator[Cell]:
        """Yield what follows for each tier that has cells of its own, and for all others, where anything does."""
        for tier, impact, urgency in product((None, *self.tiers), Impact, URGENCIES):
            verdict = self.verdict(tier, impact, urgency)
            if verdict != Verdict():
                yield Cell(tier, impact, urgency, verdict.priority, verdict.severity)


_IMPACTS = {impact: place for place, impact in enumerate(Impact)}
_URGENCIES = {urgency: place for place, urgency in enumerate(URGENCIES)}


def _order(cell: Cell) -> tuple[str, int, int]:
    return cell.tier or "", _IMPACTS[cell.impact], _URGENCIES[cell.urgency]


def matrix_of(cells: Iterable[Cell]) -> Matrix:
    """Return the matrix of some cells."""
    by_place = {cell.place: cell for cell in cells}
    return Matrix(by_place, any(tier is not None for tier, _impact, _urgency in by_place))


EMPTY = matrix_of(())


def check_cells(cells: Sequence[Cell], tiers: Iterable[str]) -> list[Violation]:
    """Return the rules that the cells of a matrix break; ``tiers`` are the keys of those that there are."""
    known, places = {None, *tiers}, set[Place]()
    violations = []
    for index, cell in enumerate(cells):
        if cell.tier not in known:
            violations.append(
                Violation(f"cells.{index}.tier", "must be the key of a tier, or null", RuleCode.REFERENCE)
            )
        if cell.priority is None and cell.severity is None:
            rule = "is required, or a severity: leave the cell out otherwise"
            violations.append(Violation(f"cells.{index}.priority", rule, RuleCode.REQUIRED))
        if cell.place in places:
            rule = "must name each tier, impact and urgency once"
            violations.append(Violation(f"cells.{index}", rule, RuleCode.DUPLICATE))
        places.add(cell.place)
    return violations


def changes_of(before: Matrix, after: Matrix) -> list[Change]:
    """Return what differs between two matrices, a change for each value: ``gold.down.critical.priority``.

    ``*`` stands for no tier, and ``none`` for no urgency.
    """
    changes = []
    for place in sorted(before.by_place.keys() | after.by_place.keys(), key=_place_name):
        old, new = before.by_place.get(place, _NOTHING), after.by_place.get(place, _NOTHING)
        changes += [
            Change(f"{_place_name(place)}.{name}", getattr(old, name), getattr(new, name))
            for name in ("priority", "severity")
            if getattr(old, name) != getattr(new, name)
        ]
    return changes


def _place_name(place: Place) -> str:
    tier, impact, urgency = place
    return f"{tier or '*'}.{impact}.{urgency or 'none'}"
