"""Logos are drawn anew from whatever is uploaded; hostile and broken files are refused with the reason."""

import io
import sys

import pytest
from PIL import Image

from clearline.branding import logo_drawing
from clearline.branding.logo_domain import HEIGHT_MAX, STORED_MAX, UPLOAD_MAX, WIDTH_MAX, Logo, is_logo_name
from clearline.branding.logo_drawing import draw_logo
from clearline.branding.logo_process import draw
from clearline.errors import InvalidInput
from tests.builders.web.logos import RECT, animated, claims, noise, picture, svg

FORMATS = "must be a PNG, a JPEG, a WebP or an SVG"
ELSEWHERE = "must not refer to other files"
SCRIPTS = "must not contain scripts"
ENTITIES = "must not declare entities"
ASPECT = "must be at most 12 times as wide as high, or as high as wide"
SIZE = "must have a viewBox, or a width and a height"
SHEET = "must not have a stylesheet of another file"
WORDS = "must not contain text: convert it to paths, since the server does not have its font"
SIDES = "must have at most 4096 pixels on each side: it has "
IMAGE = "must not contain pictures (image): upload the picture itself"
DAMAGED = "must be a whole picture: this one is damaged"
LAUGHS = "".join(f'<g id="a{n}">' + f'<use xlink:href="#a{n - 1}"/>' * 10 + "</g>" for n in range(1, 9))


def opened(content: bytes) -> Image.Image:
    with Image.open(io.BytesIO(content)) as image:
        image.load()
        return image


@pytest.mark.parametrize(
    ("file", "size"),
    [
        (picture("PNG"), (300, 60)),
        (picture("PNG", (1200, 240)), (640, 128)),
        (picture("PNG", (100, 400)), (32, 128)),
        (picture("PNG", mode="P", colour="red"), (300, 60)),
        (picture("JPEG"), (300, 60)),
        (picture("JPEG", mode="CMYK"), (300, 60)),
        (picture("WEBP"), (300, 60)),
        (svg(), (640, 128)),
        (svg("<style>.a{fill:url( '#g')} .b{fill:red}</style><rect class='b' width='9' height='9'/>"), (640, 128)),
        (b'<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><circle r="30"/></svg>', (128, 128)),
        (b'<?xml version="1.0"?>\n<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "svg11.dtd">\n' + svg(), (640, 128)),
    ],
    ids=["png", "large", "high", "palette", "jpeg", "cmyk", "webp", "svg", "style", "width-and-height", "doctype"],
)
def test_a_picture_becomes_a_png_of_our_own(file: bytes, size: tuple[int, int]) -> None:
    drawing = draw(file)
    assert drawing.rule == ""
    image = opened(drawing.content)
    assert (image.format, image.size) == ("PNG", size)
    assert is_logo_name(drawing.name)
    assert drawing.name.endswith(f"-{size[0]}x{size[1]}")
    assert draw(file) == drawing


REFUSED = {
    "nothing of a picture": (b"hello", FORMATS),
    "html": (b"<html><script>alert(1)</script></html>", FORMATS),
    "html as svg": (b'<svg><script xmlns="http://www.w3.org/1999/xhtml">alert(1)</script></svg>', FORMATS),
    "gif": (picture("GIF"), FORMATS),
    "compressed svg": (b"\x1f\x8b\x08\x00" + b"\0" * 20, FORMATS),
    "truncated png": (picture("PNG")[:80], DAMAGED),
    "truncated jpeg": (picture("JPEG")[:200], DAMAGED),
    "truncated webp": (picture("WEBP")[:20], DAMAGED),
    "pdf behind a magic": (b"\xff\xd8\xff%PDF-1.7", DAMAGED),
    "claims to be huge": (claims(60_000, 60_000), f"{SIDES}60000 x 60000"),
    "pixels of a side": (picture("PNG", (4097, 500)), f"{SIDES}4097 x 500"),
    "animated": (animated(), "must not be animated"),
    "wide": (picture("PNG", (1300, 100)), ASPECT),
    "wide svg": (b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1e8 1"/>', ASPECT),
    "no size": (b'<svg xmlns="http://www.w3.org/2000/svg"/>', SIZE),
    "size of none": (b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 x y"/>', SIZE),
    "transparent": (svg(""), "must draw something: this one is transparent everywhere"),
    "script": (svg(f"{RECT}<script>alert(1)</script>"), SCRIPTS),
    "handler": (svg('<rect onload="alert(1)" width="9" height="9"/>'), SCRIPTS),
    "foreign object": (svg("<foreignObject><p>x</p></foreignObject>"), "must not contain HTML (foreignObject)"),
    "link": (svg(f'<a href="https://example.com">{RECT}</a>'), "must not contain links (a)"),
    "picture": (svg('<image href="file:///etc/passwd"/>'), IMAGE),
    "text": (svg("<text>Example</text>"), WORDS),
    "use of another file": (svg('<use href="https://example.com/a.svg#x"/>'), ELSEWHERE),
    "use of data": (svg('<use xlink:href="data:image/svg+xml,x"/>'), ELSEWHERE),
    "fill of another file": (svg('<rect fill="url(https://example.com/a.svg#x)" width="9" height="9"/>'), ELSEWHERE),
    "style of another file": (svg("<style>@import 'https://example.com/a.css'</style>"), ELSEWHERE),
    "stylesheet": (b'<?xml-stylesheet href="https://example.com/a.css"?>' + svg(), SHEET),
    "entities": (b'<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + svg("<title>&x;</title>"), ENTITIES),
    "entities of entities": (b'<!DOCTYPE svg [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]>' + svg(), ENTITIES),
    "deep": (svg("<g>" * 150 + "</g>" * 150), "must be nested at most 100 deep"),
    "very deep": (svg("<g>" * 5000 + "</g>" * 5000), FORMATS),
    "many elements": (svg("<g/>" * 20_001), "must have at most 20000 elements"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_cannot_become_a_logo_is_refused_with_the_reason(name: str) -> None:
    file, rule = REFUSED[name]
    drawing = draw(file)
    assert (drawing.rule, drawing.content) == (rule, b"")


def test_uses_of_uses_are_refused_before_they_are_drawn() -> None:
    drawing = draw(svg(f'<defs><g id="a0">{RECT}</g>{LAUGHS}</defs><use xlink:href="#a8"/>'))
    assert drawing.rule.startswith("must be an SVG that can be drawn")


def test_nothing_behind_the_picture_or_beside_it_is_kept() -> None:
    note = Image.new("RGB", (300, 60), "teal")
    written = io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "taken at home"
    note.save(written, "JPEG", exif=exif)
    for file in (written.getvalue(), picture("PNG") + b"<script>alert(1)</script>"):
        content = draw(file).content
        assert b"taken at home" not in content
        assert b"script" not in content
        assert b"Exif" not in content


def test_a_photograph_turned_by_its_camera_stands_upright() -> None:
    written = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (200, 100), "teal").save(written, "JPEG", exif=exif)
    assert opened(draw(written.getvalue()).content).size == (64, 128)


def test_a_logo_fits_into_what_is_stored() -> None:
    drawing = draw(noise())
    assert 0 < len(drawing.content) <= STORED_MAX
    assert opened(drawing.content).size == (WIDTH_MAX, HEIGHT_MAX)


@pytest.mark.parametrize(
    ("name", "size"), [("640x128", (160, 32)), ("300x60", (160, 32)), ("32x128", (8, 32)), ("128x128", (32, 32))]
)
def test_a_logo_is_shown_at_most_160_wide_and_32_high(name: str, size: tuple[int, int]) -> None:
    assert Logo(f"{'0' * 24}-{name}").size == size


async def test_it_is_drawn_in_a_process_of_its_own() -> None:
    drawn = await draw_logo(svg())
    assert drawn.content == draw(svg()).content
    for file, rule in ((b"", "must not be empty"), (b"x" * (UPLOAD_MAX + 1), "must have at most 512 KB")):
        with pytest.raises(InvalidInput) as refused:
            await draw_logo(file, "dark")
        assert [(v.field, v.rule) for v in refused.value.violations] == [("dark", rule)]


@pytest.mark.parametrize("code", ["import os; os.abort()", "while True: pass", "print('no answer')"])
async def test_a_process_that_fails_refuses_the_file(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logo_drawing, "COMMAND", (sys.executable, "-I", "-c", code))
    monkeypatch.setattr(logo_drawing, "SECONDS", 1.5)
    with pytest.raises(InvalidInput) as refused:
        await draw_logo(svg())
    [violation] = refused.value.violations
    assert violation.rule == "must be simpler: it takes too much time or memory to draw"
