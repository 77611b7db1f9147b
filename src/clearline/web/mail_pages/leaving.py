"""The page on which one of the people of a ticket leaves it.

Opening it changes nothing, since mail servers open links, too.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from clearline.mail.people import usecases as ticket_people
from clearline.mail.people.domain import LEAVE_PATH
from clearline.platform.database.errors import DatabaseUnavailable
from clearline.platform.database.transactions import Database
from clearline.tickets.domain import ticket_number
from clearline.web.open_pages.answer import open_page, page_headers

_HEADERS = page_headers(form_action="'self'") | {"x-robots-tag": "noindex"}


def leaving_routes(database: Database, now: Callable[[], datetime]) -> Sequence[Route]:
    """Return the page of a token, whose button, a POST, removes its address from the people of the ticket.

    The POST that mail programs send for their users (RFC 8058) is that of the button; its body is not read.
    """

    async def page(request: Request) -> HTMLResponse:
        token = request.path_params["token"]
        try:
            async with database.transaction() as tx:
                membership = await ticket_people.membership_of(tx, token)
                if membership is None:
                    return _page(404, state="unknown")
                if request.method == "POST":
                    await ticket_people.leave(tx, membership, now=now())
                is_member = await ticket_people.is_member(tx, membership)
        except DatabaseUnavailable:
            return _page(503, state="unavailable")
        return _page(
            200,
            state="open" if is_member else "left",
            number=ticket_number(membership.ticket_number),
            address=membership.recipient,
            path=LEAVE_PATH + token,
        )

    return [Route(f"{LEAVE_PATH}{{token}}", page, methods=["GET", "POST"])]


def _page(status: int, **values: str) -> HTMLResponse:
    return open_page("leaving.html", status, _HEADERS, **values)
