"""Classify an inbound mail: which ticket or company it belongs to, or why that cannot be decided automatically."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from clearline.accounts import address_usecases as addresses
from clearline.accounts import key_store, user_store
from clearline.identity import PROVIDER_ID, Actor
from clearline.mail.format.headers import Address, MailHeaders
from clearline.mail.format.parts import ParsedMail
from clearline.mail.inbound import mailbox_store
from clearline.mail.inbound import store as inbound_mail_store
from clearline.mail.inbound.domain import (
    BURST_LIMIT,
    BURST_WINDOW,
    COMPANY_WINDOW,
    DAILY_LIMIT,
    DAILY_WINDOW,
    DUPLICATE_WINDOW,
    InboundMail,
    InboundState,
    automatic,
    fails_dmarc,
    may_be_automatic,
    number_in_subject,
)
from clearline.mail.inbound.file import InboundMailContext, name_of, raise_ticket
from clearline.mail.inbound.follow_up import file_reply
from clearline.mail.inbound.mailbox_domain import base_address
from clearline.mail.inbound.parsing.parser_process import MailContents
from clearline.mail.inbound.staff_replies.reply import file_staff_reply
from clearline.mail.inbound.staff_replies.waiting import lock_ticket_of
from clearline.mail.inbound.store import InboundMailOutcome
from clearline.mail.outbound import thread_store
from clearline.mail.outbound import usecases as outbound_mail
from clearline.mail.outbound.bounce import Bounce
from clearline.mail.outbound.domain import INVITATION, read_reply_address
from clearline.mail.people.sender_usecases import SENDER_SCOPES, acting_user, contact_actor, is_active_company
from clearline.mail.people.usecases import keep_copied
from clearline.platform.database.transactions import Tx
from clearline.queues import store as queue_store
from clearline.text import normalized_address
from clearline.tickets import store as ticket_store
from clearline.tickets.contact import Contact
from clearline.tickets.domain import Ticket

_REFERENCES_MAX = 10
"""How many mails that a mail refers to are looked up for an invitation."""
_CLAIMANTS_MAX = 5
_REPORTED_MAILS_MAX = 10
"""How many mails of a delivery report are looked up; a genuine report is about one."""


class KnownCompanies(Struct, frozen=True):
    """The companies for which a sender who is not a user writes."""

    companies: list[UUID]


NO_COMPANIES = KnownCompanies([])


async def known_companies(tx: Tx, sender: Address | None) -> KnownCompanies:
    """Return the active companies for which a person once released mail of a sender who is not a user.

    Being the contact of a ticket is not enough: a customer may name any address as the contact, and would get its mail.
    """
    if sender is None or await inbound_mail_store.users_with_address(tx, sender.address):
        return NO_COMPANIES
    companies = await inbound_mail_store.companies_of_sender(tx, sender.address)
    return KnownCompanies([company_id for company_id in companies if await is_active_company(tx, company_id)])


async def classify(
    tx: Tx,
    mail: InboundMail,
    contents: MailContents,
    known: KnownCompanies,
    *,
    context: InboundMailContext,
    now: datetime,
) -> InboundMailOutcome:
    """Classify a mail, and file it. The order of the rules is in docs/reference/inbound-mail.md.

    ``bounce`` is the mail as a delivery report, if it is one.

    Raises:
        DeskError: filing was refused; the transaction must be rolled back.
    """
    parsed, headers = contents.parsed, contents.parsed.headers
    if contents.bounce is not None and (recorded := await _record_bounce(tx, contents.bounce, now=now)) is not None:
        return recorded
    outcome = await _automatic_or_loop(tx, mail, headers, context) or await _suspicious(tx, mail, parsed)
    outcome = outcome or await _staff_by_form(tx, headers)
    if outcome is not None or headers.sender is None:
        return outcome or _quarantine("its From header does not name exactly one sender")
    is_by_hand = headers.form is None and not may_be_automatic(headers, envelope_from=mail.envelope_from)
    confirmed = await _confirm_sender(tx, headers, headers.sender, now=now) if is_by_hand else None
    if confirmed is not None:
        return confirmed
    result = await _find_ticket(tx, mail, headers, headers.sender, context)
    if isinstance(result, InboundMailOutcome):
        return result
    if result is not None:
        return await _file(tx, *result, mail, parsed, context=context, now=now)
    return await _open_ticket(tx, mail, parsed, headers.sender, known, context=context, now=now)


async def _file(
    tx: Tx,
    actor: Actor,
    ticket: Ticket,
    mail: InboundMail,
    parsed: ParsedMail,
    *,
    context: InboundMailContext,
    now: datetime,
) -> InboundMailOutcome:
    """File a mail about a ticket. The mails of customers are counted."""
    if actor.is_staff:
        return await file_staff_reply(tx, actor, mail, parsed, ticket, context=context, now=now)
    too_many = await _too_many_of_company(tx, mail, ticket.company_id, context)
    if too_many is not None:
        return too_many
    outcome = await file_reply(tx, actor, mail, parsed, ticket, context=context, now=now)
    await _keep_copied(tx, actor, outcome, mail, parsed.headers, context=context, now=now)
    return outcome


async def _keep_copied(
    tx: Tx,
    actor: Actor,
    outcome: InboundMailOutcome,
    mail: InboundMail,
    headers: MailHeaders,
    *,
    context: InboundMailContext,
    now: datetime,
) -> None:
    """Make those in Cc of a mail that was filed people of its ticket, or suggestions; automatic mail has none."""
    if not headers.cc or outcome.state is not InboundState.ACCEPTED or not outcome.company_id:
        return
    if outcome.ticket_number is None or may_be_automatic(headers, envelope_from=mail.envelope_from):
        return
    ticket = await ticket_store.lock(tx, outcome.company_id, outcome.ticket_number)
    if ticket is not None:
        own = [each.address for each in headers.cc if await _is_own(tx, each.address, context)]
        await keep_copied(tx, actor, ticket, headers, own=own, now=now)


async def _is_own(tx: Tx, address: str, context: InboundMailContext) -> bool:
    """Return whether an address is the desk's: that of its mail, of a queue or of a mailbox."""
    base = base_address(address)
    is_desk = base == base_address(context.sender) or await queue_store.sends_from(tx, base)
    return is_desk or bool(await mailbox_store.find(tx, [base]))


def _quarantine(reason: str) -> InboundMailOutcome:
    return InboundMailOutcome(InboundState.QUARANTINED, reason)


async def _record_bounce(tx: Tx, bounce: Bounce, *, now: datetime) -> InboundMailOutcome | None:
    """Record a delivery report; None when the mail is none after all."""
    message_ids = bounce.message_ids[:_REPORTED_MAILS_MAX]
    if not bounce.is_permanent:
        sent = [await outbound_mail.mail_with_message_id(tx, message_id) for message_id in message_ids]
        is_report = bounce.is_certain or any(mail is not None for mail in sent)
        reason = "a delivery report without a permanent failure"
        return InboundMailOutcome(InboundState.IGNORED, reason) if is_report else None
    for message_id in message_ids:
        mail = await outbound_mail.record_bounce(
            tx, message_id, bounce.detail, bad_addresses=bounce.bad_addresses, now=now
        )
        if mail is not None:
            return InboundMailOutcome(InboundState.BOUNCE, bounce.detail or None, mail.company_id, mail.ticket_number)
    if not bounce.is_certain:
        return None
    return InboundMailOutcome(InboundState.IGNORED, "a delivery report about a mail that is not ours")


async def _automatic_or_loop(
    tx: Tx, mail: InboundMail, headers: MailHeaders, context: InboundMailContext
) -> InboundMailOutcome | None:
    for sender in headers.senders:
        if await _is_own(tx, sender.address, context):
            return InboundMailOutcome(InboundState.IGNORED, "it is from one of our own addresses: a mail loop")
    reason = automatic(headers, envelope_from=mail.envelope_from)
    return None if reason is None else InboundMailOutcome(InboundState.IGNORED, reason)


async def _suspicious(tx: Tx, mail: InboundMail, parsed: ParsedMail) -> InboundMailOutcome | None:
    sender = parsed.headers.sender
    if sender is None:
        return _quarantine("its From header does not name exactly one sender")
    if parsed.is_encrypted:
        return _quarantine("it is encrypted")
    if fails_dmarc(parsed.headers):
        return _quarantine("its sender failed DMARC (dmarc=fail)")
    copy = await inbound_mail_store.accepted_copy(tx, mail, within=DUPLICATE_WINDOW)
    if copy is not None:
        number = copy.ticket_number
        return InboundMailOutcome(
            InboundState.IGNORED, "the same mail was accepted at another mailbox", copy.company_id, number
        )
    for limit, window, period in (
        (BURST_LIMIT, BURST_WINDOW, "in 10 minutes"),
        (DAILY_LIMIT, DAILY_WINDOW, "in a day"),
    ):
        since, until = mail.received_at - window, mail.received_at
        count = await inbound_mail_store.count_from_sender(tx, sender.address, since=since, until=until, most=limit + 1)
        if count > limit:
            return _quarantine(f"its sender sent more than {limit} mails {period}")
    return None


async def _staff_by_form(tx: Tx, headers: MailHeaders) -> InboundMailOutcome | None:
    """Quarantine mail of a web form in the name of the staff: whoever fills in a form need not own the address."""
    if headers.form is None or headers.sender is None or not await _is_staff(tx, headers.sender):
        return None
    return _quarantine("it is from a web form, and names an address of the provider's staff")


async def _find_ticket(
    tx: Tx, mail: InboundMail, headers: MailHeaders, sender: Address, context: InboundMailContext
) -> tuple[Actor, Ticket] | InboundMailOutcome | None:
    """Return the ticket of a mail, and the actor; the outcome if that is refused; or None for a new ticket."""
    is_staff = await _is_staff(tx, sender)
    # A forged From of the staff could write to any ticket: they must reply to a mail that only they were sent.
    sent_to = sender.address if is_staff else None
    recipients = (*mail.envelope_to.split(), *headers.recipients)
    addressed = _first_addressed(recipients, context.secret, sent_to)
    if addressed is not None:
        company_id = await ticket_store.company_of(tx, addressed)
        return await _first_permitted(tx, sender, [] if company_id is None else [(company_id, addressed)])
    references = list(headers.references)
    if references and (threads := await thread_store.find(tx, references, recipient=sent_to)):
        return await _first_permitted(tx, sender, threads)
    if is_staff and _first_addressed(recipients, context.secret, None) is not None:
        return _quarantine(_STAFF_WITHOUT_THREAD)
    number = number_in_subject(headers.subject)
    company_id = None if number is None else await ticket_store.company_of(tx, number)
    if number is None or company_id is None:
        return None
    if is_staff:
        return _quarantine(_STAFF_WITHOUT_THREAD)
    result = await _first_permitted(tx, sender, [(company_id, number)], by_subject=True)
    # A sender who may not write to the ticket gets a new one: ticket numbers are easily guessed.
    return None if isinstance(result, InboundMailOutcome) and result.reason == _SENDER_NOT_ON_TICKET else result


def _first_addressed(recipients: Sequence[str], secret: bytes, sent_to: str | None) -> int | None:
    """Return the ticket of the first reply address among recipients; with ``sent_to``, of one for that address."""
    numbers = (read_reply_address(recipient, secret, recipient=sent_to) for recipient in recipients)
    return next((number for number in numbers if number is not None), None)


_SENDER_NOT_ON_TICKET = "its sender may not write to the ticket that it replies to"
_STAFF_WITHOUT_THREAD = "it is from the provider's staff, but replies to no mail that was sent to them"


async def _is_staff(tx: Tx, sender: Address) -> bool:
    users = await inbound_mail_store.users_with_address(tx, sender.address)
    return any(company_id == PROVIDER_ID for company_id, _, _ in users)


async def _first_permitted(
    tx: Tx, sender: Address, candidates: Sequence[tuple[UUID, int]], *, by_subject: bool = False
) -> tuple[Actor, Ticket] | InboundMailOutcome:
    """Return the first ticket that the sender may write to, with the actor, or the outcome if there is none."""
    for company_id, number in candidates:
        ticket = await lock_ticket_of(tx, sender, company_id, number)
        actor = None if ticket is None else await acting_user(tx, sender, ticket, by_subject=by_subject)
        if ticket is not None and actor is not None:
            return actor, ticket
    return _quarantine(_SENDER_NOT_ON_TICKET)


async def _open_ticket(
    tx: Tx,
    mail: InboundMail,
    parsed: ParsedMail,
    sender: Address,
    known: KnownCompanies,
    *,
    context: InboundMailContext,
    now: datetime,
) -> InboundMailOutcome:
    users = await inbound_mail_store.users_with_address(tx, sender.address)
    if any(company_id == PROVIDER_ID for company_id, _, _ in users):
        return _quarantine("it is from the provider's staff: choose the company")
    active = [(company_id, user_id) for company_id, user_id, is_active in users if is_active]
    if len(active) > 1 or len(known.companies) > 1:
        return await _unclear(tx, sender, "its sender belongs to several companies")
    if active:
        user = await user_store.get(tx, *active[0])
        actor = await key_store.actor_for(tx, *active[0], SENDER_SCOPES)
        contact = None if user is None else Contact(user.name, user.phone, user.email)
    elif known.companies and not users:
        contact = Contact(name_of(sender), "", sender.address)
        actor = await contact_actor(tx, known.companies[0], contact.name)
    else:
        return await _unclear(tx, sender, "its sender is unknown")
    if actor is None or contact is None or actor.company is None:
        return _quarantine("its sender is unknown")
    if too_many := await _too_many_of_company(tx, mail, actor.company.id, context):
        return too_many
    outcome = await raise_ticket(tx, actor, parsed, contact, mail.mailbox_id, context=context, now=now)
    await _keep_copied(tx, actor, outcome, mail, parsed.headers, context=context, now=now)
    return outcome


async def _too_many_of_company(
    tx: Tx, mail: InboundMail, company_id: UUID, context: InboundMailContext
) -> InboundMailOutcome | None:
    """Return the outcome of a mail when the senders of its company sent too many in an hour."""
    limit = context.company_mails
    if not limit:
        return None
    since, until = mail.received_at - COMPANY_WINDOW, mail.received_at
    count = await inbound_mail_store.count_accepted(tx, company_id, since=since, until=until, most=limit)
    return _quarantine(f"its company sent more than {limit} mails in an hour") if count >= limit else None


async def _unclear(tx: Tx, sender: Address, reason: str) -> InboundMailOutcome:
    """Quarantine a mail whose company is unclear, and name the companies that claim its sender without a proof."""
    claimants = await inbound_mail_store.claimants(tx, sender.address, most=_CLAIMANTS_MAX + 1)
    named = [*claimants[:_CLAIMANTS_MAX], *(["others"] if len(claimants) > _CLAIMANTS_MAX else [])]
    return _quarantine(f"{reason}; claimed without proof by {', '.join(named)}" if named else reason)


async def _confirm_sender(tx: Tx, headers: MailHeaders, sender: Address, *, now: datetime) -> InboundMailOutcome | None:
    """Confirm the address of a sender who answers an invitation that was sent to it; None for any other mail.

    Mail of a web form confirms nothing, and neither does an absence notice: nobody has read the invitation.
    """
    for message_id in headers.references[:_REFERENCES_MAX]:
        sent = await outbound_mail.mail_with_message_id(tx, message_id)
        if sent is None or sent.kind != INVITATION or normalized_address(sent.recipient) != sender.address:
            continue
        invited = await addresses.user_with_address(tx, sent.company_id, sender.address)
        if invited is not None and not invited[1].is_confirmed:
            await addresses.confirm_address(tx, *invited, now=now)
            return InboundMailOutcome(InboundState.IGNORED, "it confirmed the address of its sender", sent.company_id)
    return None
