"""Notification preferences of users, mail to the people of tickets, and notifications that are not yet sent."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from msgspec.structs import replace

from clearline.accounts import company_store, permissions, user_store
from clearline.accounts import usecases as accounts
from clearline.errors import Forbidden, require_found, require_valid
from clearline.events import store as event_store
from clearline.events.domain import Change, changes_between, record
from clearline.identity import Actor, Company, Scope, User
from clearline.mail.outbound import opt_out_usecases as opt_outs
from clearline.mail.outbound.opt_out_domain import DIGEST, OptOut
from clearline.notifications import preference_store
from clearline.notifications import store as notification_store
from clearline.notifications.contact_rules import DEFAULT_RULES, InboundCc, Notice, RuleRole, listed, notices_of
from clearline.notifications.domain import NotificationPreferences, check_preferences, effective_rules
from clearline.notifications.preference_store import ContactMailSettings
from clearline.notifications.store import PendingNotification
from clearline.platform.database.transactions import Tx
from clearline.tickets.contact import ContactRole, Person, PersonKind
from clearline.tickets.domain import TicketView

FIELD_PREFIX = "notifications"
"""The first part of the field names in the event of a change, as in ``notifications.quiet_from``."""

_RESUMING = frozenset({"rules", "digest", "digest_at"})


class UserPreferences(NamedTuple):
    """A user and their notification preferences."""

    user: User
    preferences: NotificationPreferences


class ContactMail(NamedTuple):
    """A company, and what mail the people of its tickets receive."""

    company: Company
    settings: ContactMailSettings


class AnswerRecipients(NamedTuple):
    """Who gets an answer by mail: the names of contacts, and the addresses that get copies."""

    contacts: list[str]
    copies: list[str]


async def get_own(tx: Tx, actor: Actor) -> UserPreferences:
    """Return the actor's own preferences. The operator is no user and has none: ``Forbidden``."""
    permissions.require_scope(actor, Scope.TICKETS_READ)
    user, _company = accounts.user_and_company(actor)
    return UserPreferences(user, await preference_store.get(tx, user.company_id, user.id))


async def get_preferences(
    tx: Tx, actor: Actor, company_id_or_name: UUID | str, user_id_or_email: UUID | str
) -> UserPreferences:
    """Return the preferences of a user of a company that the actor manages."""
    company = await accounts.company_to_manage(tx, actor, company_id_or_name)
    user = await accounts.get_user(tx, actor, company.id, user_id_or_email)
    return UserPreferences(user, await preference_store.get(tx, company.id, user.id))


async def lock_own(tx: Tx, actor: Actor) -> UserPreferences:
    """Lock and return the actor's own preferences until the transaction ends. The operator has none: ``Forbidden``."""
    permissions.require_scope(actor, Scope.TICKETS_WRITE)
    user, _company = accounts.user_and_company(actor)
    await user_store.lock(tx, user.company_id, user.id)
    return await get_own(tx, actor)


async def lock_preferences(
    tx: Tx, actor: Actor, company_id_or_name: UUID | str, user_id_or_email: UUID | str
) -> UserPreferences:
    """Lock and return the preferences of a user of a company that the actor manages, until the transaction ends."""
    user = await accounts.lock_user(tx, actor, company_id_or_name, user_id_or_email)
    return UserPreferences(user, await preference_store.get(tx, user.company_id, user.id))


async def change_own(tx: Tx, actor: Actor, values: Mapping[str, Any], *, now: datetime) -> UserPreferences:
    """Change the actor's own preferences, as ``change_preferences`` does."""
    return await _change(tx, actor, await lock_own(tx, actor), values, now=now)


async def change_preferences(
    tx: Tx,
    actor: Actor,
    company_id_or_name: UUID | str,
    user_id_or_email: UUID | str,
    values: Mapping[str, Any],
    *,
    now: datetime,
) -> UserPreferences:
    """Change some fields of a user's ``NotificationPreferences``.

    ``rules`` changes only the rules that it names; None restores the default of a rule. Notifications that are already
    pending keep their time. Values that do not differ make no new version and no event. Setting rules or the
    digest resumes digests that were stopped by a link in one.

    Raises:
        Forbidden: ``replies_by_mail`` is turned on for somebody else, which only the person may do.
    """
    locked = await lock_preferences(tx, actor, company_id_or_name, user_id_or_email)
    return await _change(tx, actor, locked, values, now=now)


async def _change(
    tx: Tx, actor: Actor, locked: UserPreferences, values: Mapping[str, Any], *, now: datetime
) -> UserPreferences:
    user, before = locked
    if (
        values.get("replies_by_mail")
        and not before.replies_by_mail
        and (actor.user is None or actor.user.id != user.id)
    ):
        raise Forbidden("only the person can turn on replies by mail")
    if not _RESUMING.isdisjoint(values):
        await opt_outs.resume(tx, actor, OptOut(user.company_id, user.email, DIGEST), now=now)
    changed_fields = dict(values)
    if "rules" in changed_fields:
        merged = {**before.rules, **changed_fields["rules"]}
        changed_fields["rules"] = {kind: mode for kind, mode in merged.items() if mode is not None}
    after = replace(before, **changed_fields)
    require_valid(check_preferences(after, user.role))
    changes = [*_plain_changes(before, after), *_rule_changes(before, after, user)]
    if after == before:
        return locked
    after = replace(after, version=before.version + 1)
    await preference_store.save(tx, user.company_id, user.id, after)
    if changes:
        await event_store.append(tx, actor, user.company_id, record("user", "changed", user, changes), now=now)
    return UserPreferences(user, after)


def _plain_changes(before: NotificationPreferences, after: NotificationPreferences) -> list[Change]:
    without_rules = replace(before, rules={}), replace(after, rules={})
    return [
        Change(f"{FIELD_PREFIX}.{change.field}", change.before, change.after)
        for change in changes_between(*without_rules)
    ]


def _rule_changes(before: NotificationPreferences, after: NotificationPreferences, user: User) -> list[Change]:
    old, new = effective_rules(before, user.role), effective_rules(after, user.role)
    return [Change(f"{FIELD_PREFIX}.rules.{kind}", old[kind], new[kind]) for kind in new if old[kind] != new[kind]]


async def get_contact_mail(tx: Tx, actor: Actor, company_id_or_name: UUID | str) -> ContactMail:
    """Return a company, and what mail the people of its tickets receive."""
    company = await accounts.get_company(tx, actor, company_id_or_name)
    return ContactMail(company, await preference_store.contact_mail(tx, company.id))


async def lock_contact_mail(tx: Tx, actor: Actor, company_id_or_name: UUID | str) -> ContactMail:
    """Lock a company that the actor manages, and return it with what mail the people of its tickets receive."""
    company = await accounts.company_to_manage(tx, actor, company_id_or_name)
    require_found(await company_store.lock(tx, company.id), "company", str(company_id_or_name))
    return ContactMail(company, await preference_store.contact_mail(tx, company.id))


async def change_contact_mail(
    tx: Tx,
    actor: Actor,
    company_id_or_name: UUID | str,
    *,
    mails: bool | None = None,
    rules: Mapping[RuleRole, Collection[Notice] | None] | None = None,
    inbound_cc: InboundCc | None = None,
    now: datetime,
) -> ContactMail:
    """Set whether the people of a company's tickets receive mail, what by role, and what becomes of inbound Cc.

    None changes nothing; in ``rules``, which has the roles to change, it restores the default. When mail is switched
    off, pending notifications to contacts are dropped when they become due.

    Raises:
        CompanyInactive: it is switched on, and the company is deactivated.
    """
    company, before = await lock_contact_mail(tx, actor, company_id_or_name)
    given = {
        role: DEFAULT_RULES[role] if notices is None else frozenset(notices) for role, notices in (rules or {}).items()
    }
    after = ContactMailSettings(
        before.mails_contacts if mails is None else mails,
        {**before.rules, **given},
        inbound_cc or before.inbound_cc,
    )
    if after == before:
        return ContactMail(company, before)
    if after.mails_contacts and not before.mails_contacts:
        await accounts.require_active_company(tx, company.id)
    await preference_store.save_contact_mail(tx, company.id, after)
    fact = record("company", "changed", company, _contact_mail_changes(before, after))
    await event_store.append(tx, actor, company.id, fact, now=now)
    return ContactMail(company, after)


def _contact_mail_changes(before: ContactMailSettings, after: ContactMailSettings) -> list[Change]:
    changes = [
        Change(name, getattr(before, name), getattr(after, name))
        for name in ("mails_contacts", "inbound_cc")
        if getattr(before, name) != getattr(after, name)
    ]
    return changes + [
        Change(f"contact_rules.{role}", listed(before.rules[role]), listed(after.rules[role]))
        for role in RuleRole
        if before.rules[role] != after.rules[role]
    ]


async def answer_recipients(tx: Tx, actor: Actor, view: TicketView) -> AnswerRecipients:
    """Return who gets a public note about a ticket by mail, as the rules of its company say.

    Users who are among them may have set something else for themselves.
    """
    permissions.require_staff(actor, Scope.TICKETS_READ)
    mails, rules, _cc = await preference_store.contact_mail(tx, view.ticket.company_id)
    if not mails:
        return AnswerRecipients([], [])
    contact, people = view.ticket.contact, view.people
    first = Person(PersonKind.CONTACT, contact.email, contact.name, roles=(ContactRole.REPORTER,))
    told = [
        person
        for person in (first, *people.contacts, *people.cc)
        if person.email and Notice.ANSWERS in notices_of(person, rules)
    ]
    return AnswerRecipients(
        [person.name or person.email for person in told if person.kind is PersonKind.CONTACT],
        [person.email for person in told if person.kind is PersonKind.CC],
    )


async def list_pending(
    tx: Tx, actor: Actor, *, after: tuple[datetime, str, int] | None = None, limit: int
) -> list[PendingNotification]:
    """Return pending notifications, the earliest due first, after the given due time, recipient and id.

    Only the operator and the provider's admins may read them. Served by ``notification_due``.
    """
    permissions.require_desk_admin(actor)
    permissions.require_scope(actor, Scope.DESK_READ)
    return await notification_store.pending(tx, after=after, limit=limit)
