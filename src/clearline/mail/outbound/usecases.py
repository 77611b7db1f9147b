"""Write mail, and run the queue of mail that goes out."""

import secrets
from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from clearline.accounts import permissions
from clearline.errors import AlreadyExists, Conflict, InvalidInput, NotFound, Violation
from clearline.events import store as event_store
from clearline.events.domain import RecordChanged
from clearline.identity import ALL_SCOPES, PROVIDER_ID, Actor, Role, Scope
from clearline.mail.outbound import store as outbound_mail_store
from clearline.mail.outbound import suppression_store, thread_store
from clearline.mail.outbound.compose import compose
from clearline.mail.outbound.domain import (
    MailSettings,
    MailState,
    NewMail,
    OutboundMail,
    Suppression,
    SuppressionReason,
    is_mailable,
    normalized_address,
    wire_address,
)
from clearline.platform.database.server import shared_secret
from clearline.platform.database.transactions import Tx
from clearline.settings import Settings
from clearline.text import check_text
from clearline.tickets import access

MAILER = Actor(Role.OPERATOR, "mail", scopes=ALL_SCOPES)
"""On whose behalf addresses are suppressed that bounce."""

KIND = "outbound mail"
SUPPRESSION_RECORD = "mail_suppression"
NO_SERVER = "no mail is sent: CLEARLINE_SMTP names no server"
DETAIL_MAX = 255
ERROR_MAX = 500

_SUPPRESSION_KIND = "suppression of"
_HOUR = timedelta(hours=1)
_PURGED_AT_ONCE = 1000
_FIRST_REFERENCES, _LAST_REFERENCES = 3, 7
"""How many of the first and last mails of a ticket a new one refers to."""


async def mail_settings(tx: Tx, found: Settings) -> MailSettings:
    """What composing a mail needs, of these settings and the secret that all servers on this database share."""
    secret = await shared_secret(tx, "mail", secrets.token_bytes(32))
    return MailSettings(found.mail_from, secret, found.public_url.rstrip("/"), found.smtp is not None)


async def enqueue(tx: Tx, mail: NewMail, *, now: datetime, settings: MailSettings) -> UUID | None:
    """Write a mail, which a worker sends once the transaction is committed; its id.

    It is composed here and now, and sent byte for byte as it is kept. A mail about a ticket refers to those before it,
    and answers to it come to the ticket's reply address. To an address that is suppressed, or that no server would
    take, it is written as dead, with the reason: whoever asks can see why nothing came.

    Without a server to send by nothing is written, and the answer is None: a queue that nobody empties would send old
    news on the day a server is set.
    """
    if not settings.enabled:
        return None
    mail_id = uuid4()
    number, known_as = mail.ticket_number, normalized_address(mail.recipient)
    thread = (
        []
        if number is None
        else await thread_store.thread(
            tx, mail.company_id, number, known_as, first=_FIRST_REFERENCES, last=_LAST_REFERENCES
        )
    )
    composed = compose(mail, mail_id, thread, settings=settings, now=now)
    refused = await _refusal(tx, mail.recipient)
    state = MailState.WAITING if refused is None else MailState.DEAD
    finished_at = None if refused is None else now
    stored = OutboundMail(
        mail.company_id, mail_id, 0, mail.recipient, mail.user_id, composed.subject, mail.kind, number,
        composed.message_id, state, 0, now, refused, now, finished_at,
    )  # fmt: skip
    await outbound_mail_store.insert(tx, stored, composed.message)
    if number is not None and refused is None:
        await thread_store.add(tx, mail.company_id, number, composed.message_id, recipient=known_as, now=now)
    return mail_id


async def may_mail(tx: Tx, address: str) -> bool:
    """Whether mail to the address would be sent: it is one that servers take, and not suppressed."""
    return await _refusal(tx, address) is None


async def _refusal(tx: Tx, address: str) -> str | None:
    if not is_mailable(address):
        return "no server takes mail for such an address"
    found = await suppression_store.get(tx, normalized_address(address))
    return None if found is None else suppressed_error(found.reason)


def suppressed_error(reason: str) -> str:
    """Why a mail to a suppressed address is dead."""
    return f"the address is suppressed: {reason}"


async def recent_count(tx: Tx, recipient: str, kind: str = "notification", *, now: datetime) -> int:
    """How many mails of a kind were written to an address in the last hour: the fuse against storms.

    Whoever notifies compares it with ``MOST_AN_HOUR`` and keeps the rest for a digest.
    """
    return await outbound_mail_store.recent_count(tx, recipient, kind, since=now - _HOUR)


async def contacts_count(tx: Tx, company_id: UUID, *, now: datetime) -> int:
    """How many notifications about a company's tickets went to contacts who are no users in the last hour.

    Whoever notifies compares it with ``MOST_TO_CONTACTS``: a customer is not to write to the world through the desk.
    """
    return await outbound_mail_store.contacts_count(tx, company_id, since=now - _HOUR)


async def record_bounce(
    tx: Tx, message_id: str, detail: str, *, bad_addresses: Collection[str], now: datetime
) -> OutboundMail | None:
    """Note that a mail of ours came back; None when it is none of ours.

    Its address is written to no more when it is among ``bad_addresses``, in small letters: those of which the report
    says that they do not exist. Reports cannot be proved genuine. A Message-ID is no secret: besides the recipient and
    the servers on the way everybody knows it who got an answer to the mail, or has it forwarded.
    """
    mail = await outbound_mail_store.with_message_id(tx, message_id)
    if mail is None:
        return None
    await outbound_mail_store.mark_bounced(tx, mail, detail[:ERROR_MAX], now=now)
    if {normalized_address(mail.recipient), normalized_address(wire_address(mail.recipient))}.intersection(
        bad_addresses
    ):
        await _add_suppression(tx, MAILER, mail.recipient, SuppressionReason.BOUNCE, detail[:DETAIL_MAX], now=now)
    return mail


async def list_mails(
    tx: Tx,
    actor: Actor,
    *,
    state: MailState | None = None,
    ticket_number: int | None = None,
    before: tuple[datetime, UUID] | None = None,
    limit: int,
) -> list[OutboundMail]:
    """Mails, newest first, behind the one that was written then with this id; of one state, of one ticket.

    Served by ``outbound_mail_newest``, ``outbound_mail_by_state``, or ``outbound_mail_of_ticket``.

    Raises:
        Forbidden: the actor is a customer, or its key may not read the desk's setup.
        NotFound: there is no such ticket.
    """
    permissions.require_staff(actor, Scope.DESK_READ)
    if ticket_number is None:
        return await outbound_mail_store.page(tx, state=state, before=before, limit=limit)
    company_id = await access.ticket_to_read(tx, actor, ticket_number)
    return await outbound_mail_store.of_ticket(tx, company_id, ticket_number, state=state, before=before, limit=limit)


async def get_mail(tx: Tx, actor: Actor, mail_id: UUID) -> tuple[OutboundMail, bytes]:
    """One mail, and the message as it travels.

    Raises:
        NotFound: there is no such mail.
        Forbidden: as for ``list_mails``.
    """
    permissions.require_staff(actor, Scope.DESK_READ)
    found = await outbound_mail_store.get(tx, mail_id)
    if found is None:
        raise NotFound(KIND, str(mail_id))
    return found


async def retry_mail(tx: Tx, actor: Actor, mail_id: UUID, *, now: datetime) -> OutboundMail:
    """Have a mail that waits, is dead or bounced tried again now, as if it were new.

    Raises:
        NotFound: there is no such mail.
        Conflict: it was sent or is being sent, its address is suppressed, or no server would take it.
        Forbidden: the actor does not run the desk.
    """
    _require_admin(actor)
    mail = await outbound_mail_store.lock(tx, mail_id)
    if mail is None:
        raise NotFound(KIND, str(mail_id))
    if mail.state is MailState.SENT:
        raise Conflict("the mail was sent already")
    if await outbound_mail_store.is_claimed(tx, mail, now=now):
        raise Conflict("the mail is being sent")
    if (refused := await _refusal(tx, mail.recipient)) is not None:
        raise Conflict(refused)
    await outbound_mail_store.requeue(tx, mail, now=now)
    return (await get_mail(tx, actor, mail_id))[0]


async def send_test(tx: Tx, actor: Actor, recipient: str, *, now: datetime, settings: MailSettings) -> OutboundMail:
    """Write a mail that says that mail works.

    Raises:
        InvalidInput: the address is none that servers take.
        Conflict: there is no server to send by.
        Forbidden: the actor does not run the desk.
    """
    _require_admin(actor)
    if not settings.enabled:
        raise Conflict(NO_SERVER)
    if not is_mailable(recipient):
        raise InvalidInput([Violation("recipient", "must be an address that mail servers take")])
    text = f"This is a test message from the support desk at {settings.public_url}. It was requested by {actor.name}.\n"
    mail = NewMail(
        recipient=recipient,
        subject="Test message from the support desk",
        text=text,
        html=None,
        kind="test",
        company_id=PROVIDER_ID,
    )
    mail_id = await enqueue(tx, mail, now=now, settings=settings)
    if mail_id is None:
        raise RuntimeError("enabled settings wrote no mail")
    return (await get_mail(tx, actor, mail_id))[0]


async def list_suppressions(tx: Tx, actor: Actor, *, after: str | None, limit: int) -> list[Suppression]:
    """Addresses that are not written to, in their order, behind ``after``. Served by the primary key.

    Raises:
        Forbidden: as for ``list_mails``.
    """
    permissions.require_staff(actor, Scope.DESK_READ)
    return await suppression_store.page(tx, after=after, limit=limit)


async def get_suppression(tx: Tx, actor: Actor, address: str) -> Suppression:
    """Why an address, in whatever case, is not written to.

    Raises:
        NotFound: it is not suppressed.
        Forbidden: as for ``list_mails``.
    """
    permissions.require_staff(actor, Scope.DESK_READ)
    return await _suppression(tx, address)


async def lock_suppression(tx: Tx, actor: Actor, address: str) -> Suppression:
    """A suppression that the actor is about to take away.

    Raises:
        NotFound: the address is not suppressed.
        Forbidden: the actor does not run the desk.
    """
    _require_admin(actor)
    return await _suppression(tx, address)


async def _suppression(tx: Tx, address: str) -> Suppression:
    found = await suppression_store.get(tx, normalized_address(address))
    if found is None:
        raise NotFound(_SUPPRESSION_KIND, normalized_address(address))
    return found


async def suppress(tx: Tx, actor: Actor, address: str, detail: str = "", *, now: datetime) -> Suppression:
    """Write to an address no more, in whatever case.

    Raises:
        InvalidInput: it is no address, or the detail is too long.
        AlreadyExists: it is suppressed already.
        Forbidden: the actor does not run the desk.
    """
    _require_admin(actor)
    violations = check_text("detail", detail, least=0, most=DETAIL_MAX)
    if not is_mailable(address):
        violations.append(Violation("address", "must be an address that mail servers take"))
    if violations:
        raise InvalidInput(violations)
    if not await _add_suppression(tx, actor, address, SuppressionReason.MANUAL, detail, now=now):
        raise AlreadyExists(_SUPPRESSION_KIND, normalized_address(address))
    return await _suppression(tx, address)


async def _add_suppression(
    tx: Tx, actor: Actor, address: str, reason: SuppressionReason, detail: str, *, now: datetime
) -> bool:
    address = normalized_address(address)
    if not await suppression_store.add(tx, Suppression(address, reason, detail, now)):
        return False
    fact = RecordChanged(SUPPRESSION_RECORD, "created", address, address)
    await event_store.append(tx, actor, PROVIDER_ID, fact, now=now)
    return True


async def unsuppress(tx: Tx, actor: Actor, address: str, *, now: datetime) -> None:
    """Write to an address again, in whatever case; mail that died meanwhile stays dead.

    Raises:
        NotFound: it is not suppressed.
        Forbidden: the actor does not run the desk.
    """
    _require_admin(actor)
    if not await suppression_store.delete(tx, normalized_address(address)):
        raise NotFound(_SUPPRESSION_KIND, normalized_address(address))
    fact = RecordChanged(SUPPRESSION_RECORD, "deleted", normalized_address(address), normalized_address(address))
    await event_store.append(tx, actor, PROVIDER_ID, fact, now=now)


async def purge(tx: Tx, *, before: datetime) -> int:
    """Delete some of the mails that were sent or failed before a time; return how many. Their Message-IDs stay."""
    return await outbound_mail_store.purge(tx, before=before, limit=_PURGED_AT_ONCE)


def _require_admin(actor: Actor) -> None:
    permissions.require_desk_admin(actor)
    permissions.require_scope(actor, Scope.DESK_WRITE)
