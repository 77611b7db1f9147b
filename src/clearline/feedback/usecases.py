"""Rate the resolution of a ticket with the link of a mail; list the ratings.

The token of a link is the right of its recipient to one vote about one resolution.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid4

from clearline.accounts import permissions
from clearline.errors import require_found, require_valid
from clearline.events.domain import TicketRated
from clearline.feedback import store as feedback_store
from clearline.feedback.domain import (
    COUNT_MAX,
    FEEDBACK_PATH,
    OPEN_FOR,
    Ballot,
    Feedback,
    FeedbackClosed,
    Rating,
    Summary,
    ballot_of,
    check_comment,
    read_token,
    write_token,
)
from clearline.identity import Actor, Role, Scope
from clearline.mail.outbound.usecases import mail_secret
from clearline.platform.database.transactions import Tx
from clearline.tickets import access
from clearline.tickets import store as ticket_store
from clearline.tickets.domain import Ticket

KIND = "feedback"


async def ballot_of_token(tx: Tx, token: str) -> Ballot | None:
    """Return the ballot that the token of a link names; None when the token is not ours."""
    return read_token(token, await mail_secret(tx))


async def own_feedback(tx: Tx, ballot: Ballot, *, now: datetime) -> tuple[Feedback | None, bool]:
    """Return what was given with a ballot, or None, and whether the ballot takes a vote or a change of it."""
    given = await feedback_store.get(tx, ballot)
    return given, is_open(ballot, await feedback_store.resolution(tx, ballot), given, now=now)


async def page_of(tx: Tx, actor: Actor, ticket: Ticket, *, now: datetime) -> tuple[str, Feedback | None] | None:
    """Return the path of the page on which a customer rates a resolved ticket, and the vote; None if it cannot."""
    if actor.user is None or actor.is_staff or ticket.resolved_at is None or Scope.TICKETS_WRITE not in actor.scopes:
        return None
    ballot = ballot_of(ticket.company_id, ticket.number, ticket.resolved_at, actor.user.email)
    given = await feedback_store.get(tx, ballot)
    if not is_open(ballot, ticket.resolved_at, given, now=now) and given is None:
        return None
    return FEEDBACK_PATH + write_token(ballot, await mail_secret(tx)), given


def is_open(ballot: Ballot, resolved_at: datetime | None, given: Feedback | None, *, now: datetime) -> bool:
    """Return whether a ballot takes a vote, or a change of it: ``resolved_at`` is that of the ticket as it is now."""
    if resolved_at != ballot.resolved_at:
        return False
    return now < ballot.resolved_at + OPEN_FOR if given is None else given.is_changeable(now)


async def rate(tx: Tx, ballot: Ballot, rating: Rating, comment: str, *, now: datetime) -> Feedback:
    """Store a vote, or change it, in the name of the recipient; return it. The same vote again changes nothing.

    Raises:
        FeedbackClosed: the ballot takes none.
    """
    comment = comment.strip()
    require_valid(check_comment(comment))
    ticket = require_found(
        await ticket_store.lock(tx, ballot.company_id, ballot.ticket_number), "ticket", ballot.ticket_number
    )
    given = await feedback_store.get(tx, ballot)
    if given is not None and (given.rating, given.comment) == (rating, comment):
        return given
    if not is_open(ballot, ticket.resolved_at, given, now=now):
        raise FeedbackClosed("this feedback can no longer be given or changed")
    feedback_id = uuid4() if given is None else given.id
    fact = TicketRated(str(feedback_id), None if given is None else given.rating, rating)
    actor = Actor(Role.CUSTOMER, ballot.recipient)
    await feedback_store.put(tx, actor, ballot, rating, comment, fact, now=now)
    return require_found(await feedback_store.get(tx, ballot), KIND, feedback_id)


async def list_feedback(
    tx: Tx,
    actor: Actor,
    *,
    number: int | None = None,
    rating: Rating | None = None,
    before: tuple[datetime, UUID] | None = None,
    limit: int,
) -> Sequence[Feedback]:
    """Return feedback, newest first, after the given time and id; about one ticket or all, of one rating or both.

    Served by ``feedback_newest`` or, for one ticket, by ``feedback_of_ticket``.
    """
    if number is None:
        permissions.require_whole_desk(actor, Scope.TICKETS_READ)
    else:
        permissions.require_staff(actor, Scope.TICKETS_READ)
        await access.require_ticket(tx, actor, number)
    return await feedback_store.page(tx, number=number, rating=rating, before=before, limit=limit)


async def summarize(tx: Tx, actor: Actor, *, since: datetime) -> Summary:
    """Return how customers rated resolutions since a time."""
    permissions.require_whole_desk(actor, Scope.TICKETS_READ)
    return await feedback_store.summary(tx, since, most=COUNT_MAX)


async def list_comments(tx: Tx, actor: Actor, *, since: datetime, limit: int) -> Sequence[Feedback]:
    """Return feedback since a time that has a comment, newest first."""
    permissions.require_whole_desk(actor, Scope.TICKETS_READ)
    return await feedback_store.with_comment(tx, since, limit=limit)


async def get_feedback(tx: Tx, actor: Actor, feedback_id: UUID) -> Feedback:
    """Return feedback."""
    permissions.require_staff(actor, Scope.TICKETS_READ)
    feedback = require_found(await feedback_store.get_by_id(tx, feedback_id), KIND, feedback_id)
    await access.require_ticket(tx, actor, feedback.ticket_number)
    return feedback
