"""The page on which a customer rates how a ticket was resolved.

Opening it rates nothing, since mail servers open links, too: the link chooses a rating, and the button sends it.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from clearline.errors import InvalidInput
from clearline.feedback import usecases as feedback
from clearline.feedback.domain import COMMENT_MAX, FEEDBACK_PATH, Ballot, Feedback, FeedbackClosed, Rating
from clearline.platform.database.errors import DatabaseUnavailable
from clearline.platform.database.transactions import Database, Tx
from clearline.tickets.domain import ticket_number
from clearline.web.open_pages.answer import open_page, page_headers

_HEADERS = page_headers(form_action="'self'") | {"x-robots-tag": "noindex"}
_BODY_MAX = 32 * 1024
"""Bytes of a form: each character of a comment may have twelve."""


def feedback_routes(database: Database, now: Callable[[], datetime]) -> Sequence[Route]:
    """Return the page of a token, whose form, a POST, rates."""

    async def page(request: Request) -> HTMLResponse:
        fields = await _form(request) if request.method == "POST" else None  # no connection waits for a slow client
        try:
            async with database.transaction() as tx:
                ballot = await feedback.ballot_of_token(tx, request.path_params["token"])
                if ballot is None:
                    return _page(404, state="unknown")
                if fields is not None:
                    return await _rate(request, fields, tx, ballot, now())
                return await _show(request, tx, ballot, now())
        except DatabaseUnavailable:
            return _page(503, state="unavailable")

    return [Route(f"{FEEDBACK_PATH}{{token}}", page, methods=["GET", "POST"])]


async def _show(request: Request, tx: Tx, ballot: Ballot, now: datetime) -> HTMLResponse:
    given, is_open = await feedback.own_feedback(tx, ballot, now=now)
    chosen = request.query_params.get("rating", "") or (given.rating if given else "")
    state = "open" if is_open else "closed"
    text = given.comment if given else ""
    return _ballot_page(request, ballot, 200, state=state, chosen=chosen, given=given, text=text)


async def _rate(request: Request, fields: Mapping[str, str], tx: Tx, ballot: Ballot, now: datetime) -> HTMLResponse:
    rating, text = fields.get("rating", ""), fields.get("comment", "").replace("\r\n", "\n")
    if rating not in set(Rating):
        return _ballot_page(request, ballot, 422, state="open", chosen="", text=text, problem="rating")
    try:
        given = await feedback.rate(tx, ballot, Rating(rating), text, now=now)
    except FeedbackClosed:
        before, _is_open = await feedback.own_feedback(tx, ballot, now=now)
        return _ballot_page(request, ballot, 409, state="closed", chosen=rating, given=before, text=text)
    except InvalidInput:
        return _ballot_page(request, ballot, 422, state="open", chosen=rating, text=text, problem="comment")
    return _ballot_page(request, ballot, 200, state="given", chosen=rating, given=given, text=given.comment)


async def _form(request: Request) -> dict[str, str]:
    """Return the fields of a form; none of one that is too long."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _BODY_MAX:
            return {}
    fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=10)
    return {name: values[0] for name, values in fields.items()}


def _ballot_page(
    request: Request,
    ballot: Ballot,
    status: int,
    *,
    state: str,
    chosen: str,
    text: str,
    given: Feedback | None = None,
    problem: str = "",
) -> HTMLResponse:
    return _page(
        status, state=state, chosen=chosen, given=given, text=text, problem=problem,
        number=ticket_number(ballot.ticket_number), path=f"{FEEDBACK_PATH}{request.path_params['token']}",
    )  # fmt: skip


def _page(status: int, **values: object) -> HTMLResponse:
    return open_page("feedback.html", status, _HEADERS, comment_max=COMMENT_MAX, **values)
