"""File a mail of the provider's people about a ticket."""

import asyncio
from datetime import datetime

from clearline.identity import PROVIDER_ID, Actor, Scope
from clearline.mail.format.authentication import is_authentic
from clearline.mail.format.parts import ParsedMail
from clearline.mail.format.public_mark import Unfit, marked_reply, may_have_mark
from clearline.mail.format.reply_text import SplitReply
from clearline.mail.inbound import store as inbound_mail_store
from clearline.mail.inbound.domain import InboundMail, InboundState, may_be_automatic
from clearline.mail.inbound.file import InboundMailContext, add_note, sender_of, split_mail
from clearline.mail.inbound.follow_up import file_reply
from clearline.mail.inbound.staff_replies.notice import write_notice
from clearline.mail.inbound.store import InboundMailOutcome
from clearline.mail.outbound import thread_store
from clearline.platform.database.transactions import Tx
from clearline.tickets.domain import Ticket
from clearline.tickets.note_domain import TEXT_MAX
from clearline.tickets.status_domain import ACCEPTS_NOTES

_NOT_SENT = "not sent to the customer: "


async def file_staff_reply(
    tx: Tx,
    actor: Actor,
    mail: InboundMail,
    parsed: ParsedMail,
    ticket: Ticket,
    *,
    context: InboundMailContext,
    now: datetime,
) -> InboundMailOutcome:
    """File a mail of one of the provider's people about a locked ticket.

    It is an internal note. A mail that begins with the mark is a public reply to the customer, if nothing speaks
    against it; otherwise the outcome has the reason, and the agent gets a mail with it.
    """
    marked = await _marked(tx, parsed, ticket)
    if marked is None:
        return await file_reply(tx, actor, mail, parsed, ticket, context=context, now=now)
    is_automatic = may_be_automatic(parsed.headers, envelope_from=mail.envelope_from)
    refused = "a program may have written the mail" if is_automatic else await _refusal(tx, actor, parsed, context)
    if refused is None and isinstance(marked, SplitReply) and ticket.status in ACCEPTS_NOTES:
        return await add_note(tx, actor, mail, parsed, ticket, public_reply=marked, context=context, now=now)
    reason = refused or (str(marked) if isinstance(marked, Unfit) else "")
    if Scope.TICKETS_WRITE in actor.scopes:
        outcome = await file_reply(tx, actor, mail, parsed, ticket, context=context, now=now)
    else:
        outcome = InboundMailOutcome(InboundState.QUARANTINED, reason, ticket.company_id, ticket.number)
    if outcome.state is InboundState.ACCEPTED:
        outcome = outcome._replace(reason=_NOT_SENT + reason)
    if not is_automatic:
        shown = reason if outcome.state is InboundState.ACCEPTED else outcome.reason or reason
        await write_notice(tx, actor, ticket, shown, outcome.state, notices=context.staff_replies.notices, now=now)
    return outcome


async def _marked(tx: Tx, parsed: ParsedMail, ticket: Ticket) -> SplitReply | Unfit | None:
    """Return the text for the customer, or why a mail with the mark is not fit for it; None for one without the mark.

    The text of a mail that is not known to answer one of ours is not fit: what it quotes cannot be told for certain.
    """
    if not await asyncio.to_thread(may_have_mark, parsed.text):
        return None
    reply, known = await split_mail(tx, parsed, ticket)
    marked = await asyncio.to_thread(
        marked_reply, parsed.text, reply, known, subject=parsed.headers.subject, most=TEXT_MAX
    )
    if not isinstance(marked, SplitReply):
        return marked
    threads = await thread_store.find(tx, list(parsed.headers.references), recipient=sender_of(parsed).address)
    is_answer = (ticket.company_id, ticket.number) in threads
    return marked if is_answer and known.texts else Unfit.NO_ANSWER


async def _refusal(tx: Tx, actor: Actor, parsed: ParsedMail, context: InboundMailContext) -> str | None:
    """Return why a person may not reply to customers by this mail, or None."""
    server = context.staff_replies.server
    if server is None:
        return "this desk does not let agents reply to customers by mail"
    if Scope.TICKETS_WRITE not in actor.scopes:
        return f"the role {actor.role} may not reply to customers"
    if actor.user is None or not await inbound_mail_store.replies_by_mail(tx, PROVIDER_ID, actor.user.id):
        return "replies to customers by mail are off in the notification preferences of the sender"
    if not is_authentic(parsed.headers, server):
        return f"{server} did not verify the sender of the mail"
    return None
