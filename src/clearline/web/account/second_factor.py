"""The pages on which a person sets its second factor up, renews its recovery codes, and removes it."""

import segno
from markupsafe import Markup

from clearline.errors import Conflict
from clearline.identity import Scope
from clearline.sign_in import password_usecases as passwords
from clearline.sign_in.domain import SignInRefused, StepUpNeeded, TooManyAttempts, require_recent
from clearline.sign_in.identity_providers import usecases as identity_providers
from clearline.sign_in.second_factors import usecases as second_factors
from clearline.sign_in.second_factors.domain import CodeRefused, Enrolment
from clearline.web.area import Area
from clearline.web.language.refusals import refusal_text
from clearline.web.visit import Page, Visit, redirect
from clearline.web.words import gettext
from clearline.wires.http.call import Answer

_TEMPLATE = "account/second_factor.html"


async def show_second_factor(visit: Visit) -> Answer:
    """Show whether the person has a second factor, and what it can do about it."""
    return await _page(visit)


async def _page(visit: Visit, status: int = 200, problem: str = "") -> Answer:
    async with visit.services.database.statement() as tx:
        is_set_up = await second_factors.is_set_up(tx, visit.session)
        codes_left = await second_factors.count_recovery_codes(tx, visit.session)
        proofs = await identity_providers.proofs_of(tx, visit.session)
    return visit.page(
        _TEMPLATE, status, state="set up" if is_set_up else "none", is_recent=_is_recent(visit), problem=problem,
        codes_left=codes_left, proofs=proofs, is_required=visit.session.lacks_second_factor, codes=[], enrolment=None,
        qr=None, area=visit.area,
    )  # fmt: skip


def _is_recent(visit: Visit) -> bool:
    try:
        require_recent(visit.session.session, now=visit.now)
    except StepUpNeeded:
        return False
    return True


async def confirm_identity(visit: Visit) -> Answer:
    """Take the password again, so that the person may change its second factor for some minutes."""
    password = visit.form.get("password")
    try:
        signed_in = await passwords.confirm_password(visit.services.database, visit.session, password, now=visit.now)
    except SignInRefused:
        return await _page(visit, 422, gettext("This is not your password."))
    except TooManyAttempts as error:
        return await _page(visit, 429, refusal_text(error))
    visit.renew(signed_in)
    return redirect(visit.browser, visit.area.second_factor, visit.headers)


async def begin_enrolment(visit: Visit) -> Answer:
    """Show a new secret, as a QR code and as text, and ask for its first code."""
    try:
        async with visit.services.database.transaction() as tx:
            begun = await second_factors.begin_enrolment(
                tx, visit.session, secret_key=visit.services.settings.secret_key, now=visit.now
            )
    except StepUpNeeded:
        return redirect(visit.browser, visit.area.second_factor)
    return _secret_page(visit, begun)


def _secret_page(visit: Visit, begun: Enrolment, status: int = 200, problem: str = "") -> Answer:
    qr = Markup(segno.make(begun.uri, error="m").svg_inline(scale=4, border=4, light="white"))  # noqa: S704 - ours
    return visit.page(
        _TEMPLATE, status, state="confirming", is_recent=True, problem=problem, codes_left=0, codes=[],
        enrolment=begun, is_required=visit.session.lacks_second_factor, qr=qr, area=visit.area,
    )  # fmt: skip


async def confirm_enrolment(visit: Visit) -> Answer:
    """Take the first code of a new secret, and show the recovery codes."""
    try:
        enrolled = await second_factors.confirm_enrolment(
            visit.services.database, visit.session, visit.form.get("code"),
            secret_key=visit.services.settings.secret_key, now=visit.now,
        )  # fmt: skip
    except CodeRefused as error:
        return await _page(visit, 422, refusal_text(error))
    except TooManyAttempts as error:
        return await _page(visit, 429, refusal_text(error))
    visit.renew(enrolled.signed_in)
    return _codes_page(visit, enrolled.recovery_codes)


async def renew_codes(visit: Visit) -> Answer:
    """Show new recovery codes, which replace the old ones."""
    try:
        async with visit.services.database.transaction() as tx:
            codes = await second_factors.renew_recovery_codes(tx, visit.session, now=visit.now)
    except StepUpNeeded:
        return redirect(visit.browser, visit.area.second_factor)
    return _codes_page(visit, codes)


def _codes_page(visit: Visit, codes: list[str]) -> Answer:
    return visit.page(
        _TEMPLATE, state="codes", is_recent=True, problem="", codes_left=len(codes), codes=codes, enrolment=None,
        is_required=False, qr=None, area=visit.area,
    )  # fmt: skip


async def remove(visit: Visit) -> Answer:
    """Remove the second factor."""
    try:
        async with visit.services.database.transaction() as tx:
            await second_factors.remove(tx, visit.session, now=visit.now)
    except StepUpNeeded:
        return redirect(visit.browser, visit.area.second_factor)
    except Conflict as error:
        return await _page(visit, 409, refusal_text(error))
    return redirect(visit.browser, visit.area.second_factor)


def pages(area: Area) -> list[Page]:
    """Return these pages for the people of an area."""
    return [
        Page(name, method, area.second_factor + path, handle, Scope.TICKETS_READ, without_second_factor=True)
        for name, method, path, handle in (
            ("secondFactor", "GET", "", show_second_factor),
            ("confirmIdentity", "POST", "/identity", confirm_identity),
            ("beginSecondFactor", "POST", "/begin", begin_enrolment),
            ("confirmSecondFactor", "POST", "/confirm", confirm_enrolment),
            ("renewRecoveryCodes", "POST", "/codes", renew_codes),
            ("removeSecondFactor", "POST", "/remove", remove),
        )
    ]
