"""Orders and columns of lists of tickets that a person types: as options of commands."""

import re

import click

from clearline.fields.domain import KEY
from clearline.tickets.lists.order import OWN_FIELD, SORTS
from clearline.workspace.column_domain import Column, in_order

_BY_FIELD = re.compile(f"-?{re.escape(OWN_FIELD)}{KEY.pattern}")


class Sort(click.Choice[str]):
    """The name of an order, also that of an own field, which is looked up later. ``others`` are other words."""

    def __init__(self, *others: str) -> None:
        super().__init__([*SORTS, *others])

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Read the name of an order."""
        return value if _BY_FIELD.fullmatch(value) else super().convert(value, param, ctx)


class ColumnName(click.Choice[str]):
    """The name of a column, also that of an own field, which is looked up later. ``others`` are other words."""

    def __init__(self, *others: str) -> None:
        super().__init__([*Column, *others])

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Read the name of a column."""
        return value if in_order([value]) else super().convert(value, param, ctx)
