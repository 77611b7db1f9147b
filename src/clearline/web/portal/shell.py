"""The frame of the pages of the portal: the provider's name, and the time zone of the person."""

from zoneinfo import ZoneInfo

from msgspec import Struct

from clearline.accounts import usecases as accounts
from clearline.identity import Actor
from clearline.notifications import preference_usecases as preferences
from clearline.notifications.quiet_hours import zone_of
from clearline.platform.database.transactions import Tx
from clearline.web.visit import Visit
from clearline.wires.http.call import Answer

TICKETS = "/portal/tickets"
SERVICES = "/portal/services"


class Shell(Struct, frozen=True):
    """What every page of the portal shows besides its own content. Times are in ``zone``."""

    provider: str
    zone: ZoneInfo


async def read_shell(tx: Tx, actor: Actor) -> Shell:
    """Return the frame of the pages of a person."""
    provider = await accounts.provider(tx)
    own = await preferences.get_own(tx, actor)
    return Shell(provider.name, zone_of(own.preferences.time_zone))


def portal_page(visit: Visit, shell: Shell, template: str, here: str, status: int = 200, **values: object) -> Answer:
    """Return a page of the portal; ``here`` is the entry of the navigation that it belongs to."""
    return visit.page(f"portal/{template}", status, shell=shell, here=here, **values)
