"""Commands that decide about mail in quarantine."""

import click

from clearline.cli.context import current_settings, run, transact
from clearline.cli.mail.inbound import id_typed, ticket_of
from clearline.cli.output import json_option, show
from clearline.cli.parameters.ids import ID
from clearline.cli.parameters.numbers import TICKET
from clearline.cli.terminal.questions import confirm, yes_option
from clearline.cli.tickets.blobs import writable_blobs
from clearline.clock import now
from clearline.errors import DeskError
from clearline.identity import OPERATOR
from clearline.mail.inbound import review_usecases as inbound_review
from clearline.mail.inbound.domain import InboundMail
from clearline.mail.inbound.file import InboundMailContext
from clearline.platform.database.errors import StatementFailed
from clearline.platform.database.transactions import Database, Tx
from clearline.tickets import access
from clearline.tickets.attachments.blob_backend import BlobsUnavailable
from clearline.tickets.attachments.domain import attachment_limits
from clearline.wires.house.mail.inbound_mapping import inbound_mail_out


@click.command("release")
@click.argument("mail_id", type=ID)
@click.option("--ticket", "number", type=TICKET, metavar="NUMBER", help="Add the mail to this ticket as a note.")
@click.option("--company", metavar="NAME", help="Create a ticket of this company from the mail.")
@json_option
def mail_release(mail_id: str, number: str | None, company: str | None, *, as_json: bool) -> None:
    """Turn a quarantined mail into a note or a ticket, in the name of its sender."""
    if (number is None) == (company is None):
        raise click.UsageError("Give either --ticket or --company.")

    async def work(database: Database) -> InboundMail:
        async with database.transaction() as tx:
            context = await _context(tx)
        try:
            async with database.transaction() as tx:
                known = await id_typed(tx, mail_id)
                if number is not None:
                    ticket = access.parse_number(number)
                    return await inbound_review.release_to_ticket(
                        tx, OPERATOR, known, ticket, context=context, now=now()
                    )
                name = company or ""
                return await inbound_review.release_as_ticket(tx, OPERATOR, known, name, context=context, now=now())
        except (DeskError, BlobsUnavailable, StatementFailed):
            await context.discard()
            raise

    released = run(work)
    show(inbound_mail_out(released), f"Mail released to {ticket_of(released)}.", as_json=as_json)


@click.command("discard")
@click.argument("mail_id", type=ID)
@yes_option
@json_option
def mail_discard(mail_id: str, *, yes: bool, as_json: bool) -> None:
    """Discard a quarantined mail."""
    confirm(f"Discard mail {mail_id}?", yes=yes)

    async def work(tx: Tx) -> InboundMail:
        return await inbound_review.discard(tx, OPERATOR, await id_typed(tx, mail_id), now=now())

    discarded = transact(work)
    show(inbound_mail_out(discarded), "Mail discarded.", as_json=as_json)


async def _context(tx: Tx) -> InboundMailContext:
    settings = current_settings()
    return await inbound_review.processing_context(tx, settings, writable_blobs(settings), attachment_limits(settings))
