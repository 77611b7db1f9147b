"""Notification preferences of users, and whether the contacts of a company receive mail."""

from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from clearline.events.event_types import NotificationKind
from clearline.notifications.contact_rules import DEFAULT_RULES, ContactRules, InboundCc, own_rules, rules_of
from clearline.notifications.domain import DeliveryMode, DigestFrequency, NotificationPreferences
from clearline.platform.database.transactions import Record, Tx

CRITICAL_BREAKS_QUIET = "critical_breaks_quiet"
"""The member of the JSON column ``rules`` that is not a rule but ``critical_breaks_quiet``."""

COLUMNS = (
    "s.time_zone, s.quiet_from, s.quiet_to, s.quiet_days, s.digest, s.digest_at, s.rules, s.replies_by_mail, s.version"
)
"""The columns of ``notification_settings s``, in the order that ``preferences_of`` reads."""

_DEFAULTS = NotificationPreferences()
_KINDS = {str(kind): kind for kind in NotificationKind}
_MODES = {str(mode): mode for mode in DeliveryMode}
_decode = msgspec.json.Decoder(dict[str, Any]).decode
_encode = msgspec.json.Encoder().encode


def preferences_of(row: Record) -> NotificationPreferences:
    """Return the preferences in a row of ``COLUMNS``; the defaults when a left join found no row.

    Rules whose kind or mode this version does not know are ignored.
    """
    zone, begin, end, days, digest, digest_at, stored_rules, by_mail, version = row
    if zone is None:
        return _DEFAULTS
    members = _decode(stored_rules)
    breaks_quiet = members.pop(CRITICAL_BREAKS_QUIET, False)
    rules = {_KINDS[kind]: _MODES[mode] for kind, mode in members.items() if kind in _KINDS and mode in _MODES}
    return NotificationPreferences(
        zone, begin, end, tuple(days), DigestFrequency(digest), digest_at, breaks_quiet, by_mail, rules, version
    )


async def get(tx: Tx, company_id: UUID, user_id: UUID) -> NotificationPreferences:
    """Return a user's preferences; the defaults when none are stored. Served by the primary key."""
    row = await tx.fetchrow(
        f"select {COLUMNS} from notification_settings s where s.company_id = $1 and s.user_id = $2",
        company_id,
        user_id,
    )
    return _DEFAULTS if row is None else preferences_of(row)


async def save(tx: Tx, company_id: UUID, user_id: UUID, values: NotificationPreferences) -> None:
    """Store a user's preferences. The caller holds the lock on the user's row."""
    await tx.write(
        """
        insert into notification_settings (company_id, user_id, time_zone, quiet_from, quiet_to, quiet_days, digest,
                                           digest_at, rules, version, replies_by_mail)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        on conflict (company_id, user_id) do update
           set time_zone = $3, quiet_from = $4, quiet_to = $5, quiet_days = $6, digest = $7, digest_at = $8, rules = $9,
               version = $10, replies_by_mail = $11
        """,
        company_id,
        user_id,
        values.time_zone,
        values.quiet_from,
        values.quiet_to,
        list(values.quiet_days),
        values.digest,
        values.digest_at,
        _encode({**values.rules, CRITICAL_BREAKS_QUIET: values.critical_breaks_quiet}).decode(),
        values.version,
        values.replies_by_mail,
    )


class ContactMailSettings(NamedTuple):
    """Whether the contacts of a company's tickets receive mail, what by their roles, and what becomes of inbound Cc."""

    mails_contacts: bool
    rules: ContactRules
    inbound_cc: InboundCc


async def contact_mail(tx: Tx, company_id: UUID) -> ContactMailSettings:
    """Return the settings of mail to the contacts of a company's tickets. Served by the primary key."""
    row = await tx.fetchrow(
        "select mails_contacts, contact_rules::text, inbound_cc from company where id = $1", company_id
    )
    if row is None:
        return ContactMailSettings(False, DEFAULT_RULES, InboundCc.SUGGEST)
    return ContactMailSettings(row[0], rules_of(None if row[1] is None else _decode(row[1])), InboundCc(row[2]))


async def save_contact_mail(tx: Tx, company_id: UUID, settings: ContactMailSettings) -> None:
    """Store the settings of mail to the contacts of a company's tickets. The caller holds the lock on the company."""
    own = own_rules(settings.rules)
    await tx.write(
        "update company set mails_contacts = $2, contact_rules = $3::jsonb, inbound_cc = $4 where id = $1",
        company_id,
        settings.mails_contacts,
        _encode(own).decode() if own else None,
        settings.inbound_cc,
    )


async def accepts_replies(tx: Tx, *, is_listening: bool) -> bool:
    """Return whether replies arrive: an active mailbox is polled or, when the server listens for mail, exists.

    Reads the whole table ``mailbox``, which is small.
    """
    accepts = await tx.fetchval(
        "select exists (select from mailbox where is_active and ($1 or imap_host is not null))", is_listening
    )
    return accepts is True
