"""What commands print: JSON as the house API answers it, or lines and tables for people."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import click
import msgspec

from clearline.cli.terminal import table
from clearline.cli.terminal.text import echo
from clearline.controls import visible_json

T = TypeVar("T")

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
limit_option = click.option(
    "--limit", type=click.IntRange(1, 100_000), default=200, show_default=True, help="Print at most this many."
)


def print_json(value: object) -> None:
    """Print a value as JSON, encoded as wires encode it."""
    click.echo(visible_json(msgspec.json.format(msgspec.json.encode(value), indent=2).decode()))


def show(value: object, text: str, *, as_json: bool) -> None:
    """Print a value as JSON, or a sentence for people."""
    if as_json:
        print_json(value)
    else:
        echo(text)


def show_secret(value: object, secret: str, notice: str, *, as_json: bool) -> None:
    """Print a value as JSON, or only a secret, so that a variable can store it; a notice is on standard error."""
    if not as_json:
        echo(notice, err=True)
    show(value, secret, as_json=as_json)


def show_done(text: str, *, as_json: bool) -> None:
    """Print that something was done whose API operation answers no body: with JSON nothing is printed."""
    if not as_json:
        echo(text)


def show_list(
    items: Sequence[T],
    out: Callable[[T], object],
    columns: Sequence[str],
    row: Callable[[T], Sequence[object]],
    *,
    noun: str,
    as_json: bool,
    limit: int | None = None,
) -> None:
    """Print items as a JSON array or as a table.

    Args:
        items: what to print; with ``limit`` they were read with one more, so that it is known whether there are more.
        out: maps an item to what the house API answers.
        columns: the headings of the table.
        row: the cells of an item.
        noun: what the items are, in the plural.
        as_json: whether to print JSON.
        limit: how many to print at most; None prints all.
    """
    items = within_limit(items, limit, noun)
    if as_json:
        print_json([out(item) for item in items])
    elif items:
        print_table(columns, [row(item) for item in items])
    else:
        echo(f"No {noun} found.", err=True)


def within_limit(items: Sequence[T], limit: int | None, noun: str) -> Sequence[T]:
    """Return the first ``limit`` items; when there are more, say so on standard error."""
    if limit is None or len(items) <= limit:
        return items
    echo(f"Showing the first {limit} {noun}; use --limit to see more.", err=True)
    return items[:limit]


def print_members(value: object) -> None:
    """Print the members of a body that are set, each in a line; those of a nested object by dotted names."""
    print_table(("MEMBER", "VALUE"), list(_members("", msgspec.to_builtins(value))))


def _members(prefix: str, members: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    for name, value in members.items():
        if isinstance(value, dict):
            yield from _members(f"{prefix}{name}.", value)
        elif value not in (None, "", []):
            yield prefix + name, " ".join(map(str, value)) if isinstance(value, list) else value


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows under headings."""
    table.print_table(columns, [[cell(value) for value in row] for row in rows])


def cell(value: object) -> str:
    """Return a value as people read it; times in UTC, to the minute."""
    if value is None:
        return "-"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}Z"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, frozenset):
        return " ".join(sorted(value))
    return str(value)
