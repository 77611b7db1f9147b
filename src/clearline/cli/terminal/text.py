"""Text for people at a terminal. What others wrote cannot steer it."""

import sys
from typing import IO, Any

import click

from clearline.controls import visible


def echo(text: Any = "", *, err: bool = False, nl: bool = True) -> None:
    """Print text on standard output, or on standard error, with its control characters as escapes."""
    click.echo(visible(str(text)), err=err, nl=nl)


def write(data: bytes, file: IO[bytes] | None = None) -> None:
    """Write bytes to a file, by default standard output, as they are; to a terminal as ``echo`` prints their text."""
    target: IO[bytes] = sys.stdout.buffer if file is None else file
    target.write(visible(data.decode(errors="replace")).encode() if target.isatty() else data)


def counted(count: int, noun: str) -> str:
    """Return a number of things: ``1 user``, ``2 users``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
