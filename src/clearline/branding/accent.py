"""The accent of the pages and of mail in any hue, with the contrast of the shipped one.

Each colour keeps the luminance of the shipped colour that it replaces, and its chroma as far as sRGB has it at that
luminance. WCAG 2.2 computes contrast from luminance alone, so what can be read in the shipped hue can be read in all.
"""

from collections.abc import Mapping
from functools import cache
from math import atan2, cos, degrees, hypot, radians, sin
from typing import NamedTuple

HUE_MAX = 359
SHIPPED_HUE = 254
"""The hue of the accent in ``frontend/src/styles/tokens.css``, in degrees of OKLCH."""
TEXT, LINES = 4.5, 3.0
"""The least contrast of text, and of edges and focus rings (WCAG 2.2, 1.4.3 and 1.4.11)."""
_STEPS = 18
"""Halvings of a search: finer than a colour of 24 bits."""


class Oklch(NamedTuple):
    """A colour in OKLCH; the hue in degrees."""

    lightness: float
    chroma: float
    hue: float


class Pair(NamedTuple):
    """What a token is in the light and in the dark theme."""

    light: Oklch
    dark: Oklch


class Colours(NamedTuple):
    """A colour of each theme, as CSS and mail write it: ``#0b5cad``."""

    light: str
    dark: str


class Contrast(NamedTuple):
    """The contrast of one thing on another in both themes; ``least`` is what WCAG asks for."""

    name: str
    light: float
    dark: float
    least: float


TOKENS: Mapping[str, Pair] = {
    "accent": Pair(Oklch(0.500, 0.160, 254), Oklch(0.545, 0.155, 254)),
    "accent-hover": Pair(Oklch(0.440, 0.142, 254), Oklch(0.500, 0.155, 254)),
    "accent-text": Pair(Oklch(0.485, 0.154, 254), Oklch(0.770, 0.115, 250)),
    "accent-tint": Pair(Oklch(0.955, 0.022, 250), Oklch(0.270, 0.050, 254)),
    "selected": Pair(Oklch(0.950, 0.024, 250), Oklch(0.272, 0.040, 252)),
    "ring": Pair(Oklch(0.560, 0.180, 254), Oklch(0.720, 0.140, 250)),
}
"""The tokens of ``tokens.css`` that have the hue of the accent, as it ships them."""
GROUNDS: Mapping[str, Pair] = {
    "canvas": Pair(Oklch(0.975, 0.004, 255), Oklch(0.165, 0.008, 255)),
    "surface": Pair(Oklch(1, 0, 0), Oklch(0.195, 0.009, 255)),
    "raised": Pair(Oklch(1, 0, 0), Oklch(0.245, 0.011, 255)),
    "sunken": Pair(Oklch(0.955, 0.005, 255), Oklch(0.150, 0.007, 255)),
    "hover": Pair(Oklch(0.965, 0.006, 255), Oklch(0.230, 0.011, 255)),
}
"""What they stand on, as ``tokens.css`` has it."""
SHIPPED_MAIL = Colours("#0b5cad", "#8cc2ff")
"""The colour of links and buttons in mail."""


@cache
def accent_tokens(hue: int) -> Mapping[str, Colours]:
    """Return the tokens of an accent."""
    turn = hue - SHIPPED_HUE
    return {name: Colours(_turned(pair.light, turn), _turned(pair.dark, turn)) for name, pair in TOKENS.items()}


@cache
def mail_accent(hue: int | None) -> Colours:
    """Return the colours of links and buttons in mail; None for the shipped ones."""
    if hue is None:
        return SHIPPED_MAIL
    light, dark = (_oklch(_linear(text)) for text in SHIPPED_MAIL)
    return Colours(*(_turned(colour, hue - colour.hue) for colour in (light, dark)))


@cache
def contrasts(hue: int | None) -> tuple[Contrast, ...]:
    """Return what has to be told apart in an accent, each in its worst case; None for the shipped one."""
    tokens = accent_tokens(SHIPPED_HUE if hue is None else hue)
    grounds = [Colours(_hex(_rgb(pair.light)), _hex(_rgb(pair.dark))) for pair in GROUNDS.values()]
    white = Colours("#ffffff", "#ffffff")
    solids = [tokens["accent"], tokens["accent-hover"]]
    behind_text = [*grounds, tokens["selected"], tokens["accent-tint"]]
    return (
        _worst("button", white, solids, TEXT),
        _worst("link", tokens["accent-text"], behind_text, TEXT),
        _worst("ring", tokens["ring"], grounds[:3], LINES),
    )


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours (WCAG 2.2)."""
    lighter, darker = sorted((_luminance(_linear(one)), _luminance(_linear(other))), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _worst(name: str, colour: Colours, grounds: list[Colours], least: float) -> Contrast:
    light = min(contrast(colour.light, ground.light) for ground in grounds)
    dark = min(contrast(colour.dark, ground.dark) for ground in grounds)
    return Contrast(name, light, dark, least)


def _turned(colour: Oklch, turn: float) -> str:
    """Return a colour in another hue, with the same luminance."""
    wanted, hue = _luminance(_rgb(colour)), (colour.hue + turn) % 360
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        lightness = (low + high) / 2
        if _luminance(_rgb(_within_srgb(Oklch(lightness, colour.chroma, hue)))) < wanted:
            low = lightness
        else:
            high = lightness
    return _hex(_rgb(_within_srgb(Oklch(high, colour.chroma, hue))))


def _within_srgb(colour: Oklch) -> Oklch:
    """Return a colour with as much of its chroma as sRGB has."""
    if _is_in_srgb(colour):
        return colour
    low, high = 0.0, colour.chroma
    for _ in range(_STEPS):
        chroma = (low + high) / 2
        if _is_in_srgb(colour._replace(chroma=chroma)):
            low = chroma
        else:
            high = chroma
    return colour._replace(chroma=low)


def _is_in_srgb(colour: Oklch) -> bool:
    return all(-1e-6 <= part <= 1 + 1e-6 for part in _rgb(colour))


def _rgb(colour: Oklch) -> tuple[float, float, float]:
    """Return a colour as linear sRGB (Björn Ottosson, "A perceptual color space for image processing")."""
    a, b = colour.chroma * cos(radians(colour.hue)), colour.chroma * sin(radians(colour.hue))
    long = (colour.lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    middle = (colour.lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (colour.lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * middle + 1.7076147010 * short,
    )


def _oklch(rgb: tuple[float, float, float]) -> Oklch:
    """Return linear sRGB as OKLCH: the inverse of ``_rgb``."""
    red, green, blue = rgb
    long = (0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue) ** (1 / 3)
    middle = (0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue) ** (1 / 3)
    short = (0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue) ** (1 / 3)
    lightness = 0.2104542553 * long + 0.7936177850 * middle - 0.0040720468 * short
    a = 1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short
    b = 0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short
    return Oklch(lightness, hypot(a, b), degrees(atan2(b, a)) % 360)


def _luminance(rgb: tuple[float, float, float]) -> float:
    red, green, blue = (min(1.0, max(0.0, part)) for part in rgb)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _hex(rgb: tuple[float, float, float]) -> str:
    parts = (min(1.0, max(0.0, part)) for part in rgb)
    encoded = (12.92 * part if part <= 0.0031308 else 1.055 * part ** (1 / 2.4) - 0.055 for part in parts)
    return "#" + "".join(f"{round(255 * part):02x}" for part in encoded)


def _linear(text: str) -> tuple[float, float, float]:
    """Return a colour such as ``#0b5cad`` as linear sRGB."""
    red, green, blue = (int(text[at : at + 2], 16) / 255 for at in (1, 3, 5))
    decoded = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in (red, green, blue)]
    return decoded[0], decoded[1], decoded[2]
