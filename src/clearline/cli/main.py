"""The command line.

Exit status: 0 done; 1 refused, and what was refused changed nothing; 2 wrong usage; 3 a check found something
wrong; 4 the database cannot be used, or a setting is wrong; 130 interrupted by Ctrl-C.
"""

import os
from pathlib import Path

import click

from clearline.cli.exit_status import INTERRUPTED, REFUSED, UNAVAILABLE
from clearline.cli.lazy import LazyCommand, LazyGroup
from clearline.cli.terminal.text import echo
from clearline.errors import DeskError, OperationalError
from clearline.settings import file as settings_file
from clearline.settings.settings import InvalidSetting
from clearline.version import version

COMMANDS = {
    "agent": LazyCommand("accounts.agents", "agent", "Manage the provider's own people."),
    "attachment": LazyCommand("tickets.attachments", "attachment", "Manage the files attached to tickets."),
    "audit": LazyCommand("audit", "audit", "List audit events, newest first."),
    "backup": LazyCommand(
        "server.backup",
        "backup",
        "Back up the database and the attachments into a new folder in DIR, while the server runs.",
    ),
    "bulk": LazyCommand("bulk.bulk", "bulk", "Change many tickets at once."),
    "case": LazyCommand("cases.cases", "case_group", "Manage the cases of tickets at carriers and vendors."),
    "company": LazyCommand("accounts.companies", "company", "Manage customers, and the provider itself."),
    "demo": LazyCommand("server.demo", "demo", "Load demo data and print a new key for each company."),
    "doctor": LazyCommand("server.doctor", "doctor", "Check the installation."),
    "domain": LazyCommand(
        "accounts.domains",
        "domain",
        "Manage the mail domains of a company, whose addresses are confirmed without an invitation.",
    ),
    "events": LazyCommand("event_stream", "events", "Read the event stream."),
    "field": LazyCommand("fields.fields", "field", "Manage own fields of tickets, services and companies."),
    "form": LazyCommand("forms.forms", "form", "Manage what tickets are asked for by their issue type."),
    "identity-provider": LazyCommand(
        "accounts.identity_providers",
        "identity_provider",
        "Manage the identity providers (OpenID Connect) that the provider's people sign in with.",
    ),
    "import": LazyCommand(
        "bulk.imports", "import_group", "Import companies, people, services, tickets and files from another desk."
    ),
    "inbound-mail": LazyCommand("mail.inbound", "inbound_mail_group", "Manage inbound mail."),
    "issue-type": LazyCommand(
        "catalogue.issue_types", "issue_type", "Manage the types of issues that tickets are about."
    ),
    "job": LazyCommand("bulk.jobs", "job", "Manage the jobs that change or import many tickets."),
    "key": LazyCommand("accounts.keys", "key", "Manage API keys."),
    "macro": LazyCommand(
        "workspace.macros", "macro", "Manage macros: saved replies, and what else they do to a ticket."
    ),
    "mail": LazyCommand(
        "mail.outbound",
        "mail",
        "Manage outbound mail, addresses that no mail is sent to, and mail that recipients stopped.",
    ),
    "mailbox": LazyCommand("mail.mailboxes", "mailbox", "Manage the addresses that mail is accepted for."),
    "migrate": LazyCommand("server.migrate", "migrate", "Apply missing migrations to the database."),
    "notifications": LazyCommand("notifications", "notifications_group", "Manage what people get mail about."),
    "person": LazyCommand("privacy.person", "person", "Export what is stored about a person, or erase it."),
    "priority-matrix": LazyCommand(
        "catalogue.matrix",
        "priority_matrix",
        "Manage the priority matrix: what a new ticket begins with, by impact, urgency as asked, and tier.",
    ),
    "queue": LazyCommand("queues.queues", "queue", "Manage the queues that tickets wait in."),
    "restore": LazyCommand("server.backup", "restore", "Restore a backup into an empty database or data directory."),
    "retention": LazyCommand("retention", "retention", "See how long data is kept, and delete what is older."),
    "route": LazyCommand("routing", "route", "Manage routing rules, and route tickets."),
    "search": LazyCommand("search", "search", "Search tickets, and rebuild the search index."),
    "serve": LazyCommand("server.serve", "serve", "Run the server until Ctrl-C or SIGTERM."),
    "service": LazyCommand(
        "inventory.services", "service", "Manage the services that a company's tickets can be about."
    ),
    "service-type": LazyCommand(
        "catalogue.service_types", "service_type", "Manage the types of services that tickets are about."
    ),
    "setup-link": LazyCommand(
        "server.setup_link", "setup_link", "Print a new link of the set-up of a fresh installation."
    ),
    "team": LazyCommand("queues.teams", "team", "Manage teams: the people who work the queues."),
    "template": LazyCommand("workspace.templates", "template", "Manage ticket templates: saved beginnings of tickets."),
    "term": LazyCommand(
        "catalogue.terms",
        "term",
        "Manage the lists: why tickets wait, sub-statuses, causes, actions, responsibilities.",
    ),
    "tier": LazyCommand("inventory.tiers", "tier", "Manage the tiers of companies and services."),
    "ticket": LazyCommand("tickets.tickets", "ticket", "Work with tickets."),
    "upgrade-database": LazyCommand(
        "server.upgrade_database", "upgrade_database", "Carry the embedded database over to a newer PostgreSQL."
    ),
    "user": LazyCommand("accounts.users", "user", "Manage the people of a company."),
    "verify-backup": LazyCommand(
        "server.backup",
        "verify_backup",
        "Verify a backup: its manifest, the checksum of every file, and that the dump can be read.",
    ),
    "view": LazyCommand("workspace.views", "view", "Manage saved views: named searches."),
    "webhook": LazyCommand("webhooks", "webhook", "Manage webhooks, and the deliveries to them."),
    "work": LazyCommand("server.work", "work", "Run a worker until Ctrl-C or SIGTERM."),
}


class _Commands(LazyGroup):
    """Turns errors into a line on standard error and an exit status."""

    def invoke(self, ctx: click.Context) -> object:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except DeskError as error:
            echo(f"refused: {error}", err=True)
            ctx.exit(REFUSED)
        except (OperationalError, InvalidSetting) as error:
            echo(f"error: {error}", err=True)
            ctx.exit(UNAVAILABLE)
        except click.Abort as error:
            if not isinstance(error.__context__, KeyboardInterrupt):  # the end of the input, in answer to a question
                raise
            ctx.exit(_interrupted())
        except KeyboardInterrupt:
            ctx.exit(_interrupted())


def _interrupted() -> int:
    echo("Interrupted.", err=True)
    return INTERRUPTED


def _show_version(context: click.Context, _option: click.Parameter, asked: bool) -> None:  # noqa: FBT001 - click's order
    if asked and not context.resilient_parsing:
        echo(f"clearline, version {version()}")
        context.exit()


@click.group(cls=_Commands, lazy=COMMANDS, epilog=" ".join(__doc__.split("\n\n")[1].split()))
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version and exit.",
)
@click.option(
    "--env-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Read settings from this file of NAME=value lines; variables of the environment take precedence. By default "
    f"{settings_file.DEFAULT_FILE}, if it is readable and the environment names no database and no data directory.",
)
@click.pass_context
def main(context: click.Context, env_file: Path | None) -> None:
    """Clearline, a support desk for network providers.

    Settings are environment variables that begin with CLEARLINE_; see docs/reference/settings.md.
    """
    context.with_resource(settings_file.environment_with(env_file, os.environ))
