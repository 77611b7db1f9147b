"""Branding: read and change it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from clearline.accounts import permissions
from clearline.branding import store as branding_store
from clearline.branding.accent import mail_accent
from clearline.branding.domain import Branding, check_branding
from clearline.branding.mail_look import MailLook, look_as
from clearline.errors import require_valid
from clearline.events.record_changes import change_record
from clearline.identity import Actor, Scope
from clearline.language.reader import Reader, read_by
from clearline.platform.database.transactions import Tx

KIND = "branding"
CHANGEABLE = frozenset({"support_hours", "support_phone", "footer", "accent_hue"})
"""The fields that ``change_branding`` can set."""


async def public_branding(tx: Tx) -> Branding:
    """Return the branding for a page. Everybody may know it."""
    return await branding_store.get(tx)


@asynccontextmanager
async def mail_for(tx: Tx, reader: Reader) -> AsyncIterator[None]:
    """Render mail for a reader: in its language, and as the mail of this desk looks."""
    stored = await branding_store.get(tx)
    with read_by(reader), look_as(MailLook(mail_accent(stored.accent_hue))):
        yield


async def get_branding(tx: Tx, actor: Actor) -> Branding:
    """Return the branding for the provider's people."""
    permissions.require_staff(actor, Scope.DESK_READ)
    return await branding_store.get(tx)


async def lock_branding(tx: Tx, actor: Actor) -> Branding:
    """Lock the branding, which the actor is about to change, until the transaction ends."""
    permissions.require_desk_admin(actor)
    permissions.require_scope(actor, Scope.DESK_WRITE)
    return await branding_store.lock(tx)


async def change_branding(tx: Tx, actor: Actor, values: Mapping[str, Any], *, now: datetime) -> Branding:
    """Set some of the fields in ``CHANGEABLE``."""
    before = await lock_branding(tx, actor)
    return await change_record(tx, actor, KIND, before, replace(before, **values), _save, now=now)


async def _save(tx: Tx, branding: Branding) -> None:
    require_valid(check_branding(branding))
    await branding_store.save(tx, branding)
