"""Where mail comes in."""

import sys
from collections.abc import Callable
from typing import Any
from uuid import UUID

import click

from clearline.cli.context import FAULT_FOUND, as_json, emit, limit_option, run, settings, table, within
from clearline.clock import now
from clearline.identity import OPERATOR
from clearline.mail.inbound import mailbox_usecases as mailboxes
from clearline.mail.inbound.imap import ImapFailed, open_mailbox
from clearline.mail.inbound.mailbox_domain import IMAP_PORTS, Mailbox
from clearline.mail.inbound.secret_box import UndecryptableSecret
from clearline.platform.database.transactions import Database, Tx
from clearline.queues import usecases as queues

_NOTHING = "none"


def _values(command: Callable[..., None]) -> Callable[..., None]:
    """The options that both making and changing a mailbox take."""
    for option in (
        click.option("--imap-folder", metavar="FOLDER", help="The folder that is polled; INBOX unless given."),
        click.option("--imap-password", is_flag=True, help="Ask for the password, or read it from standard input."),
        click.option("--imap-user", metavar="USER", help="Who logs in there."),
        click.option("--imap-tls/--no-imap-tls", default=None, help="TLS from the first byte, or STARTTLS if offered."),
        click.option("--imap-port", type=click.IntRange(1, 65535), help="Its port; 993 with TLS, 143 without."),
        click.option("--imap-host", metavar="HOST", help="The server that is polled; none for no polling."),
        click.option("--queue", metavar="NAME", help="Where its new tickets go; none leaves it to the rules."),
        click.option("--name", help="What it is for."),
    ):
        command = option(command)
    return command


@click.group()
def mailbox() -> None:
    """Addresses that mail is taken for."""


@mailbox.command("add")
@click.argument("address")
@_values
@as_json
def mailbox_add(address: str, *, as_json: bool, **options: Any) -> None:
    """Take mail for an address, handed over to CLEARLINE_MAIL_LISTEN or polled over IMAP."""
    given = _asked(options)

    async def work(tx: Tx) -> Mailbox:
        values = {"address": address, **await _given(tx, given)}
        secret_box = await mailboxes.secret_box(tx, settings().secret_key)
        return await mailboxes.add_mailbox(tx, OPERATOR, values, secret_box=secret_box, now=now())

    made = within(work)
    emit(_described(made)) if as_json else click.echo(f"Mail for {made.address} is taken.")


@mailbox.command("list")
@limit_option
@as_json
def mailbox_list(limit: int, *, as_json: bool) -> None:
    """Every mailbox, by address, with how its last poll went."""
    found = within(lambda tx: mailboxes.list_mailboxes(tx, OPERATOR, after=None, limit=limit))
    if as_json:
        emit([_described(one) for one in found])
        return
    table(
        ("ADDRESS", "NAME", "ACTIVE", "IMAP", "POLLED", "LAST ERROR"),
        [(one.address, one.name or None, one.is_active, one.imap_host, one.polled_at, one.last_error) for one in found],
    )


@mailbox.command("change")
@click.argument("address")
@click.option("--address", "new_address", metavar="ADDRESS", help="Its address from now on.")
@click.option("--active/--inactive", default=None, help="Whether mail is taken for it.")
@_values
@as_json
def mailbox_change(
    address: str, new_address: str | None, *, active: bool | None, as_json: bool, **options: Any
) -> None:
    """Change a mailbox: what is not named stays."""
    given = _asked(options)

    async def work(tx: Tx) -> Mailbox:
        found = await mailboxes.mailbox_named(tx, OPERATOR, address)
        values = await _given(tx, given)
        values |= {} if new_address is None else {"address": new_address}
        values |= {} if active is None else {"is_active": active}
        secret_box = await mailboxes.secret_box(tx, settings().secret_key)
        return await mailboxes.change_mailbox(tx, OPERATOR, found.id, values, secret_box=secret_box, now=now())

    changed = within(work)
    emit(_described(changed)) if as_json else click.echo(f"Mailbox {changed.address} is as you said.")


@mailbox.command("check")
@click.argument("address")
@as_json
def mailbox_check(address: str, *, as_json: bool) -> None:
    """Log in to the IMAP server of a mailbox; exit status 3 when that does not go."""

    async def work(database: Database) -> str | None:
        async with database.transaction() as tx:
            found = await mailboxes.mailbox_named(tx, OPERATOR, address)
            found = await mailboxes.mailbox_to_check(tx, OPERATOR, found.id)
            secret_box = await mailboxes.secret_box(tx, settings().secret_key)
        try:
            open_mailbox(mailboxes.imap_access(found, secret_box)).close()
        except (ImapFailed, UndecryptableSecret) as error:
            return str(error)
        return None

    error = run(work)
    if as_json:
        emit({"works": error is None, "error": error})
    else:
        click.echo("It works." if error is None else error)
    if error is not None:
        raise SystemExit(FAULT_FOUND)


@mailbox.command("delete")
@click.argument("address")
@as_json
def mailbox_delete(address: str, *, as_json: bool) -> None:
    """Take no more mail for an address; what came stays."""

    async def work(tx: Tx) -> UUID:
        found = await mailboxes.mailbox_named(tx, OPERATOR, address)
        await mailboxes.delete_mailbox(tx, OPERATOR, found.id, now=now())
        return found.id

    gone = within(work)
    emit({"id": gone, "deleted": True}) if as_json else click.echo(f"Mailbox {address} deleted.")


def _asked(options: dict[str, Any]) -> dict[str, Any]:
    """The options, with the password in the place of the wish to be asked for it."""
    password: str | None = None
    if options["imap_password"]:
        typed = sys.stdin
        password = click.prompt("Password", hide_input=True) if typed.isatty() else typed.readline().rstrip("\n")
    return {**options, "imap_password": password}


async def _given(tx: Tx, options: dict[str, Any]) -> dict[str, Any]:
    """The fields of a mailbox that the options name."""
    values = {name: value for name, value in options.items() if value is not None and name != "queue"}
    if values.get("imap_host") == _NOTHING:
        values |= {"imap_host": None, "imap_user": None}
    if (queue := options["queue"]) is not None:
        values["queue_id"] = None if queue == _NOTHING else (await queues.queue_named(tx, OPERATOR, queue)).id
    return values


def _described(one: Mailbox) -> dict[str, object]:
    return {
        "id": one.id,
        "address": one.address,
        "name": one.name,
        "queueId": one.queue_id,
        "isActive": one.is_active,
        "imapHost": one.imap_host,
        "imapPort": None if one.imap_host is None else one.imap_port or IMAP_PORTS[one.imap_tls],
        "imapTls": one.imap_tls,
        "imapUser": one.imap_user,
        "imapFolder": one.imap_folder,
        "polledAt": one.polled_at,
        "lastError": one.last_error,
    }
