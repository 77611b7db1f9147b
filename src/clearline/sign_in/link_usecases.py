"""Invite people, and let them choose a new password, by links that can be used once."""

import asyncio
from datetime import datetime
from uuid import UUID, uuid4

from clearline.accounts import company_store, permissions
from clearline.accounts import usecases as accounts
from clearline.clock import counted_until, monotonic
from clearline.errors import Conflict, UserInactive
from clearline.events.domain import Change
from clearline.events.record_changes import append_record_event
from clearline.identity import ALL_SCOPES, PROVIDER_ID, Actor, Role, User
from clearline.language.reader import Reader, first_language, read_by
from clearline.language.words import gettext, ngettext
from clearline.mail.outbound import usecases as outbound_mail
from clearline.mail.outbound.domain import SIGN_IN_LINK, MailSettings, NewMail
from clearline.mail.templates import usecases as mail_templates
from clearline.mail.templates.blocks import Button, Value
from clearline.mail.templates.kinds import REASONS, MailKind
from clearline.mail.templates.rendering import Footer, Render
from clearline.platform.database.transactions import Database, Tx
from clearline.settings.settings import Settings
from clearline.sign_in import link_store, password_store
from clearline.sign_in.attempt_usecases import REFUSAL_SECONDS, count_attempt
from clearline.sign_in.domain import (
    DEFAULT_SESSION_LIMITS,
    Device,
    SecondFactorNeeded,
    SessionLimits,
    SignedIn,
    hash_token,
    is_token,
    new_token,
)
from clearline.sign_in.link_domain import LIFETIMES, RESET_PAUSE, Link, LinkKind, LinkRefused, NewLink, path_of
from clearline.sign_in.password_store import Credential
from clearline.sign_in.password_usecases import checked_hash, store_password
from clearline.sign_in.usecases import first_factor_passed
from clearline.text import check_email

_SELF = Actor(Role.OPERATOR, "Clearline", scopes=ALL_SCOPES)
"""The actor of a link that somebody asked for who is not signed in."""
_PURGED_AT_ONCE = 1000
_DAYS_FROM = 48
"""Hours of a time that is said in days."""


async def invite(
    tx: Tx,
    actor: Actor,
    user_ref: UUID | str,
    *,
    company_ref: UUID | str = PROVIDER_ID,
    settings: Settings,
    render: Render,
    by_mail: bool = True,
    now: datetime,
) -> NewLink:
    """Make a link with which a person of the provider, or of a customer, chooses a password; earlier links of it end.

    It is an invitation for a person without a password, and a reset otherwise. It goes out by mail if there is a mail
    server, the address gets mail and is confirmed; whoever calls this shows the link once if it does not, and only
    then.

    Raises:
        UserInactive: the user is not active.
        ScopeMissing: the actor may not do all that the user may: whoever has the link can be the user.
    """
    user = await accounts.lock_user(tx, actor, company_ref, user_ref)
    permissions.require_rights_of_role(actor, user.role)
    if not user.is_active:
        raise UserInactive(user.email)
    credential = await password_store.get(tx, user.company_id, user.id)
    if credential is not None and credential.replaced_by is not None:
        raise Conflict(f"user {user.email} signs in with {credential.replaced_by}, and needs no password")
    return await _create(tx, actor, user, settings=settings, render=render if by_mail else None, now=now)


async def first_password(tx: Tx, user: User, *, settings: Settings, now: datetime) -> NewLink | None:
    """Make a link for a person who confirmed its address just now, to choose its first password without another mail.

    None for one who has a password, signs in without one, or is not active.
    """
    credential = await password_store.get(tx, user.company_id, user.id)
    if credential is None or credential.hash is not None or credential.replaced_by is not None or not user.is_active:
        return None
    return await _create(tx, _SELF, user, settings=settings, render=None, now=now)


async def _create(
    tx: Tx, actor: Actor, user: User, *, settings: Settings, render: Render | None, now: datetime
) -> NewLink:
    credential = await password_store.lock(tx, user.company_id, user.id)
    has_password = credential is not None and credential.hash is not None
    kind = LinkKind.PASSWORD_RESET if has_password else LinkKind.INVITATION
    token, expires_at = new_token(), now + LIFETIMES[kind]
    link = Link(user.company_id, uuid4(), user.id, kind, now, expires_at)
    await link_store.replace(tx, link, hash_token(token))
    is_mailed = False
    is_mailable = settings.smtp is not None and user.is_confirmed and await outbound_mail.may_mail(tx, user.email)
    if render is not None and credential is not None and is_mailable:
        mail_settings = await outbound_mail.mail_settings(tx, settings)
        language = first_language(user.language, await company_store.language_of_mail(tx, user.company_id))
        with read_by(Reader(language)):
            mail = await _mail(tx, credential, token, kind, mail_settings, render)
        is_mailed = await outbound_mail.enqueue(tx, mail, now=now, settings=mail_settings) is not None
    changes = [Change("kind", None, kind), Change("is_mailed", None, is_mailed)]
    await append_record_event(tx, actor, "sign_in_link", "created", user, changes, company_id=user.company_id, now=now)
    return NewLink(token, kind, user, expires_at, is_mailed)


async def _mail(
    tx: Tx, credential: Credential, token: str, kind: LinkKind, settings: MailSettings, render: Render
) -> NewMail:
    user = credential.user
    is_customer = user.company_id != PROVIDER_ID
    values: dict[str, Value] = {
        "company.name": credential.company.name if is_customer else "",
        "link": Button(settings.link(path_of(token, kind)), gettext("Choose a password")),
        "link.lifetime": _lifetime(round(LIFETIMES[kind].total_seconds() / 3600)),
    }
    template = MailKind.SIGN_IN_INVITATION if kind is LinkKind.INVITATION else MailKind.PASSWORD_RESET
    footer = Footer(gettext(REASONS[template]))
    rendered = await mail_templates.render_mail(
        tx, template, values, footer=footer, is_customer=is_customer, render=render, link=settings.link
    )
    return NewMail(
        recipient=user.email,
        subject=rendered.subject,
        text=rendered.text,
        html=rendered.html,
        kind=SIGN_IN_LINK,
        company_id=user.company_id,
        user_id=user.id,
    )


def _lifetime(hours: int) -> str:
    if hours < _DAYS_FROM:
        return ngettext("%(num)s hour", "%(num)s hours", hours) % {"num": hours}
    return ngettext("%(num)s day", "%(num)s days", hours // 24) % {"num": hours // 24}


async def request_reset(
    database: Database, email: str, where: Device, *, settings: Settings, render: Render, now: datetime
) -> None:
    """Mail a link for a new password to an address, one for each active user who has it for certain.

    The answer and its time are the same if none has it, if there is no mail server, and if the last link is younger
    than ``RESET_PAUSE``.

    Raises:
        TooManyAttempts: too many links were asked for this address or from this network.
    """
    began, where = monotonic(), where.storable()
    try:
        await count_attempt(database, f"link for {email}", where.address, now=now)
        if settings.smtp is not None and not check_email("email", email):
            async with database.transaction() as tx:
                await _reset(tx, email, settings, render, now=now)
    finally:
        await asyncio.sleep(REFUSAL_SECONDS - (monotonic() - began))


async def _reset(tx: Tx, email: str, settings: Settings, render: Render, *, now: datetime) -> None:
    for found in await password_store.of_address(tx, email):
        user = found.user
        if not user.is_active or not user.is_confirmed or found.replaced_by is not None:
            continue
        locked = await password_store.lock(tx, user.company_id, user.id)
        last = await link_store.of_user(tx, user.company_id, user.id)
        is_too_soon = last is not None and now - RESET_PAUSE < last.created_at <= counted_until(now)
        if locked is not None and locked.user.is_active and not is_too_soon:
            await _create(tx, _SELF, locked.user, settings=settings, render=render, now=now)


async def link_user(tx: Tx, token: str, *, now: datetime) -> tuple[LinkKind, User]:
    """Return what a link is for and whose it is, without using it.

    Raises:
        LinkRefused: it is not valid any more.
    """
    link = await link_store.find(tx, hash_token(token), now=now) if is_token(token) else None
    credential = None if link is None or link.user_id is None else await _credential(tx, link)
    if link is None or credential is None or not credential.user.is_active or credential.replaced_by is not None:
        raise LinkRefused
    return link.kind, credential.user


async def _credential(tx: Tx, link: Link) -> Credential | None:
    return None if link.user_id is None else await password_store.get(tx, link.company_id, link.user_id)


async def use_link(
    database: Database,
    token: str,
    password: str,
    where: Device,
    *,
    limits: SessionLimits = DEFAULT_SESSION_LIMITS,
    now: datetime,
) -> SignedIn | SecondFactorNeeded:
    """Set the password of the person of a link, end all its sessions, and sign it in. The link is used up then.

    A person with a second factor gets no session yet: a code has to follow (``sign_in_with_code``).

    Raises:
        LinkRefused: it is not valid any more.
    """
    async with database.statement() as tx:
        _kind, user = await link_user(tx, token, now=now)
    hashed = await checked_hash(user, password)
    async with database.transaction() as tx:
        locked = await password_store.lock(tx, user.company_id, user.id)
        link = await link_store.use(tx, hash_token(token), now=now)
        if link is None or locked is None or not locked.user.is_active or locked.replaced_by is not None:
            raise LinkRefused
        actor = Actor(locked.user.role, locked.user.name, locked.company, locked.user)
        await store_password(tx, actor, locked.user, hashed, now=now)
        return await first_factor_passed(tx, locked, where.storable(), limits, now=now)


async def purge(tx: Tx, *, before: datetime) -> int:
    """Delete links that expired before a time; return how many, and 0 when none are left."""
    return await link_store.purge(tx, before=before, limit=_PURGED_AT_ONCE)
