"""Make mail of what people are to be told: one mail of a ticket, or a digest."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import Enum
from typing import Protocol
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from clearline.events.event_types import Audience, EventType, visible_data
from clearline.identity import PROVIDER_ID, Role
from clearline.mail.outbound import usecases as outbound_mail
from clearline.mail.outbound.domain import MOST_AN_HOUR, Mail, MailSettings, Rendered
from clearline.notifications import preference_store
from clearline.notifications import store as notification_store
from clearline.notifications.domain import DigestEvery, NotificationSettings, Way
from clearline.notifications.quiet_hours import next_digest, zone_of
from clearline.notifications.recipients import WINDOW
from clearline.notifications.store import Due, Group
from clearline.notifications.wording import STATUS, Told, headline, sentence, who_did
from clearline.platform.database.transactions import Tx
from clearline.tickets.domain import ticket_number
from clearline.tickets.status_domain import TAKES_NOTES

NOTIFICATION = "notification"
DIGEST = "digest"
_MOST: Mapping[str, int] = {Way.EMAIL: 50, Way.DIGEST: 200}
"""The most that one mail tells of; what is left makes another."""
STALE = timedelta(days=14)
"""Longer than anybody can have mail wait: what is older was kept by a desk that did not run, and is no news."""
_SHOWN_IN_DIGEST = 300
"""Characters of what somebody wrote that a digest repeats."""
_OF_CONTACTS = NotificationSettings(digest=DigestEvery.HOURLY)
"""What holds for contacts who are no users."""
_REPLY = "Reply to this mail to add a note to the ticket."
_REPLY_OF_STAFF = "Reply to this mail to add an internal note. The customer does not see it."
_WHEN = "%-d %b %Y %H:%M %Z"

Entry = tuple[str, str, str]
"""Who, when on the reader's clock, and what was written or done."""


class Render(Protocol):
    """Makes a subject, a text and HTML of a template and its values."""

    def __call__(self, name: str, **values: object) -> Rendered:
        """Fill in the template of this name."""


class Office(Struct, frozen=True):
    """What composing needs of the desk: its templates, its mail settings, and whether answers become notes."""

    render: Render
    settings: MailSettings
    takes_replies: bool


class Outcome(Enum):
    """What became of a mail that was due. ``WITHHELD``: its company's contacts had their mails of the hour."""

    WRITTEN = "written"
    NOTHING = "nothing to tell"
    DIGEST = "left to a digest"
    WITHHELD = "withheld"


class TicketNews(Struct, frozen=True):
    """What a digest tells of a ticket, oldest first, and how the ticket stands now."""

    number: str
    title: str
    status: str
    company: str
    entries: list[Entry]


async def due_mails(tx: Tx, *, now: datetime, limit: int) -> list[Group]:
    """The mails that are to be made now, of at most so many notifications, the longest due first."""
    return await notification_store.due(tx, now=now, limit=limit)


async def compose(tx: Tx, group: Group, *, office: Office, now: datetime) -> Outcome:
    """Write the mail of a group, and forget what it tells of, in one transaction.

    The last word on who reads what is here: the text is read now, and only if the reader may know it. Who is no longer
    active, or a contact that is no longer to be written to, gets nothing; nor does anybody hear of what is stale. An
    address that had 60 mails within an hour gets the rest in a digest. Contacts who are no users get 200 mails an hour
    about the tickets of a company; what is beyond is told to nobody.
    """
    if group.channel == Way.EMAIL and await _is_flooded(tx, group, now):
        later = next_digest(await _settings(tx, group), now)
        await notification_store.postpone(tx, group, channel=Way.DIGEST, until=now + WINDOW, to=later)
        return Outcome.DIGEST
    until = now + WINDOW if group.channel == Way.EMAIL else now
    taken = await notification_store.take(tx, group, until=until, limit=_MOST[group.channel])
    if not taken:
        return Outcome.NOTHING
    found = [(one, told) for one in taken if one.at > now - STALE and (told := _told(one, group)) is not None]
    outcome = Outcome.WRITTEN if found else Outcome.NOTHING
    if found and await _is_withheld(tx, group, now):
        outcome = Outcome.WITHHELD
    elif found:
        found.sort(key=lambda pair: (pair[1].at, pair[1].number))
        mail = _digest(group, found, office) if group.channel == Way.DIGEST else _notification(group, found, office)
        await outbound_mail.send(tx, mail, now=now, settings=office.settings)
    await notification_store.delete(tx, [one.key for one in taken])
    return outcome


async def put_off(tx: Tx, group: Group, *, to: datetime, now: datetime) -> None:
    """Have a mail that could not be made wait, so that the others go on."""
    await notification_store.postpone(tx, group, channel=group.channel, until=now + WINDOW, to=to)


async def _is_flooded(tx: Tx, group: Group, now: datetime) -> bool:
    return await outbound_mail.recent_count(tx, group.recipient, NOTIFICATION, now=now) >= MOST_AN_HOUR


async def _is_withheld(tx: Tx, group: Group, now: datetime) -> bool:
    """Whether a mail to a contact who is no user is one too many; an hourly digest never is."""
    if group.user_id is not None or group.company_id is None or group.channel != Way.EMAIL:
        return False
    return await outbound_mail.contacts_count(tx, group.company_id, now=now) >= outbound_mail.MOST_TO_CONTACTS


async def _settings(tx: Tx, group: Group) -> NotificationSettings:
    if group.user_company_id is None or group.user_id is None:
        return _OF_CONTACTS
    return await preference_store.get(tx, group.user_company_id, group.user_id)


def _is_staff(one: Due, group: Group) -> bool:
    return group.user_company_id == PROVIDER_ID and one.role is not None and Role(one.role).is_staff


def _told(one: Due, group: Group) -> Told | None:
    """What a reader is told of a notification; None when it may not know, or there is nothing left to tell."""
    data = visible_data(one.type, one.data, Audience.STAFF if _is_staff(one, group) else Audience.CUSTOMER)
    if not one.mails or data is None:
        return None
    is_note = one.type == EventType.NOTE_ADDED
    if (is_note and one.text is None) or (one.type == EventType.ATTACHMENT_ADDED and one.names.file is None):
        return None
    is_own = one.type == EventType.TICKET_ASSIGNED and data["after"] == str(group.user_id)
    text = one.text if is_note else sentence(one.type, data, one.names, is_own=is_own)
    return Told(one.key[1], one.at, one.type, data, who_did(one.type, data, one.actor_name), text or "")


def _entries(found: Sequence[tuple[Due, Told]]) -> list[Entry]:
    zone = zone_of(found[0][0].time_zone)
    return [(told.who, told.at.astimezone(zone).strftime(_WHEN), told.text) for _one, told in found]


def _notification(group: Group, found: Sequence[tuple[Due, Told]], office: Office) -> Mail:
    one = found[-1][0]
    raised = next((told for _one, told in found if told.type == EventType.TICKET_CREATED), None)
    is_staff = _is_staff(one, group)
    facts = [("Status", STATUS[one.status]), ("Service", one.service)]
    if is_staff:
        facts += [("Customer", one.company_name), ("Priority", one.priority), ("Agent", one.agent_name or "unassigned")]
    made = office.render(
        NOTIFICATION,
        number=ticket_number(one.number),
        title=one.title,
        headline=headline([told for _one, told in found], reader_id=str(group.user_id) if group.user_id else None),
        facts=facts,
        entries=_entries(found),
        is_receipt=raised is not None and not is_staff,
        url="",
        reply=_reply(one, group) if office.takes_replies else "",
        footer=_footer(group),
        settings_url="",
    )
    return _addressed(group, made, NOTIFICATION, company_id=one.key[0], number=one.number)


def _reply(one: Due, group: Group) -> str:
    """What an answer becomes: a note, which of the provider's people is internal; nothing, of those who only read."""
    if one.status not in TAKES_NOTES or (one.role is not None and Role(one.role).is_read_only):
        return ""
    return _REPLY_OF_STAFF if _is_staff(one, group) else _REPLY


def _digest(group: Group, found: Sequence[tuple[Due, Told]], office: Office) -> Mail:
    by_ticket: dict[int, list[tuple[Due, Told]]] = {}
    for one, told in found:
        by_ticket.setdefault(one.number, []).append((one, replace(told, text=_shortened(told.text))))
    news = [
        TicketNews(ticket_number(number), one.title, STATUS[one.status], one.company_name, _entries(own))
        for number, own in by_ticket.items()
        for one in [own[-1][0]]
    ]
    made = office.render(
        DIGEST,
        count=len(found),
        tickets=news,
        is_staff=_is_staff(found[0][0], group),
        footer=_footer(group),
        settings_url="",
    )
    company_id = group.user_company_id or found[0][0].key[0]
    return _addressed(group, made, DIGEST, company_id=company_id, number=None)


def _footer(group: Group) -> str:
    if group.user_id is None:
        return "You receive this mail because a ticket names you as its contact."
    return "You receive this mail because of your notification preferences."


def _addressed(group: Group, made: Rendered, kind: str, *, company_id: UUID, number: int | None) -> Mail:
    return Mail(
        recipient=group.recipient,
        subject=made.subject,
        text=made.text,
        html=made.html,
        kind=kind,
        company_id=company_id,
        ticket_number=number,
        user_id=group.user_id,
    )


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN_IN_DIGEST else text[: _SHOWN_IN_DIGEST - 3] + "..."
