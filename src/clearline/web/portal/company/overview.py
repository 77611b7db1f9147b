"""The page of a customer's company: who it is, and for its admins the people, API keys and webhooks."""

from typing import Any, NamedTuple

from clearline.accounts import permissions
from clearline.identity import Scope
from clearline.web.portal.company.keys import CompanyKeys
from clearline.web.portal.company.people import Colleagues
from clearline.web.portal.company.webhooks import CompanyWebhooks
from clearline.web.portal.shell import COMPANY, portal_page, read_shell
from clearline.web.records.company import CompanySection
from clearline.web.records.form import Line
from clearline.web.visit import Visit
from clearline.wires.http.call import Answer

_SHOWN = 5
_SECTIONS: tuple[type[CompanySection[Any]], ...] = (Colleagues, CompanyKeys, CompanyWebhooks)


class Part(NamedTuple):
    """The first records of a section, and whether it has more."""

    section: CompanySection[Any]
    lines: list[Line]
    has_more: bool


async def show_company(visit: Visit) -> Answer:
    """Show the company."""
    company = permissions.own_company(visit.actor)
    is_admin = visit.actor.is_company_admin and Scope.ACCOUNTS_WRITE in visit.actor.scopes
    parts: list[Part] = []
    async with visit.database.transaction() as tx:
        shell = await read_shell(tx)
        for section in (make(company.id) for make in _SECTIONS if is_admin):
            lines = await section.lines(visit, tx, None, _SHOWN + 1)
            parts.append(Part(section, lines[:_SHOWN], len(lines) > _SHOWN))
    return portal_page(visit, shell, "company/company.html", COMPANY, company=company, is_admin=is_admin, parts=parts)
