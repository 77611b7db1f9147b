"""A progress bar for commands that work through many items."""

import sys

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress


def progress_bar() -> Progress:
    """Return a bar on standard error that is drawn on a terminal only, and disappears at the end."""
    return Progress(
        *Progress.get_default_columns(),
        MofNCompleteColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )
