"""Decide what becomes of a mail that came in: whose it is, which ticket it is about, or why nobody can tell."""

from collections.abc import Sequence
from datetime import datetime
from email.message import Message
from uuid import UUID

from msgspec import Struct

from clearline.accounts import store as account_store
from clearline.identity import PROVIDER_ID, Actor
from clearline.mail.format.headers import Address, Heads
from clearline.mail.format.parts import Parsed
from clearline.mail.inbound import file as mail_filing
from clearline.mail.inbound import mailbox_store
from clearline.mail.inbound import store as inbound_mail_store
from clearline.mail.inbound.domain import (
    BURST,
    BURST_SPAN,
    DAILY,
    DAY,
    SAME_WITHIN,
    InboundMail,
    InboundState,
    automatic,
    fails_dmarc,
    number_in_subject,
)
from clearline.mail.inbound.file import SCOPES, MailDesk, guest, name_of, speaker, target
from clearline.mail.inbound.mailbox_domain import base_address
from clearline.mail.inbound.store import Outcome
from clearline.mail.outbound import thread_store
from clearline.mail.outbound import usecases as outbound_mail
from clearline.mail.outbound.bounce import Bounce, read_bounce
from clearline.mail.outbound.domain import read_reply_address
from clearline.platform.database.transactions import Tx
from clearline.tickets import store as ticket_store
from clearline.tickets.contact import Contact
from clearline.tickets.domain import Ticket, ticket_number
from clearline.tickets.status_domain import ACCEPTS_NOTES

_REPORTED_MOST = 10
"""How many mails that a delivery report names are looked for: a genuine one is about one."""


class Known(Struct, frozen=True):
    """The companies for which a sender writes who is nobody's user."""

    companies: list[UUID]


NOBODY = Known([])


async def known_contact(tx: Tx, sender: Address | None) -> Known:
    """The companies for which a sender writes who is nobody's user: those that a person once said of a mail of theirs.

    To be the contact of a ticket is not enough: a customer may name anybody's address, and would get their mail.
    """
    if sender is None or await inbound_mail_store.companies_of_user(tx, sender.address):
        return NOBODY
    return Known(await inbound_mail_store.companies_of_sender(tx, sender.address))


async def sort(
    tx: Tx, mail: InboundMail, parsed: Parsed, message: Message, known: Known, *, desk: MailDesk, now: datetime
) -> Outcome:
    """What becomes of a mail; whatever that is is done. The order of the questions stands in docs/reference/mail-in.md.

    Raises:
        DeskError: the desk refuses what the mail would do; nothing may be kept of it.
    """
    heads = parsed.heads
    bounce = read_bounce(message, heads, parsed.text, envelope_from=mail.envelope_from)
    if bounce is not None:
        return await _bounced(tx, bounce, now=now)
    outcome = await _not_a_persons(tx, mail, heads, desk) or await _suspicious(tx, mail, parsed)
    if outcome is not None or heads.sender is None:
        return outcome or _aside("it does not say plainly whom it is from")
    found = await _ticket(tx, mail, heads, heads.sender, desk)
    if isinstance(found, Outcome):
        return found
    if found is not None:
        actor, ticket = found
        return await mail_filing.write_note(tx, actor, parsed, ticket, desk=desk, now=now)
    return await _new(tx, mail, parsed, heads.sender, known, desk=desk, now=now)


def _aside(reason: str) -> Outcome:
    return Outcome(InboundState.QUARANTINED, reason)


async def _bounced(tx: Tx, bounce: Bounce, *, now: datetime) -> Outcome:
    if not bounce.is_permanent:
        return Outcome(InboundState.IGNORED, "a delivery report: nothing failed for good")
    for message_id in bounce.message_ids[:_REPORTED_MOST]:
        sent = await outbound_mail.record_bounce(
            tx, message_id, bounce.detail, bad_addresses=bounce.bad_addresses, now=now
        )
        if sent is not None:
            return Outcome(InboundState.BOUNCE, bounce.detail or None, sent.company_id, sent.ticket_number)
    return Outcome(InboundState.IGNORED, "a delivery report about no mail of ours")


async def _not_a_persons(tx: Tx, mail: InboundMail, heads: Heads, desk: MailDesk) -> Outcome | None:
    for one in heads.senders:
        base = base_address(one.address)
        if base == base_address(desk.sender) or await mailbox_store.find(tx, [base]):
            return Outcome(InboundState.IGNORED, "it is from an address of the desk itself: a loop")
    why = automatic(heads, envelope_from=mail.envelope_from)
    return None if why is None else Outcome(InboundState.IGNORED, why)


async def _suspicious(tx: Tx, mail: InboundMail, parsed: Parsed) -> Outcome | None:
    sender = parsed.heads.sender
    if sender is None:
        return _aside("it does not say plainly whom it is from")
    if parsed.is_sealed:
        return _aside("it is encrypted: the desk cannot read it")
    if fails_dmarc(parsed.heads):
        return _aside("a server on the way says that the sender is forged (dmarc=fail)")
    same = await inbound_mail_store.accepted_elsewhere(tx, mail, within=SAME_WITHIN)
    if same is not None:
        number = same.ticket_number
        return Outcome(InboundState.IGNORED, "the same mail was taken at another mailbox", same.company_id, number)
    for most, span, told in ((BURST, BURST_SPAN, "in 10 minutes"), (DAILY, DAY, "in a day")):
        since, until = mail.received_at - span, mail.received_at
        if await inbound_mail_store.count_of_sender(tx, sender.address, since=since, until=until, most=most + 1) > most:
            return _aside(f"its sender sent more than {most} mails {told}")
    return None


async def _ticket(
    tx: Tx, mail: InboundMail, heads: Heads, sender: Address, desk: MailDesk
) -> tuple[Actor, Ticket] | Outcome | None:
    """The ticket that a mail is about, and in whose name it speaks; why that is not to be; or None for a new matter."""
    recipients = (*mail.envelope_to.split(), *heads.recipients)
    by_address = next(filter(None, (read_reply_address(one, desk.secret) for one in recipients)), None)
    if by_address is not None:
        company_id = await ticket_store.company_of(tx, by_address)
        return await _first(tx, sender, [] if company_id is None else [(company_id, by_address)])
    is_staff = await _is_of_provider(tx, sender)
    answered = list(heads.references)
    # A forged From speaks for the desk on any ticket: the provider's people must know what only they were sent.
    if answered and (found := await thread_store.find(tx, answered, recipient=sender.address if is_staff else None)):
        return await _first(tx, sender, found)
    named = number_in_subject(heads.subject)
    company_id = None if named is None else await ticket_store.company_of(tx, named)
    if named is None or company_id is None:
        return None
    if is_staff:
        return _aside(_UNPROVED)
    spoken = await _first(tx, sender, [(company_id, named)])
    # Whoever has no part in a ticket is dealt with as if there were none: a number is easily guessed.
    return None if isinstance(spoken, Outcome) and spoken.reason == _STRANGER else spoken


_STRANGER = "its sender has no part in the ticket that it answers"
_UNPROVED = "it says it is from the provider's own people, but answers no mail that the desk sent to them"


async def _is_of_provider(tx: Tx, sender: Address) -> bool:
    users = await inbound_mail_store.companies_of_user(tx, sender.address)
    return any(company_id == PROVIDER_ID for company_id, _, _ in users)


async def _first(tx: Tx, sender: Address, found: Sequence[tuple[UUID, int]]) -> tuple[Actor, Ticket] | Outcome:
    """The first ticket in which the sender has a part."""
    for company_id, number in found:
        ticket = await target(tx, company_id, number)
        actor = None if ticket is None else await speaker(tx, sender, ticket)
        if ticket is not None and actor is not None:
            if ticket.status not in ACCEPTS_NOTES:
                return Outcome(
                    InboundState.QUARANTINED,
                    f"ticket {ticket_number(ticket.number)} is {ticket.status} and takes nothing more",
                    ticket.company_id,
                    ticket.number,
                )
            return actor, ticket
    return _aside(_STRANGER)


async def _new(
    tx: Tx, mail: InboundMail, parsed: Parsed, sender: Address, known: Known, *, desk: MailDesk, now: datetime
) -> Outcome:
    users = await inbound_mail_store.companies_of_user(tx, sender.address)
    if any(company_id == PROVIDER_ID for company_id, _, _ in users):
        return _aside("it is from the provider's own people: say for which company it is")
    active = [(company_id, user_id) for company_id, user_id, is_active in users if is_active]
    if len(active) > 1 or len(known.companies) > 1:
        return _aside("its sender is known to several companies")
    if active:
        user = await account_store.user(tx, *active[0])
        actor = await account_store.actor_for(tx, *active[0], SCOPES)
        contact = None if user is None else Contact(user.name, user.phone, user.email)
    elif known.companies and not users:
        contact = Contact(name_of(sender), "", sender.address)
        actor = await guest(tx, known.companies[0], contact.name)
    else:
        return _aside("its sender is unknown")
    if actor is None or contact is None:
        return _aside("its sender is unknown")
    return await mail_filing.raise_ticket(tx, actor, parsed, contact, mail.mailbox_id, desk=desk, now=now)
