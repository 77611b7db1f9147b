"""What the commands for issue types and for service types share."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from clearline.catalogue import entry_usecases as entries
from clearline.catalogue.domain import Entry
from clearline.catalogue.entry_usecases import EntryKind
from clearline.cli.context import transact
from clearline.cli.output import show, show_done, show_list
from clearline.cli.terminal.changes import change_text
from clearline.cli.terminal.questions import confirm
from clearline.cli.terminal.text import echo
from clearline.clock import now
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Tx

E = TypeVar("E", bound=Entry)
Out = Callable[[E], Any]
Command = TypeVar("Command", bound=Callable[..., object])


def entry_options(command: Command) -> Command:
    """Add the options of the values that types of both kinds have, except the name."""
    for option in (
        click.option("--position", type=click.IntRange(min=0), help="Place in lists; the lowest comes first."),
        click.option("--help-text-de", "help_de", metavar="TEXT", help="Help text in German."),
        click.option("--help-text", "help", metavar="TEXT", help="One line below the name, where people choose."),
        click.option("--customer-name-de", metavar="NAME", help="Name that customers read in German."),
        click.option("--customer-name", metavar="NAME", help="Name that customers read; empty for the name."),
    ):
        command = option(command)
    return command


def list_entries(kind: EntryKind[E], out: Out[E], words: str, *, as_json: bool) -> None:
    """List the types in their order, those that are retired, too."""
    show_list(
        transact(lambda tx: entries.list_entries(tx, OPERATOR, kind)),
        out,
        ("KEY", "NAME", "FOR CUSTOMERS", "CONSOLE CONNECT", "STATE"),
        lambda entry: (
            entry.key,
            entry.name,
            entry.customer_name,
            getattr(entry, "console_connect", ""),
            "active" if entry.is_active else "retired",
        ),
        noun=words,
        as_json=as_json,
    )


def show_entry(kind: EntryKind[E], out: Out[E], text: str, *, as_json: bool) -> None:
    """Show a type with all its values."""
    entry = transact(lambda tx: entries.entry_called(tx, OPERATOR, kind, text))
    body = out(entry)
    lines = [f"{name}: {_cell(getattr(body, name))}" for name in body.__struct_fields__ if name != "id"]
    show(body, "\n".join(lines), as_json=as_json)


def _cell(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def add_entry(
    kind: EntryKind[E], out: Out[E], words: str, values: Mapping[str, object], *, key: str | None, as_json: bool
) -> None:
    """Add a type."""
    given = {name: value for name, value in values.items() if value is not None}
    entry = transact(lambda tx: entries.add_entry(tx, OPERATOR, kind, given, key=key, now=now()))
    show(out(entry), f"{words.capitalize()} {entry.name} added.", as_json=as_json)


def change_entry(
    kind: EntryKind[E], out: Out[E], words: str, text: str, values: Mapping[str, object], *, as_json: bool
) -> None:
    """Change a type. Values that are None stay."""
    given = {name: value for name, value in values.items() if value is not None}
    if not given:
        raise click.UsageError("Nothing to change: give at least one option.")

    async def work(tx: Tx) -> tuple[E, E]:
        before = await entries.entry_called(tx, OPERATOR, kind, text)
        return before, await entries.change_entry(tx, OPERATOR, kind, before.id, given, now=now())

    before, after = transact(work)
    show(out(after), change_text(f"{words.capitalize()} {after.name}", out(before), out(after)), as_json=as_json)


def retire_entry(kind: EntryKind[E], out: Out[E], words: str, text: str, *, active: bool, as_json: bool) -> None:
    """Retire a type, or activate it again."""

    async def work(tx: Tx) -> E:
        entry = await entries.entry_called(tx, OPERATOR, kind, text)
        return await entries.change_entry(tx, OPERATOR, kind, entry.id, {"is_active": active}, now=now())

    entry = transact(work)
    show(out(entry), f"{words.capitalize()} {entry.name} {'active' if active else 'retired'}.", as_json=as_json)
    if not active and entry.key in kind.words:
        echo("The Console Connect API goes on accepting it.", err=True)


def delete_entry(kind: EntryKind[E], words: str, text: str, *, yes: bool, as_json: bool) -> None:
    """Delete a type that nothing has."""
    confirm(f"Delete {words} {text}?", yes=yes)

    async def work(tx: Tx) -> E:
        entry = await entries.entry_called(tx, OPERATOR, kind, text)
        return await entries.delete_entry(tx, OPERATOR, kind, entry.id, now=now())

    deleted = transact(work)
    show_done(f"{words.capitalize()} {deleted.name} deleted.", as_json=as_json)
