"""Addresses of users: they are claims of a customer until the person proves them, or the provider vouches for them."""

from datetime import datetime
from uuid import UUID, uuid4

from msgspec.structs import replace

from clearline.accounts import account_mail_store, company_store, user_store
from clearline.accounts.account_mail_store import AccountMail, AccountMailKind
from clearline.accounts.domain import INVITATIONS_MAX, INVITATIONS_PERIOD, USERS_MAX
from clearline.errors import Forbidden, TooManyInvitations, TooManyUsers, require_found
from clearline.events.domain import changes_between
from clearline.events.record_changes import append_record_event
from clearline.identity import PROVIDER_ID, Actor, Company, User
from clearline.platform.database.transactions import Tx
from clearline.text import normalized_address


async def require_room_for_user(tx: Tx, actor: Actor, company_id: UUID) -> None:
    """Refuse when a customer adds more users than ``USERS_MAX`` to its company; lock the company to count them.

    Raises:
        TooManyUsers: the company has as many.
    """
    if actor.is_staff:
        return
    await company_store.lock(tx, company_id)
    if await user_store.count(tx, company_id) >= USERS_MAX:
        raise TooManyUsers(USERS_MAX)


def is_vouched_for(actor: Actor) -> bool:
    """Return whether an address that the actor gives to a user counts as confirmed: the provider's people vouch."""
    return actor.is_staff


def with_confirmation(actor: Actor, before: User, after: User) -> User:
    """Return a changed user with whether its address is confirmed: another address has to be confirmed again.

    Only the provider's people may confirm an address by their word, or withdraw it: ``Forbidden``.
    """
    has_same_address = normalized_address(before.email) == normalized_address(after.email)
    if actor.is_staff:
        is_decided = after.is_confirmed != before.is_confirmed
        return after if has_same_address or is_decided else replace(after, is_confirmed=True)
    if has_same_address:
        if after.is_confirmed != before.is_confirmed:
            raise Forbidden("only the provider's people may confirm an address, or withdraw that")
        return after
    return replace(after, is_confirmed=False)


async def invite(tx: Tx, actor: Actor, user: User, *, now: datetime) -> None:
    """Have an unconfirmed address invited, once for each company.

    Raises:
        TooManyInvitations: a customer had ``INVITATIONS_MAX`` addresses invited within ``INVITATIONS_PERIOD``.
    """
    await company_store.lock(tx, user.company_id)
    address = normalized_address(user.email)
    mail = AccountMail(user.company_id, uuid4(), AccountMailKind.INVITATION, address, now)
    if not await account_mail_store.insert(tx, mail) or actor.is_staff:
        return
    since = now - INVITATIONS_PERIOD
    if await account_mail_store.invitations_since(tx, user.company_id, since) > INVITATIONS_MAX:
        raise TooManyInvitations(INVITATIONS_MAX)


async def follow_change(tx: Tx, actor: Actor, before: User, after: User, *, now: datetime) -> None:
    """Have the mails about a changed address sent: an invitation to the new one, a notice to the confirmed old one."""
    if after.company_id == PROVIDER_ID:
        return
    old, new = normalized_address(before.email), normalized_address(after.email)
    if old != new and before.is_confirmed:
        notice = AccountMail(after.company_id, uuid4(), AccountMailKind.ADDRESS_CHANGED, old, now)
        await account_mail_store.insert(tx, notice)
    if not after.is_confirmed and (old != new or before.is_confirmed):
        await invite(tx, actor, after, now=now)


async def invited_user(tx: Tx, invitation_id: UUID) -> tuple[Company, User] | None:
    """Return the active user whose address an invitation asks to confirm, with its company; None without one."""
    mail = await account_mail_store.invitation(tx, invitation_id)
    return None if mail is None else await user_with_address(tx, mail.company_id, mail.address)


async def user_with_address(tx: Tx, company_id: UUID, address: str) -> tuple[Company, User] | None:
    """Return the active user of a company with an address, with the company; None without one."""
    company = await company_store.get(tx, company_id)
    user = await user_store.find(tx, company_id, address)
    return None if company is None or user is None or not user.is_active else (company, user)


async def confirm_address(tx: Tx, company: Company, user: User, *, now: datetime) -> User:
    """Confirm the address of a user, who answered its invitation, on behalf of that user.

    Nothing changes when the user got another address, or was made inactive, in the meantime.
    """
    locked = require_found(await user_store.lock(tx, company.id, user.id), "user", user.id)
    is_same = normalized_address(locked.email) == normalized_address(user.email)
    if locked.is_confirmed or not locked.is_active or not is_same:
        return locked
    confirmed = replace(locked, is_confirmed=True)
    await user_store.save(tx, confirmed)
    person = Actor(confirmed.role, confirmed.name, company, confirmed)
    changes = changes_between(locked, confirmed)
    await append_record_event(tx, person, "user", "changed", confirmed, changes, company_id=company.id, now=now)
    return confirmed
