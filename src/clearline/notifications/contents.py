"""What a mail about tickets says: one about a ticket, or a digest."""

from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from clearline.catalogue.term_domain import Terms
from clearline.catalogue.term_usecases import current_terms
from clearline.events.event_types import Audience, EventType
from clearline.feedback.domain import Rating, ballot_of, feedback_link
from clearline.identity import PROVIDER_ID, Role
from clearline.language.marks import gettext_noop as _
from clearline.language.reader import reader
from clearline.language.times import time_text
from clearline.language.words import first_upper, gettext, ngettext
from clearline.mail.format.public_mark import MARK
from clearline.mail.outbound.domain import MailSettings, RateLimits
from clearline.mail.people.domain import leave_link
from clearline.mail.templates import usecases as mail_templates
from clearline.mail.templates.blocks import (
    Button,
    Choices,
    DigestTicket,
    DigestTickets,
    Entries,
    Facts,
    Remark,
    TemplateEntry,
    TicketHeading,
    Value,
)
from clearline.mail.templates.kinds import MailKind
from clearline.mail.templates.rendering import Footer, Render, RenderedMail
from clearline.notifications.domain import DeliveryMode
from clearline.notifications.store import DueNotification, MailGroup
from clearline.notifications.wording import MailEntry, fault_facts, headline, progress_words, status_words, value_word
from clearline.platform.database.transactions import Tx
from clearline.tickets.contact import PersonKind
from clearline.tickets.domain import Status, ticket_number
from clearline.tickets.note_domain import Source
from clearline.tickets.status_domain import ACCEPTS_NOTES

STAFF_TICKETS = "/console/tickets/"
CUSTOMER_TICKETS = "/portal/tickets/"
"""Where the pages of tickets begin, for the provider's people and for those of customers."""
STAFF_PREFERENCES = "/console/me/notifications"
CUSTOMER_PREFERENCES = "/portal/me/notifications"
"""The pages of the notification preferences of both."""
_DIGEST_TEXT_MAX = 300
"""The most characters of a note that a digest repeats."""
_REPLY = _("Reply to this mail to add a note to the ticket.")
_REPLY_OF_STAFF = _("Reply to this mail to add an internal note. The customer does not see it.")
_REPLY_TO_CUSTOMER = _(
    "Begin your answer with %(mark)s on a line of its own to send it to the customer; otherwise it stays internal."
)
_ANSWER_OF_RECEIPT = _("To add something, contact us and name the number of the ticket.")
"""How to answer when replies to mail are not read."""


Pair = tuple[DueNotification, MailEntry]


class MailContext(Struct, frozen=True):
    """What composing needs: the templates, the mail settings, whether replies become notes, and the rate limits.

    ``staff_replies`` is whether the desk lets agents reply to customers by mail.
    """

    render: Render
    settings: MailSettings
    accepts_replies: bool
    rate_limits: RateLimits
    staff_replies: bool = False


def is_staff_mail(notification: DueNotification, group: MailGroup) -> bool:
    """Return whether the recipient is one of the provider's people."""
    if group.user_company_id != PROVIDER_ID or notification.role is None:
        return False
    return Role(notification.role).is_staff


def audience_of_mail(notification: DueNotification, group: MailGroup) -> Audience:
    """Return the audience that the recipient belongs to."""
    return Audience.STAFF if is_staff_mail(notification, group) else Audience.CUSTOMER


def _template_entries(pairs: Sequence[Pair]) -> list[TemplateEntry]:
    return [(entry.author, time_text(entry.at), entry.text, entry.channel) for _notification, entry in pairs]


async def ticket_mail(tx: Tx, group: MailGroup, pairs: Sequence[Pair], context: MailContext) -> RenderedMail:
    """Return the mail that notifies of one ticket."""
    latest = pairs[-1][0]
    is_staff = is_staff_mail(latest, group)
    feedback = _feedback(group, latest, [entry for _notification, entry in pairs], context)
    kind = MailKind.STAFF_TICKET if is_staff else _kind(pairs, latest)
    values = _values(group, pairs, context, await current_terms(tx), is_receipt=kind is MailKind.TICKET_RECEIVED)
    words = {gettext("Well"): Rating.GOOD, gettext("Not well"): Rating.BAD}
    if feedback:
        links = {word: feedback[rating.value] for word, rating in words.items()}
        values["feedback"] = Choices(gettext("How did we resolve it?"), links)
    return await mail_templates.render_mail(
        tx,
        kind,
        values,
        footer=_footer(group, context, latest),
        is_customer=not is_staff,
        render=context.render,
        link=context.settings.link,
    )


def _kind(pairs: Sequence[Pair], latest: DueNotification) -> MailKind:
    """Return what the mail of a customer is about: the most important of what it reports."""
    entries = [entry for _notification, entry in pairs]
    if latest.person is None and any(entry.type == EventType.TICKET_CREATED for entry in entries):
        return MailKind.TICKET_RECEIVED
    if latest.status == Status.RESOLVED and any(_resolves(entry) for entry in entries):
        return MailKind.TICKET_RESOLVED
    if any(entry.type == EventType.NOTE_ADDED and entry.data["source"] == Source.SELLER for entry in entries):
        return MailKind.TICKET_ANSWERED
    return MailKind.TICKET_UPDATED


def _resolves(entry: MailEntry) -> bool:
    return entry.type == EventType.STATUS_CHANGED and bool(entry.data["after"] == Status.RESOLVED)


def _values(
    group: MailGroup, pairs: Sequence[Pair], context: MailContext, terms: Terms, *, is_receipt: bool
) -> dict[str, Value]:
    """Return what the placeholders of a mail about a ticket stand for."""
    latest = pairs[-1][0]
    entries = [entry for _notification, entry in pairs]
    number, service = ticket_number(latest.number), (latest.service or "").strip()
    status = first_upper(status_words(audience_of_mail(latest, group))[latest.status])
    words = _progress(latest, group, terms)
    facts = [(gettext("Status"), f"{status}: {words}" if words else status), (gettext("Service"), service)]
    if is_staff_mail(latest, group):
        facts += [
            (gettext("Customer"), latest.company_name),
            (gettext("Priority"), value_word(latest.priority)),
            (gettext("Agent"), latest.agent_name or gettext("unassigned")),
        ]
    if any(entry.type == EventType.TICKET_CREATED for entry in entries):
        facts += fault_facts(latest.occurred_at, latest.fault)
    reader_id = str(group.user_id) if group.user_id else None
    what = headline(entries, reader_id=reader_id, audience=audience_of_mail(latest, group))
    url = _page_of(latest.number, group, context)
    reply = gettext(_reply(latest, group, context, is_receipt=is_receipt)) % {"mark": MARK}
    return {
        "ticket.number": number,
        "ticket.title": latest.title,
        "ticket.status": status,
        "ticket.service": service,
        "company.name": latest.company_name,
        "recipient.name": latest.recipient_name,
        "headline": what,
        "ticket.heading": TicketHeading(number, latest.title, what),
        "messages": Entries(_template_entries(pairs)),
        "ticket.facts": Facts(facts),
        "ticket.link": Button(url, gettext("Open the ticket")) if url else None,
        "reply_hint": Remark(reply) if reply else None,
        "feedback": None,
    }


def _progress(notification: DueNotification, group: MailGroup, terms: Terms) -> str:
    """Return the sub-status of a ticket and why it waits, as far as the recipient may read them."""
    audience = audience_of_mail(notification, group)
    return progress_words(terms, notification.sub_status, notification.waiting_reason, audience)


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
    is_resolution = latest.status == Status.RESOLVED and any(map(_resolves, entries))
    if not is_resolution or latest.resolved_at is None or group.user_company_id == PROVIDER_ID:
        return {}
    if latest.role == Role.VIEWER or leaves(group, latest):
        return {}
    page = feedback_link(context.settings, ballot_of(latest.key[0], latest.number, latest.resolved_at, group.recipient))
    return {rating.value: f"{page}?rating={rating}" for rating in Rating}


def _reply(notification: DueNotification, group: MailGroup, context: MailContext, *, is_receipt: bool) -> str:
    """Return how to answer: what a reply becomes, or another way; nothing for those who only read."""
    if notification.status not in ACCEPTS_NOTES or notification.role == Role.VIEWER:
        return ""
    if not context.accepts_replies:
        return _ANSWER_OF_RECEIPT if is_receipt else ""
    if not is_staff_mail(notification, group):
        return _REPLY
    return _REPLY_TO_CUSTOMER if context.staff_replies and notification.replies_by_mail else _REPLY_OF_STAFF


async def digest_mail(tx: Tx, group: MailGroup, pairs: Sequence[Pair], context: MailContext) -> RenderedMail:
    """Return a digest: what happened, by ticket."""
    by_ticket: dict[int, list[Pair]] = {}
    for notification, entry in pairs:
        shortened = replace(entry, text=_shortened(entry.text))
        by_ticket.setdefault(notification.number, []).append((notification, shortened))
    is_staff, terms = is_staff_mail(pairs[0][0], group), await current_terms(tx)
    tickets = []
    for number, of_ticket in by_ticket.items():
        latest = of_ticket[-1][0]
        status = first_upper(status_words(audience_of_mail(latest, group))[latest.status])
        words = _progress(latest, group, terms)
        tickets.append(
            DigestTicket(
                ticket_number(number),
                latest.title,
                f"{status}: {words}" if words else status,
                latest.company_name if is_staff else "",
                _template_entries(of_ticket),
                _page_of(number, group, context),
            )
        )
    updates, count = len(pairs), len(tickets)
    values: dict[str, Value] = {
        "updates.count": ngettext("%(num)s update", "%(num)s updates", updates) % {"num": updates},
        "tickets.count": ngettext("%(num)s ticket", "%(num)s tickets", count) % {"num": count},
        "recipient.name": pairs[-1][0].recipient_name,
        "tickets": DigestTickets(tickets),
    }
    return await mail_templates.render_mail(
        tx,
        MailKind.DIGEST,
        values,
        footer=_footer(group, context, pairs[-1][0]),
        is_customer=not is_staff,
        render=context.render,
        link=context.settings.link,
    )


def leaves(group: MailGroup, latest: DueNotification) -> bool:
    """Return whether the recipient of a mail about one ticket can leave it: neither its contact nor a user."""
    if group.channel == DeliveryMode.DIGEST:
        return False
    return group.user_id is None and latest.person is not None and not latest.is_contact


def _footer(group: MailGroup, context: MailContext, latest: DueNotification) -> Footer:
    """Return why the recipient gets a mail, and where a user sets that. A contact cannot sign in."""
    leave_url = ""
    if group.user_id is not None:
        because = gettext("You receive this mail because of your notification preferences.")
    elif latest.person == PersonKind.CC and not latest.is_contact:
        because = gettext("You receive this mail because somebody had you copied on a ticket.")
    else:
        because = gettext("You receive this mail because a ticket names you as its contact.")
    if leaves(group, latest):
        leave_url = leave_link(context.settings, latest.key[0], latest.number, group.recipient)
    page = STAFF_PREFERENCES if group.user_company_id == PROVIDER_ID else CUSTOMER_PREFERENCES
    settings_url = "" if group.user_id is None else context.settings.link(page)
    zone = gettext("Times are in %(zone)s.") % {"zone": reader().zone.key}
    return Footer(f"{because} {zone}", settings_url, leave_url)


def _shortened(text: str) -> str:
    return text if len(text) <= _DIGEST_TEXT_MAX else text[: _DIGEST_TEXT_MAX - 3] + "..."
