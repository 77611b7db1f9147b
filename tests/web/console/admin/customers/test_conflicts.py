"""The section of addresses that two companies say are their people's."""

from typing import NamedTuple
from uuid import uuid4

import httpx
import pytest

from clearline.accounts import usecases as accounts
from clearline.clock import now
from clearline.identity import OPERATOR, Role, User
from clearline.platform.database.transactions import Database
from tests.builders.people import Tenant, new_person, new_tenant
from tests.builders.web.pages import Person, led_to, person
from tests.web.console.admin.forms import let_time_pass

CONFLICTS = "/console/admin/address-conflicts"


class Claimed(NamedTuple):
    """An address that one company has and another claims, and an admin of the provider."""

    admin: Person
    database: Database
    holder: Tenant
    claimant: Tenant
    user: User

    @property
    def path(self) -> str:
        return f"{CONFLICTS}/{self.claimant.company.id}.{self.user.id}"

    async def is_confirmed(self) -> bool:
        async with self.database.statement() as tx:
            return (await accounts.get_user(tx, OPERATOR, self.claimant.company.id, self.user.id)).is_confirmed


@pytest.fixture
async def claimed(client: httpx.AsyncClient, database: Database) -> Claimed:
    holder, claimant = await new_tenant(database), await new_tenant(database)
    email = f"kim@{uuid4().hex[:8]}.example.com"
    async with database.transaction() as tx:
        await accounts.add_user(tx, OPERATOR, holder.company.id, name="Kim", email=email, phone="", now=now())
        customer = await new_person(tx, "Ida Moss", Role.CUSTOMER_ADMIN, company=claimant.company.code)
        user = await accounts.add_user(tx, customer, claimant.company.id, name="Kim", email=email, phone="", now=now())
    return Claimed(await person(client, database, Role.ADMIN), database, holder, claimant, user)


async def test_a_conflict_shows_both_sides_and_is_confirmed(claimed: Claimed) -> None:
    assert claimed.path in (await claimed.admin.page(CONFLICTS)).links(CONFLICTS)
    page = await claimed.admin.page(claimed.path)
    for text in (claimed.user.email, claimed.claimant.company.name, claimed.holder.company.name, "a person, since"):
        assert text in page.text
    done = await claimed.admin.post(f"{claimed.path}/confirm")
    assert led_to(done) == f"{CONFLICTS}?done=confirm"
    assert "Confirmed." in (await claimed.admin.page(done.headers["location"])).text
    assert await claimed.is_confirmed()
    assert (await claimed.admin.get(claimed.path)).status_code == 404
    assert (await claimed.admin.post(f"{claimed.path}/refuse")).status_code in {404, 409}


async def test_a_refused_claim_is_no_conflict_any_more(claimed: Claimed) -> None:
    done = await claimed.admin.post(f"{claimed.path}/refuse")
    assert led_to(done) == f"{CONFLICTS}?done=refuse"
    assert not await claimed.is_confirmed()
    assert claimed.path not in (await claimed.admin.page(CONFLICTS)).links(CONFLICTS)
    assert (await claimed.admin.get(claimed.path)).status_code == 404


async def test_to_confirm_an_address_needs_the_password_again(database: Database, claimed: Claimed) -> None:
    await let_time_pass(database, claimed.admin.user)
    asked = await claimed.admin.post(f"{claimed.path}/confirm")
    assert asked.status_code == 403
    assert "Confirm that it is you" in asked.text
    assert not await claimed.is_confirmed()


async def test_the_address_of_no_conflict_is_answered_with_a_page(claimed: Claimed) -> None:
    other = claimed.path.replace(str(claimed.user.id), str(claimed.claimant.user.id))
    turned = f"{CONFLICTS}/{claimed.user.id}.{claimed.claimant.company.id}"
    for address in (other, turned, f"{CONFLICTS}/nothing", f"{CONFLICTS}/{claimed.user.id}"):
        assert (await claimed.admin.get(address)).status_code == 404
        for word in ("confirm", "refuse"):
            assert (await claimed.admin.post(f"{address}/{word}")).status_code in {404, 409}
