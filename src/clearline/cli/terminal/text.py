"""Text for people at a terminal. What customers wrote cannot steer it."""

import re
from typing import Any

import click

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters but tab and line feed (ECMA-48: C0, DEL, C1), controls of direction, and lone surrogates.

A terminal runs sequences that begin with ESC or with a C1 control: they can set its title, write its clipboard (OSC 52) and
move its cursor over other text. Controls of direction show text in another order than it has (Unicode TR36, 3.9).
"""
_BREAKS = re.compile(r"\r\n|[\t\n\r\x0b\x0c\x85\u2028\u2029]")


def visible(text: str) -> str:
    """Return text with its control characters written as escapes, ESC as ``\\x1b``; a line break may be CR LF."""
    return _CONTROLS.sub(_escaped, text.replace("\r\n", "\n"))


def visible_line(text: str) -> str:
    """Return text in one line as ``visible``, with spaces in the place of line breaks and tabs."""
    return visible(_BREAKS.sub(" ", text))


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}"


def echo(text: Any = "", *, err: bool = False, nl: bool = True) -> None:
    """Print text on standard output, or on standard error, without any control of the terminal."""
    click.echo(visible(str(text)), err=err, nl=nl)


def counted(count: int, noun: str) -> str:
    """Return a number of things: ``1 user``, ``2 users``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
