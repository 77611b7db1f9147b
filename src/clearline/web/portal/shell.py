"""The frame of the pages of the portal: the provider's name, and its branding."""

from msgspec import Struct

from clearline.accounts import usecases as accounts
from clearline.branding import usecases as branding
from clearline.branding.domain import Branding
from clearline.platform.database.transactions import Tx
from clearline.web.visit import Visit
from clearline.wires.http.call import Answer

TICKETS = "/portal/tickets"
SERVICES = "/portal/services"
COMPANY = "/portal/company"


class Shell(Struct, frozen=True):
    """What every page of the portal shows besides its own content."""

    provider: str
    branding: Branding


async def read_shell(tx: Tx) -> Shell:
    """Return the frame of the pages."""
    provider = await accounts.provider(tx)
    return Shell(provider.name, await branding.public_branding(tx))


def portal_page(visit: Visit, shell: Shell, template: str, here: str, status: int = 200, **values: object) -> Answer:
    """Return a page of the portal; ``here`` is the entry of the navigation that it belongs to."""
    return visit.page(f"portal/{template}", status, shell=shell, here=here, **values)
