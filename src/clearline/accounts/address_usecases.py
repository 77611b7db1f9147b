"""Addresses of users: they are claims of a customer until they are proven, or the provider vouches for them."""

from datetime import datetime
from uuid import UUID, uuid4

from msgspec.structs import replace

from clearline.accounts import account_mail_store, company_store, conflict_store, mail_domain_store, user_store
from clearline.accounts.account_mail_store import AccountMail, AccountMailKind
from clearline.accounts.domain import INVITATIONS_PERIOD, REMINDER_PAUSE, REMINDERS_MAX, AccountLimits
from clearline.accounts.mail_domain import domain_of_address, domains_above
from clearline.clock import counted_until
from clearline.errors import Conflict, Forbidden, require_found
from clearline.events.domain import changes_between
from clearline.events.record_changes import append_record_event
from clearline.identity import PROVIDER_ID, Actor, Company, User
from clearline.limit_errors import TooManyInvitations, TooManyUsers
from clearline.platform.database.transactions import Tx
from clearline.text import normalized_address


async def require_room_for_user(tx: Tx, actor: Actor, company_id: UUID, limits: AccountLimits) -> None:
    """Refuse when a customer adds more users than it may to its company; lock the company to count them.

    Raises:
        TooManyUsers: the company has as many.
    """
    if actor.is_staff:
        return
    await company_store.lock(tx, company_id)
    if await user_store.count(tx, company_id) >= limits.users:
        raise TooManyUsers(limits.users)


async def is_vouched_for(tx: Tx, actor: Actor, company_id: UUID, email: str) -> bool:
    """Return whether an address that the actor gives to a user counts as confirmed at once.

    The provider's people vouch for it; so does a verified domain of the company, unless the address is in conflict.
    """
    return actor.is_staff or (await is_in_own_domain(tx, company_id, email) and await is_free(tx, company_id, email))


async def is_in_own_domain(tx: Tx, company_id: UUID, email: str) -> bool:
    """Return whether an address is within a verified domain of a company."""
    name = domain_of_address(email)
    return name is not None and await mail_domain_store.has_verified(tx, company_id, domains_above(name))


async def is_free(tx: Tx, company_id: UUID, email: str) -> bool:
    """Return whether no other company has an address, and the provider did not refuse that this company claims it."""
    address = normalized_address(email)
    invitation = await account_mail_store.invitation_of(tx, company_id, address)
    is_refused = invitation is not None and invitation.is_refused
    return not is_refused and not await conflict_store.holders(tx, company_id, address)


async def with_confirmation(tx: Tx, actor: Actor, before: User, after: User) -> User:
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
    return replace(after, is_confirmed=await is_vouched_for(tx, actor, after.company_id, after.email))


async def invite(tx: Tx, actor: Actor, user: User, limits: AccountLimits, *, now: datetime) -> None:
    """Have an unconfirmed address invited, once for each company.

    Raises:
        TooManyInvitations: a customer caused as many mails about addresses within ``INVITATIONS_PERIOD`` as it may.
    """
    await company_store.lock(tx, user.company_id)
    address = normalized_address(user.email)
    mail = AccountMail(user.company_id, uuid4(), AccountMailKind.INVITATION, address, now)
    if await account_mail_store.insert(tx, mail):
        await _require_room_for_mail(tx, actor, user.company_id, limits, now=now)


async def _require_room_for_mail(
    tx: Tx, actor: Actor, company_id: UUID, limits: AccountLimits, *, now: datetime
) -> None:
    """Refuse the mail that was just stored for a customer, when it is one too many."""
    if actor.is_staff:
        return
    since, until = now - INVITATIONS_PERIOD, counted_until(now)
    if await account_mail_store.count(tx, company_id, since=since, until=until) > limits.invitations:
        raise TooManyInvitations(limits.invitations)


async def remind(tx: Tx, actor: Actor, user: User, limits: AccountLimits, *, now: datetime) -> None:
    """Have the invitation of a locked user's address sent again.

    Raises:
        Conflict: the address is confirmed or refused, the user is inactive, or the address had as many mails as it may.
        TooManyInvitations: a customer caused as many mails about addresses within ``INVITATIONS_PERIOD`` as it may.
    """
    if user.is_confirmed or not user.is_active:
        raise Conflict(f"the address is confirmed: {user.email}" if user.is_confirmed else "the user is not active")
    await company_store.lock(tx, user.company_id)
    invitation = await account_mail_store.invitation_of(tx, user.company_id, normalized_address(user.email))
    if invitation is None:
        await invite(tx, actor, user, limits, now=now)
        return
    if invitation.is_refused:
        raise Conflict("the provider refused this address: give the user another one, or ask the provider")
    if invitation.reminders >= REMINDERS_MAX:
        raise Conflict(
            f"the address was invited {REMINDERS_MAX + 1} times: look for the mail in the spam folder, or ask the "
            "provider to confirm the address"
        )
    if now - REMINDER_PAUSE < invitation.written_at <= counted_until(now):
        raise Conflict("the address was invited less than an hour ago: try again later")
    await account_mail_store.send_again(tx, user.company_id, invitation.id, now=now)
    await _require_room_for_mail(tx, actor, user.company_id, limits, now=now)


async def set_claim_refused(tx: Tx, user: User, *, refused_at: datetime | None, now: datetime) -> None:
    """Store that the provider refused that a company claims the address of a user, or that it does not any more."""
    address = normalized_address(user.email)
    invitation = AccountMail(user.company_id, uuid4(), AccountMailKind.INVITATION, address, now)
    await account_mail_store.set_refused(tx, invitation, refused_at=refused_at)


async def follow_change(
    tx: Tx, actor: Actor, before: User, after: User, limits: AccountLimits, *, now: datetime
) -> None:
    """Have the mails about a changed address sent: an invitation to the new one, a notice to the confirmed old one.

    An address that is confirmed now is not refused any more.

    Raises:
        TooManyInvitations: a customer caused as many mails about addresses within ``INVITATIONS_PERIOD`` as it may.
    """
    if after.company_id == PROVIDER_ID:
        return
    old, new = normalized_address(before.email), normalized_address(after.email)
    if old != new and before.is_confirmed:
        notice = AccountMail(after.company_id, uuid4(), AccountMailKind.ADDRESS_CHANGED, old, now)
        await account_mail_store.insert(tx, notice)
        await _require_room_for_mail(tx, actor, after.company_id, limits, now=now)
    if not after.is_confirmed and (old != new or before.is_confirmed):
        await invite(tx, actor, after, limits, now=now)
    if after.is_confirmed and (old != new or not before.is_confirmed):
        invitation = await account_mail_store.invitation_of(tx, after.company_id, new)
        if invitation is not None and invitation.is_refused:
            await set_claim_refused(tx, after, refused_at=None, now=now)


async def invited_user(tx: Tx, invitation_id: UUID) -> tuple[Company, User] | None:
    """Return the active user whose address an invitation asks to confirm, with its company; None without one."""
    mail = await account_mail_store.invitation(tx, invitation_id)
    return None if mail is None else await user_with_address(tx, mail.company_id, mail.address)


async def user_with_address(tx: Tx, company_id: UUID, address: str) -> tuple[Company, User] | None:
    """Return the active user of a company with an address, with the company; None without one.

    None also when the provider refused that the company claims the address.
    """
    company = await company_store.get(tx, company_id)
    user = await user_store.find(tx, company_id, address)
    if company is None or user is None or not user.is_active:
        return None
    invitation = await account_mail_store.invitation_of(tx, company_id, normalized_address(address))
    return None if invitation is not None and invitation.is_refused else (company, user)


async def confirm_address(tx: Tx, company: Company, user: User, *, now: datetime) -> User:
    """Confirm the address of a user, who answered its invitation, on behalf of that user.

    Nothing changes when the user got another address, or was made inactive, in the meantime.
    """
    locked = require_found(await user_store.lock(tx, company.id, user.id), "user", user.id)
    is_same = normalized_address(locked.email) == normalized_address(user.email)
    if locked.is_confirmed or not locked.is_active or not is_same:
        return locked
    return await _confirm(tx, Actor(locked.role, locked.name, company, locked), locked, now=now)


async def confirm_in_domain(tx: Tx, actor: Actor, user: User, *, now: datetime) -> None:
    """Confirm the address of a user, because a domain of its company was verified, unless the address is in conflict.

    Nothing changes when the address was confirmed, or replaced, in the meantime.
    """
    locked = require_found(await user_store.lock(tx, user.company_id, user.id), "user", user.id)
    if not locked.is_confirmed and locked.email == user.email and await is_free(tx, locked.company_id, locked.email):
        await _confirm(tx, actor, locked, now=now)


async def _confirm(tx: Tx, actor: Actor, locked: User, *, now: datetime) -> User:
    confirmed = replace(locked, is_confirmed=True)
    await user_store.save(tx, confirmed)
    changes = changes_between(locked, confirmed)
    await append_record_event(tx, actor, "user", "changed", confirmed, changes, company_id=locked.company_id, now=now)
    return confirmed
