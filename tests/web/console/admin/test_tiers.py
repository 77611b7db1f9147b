"""The list of tiers in the admin pages."""

from uuid import uuid4

import httpx

from clearline.accounts.tiers import usecases as tiers
from clearline.identity import OPERATOR, Role
from clearline.platform.database.transactions import Database
from tests.builders.web.pages import Page, person

PATH = "/console/admin/tiers"


async def test_a_tier_is_added_changed_and_retired(client: httpx.AsyncClient, database: Database) -> None:
    admin, key = await person(client, database, Role.ADMIN), f"t{uuid4().hex[:8]}"
    refused = await admin.post(PATH, key="Not a key", label="", help="", position="soon", once=uuid4().hex)
    assert refused.status_code == 422
    assert "Must be a whole number." in Page(refused.text).text
    refused = await admin.post(PATH, key="Not a key", label="", help="", position="", once=uuid4().hex)
    assert "Must have at most 32 lower-case letters" in Page(refused.text).text
    added = await admin.post(PATH, key=key, label=f"Label {key}", help="For few", position="", once=uuid4().hex)
    assert added.status_code == 303
    page = await admin.page(f"{PATH}/{key}")
    version = next(field["value"] or "" for field in page.all("input") if field.get("name") == "version")
    changed = await admin.post(f"{PATH}/{key}", label=f"New {key}", help="", position="7", version=version)
    assert changed.status_code == 303
    async with database.statement() as tx:
        tier = await tiers.get_tier(tx, OPERATOR, key)
    assert (tier.label, tier.position, tier.is_active) == (f"New {key}", 7, False)
    assert "retired" in (await admin.page(PATH)).text
    assert (await admin.get(f"{PATH}/nothing")).status_code == 404
    agent = await person(client, database, Role.AGENT)
    assert (await agent.get(PATH)).status_code == 403
