from collections.abc import AsyncIterator

import pytest

from clearline.platform.database.transactions import Database
from tests.builders.databases import administer
from tests.builders.mail.notification_rig import NotificationRig
from tests.builders.notifications import Scene, a_scene
from tests.builders.people import Tenant, new_tenant


@pytest.fixture
async def rig(database: Database, database_url: str) -> NotificationRig:
    """Return the jobs of notifications with a new customer, past all earlier events, with no notification or mail."""
    new = NotificationRig(database, await new_tenant(database), database_url)
    await new.record()
    await administer(database_url, "delete from notification; delete from outbound_mail")
    return new


@pytest.fixture
async def scene(database: Database, tenant: Tenant) -> AsyncIterator[Scene]:
    """Yield a ticket with all kinds of recipients, in a transaction that is rolled back."""
    async with a_scene(database, tenant) as new:
        yield new
