"""Numbers of tickets and notes as people type them: ``INC000000000042``, ``INC42`` or ``42``."""

import re
from collections.abc import Callable

import click

from clearline.tickets.domain import ticket_number
from clearline.tickets.note_domain import worklog_id


class _Number(click.ParamType[str]):
    name = "number"

    def __init__(self, prefix: str, spell: Callable[[int], str]) -> None:
        self._pattern = re.compile(rf"(?:{prefix})?0*([0-9]{{1,12}})", re.IGNORECASE)
        self._spell = spell

    def is_number(self, text: str) -> bool:
        """Return whether a text is a number in one of the spellings."""
        return self._pattern.fullmatch(text) is not None

    def convert(self, value: object, _param: click.Parameter | None, _ctx: click.Context | None) -> str:
        """Return a number as the API spells it; another text stays as it is, and is refused by its name."""
        text = str(value).strip()
        match = self._pattern.fullmatch(text)
        return str(value) if match is None else self._spell(int(match[1]))


TICKET = _Number("INC", ticket_number)
NOTE = _Number("WLG", worklog_id)
