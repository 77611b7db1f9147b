"""The provider's webhooks, and the log of what was sent to them."""

from collections.abc import Awaitable, Callable

from clearline.web.console.admin.section import ADMIN, AdminSection
from clearline.web.records.deliveries import replay_delivery, show_delivery, show_log
from clearline.web.records.webhooks import Webhooks
from clearline.web.visit import Page, Visit
from clearline.webhooks.subscription_domain import Subscription
from clearline.wires.http.call import Answer


class ProviderWebhooks(AdminSection[Subscription], Webhooks):
    """The section of the provider's webhooks: they send what its admins may see of the events of all companies."""

    noun = "webhook"
    path = f"{ADMIN}/webhooks"

    def pages(self) -> list[Page]:
        """Return the pages of the section."""
        return [
            *super().pages(),
            Page("pauseWebhook", "POST", f"{self.path}/{{id}}/pause", self.handle_pause, self.scope),
            Page("resumeWebhook", "POST", f"{self.path}/{{id}}/resume", self.handle_resume, self.scope),
            Page("replayFailedDeliveries", "POST", f"{self.path}/{{id}}/replay", self.handle_replay, self.scope),
            Page("rotateWebhookSecret", "POST", f"{self.path}/{{id}}/rotate", self.handle_rotate, self.scope),
            Page("testWebhook", "POST", f"{self.path}/{{id}}/test", self.handle_test, self.scope),
        ]


WEBHOOKS = ProviderWebhooks()
_LOG = f"{WEBHOOKS.path}/{{id}}/deliveries"
_DELIVERY = f"{_LOG}/{{delivery}}"


def _page_of_provider(
    name: str, method: str, path: str, handle: Callable[[Webhooks, Visit], Awaitable[Answer]]
) -> Page:
    async def answer(visit: Visit) -> Answer:
        return await handle(WEBHOOKS, visit)

    return Page(name, method, path, answer, WEBHOOKS.scope)


DELIVERY_PAGES = (
    _page_of_provider("webhookDeliveries", "GET", _LOG, show_log),
    _page_of_provider("webhookDelivery", "GET", _DELIVERY, show_delivery),
    _page_of_provider("replayDelivery", "POST", f"{_DELIVERY}/replay", replay_delivery),
)
