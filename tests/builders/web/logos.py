"""Files of logos, and hostile ones."""

import io
import struct
import zlib

from PIL import Image

SVG = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 300 60">{}</svg>'
RECT = '<rect width="300" height="60" fill="#0a6b58"/>'


def svg(content: str = RECT) -> bytes:
    """Return an SVG of 300 by 60."""
    return SVG.format(content).encode()


def picture(kind: str = "PNG", size: tuple[int, int] = (300, 60), mode: str = "RGB", colour: str = "teal") -> bytes:
    """Return a picture of one colour."""
    written = io.BytesIO()
    Image.new(mode, size, colour).save(written, kind)
    return written.getvalue()


def animated() -> bytes:
    """Return a WebP with two frames."""
    written = io.BytesIO()
    frames = [Image.new("RGB", (40, 40), colour) for colour in ("red", "blue")]
    frames[0].save(written, "WEBP", save_all=True, append_images=frames[1:])
    return written.getvalue()


def noise(size: tuple[int, int] = (640, 128)) -> bytes:
    """Return a PNG that hardly compresses: a photograph."""
    written = io.BytesIO()
    Image.effect_noise(size, 200).convert("RGB").save(written, "PNG")
    return written.getvalue()


def claims(width: int, height: int) -> bytes:
    """Return a small PNG that says it has so many pixels: a decompression bomb."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0" * 100_000, 9)) + chunk(b"IEND", b"")
