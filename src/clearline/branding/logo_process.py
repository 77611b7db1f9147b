"""The process that draws a logo from an uploaded file: ``logo_drawing.py`` starts one for each.

It reads the file from its standard input and writes a PNG, or why the file is refused. A file may be made to take as
long and as much memory as it can, or to break a decoder: here that ends this process, within its limits.
"""

import hashlib
import io
import resource
import signal
import sys

import msgspec
from PIL import Image, ImageOps, UnidentifiedImageError
from resvg_py import svg_to_bytes

from clearline.branding.logo_domain import ASPECT_MAX, HEIGHT_MAX, SIDE_MAX, STORED_MAX, WIDTH_MAX, Drawing
from clearline.branding.logo_svg import SvgRefused, check_svg

CPU_SECONDS = 10
MEMORY_MAX = 512 * 1024**2
_COLOURS = 256
_FORMATS = ("PNG", "JPEG", "WEBP")
_MAGIC = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF")
Image.MAX_IMAGE_PIXELS = None  # the limit of a side is stricter
_DAMAGED = "must be a whole picture: this one is damaged"


class Refused(Exception):
    """The file cannot become a logo. The text says what it must be."""


def draw(file: bytes) -> Drawing:
    """Return the logo of a file."""
    try:
        picture = _raster(file) if file.startswith(_MAGIC) else _vector(file)
        content, size = _stored(picture)
    except (Refused, SvgRefused) as refused:
        return Drawing(rule=str(refused))
    except MemoryError:
        return Drawing(rule="must take less memory to draw")
    return Drawing(content, f"{hashlib.sha256(content).hexdigest()[:24]}-{size[0]}x{size[1]}")


def _raster(file: bytes) -> Image.Image:
    """Return the picture of a PNG, a JPEG or a WebP, as its content tells, upright."""
    try:
        with Image.open(io.BytesIO(file), formats=_FORMATS) as opened:
            if max(opened.size) > SIDE_MAX:
                raise Refused(
                    f"must have at most {SIDE_MAX} pixels on each side: it has {opened.width} x {opened.height}"
                )
            if getattr(opened, "n_frames", 1) > 1:
                raise Refused("must not be animated")
            opened.load()
            return ImageOps.exif_transpose(opened).convert("RGBA")
    except UnidentifiedImageError:
        raise Refused(_DAMAGED) from None
    except (OSError, ValueError, SyntaxError, EOFError, TypeError, IndexError, KeyError):
        raise Refused(_DAMAGED) from None


def _vector(file: bytes) -> Image.Image:
    """Return the picture of an SVG that draws by itself."""
    drawn = check_svg(file)
    width, height = drawn.width, drawn.height
    _check_aspect(width, height)
    scale = min(WIDTH_MAX / width, HEIGHT_MAX / height)
    try:
        png = svg_to_bytes(
            svg_string=drawn.text, width=max(1, round(width * scale)), height=max(1, round(height * scale)),
            skip_system_fonts=True,
        )  # fmt: skip
    except ValueError as error:
        raise Refused(f"must be an SVG that can be drawn: {error}"[:200]) from None
    with Image.open(io.BytesIO(png), formats=("PNG",)) as opened:
        return opened.convert("RGBA")


def _stored(picture: Image.Image) -> tuple[bytes, tuple[int, int]]:
    """Return a picture as the PNG that is stored, with its size: no larger than the pages need."""
    _check_aspect(*picture.size)
    if picture.getchannel("A").getextrema()[1] == 0:
        raise Refused("must draw something: this one is transparent everywhere")
    scale = min(1, WIDTH_MAX / picture.width, HEIGHT_MAX / picture.height)
    if scale < 1:
        size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
        picture = picture.resize(size, Image.Resampling.LANCZOS)
    content = _png(picture)
    if len(content) > STORED_MAX // 2:
        content = _png(picture.quantize(_COLOURS, Image.Quantize.FASTOCTREE))
    return content, picture.size


def _check_aspect(width: float, height: float) -> None:
    if not 1 / ASPECT_MAX <= width / height <= ASPECT_MAX:
        raise Refused(f"must be at most {ASPECT_MAX} times as wide as high, or as high as wide")


def _png(picture: Image.Image) -> bytes:
    written = io.BytesIO()
    picture.save(written, "PNG", optimize=True)
    return written.getvalue()


def main() -> None:
    """Draw the logo of the file on standard input, within limits that nothing in the file can change."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_MAX, MEMORY_MAX))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    sys.stdout.buffer.write(msgspec.msgpack.encode(draw(sys.stdin.buffer.read())))


if __name__ == "__main__":
    main()
