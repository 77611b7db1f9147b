"""Branding: read and change it."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from clearline.accounts import permissions
from clearline.accounts import usecases as accounts
from clearline.branding import logo_store
from clearline.branding import store as branding_store
from clearline.branding.accent import mail_accent
from clearline.branding.domain import Branding, check_branding
from clearline.branding.logo_domain import DrawnLogo, Logo, LogoTheme, is_logo_name, logo_path
from clearline.branding.mail_look import MailLogo, MailLook, look_as
from clearline.errors import InvalidInput, RuleCode, Violation, require_valid
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
async def mail_for(tx: Tx, reader: Reader, link: Callable[[str], str]) -> AsyncIterator[Branding]:
    """Render mail for a reader: in its language, and as the mail of this desk looks. Yields the branding.

    ``link`` makes an address of a path of this server.
    """
    stored = await branding_store.get(tx)
    logo = None
    if stored.logo is not None:
        width, height = Logo(stored.logo).size
        logo = MailLogo(link(logo_path(stored.logo)), width, height, (await accounts.provider(tx)).name)
    with read_by(reader), look_as(MailLook(mail_accent(stored.accent_hue), logo)):
        yield stored


async def get_branding(tx: Tx, actor: Actor) -> Branding:
    """Return the branding for the provider's people."""
    permissions.require_staff(actor, Scope.DESK_READ)
    return await branding_store.get(tx)


def require_admin(actor: Actor) -> None:
    """Refuse an actor who may not change the branding."""
    permissions.require_desk_admin(actor)
    permissions.require_scope(actor, Scope.DESK_WRITE)


async def lock_branding(tx: Tx, actor: Actor) -> Branding:
    """Lock the branding, which the actor is about to change, until the transaction ends."""
    require_admin(actor)
    return await branding_store.lock(tx)


async def change_branding(tx: Tx, actor: Actor, values: Mapping[str, Any], *, now: datetime) -> Branding:
    """Set some of the fields in ``CHANGEABLE``."""
    before = await lock_branding(tx, actor)
    return await change_record(tx, actor, KIND, before, replace(before, **values), _save, now=now)


async def set_logo(tx: Tx, actor: Actor, theme: LogoTheme, drawn: DrawnLogo, *, now: datetime) -> Branding:
    """Set the logo for a theme. It was drawn before the transaction, since that takes long.

    Raises:
        InvalidInput: it is for the dark theme, and there is none for the light one.
    """

    async def save(tx: Tx, _after: Branding) -> None:
        await logo_store.save(tx, theme, drawn)

    before = await lock_branding(tx, actor)
    if theme is LogoTheme.DARK and before.logo is None:
        raise InvalidInput([Violation(theme, "must come with a logo for the light theme", RuleCode.REQUIRED)])
    return await change_record(tx, actor, KIND, before, _with_logo(before, theme, drawn.logo.name), save, now=now)


async def remove_logo(tx: Tx, actor: Actor, theme: LogoTheme, *, now: datetime) -> Branding:
    """Remove the logo for a theme, if there is one; that for the light theme together with that for the dark one."""
    themes = list(LogoTheme) if theme is LogoTheme.LIGHT else [theme]

    async def save(tx: Tx, _after: Branding) -> None:
        await logo_store.delete(tx, themes)

    before = after = await lock_branding(tx, actor)
    for each in themes:
        after = _with_logo(after, each, None)
    return await change_record(tx, actor, KIND, before, after, save, now=now)


async def logo_content(tx: Tx, name: str) -> bytes | None:
    """Return the picture of a logo, as PNG; None when there is no such logo any more. Everybody may see it."""
    return await logo_store.content(tx, name) if is_logo_name(name) else None


def _with_logo(stored: Branding, theme: LogoTheme, name: str | None) -> Branding:
    return replace(stored, logo=name) if theme is LogoTheme.LIGHT else replace(stored, dark_logo=name)


async def _save(tx: Tx, branding: Branding) -> None:
    require_valid(check_branding(branding))
    await branding_store.save(tx, branding)
