"""What everybody who is signed in can do from any page: sign out, and change the theme."""

from uuid import UUID

from clearline.identity import Scope
from clearline.sign_in import session_usecases as sessions
from clearline.web import cookies
from clearline.web.front import SIGN_IN
from clearline.web.visit import THEMES, Page, Visit, page_before, redirect
from clearline.wires.http.call import Answer

SIGN_OUT = "/sign-out"
LEAVE = "/sign-in/leave/"
"""The page that leads to the sign-out of an identity provider; its id follows."""
THEME = "/theme"


async def sign_out(visit: Visit) -> Answer:
    """End the session; a browser that signed in with an identity provider goes on to the sign-out there."""
    scope = visit.browser.scope
    async with visit.services.database.transaction() as tx:
        await sessions.sign_out(tx, visit.session, now=visit.now)
    gone = [cookies.set_cookie(scope, cookies.SESSION, "", seconds=0)]
    try:
        provider_id = UUID(cookies.read_cookie(scope, cookies.PROVIDER))
    except ValueError:
        return redirect(visit.browser, SIGN_IN, gone)
    return redirect(visit.browser, f"{LEAVE}{provider_id}", gone)


async def set_theme(visit: Visit) -> Answer:
    """Keep the theme in a cookie."""
    theme = visit.form.get("theme")
    cookie = cookies.set_cookie(visit.browser.scope, cookies.THEME, theme if theme in THEMES else "auto")
    return redirect(visit.browser, page_before(visit.browser.scope, visit.area.home), [cookie])


SESSION_PAGES = (
    Page("signOut", "POST", SIGN_OUT, sign_out, Scope.TICKETS_READ, without_second_factor=True),
    Page("setTheme", "POST", THEME, set_theme, Scope.TICKETS_READ, without_second_factor=True),
)
