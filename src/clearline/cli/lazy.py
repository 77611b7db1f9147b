"""Groups that import a command when it runs, so that each command starts fast."""

import gc
from collections.abc import Mapping
from importlib import import_module
from typing import Any, NamedTuple

import click
from click.shell_completion import CompletionItem


class LazyCommand(NamedTuple):
    """Where a command or a group is defined, and its help in the list of commands."""

    module: str
    name: str
    help: str

    def load(self) -> click.Command:
        """Import the command. What an import makes stays: to look for garbage meanwhile costs a tenth of its time."""
        is_collecting = gc.isenabled()
        gc.disable()
        try:
            command: click.Command = getattr(import_module(f"clearline.cli.{self.module}"), self.name)
        finally:
            if is_collecting:
                gc.enable()
        return command


class LazyGroup(click.Group):
    """A group with commands of other modules besides its own."""

    def __init__(self, *arguments: Any, lazy: Mapping[str, LazyCommand], **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands in alphabetical order."""
        return sorted([*self.lazy, *super().list_commands(ctx)])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, which is imported if need be."""
        if cmd_name in self.lazy:
            return self.lazy[cmd_name].load()
        return super().get_command(ctx, cmd_name)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return the commands and options that begin with a text, without importing any."""
        helps = self._helps()
        names = [name for name in self.list_commands(ctx) if name.startswith(incomplete)]
        options = click.Command.shell_complete(self, ctx, incomplete)
        return [CompletionItem(name, help=helps[name]) for name in names] + options

    def _helps(self) -> dict[str, str]:
        helps = {name: command.get_short_help_str(100) for name, command in self.commands.items()}
        return helps | {name: command.help for name, command in self.lazy.items()}

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing any."""
        helps = self._helps()
        with formatter.section("Commands"):
            formatter.write_dl([(name, helps[name]) for name in self.list_commands(ctx)])
