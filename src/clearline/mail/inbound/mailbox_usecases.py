"""Manage mailboxes."""

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from msgspec.structs import replace

from clearline.accounts import permissions
from clearline.errors import InvalidInput, RuleCode, Violation, require_found, require_free, require_valid
from clearline.events.domain import Change, changes_between
from clearline.events.record_changes import append_record_event
from clearline.identity import Actor, Scope
from clearline.mail.inbound import mailbox_store
from clearline.mail.inbound.imap import ImapAccess, host_refusal, open_mailbox
from clearline.mail.inbound.mailbox_domain import IMAP_PORTS, PASSWORD_MAX, Mailbox, check_mailbox, is_host
from clearline.mail.inbound.secret_box import SecretBox
from clearline.platform.database.server import shared_secret
from clearline.platform.database.transactions import Tx
from clearline.queues.usecases import check_queue_id, lock_setup
from clearline.text import check_text, normalized_address

KIND = "mailbox"
PASSWORD = "imap_password"  # noqa: S105 - the name of a field
_COUNTED_MAX = 1000
_LOOKUP_SECONDS = 5
_FIELDS_NOT_IN_EVENTS = {"imap_secret", "polled_at", "last_error"}


async def secret_box(tx: Tx, secret_key: str | None) -> SecretBox:
    """Return the encryption of passwords: with the configured key, or one that all servers on this database share."""
    if secret_key is not None:
        return SecretBox(secret_key.encode())
    return SecretBox(await shared_secret(tx, "mailboxes", secrets.token_bytes(32)))


async def list_mailboxes(tx: Tx, actor: Actor, *, after: str | None, limit: int) -> list[Mailbox]:
    """Return mailboxes by address, after ``after``. Served by ``mailbox_address``."""
    permissions.require_staff(actor, Scope.DESK_READ)
    return await mailbox_store.page(tx, after=after, limit=limit)


async def get_mailbox(tx: Tx, actor: Actor, mailbox_id: UUID) -> Mailbox:
    """Return a mailbox."""
    permissions.require_staff(actor, Scope.DESK_READ)
    return require_found(await mailbox_store.get(tx, mailbox_id), KIND, mailbox_id)


async def mailbox_named(tx: Tx, actor: Actor, address: str) -> Mailbox:
    """Return the mailbox with this address, in any case."""
    permissions.require_staff(actor, Scope.DESK_READ)
    mailboxes = await mailbox_store.find(tx, [address.lower()])
    return require_found(next(iter(mailboxes), None), KIND, address)


async def check_host(actor: Actor, host: str | None, networks: Sequence[str]) -> str | None:
    """Refuse an IMAP host that the poll would refuse; return a warning if its name does not resolve now.

    ``networks`` are the private ones in which servers may be. Call it before the transaction: a lookup may take 5 s.
    """
    permissions.require_desk_admin(actor)
    permissions.require_scope(actor, Scope.DESK_WRITE)
    if host is None or not is_host(host):
        return None
    try:
        refusal = await asyncio.wait_for(asyncio.to_thread(host_refusal, host, networks), _LOOKUP_SECONDS)
    except (OSError, UnicodeError, TimeoutError):
        return f"the name {host} cannot be resolved now: the mailbox is polled as soon as it can"
    if refusal is not None:
        raise InvalidInput([Violation("imap.host", refusal, RuleCode.CHOICE)])
    return None


async def add_mailbox(
    tx: Tx, actor: Actor, values: Mapping[str, Any], *, secret_box: SecretBox, now: datetime
) -> Mailbox:
    """Add a mailbox. ``values`` are fields of ``Mailbox`` and ``imap_password``; the address is required.

    Raises:
        AlreadyExists: another mailbox has the address.
    """
    await lock_setup(tx, actor)
    mailbox = _with_values(Mailbox(uuid4(), "", now), values, secret_box)
    changes = [Change(change.field, None, change.after) for change in _changes(Mailbox(mailbox.id, "", now), mailbox)]
    await _save(tx, mailbox)
    await _append_event(tx, actor, mailbox, "created", changes, now=now)
    return mailbox


async def change_mailbox(
    tx: Tx, actor: Actor, mailbox_id: UUID, values: Mapping[str, Any], *, secret_box: SecretBox, now: datetime
) -> Mailbox:
    """Change some fields of a mailbox. The password is kept when it is not among them.

    Raises:
        AlreadyExists: another mailbox has the address.
    """
    before = await lock_mailbox(tx, actor, mailbox_id)
    after = _with_values(before, values, secret_box)
    if changes := _changes(before, after):
        await _save(tx, after)
        await _append_event(tx, actor, after, "changed", changes, now=now)
    return after


async def lock_mailbox(tx: Tx, actor: Actor, mailbox_id: UUID) -> Mailbox:
    """Lock and return a mailbox until the transaction ends."""
    await lock_setup(tx, actor)
    return require_found(await mailbox_store.get(tx, mailbox_id), KIND, mailbox_id)


async def delete_mailbox(tx: Tx, actor: Actor, mailbox_id: UUID, *, now: datetime) -> None:
    """Delete a mailbox: mail for its address is refused from now on. Its mail stays."""
    mailbox = await lock_mailbox(tx, actor, mailbox_id)
    await mailbox_store.delete(tx, mailbox_id)
    await _append_event(tx, actor, mailbox, "deleted", [], now=now)


async def mailbox_to_check(tx: Tx, actor: Actor, mailbox_id: UUID) -> Mailbox:
    """Return a mailbox whose IMAP server the actor may check. One that is not polled is ``InvalidInput``."""
    permissions.require_desk_admin(actor)
    permissions.require_scope(actor, Scope.DESK_WRITE)
    mailbox = await get_mailbox(tx, actor, mailbox_id)
    if mailbox.imap_host is None or mailbox.imap_secret is None:
        raise InvalidInput([Violation("imap.host", "is required to check the mailbox", RuleCode.REQUIRED)])
    return mailbox


def imap_access(mailbox: Mailbox, secret_box: SecretBox, networks: tuple[str, ...]) -> ImapAccess:
    """Return how to connect to a polled mailbox, whose server may be in these private networks.

    Raises:
        UndecryptableSecret: its password was encrypted with another key.
    """
    return ImapAccess(
        mailbox.imap_host or "",
        mailbox.imap_port or IMAP_PORTS[mailbox.imap_tls],
        mailbox.imap_tls,
        mailbox.imap_user or "",
        secret_box.decrypt(mailbox.imap_secret or b""),
        mailbox.imap_folder,
        networks,
    )


def count_unseen(mailbox: Mailbox, secret_box: SecretBox, networks: tuple[str, ...]) -> int:
    """Log in to the IMAP server of a mailbox and count its unseen mails, up to 1000. Blocks: call it in a thread.

    Raises:
        ImapFailed: the mailbox cannot be read.
        UndecryptableSecret: its password was encrypted with another key.
    """
    opened = open_mailbox(imap_access(mailbox, secret_box, networks))
    try:
        return len(opened.unseen(_COUNTED_MAX))
    finally:
        opened.close()


def _with_values(mailbox: Mailbox, values: Mapping[str, Any], secret_box: SecretBox) -> Mailbox:
    plain = {name: value for name, value in values.items() if name != PASSWORD}
    if "address" in plain:
        plain["address"] = plain["address"].lower()
    if "form_addresses" in plain:
        plain["form_addresses"] = tuple(dict.fromkeys(map(normalized_address, plain["form_addresses"])))
    password = values.get(PASSWORD)
    if password is not None:
        require_valid(check_text("imap.password", password, most=PASSWORD_MAX))
        plain["imap_secret"] = secret_box.encrypt(password)
    elif PASSWORD in values or ("imap_host" in plain and plain["imap_host"] is None):
        plain["imap_secret"] = None
    changed = replace(mailbox, **plain)
    # A password is sent only to the server that it was set for, and not to one that is set later.
    if password is None and changed.imap_secret is not None and _server(changed) != _server(mailbox):
        raise InvalidInput([Violation("imap.password", "is required with another server or user", RuleCode.REQUIRED)])
    return changed


def _server(mailbox: Mailbox) -> tuple[object, ...]:
    return mailbox.imap_host, mailbox.imap_port, mailbox.imap_tls, mailbox.imap_user


def _changes(before: Mailbox, after: Mailbox) -> list[Change]:
    """Return the changes of an event. A new password is a change without values."""
    changes = [
        Change(change.field, _event_value(change.before), _event_value(change.after))
        for change in changes_between(before, after)
        if change.field not in _FIELDS_NOT_IN_EVENTS
    ]
    if before.imap_secret != after.imap_secret:
        changes.append(Change(PASSWORD, None, None))
    return changes


def _event_value(value: object) -> object:
    if isinstance(value, tuple):
        return list(value)
    return str(value) if isinstance(value, UUID) else value


async def _save(tx: Tx, mailbox: Mailbox) -> None:
    require_valid([*check_mailbox(mailbox), *await check_queue_id(tx, mailbox.queue_id)])
    require_free(not await mailbox_store.is_taken(tx, mailbox.address, but=mailbox.id), KIND, mailbox.address)
    await mailbox_store.save(tx, mailbox)


async def _append_event(
    tx: Tx, actor: Actor, mailbox: Mailbox, action: str, changes: list[Change], *, now: datetime
) -> None:
    """Store the event of a change. It names the mailbox by its address."""
    named = replace(mailbox, name=mailbox.address)
    await append_record_event(tx, actor, KIND, action, named, changes, now=now)
