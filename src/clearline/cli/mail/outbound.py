"""Mail: what goes out, and addresses that are not written to."""

from uuid import UUID

import click

from clearline.cli.context import as_json, emit, limit_option, settings, table, within
from clearline.clock import now
from clearline.errors import NotFound
from clearline.identity import OPERATOR
from clearline.mail.outbound import compose as mail_message
from clearline.mail.outbound import usecases as mails
from clearline.mail.outbound.domain import MailState, OutboundMail, Suppression
from clearline.platform.database.transactions import Tx
from clearline.tickets import access
from clearline.tickets.domain import ticket_number


@click.group()
def mail() -> None:
    """Mail, and addresses that are not written to."""


@mail.command("outbox")
@click.option("--state", type=click.Choice([one.value for one in MailState]), help="Only those that stand so.")
@click.option("--ticket", metavar="NUMBER", help="Only those about this ticket.")
@limit_option
@as_json
def mail_outbox(state: str | None, ticket: str | None, limit: int, *, as_json: bool) -> None:
    """Mail that goes out, or went, newest first."""
    number = None if ticket is None else access.check_number(ticket)
    wanted = None if state is None else MailState(state)
    found = within(lambda tx: mails.list_mails(tx, OPERATOR, state=wanted, ticket_number=number, limit=limit))
    if as_json:
        emit([_described(one) for one in found])
        return
    table(
        ("ID", "WRITTEN", "STATE", "KIND", "TO", "SUBJECT", "FAILED", "ERROR"),
        [
            (one.id, one.created_at, one.state, one.kind, one.recipient, one.subject, one.attempts, one.last_error)
            for one in found
        ],
    )


@mail.command("show")
@click.argument("mail_id", metavar="ID")
@click.option("--raw", is_flag=True, help="The message as it travels.")
@as_json
def mail_show(mail_id: str, *, raw: bool, as_json: bool) -> None:
    """One mail: how it stands, its headers and its text."""
    one, message = within(lambda tx: mails.get_mail(tx, OPERATOR, _id(mail_id)))
    shown = mail_message.read(message)
    if raw:
        click.echo(message, nl=False)
    elif as_json:
        headers = [{"name": name, "value": value} for name, value in shown.headers]
        emit({**_described(one), "headers": headers, "text": shown.text, "html": shown.html})
    else:
        error = "" if one.last_error is None else f": {one.last_error}"
        click.echo(f"{one.state} ({one.attempts} failed){error}\n")
        click.echo("\n".join(f"{name}: {value}" for name, value in shown.headers))
        click.echo(f"\n{shown.text}", nl=False)


@mail.command("retry")
@click.argument("mail_id", metavar="ID")
@as_json
def mail_retry(mail_id: str, *, as_json: bool) -> None:
    """Try a mail that waits, is dead or bounced again, as if it were new."""
    one = within(lambda tx: mails.retry_mail(tx, OPERATOR, _id(mail_id), now=now()))
    emit(_described(one)) if as_json else click.echo(f"The mail to {one.recipient} is tried again.")


@mail.command("test")
@click.argument("recipient")
@as_json
def mail_test(recipient: str, *, as_json: bool) -> None:
    """Write a mail that says that mail works; a running server or worker sends it."""

    async def work(tx: Tx) -> OutboundMail:
        known = await mails.mail_settings(tx, settings())
        return await mails.send_test(tx, OPERATOR, recipient, now=now(), settings=known)

    one = within(work)
    if as_json:
        emit(_described(one))
    else:
        click.echo(f"A mail to {one.recipient} waits: see clearline mail show {one.id}")


@mail.command("suppress")
@click.argument("address")
@click.option("--detail", default="", help="Why, for those who wonder.")
@as_json
def mail_suppress(address: str, detail: str, *, as_json: bool) -> None:
    """Write to an address no more."""
    one = within(lambda tx: mails.suppress(tx, OPERATOR, address, detail, now=now()))
    emit(_suppression(one)) if as_json else click.echo(f"Nothing is sent to {one.address} any more.")


@mail.command("unsuppress")
@click.argument("address")
@as_json
def mail_unsuppress(address: str, *, as_json: bool) -> None:
    """Write to an address again; mail that died meanwhile stays dead."""
    within(lambda tx: mails.unsuppress(tx, OPERATOR, address, now=now()))
    emit({"address": address, "deleted": True}) if as_json else click.echo(f"Mail is sent to {address} again.")


@mail.command("suppressed")
@click.option("--after", metavar="ADDRESS", help="Only those behind this one.")
@limit_option
@as_json
def mail_suppressed(after: str | None, limit: int, *, as_json: bool) -> None:
    """Addresses that are not written to, in their order."""
    found = within(lambda tx: mails.list_suppressions(tx, OPERATOR, after=after, limit=limit))
    if as_json:
        emit([_suppression(one) for one in found])
        return
    rows = [(one.address, one.reason, one.created_at, one.detail or None) for one in found]
    table(("ADDRESS", "REASON", "SINCE", "DETAIL"), rows)


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound(mails.KIND, text) from None


def _suppression(one: Suppression) -> dict[str, object]:
    return {"address": one.address, "reason": one.reason, "detail": one.detail, "createdAt": one.created_at}


def _described(one: OutboundMail) -> dict[str, object]:
    return {
        "id": one.id,
        "state": one.state,
        "kind": one.kind,
        "recipient": one.recipient,
        "subject": one.subject,
        "ticket": None if one.ticket_number is None else ticket_number(one.ticket_number),
        "messageId": one.message_id,
        "attempts": one.attempts,
        "dueAt": one.due_at,
        "lastError": one.last_error,
        "createdAt": one.created_at,
        "finishedAt": one.finished_at,
    }
