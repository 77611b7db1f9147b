"""Commands for inbound mail."""

import sys
from datetime import datetime
from pathlib import Path
from uuid import UUID

import click

from clearline.cli.context import current_settings, transact
from clearline.cli.lazy import LazyCommand, LazyGroup
from clearline.cli.mail.list_options import mail_list_options
from clearline.cli.output import json_option, print_json, show, show_list
from clearline.cli.parameters.files import TEXT_FILE
from clearline.cli.parameters.ids import ID, resolve
from clearline.cli.parameters.times import key_before, not_before, span_of
from clearline.cli.terminal.text import echo, write
from clearline.clock import now
from clearline.errors import Conflict, NotFound
from clearline.identity import OPERATOR
from clearline.mail.inbound import usecases as inbound_mail
from clearline.mail.inbound.domain import InboundMail, InboundState, shortened
from clearline.mail.inbound.usecases import MailDetails
from clearline.platform.database.transactions import Tx
from clearline.tickets import access
from clearline.tickets.domain import ticket_number
from clearline.wires.house.mail.inbound_mapping import inbound_mail_details_out, inbound_mail_out

_COMMANDS = {
    "discard": LazyCommand("mail.inbound_review", "mail_discard", "Discard a quarantined mail."),
    "release": LazyCommand(
        "mail.inbound_review",
        "mail_release",
        "Turn a quarantined mail into a note or a ticket, in the name of its sender.",
    ),
}


@click.group("inbound-mail", cls=LazyGroup, lazy=_COMMANDS)
def inbound_mail_group() -> None:
    """Manage inbound mail."""


@inbound_mail_group.command("list")
@mail_list_options(InboundState, "mails received")
def mail_list(
    state: str | None,
    ticket: str | None,
    since: datetime | None,
    until: datetime | None,
    limit: int,
    *,
    as_json: bool,
) -> None:
    """List inbound mail, newest first. Mail in the state quarantined waits for a review."""
    number = None if ticket is None else access.parse_number(ticket)
    only = None if state is None else InboundState(state)
    span = span_of(since, until)
    mails = transact(
        lambda tx: inbound_mail.list_mails(
            tx, OPERATOR, state=only, ticket_number=number, before=key_before(span), limit=limit + 1
        )
    )
    show_list(
        not_before(span, mails, lambda mail: mail.received_at),
        inbound_mail_out,
        ("ID", "RECEIVED", "FROM", "SUBJECT", "STATE", "TICKET", "REASON"),
        lambda mail: (
            mail.id,
            mail.received_at,
            mail.sender or None,
            shortened(mail.subject, 60),
            mail.state,
            ticket_of(mail),
            mail.reason,
        ),
        noun="mails",
        as_json=as_json,
        limit=limit,
    )


@inbound_mail_group.command("show")
@click.argument("mail_id", type=ID)
@click.option("--raw", is_flag=True, help="Print the mail as it was received, byte for byte.")
@json_option
def mail_show(mail_id: str, *, raw: bool, as_json: bool) -> None:
    """Show a mail and its state."""
    if raw:

        async def read_raw(tx: Tx) -> bytes:
            return await inbound_mail.get_raw(tx, OPERATOR, await id_typed(tx, mail_id))

        write(transact(read_raw))
        return

    async def read(tx: Tx) -> MailDetails:
        return await inbound_mail.get_mail(tx, OPERATOR, await id_typed(tx, mail_id))

    details = transact(read)
    if as_json:
        print_json(inbound_mail_details_out(details))
        return
    mail, parsed = details.mail, details.parsed
    echo(f"{mail.state}: {mail.reason or ticket_of(mail) or ''}")
    echo(f"From: {mail.sender}\nTo: {mail.envelope_to}\nSubject: {mail.subject}\n")
    echo("The mail was deleted, or cannot be read." if parsed is None else parsed.text)
    if parsed is not None and parsed.files:
        files = [f"{file.name} ({file.media_type}, {len(file.content)} bytes)" for file in parsed.files]
        echo("\nFiles:\n" + "\n".join([*files, *parsed.omitted_files]))


@inbound_mail_group.command("receive")
@click.argument("file", type=TEXT_FILE)
@click.option("--to", "recipients", metavar="ADDRESS", multiple=True, required=True, help="Envelope recipient.")
@click.option("--from", "sender", metavar="ADDRESS", help="Envelope sender; by default Return-Path or From.")
@json_option
def mail_receive(file: str, recipients: tuple[str, ...], sender: str | None, *, as_json: bool) -> None:
    """Receive a mail from a file (- for standard input) as if a mail server had delivered it.

    Prints the ids of the mails that were stored; a mail that was received before is not stored again.
    """
    from clearline.mail.inbound import worker as inbound_worker  # noqa: PLC0415 - slow to import: a mail server
    from clearline.mail.inbound.reception.listener import Delivery, Unavailable  # noqa: PLC0415

    raw = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    envelope_from = inbound_mail.envelope_sender(raw) if sender is None else sender

    async def work(tx: Tx) -> list[UUID]:
        try:
            return await inbound_worker.store_delivery(tx, Delivery(envelope_from, recipients, raw), now=now())
        except Unavailable:
            raise NotFound("mailbox", " ".join(recipients)) from None

    if len(raw) > current_settings().mail_max:
        raise Conflict(f"the mail is larger than {current_settings().mail_max} bytes")
    ids = transact(work)
    show({"ids": ids}, "\n".join(map(str, ids)) or "The mail was received before.", as_json=as_json)


async def id_typed(tx: Tx, text: str) -> UUID:
    """Return the id of the mail that a person typed the beginning of."""
    return await resolve(text, inbound_mail.KIND, lambda low, high: inbound_mail.ids_between(tx, OPERATOR, low, high))


def ticket_of(mail: InboundMail) -> str | None:
    """Return the number of the ticket that a mail is about."""
    return None if mail.ticket_number is None else ticket_number(mail.ticket_number)
