"""Colours as eyes see them."""

from math import cos, radians, sin


def luminance(lightness: float, chroma: float, hue: float) -> float:
    """Return the relative luminance (WCAG 2.2) of a color in OKLCH."""
    a, b = chroma * cos(radians(hue)), chroma * sin(radians(hue))
    long, middle, short = (
        (lightness + x * a + y * b) ** 3
        for x, y in ((0.3963377774, 0.2158037573), (-0.1055613458, -0.0638541728), (-0.0894841775, -1.2914855480))
    )
    red = 4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short
    green = -1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short
    blue = -0.0041960863 * long - 0.7034186147 * middle + 1.7076147010 * short
    return sum(
        weight * min(1, max(0, linear))
        for weight, linear in zip((0.2126, 0.7152, 0.0722), (red, green, blue), strict=True)
    )
