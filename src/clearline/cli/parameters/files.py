"""Text files that commands read."""

import click

from clearline.tables import decode_file

TEXT_FILE = click.Path(exists=True, dir_okay=False, allow_dash=True)
"""The path of a file that is there, or ``-`` for standard input."""


def read_text(path: str) -> str:
    """Return the text of a file, or of standard input for ``-``.

    Raises:
        InvalidInput: it is not UTF-8.
    """
    with click.open_file(path, "rb") as file:
        return decode_file(file.read())
