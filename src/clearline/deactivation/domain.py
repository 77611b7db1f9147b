"""What ends with the deactivation of a company, and what comes back."""

from msgspec import Struct

from clearline.accounts.domain import CompanyDetails


class Deactivation(Struct, frozen=True):
    """What the deactivation of a company ended, and the open tickets that stay."""

    company: CompanyDetails
    users: int
    keys: int
    webhooks: int
    mails_contacts: bool
    open_tickets: int


class Activation(Struct, frozen=True):
    """What the activation of a company brought back, and the webhooks that stay off since their URL is not allowed."""

    company: CompanyDetails
    users: int
    webhooks: int
    refused_webhooks: int
    mails_contacts: bool
