"""Which SVGs can be drawn as they are meant: by themselves, with nothing from elsewhere."""

import re
from typing import NamedTuple

from lxml import etree  # type: ignore[import-untyped]

SVG = "http://www.w3.org/2000/svg"
_DEPTH_MAX = 100
_ELEMENTS_MAX = 20_000
_REFUSED = {
    "script": "scripts",
    "handler": "scripts",
    "foreignobject": "HTML (foreignObject)",
    "image": "pictures (image): upload the picture itself",
    "feimage": "pictures (feImage)",
    "text": "text: convert it to paths, since the server does not have its font",
    "font": "fonts: convert text to paths",
    "a": "links (a)",
}
"""What an SVG must not contain: it would run, come from elsewhere, or be missing in the drawn logo."""
_ELSEWHERE = re.compile(r"""@import|url\(\s*+["']?+\s*+(?!#)""", re.IGNORECASE)
_LENGTH = re.compile(r"\s*([0-9]*\.?[0-9]+(?:e[+-]?[0-9]+)?)\s*(?:px|pt|pc|mm|cm|in)?\s*", re.IGNORECASE)


class SvgRefused(Exception):
    """The SVG cannot be drawn as it is meant. The text says what it must be."""


class Svg(NamedTuple):
    """An SVG that draws by itself, and its size, of which only the ratio counts."""

    text: str
    width: float
    height: float


def check_svg(file: bytes) -> Svg:
    """Return an SVG.

    Raises:
        SvgRefused: it is none, or would not be drawn as it is meant.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(file, parser)
    except (etree.XMLSyntaxError, ValueError):
        raise SvgRefused("must be a PNG, a JPEG, a WebP or an SVG") from None
    if root.tag != f"{{{SVG}}}svg":
        raise SvgRefused("must be a PNG, a JPEG, a WebP or an SVG")
    _check_document(root)
    for count, element in enumerate(root.iter()):
        if count > _ELEMENTS_MAX:
            raise SvgRefused(f"must have at most {_ELEMENTS_MAX} elements")
        _check_element(element)
    _check_depth(root)
    width, height = _size(root)
    return Svg(etree.tostring(root, encoding="unicode"), width, height)


def _check_document(root: etree._Element) -> None:
    declared = root.getroottree().docinfo.internalDTD
    if declared is not None and any(True for _entity in declared.iterentities()):
        raise SvgRefused("must not declare entities")
    if any(node.tag is etree.PI for node in root.itersiblings(preceding=True)):
        raise SvgRefused("must not have a stylesheet of another file")


def _check_element(element: etree._Element) -> None:
    if not isinstance(element.tag, str):
        if element.tag is etree.Entity:
            raise SvgRefused("must not declare entities")
        return
    name = etree.QName(element)
    if (refused := _REFUSED.get(name.localname.lower())) is not None and name.namespace in {SVG, None}:
        raise SvgRefused(f"must not contain {refused}")
    if name.localname.lower() == "style" and _ELSEWHERE.search("".join(element.itertext())):
        raise SvgRefused("must not refer to other files")
    for key, value in element.attrib.items():
        _check_attribute(etree.QName(key).localname.lower(), str(value))


def _check_attribute(name: str, value: str) -> None:
    if name.startswith("on"):
        raise SvgRefused("must not contain scripts")
    if name in {"href", "src"} and not value.strip().startswith("#"):
        raise SvgRefused("must not refer to other files")
    if _ELSEWHERE.search(value):
        raise SvgRefused("must not refer to other files")


def _check_depth(root: etree._Element) -> None:
    level, depth = [root], 0
    while level:
        level, depth = [child for element in level for child in element], depth + 1
        if depth > _DEPTH_MAX:
            raise SvgRefused(f"must be nested at most {_DEPTH_MAX} deep")


def _size(root: etree._Element) -> tuple[float, float]:
    """Return the size of an SVG: of its view box, or else its width and height."""
    parts = re.split(r"[\s,]+", str(root.get("viewBox", "")).strip())
    try:
        width, height = (float(part) for part in parts[2:4]) if len(parts) == 4 else (0.0, 0.0)
    except ValueError:
        width, height = 0.0, 0.0
    if len(parts) != 4:
        lengths = [_LENGTH.fullmatch(str(root.get(name, ""))) for name in ("width", "height")]
        width, height = (0.0 if match is None else float(match[1]) for match in lengths)
    if not (0 < width < 1e9 and 0 < height < 1e9):
        raise SvgRefused("must have a viewBox, or a width and a height")
    return width, height
