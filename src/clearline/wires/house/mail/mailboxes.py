"""House API v1: mailboxes."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from clearline.identity import Actor, Scope
from clearline.mail.inbound import mailbox_usecases as mailboxes
from clearline.mail.inbound.imap import ImapFailed
from clearline.mail.inbound.mailbox_domain import Mailbox
from clearline.mail.inbound.secret_box import UndecryptableSecret
from clearline.platform.database.transactions import Tx
from clearline.wires.house.mail import mailbox_wire as wire
from clearline.wires.house.mail.mailbox_mapping import mailbox_out, mailbox_summary_out
from clearline.wires.house.parameters import EXAMPLE_ID, id_in_path, uuid_of
from clearline.wires.house.records import change_record, delete_record, get_record, list_records
from clearline.wires.house.wire import Page, PageQuery, set_fields
from clearline.wires.http.call import Call
from clearline.wires.http.table import Operation

_MAILBOXES = "/api/v1/mailboxes"
_ID = id_in_path("id", "The mailbox's id.", example=EXAMPLE_ID)
_IMAP = {"host": "imap_host", "port": "imap_port", "tls": "imap_tls", "user": "imap_user", "folder": "imap_folder"}


def _values(body: wire.MailboxIn | wire.MailboxPatch) -> dict[str, Any]:
    """Return the fields of a mailbox that a body sets."""
    values = set_fields(body)
    if "imap" in values:
        imap = values.pop("imap")
        named = {"host": None, "user": None} if imap is None else set_fields(imap)
        if "password" in named:
            values[mailboxes.PASSWORD] = named.pop("password")
        values |= {_IMAP[name]: value for name, value in named.items()}
    return values


def _mailbox_id(call: Call) -> tuple[UUID]:
    return (uuid_of(call.path["id"], mailboxes.KIND),)


async def list_mailboxes(call: Call) -> Page[wire.MailboxSummary]:
    """Return mailboxes by address."""
    return await list_records(
        call, (), mailboxes.list_mailboxes, str, lambda mailbox: [mailbox.address], mailbox_summary_out
    )


async def add_mailbox(call: Call) -> wire.MailboxOut:
    """Add a mailbox."""
    values = _values(call.body(wire.MailboxIn))
    await mailboxes.check_host(call.actor, values.get("imap_host"), call.services.settings.imap_networks)
    async with call.transaction() as tx:
        secret_box = await mailboxes.secret_box(tx, call.services.settings.secret_key)
        mailbox = await mailboxes.add_mailbox(tx, call.actor, values, secret_box=secret_box, now=call.now)
    call.location = f"{_MAILBOXES}/{mailbox.id}"
    return mailbox_out(mailbox)


async def get_mailbox(call: Call) -> wire.MailboxOut:
    """Return a mailbox."""
    return await get_record(call, _mailbox_id(call), mailboxes.get_mailbox, mailbox_out)


async def change_mailbox(call: Call) -> wire.MailboxOut:
    """Change a mailbox."""
    ids, values = _mailbox_id(call), _values(call.body(wire.MailboxPatch))
    await mailboxes.check_host(call.actor, values.get("imap_host"), call.services.settings.imap_networks)

    async def change(tx: Tx, actor: Actor, mailbox_id: UUID, values: Mapping[str, Any], *, now: datetime) -> Mailbox:
        secret_box = await mailboxes.secret_box(tx, call.services.settings.secret_key)
        return await mailboxes.change_mailbox(tx, actor, mailbox_id, values, secret_box=secret_box, now=now)

    return await change_record(call, ids, values, mailboxes.lock_mailbox, change, mailbox_out)


async def delete_mailbox(call: Call) -> None:
    """Delete a mailbox."""
    await delete_record(call, _mailbox_id(call), mailboxes.lock_mailbox, mailboxes.delete_mailbox, mailbox_out)


async def check_mailbox(call: Call) -> wire.MailboxCheckOut:
    """Log in to the IMAP server of a mailbox."""
    call.body(wire.MailboxCheckIn)
    mailbox_id = uuid_of(call.path["id"], mailboxes.KIND)
    networks = call.services.settings.imap_networks
    async with call.transaction() as tx:
        mailbox = await mailboxes.mailbox_to_check(tx, call.actor, mailbox_id)
        secret_box = await mailboxes.secret_box(tx, call.services.settings.secret_key)
    try:
        unseen = await asyncio.to_thread(mailboxes.count_unseen, mailbox, secret_box, networks)
    except (ImapFailed, UndecryptableSecret) as error:
        return wire.MailboxCheckOut(works=False, error=str(error), unseen=None)
    return wire.MailboxCheckOut(works=True, error=None, unseen=unseen)


OPERATIONS = (
    Operation(
        "listMailboxes", "GET", _MAILBOXES, list_mailboxes,
        "List mailboxes", "With the result of their last poll. For the provider's people.",
        Scope.DESK_READ, Page[wire.MailboxSummary], query=PageQuery, errors=(400,),
    ),
    Operation(
        "addMailbox", "POST", _MAILBOXES, add_mailbox,
        "Add a mailbox", "The listener (`CLEARLINE_MAIL_LISTEN`) accepts mail for its address from now on, with or "
        "without a subaddress after a plus. With `imap`, the mailbox is also polled; a host whose address may not be "
        "reached is refused. For admins.",
        Scope.DESK_WRITE, wire.MailboxOut, body=wire.MailboxIn, status=201,
    ),
    Operation(
        "getMailbox", "GET", _MAILBOXES + "/{id}", get_mailbox,
        "Get a mailbox", "Without its password.",
        Scope.DESK_READ, wire.MailboxOut, path_parameters=_ID, errors=(404,),
    ),
    Operation(
        "changeMailbox", "PATCH", _MAILBOXES + "/{id}", change_mailbox,
        "Change a mailbox", "Sets the values that the merge-patch names. For admins.",
        Scope.DESK_WRITE, wire.MailboxOut, body=wire.MailboxPatch, path_parameters=_ID, errors=(404,),
        conditional=True,
    ),
    Operation(
        "deleteMailbox", "DELETE", _MAILBOXES + "/{id}", delete_mailbox,
        "Delete a mailbox", "Mail for its address is refused from now on. Mail that was received stays. For admins.",
        Scope.DESK_WRITE, None, path_parameters=_ID, errors=(404,), status=204, conditional=True,
    ),
    Operation(
        "checkMailbox", "POST", _MAILBOXES + "/{id}/check", check_mailbox,
        "Check a mailbox", "Logs in to its IMAP server and counts the unseen mails, up to 1000. Nothing is fetched "
        "or marked. For admins.",
        Scope.DESK_WRITE, wire.MailboxCheckOut, body=wire.MailboxCheckIn, path_parameters=_ID, errors=(404,),
    ),
)  # fmt: skip
