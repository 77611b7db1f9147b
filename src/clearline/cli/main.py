"""The command line.

Exit status: 0 done; 1 refused, and what was refused changed nothing; 2 wrong usage; 3 a check found something
wrong; 4 the database cannot be used, or a setting is wrong.
"""

import click

from clearline import __version__
from clearline.cli import accounts, audit, notifications, search
from clearline.cli import bulk as jobs
from clearline.cli import event_stream as events
from clearline.cli import inventory as services
from clearline.cli import webhooks as subscriptions
from clearline.cli.context import REFUSED, UNAVAILABLE, NotReady
from clearline.cli.mail import inbound as mail_in
from clearline.cli.mail import mailboxes
from clearline.cli.mail import outbound as mail
from clearline.cli.queues import queues, teams
from clearline.cli.routing import preview as forecast
from clearline.cli.routing import rules as routing
from clearline.cli.server import demo, doctor, serve, work
from clearline.cli.tickets import attachments, tickets
from clearline.cli.tickets import links as relations
from clearline.cli.workspace import macros, views
from clearline.errors import DeskError
from clearline.platform.database.migrate import MigrationBlocked, SchemaTooNew
from clearline.platform.database.transactions import DatabaseMisconfigured, DatabaseUnavailable
from clearline.platform.postgres.programs import EmbeddedPostgresError
from clearline.settings import InvalidSetting
from clearline.tickets.attachments.blobs import BlobsUnavailable

_CANNOT = (
    DatabaseMisconfigured,
    DatabaseUnavailable,
    EmbeddedPostgresError,
    BlobsUnavailable,
    InvalidSetting,
    MigrationBlocked,
    NotReady,
    SchemaTooNew,
)


class _Commands(click.Group):
    """Turns what the desk refuses into one line on standard error and an exit status."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except DeskError as error:
            click.echo(f"refused: {error}", err=True)
            ctx.exit(REFUSED)
        except _CANNOT as error:
            click.echo(f"error: {error}", err=True)
            ctx.exit(UNAVAILABLE)


@click.group(cls=_Commands, epilog=" ".join(__doc__.split("\n\n")[1].split()))
@click.version_option(__version__, prog_name="clearline")
def main() -> None:
    """Clearline, a support desk for network providers.

    Settings come from environment variables that begin with CLEARLINE_; see docs/reference/settings.md.
    """


for command in (
    serve.serve,
    work.work,
    serve.migrate,
    accounts.company,
    accounts.user,
    accounts.key,
    accounts.agent,
    services.service,
    tickets.ticket,
    attachments.attachment,
    search.search,
    jobs.bulk,
    jobs.job,
    teams.team,
    queues.queue,
    routing.route,
    macros.macro,
    mailboxes.mailbox,
    mail_in.mail,
    mail.mail,
    views.view,
    subscriptions.webhook,
    notifications.notifications_group,
    audit.audit,
    events.events,
    demo.demo,
    doctor.doctor,
):
    main.add_command(command)

for command in (
    queues.ticket_assign,
    relations.link_ticket,
    relations.list_links,
    relations.unlink_ticket,
    relations.merge_ticket,
    relations.unmerge_ticket,
    relations.split_ticket,
    relations.watch_ticket,
    relations.unwatch_ticket,
    relations.list_watchers,
    jobs.ticket_import,
    jobs.ticket_export,
):
    tickets.ticket.add_command(command)
for command in (forecast.route_test, forecast.route_ticket):
    routing.route.add_command(command)
