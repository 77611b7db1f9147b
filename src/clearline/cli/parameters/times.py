"""Times that a person types: as options of commands."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

import click

from clearline.clock import Span

Item = TypeVar("Item")
Command = TypeVar("Command", bound=Callable[..., Any])


class _Time(click.ParamType[datetime]):
    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Read a day or a time (ISO 8601), in UTC unless it has a zone."""
        if isinstance(value, datetime):
            return value
        try:
            time = datetime.fromisoformat(str(value))
            return time.astimezone(UTC) if time.tzinfo is not None else time.replace(tzinfo=UTC)
        except (ValueError, OverflowError):
            self.fail(f"{value} must be a day or a time, such as 2026-03-01 or 2026-03-01T12:00 (UTC)", param, ctx)


TIME = _Time()


def span_options(what: str) -> Callable[[Command], Command]:
    """Return the decorator that adds ``--since`` and ``--until`` to a command that lists ``what``."""

    def decorate(command: Command) -> Command:
        until = click.option("--until", type=TIME, metavar="TIME", help=f"Only {what} before this time (UTC).")
        since = click.option(
            "--since",
            type=TIME,
            metavar="TIME",
            help=f"Only {what} at this time or later, such as 2026-03-01T12:00 (UTC).",
        )
        return since(until(command))

    return decorate


def span_of(since: datetime | None, until: datetime | None, name: str = "--until") -> Span | None:
    """Return the span of time that two options give, or None if neither is given.

    Raises:
        click.UsageError: it ends before it begins; the option ``name`` has its end.
    """
    if since is None and until is None:
        return None
    span = Span(since or Span().since, until or Span().until)
    if span.until <= span.since:
        raise click.UsageError(f"{name} must be after {name.replace('until', 'since')}.")
    return span


def key_before(span: Span | None) -> tuple[datetime, UUID] | None:
    """Return the key, a time and an id, after which a list from the newest to the oldest is within a span of time."""
    return None if span is None else (span.until, UUID(int=0))


def not_before(span: Span | None, items: Sequence[Item], time_of: Callable[[Item], datetime]) -> list[Item]:
    """Return the items of a list from the newest to the oldest that are not before a span of time."""
    return [item for item in items if span is None or time_of(item) >= span.since]
