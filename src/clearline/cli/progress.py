"""What a command shows on a terminal while it works. Elsewhere nothing is shown."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress_bar(text: str, total: int) -> Iterator[Callable[[int, int], None]]:
    """Draw a bar on standard error, which disappears at the end.

    Yields:
        what to call with the number of finished items and the number of all.
    """
    if not sys.stderr.isatty():
        yield lambda _completed, _total: None
        return
    from rich.console import Console  # noqa: PLC0415 - slow to import
    from rich.progress import MofNCompleteColumn, Progress  # noqa: PLC0415

    columns = (*Progress.get_default_columns(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(text, total=total)
        yield lambda completed, of: progress.update(task, completed=completed, total=of)


@contextmanager
def spinner(text: str) -> Iterator[None]:
    """Show that a command is at work, on standard error."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console  # noqa: PLC0415 - slow to import
    from rich.markup import escape  # noqa: PLC0415

    with Console(stderr=True).status(escape(text)):
        yield
