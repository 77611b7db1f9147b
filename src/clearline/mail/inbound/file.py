"""File a mail as a note or as a ticket, with its attachments."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from email.utils import parseaddr
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from clearline.accounts import key_store, user_store
from clearline.accounts.domain import NAME_MAX
from clearline.catalogue.published import IssueType, ServiceType
from clearline.drafts import pending_usecases as pending
from clearline.errors import InvalidInput, MediaTypeRefused, NotFound
from clearline.identity import Actor, Company
from clearline.inventory.domain import ID_MAX
from clearline.mail.format.headers import Address
from clearline.mail.format.html_text import text_from_html
from clearline.mail.format.own_quote import KnownMails
from clearline.mail.format.parts import FILES_MAX, MailFile, ParsedMail
from clearline.mail.format.reply_text import SplitReply, split_reply
from clearline.mail.inbound import mailbox_store
from clearline.mail.inbound import store as inbound_mail_store
from clearline.mail.inbound.domain import (
    FittedText,
    InboundMail,
    InboundState,
    description_of,
    deserves_receipt,
    may_be_automatic,
    note_text,
    title_of,
)
from clearline.mail.inbound.staff_replies.domain import StaffReplies
from clearline.mail.inbound.staff_replies.waiting import lock_ticket_of
from clearline.mail.inbound.store import InboundMailOutcome
from clearline.mail.outbound import store as outbound_mail_store
from clearline.mail.outbound import thread_store
from clearline.mail.outbound.compose import DecodedMail, decode
from clearline.mail.people.sender_usecases import SENDER_SCOPES, acting_user, contact_actor
from clearline.platform.database.transactions import Tx
from clearline.routing.usecases import ROUTING
from clearline.tickets import access
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import note_usecases as notes
from clearline.tickets import store as ticket_store
from clearline.tickets import usecases as tickets
from clearline.tickets.attachments import store as attachment_store
from clearline.tickets.attachments import usecases as attachments
from clearline.tickets.attachments.blob_backend import Key
from clearline.tickets.attachments.blobs import Blobs
from clearline.tickets.attachments.domain import (
    ANY_TYPE,
    PER_TICKET_MAX,
    Content,
    Limits,
    NewAttachment,
    new_attachment,
)
from clearline.tickets.contact import Contact
from clearline.tickets.domain import UNKNOWN_SERVICE, Channel, NewTicket, Ticket, ticket_number
from clearline.tickets.note_domain import NoteMail, Source, Visibility

_KNOWN_MAILS_MAX = 5
"""How many of our mails that a reply refers to are looked for in it."""
_WORDS_MAX = 3000
_WORD = re.compile(r"[^\s,;:()<>\[\]\"'„“”]+")
_TEXT_FILE = "mail.txt"
_PROGRAMS = ("x-msdownload", "x-msdos-program", "x-dosexec", "x-executable", "vnd.microsoft.portable-executable")
_PROGRAM_TYPES = {f"application/{kind}" for kind in _PROGRAMS}
"""Types of programs, which are not attached unless the setting names them."""


class InboundMailContext(Struct, frozen=True):
    """What processing of inbound mail needs. ``secret`` verifies reply addresses; ``sender`` is our own address.

    ``staged`` collects the stored blobs: when the transaction fails, ``discard`` deletes them. ``reopens`` is whether
    an answer of the customer reopens a resolved ticket, ``follows_up`` whether one to a finished ticket makes one more.
    ``company_mails`` is how many mails of one company become tickets or notes in an hour unreviewed; 0 for any number.
    ``notes_max`` is as for ``note_usecases.add_note``, ``staff_replies`` how agents may reply to customers by mail.
    """

    secret: bytes
    sender: str
    blobs: Blobs
    limits: Limits
    staged: list[Key]
    notes_max: int
    reopens: bool = True
    follows_up: bool = True
    company_mails: int = 0
    staff_replies: StaffReplies = StaffReplies()

    async def discard(self) -> None:
        """Delete the staged blobs, which no attachment refers to."""
        for key in self.staged:
            await self.blobs.delete(key)


async def file_as_note(
    tx: Tx, mail: InboundMail, parsed: ParsedMail, number: int, *, context: InboundMailContext, now: datetime
) -> InboundMailOutcome:
    """File a mail as a note of a ticket that a person chose.

    Raises:
        TicketFinished: the ticket accepts no more notes.
    """
    company_id = await ticket_store.company_of(tx, number)
    sender = sender_of(parsed)
    ticket = None if company_id is None else await lock_ticket_of(tx, sender, company_id, number)
    if ticket is None:
        raise NotFound("ticket", ticket_number(number))
    actor = await acting_user(tx, sender, ticket) or await contact_actor(tx, ticket.company_id, name_of(sender))
    if actor is None:
        raise NotFound("ticket", ticket_number(number))
    return await add_note(tx, actor, mail, parsed, ticket, context=context, now=now)


async def file_as_ticket(
    tx: Tx, parsed: ParsedMail, company: Company, mailbox_id: UUID | None, *, context: InboundMailContext, now: datetime
) -> InboundMailOutcome:
    """File a mail as a new ticket of a company that a person chose, with its sender as the contact.

    The company may not be the provider: ``InvalidInput``.
    """
    sender = sender_of(parsed)
    user = await user_store.find(tx, company.id, sender.address)
    user = user if user is not None and user.is_confirmed else None
    actor = None if user is None else await key_store.actor_for(tx, company.id, user.id, SENDER_SCOPES)
    actor = actor or await contact_actor(tx, company.id, name_of(sender))
    if actor is None:
        raise NotFound("company", company.code)
    contact = Contact(name_of(sender), "" if user is None else user.phone, sender.address)
    return await raise_ticket(tx, actor, parsed, contact, mailbox_id, context=context, now=now)


async def add_note(
    tx: Tx,
    actor: Actor,
    mail: InboundMail,
    parsed: ParsedMail,
    ticket: Ticket,
    *,
    public_reply: SplitReply | None = None,
    context: InboundMailContext,
    now: datetime,
) -> InboundMailOutcome:
    """Add the text and files of a mail to a ticket, on behalf of the actor, after what it has waiting to be sent there.

    The note has the reply, and keeps the trimmed text. If there is nothing but a quote and a signature, the whole text
    is the note. A mail that a program may have written reopens nothing. A note of the provider's people is internal,
    since the mail may quote what customers must not see, unless ``public_reply`` is what of it goes to the customer.

    Raises:
        TicketFinished: the ticket accepts no more notes.
    """
    await pending.send_waiting(tx, actor, ticket.number, notes_max=context.notes_max, now=now)
    is_internal = access.note_source(actor) is Source.SELLER and public_reply is None
    visibility = Visibility.INTERNAL if is_internal else Visibility.PUBLIC
    room = PER_TICKET_MAX - await attachment_store.count(tx, ticket.company_id, ticket.number)
    reply = public_reply or (await split_mail(tx, parsed, ticket))[0]
    files, fitted = fitted_files(
        parsed, context.limits, room, visibility, lambda refused: note_text(reply.text, refused, has_room=room > 0)
    )
    reopens = context.reopens and not may_be_automatic(parsed.headers, envelope_from=mail.envelope_from)
    note = await notes.append_note(
        tx,
        actor,
        ticket.number,
        fitted.text,
        channel=Channel.EMAIL,
        visibility=visibility,
        mail=NoteMail(mail.id, "\n\n".join(filter(None, (fitted.full if room < 1 else "", reply.trimmed)))),
        reopens=reopens,
        notes_max=context.notes_max,
        now=now,
    )
    await attach_files(tx, actor, ticket, files, context=replace(context, reopens=reopens), now=now)
    await remember_message_id(tx, parsed, ticket, now=now)
    return InboundMailOutcome(InboundState.ACCEPTED, None, ticket.company_id, ticket.number, note.number)


async def split_mail(tx: Tx, parsed: ParsedMail, ticket: Ticket) -> tuple[SplitReply, KnownMails]:
    """Return the reply in the text of a mail and what it quotes, and our own mails that it refers to."""
    headers = parsed.headers
    messages = await outbound_mail_store.messages_about(
        tx, ticket.company_id, ticket.number, headers.references, limit=_KNOWN_MAILS_MAX
    )
    return await asyncio.to_thread(_split_text, parsed, messages)


def _split_text(parsed: ParsedMail, messages: list[bytes]) -> tuple[SplitReply, KnownMails]:
    mails = [decode(message) for message in messages]
    texts = [text for mail in mails for text in (mail.text, "" if mail.html is None else text_from_html(mail.html))]
    sender = parsed.headers.sender
    names = () if sender is None else (sender.name, sender.address.partition("@")[0])
    known = KnownMails(tuple(filter(None, texts)), tuple({name for mail in mails for name in _names_of(mail)}))
    return split_reply(parsed.text, subject=parsed.headers.subject, sender_names=names, known=known), known


def _names_of(mail: DecodedMail) -> list[str]:
    """Return how a quote may call the sender of our mail: its name, and its address without the part for the ticket."""
    sender = next((value for name, value in mail.headers if name.lower() == "from"), "")
    name, address = parseaddr(sender)
    local, _, domain = address.partition("@")
    return [text.casefold() for text in (name, address, f"{local}+" if domain else "") if text]


async def raise_ticket(
    tx: Tx,
    actor: Actor,
    parsed: ParsedMail,
    contact: Contact,
    mailbox_id: UUID | None,
    *,
    context: InboundMailContext,
    now: datetime,
) -> InboundMailOutcome:
    """Create a ticket from a mail for the actor's company, and put it into the mailbox's queue, if it has one."""
    if actor.company is None:
        raise NotFound("company", "")
    subject = parsed.headers.subject
    files, fitted = fitted_files(
        parsed, context.limits, PER_TICKET_MAX, Visibility.PUBLIC,
        lambda refused: description_of(parsed.text, refused, subject=subject),
    )  # fmt: skip
    kind, service_id = await _service(tx, actor.company.id, parsed)
    new = NewTicket(title_of(subject), fitted.text, IssueType.OTHERS, kind, service_id, contact, Channel.EMAIL)
    is_sent = deserves_receipt(parsed.headers)
    created = await tickets.create_ticket(tx, actor, new, sends_receipt=is_sent, chooses_types=False, now=now)
    ticket = created.ticket
    await attach_files(tx, actor, ticket, files, context=context, now=now)
    await put_into_queue(tx, ticket, await queue_of_mailbox(tx, mailbox_id), now=now)
    await remember_message_id(tx, parsed, ticket, now=now)
    return InboundMailOutcome(InboundState.ACCEPTED, None, ticket.company_id, ticket.number)


async def queue_of_mailbox(tx: Tx, mailbox_id: UUID | None) -> UUID | None:
    """Return the queue of a mailbox, or None when it has none, or there is no mailbox any more."""
    mailbox = None if mailbox_id is None else await mailbox_store.get(tx, mailbox_id)
    return None if mailbox is None else mailbox.queue_id


async def put_into_queue(tx: Tx, ticket: Ticket, queue_id: UUID | None, *, now: datetime) -> None:
    """Put a new ticket into a queue; without one the routing rules choose it later."""
    if queue_id is not None:
        await ticket_changes.change_ticket(tx, ROUTING, ticket.number, {"queue_id": queue_id}, now=now)


async def _service(tx: Tx, company_id: UUID, parsed: ParsedMail) -> tuple[str, str]:
    """Return the type and id of the service that a mail is about: the one of the company that it names, if it is one.

    What the subject names counts before what the text names. Of several, an agent chooses.
    """
    subject, text = _words(parsed.headers.subject), _words(parsed.text)
    known = await inbound_mail_store.services_named(tx, company_id, [*subject, *text])
    named = known.keys() & set(subject) or known.keys()
    if len(named) != 1:
        return ServiceType.NON_CONSOLE, UNKNOWN_SERVICE
    [service_id] = named
    return known[service_id], service_id


def _words(text: str) -> list[str]:
    """Return the first words of a text that can be ids, each with and without the punctuation at its end."""
    words: dict[str, None] = {}
    for match in _WORD.finditer(text):
        words.update(dict.fromkeys((match[0], match[0].rstrip(".!?"))))
        if len(words) > _WORDS_MAX:
            break
    return [word for word in words if 1 < len(word) <= ID_MAX]


def sender_of(parsed: ParsedMail) -> Address:
    """Return the sender; ``InvalidInput`` when From does not name exactly one."""
    if parsed.headers.sender is None:
        raise InvalidInput([])
    return parsed.headers.sender


def name_of(sender: Address) -> str:
    """Return the display name of a sender, or the address."""
    return (sender.name or sender.address)[:NAME_MAX]


def fitted_files(
    parsed: ParsedMail,
    limits: Limits,
    room: int,
    visibility: Visibility,
    fit: Callable[[list[str]], FittedText],
) -> tuple[list[tuple[NewAttachment, bytes]], FittedText]:
    """Return the files to attach, and the text that names the others.

    The whole of a text that had to be shortened is one of the files, and takes precedence over the last one.
    """
    accepted, refused = _accepted_files(parsed, limits, room, visibility)
    fitted = fit(refused)
    if fitted.full is None or room < 1:
        return accepted, fitted
    if len(accepted) == room:
        accepted, refused = _accepted_files(parsed, limits, room - 1, visibility)
        fitted = fit(refused)
    full = NewAttachment(_TEXT_FILE, "text/plain", visibility), (fitted.full or "").encode()
    return [*accepted, full], fitted


def _accepted_files(
    parsed: ParsedMail, limits: Limits, room: int, visibility: Visibility
) -> tuple[list[tuple[NewAttachment, bytes]], list[str]]:
    """Return the files to attach, and a description of each other file with the reason."""
    accepted: list[tuple[NewAttachment, bytes]] = []
    refused: list[str] = []
    for file in parsed.files:
        new = _attachment_of(file, limits, visibility)
        if new is None:
            refused.append(f"{file.name} (files of type {file.media_type} are not accepted)")
        elif not file.content:
            refused.append(f"{file.name} (empty)")
        elif len(file.content) > limits.size:
            refused.append(f"{file.name} (larger than {limits.size} bytes)")
        elif len(accepted) >= room:
            refused.append(f"{file.name} (the ticket has the maximum number of attachments)")
        else:
            accepted.append((new, file.content))
    refused += [f"{name} (the mail has more than {FILES_MAX} files)" for name in parsed.omitted_files]
    return accepted, refused


def _attachment_of(file: MailFile, limits: Limits, visibility: Visibility) -> NewAttachment | None:
    """Return a file as an attachment, of a type that is not accepted as one of no type; None for a program.

    A type is what the sender says: refusing it protects nobody while files of no type are accepted.
    """
    types = (file.media_type,) if file.media_type in _PROGRAM_TYPES else (file.media_type, ANY_TYPE)
    for media_type in types:
        try:
            return new_attachment(file.name, media_type, visibility, limits)
        except MediaTypeRefused:
            continue
        except InvalidInput:
            return _attachment_of(replace(file, name="file"), limits, visibility)
    return None


async def attach_files(
    tx: Tx,
    actor: Actor,
    ticket: Ticket,
    files: list[tuple[NewAttachment, bytes]],
    *,
    context: InboundMailContext,
    now: datetime,
) -> None:
    """Store files, and attach them to a locked ticket on behalf of the actor."""
    for new, content in files:
        stored: Content = await context.blobs.stage(ticket.company_id, _blocks(content), most=len(content))
        context.staged.append(Key(ticket.company_id, stored.id))
        await attachments.add_attachment(
            tx,
            actor,
            ticket.number,
            new,
            stored,
            company_size=context.limits.company_size,
            reopens=context.reopens,
            now=now,
        )


async def _blocks(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def remember_message_id(tx: Tx, parsed: ParsedMail, ticket: Ticket, *, now: datetime) -> None:
    """Store that replies to a mail are about a ticket."""
    if parsed.headers.message_id is not None:
        await thread_store.add(tx, ticket.company_id, ticket.number, parsed.headers.message_id, now=now)
