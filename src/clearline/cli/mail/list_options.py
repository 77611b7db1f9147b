"""The options of the commands that list mails."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, TypeVar

import click

from clearline.cli.output import json_option, limit_option
from clearline.cli.parameters.numbers import TICKET
from clearline.cli.parameters.times import span_options

F = TypeVar("F", bound=Callable[..., Any])


def mail_list_options(states: type[StrEnum], mails: str) -> Callable[[F], F]:
    """Return a decorator that adds ``--state``, ``--ticket``, ``--since``, ``--until``, ``--limit`` and ``--json``.

    ``mails`` says in the help which mails are of a time, such as "mails received".
    """
    options = (
        click.option("--state", type=click.Choice([state.value for state in states]), help="Only mails in this state."),
        click.option("--ticket", type=TICKET, metavar="NUMBER", help="Only mails about this ticket."),
        span_options(mails),
        limit_option,
        json_option,
    )

    def decorate(command: F) -> F:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate
