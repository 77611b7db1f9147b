"""Control characters in text that others wrote, made visible: a terminal would obey them."""

import re

_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters but tab and line feed (ECMA-48: C0, DEL, C1), controls of direction, and lone surrogates.

A sequence that begins with ESC or with a C1 control can set the title of a terminal, write its clipboard (OSC 52) and
move its cursor over other text. Controls of direction show text in another order than it has (Unicode TR36).
"""
_BREAKS = re.compile("\r\n|[\t\n\r\x0b\x0c\x85\u2028\u2029]")


def visible(text: str) -> str:
    """Return text with its control characters as escapes. CR LF is a line break."""
    return _CONTROLS.sub(_escape, text.replace("\r\n", "\n"))


def visible_line(text: str) -> str:
    """Return text in one line, as ``visible``, with a space in the place of each line break and tab."""
    return visible(_BREAKS.sub(" ", text))


def visible_json(text: str) -> str:
    """Return JSON of the same value, with the control characters that JSON allows in strings as escapes (RFC 8259)."""
    return _CONTROLS.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}"
