"""Let people decide about mail in quarantine: it becomes a note or a ticket, or nothing."""

from datetime import datetime
from uuid import UUID

from clearline.accounts import permissions
from clearline.errors import Conflict, NotFound, require_found
from clearline.events import store as event_store
from clearline.events.domain import Change, RecordChanged
from clearline.events.store import actor_id
from clearline.identity import PROVIDER_ID, Actor, Scope
from clearline.mail.format.parts import ParsedMail
from clearline.mail.inbound import store as inbound_mail_store
from clearline.mail.inbound.domain import REVIEWABLE, InboundMail, InboundState
from clearline.mail.inbound.file import InboundMailContext, file_as_note, file_as_ticket
from clearline.mail.inbound.staff_replies.domain import Notices, StaffReplies
from clearline.mail.inbound.store import InboundMailOutcome
from clearline.mail.inbound.usecases import KIND, parsed_mail
from clearline.mail.outbound import usecases as outbound_mail
from clearline.mail.templates.rendering import Render
from clearline.platform.database.transactions import Tx
from clearline.settings.settings import Settings
from clearline.tickets.attachments.blobs import Blobs
from clearline.tickets.attachments.domain import Limits
from clearline.tickets.domain import ticket_number as ticket_name

_RECORD = "inbound_mail"


async def release_to_ticket(
    tx: Tx, actor: Actor, mail_id: UUID, number: int, *, context: InboundMailContext, now: datetime
) -> InboundMail:
    """File a mail in quarantine as a note of a ticket, on behalf of its sender.

    ``context.staged`` names the stored blobs: when the transaction fails, the caller deletes them.

    Raises:
        Conflict: the mail is not in quarantine or ignored, or its content was deleted or cannot be parsed.
        TicketFinished: the ticket accepts no more notes.
    """
    mail, parsed = await _lock_releasable(tx, actor, mail_id)
    filed = await file_as_note(tx, mail, parsed, number, context=context, now=now)
    return await _store_decision(tx, actor, mail, filed, now=now)


async def release_as_ticket(
    tx: Tx, actor: Actor, mail_id: UUID, company: str, *, context: InboundMailContext, now: datetime
) -> InboundMail:
    """File a mail in quarantine as a new ticket of a company, with its sender as the contact.

    The company may not be the provider: ``InvalidInput``. ``context.staged`` is as for ``release_to_ticket``.

    Raises:
        Conflict: as for ``release_to_ticket``.
    """
    mail, parsed = await _lock_releasable(tx, actor, mail_id)
    customer = await permissions.company_typed(tx, actor, company)
    filed = await file_as_ticket(tx, parsed, customer, mail.mailbox_id, context=context, now=now)
    return await _store_decision(tx, actor, mail, filed, now=now)


async def discard(tx: Tx, actor: Actor, mail_id: UUID, *, now: datetime) -> InboundMail:
    """Set a mail in quarantine to discarded.

    Raises:
        Conflict: the mail is not in quarantine or ignored.
    """
    mail, _ = await _lock_reviewable(tx, actor, mail_id)
    return await _store_decision(tx, actor, mail, InboundMailOutcome(InboundState.DISCARDED, mail.reason), now=now)


async def _lock_reviewable(tx: Tx, actor: Actor, mail_id: UUID) -> tuple[InboundMail, bytes | None]:
    permissions.require_whole_desk(actor, Scope.TICKETS_WRITE)
    mail, raw = require_found(await inbound_mail_store.lock(tx, mail_id), KIND, mail_id)
    if mail.state not in REVIEWABLE:
        raise Conflict(f"the mail is {mail.state}: only quarantined and ignored mail can be released or discarded")
    return mail, raw


async def _lock_releasable(tx: Tx, actor: Actor, mail_id: UUID) -> tuple[InboundMail, ParsedMail]:
    mail, raw = await _lock_reviewable(tx, actor, mail_id)
    parsed = None if raw is None else await parsed_mail(mail, raw)
    if parsed is None:
        raise Conflict("the content of the mail was deleted, or cannot be parsed")
    if parsed.headers.sender is None:
        raise Conflict("the From header does not name exactly one sender: discard the mail, and add a note instead")
    return mail, parsed


async def _store_decision(
    tx: Tx, actor: Actor, mail: InboundMail, outcome: InboundMailOutcome, *, now: datetime
) -> InboundMail:
    await inbound_mail_store.decide(tx, mail.id, outcome._replace(by=actor_id(actor)), now=now)
    ticket = None if outcome.ticket_number is None else ticket_name(outcome.ticket_number)
    action = "discarded" if outcome.state is InboundState.DISCARDED else "released"
    changes = [Change("state", mail.state, outcome.state), *([Change("ticket", None, ticket)] if ticket else [])]
    fact = RecordChanged(_RECORD, action, str(mail.id), mail.sender or "unknown", changes)
    await event_store.append(tx, actor, PROVIDER_ID, fact, now=now)
    decided = await inbound_mail_store.get(tx, mail.id)
    if decided is None:
        raise NotFound(KIND, str(mail.id))
    return decided


async def processing_context(
    tx: Tx, settings: Settings, blobs: Blobs, limits: Limits, *, render: Render | None = None
) -> InboundMailContext:
    """Return what processing of inbound mail needs, as it is set. Without ``render`` agents get no notices."""
    mail_settings = await outbound_mail.mail_settings(tx, settings)
    return InboundMailContext(
        mail_settings.secret,
        mail_settings.address,
        blobs,
        limits,
        [],
        settings.ticket_notes_max,
        reopens=settings.reopen_on_answer,
        follows_up=settings.follow_up_tickets,
        company_mails=settings.company_mails,
        staff_replies=StaffReplies(
            settings.staff_replies_by_mail, None if render is None else Notices(render, mail_settings)
        ),
    )
