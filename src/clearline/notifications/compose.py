"""Compose mail from due notifications: one mail about a ticket, or a digest."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from clearline.accounts import key_store, permissions
from clearline.catalogue.term_domain import Terms
from clearline.catalogue.term_usecases import current_terms
from clearline.events.event_types import Audience, EventType
from clearline.events.type_table import visible_data
from clearline.fields import usecases as own_fields
from clearline.fields.domain import Field, RecordKind
from clearline.fields.reference_usecases import Names, reference_names
from clearline.identity import OPERATOR, Actor, Role
from clearline.language.reader import Reader, first_language, read_by, zone_of
from clearline.mail.outbound import usecases as outbound_mail
from clearline.mail.outbound.domain import NOTIFICATION, NewMail
from clearline.mail.outbound.opt_out_domain import DIGEST as DIGESTS
from clearline.mail.outbound.opt_out_domain import TICKETS, ticket_topic, unsubscribe_link
from clearline.mail.people.domain import leave_link
from clearline.mail.templates.rendering import RenderedMail
from clearline.notifications import preference_store
from clearline.notifications import store as notification_store
from clearline.notifications.contents import (
    MailContext,
    Pair,
    audience_of_mail,
    digest_mail,
    is_staff_mail,
    leaves,
    ticket_mail,
)
from clearline.notifications.domain import DeliveryMode, DigestFrequency, NotificationPreferences
from clearline.notifications.quiet_hours import next_digest
from clearline.notifications.recipients import GROUPING_WINDOW
from clearline.notifications.store import DueNotification, MailGroup
from clearline.notifications.wording import OWN, MailEntry, author_text, in_language, sentence, with_own_fields
from clearline.platform.database.transactions import Tx
from clearline.tickets.domain import Status
from clearline.tickets.note_domain import Source

DIGEST = "digest"
_MAX_PER_MAIL: Mapping[str, int] = {DeliveryMode.EMAIL: 50, DeliveryMode.DIGEST: 200}
"""The most notifications in one mail; the others go into another mail."""
_CONTACT_PREFERENCES = NotificationPreferences(digest=DigestFrequency.HOURLY)
"""The preferences of contacts who are not users."""


_OwnFields = tuple[Mapping[str, Field], Mapping[UUID, Names]]
"""The own fields of tickets by their keys, and the names of what they refer to by the company of the ticket."""


class _Words(Struct, frozen=True):
    """What the reader of a mail calls the provider's terms and own fields."""

    terms: Terms
    own_fields: _OwnFields


class ComposeResult(Enum):
    """What happened to the notifications of a group."""

    WRITTEN = "written"
    EMPTY = "empty"
    """None of them had anything to report to the recipient; they were deleted."""
    POSTPONED = "postponed"
    """The address reached its rate limit; they go into a digest."""
    WITHHELD = "withheld"
    """The contacts of the company reached their rate limit; they were deleted."""


async def compose(tx: Tx, group: MailGroup, *, context: MailContext, since: datetime, now: datetime) -> ComposeResult:
    """Write the mail of a group, and delete its notifications, in one transaction.

    What the recipient may see is decided here, with the data as it is now. Inactive users, unconfirmed addresses, and
    contacts whose company has contact mail off, get nothing, and notifications of events at or before ``since`` are
    dropped. An address that got ``rate_limits.per_address`` notifications in the last hour gets the others in a digest.
    The contacts of a company who are not users get at most ``rate_limits.per_company_contacts`` mails in an hour;
    further ones are deleted unsent.
    """
    if group.channel == DeliveryMode.EMAIL and await _exceeds_address_limit(tx, group, context, now):
        digest_at = next_digest(await _preferences(tx, group), now)
        await notification_store.postpone(
            tx, group, channel=DeliveryMode.DIGEST, until=now + GROUPING_WINDOW, to=digest_at
        )
        return ComposeResult.POSTPONED
    until = now + GROUPING_WINDOW if group.channel == DeliveryMode.EMAIL else now
    locked = await notification_store.lock_due(tx, group, until=until, limit=_MAX_PER_MAIL[group.channel])
    if not locked:
        return ComposeResult.EMPTY
    reader_of_mail = _reader(locked[0])
    with read_by(reader_of_mail):
        words = _Words(await current_terms(tx), await _own_fields(tx, group, locked))
        pairs = _pairs(locked, group, since, words)
    result = ComposeResult.WRITTEN if pairs else ComposeResult.EMPTY
    if pairs and await _exceeds_contact_limit(tx, group, context, now):
        result = ComposeResult.WITHHELD
    elif pairs:
        is_digest = group.channel == DeliveryMode.DIGEST
        with read_by(reader_of_mail):
            rendered = await (digest_mail if is_digest else ticket_mail)(tx, group, pairs, context)
        mail = _addressed(group, rendered, pairs, context)
        await outbound_mail.enqueue(tx, mail, now=now, settings=context.settings)
    await notification_store.delete(tx, [notification.key for notification in locked])
    return result


async def _own_fields(tx: Tx, group: MailGroup, locked: Sequence[DueNotification]) -> _OwnFields:
    """Return what changes of own fields are said with: what the recipient may see of them, and names of references."""
    sides: dict[UUID, list[tuple[RecordKind, dict[str, Any]]]] = {}
    for notification in locked:
        for change in notification.data.get("changes", ()):
            key = change["field"].removeprefix(OWN)
            if key != change["field"]:
                values = [{key: change[side]} for side in ("before", "after")]
                sides.setdefault(notification.key[0], []).extend((RecordKind.TICKET, value) for value in values)
    if not sides:
        return {}, {}
    is_staff = is_staff_mail(locked[0], group)
    shown = (await own_fields.definitions(tx)).shown(RecordKind.TICKET, for_staff=is_staff)
    names: dict[UUID, Names] = {}
    for company_id, values_of in sides.items():
        if (actor := await _actor(tx, group, company_id)) is not None:
            names[company_id] = await reference_names(tx, actor, company_id, values_of)
    return {field.key: field for field in shown}, names


async def _actor(tx: Tx, group: MailGroup, company_id: UUID) -> Actor | None:
    """Return the recipient; somebody who is no user sees what a user of the ticket's company sees."""
    if group.user_company_id is not None and group.user_id is not None:
        return await key_store.actor_for(tx, group.user_company_id, group.user_id, frozenset())
    return Actor(Role.CUSTOMER, group.recipient, await permissions.company_with_id(tx, OPERATOR, company_id))


def _pairs(locked: Sequence[DueNotification], group: MailGroup, since: datetime, words: _Words) -> list[Pair]:
    """Return the notifications that report something to the recipient, each with its entry, in order of time.

    Of mail that the recipient stopped only direct answers are left, and what was assigned to the recipient.
    """
    pairs = [
        (notification, entry)
        for notification in locked
        if notification.at > since
        and (entry := _entry(notification, group, words)) is not None
        and (not notification.is_stopped or _is_answer(notification, entry) or _is_assignment(entry, group))
    ]
    resolved = {entry.at for _notification, entry in pairs if _tells_resolution(entry)}
    told = [pair for pair in pairs if pair[1].at not in resolved or not _is_closure(pair[1])]
    return sorted(told, key=lambda pair: (pair[1].at, pair[1].number))


def _tells_resolution(entry: MailEntry) -> bool:
    return entry.type == EventType.STATUS_CHANGED and bool(entry.data["after"] == Status.RESOLVED)


def _is_closure(entry: MailEntry) -> bool:
    """Return whether an entry is about what was found and done alone: the resolution stands with the status then."""
    return entry.type == EventType.TICKET_CHANGED and all(
        change["field"].startswith("closure.") for change in entry.data["changes"]
    )


def _is_answer(notification: DueNotification, entry: MailEntry) -> bool:
    """Return whether an entry answers the recipient: the receipt, and what the provider wrote to the contact."""
    if not notification.is_contact:
        return False
    if entry.type == EventType.NOTE_ADDED:
        return bool(entry.data["source"] == Source.SELLER)
    return entry.type in {EventType.TICKET_CREATED, EventType.ATTACHMENT_ADDED}


def _is_assignment(entry: MailEntry, group: MailGroup) -> bool:
    return entry.type == EventType.TICKET_ASSIGNED and entry.data["after"] == str(group.user_id)


def _unsubscribe(group: MailGroup, pairs: Sequence[Pair], context: MailContext) -> str:
    """Return the link that stops such mail; empty for a mail of direct answers.

    By it one of the people of a ticket leaves it; others stop mail about the ticket or, in a digest, the digests of a
    user or mail about the tickets of a contact.
    """
    if all(_is_answer(*pair) for pair in pairs):
        return ""
    latest = pairs[-1][0]
    company_id, topic = latest.key[0], ticket_topic(latest.number)
    if leaves(group, latest):
        return leave_link(context.settings, company_id, latest.number, group.recipient)
    if group.channel == DeliveryMode.DIGEST:
        company_id, topic = (group.user_company_id, DIGESTS) if group.user_company_id else (company_id, TICKETS)
    return unsubscribe_link(context.settings, company_id, group.recipient, topic)


async def postpone(tx: Tx, group: MailGroup, *, to: datetime, now: datetime) -> None:
    """Postpone a mail that could not be composed, so that it does not block the others."""
    await notification_store.postpone(tx, group, channel=group.channel, until=now + GROUPING_WINDOW, to=to)


async def _exceeds_address_limit(tx: Tx, group: MailGroup, context: MailContext, now: datetime) -> bool:
    sent = await outbound_mail.recent_count(tx, group.recipient, NOTIFICATION, now=now)
    return sent >= context.rate_limits.per_address


async def _exceeds_contact_limit(tx: Tx, group: MailGroup, context: MailContext, now: datetime) -> bool:
    """Return whether a mail to a contact who is not a user is one too many; an hourly digest never is."""
    if group.user_id is not None or group.company_id is None or group.channel != DeliveryMode.EMAIL:
        return False
    sent = await outbound_mail.contacts_count(tx, group.company_id, now=now)
    return sent >= context.rate_limits.per_company_contacts


async def _preferences(tx: Tx, group: MailGroup) -> NotificationPreferences:
    if group.user_company_id is None or group.user_id is None:
        return _CONTACT_PREFERENCES
    return await preference_store.get(tx, group.user_company_id, group.user_id)


def _entry(notification: DueNotification, group: MailGroup, words: _Words) -> MailEntry | None:
    """Return the text of a notification in a mail; None when it is not visible to the recipient, or deleted."""
    kind, names = notification.type, notification.names
    audience = audience_of_mail(notification, group)
    data = visible_data(kind, notification.data, audience)
    if not notification.may_receive or data is None:
        return None
    is_note = kind == EventType.NOTE_ADDED
    if (is_note and notification.text is None) or (kind == EventType.ATTACHMENT_ADDED and names.file is None):
        return None
    is_own = kind == EventType.TICKET_ASSIGNED and data["after"] == str(group.user_id)
    fields, references = words.own_fields
    shown = data if audience is Audience.STAFF else in_language(words.terms, data)
    shown = with_own_fields(shown, fields, references.get(notification.key[0], {}))
    text = notification.text if is_note else sentence(kind, shown, names, is_own=is_own, audience=audience)
    if kind == EventType.TICKET_CREATED:
        text = f"{text}\n\n{notification.description}"
    if notification.resolution and kind == EventType.STATUS_CHANGED and data["after"] == Status.RESOLVED:
        text = f"{text}\n\n{notification.resolution}"
    author = author_text(kind, data, notification.actor_name)
    return MailEntry(notification.key[1], notification.at, kind, data, author, text or "", notification.channel)


def _reader(notification: DueNotification) -> Reader:
    """Return how the recipient reads."""
    return Reader(first_language(notification.language), zone_of(notification.time_zone))


def _addressed(group: MailGroup, rendered: RenderedMail, pairs: Sequence[Pair], context: MailContext) -> NewMail:
    latest = pairs[-1][0]
    mail = NewMail(
        recipient=group.recipient,
        recipient_name=latest.recipient_name,
        subject=rendered.subject,
        text=rendered.text,
        html=rendered.html,
        kind=DIGEST,
        company_id=group.user_company_id or pairs[0][0].key[0],
        user_id=group.user_id,
        unsubscribe=_unsubscribe(group, pairs, context),
    )
    if group.channel == DeliveryMode.DIGEST:
        return mail
    return replace(mail, kind=NOTIFICATION, company_id=latest.key[0], ticket_number=latest.number, topic=latest.title)
