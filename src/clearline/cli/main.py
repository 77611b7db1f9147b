"""The command line.

Exit status: 0 done; 1 refused, and what was refused changed nothing; 2 wrong usage; 3 a check found something
wrong; 4 the database cannot be used, or a setting is wrong.
"""

from importlib import import_module
from typing import NamedTuple

import click

from clearline import __version__
from clearline.cli.exit_status import REFUSED, UNAVAILABLE
from clearline.errors import DeskError, OperationalError
from clearline.settings import InvalidSetting


class _Command(NamedTuple):
    """Where a command or a group is defined, and its help in the list of commands."""

    module: str
    name: str
    help: str


COMMANDS = {
    "agent": _Command("accounts.agents", "agent", "Manage the provider's own people."),
    "attachment": _Command("tickets.attachments", "attachment", "Manage the files attached to tickets."),
    "audit": _Command("audit", "audit", "List audit events, newest first."),
    "bulk": _Command("bulk.bulk", "bulk", "Change many tickets at once."),
    "company": _Command("accounts.companies", "company", "Manage customers, and the provider itself."),
    "demo": _Command("server.demo", "demo", "Load demo data and print a new key for each company."),
    "doctor": _Command("server.doctor", "doctor", "Check the installation."),
    "events": _Command("event_stream", "events", "Read the event stream."),
    "inbound-mail": _Command("mail.inbound", "inbound_mail_group", "Manage inbound mail."),
    "job": _Command("bulk.jobs", "job", "Manage the jobs that change or import many tickets."),
    "key": _Command("accounts.keys", "key", "Manage API keys."),
    "macro": _Command("workspace.macros", "macro", "Manage macros: saved replies, and what else they do to a ticket."),
    "mail": _Command("mail.outbound", "mail", "Manage outbound mail, and addresses that no mail is sent to."),
    "mailbox": _Command("mail.mailboxes", "mailbox", "Manage the addresses that mail is accepted for."),
    "migrate": _Command("server.migrate", "migrate", "Apply missing migrations to the database."),
    "notifications": _Command("notifications", "notifications_group", "Manage what people get mail about."),
    "queue": _Command("queues.queues", "queue", "Manage the queues that tickets wait in."),
    "route": _Command("routing", "route", "Manage routing rules, and route tickets."),
    "search": _Command("search", "search", "Search tickets, and rebuild the search index."),
    "serve": _Command("server.serve", "serve", "Run the server until Ctrl-C or SIGTERM."),
    "service": _Command("inventory", "service", "Manage the services that a company's tickets can be about."),
    "team": _Command("queues.teams", "team", "Manage teams: the people who work the queues."),
    "ticket": _Command("tickets.tickets", "ticket", "Work with tickets."),
    "user": _Command("accounts.users", "user", "Manage the people of a company."),
    "view": _Command("workspace.views", "view", "Manage saved views: named searches."),
    "webhook": _Command("webhooks", "webhook", "Manage webhooks, and the deliveries to them."),
    "work": _Command("server.work", "work", "Run a worker until Ctrl-C or SIGTERM."),
}
"""Every command; its module is imported when the command runs, so that each starts fast."""


class _Commands(click.Group):
    """Imports commands when they run, and turns errors into a line on standard error and an exit status."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        if cmd_name not in COMMANDS:
            return None
        module, name, _help = COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(f"clearline.cli.{module}"), name)
        return command

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.help) for name, command in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> object:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except DeskError as error:
            click.echo(f"refused: {error}", err=True)
            ctx.exit(REFUSED)
        except (OperationalError, InvalidSetting) as error:
            click.echo(f"error: {error}", err=True)
            ctx.exit(UNAVAILABLE)


@click.group(cls=_Commands, epilog=" ".join(__doc__.split("\n\n")[1].split()))
@click.version_option(__version__, prog_name="clearline")
def main() -> None:
    """Clearline, a support desk for network providers.

    Settings are environment variables that begin with CLEARLINE_; see docs/reference/settings.md.
    """
