"""Ids as people type them: whole, or a prefix that no other id of the kind has."""

import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from uuid import UUID

import click

from clearline.errors import InvalidInput, NotFound, RuleCode, Violation

_DIGITS = re.compile(r"[0-9a-f]{4,32}")
_SHOWN_MAX = 5

Between = Callable[[UUID, UUID], Awaitable[Sequence[UUID]]]
"""Returns the ids between two, both included; some are enough when there are many."""


def _range(text: str) -> tuple[UUID, UUID] | None:
    """Return the least and the greatest id with a prefix; None when no id can have it."""
    digits = text.replace("-", "").lower()
    if _DIGITS.fullmatch(digits) is None:
        return None
    return UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))


class _Id(click.ParamType[str]):
    name = "id"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Check that the text may be an id or the beginning of one."""
        if _range(str(value)) is None:
            self.fail(f"{value!r} is not a valid UUID, nor the first 4 or more characters of one.", param, ctx)
        return str(value)


ID = _Id()


async def resolve(text: str, kind: str, between: Between) -> UUID:
    """Return the id that a text is, or the only one that it is a prefix of. A whole id is not looked up.

    Raises:
        NotFound: there is none.
        InvalidInput: there are several.
    """
    bounds = _range(text)
    if bounds is None:
        raise NotFound(kind, text)
    if bounds[0] == bounds[1]:
        return bounds[0]
    ids = sorted(await between(*bounds))
    if not ids:
        raise NotFound(kind, text)
    if len(ids) > 1:
        shown = ", ".join(map(str, ids[:_SHOWN_MAX])) + (", ..." if len(ids) > _SHOWN_MAX else "")
        raise InvalidInput([Violation(f"{kind} {text}", f"may be {shown}: give more characters", RuleCode.REFERENCE)])
    return ids[0]


async def resolve_among(text: str, kind: str, ids: Callable[[], Awaitable[Iterable[UUID]]]) -> UUID:
    """Return as ``resolve`` the id that a text is, or the only one of ``ids`` that it is a prefix of."""

    async def between(low: UUID, high: UUID) -> list[UUID]:
        return [candidate for candidate in await ids() if low <= candidate <= high]

    return await resolve(text, kind, between)
