"""Mail that came in."""

import sys
from pathlib import Path
from uuid import UUID

import click

from clearline.cli.context import as_json, emit, limit_option, run, settings, table, within
from clearline.clock import now
from clearline.errors import Conflict, DeskError, NotFound
from clearline.identity import OPERATOR
from clearline.mail.inbound import usecases as inbound_mail
from clearline.mail.inbound import worker as mail_in
from clearline.mail.inbound.domain import InboundMail, InboundState
from clearline.mail.inbound.file import InboundMailContext
from clearline.mail.inbound.listener import Delivery, Unavailable
from clearline.mail.outbound import usecases as outbound_mail
from clearline.platform.database.transactions import Database, StatementFailed, Tx
from clearline.tickets import access
from clearline.tickets.attachments.blobs import BlobsUnavailable, open_blobs
from clearline.tickets.attachments.domain import Limits
from clearline.tickets.domain import ticket_number


@click.group("inbound-mail")
def mail() -> None:
    """Mail that came in, and what becomes of it."""


@mail.command("list")
@click.option("--state", type=click.Choice([one.value for one in InboundState]), help="Only mails in this state.")
@limit_option
@as_json
def mail_list(state: str | None, limit: int, *, as_json: bool) -> None:
    """Mails that came in, newest first; --state quarantined shows what waits for a decision."""
    wanted = None if state is None else InboundState(state)
    found = within(lambda tx: inbound_mail.list_mails(tx, OPERATOR, state=wanted, limit=limit))
    if as_json:
        emit([_described(one) for one in found])
        return
    table(
        ("ID", "RECEIVED", "FROM", "SUBJECT", "STATE", "TICKET", "REASON"),
        [
            (one.id, one.received_at, one.sender or None, one.subject[:60], one.state, _ticket(one), one.reason)
            for one in found
        ],
    )


@mail.command("show")
@click.argument("mail_id", type=click.UUID)
@click.option("--raw", is_flag=True, help="The mail as it came, byte for byte.")
@as_json
def mail_show(mail_id: UUID, *, raw: bool, as_json: bool) -> None:
    """One mail: what it says, and what became of it."""
    if raw:
        sys.stdout.buffer.write(within(lambda tx: inbound_mail.get_raw(tx, OPERATOR, mail_id)))
        return
    found = within(lambda tx: inbound_mail.get_mail(tx, OPERATOR, mail_id))
    parsed = found.parsed
    if as_json:
        headers = [] if parsed is None else [{"name": name, "value": value} for name, value in parsed.headers.all]
        files = [] if parsed is None else [{"name": one.name, "size": len(one.content)} for one in parsed.files]
        text = "" if parsed is None else parsed.text
        emit({**_described(found.mail), "headers": headers, "text": text, "files": files})
        return
    click.echo(f"{found.mail.state}: {found.mail.reason or _ticket(found.mail) or ''}")
    click.echo(f"From: {found.mail.sender}\nTo: {found.mail.envelope_to}\nSubject: {found.mail.subject}\n")
    click.echo("The mail is kept no more, or cannot be read." if parsed is None else parsed.text)


@mail.command("release")
@click.argument("mail_id", type=click.UUID)
@click.option("--ticket", "number", metavar="NUMBER", help="Make it a note of this ticket.")
@click.option("--company", metavar="NAME", help="Make it a new ticket of this company.")
@as_json
def mail_release(mail_id: UUID, number: str | None, company: str | None, *, as_json: bool) -> None:
    """Have a mail that was put aside become a note or a ticket, in the name of its sender."""
    if (number is None) == (company is None):
        raise click.UsageError("Give --ticket or --company, and not both.")

    async def work(database: Database) -> InboundMail:
        async with database.transaction() as tx:
            context = await _context(tx)
        try:
            async with database.transaction() as tx:
                if number is not None:
                    known = access.check_number(number)
                    return await inbound_mail.release_to_ticket(
                        tx, OPERATOR, mail_id, known, context=context, now=now()
                    )
                name = company or ""
                return await inbound_mail.release_as_ticket(tx, OPERATOR, mail_id, name, context=context, now=now())
        except (DeskError, BlobsUnavailable, StatementFailed):
            await context.discard()
            raise

    released = run(work)
    emit(_described(released)) if as_json else click.echo(f"The mail is in {_ticket(released)}.")


@mail.command("discard")
@click.argument("mail_id", type=click.UUID)
@as_json
def mail_discard(mail_id: UUID, *, as_json: bool) -> None:
    """Say that nothing becomes of a mail that was put aside."""
    gone = within(lambda tx: inbound_mail.discard(tx, OPERATOR, mail_id, now=now()))
    emit(_described(gone)) if as_json else click.echo("The mail is discarded.")


@mail.command("receive")
@click.argument("file", type=click.Path(allow_dash=True))
@click.option("--to", "recipients", metavar="ADDRESS", multiple=True, required=True, help="Whom it is for.")
@click.option("--from", "sender", metavar="ADDRESS", help="Who handed it over; Return-Path or From unless given.")
@as_json
def mail_receive(file: str, recipients: tuple[str, ...], sender: str | None, *, as_json: bool) -> None:
    """Take a mail from a file (- for standard input), as if it had been handed over."""
    raw = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    envelope_from = inbound_mail.envelope_sender(raw) if sender is None else sender

    async def work(tx: Tx) -> list[UUID]:
        try:
            return await mail_in.store_delivery(tx, Delivery(envelope_from, recipients, raw), now=now())
        except Unavailable:
            raise NotFound("mailbox", " ".join(recipients)) from None

    if len(raw) > settings().mail_max:
        raise Conflict(f"the mail is larger than {settings().mail_max} bytes")
    kept = within(work)
    if as_json:
        emit({"kept": kept})
    else:
        click.echo("\n".join(map(str, kept)) if kept else "It was taken before.")


async def _context(tx: Tx) -> InboundMailContext:
    found = settings()
    mail_settings = await outbound_mail.mail_settings(tx, found)
    limits = Limits(found.attachment_max, found.attachment_types)
    return InboundMailContext(mail_settings.secret, mail_settings.address, open_blobs(found), limits, [])


def _ticket(one: InboundMail) -> str | None:
    return None if one.ticket_number is None else ticket_number(one.ticket_number)


def _described(one: InboundMail) -> dict[str, object]:
    return {
        "id": one.id,
        "receivedAt": one.received_at,
        "sender": one.sender,
        "envelopeTo": one.envelope_to.split(),
        "subject": one.subject,
        "messageId": one.message_id,
        "size": one.size,
        "state": one.state,
        "reason": one.reason,
        "ticket": _ticket(one),
        "decidedAt": one.decided_at,
    }
