"""Sections of the administration within one customer."""

from typing import TypeVar
from uuid import UUID

from clearline.errors import NotFound
from clearline.identity import PROVIDER_ID
from clearline.web.console.admin.companies import COMPANIES
from clearline.web.console.admin.section import AdminSection
from clearline.web.fields import known_id
from clearline.web.records.company import CompanyPages, CompanySection
from clearline.web.visit import Visit

R = TypeVar("R")


class CustomerSection(AdminSection[R], CompanySection[R]):
    """Records of one customer in the console."""

    here = COMPANIES.path

    def page_of_company(self, company_id: UUID) -> str:
        """Return the address of the customer in the administration."""
        return COMPANIES.address(company_id)


def _customer(visit: Visit) -> UUID:
    """Return the customer in the address; the provider is none: what is its own is in sections of its own."""
    company_id = known_id("company", visit.path["id"])
    if company_id == PROVIDER_ID:
        raise NotFound("company", str(company_id))
    return company_id


CUSTOMER_PAGES = CompanyPages(f"{COMPANIES.path}/{{id}}", _customer)
