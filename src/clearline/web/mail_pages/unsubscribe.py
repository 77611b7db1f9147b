"""The page on which the recipient of a mail stops such mail.

Opening it changes nothing, since mail servers open links, too.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from clearline.mail.outbound import opt_out_usecases as opt_outs
from clearline.mail.outbound.opt_out_domain import DIGEST, TICKETS, UNSUBSCRIBE_PATH, WEBHOOKS, OptOut
from clearline.platform.database.errors import DatabaseUnavailable
from clearline.platform.database.transactions import Database
from clearline.tickets.domain import ticket_number
from clearline.web.open_pages.answer import open_page, page_headers
from clearline.web.words import gettext

_HEADERS = page_headers(form_action="'self'") | {"x-robots-tag": "noindex"}


def unsubscribe_routes(database: Database, now: Callable[[], datetime]) -> Sequence[Route]:
    """Return the page of a token, whose button, a POST, stops the mail, and the address that resumes it.

    The POST that mail programs send for their users (RFC 8058) is that of the button; its body is not read.
    """

    async def page(request: Request) -> HTMLResponse:
        return await _answer(request, database, now, resumes=False)

    async def resume(request: Request) -> HTMLResponse:
        return await _answer(request, database, now, resumes=True)

    return [
        Route(f"{UNSUBSCRIBE_PATH}{{token}}", page, methods=["GET", "POST"]),
        Route(f"{UNSUBSCRIBE_PATH}{{token}}/resume", resume, methods=["POST"]),
    ]


async def _answer(request: Request, database: Database, now: Callable[[], datetime], *, resumes: bool) -> HTMLResponse:
    token = request.path_params["token"]
    try:
        async with database.transaction() as tx:
            opt_out = await opt_outs.opt_out_of(tx, token)
            if opt_out is None:
                return _page(404, state="unknown")
            if request.method == "POST" and resumes:
                await opt_outs.resume(tx, opt_outs.recipient_of(opt_out), opt_out, now=now())
            elif request.method == "POST":
                await opt_outs.stop(tx, opt_out, now=now())
            is_stopped = await opt_outs.is_stopped(tx, opt_out)
    except DatabaseUnavailable:
        return _page(503, state="unavailable")
    return _page(200, state="stopped" if is_stopped else "open", opt_out=opt_out, path=UNSUBSCRIBE_PATH + token)


def _page(status: int, *, state: str, opt_out: OptOut | None = None, path: str = "") -> HTMLResponse:
    return open_page(
        "unsubscribe.html",
        status,
        _HEADERS,
        state=state,
        topic="" if opt_out is None else _topic(opt_out),
        keeps_answers=opt_out is not None and opt_out.topic != WEBHOOKS,
        address="" if opt_out is None else opt_out.recipient,
        path=path,
    )


def _topic(opt_out: OptOut) -> str:
    number = opt_out.ticket_number
    if number is not None:
        return gettext("notifications about ticket %(number)s") % {"number": ticket_number(number)}
    return {
        DIGEST: gettext("the digests of notifications"),
        TICKETS: gettext("notifications about the tickets that name you as their contact"),
        WEBHOOKS: gettext("mail about webhooks that were disabled"),
    }[opt_out.topic]
