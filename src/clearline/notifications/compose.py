"""Compose mail from due notifications: one mail about a ticket, or a digest."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import Enum
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from clearline.branding import usecases as branding
from clearline.events.event_types import Audience, EventType, visible_data
from clearline.feedback.domain import Rating, ballot_of, feedback_link
from clearline.identity import PROVIDER_ID, Role
from clearline.language.reader import Reader, first_language, read_by, reader, zone_of
from clearline.language.times import time_text
from clearline.language.words import first_upper, gettext
from clearline.language.words import gettext_noop as _
from clearline.mail.format.public_mark import MARK
from clearline.mail.outbound import usecases as outbound_mail
from clearline.mail.outbound.domain import NOTIFICATION, MailSettings, NewMail, RateLimits, Render, RenderedMail
from clearline.mail.outbound.opt_out_domain import DIGEST as DIGESTS
from clearline.mail.outbound.opt_out_domain import TICKETS, ticket_topic, unsubscribe_link
from clearline.notifications import preference_store
from clearline.notifications import store as notification_store
from clearline.notifications.domain import DeliveryMode, DigestFrequency, NotificationPreferences
from clearline.notifications.quiet_hours import next_digest
from clearline.notifications.recipients import GROUPING_WINDOW
from clearline.notifications.store import DueNotification, MailGroup
from clearline.notifications.wording import MailEntry, author_text, headline, sentence, status_words, value_word
from clearline.platform.database.transactions import Tx
from clearline.tickets.domain import Status, ticket_number
from clearline.tickets.note_domain import Source
from clearline.tickets.status_domain import ACCEPTS_NOTES

DIGEST = "digest"
STAFF_TICKETS = "/console/tickets/"
CUSTOMER_TICKETS = "/portal/tickets/"
"""Where the pages of tickets begin, for the provider's people and for those of customers."""
_MAX_PER_MAIL: Mapping[str, int] = {DeliveryMode.EMAIL: 50, DeliveryMode.DIGEST: 200}
"""The most notifications in one mail; the others go into another mail."""
_DIGEST_TEXT_MAX = 300
"""The most characters of a note that a digest repeats."""
_CONTACT_PREFERENCES = NotificationPreferences(digest=DigestFrequency.HOURLY)
"""The preferences of contacts who are not users."""
_REPLY = _("Reply to this mail to add a note to the ticket.")
_REPLY_OF_STAFF = _("Reply to this mail to add an internal note. The customer does not see it.")
_REPLY_TO_CUSTOMER = _(
    "Begin your answer with %(mark)s on a line of its own to send it to the customer; otherwise it stays internal."
)
_ANSWER_OF_RECEIPT = _("To add something, contact us and name the number of the ticket.")
"""How to answer when replies to mail are not read."""

TemplateEntry = tuple[str, str, str, str]
"""The author, the time in the recipient's time zone, the text and its channel."""
_Pair = tuple[DueNotification, MailEntry]


class MailContext(Struct, frozen=True):
    """What composing needs: the templates, the mail settings, whether replies become notes, and the rate limits.

    ``staff_replies`` is whether the desk lets agents reply to customers by mail. ``support`` has the lines of the
    branding that stand below mail for customers.
    """

    render: Render
    settings: MailSettings
    accepts_replies: bool
    rate_limits: RateLimits
    staff_replies: bool = False
    support: Sequence[str] = ()


class ComposeResult(Enum):
    """What happened to the notifications of a group."""

    WRITTEN = "written"
    EMPTY = "empty"
    """None of them had anything to report to the recipient; they were deleted."""
    POSTPONED = "postponed"
    """The address reached its rate limit; they go into a digest."""
    WITHHELD = "withheld"
    """The contacts of the company reached their rate limit; they were deleted."""


class DigestTicket(Struct, frozen=True):
    """A ticket in a digest: its current state, its entries, oldest first, and its page; an empty ``url`` for none."""

    number: str
    title: str
    status: str
    company: str
    entries: list[TemplateEntry]
    url: str


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
        pairs = _pairs(locked, group, since)
    result = ComposeResult.WRITTEN if pairs else ComposeResult.EMPTY
    if pairs and await _exceeds_contact_limit(tx, group, context, now):
        result = ComposeResult.WITHHELD
    elif pairs:
        is_digest = group.channel == DeliveryMode.DIGEST
        support = () if _is_staff(pairs[0][0], group) else await _support(tx, reader_of_mail)
        context = replace(context, support=support)
        async with branding.mail_for(tx, reader_of_mail):
            mail = _digest(group, pairs, context) if is_digest else _notification(group, pairs, context)
        await outbound_mail.enqueue(tx, mail, now=now, settings=context.settings)
    await notification_store.delete(tx, [notification.key for notification in locked])
    return result


def _pairs(locked: Sequence[DueNotification], group: MailGroup, since: datetime) -> list[_Pair]:
    """Return the notifications that report something to the recipient, each with its entry, in order of time.

    Of mail that the recipient stopped only direct answers are left, and what was assigned to the recipient.
    """
    pairs = [
        (notification, entry)
        for notification in locked
        if notification.at > since
        and (entry := _entry(notification, group)) is not None
        and (not notification.is_stopped or _is_answer(notification, entry) or _is_assignment(entry, group))
    ]
    return sorted(pairs, key=lambda pair: (pair[1].at, pair[1].number))


def _is_answer(notification: DueNotification, entry: MailEntry) -> bool:
    """Return whether an entry answers the recipient: the receipt, and what the provider wrote to the contact."""
    if not notification.is_contact:
        return False
    if entry.type == EventType.NOTE_ADDED:
        return bool(entry.data["source"] == Source.SELLER)
    return entry.type in {EventType.TICKET_CREATED, EventType.ATTACHMENT_ADDED}


def _is_assignment(entry: MailEntry, group: MailGroup) -> bool:
    return entry.type == EventType.TICKET_ASSIGNED and entry.data["after"] == str(group.user_id)


def _unsubscribe(group: MailGroup, pairs: Sequence[_Pair], context: MailContext) -> str:
    """Return the link that stops such mail; empty for a mail of direct answers.

    It is about the ticket or, in a digest, about the digests of a user, or the tickets of a contact.
    """
    if all(_is_answer(*pair) for pair in pairs):
        return ""
    latest = pairs[-1][0]
    company_id, topic = latest.key[0], ticket_topic(latest.number)
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


def _is_staff(notification: DueNotification, group: MailGroup) -> bool:
    if group.user_company_id != PROVIDER_ID or notification.role is None:
        return False
    return Role(notification.role).is_staff


def _audience(notification: DueNotification, group: MailGroup) -> Audience:
    return Audience.STAFF if _is_staff(notification, group) else Audience.CUSTOMER


def _entry(notification: DueNotification, group: MailGroup) -> MailEntry | None:
    """Return the text of a notification in a mail; None when it is not visible to the recipient, or deleted."""
    kind, names = notification.type, notification.names
    audience = _audience(notification, group)
    data = visible_data(kind, notification.data, audience)
    if not notification.may_receive or data is None:
        return None
    is_note = kind == EventType.NOTE_ADDED
    if (is_note and notification.text is None) or (kind == EventType.ATTACHMENT_ADDED and names.file is None):
        return None
    is_own = kind == EventType.TICKET_ASSIGNED and data["after"] == str(group.user_id)
    text = notification.text if is_note else sentence(kind, data, names, is_own=is_own, audience=audience)
    if kind == EventType.TICKET_CREATED:
        text = f"{text}\n\n{notification.description}"
    author = author_text(kind, data, notification.actor_name)
    return MailEntry(notification.key[1], notification.at, kind, data, author, text or "", notification.channel)


def _reader(notification: DueNotification) -> Reader:
    """Return how the recipient reads."""
    return Reader(first_language(notification.language), zone_of(notification.time_zone))


def _template_entries(pairs: Sequence[_Pair]) -> list[TemplateEntry]:
    return [(entry.author, time_text(entry.at), entry.text, entry.channel) for _notification, entry in pairs]


def _notification(group: MailGroup, pairs: Sequence[_Pair], context: MailContext) -> NewMail:
    latest = pairs[-1][0]
    entries = [entry for _notification, entry in pairs]
    is_staff = _is_staff(latest, group)
    is_receipt = not is_staff and any(entry.type == EventType.TICKET_CREATED for entry in entries)
    status = first_upper(status_words(_audience(latest, group))[latest.status])
    facts = [(gettext("Status"), status), (gettext("Service"), (latest.service or "").strip())]
    if is_staff:
        facts += [
            (gettext("Customer"), latest.company_name),
            (gettext("Priority"), value_word(latest.priority)),
            (gettext("Agent"), latest.agent_name or gettext("unassigned")),
        ]
    rendered = context.render(
        NOTIFICATION,
        number=ticket_number(latest.number),
        title=latest.title,
        headline=headline(
            entries, reader_id=str(group.user_id) if group.user_id else None, audience=_audience(latest, group)
        ),
        facts=facts,
        entries=_template_entries(pairs),
        is_receipt=is_receipt,
        url=_page_of(latest.number, group, context),
        feedback=_feedback(group, latest, entries, context),
        reply=gettext(_reply(latest, group, context, is_receipt=is_receipt)) % {"mark": MARK},
        footer=_footer(group),
        settings_url="",
        support=context.support,
    )
    return _addressed(group, rendered, NOTIFICATION, pairs, context, company_id=latest.key[0], number=latest.number)


def _page_of(number: int, group: MailGroup, context: MailContext) -> str:
    """Return the address of the ticket's page for the recipient; empty for a contact, who cannot sign in.

    The link has no secret: whoever opens it signs in first, and then comes to the page.
    """
    if group.user_id is None:
        return ""
    area = STAFF_TICKETS if group.user_company_id == PROVIDER_ID else CUSTOMER_TICKETS
    return context.settings.link(f"{area}{ticket_number(number)}")


def _feedback(
    group: MailGroup, latest: DueNotification, entries: Sequence[MailEntry], context: MailContext
) -> Mapping[str, str]:
    """Return the links by which a customer rates the resolution that a mail reports, by rating; none in other mail."""
    is_resolution = latest.status == Status.RESOLVED and any(
        entry.type == EventType.STATUS_CHANGED and entry.data["after"] == Status.RESOLVED for entry in entries
    )
    if not is_resolution or latest.resolved_at is None or group.user_company_id == PROVIDER_ID:
        return {}
    if latest.role == Role.VIEWER:
        return {}
    page = feedback_link(context.settings, ballot_of(latest.key[0], latest.number, latest.resolved_at, group.recipient))
    return {rating.value: f"{page}?rating={rating}" for rating in Rating}


def _reply(notification: DueNotification, group: MailGroup, context: MailContext, *, is_receipt: bool) -> str:
    """Return how to answer: what a reply becomes, or another way; nothing for those who only read."""
    if notification.status not in ACCEPTS_NOTES or notification.role == Role.VIEWER:
        return ""
    if not context.accepts_replies:
        return _ANSWER_OF_RECEIPT if is_receipt else ""
    if not _is_staff(notification, group):
        return _REPLY
    return _REPLY_TO_CUSTOMER if context.staff_replies and notification.replies_by_mail else _REPLY_OF_STAFF


def _digest(group: MailGroup, pairs: Sequence[_Pair], context: MailContext) -> NewMail:
    by_ticket: dict[int, list[_Pair]] = {}
    for notification, entry in pairs:
        shortened = replace(entry, text=_shortened(entry.text))
        by_ticket.setdefault(notification.number, []).append((notification, shortened))
    tickets = []
    for number, of_ticket in by_ticket.items():
        latest = of_ticket[-1][0]
        tickets.append(
            DigestTicket(
                ticket_number(number),
                latest.title,
                first_upper(status_words(_audience(latest, group))[latest.status]),
                latest.company_name,
                _template_entries(of_ticket),
                _page_of(number, group, context),
            )
        )
    rendered = context.render(
        DIGEST,
        count=len(pairs),
        tickets=tickets,
        is_staff=_is_staff(pairs[0][0], group),
        footer=_footer(group),
        settings_url="",
        support=context.support,
    )
    company_id = group.user_company_id or pairs[0][0].key[0]
    return _addressed(group, rendered, DIGEST, pairs, context, company_id=company_id, number=None)


async def _support(tx: Tx, reader_of_mail: Reader) -> list[str]:
    """Return what the branding has to say below mail for customers, line by line."""
    stored = await branding.public_branding(tx)
    lines = []
    with read_by(reader_of_mail):
        if stored.support_hours:
            lines.append(gettext("Support hours: %(hours)s") % {"hours": stored.support_hours})
        if stored.support_phone:
            lines.append(gettext("Support phone: %(phone)s") % {"phone": stored.support_phone})
    return [*lines, *stored.footer.splitlines()]


def _footer(group: MailGroup) -> str:
    because = (
        gettext("You receive this mail because a ticket names you as its contact.")
        if group.user_id is None
        else gettext("You receive this mail because of your notification preferences.")
    )
    return f"{because} {gettext('Times are in %(zone)s.') % {'zone': reader().zone.key}}"


def _addressed(
    group: MailGroup,
    rendered: RenderedMail,
    kind: str,
    pairs: Sequence[_Pair],
    context: MailContext,
    *,
    company_id: UUID,
    number: int | None,
) -> NewMail:
    return NewMail(
        recipient=group.recipient,
        recipient_name=pairs[-1][0].recipient_name,
        subject=rendered.subject,
        text=rendered.text,
        html=rendered.html,
        kind=kind,
        company_id=company_id,
        ticket_number=number,
        user_id=group.user_id,
        unsubscribe=_unsubscribe(group, pairs, context),
    )


def _shortened(text: str) -> str:
    return text if len(text) <= _DIGEST_TEXT_MAX else text[: _DIGEST_TEXT_MAX - 3] + "..."
