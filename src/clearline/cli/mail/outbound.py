"""Commands for outbound mail, and for addresses that no mail is sent to."""

from datetime import datetime
from uuid import UUID

import click

from clearline.cli.context import current_settings, transact
from clearline.cli.mail.list_options import mail_list_options
from clearline.cli.output import json_option, limit_option, print_json, show, show_done, show_list
from clearline.cli.parameters.ids import ID, resolve
from clearline.cli.parameters.times import key_before, not_before, span_of
from clearline.cli.terminal.text import echo, write
from clearline.clock import now
from clearline.identity import OPERATOR
from clearline.mail.outbound import opt_out_usecases as opt_outs
from clearline.mail.outbound import usecases as outbound_mail
from clearline.mail.outbound.compose import decode
from clearline.mail.outbound.domain import MailState, OutboundMail
from clearline.mail.outbound.opt_out_domain import StoredOptOut
from clearline.platform.database.transactions import Tx
from clearline.tickets import access
from clearline.tickets.domain import ticket_number
from clearline.wires.house.mail.outbound_mapping import (
    opt_out_out,
    outbound_mail_details_out,
    outbound_mail_out,
    suppression_out,
)


@click.group()
def mail() -> None:
    """Manage outbound mail, addresses that no mail is sent to, and mail that recipients stopped."""


@mail.command("outbox")
@mail_list_options(MailState, "mails created")
def mail_outbox(
    state: str | None,
    ticket: str | None,
    since: datetime | None,
    until: datetime | None,
    limit: int,
    *,
    as_json: bool,
) -> None:
    """List outbound mail, newest first."""
    number = None if ticket is None else access.parse_number(ticket)
    only = None if state is None else MailState(state)
    span = span_of(since, until)
    mails = transact(
        lambda tx: outbound_mail.list_mails(
            tx, OPERATOR, state=only, ticket_number=number, before=key_before(span), limit=limit + 1
        )
    )
    show_list(
        not_before(span, mails, lambda mail: mail.created_at),
        outbound_mail_out,
        ("ID", "CREATED", "STATE", "KIND", "TO", "SUBJECT", "FAILED", "ERROR"),
        lambda mail: (
            mail.id,
            mail.created_at,
            mail.state,
            mail.kind,
            mail.recipient,
            mail.subject,
            mail.attempts,
            mail.last_error,
        ),
        noun="mails",
        as_json=as_json,
        limit=limit,
    )


@mail.command("show")
@click.argument("mail_id", type=ID, metavar="ID")
@click.option("--raw", is_flag=True, help="Print the message as it is sent.")
@json_option
def mail_show(mail_id: str, *, raw: bool, as_json: bool) -> None:
    """Show a mail: its state, its headers and its text."""

    async def read(tx: Tx) -> tuple[OutboundMail, bytes]:
        return await outbound_mail.get_mail(tx, OPERATOR, await _id(tx, mail_id))

    mail, message = transact(read)
    if raw:
        write(message)
    elif as_json:
        print_json(outbound_mail_details_out(mail, message))
    else:
        content = decode(message)
        error = "" if mail.last_error is None else f": {mail.last_error}"
        echo(f"{mail.state} ({mail.attempts} failed){error}\n")
        echo("\n".join(f"{name}: {value}" for name, value in content.headers))
        echo(f"\n{content.text}", nl=False)


@mail.command("retry")
@click.argument("mail_id", type=ID, metavar="ID")
@json_option
def mail_retry(mail_id: str, *, as_json: bool) -> None:
    """Retry a waiting, dead or bounced mail now."""

    async def work(tx: Tx) -> OutboundMail:
        return await outbound_mail.retry_mail(tx, OPERATOR, await _id(tx, mail_id), now=now())

    mail = transact(work)
    show(outbound_mail_out(mail), f"Mail to {mail.recipient} queued again.", as_json=as_json)


@mail.command("test")
@click.argument("recipient")
@json_option
def mail_test(recipient: str, *, as_json: bool) -> None:
    """Queue a test mail. A running server or worker sends it."""

    async def work(tx: Tx) -> OutboundMail:
        settings = await outbound_mail.mail_settings(tx, current_settings())
        return await outbound_mail.send_test(tx, OPERATOR, recipient, now=now(), settings=settings)

    mail = transact(work)
    text = f"Test mail to {mail.recipient} queued. See: clearline mail show {mail.id}"
    show(outbound_mail_out(mail), text, as_json=as_json)


@mail.command("suppress")
@click.argument("address")
@click.option("--detail", default="", help="Reason, for people who look it up.")
@json_option
def mail_suppress(address: str, detail: str, *, as_json: bool) -> None:
    """Send no more mail to an address."""
    suppression = transact(lambda tx: outbound_mail.suppress(tx, OPERATOR, address, detail, now=now()))
    show(suppression_out(suppression), f"Address {suppression.address} suppressed.", as_json=as_json)


@mail.command("unsuppress")
@click.argument("address")
@json_option
def mail_unsuppress(address: str, *, as_json: bool) -> None:
    """Send mail to an address again. Mail that died while it was suppressed stays dead."""
    transact(lambda tx: outbound_mail.unsuppress(tx, OPERATOR, address, now=now()))
    show_done(f"Address {address} is no longer suppressed.", as_json=as_json)


@mail.command("suppressed")
@click.option("--after", metavar="ADDRESS", help="Start after this address.")
@limit_option
@json_option
def mail_suppressed(after: str | None, limit: int, *, as_json: bool) -> None:
    """List suppressed addresses in alphabetical order."""
    show_list(
        transact(lambda tx: outbound_mail.list_suppressions(tx, OPERATOR, after=after, limit=limit + 1)),
        suppression_out,
        ("ADDRESS", "REASON", "SINCE", "DETAIL"),
        lambda entry: (entry.address, entry.reason, entry.created_at, entry.detail or None),
        noun="suppressed addresses",
        as_json=as_json,
        limit=limit,
    )


@mail.command("opt-outs")
@click.option("--recipient", metavar="ADDRESS", help="Only what this address stopped.")
@limit_option
@json_option
def mail_opt_outs(recipient: str | None, limit: int, *, as_json: bool) -> None:
    """List the mail that recipients stopped with the link in it, newest first."""
    show_list(
        transact(lambda tx: opt_outs.list_opt_outs(tx, OPERATOR, recipient=recipient, limit=limit + 1)),
        opt_out_out,
        ("ID", "SINCE", "RECIPIENT", "STOPPED", "COMPANY"),
        lambda stored: (stored.id, stored.created_at, stored.recipient, _topic(stored), stored.company.name),
        noun="opt-outs",
        as_json=as_json,
        limit=limit,
    )


@mail.command("resume")
@click.argument("opt_out_id", type=ID, metavar="ID")
@json_option
def mail_resume(opt_out_id: str, *, as_json: bool) -> None:
    """Send mail again that its recipient stopped. ID is that of an opt-out: see clearline mail opt-outs."""

    async def work(tx: Tx) -> StoredOptOut:
        known = await resolve(
            opt_out_id, opt_outs.KIND, lambda low, high: opt_outs.ids_between(tx, OPERATOR, low, high)
        )
        return await opt_outs.delete_opt_out(tx, OPERATOR, known, now=now())

    stored = transact(work)
    show_done(f"Mail to {stored.recipient} resumed: {_topic(stored)}.", as_json=as_json)


def _topic(stored: StoredOptOut) -> str:
    number = stored.opt_out.ticket_number
    return stored.topic if number is None else ticket_number(number)


async def _id(tx: Tx, text: str) -> UUID:
    return await resolve(text, outbound_mail.KIND, lambda low, high: outbound_mail.ids_between(tx, OPERATOR, low, high))
