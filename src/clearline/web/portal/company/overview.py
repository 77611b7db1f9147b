"""The page of a customer's company: who it is, and for its admins people, ticket templates, API keys and webhooks."""

from typing import Any, NamedTuple

from clearline.accounts import permissions
from clearline.companies import usecases as companies
from clearline.errors import InvalidInput
from clearline.fields.domain import RecordKind
from clearline.fields.reference_usecases import reference_choices
from clearline.fields.usecases import definitions
from clearline.identity import Scope
from clearline.platform.database.transactions import Tx
from clearline.web.done import done_in, with_done
from clearline.web.portal.company.keys import CompanyKeys
from clearline.web.portal.company.people import Colleagues
from clearline.web.portal.company.settings import CONTACT_MAIL, SETTINGS, settings_shown
from clearline.web.portal.company.templates import CompanyTemplates
from clearline.web.portal.company.webhooks import CompanyWebhooks
from clearline.web.portal.shell import COMPANY, portal_page, read_shell
from clearline.web.records.company import CompanySection
from clearline.web.records.form import ChangedMeanwhile, Line, check_version
from clearline.web.tickets.new_ticket import Refusal, problems
from clearline.web.tickets.own_fields import OwnInput, OwnValue, given_in, inputs, shown_values
from clearline.web.tickets.stale import form_version, own_now, own_stored, stale_refusal
from clearline.web.visit import Form, Page, Visit, redirect
from clearline.wires.http.call import Answer

FIELDS = f"{COMPANY}/fields"
_SHOWN = 5
_SAVED = "fields"
_ACCEPTED = Refusal(status=200)
_SECTIONS: tuple[type[CompanySection[Any]], ...] = (Colleagues, CompanyTemplates, CompanyKeys, CompanyWebhooks)


class Part(NamedTuple):
    """The first records of a section, and whether it has more."""

    section: CompanySection[Any]
    lines: list[Line]
    has_more: bool


class Own(NamedTuple):
    """The own fields of the company that its admins see, and the inputs of those that they set."""

    values: list[OwnValue]
    inputs: list[OwnInput]


async def show_company(visit: Visit) -> Answer:
    """Show the company."""
    return await _page(visit)


async def change_fields(visit: Visit) -> Answer:
    """Store what the form sets of the own fields. A refusal is shown with what was typed."""
    company_id = permissions.own_company(visit.actor).id
    try:
        async with visit.database.transaction() as tx:
            company = await companies.lock_to_change(tx, visit.actor, company_id)
            known = await definitions(tx)
            stored = inputs(known, RecordKind.COMPANY, company.fields, None, for_staff=False)
            check_version(visit.form, own_stored(stored))
            given = given_in(known, RecordKind.COMPANY, visit.form, company.fields, for_staff=False)
            await companies.change_company(tx, visit.actor, company_id, {"fields": given}, now=visit.now)
    except InvalidInput as error:
        return await _page(visit, visit.form, Refusal(problems(error, "")))
    except ChangedMeanwhile:
        return await _page(visit, visit.form, is_stale=True)
    return redirect(visit.browser, with_done(visit, COMPANY, _SAVED))


async def _page(
    visit: Visit, typed: Form | None = None, refusal: Refusal = _ACCEPTED, *, is_stale: bool = False
) -> Answer:
    company = permissions.own_company(visit.actor)
    is_admin = visit.actor.is_company_admin and Scope.ACCOUNTS_WRITE in visit.actor.scopes
    parts: list[Part] = []
    own, settings = Own([], []), None
    stored: list[OwnInput] = []
    async with visit.database.transaction() as tx:
        shell = await read_shell(tx)
        if is_admin:
            own, stored = await _own(visit, tx, typed)
            settings = await settings_shown(visit, tx)
        for section in (make(company.id) for make in _SECTIONS if is_admin):
            lines = await section.lines(visit, tx, None, _SHOWN + 1)
            parts.append(Part(section, lines[:_SHOWN], len(lines) > _SHOWN))
    if typed is not None and is_stale:
        refusal = stale_refusal(own_now(stored, typed))
    return portal_page(
        visit, shell, "company/company.html", COMPANY, refusal.status, company=company,
        is_admin=is_admin, parts=parts, own=own, refusal=refusal, is_saved=done_in(visit) == _SAVED,
        version=form_version(own_stored(stored), typed, refusal), path=FIELDS, settings=settings,
        settings_path=SETTINGS, contact_mail_path=CONTACT_MAIL,
    )  # fmt: skip


async def _own(visit: Visit, tx: Tx, typed: Form | None) -> tuple[Own, list[OwnInput]]:
    """Return what the page shows of the own fields, and their inputs with what is stored."""
    actor = visit.actor
    company = await companies.get_company_details(tx, actor, permissions.own_company(actor).id)
    [values] = await shown_values(tx, actor, company.id, (RecordKind.COMPANY, company.fields))
    choices = await reference_choices(tx, actor, RecordKind.COMPANY, company.id)
    known = await definitions(tx)
    stored, shown = (
        inputs(known, RecordKind.COMPANY, company.fields, form, for_staff=False, choices=choices)
        for form in (None, typed)
    )
    return Own(values, shown), stored


COMPANY_PAGES = (
    Page("company", "GET", COMPANY, show_company, Scope.TICKETS_READ),
    Page("changeCompanyFields", "POST", FIELDS, change_fields, Scope.ACCOUNTS_WRITE),
)
