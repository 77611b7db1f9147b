"""The page of the person who is signed in: its sessions, its password, the theme."""

import re

from clearline.accounts import usecases as accounts
from clearline.accounts.domain import NAME_MAX, PHONE_MAX
from clearline.drafts import assignment_usecases as assignments
from clearline.errors import InvalidInput
from clearline.identity import Scope
from clearline.language.languages import LANGUAGES
from clearline.sign_in import password_usecases as passwords
from clearline.sign_in import session_usecases as sessions
from clearline.sign_in.domain import SignInRefused, TooManyAttempts, session_limits
from clearline.sign_in.identity_providers import usecases as identity_providers
from clearline.web.account.frame import Frame
from clearline.web.area import Area
from clearline.web.done import done_in, with_done
from clearline.web.fields import known_id
from clearline.web.language.refusals import refusal_text, rule_text
from clearline.web.records.form import VERSION, ChangedMeanwhile, Values, check_version, version_of
from clearline.web.visit import Page, Visit, redirect
from clearline.web.words import gettext
from clearline.wires.http.call import Answer

_BROWSERS = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
_SYSTEMS = (("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("Mac OS", "macOS"))
_SHOWN_MAX = 60
_OWN_FIELDS = ("name", "phone")
_SAVED = ("assignment", "person")


def device_name(user_agent: str) -> str:
    """Return a browser and its system in words, or the beginning of what a program says it is."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), None)
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "Linux" if "Linux" in user_agent else None)
    if browser is not None and system is not None:
        return gettext("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return browser or re.sub(r"\s+", " ", user_agent)[:_SHOWN_MAX] or gettext("Unknown device")


class Profile:
    """The page of the person who is signed in, and its forms."""

    def __init__(self, area: Area, frame: Frame) -> None:
        self._area, self._frame = area, frame

    def pages(self) -> list[Page]:
        """Return the page and its forms for the table."""
        path, scope = self._area.account, Scope.TICKETS_READ
        return [
            Page("account", "GET", path, self.show, scope),
            Page("changeSelf", "POST", f"{path}/person", self.change_self, scope),
            Page("endSession", "POST", f"{path}/sessions/end", end_session, scope),
            Page("endOtherSessions", "POST", f"{path}/sessions/end-others", end_other_sessions, scope),
            Page("setLanguage", "POST", f"{path}/language", set_language, scope),
            Page("changePassword", "POST", f"{path}/password", self.change_password, scope),
        ]

    async def show(self, visit: Visit) -> Answer:
        """Show the page."""
        return await self._page(visit, done=gettext("Saved.") if done_in(visit) in _SAVED else "")

    async def _page(
        self, visit: Visit, status: int = 200, *, problems: dict[str, str] | None = None, done: str = ""
    ) -> Answer:
        user, _company = accounts.user_and_company(visit.actor)
        limits = session_limits(visit.services.settings)
        async with visit.database.transaction() as tx:
            mine = await sessions.list_sessions(tx, visit.session, limits=limits, now=visit.now)
            proofs = await identity_providers.proofs_of(tx, visit.session)
            by_typing = visit.actor.role.works_tickets and await assignments.is_on(tx, visit.actor)
        frame = await self._frame(visit)
        if status != 200 or done:
            visit.headers.append((b"hx-push-url", self._area.account.encode()))
        named = [(session, device_name(session.device)) for session in mine]
        return visit.page(
            "account/profile.html", status, here=self._area.account, area=self._area, sessions=named,
            current=visit.session.session.id, proofs=proofs,
            languages=LANGUAGES, by_typing=by_typing, problems=problems or {}, done=done, name_max=NAME_MAX,
            phone_max=PHONE_MAX, version=_version(visit, status),
            typed={field: visit.form.get(field) if visit.form.has(field) else getattr(user, field)
                   for field in _OWN_FIELDS},
            **frame,
        )  # fmt: skip

    async def change_self(self, visit: Visit) -> Answer:
        """Change the person's name and phone."""
        values = {field: visit.form.get(field).strip() for field in _OWN_FIELDS}
        stored = _values(visit)
        try:
            if visit.form.has(VERSION):
                check_version(visit.form, stored)
            async with visit.database.transaction() as tx:
                await accounts.change_self(tx, visit.actor, values, now=visit.now)
        except ChangedMeanwhile:
            now = {
                field: gettext("Now stored: %(value)s") % {"value": stored[field][0] or "-"} for field in _OWN_FIELDS
            }
            differing = {field: text for field, text in now.items() if values[field] != stored[field][0]}
            return await self._page(visit, 409, problems=differing)
        except InvalidInput as error:
            problems = {violation.field: rule_text(violation) for violation in error.violations}
            return await self._page(visit, 422, problems=problems)
        return redirect(visit.browser, with_done(visit, self._area.account, "person"), visit.headers)

    async def change_password(self, visit: Visit) -> Answer:
        """Change the password, which ends the other sessions."""
        old, new = visit.form.get("current"), visit.form.get("password")
        try:
            await passwords.change_password(visit.services.database, visit.session, old, new, now=visit.now)
        except SignInRefused:
            return await self._page(visit, 422, problems={"current": gettext("this is not your password")})
        except TooManyAttempts as error:
            return await self._page(visit, 429, problems={"current": refusal_text(error)})
        except InvalidInput as error:
            return await self._page(visit, 422, problems={"password": rule_text(error.violations[0])})
        return await self._page(visit, done=gettext("Your password is changed. Your other sessions have ended."))


def _values(visit: Visit) -> Values:
    """Return what is stored of what the person changes of itself."""
    user, _company = accounts.user_and_company(visit.actor)
    return {field: [getattr(user, field)] for field in _OWN_FIELDS}


def _version(visit: Visit, status: int) -> str:
    """Return the version that the form carries: of what is stored, unless it is shown again for a wrong value."""
    is_kept = status == 422 and visit.form.has(VERSION)
    return visit.form.get(VERSION) if is_kept else version_of(_values(visit))


async def end_session(visit: Visit) -> Answer:
    """End one of the person's sessions."""
    session_id = known_id("session", visit.form.get("session"))
    async with visit.database.transaction() as tx:
        await sessions.revoke_session(tx, visit.session, session_id, now=visit.now)
    return redirect(visit.browser, visit.area.account)


async def end_other_sessions(visit: Visit) -> Answer:
    """End all of the person's sessions but this one."""
    async with visit.database.transaction() as tx:
        await sessions.revoke_other_sessions(tx, visit.session, now=visit.now)
    return redirect(visit.browser, visit.area.account)


async def set_language(visit: Visit) -> Answer:
    """Set the language of the person's mail, and of the pages other than the console."""
    async with visit.database.transaction() as tx:
        await accounts.change_self(tx, visit.actor, {"language": visit.form.get("language") or None}, now=visit.now)
    return redirect(visit.browser, visit.area.account, visit.headers)
