"""Records of the company of the person who is signed in, framed by the portal."""

from typing import TypeVar
from uuid import UUID

from clearline.accounts import permissions
from clearline.platform.database.transactions import Tx
from clearline.web.portal.shell import COMPANY, read_shell
from clearline.web.records.company import CompanyPages, CompanySection
from clearline.web.visit import Visit

R = TypeVar("R")


class PortalSection(CompanySection[R]):
    """Records that the admins of a customer manage in the portal."""

    here = COMPANY

    def page_of_company(self, company_id: UUID) -> str:  # noqa: ARG002 - a person has one company
        """Return the address of the page of the company."""
        return COMPANY

    async def frame(self, visit: Visit, tx: Tx) -> dict[str, object]:  # noqa: ARG002 - the console needs the actor
        """Return the frame of the portal."""
        return {"layout": "portal/company/records.html", "shell": await read_shell(tx), "has_lead": True}


def _own_company(visit: Visit) -> UUID:
    return permissions.own_company(visit.actor).id


OWN_COMPANY = CompanyPages(COMPANY, _own_company)
