"""Commands for mailboxes."""

import asyncio
import sys
from collections.abc import Callable
from typing import Any

import click

from clearline.cli.context import current_settings, run, transact
from clearline.cli.exit_status import FAULT_FOUND
from clearline.cli.output import json_option, limit_option, show, show_done, show_list
from clearline.cli.terminal.changes import change_text
from clearline.cli.terminal.questions import confirm, yes_option
from clearline.cli.terminal.text import echo
from clearline.clock import now
from clearline.identity import OPERATOR
from clearline.mail.inbound import mailbox_usecases as mailboxes
from clearline.mail.inbound.imap import ImapFailed
from clearline.mail.inbound.mailbox_domain import Mailbox
from clearline.mail.inbound.secret_box import UndecryptableSecret
from clearline.platform.database.transactions import Database, Tx
from clearline.queues import usecases as queues
from clearline.tables import decode_file
from clearline.wires.house.mail.mailbox_mapping import mailbox_out, mailbox_summary_out
from clearline.wires.house.mail.mailbox_wire import MailboxCheckOut

_NONE = "none"


def _value_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that set the fields of a mailbox."""
    for option in (
        click.option("--imap-folder", metavar="FOLDER", help="Folder to poll; by default INBOX."),
        click.option("--imap-password", is_flag=True, help="Prompt for the password, or read it from standard input."),
        click.option("--imap-user", metavar="USER", help="User name at the server."),
        click.option("--imap-tls/--no-imap-tls", default=None, help="TLS from the first byte, or STARTTLS if offered."),
        click.option("--imap-port", type=click.IntRange(1, 65535), help="Port; by default 993 with TLS, 143 without."),
        click.option("--imap-host", metavar="HOST", help="IMAP server to poll; none for no polling."),
        click.option(
            "--form-address",
            "form_addresses",
            multiple=True,
            metavar="ADDRESS",
            help="From of a web form, whose mail is from its Reply-To; repeat for several, none for no form.",
        ),
        click.option("--queue", metavar="NAME", help="Queue of new tickets; none leaves it to the routing rules."),
        click.option("--name", help="What the mailbox is for."),
    ):
        command = option(command)
    return command


@click.group()
def mailbox() -> None:
    """Manage the addresses that mail is accepted for."""


@mailbox.command("add")
@click.argument("address")
@_value_options
@json_option
def mailbox_add(address: str, *, as_json: bool, **options: Any) -> None:
    """Add a mailbox.

    Mail for ADDRESS is accepted at CLEARLINE_MAIL_LISTEN, and polled over IMAP with --imap-host.
    """
    with_password = _with_password(options)

    async def work(tx: Tx) -> Mailbox:
        values = {"address": address, **await _values(tx, with_password)}
        box = await mailboxes.secret_box(tx, current_settings().secret_key)
        return await mailboxes.add_mailbox(tx, OPERATOR, values, secret_box=box, now=now())

    _check_host(with_password)
    added = transact(work)
    show(mailbox_out(added), f"Mailbox {added.address} added.", as_json=as_json)


@mailbox.command("list")
@limit_option
@json_option
def mailbox_list(limit: int, *, as_json: bool) -> None:
    """List mailboxes by address, with the result of their last poll."""
    show_list(
        transact(lambda tx: mailboxes.list_mailboxes(tx, OPERATOR, after=None, limit=limit + 1)),
        mailbox_summary_out,
        ("ADDRESS", "NAME", "ACTIVE", "IMAP", "POLLED", "LAST ERROR"),
        lambda mailbox: (
            mailbox.address,
            mailbox.name or None,
            mailbox.is_active,
            mailbox.imap_host,
            mailbox.polled_at,
            mailbox.last_error,
        ),
        noun="mailboxes",
        as_json=as_json,
        limit=limit,
    )


@mailbox.command("change")
@click.argument("address")
@click.option("--address", "new_address", metavar="ADDRESS", help="New address.")
@click.option("--active/--inactive", default=None, help="Whether mail is accepted.")
@_value_options
@json_option
def mailbox_change(
    address: str, new_address: str | None, *, active: bool | None, as_json: bool, **options: Any
) -> None:
    """Change a mailbox. Options that are not given change nothing."""
    with_password = _with_password(options)

    async def work(tx: Tx) -> tuple[Mailbox, Mailbox]:
        mailbox = await mailboxes.mailbox_named(tx, OPERATOR, address)
        values = await _values(tx, with_password)
        values |= {} if new_address is None else {"address": new_address}
        values |= {} if active is None else {"is_active": active}
        box = await mailboxes.secret_box(tx, current_settings().secret_key)
        return mailbox, await mailboxes.change_mailbox(tx, OPERATOR, mailbox.id, values, secret_box=box, now=now())

    _check_host(with_password)
    before, after = map(mailbox_out, transact(work))
    show(after, change_text(f"Mailbox {after.address}", before, after), as_json=as_json)


@mailbox.command("check")
@click.argument("address")
@json_option
def mailbox_check(address: str, *, as_json: bool) -> None:
    """Log in to the IMAP server of a mailbox. The exit status is 3 when that fails."""

    async def work(database: Database) -> MailboxCheckOut:
        async with database.transaction() as tx:
            named = await mailboxes.mailbox_named(tx, OPERATOR, address)
            mailbox = await mailboxes.mailbox_to_check(tx, OPERATOR, named.id)
            box = await mailboxes.secret_box(tx, current_settings().secret_key)
        try:
            unseen = mailboxes.count_unseen(mailbox, box, current_settings().imap_networks)
        except (ImapFailed, UndecryptableSecret) as error:
            return MailboxCheckOut(works=False, error=str(error), unseen=None)
        return MailboxCheckOut(works=True, error=None, unseen=unseen)

    check = run(work)
    show(check, check.error or f"Mailbox {address} works; {check.unseen} unseen mails.", as_json=as_json)
    if not check.works:
        click.get_current_context().exit(FAULT_FOUND)


@mailbox.command("delete")
@click.argument("address")
@yes_option
@json_option
def mailbox_delete(address: str, *, yes: bool, as_json: bool) -> None:
    """Delete a mailbox. Mail that was received stays."""
    confirm(f"Delete mailbox {address}?", yes=yes)

    async def work(tx: Tx) -> None:
        mailbox = await mailboxes.mailbox_named(tx, OPERATOR, address)
        await mailboxes.delete_mailbox(tx, OPERATOR, mailbox.id, now=now())

    transact(work)
    show_done(f"Mailbox {address} deleted.", as_json=as_json)


def _with_password(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options with the password, if ``--imap-password`` asks for one."""
    password: str | None = None
    if options["imap_password"]:
        if sys.stdin.isatty():
            password = click.prompt("Password", hide_input=True)
        else:
            password = decode_file(sys.stdin.buffer.readline()).rstrip("\r\n")
    return {**options, "imap_password": password}


def _check_host(options: dict[str, Any]) -> None:
    """Refuse an IMAP host that may not be reached, and warn of one whose name does not resolve."""
    host = None if options["imap_host"] == _NONE else options["imap_host"]
    warning = asyncio.run(mailboxes.check_host(OPERATOR, host, current_settings().imap_networks))
    if warning is not None:
        echo(f"warning: {warning}", err=True)


async def _values(tx: Tx, options: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a mailbox that the options set."""
    values = {name: value for name, value in options.items() if value not in {None, ()} and name != "queue"}
    if values.get("form_addresses") == (_NONE,):
        values["form_addresses"] = ()
    if values.get("imap_host") == _NONE:
        values |= {"imap_host": None, "imap_user": None}
    if (queue := options["queue"]) is not None:
        values["queue_id"] = None if queue == _NONE else (await queues.queue_named(tx, OPERATOR, queue)).id
    return values
