"""Let recipients stop mail, and get it again; let staff list what they stopped, and resume it for them.

The token of a link is the right of its recipient to stop and to resume.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from clearline.accounts import permissions
from clearline.errors import require_found
from clearline.events import store as event_store
from clearline.events.domain import Change, RecordChanged
from clearline.identity import Actor, Role, Scope
from clearline.mail.outbound import opt_out_store
from clearline.mail.outbound.opt_out_domain import OptOut, StoredOptOut, read_token
from clearline.mail.outbound.usecases import mail_secret
from clearline.platform.database.transactions import Tx
from clearline.text import normalized_address
from clearline.tickets.domain import ticket_number

KIND = "opt-out"
RECORD = "mail_opt_out"


async def opt_out_of(tx: Tx, token: str) -> OptOut | None:
    """Return the mail that the token of a link names; None when the token is not ours."""
    return read_token(token, await mail_secret(tx))


async def is_stopped(tx: Tx, opt_out: OptOut) -> bool:
    """Return whether the mail was stopped."""
    return await opt_out_store.exists(tx, opt_out)


async def stop(tx: Tx, opt_out: OptOut, *, now: datetime) -> None:
    """Stop the mail, in the name of its recipient. Notifications that wait for their mail are dropped when due."""
    opt_out_id = await opt_out_store.add(tx, opt_out, now=now)
    if opt_out_id is not None:
        await _append(tx, recipient_of(opt_out), "created", opt_out_id, opt_out, now=now)


async def resume(tx: Tx, actor: Actor, opt_out: OptOut, *, now: datetime) -> None:
    """Send the mail again from now on. The caller checks that the actor may do that."""
    opt_out_id = await opt_out_store.delete(tx, opt_out)
    if opt_out_id is not None:
        await _append(tx, actor, "deleted", opt_out_id, opt_out, now=now)


def recipient_of(opt_out: OptOut) -> Actor:
    """Return the actor who follows the link of an opt-out: whoever reads the mail of its address."""
    return Actor(Role.CUSTOMER, normalized_address(opt_out.recipient))


async def _append(tx: Tx, actor: Actor, action: str, opt_out_id: UUID, opt_out: OptOut, *, now: datetime) -> None:
    """Store an event about the opt-out of a company."""
    number = opt_out.ticket_number
    topic = opt_out.topic if number is None else ticket_number(number)
    change = Change("topic", None, topic) if action == "created" else Change("topic", topic, None)
    fact = RecordChanged(RECORD, action, str(opt_out_id), normalized_address(opt_out.recipient), [change])
    await event_store.append(tx, actor, opt_out.company_id, fact, now=now)


async def list_opt_outs(
    tx: Tx,
    actor: Actor,
    *,
    recipient: str | None = None,
    before: tuple[datetime, UUID] | None = None,
    limit: int,
) -> Sequence[StoredOptOut]:
    """Return what recipients stopped, newest first, after the given time and id; of one address, in any case, or all.

    Served by ``mail_opt_out_newest`` or ``mail_opt_out_of_recipient``.
    """
    permissions.require_whole_desk(actor, Scope.DESK_READ)
    return await opt_out_store.page(tx, recipient=recipient, before=before, limit=limit)


async def ids_between(tx: Tx, actor: Actor, low: UUID, high: UUID, *, limit: int = 10) -> list[UUID]:
    """Return the ids of opt-outs between two, both included. Served by ``mail_opt_out_by_id``."""
    permissions.require_whole_desk(actor, Scope.DESK_READ)
    return await opt_out_store.ids_between(tx, low, high, limit=limit)


async def get_opt_out(tx: Tx, actor: Actor, opt_out_id: UUID) -> StoredOptOut:
    """Return an opt-out."""
    permissions.require_whole_desk(actor, Scope.DESK_READ)
    return require_found(await opt_out_store.get(tx, opt_out_id), KIND, opt_out_id)


async def lock_opt_out(tx: Tx, actor: Actor, opt_out_id: UUID) -> StoredOptOut:
    """Return an opt-out that the actor may delete."""
    permissions.require_desk_admin(actor)
    permissions.require_scope(actor, Scope.DESK_WRITE)
    return require_found(await opt_out_store.get(tx, opt_out_id), KIND, opt_out_id)


async def delete_opt_out(tx: Tx, actor: Actor, opt_out_id: UUID, *, now: datetime) -> StoredOptOut:
    """Delete an opt-out, so that its recipient gets the mail again from now on; return it."""
    stored = await lock_opt_out(tx, actor, opt_out_id)
    await resume(tx, actor, stored.opt_out, now=now)
    return stored
