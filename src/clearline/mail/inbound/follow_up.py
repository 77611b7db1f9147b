"""File a mail about a finished ticket: in the ticket that follows it, or as a new ticket that does."""

from datetime import datetime

from clearline.accounts import permissions
from clearline.identity import Actor
from clearline.mail.format.parts import ParsedMail
from clearline.mail.inbound.domain import (
    NO_TEXT,
    InboundMail,
    InboundState,
    description_of,
    deserves_receipt,
    follow_up_title,
    may_be_automatic,
)
from clearline.mail.inbound.file import (
    InboundMailContext,
    add_note,
    attach_files,
    fitted_files,
    put_into_queue,
    queue_of_mailbox,
    remember_message_id,
    sender_of,
    split_mail,
)
from clearline.mail.inbound.store import InboundMailOutcome
from clearline.mail.people.sender_usecases import acting_user
from clearline.platform.database.transactions import Tx
from clearline.text import normalized_address
from clearline.tickets.attachments.domain import PER_TICKET_MAX
from clearline.tickets.domain import Channel, Ticket, ticket_number
from clearline.tickets.links import watcher_store
from clearline.tickets.links.follow_up_usecases import lock_current_ticket, raise_follow_up
from clearline.tickets.note_domain import NoteMail, Visibility
from clearline.tickets.status_domain import ACCEPTS_NOTES


async def file_reply(
    tx: Tx,
    actor: Actor,
    mail: InboundMail,
    parsed: ParsedMail,
    ticket: Ticket,
    *,
    context: InboundMailContext,
    now: datetime,
) -> InboundMailOutcome:
    """File a mail of somebody who may write to a locked ticket.

    It becomes a note of the ticket. If that is finished, it becomes a note of the ticket that follows it and is still
    open, or else a new ticket that follows it. Then mail of staff, and mail that a program may have written, is
    quarantined, and so is all mail if follow-ups are turned off.
    """
    if ticket.status in ACCEPTS_NOTES:
        return await add_note(tx, actor, mail, parsed, ticket, context=context, now=now)
    is_automatic = may_be_automatic(parsed.headers, envelope_from=mail.envelope_from)
    if actor.is_staff or is_automatic or not context.follows_up:
        return _finished(ticket)
    current = await lock_current_ticket(tx, ticket)
    if current.number != ticket.number and await acting_user(tx, sender_of(parsed), current) is None:
        return InboundMailOutcome(
            InboundState.QUARANTINED,
            f"ticket {ticket_number(ticket.number)} is {ticket.status}, and its sender may not write to "
            f"{ticket_number(current.number)}, which follows it",
            current.company_id,
            current.number,
        )
    if current.status in ACCEPTS_NOTES:
        return await add_note(tx, actor, mail, parsed, current, context=context, now=now)
    return await _raise(tx, actor, mail, parsed, current, context=context, now=now)


def _finished(ticket: Ticket) -> InboundMailOutcome:
    return InboundMailOutcome(
        InboundState.QUARANTINED,
        f"ticket {ticket_number(ticket.number)} is {ticket.status} and accepts no more notes",
        ticket.company_id,
        ticket.number,
    )


async def _raise(
    tx: Tx,
    actor: Actor,
    mail: InboundMail,
    parsed: ParsedMail,
    original: Ticket,
    *,
    context: InboundMailContext,
    now: datetime,
) -> InboundMailOutcome:
    """Create a ticket that follows the original, in its queue. The sender watches it, unless it is the contact.

    The outcome has the number of a note, so that being the contact of a ticket does not make a sender known for the
    company: see ``inbound_mail_store.companies_of_sender``.
    """
    permissions.own_company(actor)
    subject = parsed.headers.subject
    reply, _known = await split_mail(tx, parsed, original)
    start = f"Follow-up of {ticket_number(original.number)} ({original.title}), which is {original.status}."
    text = f"{start}\n\n{reply.text if reply.text.strip() else NO_TEXT}"
    files, fitted = fitted_files(
        parsed,
        context.limits,
        PER_TICKET_MAX,
        Visibility.PUBLIC,
        lambda refused: description_of(text, refused, subject=subject),
    )
    ticket, note_number = await raise_follow_up(
        tx,
        actor,
        original,
        title=follow_up_title(subject, original.title),
        description=fitted.text,
        channel=Channel.EMAIL,
        mail=NoteMail(mail.id, reply.trimmed),
        sends_receipt=deserves_receipt(parsed.headers),
        now=now,
    )
    await attach_files(tx, actor, ticket, files, context=context, now=now)
    if actor.user is not None and normalized_address(actor.user.email) != normalized_address(ticket.contact.email):
        await watcher_store.add(tx, actor, ticket.company_id, ticket.number, actor.user, now=now)
    queue_id = original.queue_id or await queue_of_mailbox(tx, mail.mailbox_id)
    await put_into_queue(tx, ticket, queue_id, now=now)
    await remember_message_id(tx, parsed, ticket, now=now)
    return InboundMailOutcome(InboundState.ACCEPTED, None, ticket.company_id, ticket.number, note_number)
