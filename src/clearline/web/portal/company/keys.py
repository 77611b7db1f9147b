"""The API keys of a customer's people in the portal."""

from collections.abc import Mapping

from clearline.accounts.domain import ApiKey
from clearline.identity import ROLE_SCOPES, Role, Scope
from clearline.web.portal.company.section import OWN_COMPANY, PortalSection
from clearline.web.portal.shell import COMPANY
from clearline.web.records.keys import Keys
from clearline.web.words import gettext


class CompanyKeys(PortalSection[ApiKey], Keys):
    """The keys of the people of a company."""

    noun = "key"
    part = "keys"
    parameter = "key"
    kind = "key"
    scopes = tuple(scope for scope in Scope if scope in ROLE_SCOPES[Role.CUSTOMER_ADMIN])
    people = f"{COMPANY}/people"

    @property
    def words(self) -> Mapping[str, str]:
        """The words of the page."""
        return {
            **super().words,
            "back": gettext("Back to the company"),
            "about": gettext(
                "A key lets a program read and write tickets as one of your people, as far as its scopes go."
            ),
        }


KEY_PAGES = OWN_COMPANY.of(CompanyKeys, "Keys", {"revoke": ("revokeKey", CompanyKeys.handle_revoke)})
