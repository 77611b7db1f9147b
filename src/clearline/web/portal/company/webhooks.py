"""The webhooks of a customer in the portal, and the logs of their deliveries."""

from collections.abc import Mapping

from clearline.web.portal.company.section import OWN_COMPANY, PortalSection
from clearline.web.portal.shell import COMPANY
from clearline.web.records.deliveries import replay_delivery, show_delivery, show_log
from clearline.web.records.webhooks import CustomerWebhooks
from clearline.web.words import gettext
from clearline.webhooks.subscription_domain import Subscription


class CompanyWebhooks(PortalSection[Subscription], CustomerWebhooks):
    """The webhooks of a company."""

    noun = "webhook"
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
                "A webhook sends what happens to your tickets to a URL of yours at once, signed with its secret."
            ),
        }


_LOG = f"{COMPANY}/{CompanyWebhooks.part}/{{webhook}}/deliveries"
_DELIVERY = f"{_LOG}/{{delivery}}"
WEBHOOK_PAGES = (
    *OWN_COMPANY.of(
        CompanyWebhooks,
        "Webhooks",
        {
            "pause": ("pauseWebhook", CompanyWebhooks.handle_pause),
            "resume": ("resumeWebhook", CompanyWebhooks.handle_resume),
            "replay": ("replayFailedDeliveries", CompanyWebhooks.handle_replay),
            "rotate": ("rotateWebhookSecret", CompanyWebhooks.handle_rotate),
            "test": ("testWebhook", CompanyWebhooks.handle_test),
        },
    ),
    OWN_COMPANY.page(CompanyWebhooks, "webhookDeliveries", "GET", _LOG, show_log),
    OWN_COMPANY.page(CompanyWebhooks, "webhookDelivery", "GET", _DELIVERY, show_delivery),
    OWN_COMPANY.page(CompanyWebhooks, "replayDelivery", "POST", f"{_DELIVERY}/replay", replay_delivery),
)
