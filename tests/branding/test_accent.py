"""Every hue of the accent can be read (WCAG 2.2, 1.4.3 and 1.4.11), and the shipped one is that of the stylesheets."""

import re
from pathlib import Path

import pytest

from clearline.branding.accent import (
    GROUNDS,
    HUE_MAX,
    LINES,
    SHIPPED_HUE,
    SHIPPED_MAIL,
    TEXT,
    TOKENS,
    Contrast,
    accent_tokens,
    contrast,
    contrasts,
    mail_accent,
)
from tests.builders.web.colours import luminance

STYLES = (Path(__file__).parents[2] / "frontend" / "src" / "styles" / "tokens.css").read_text(encoding="utf-8")
HUES = range(HUE_MAX + 1)
SHEET = ("#ffffff", "#1e242b")
"""What mail stands on in a light and in a dark program."""
NOTE = ("#f5f7f9", "#262e37")
ON_BUTTON = ("#ffffff", "#10151a")


def shipped(name: str) -> list[list[float]]:
    definition = re.search(rf"--{name}: (.+);", STYLES)
    assert definition is not None, name
    return [[float(part) for part in text.split()] for text in re.findall(r"oklch\(([^)]+)\)", definition[1])]


@pytest.mark.parametrize("name", [*TOKENS, *GROUNDS])
def test_the_shipped_colours_are_those_of_the_stylesheets(name: str) -> None:
    assert [list(colour) for colour in {**TOKENS, **GROUNDS}[name]] == shipped(name)


def test_every_hue_can_be_read_in_both_themes() -> None:
    failing: dict[int, list[Contrast]] = {}
    for hue in HUES:
        for pair in contrasts(hue):
            if min(pair.light, pair.dark) < pair.least:
                failing.setdefault(hue, []).append(pair)
    assert failing == {}
    assert [(pair.name, pair.least) for pair in contrasts(0)] == [("button", TEXT), ("link", TEXT), ("ring", LINES)]


def test_every_hue_is_as_light_as_the_shipped_one() -> None:
    for name, pair in TOKENS.items():
        for theme, colour in enumerate(pair):
            wanted = luminance(*colour)
            drawn = [as_luminance(accent_tokens(hue)[name][theme]) for hue in HUES]
            assert max(abs(value - wanted) for value in drawn) < 0.006, (name, theme)


def test_every_hue_can_be_read_in_mail() -> None:
    for hue in [None, *HUES]:
        for theme, colour in enumerate(mail_accent(hue)):
            for ground in (SHEET[theme], NOTE[theme], ON_BUTTON[theme]):
                assert contrast(colour, ground) >= TEXT, (hue, colour, ground)
    assert mail_accent(None) == SHIPPED_MAIL


def test_a_hue_turns_the_colours() -> None:
    red, green = accent_tokens(27)["accent"].light, accent_tokens(145)["accent"].light
    assert (red[1:3] > red[3:5], green[3:5] > green[1:3]) == (True, True)
    blue = accent_tokens(SHIPPED_HUE)["accent"].light
    assert contrast("#0062ba", blue) < 1.01


def as_luminance(colour: str) -> float:
    """Return the luminance of a colour: black has a contrast of 1 on itself."""
    return contrast(colour, "#000000") * 0.05 - 0.05
