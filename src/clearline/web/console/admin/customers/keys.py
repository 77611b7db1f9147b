"""The API keys of a customer's people."""

from collections.abc import Mapping
from uuid import UUID

from clearline.accounts.domain import ApiKey
from clearline.identity import ROLE_SCOPES, Role, Scope
from clearline.web.console.admin.customers.section import CUSTOMER_PAGES, CustomerSection
from clearline.web.records.keys import Keys
from clearline.web.words import gettext


class CompanyKeys(CustomerSection[ApiKey], Keys):
    """The keys of one customer."""

    noun = "companyKey"
    part = "keys"
    parameter = "key"
    kind = "key"
    scopes = tuple(scope for scope in Scope if scope in ROLE_SCOPES[Role.CUSTOMER_ADMIN])

    def __init__(self, company_id: UUID) -> None:
        super().__init__(company_id)
        self.people = f"{self.back}/people"

    @property
    def words(self) -> Mapping[str, str]:
        """The words of the page."""
        return {
            **super().words,
            "back": gettext("Back to the company"),
            "about": gettext(
                "Keys let programs of a company do what one of its people may, as far as their scopes go."
            ),
        }


COMPANY_KEY_PAGES = CUSTOMER_PAGES.of(
    CompanyKeys, "CompanyKeys", {"revoke": ("revokeCompanyKey", CompanyKeys.handle_revoke)}
)
