"""Logos: a picture for each theme, drawn anew from what an admin uploads."""

import re
from enum import StrEnum

from msgspec import Struct

UPLOAD_MAX = 512 * 1024
"""Bytes of an uploaded file."""
SIDE_MAX = 4096
"""Pixels of each side of an uploaded picture."""
WIDTH_MAX, HEIGHT_MAX = 640, 128
"""Pixels of a stored logo: four times what the pages show, for sharp displays and magnified pages."""
ASPECT_MAX = 12
"""How many times as wide as high a logo may be, or as high as wide."""
STORED_MAX = 100 * 1024
"""Bytes of a stored logo."""
SHOWN_HEIGHT, SHOWN_WIDTH = 32, 160
"""Pixels of CSS that a logo has at most on pages and in mail."""
LOGO_PATH = "/static/logo/"
_NAME = re.compile(r"[0-9a-f]{24}-([1-9][0-9]{0,2})x([1-9][0-9]{0,2})")


class LogoTheme(StrEnum):
    """The theme that a logo is for. Without one for the dark theme, that for the light one stands on white there."""

    LIGHT = "light"
    DARK = "dark"


class Logo(Struct, frozen=True):
    """A stored logo. Its name tells its content and size: ``8c2f0e6a51d9b37f4e0c2a91-640x128``."""

    name: str

    @property
    def size(self) -> tuple[int, int]:
        """The width and the height at which it is shown, in pixels of CSS."""
        match = _NAME.fullmatch(self.name)
        if match is None:
            raise ValueError(self.name)
        width, height = int(match[1]), int(match[2])
        scale = min(SHOWN_WIDTH / width, SHOWN_HEIGHT / height)
        return max(1, round(width * scale)), max(1, round(height * scale))


class DrawnLogo(Struct, frozen=True):
    """A logo that was drawn, as PNG, and is not stored yet."""

    logo: Logo
    content: bytes


class Drawing(Struct, frozen=True):
    """What became of an uploaded file: a PNG and its name, or the rule that the file breaks."""

    content: bytes = b""
    name: str = ""
    rule: str = ""


def logo_path(name: str) -> str:
    """Return the path at which everybody gets a logo."""
    return f"{LOGO_PATH}{name}.png"


def is_logo_name(text: str) -> bool:
    """Return whether a text can be the name of a logo."""
    return _NAME.fullmatch(text) is not None
