"""The API keys of the provider's people."""

from clearline.accounts.domain import ApiKey
from clearline.identity import PROVIDER_ID
from clearline.web.console.admin.section import ADMIN, AdminSection
from clearline.web.records.keys import Keys
from clearline.web.visit import Page


class ProviderKeys(AdminSection[ApiKey], Keys):
    """The section of the API keys of the provider's people."""

    noun = "apiKey"
    path = f"{ADMIN}/keys"
    company_id = PROVIDER_ID
    people = f"{ADMIN}/people"

    def pages(self) -> list[Page]:
        """Return the pages of the section."""
        return [
            *super().pages(),
            Page("revokeApiKey", "POST", f"{self.path}/{{id}}/revoke", self.handle_revoke, self.scope),
        ]


KEYS = ProviderKeys()
