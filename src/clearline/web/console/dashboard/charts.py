"""Where the bars, lines and labels of a chart stand: templates draw them as SVG."""

from collections.abc import Sequence

from msgspec import Struct

WIDTHS = (340, 560)
"""A chart is drawn for phones, with larger words, and for wider screens; the styles choose."""
_HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 200, 34, 18, 8, 22
_STEPS = (1, 2, 5)
_LINES_MAX = 5
_LABEL_WIDTHS = {340: 62, 560: 50}


class Column(Struct, frozen=True):
    """The values that stand above each other in a place of the axis, by the names of their series.

    ``line`` is the value of the series that is a line, ``says`` what the column says in words.
    """

    label: str
    values: dict[str, int]
    says: str
    line: int | None = None


class Bar(Struct, frozen=True):
    """A part of a column."""

    x: float
    y: float
    width: float
    height: float
    series: str
    says: str


class Chart(Struct, frozen=True):
    """A chart of a size. ``ticks`` have a height and a number, ``labels`` a place and a word, ``line`` its points."""

    width: int
    height: int
    left: int
    right: int
    base: int
    bars: list[Bar]
    ticks: list[tuple[float, int]]
    labels: list[tuple[float, str]]
    line: list[tuple[float, float]]


def charts(columns: Sequence[Column]) -> list[Chart]:
    """Return the charts of some columns, one of each width."""
    return [_chart(columns, width) for width in WIDTHS]


def axis(highest: int) -> list[int]:
    """Return the numbers at an axis from 0 to the highest value or more, in steps of 1, 2, 5, 10, 20 and so on."""
    step, power = 1, 1
    while step * _LINES_MAX < highest:
        at = _STEPS.index(step // power) + 1
        if at == len(_STEPS):
            at, power = 0, power * 10
        step = _STEPS[at] * power
    steps = max(-(-highest // step), 1)
    return [step * at for at in range(steps + 1)]


def _chart(columns: Sequence[Column], width: int) -> Chart:
    base = _HEIGHT - _BOTTOM
    numbers = axis(max((max(sum(column.values.values()), column.line or 0) for column in columns), default=0))
    unit = (base - _TOP) / numbers[-1]
    slot = (width - _LEFT - _RIGHT) / max(len(columns), 1)
    bar_width = round(min(slot * 0.72, 56), 1)
    bars, labels, line = [], [], []
    every = max(1, round(_LABEL_WIDTHS[width] / slot))
    for at, column in enumerate(columns):
        middle = round(_LEFT + (at + 0.5) * slot, 1)
        top = float(base)
        for series, value in column.values.items():
            height = round(value * unit, 1)
            top = round(top - height, 1)
            if height:
                bars.append(Bar(round(middle - bar_width / 2, 1), top, bar_width, height, series, column.says))
        if (len(columns) - 1 - at) % every == 0:
            labels.append((middle, column.label))
        if column.line is not None:
            line.append((middle, round(base - column.line * unit, 1)))
    ticks = [(round(base - number * unit, 1), number) for number in numbers]
    return Chart(width, _HEIGHT, _LEFT, width - _RIGHT, base, bars, ticks, labels, line)
