"""How the provider's people may reply to customers by mail."""

from msgspec import Struct

from clearline.mail.outbound.domain import MailSettings
from clearline.mail.templates.rendering import Render


class StaffReplies(Struct, frozen=True):
    """How the provider's people may reply to customers by mail.

    ``server`` is the mail server that verifies senders, as it calls itself in ``Authentication-Results``; without one
    all their mail is internal. ``notices`` writes the mails to agents whose mail was not sent to the customer.
    """

    server: str | None = None
    notices: "Notices | None" = None


class Notices(Struct, frozen=True):
    """What a mail to an agent needs: the templates, and the mail settings."""

    render: Render
    settings: MailSettings
