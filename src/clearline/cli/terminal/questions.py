"""Questions before a command does what cannot be undone."""

import sys

import click

from clearline.cli.exit_status import REFUSED
from clearline.controls import visible_line

yes_option = click.option("--yes", is_flag=True, help="Do not ask. Without a terminal nothing is asked anyway.")


def confirm(question: str, *, yes: bool) -> None:
    """Ask on a terminal whether to go on, and end the command with ``REFUSED`` unless the answer is yes.

    Nothing is asked with ``--yes``, and in a script: where standard input or standard error is no terminal.
    """
    if yes or not can_ask():
        return
    if not click.confirm(visible_line(question), err=True):
        click.echo("Nothing was done.", err=True)
        click.get_current_context().exit(REFUSED)


def can_ask() -> bool:
    """Return whether somebody at a terminal can answer."""
    return sys.stdin.isatty() and sys.stderr.isatty()
