"""What people want to hear of, and whether contacts are written to."""

from typing import Any
from uuid import UUID

import msgspec

from clearline.events.event_types import NotificationKind
from clearline.notifications.domain import DigestEvery, NotificationSettings, Way
from clearline.platform.database.transactions import Record, Tx

BREAKS = "critical_breaks_quiet"
"""The member of the column ``rules`` that is no rule."""

SETTINGS = "s.time_zone, s.quiet_from, s.quiet_to, s.quiet_days, s.digest, s.digest_at, s.rules, s.version"
_NONE = NotificationSettings()
_KIND = {str(one): one for one in NotificationKind}
_WAY = {str(one): one for one in Way}
_decode = msgspec.json.Decoder(dict[str, Any]).decode
_encode = msgspec.json.Encoder().encode


def settings_of(row: Record) -> NotificationSettings:
    """The settings in a row of ``SETTINGS``; the defaults when a left join found none."""
    zone, begin, end, days, digest, digest_at, stored, version = row
    if zone is None:
        return _NONE
    kept = _decode(stored)
    breaks = kept.pop(BREAKS, False)
    rules = {_KIND[name]: _WAY[way] for name, way in kept.items() if name in _KIND and way in _WAY}
    return NotificationSettings(zone, begin, end, tuple(days), DigestEvery(digest), digest_at, breaks, rules, version)


async def get(tx: Tx, company_id: UUID, user_id: UUID) -> NotificationSettings:
    """What a person wants to hear of; the defaults when it never said. Served by the primary key."""
    row = await tx.fetchrow(
        f"select {SETTINGS} from notification_settings s where s.company_id = $1 and s.user_id = $2",
        company_id,
        user_id,
    )
    return _NONE if row is None else settings_of(row)


async def save(tx: Tx, company_id: UUID, user_id: UUID, values: NotificationSettings) -> None:
    """Store what a person wants to hear of. The caller holds the person's row."""
    await tx.write(
        """
        insert into notification_settings (company_id, user_id, time_zone, quiet_from, quiet_to, quiet_days, digest,
                                           digest_at, rules, version)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        on conflict (company_id, user_id) do update
           set time_zone = $3, quiet_from = $4, quiet_to = $5, quiet_days = $6, digest = $7, digest_at = $8, rules = $9,
               version = $10
        """,
        company_id,
        user_id,
        values.time_zone,
        values.quiet_from,
        values.quiet_to,
        list(values.quiet_days),
        values.digest,
        values.digest_at,
        _encode({**values.rules, BREAKS: values.critical_breaks_quiet}).decode(),
        values.version,
    )


async def mails_contacts(tx: Tx, company_id: UUID) -> bool:
    """Whether the contacts of a company's tickets are written to. Served by the primary key."""
    found = await tx.fetchval("select mails_contacts from company where id = $1", company_id)
    return found is True


async def save_mails_contacts(tx: Tx, company_id: UUID, *, mails: bool) -> None:
    """Note whether the contacts of a locked company's tickets are written to."""
    await tx.write("update company set mails_contacts = $2 where id = $1", company_id, mails)


async def takes_replies(tx: Tx, *, listens: bool) -> bool:
    """Whether a mailbox is there whose mail is taken: polled or, when the server ``listens``, any. There are few."""
    found = await tx.fetchval(
        "select exists (select from mailbox where is_active and ($1 or imap_host is not null))", listens
    )
    return found is True
