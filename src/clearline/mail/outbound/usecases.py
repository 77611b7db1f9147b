"""Enqueue mail, manage the outbound queue, and suppress addresses."""

import secrets
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from clearline.accounts import permissions, user_store
from clearline.clock import CLOCK_SECONDS, counted_until
from clearline.errors import (
    AlreadyExists,
    Conflict,
    InvalidInput,
    NotFound,
    RuleCode,
    Violation,
    require_found,
    require_valid,
)
from clearline.events import store as event_store
from clearline.events.domain import Change, RecordChanged
from clearline.events.event_types import BY_BOUNCE
from clearline.identity import ALL_SCOPES, PROVIDER_ID, Actor, Role, Scope
from clearline.mail.outbound import sender_store, suppression_store, thread_store
from clearline.mail.outbound import store as outbound_mail_store
from clearline.mail.outbound.compose import compose
from clearline.mail.outbound.domain import (
    DESK_SENDER,
    DETAIL_MAX,
    NOTIFICATION,
    RETRY_DELAYS,
    RETRY_JITTER,
    SIGN_IN_LINK,
    MailSettings,
    MailState,
    NewMail,
    OutboundMail,
    Suppression,
    SuppressionReason,
    wire_address,
)
from clearline.mail.templates import usecases as mail_templates
from clearline.mail.templates.rendering import Render
from clearline.platform.database.server import shared_secret
from clearline.platform.database.transactions import Tx
from clearline.platform.work.claims import LEASE_SECONDS
from clearline.settings.settings import Settings
from clearline.text import check_text, is_mailable, normalized_address, storable
from clearline.tickets import access
from clearline.tickets import hand_over_usecases as hand_over
from clearline.tickets.domain import can_be_assigned

MAILER = Actor(Role.OPERATOR, "mail", scopes=ALL_SCOPES)
"""The actor of suppressions after a bounce, and of what follows from them."""

KIND = "outbound mail"
SUPPRESSION_RECORD = "mail_suppression"
RETURNED_TICKETS = "returned_tickets"
"""The field of ``mail_suppression.created`` that says how many tickets of an agent returned to their queues."""
NO_SERVER = "no mail is sent: CLEARLINE_SMTP names no server"
ERROR_MAX = 500
WITHHELD = b"\r\nThis mail has a link to sign in. Only its recipient gets to see it.\r\n"
"""What is shown of a mail with a link to sign in."""

_SUPPRESSION_KIND = "suppression of"
_HOUR = timedelta(hours=1)
_PURGED_AT_ONCE = 1000
_FIRST_REFERENCES, _LAST_REFERENCES = 3, 7
"""How many of the first and of the last mails of a ticket a new mail refers to."""


async def mail_secret(tx: Tx) -> bytes:
    """Return the secret behind the addresses and links in mail, which all servers on this database share."""
    return await shared_secret(tx, "mail", secrets.token_bytes(32))


async def mail_settings(tx: Tx, settings: Settings) -> MailSettings:
    """Return what composing a mail needs: the settings, and the secret of mail."""
    return MailSettings(
        settings.mail_from,
        await mail_secret(tx),
        settings.public_url.rstrip("/"),
        enabled=settings.smtp is not None,
        is_listening=settings.mail_listen is not None,
    )


async def enqueue(tx: Tx, mail: NewMail, *, now: datetime, settings: MailSettings) -> UUID | None:
    """Compose a mail and store it in the outbound queue; return its id. A worker sends it after the commit.

    The message is sent byte for byte as it is stored. A mail about a ticket refers to the earlier mails of that ticket,
    and has the ticket's reply address and the sender of the ticket's queue. A mail to an address that is suppressed or
    not mailable is stored as dead, with the reason.

    Without a mail server nothing is stored, and the result is None: mail that waited for a server would be outdated.
    """
    if not settings.enabled:
        return None
    mail_id = uuid4()
    number, recipient = mail.ticket_number, normalized_address(mail.recipient)
    thread = (
        []
        if number is None
        else await thread_store.thread(
            tx, mail.company_id, number, recipient, first=_FIRST_REFERENCES, last=_LAST_REFERENCES
        )
    )
    sender = DESK_SENDER
    if number is not None:
        sender = await sender_store.of_ticket(tx, mail.company_id, number, is_listening=settings.is_listening)
    composed = compose(mail, mail_id, thread, sender=sender, settings=settings, now=now)
    refused = await _refusal(tx, mail.recipient)
    state = MailState.WAITING if refused is None else MailState.DEAD
    finished_at = None if refused is None else now
    stored = OutboundMail(
        mail.company_id, mail_id, 0, mail.recipient, mail.user_id, composed.subject, mail.kind, number,
        composed.message_id, state, 0, now, refused, now, finished_at,
    )  # fmt: skip
    await outbound_mail_store.insert(tx, stored, composed.message)
    if number is not None and refused is None:
        await thread_store.add(tx, mail.company_id, number, composed.message_id, recipient=recipient, now=now)
    return mail_id


async def may_mail(tx: Tx, address: str) -> bool:
    """Return whether mail to the address would be sent: it is mailable, and not suppressed."""
    return await _refusal(tx, address) is None


async def _refusal(tx: Tx, address: str) -> str | None:
    if not is_mailable(address):
        return "mail servers do not accept such an address"
    suppression = await suppression_store.get(tx, normalized_address(address))
    return None if suppression is None else suppressed_error(suppression.reason)


def suppressed_error(reason: str) -> str:
    """Return the error of a dead mail to a suppressed address."""
    return f"the address is suppressed: {reason}"


async def suppressed(tx: Tx, addresses: Collection[str]) -> set[str]:
    """Return those of some addresses, in lower case, to which no mail is sent."""
    return await suppression_store.suppressed(tx, sorted(addresses)) if addresses else set()


async def recent_count(tx: Tx, recipient: str, kind: str = NOTIFICATION, *, now: datetime) -> int:
    """Return how many mails of a kind were written to an address in the last hour, for ``RateLimits.per_address``."""
    return await outbound_mail_store.recent_count(tx, recipient, kind, since=now - _HOUR, until=counted_until(now))


async def contacts_count(tx: Tx, company_id: UUID, *, now: datetime) -> int:
    """Return how many mails about a company's tickets went to contacts who are not users in the last hour.

    For ``RateLimits.per_company_contacts``: a customer must not send mail to anybody through the desk.
    """
    return await outbound_mail_store.contacts_count(tx, company_id, since=now - _HOUR, until=counted_until(now))


async def record_bounce(
    tx: Tx, message_id: str, detail: str, *, bad_addresses: Collection[str], now: datetime
) -> OutboundMail | None:
    """Set one of our mails to bounced; None when no mail has the Message-ID.

    The address is suppressed when it is among ``bad_addresses``, in lower case: those that do not exist, according to
    the report. Reports cannot be authenticated: what speaks for one is that it knows the Message-ID and the recipient
    of a mail, which the recipient, the servers on the way, and those who get a reply or a forwarded copy know. A second
    report about a mail suppresses nothing, so that one that arrives again after the suppression was deleted has no
    effect.
    """
    mail = await outbound_mail_store.with_message_id(tx, message_id)
    if mail is None:
        return None
    await outbound_mail_store.mark_bounced(tx, mail, detail[:ERROR_MAX], now=now)
    names = {normalized_address(mail.recipient), normalized_address(wire_address(mail.recipient))}
    if mail.state is not MailState.BOUNCED and names.intersection(bad_addresses):
        await _suppress_after_bounce(tx, mail.recipient, detail, now=now)
    return mail


async def record_refusal(tx: Tx, recipient: str, detail: str, *, now: datetime) -> None:
    """Suppress an address of the provider's people that our mail server says does not exist; no other address."""
    if await user_store.find(tx, PROVIDER_ID, recipient) is not None:
        await _suppress_after_bounce(tx, recipient, detail, now=now)


async def _suppress_after_bounce(tx: Tx, address: str, detail: str, *, now: datetime) -> None:
    """Suppress an address; the open tickets of an agent who has it now return to their queues.

    Nothing happens when the address is already suppressed: a person may have assigned tickets to the agent since.
    """
    if not await suppression_store.add(tx, Suppression(address, SuppressionReason.BOUNCE, detail[:DETAIL_MAX], now)):
        return
    agent = await user_store.find(tx, PROVIDER_ID, address)
    changes = []
    if agent is not None and can_be_assigned(agent):
        returned = await hand_over.hand_over_tickets(tx, MAILER, agent.id, None, by=BY_BOUNCE, now=now)
        changes.append(Change(RETURNED_TICKETS, None, returned))
    await _store_created(tx, MAILER, address, changes, now=now)


async def mail_with_message_id(tx: Tx, message_id: str) -> OutboundMail | None:
    """Return the mail with this Message-ID, or None. Served by ``outbound_mail_by_message``."""
    return await outbound_mail_store.with_message_id(tx, message_id)


async def list_mails(
    tx: Tx,
    actor: Actor,
    *,
    state: MailState | None = None,
    ticket_number: int | None = None,
    before: tuple[datetime, UUID] | None = None,
    limit: int,
) -> list[OutboundMail]:
    """Return mails, newest first, after the given creation time and id; of one state, or of one ticket.

    Served by ``outbound_mail_newest``, ``outbound_mail_by_state`` or ``outbound_mail_of_ticket``.
    """
    if ticket_number is None:
        permissions.require_whole_desk(actor, Scope.DESK_READ)
        return await outbound_mail_store.page(tx, state=state, before=before, limit=limit)
    permissions.require_staff(actor, Scope.DESK_READ)
    company_id = await access.require_ticket(tx, actor, ticket_number)
    return await outbound_mail_store.of_ticket(tx, company_id, ticket_number, state=state, before=before, limit=limit)


async def ids_between(tx: Tx, actor: Actor, low: UUID, high: UUID, *, limit: int = 10) -> list[UUID]:
    """Return the ids of mails between two, both included. Served by ``outbound_mail_by_id``."""
    permissions.require_whole_desk(actor, Scope.DESK_READ)
    return await outbound_mail_store.ids_between(tx, low, high, limit=limit)


async def get_mail(tx: Tx, actor: Actor, mail_id: UUID) -> tuple[OutboundMail, bytes]:
    """Return a mail and its message. It has texts of tickets, so that the actor must be allowed to read them.

    A link to sign in is for its recipient only: the message of such a mail is not shown.
    """
    permissions.require_staff(actor, Scope.DESK_READ)
    permissions.require_scope(actor, Scope.TICKETS_READ)
    mail, message = require_found(await outbound_mail_store.get(tx, mail_id), KIND, mail_id)
    await access.require_about(tx, actor, mail.ticket_number, KIND, mail_id)
    return mail, WITHHELD if mail.kind == SIGN_IN_LINK else message


async def _stored(tx: Tx, mail_id: UUID) -> OutboundMail:
    return require_found(await outbound_mail_store.get(tx, mail_id), KIND, mail_id)[0]


async def retry_mail(tx: Tx, actor: Actor, mail_id: UUID, *, now: datetime) -> OutboundMail:
    """Retry a waiting, dead or bounced mail now, as if it were new.

    Raises:
        Conflict: the mail was sent, is being sent, or its address is suppressed or not mailable.
    """
    _require_admin(actor)
    mail = require_found(await outbound_mail_store.lock(tx, mail_id), KIND, mail_id)
    if mail.state is MailState.SENT:
        raise Conflict("the mail was sent already")
    if mail.kind == SIGN_IN_LINK and mail.state is not MailState.WAITING:
        raise Conflict("the link of this mail is deleted: send the person a new one")
    if await outbound_mail_store.is_claimed(tx, mail, now=now):
        raise Conflict("the mail is being sent")
    if (refused := await _refusal(tx, mail.recipient)) is not None:
        raise Conflict(refused)
    await outbound_mail_store.requeue(tx, mail, now=now)
    return await _stored(tx, mail_id)


async def send_test(tx: Tx, actor: Actor, recipient: str, *, now: datetime, settings: MailSettings) -> OutboundMail:
    """Enqueue a test message.

    Raises:
        Conflict: no mail server is configured.
    """
    _require_admin(actor)
    if not is_mailable(recipient):
        raise InvalidInput([Violation("recipient", "must be an address that mail servers accept", RuleCode.FORMAT)])
    text = f"This is a test message from the support desk at {settings.public_url}. It was requested by {actor.name}.\n"
    subject = "Test message from the support desk"
    mail = NewMail(recipient=recipient, subject=subject, text=text, html=None, kind="test", company_id=PROVIDER_ID)
    return await _enqueue_test(tx, mail, now=now, settings=settings)


async def _enqueue_test(tx: Tx, mail: NewMail, *, now: datetime, settings: MailSettings) -> OutboundMail:
    mail_id = await enqueue(tx, mail, now=now, settings=settings)
    if mail_id is None:
        raise Conflict(NO_SERVER)
    return await _stored(tx, mail_id)


async def send_template_test(
    tx: Tx,
    actor: Actor,
    template: tuple[str, str],
    values: Mapping[str, str],
    *,
    render: Render,
    now: datetime,
    settings: MailSettings,
) -> OutboundMail:
    """Enqueue a mail of a kind and language with sample values, and with ``values`` of its text, to the actor.

    Raises:
        Conflict: no mail server is configured, or the actor is no person with an address.
    """
    rendered = await mail_templates.preview_template(tx, actor, *template, values, render=render, link=settings.link)
    if actor.user is None:
        raise Conflict("a test goes to the address of the person who sends it")
    recipient, subject = actor.user.email, rendered.subject
    mail = NewMail(
        recipient=recipient,
        subject=subject,
        text=rendered.text,
        html=rendered.html,
        kind="test",
        company_id=PROVIDER_ID,
    )
    return await _enqueue_test(tx, mail, now=now, settings=settings)


async def list_suppressions(tx: Tx, actor: Actor, *, after: str | None, limit: int) -> list[Suppression]:
    """Return suppressed addresses in order, after ``after``. Served by the primary key."""
    permissions.require_whole_desk(actor, Scope.DESK_READ)
    return await suppression_store.page(tx, after=after, limit=limit)


async def get_suppression(tx: Tx, actor: Actor, address: str) -> Suppression:
    """Return the suppression of an address, in any case."""
    permissions.require_whole_desk(actor, Scope.DESK_READ)
    return await _suppression(tx, address)


async def lock_suppression(tx: Tx, actor: Actor, address: str) -> Suppression:
    """Return a suppression that the actor may delete."""
    _require_admin(actor)
    return await _suppression(tx, address)


async def _suppression(tx: Tx, address: str) -> Suppression:
    address = normalized_address(address)
    suppression = await suppression_store.get(tx, address) if storable(address) else None
    return require_found(suppression, _SUPPRESSION_KIND, address)


async def suppress(tx: Tx, actor: Actor, address: str, detail: str = "", *, now: datetime) -> Suppression:
    """Suppress an address, in any case.

    Raises:
        AlreadyExists: the address is already suppressed.
    """
    _require_admin(actor)
    violations = check_text("detail", detail, least=0, most=DETAIL_MAX)
    if not is_mailable(address):
        violations.append(Violation("address", "must be an address that mail servers accept", RuleCode.FORMAT))
    require_valid(violations)
    if not await suppression_store.add(tx, Suppression(address, SuppressionReason.MANUAL, detail, now)):
        raise AlreadyExists(_SUPPRESSION_KIND, normalized_address(address))
    await _store_created(tx, actor, address, [], now=now)
    return await _suppression(tx, address)


async def _store_created(tx: Tx, actor: Actor, address: str, changes: list[Change], *, now: datetime) -> None:
    address = normalized_address(address)
    fact = RecordChanged(SUPPRESSION_RECORD, "created", address, address, changes)
    await event_store.append(tx, actor, PROVIDER_ID, fact, now=now)


async def unsuppress(tx: Tx, actor: Actor, address: str, *, now: datetime) -> None:
    """Delete the suppression of an address, in any case. Mail that is dead stays dead."""
    _require_admin(actor)
    address = normalized_address(address)
    if not storable(address) or not await suppression_store.delete(tx, address):
        raise NotFound(_SUPPRESSION_KIND, address)
    fact = RecordChanged(SUPPRESSION_RECORD, "deleted", address, address)
    await event_store.append(tx, actor, PROVIDER_ID, fact, now=now)


async def shorten_waits(tx: Tx, *, now: datetime) -> int:
    """Bring mails forward that a clock that was ahead, and is set back now, made wait too long; return how many."""
    return await outbound_mail_store.shorten_waits(
        tx,
        lease=timedelta(seconds=LEASE_SECONDS),
        delays=[delay * (1 + RETRY_JITTER) for delay in RETRY_DELAYS],
        tolerance=timedelta(seconds=CLOCK_SECONDS),
        now=now,
    )


async def purge(tx: Tx, *, before: datetime) -> int:
    """Delete some of the mails that were sent or failed before a time; return how many. Their Message-IDs stay."""
    return await outbound_mail_store.purge(tx, before=before, limit=_PURGED_AT_ONCE)


def _require_admin(actor: Actor) -> None:
    permissions.require_desk_admin(actor)
    permissions.require_scope(actor, Scope.DESK_WRITE)
