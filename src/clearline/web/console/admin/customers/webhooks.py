"""The webhooks of a customer, and the logs of their deliveries."""

from collections.abc import Mapping

from clearline.accounts import usecases as accounts
from clearline.identity import Company
from clearline.platform.database.transactions import Tx
from clearline.web.console.admin.companies import COMPANIES
from clearline.web.console.admin.customers.section import CUSTOMER_PAGES, CustomerSection
from clearline.web.records.deliveries import replay_delivery, show_delivery, show_log
from clearline.web.records.webhooks import CustomerWebhooks
from clearline.web.visit import Visit
from clearline.web.words import gettext
from clearline.webhooks.subscription_domain import Subscription


class CompanyWebhooks(CustomerSection[Subscription], CustomerWebhooks):
    """The webhooks of one customer."""

    noun = "companyWebhook"
    part = "webhooks"
    parameter = "webhook"
    kind = "webhook"

    @property
    def words(self) -> Mapping[str, str]:
        """The words of the page."""
        return {
            **super().words,
            "back": gettext("Back to the company"),
            "about": gettext(
                "A webhook sends the events of a company to a URL as they happen, signed with its secret."
            ),
        }

    async def owner(self, visit: Visit, tx: Tx) -> Company:
        """Return the company."""
        return await accounts.get_company(tx, visit.actor, self.company_id)


_LOG = f"{COMPANIES.path}/{{id}}/{CompanyWebhooks.part}/{{webhook}}/deliveries"
_DELIVERY = f"{_LOG}/{{delivery}}"
COMPANY_WEBHOOK_PAGES = (
    *CUSTOMER_PAGES.of(
        CompanyWebhooks,
        "CompanyWebhooks",
        {
            "pause": ("pauseCompanyWebhook", CompanyWebhooks.handle_pause),
            "resume": ("resumeCompanyWebhook", CompanyWebhooks.handle_resume),
            "replay": ("replayFailedCompanyDeliveries", CompanyWebhooks.handle_replay),
            "rotate": ("rotateCompanyWebhookSecret", CompanyWebhooks.handle_rotate),
            "test": ("testCompanyWebhook", CompanyWebhooks.handle_test),
        },
    ),
    CUSTOMER_PAGES.page(CompanyWebhooks, "companyWebhookDeliveries", "GET", _LOG, show_log),
    CUSTOMER_PAGES.page(CompanyWebhooks, "companyWebhookDelivery", "GET", _DELIVERY, show_delivery),
    CUSTOMER_PAGES.page(CompanyWebhooks, "replayCompanyDelivery", "POST", f"{_DELIVERY}/replay", replay_delivery),
)
