"""Statements about one ticket, made into one about many."""

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from uuid import UUID

from clearline.platform.database.transactions import Record

T = TypeVar("T")
Key = tuple[UUID, int]
"""The company and the number of a ticket."""

_COMPANY_OR_NUMBER = re.compile(r"\$([12])\b")
_WANTED = {"1": "wanted.company_id", "2": "wanted.number"}


def of_many(statement: str) -> str:
    """Return a statement that binds the company and the number of a ticket first, for arrays of both.

    Its rows are those of the statement for each ticket, with their place in it and the ticket's number at their ends.
    """
    of_ticket = _COMPANY_OR_NUMBER.sub(lambda match: _WANTED[match[1]], statement)
    return f"""
    select part.*, wanted.number
      from unnest($1::uuid[], $2::bigint[]) wanted (company_id, number)
      cross join lateral (select item.*, row_number() over () as place from ({of_ticket}) item) part
     order by wanted.number, part.place
    """


def keys_apart(keys: Sequence[Key]) -> tuple[list[UUID], list[int]]:
    """Return the companies and the numbers of tickets, as a statement of ``of_many`` binds them."""
    return [company_id for company_id, _number in keys], [number for _company_id, number in keys]


def by_ticket(rows: Sequence[Record], make: Callable[[Any], T]) -> dict[int, list[T]]:
    """Return what ``make`` makes of the rows of a statement of ``of_many``, by the numbers of the tickets."""
    parts: dict[int, list[T]] = defaultdict(list)
    for row in rows:
        *values, _place, number = row
        parts[number].append(make(values))
    return parts
