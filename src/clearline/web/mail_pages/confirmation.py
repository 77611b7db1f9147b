"""The page on which somebody confirms an address. Opening it changes nothing, since mail servers open links, too."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from clearline.accounts import address_usecases as addresses
from clearline.notifications.address_mail import CONFIRMATION_PATH
from clearline.platform.database.errors import DatabaseUnavailable
from clearline.platform.database.transactions import Database
from clearline.settings.settings import Settings
from clearline.sign_in import link_usecases as links
from clearline.sign_in.link_domain import path_of
from clearline.web.open_pages.answer import open_page, page_headers

_HEADERS = page_headers(form_action="'self'")


def confirmation_route(database: Database, settings: Settings, now: Callable[[], datetime]) -> Route:
    """Return the route of the page of an invitation; its button, a POST, confirms the address.

    It leads a person without a password to where it chooses one, once: the link of the invitation never expires.
    """

    async def answer(request: Request) -> Response:
        try:
            return await _answer(request, database, settings, now)
        except DatabaseUnavailable:
            return _page(503, state="unavailable")

    return Route(f"{CONFIRMATION_PATH}{{invitation}}", answer, methods=["GET", "POST"])


async def _answer(request: Request, database: Database, settings: Settings, now: Callable[[], datetime]) -> Response:
    invitation_id = _id_of(request.path_params["invitation"])
    if invitation_id is None:
        return _page(404, state="unknown")
    async with database.transaction() as tx:
        invited = await addresses.invited_user(tx, invitation_id)
        if invited is None:
            return _page(404, state="unknown")
        company, user = invited
        if request.method == "POST":
            was_confirmed, user = user.is_confirmed, await addresses.confirm_address(tx, company, user, now=now())
            if user.is_confirmed and not was_confirmed:
                link = await links.first_password(tx, user, settings=settings, now=now())
                if link is not None:
                    return RedirectResponse(path_of(link.token, link.kind), 303, _HEADERS)
    return _page(200, state="confirmed" if user.is_confirmed else "open", company=company.name, address=user.email)


def _id_of(text: str) -> UUID | None:
    try:
        return UUID(hex=text) if text.isalnum() else None
    except ValueError:
        return None


def _page(status: int, *, state: str, company: str = "", address: str = "") -> HTMLResponse:
    return open_page("confirmation.html", status, _HEADERS, state=state, company=company, address=address)
