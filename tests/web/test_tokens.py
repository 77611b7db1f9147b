"""The colours of the pages have enough contrast in both themes (WCAG 2.2, 1.4.3 and 1.4.11)."""

import re
from itertools import product
from pathlib import Path

import pytest

from tests.builders.web.colours import luminance

TOKENS = (Path(__file__).parents[2] / "frontend" / "src" / "styles" / "tokens.css").read_text(encoding="utf-8")
TEXT, LINES = 4.5, 3.0
GROUNDS = ("canvas", "surface", "raised", "sunken", "hover", "selected")
INKS = ("ink", "ink-2", "ink-3", "accent-text")
TINTED = ("red", "orange", "amber", "green", "blue", "violet")


def colours(name: str) -> list[float]:
    """Return the luminance of a token in the light and the dark theme."""
    definition = re.search(rf"--{name}: (.+);", TOKENS)
    assert definition is not None, name
    both = [luminance(*map(float, part.split())) for part in re.findall(r"oklch\(([^)/]+)\)", definition[1])]
    return both if len(both) == 2 else both * 2


def contrast(one: str, other: str) -> float:
    """Return the lower of the contrasts that two tokens have in the two themes."""
    pairs = zip(colours(one), colours(other), strict=True)
    return min((max(pair) + 0.05) / (min(pair) + 0.05) for pair in pairs)


@pytest.mark.parametrize(("ink", "ground"), list(product(INKS, GROUNDS)))
def test_text_can_be_read_on_every_ground(ink: str, ground: str) -> None:
    assert contrast(ink, ground) >= TEXT


@pytest.mark.parametrize(("hue", "ground"), list(product(TINTED, ("canvas", "surface", "raised", "sunken", "hover"))))
def test_coloured_text_can_be_read_on_every_ground_and_on_its_tint(hue: str, ground: str) -> None:
    assert contrast(f"{hue}-text", ground) >= TEXT
    assert contrast(f"{hue}-text", f"{hue}-tint") >= TEXT


@pytest.mark.parametrize("ink", ["ink", "ink-2", "ink-3"])
def test_text_can_be_read_on_an_internal_note(ink: str) -> None:
    assert contrast(ink, "note-tint") >= TEXT


@pytest.mark.parametrize("solid", ["accent", "accent-hover", "red"])
def test_white_text_can_be_read_on_solid_colours(solid: str) -> None:
    assert contrast("accent-on", solid) >= TEXT


@pytest.mark.parametrize(
    ("line", "ground"), list(product(("line-strong", "ring", "red", "c1", "c2"), ("canvas", "surface", "raised")))
)
def test_edges_focus_rings_and_series_of_charts_can_be_seen(line: str, ground: str) -> None:
    assert contrast(line, ground) >= LINES


def test_components_use_no_raw_colours() -> None:
    for path in sorted((Path(__file__).parents[2] / "frontend/src").rglob("*.css")):
        if path.name != "tokens.css":
            raw = re.findall(
                r"#[0-9a-fA-F]{3,8}\b(?=[ ;])|rgba?\([^)]*\)|hsl\([^)]*\)", path.read_text(encoding="utf-8")
            )
            assert raw == [], path.name
