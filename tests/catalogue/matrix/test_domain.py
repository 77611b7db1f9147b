"""What follows from the cells of a priority matrix, and their rules."""

import pytest

from clearline.catalogue.assessment import Assessment, Impact, Priority, Severity
from clearline.catalogue.matrix.domain import CELLS_MAX, Cell, Verdict, changes_of, check_cells, matrix_of
from clearline.errors import RuleCode
from clearline.events.domain import Change

_DOWN = Cell(None, Impact.DOWN, Priority.HIGH, Priority.HIGH, Severity.SIGNIFICANT)
_GOLD = Cell("gold", Impact.DOWN, Priority.HIGH, Priority.CRITICAL)
_QUIET = Cell(None, Impact.DEGRADED, None, severity=Severity.MINOR)
_MATRIX = matrix_of([_GOLD, _DOWN, _QUIET])
_USUAL = Assessment(Severity.MODERATE, Impact.DOWN, Priority.MEDIUM)


@pytest.mark.parametrize(
    ("tier", "impact", "urgency", "expected"),
    [
        (None, Impact.DOWN, Priority.HIGH, Verdict(Priority.HIGH, Severity.SIGNIFICANT)),
        ("silver", Impact.DOWN, Priority.HIGH, Verdict(Priority.HIGH, Severity.SIGNIFICANT)),
        ("gold", Impact.DOWN, Priority.HIGH, Verdict(Priority.CRITICAL, Severity.SIGNIFICANT)),
        ("gold", Impact.DEGRADED, None, Verdict(None, Severity.MINOR)),
        (None, Impact.DOWN, None, Verdict()),
        (None, Impact.DOWN, Priority.LOW, Verdict()),
        (None, Impact.INTERMITTENT, Priority.HIGH, Verdict()),
    ],
)
def test_a_tier_has_its_own_values_and_takes_the_others_from_the_cell_without_one(
    tier: str | None, impact: Impact, urgency: Priority | None, expected: Verdict
) -> None:
    assert _MATRIX.verdict(tier, impact, urgency) == expected


def test_what_the_matrix_does_not_say_is_left_to_the_issue_type() -> None:
    gold = _MATRIX.assess(_USUAL, "gold", Priority.HIGH)
    assert gold == Assessment(Severity.SIGNIFICANT, Impact.DOWN, Priority.CRITICAL)
    assert _MATRIX.assess(_USUAL, "gold", None) == _USUAL
    assert matrix_of([]).assess(_USUAL, "gold", Priority.HIGH) == _USUAL


def test_every_verdict_is_listed_for_tiers_with_cells_and_for_all_others() -> None:
    assert [*_MATRIX.every_verdict()] == [
        _QUIET,
        _DOWN,
        Cell("gold", Impact.DEGRADED, None, severity=Severity.MINOR),
        Cell("gold", Impact.DOWN, Priority.HIGH, Priority.CRITICAL, Severity.SIGNIFICANT),
    ]
    assert (_MATRIX.tiers, _MATRIX.has_tiers, matrix_of([_DOWN]).has_tiers) == (["gold"], True, False)


def test_cells_are_in_order() -> None:
    assert _MATRIX.cells == [_QUIET, _DOWN, _GOLD]


def test_a_cell_needs_a_value_a_known_tier_and_a_place_of_its_own() -> None:
    cells = [_GOLD, _DOWN, Cell("none", Impact.DOWN, None, Priority.LOW), Cell(None, Impact.DOWN, None), _GOLD]
    assert check_cells([_GOLD, _DOWN, _QUIET], ["gold"]) == []
    found = [(violation.field, violation.code) for violation in check_cells(cells, ["gold"])]
    assert found == [
        ("cells.2.tier", RuleCode.REFERENCE),
        ("cells.3.priority", RuleCode.REQUIRED),
        ("cells.4", RuleCode.DUPLICATE),
    ]


def test_each_value_that_differs_is_a_change() -> None:
    after = matrix_of([Cell("gold", Impact.DOWN, Priority.HIGH, Priority.HIGH, Severity.EXTENSIVE), _DOWN])
    assert changes_of(_MATRIX, after) == [
        Change("*.degraded.none.severity", "minor", None),
        Change("gold.down.high.priority", "critical", "high"),
        Change("gold.down.high.severity", None, "extensive"),
    ]
    assert changes_of(_MATRIX, matrix_of(_MATRIX.cells)) == []


def test_a_matrix_has_a_cell_for_each_place_of_each_tier() -> None:
    assert CELLS_MAX == 51 * 3 * 5
