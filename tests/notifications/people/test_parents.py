"""Mail to the people of a parent, such as a reseller, whom a ticket of a child names."""

from uuid import uuid4

from clearline.accounts import key_store
from clearline.accounts import usecases as accounts
from clearline.companies import usecases as companies
from clearline.identity import OPERATOR, ROLE_SCOPES, Role
from clearline.tickets.domain import Channel
from tests.builders.notifications import Scene, note
from tests.builders.people import NOW


async def reseller(scene: Scene) -> str:
    """Add the parent of the scene's company, and return the address of its person, called ``reseller``."""
    code = f"R{uuid4().hex[:8].upper()}"
    parent = await companies.add_company(scene.tx, OPERATOR, f"Reseller {code}", code, now=NOW)
    values = {"parent_id": parent.id, "shares_with_parent": True}
    await companies.change_company(scene.tx, OPERATOR, scene.tenant.company.id, values, now=NOW)
    email = f"reseller@{code.lower()}.example.com"
    user = await accounts.add_user(scene.tx, OPERATOR, code, name="Rae Seller", email=email, phone="", now=NOW)
    actor = await key_store.actor_for(scene.tx, parent.id, user.id, frozenset(map(str, ROLE_SCOPES[Role.CUSTOMER])))
    assert actor is not None
    scene.people["reseller"] = actor
    return email


async def test_the_contact_of_a_parent_is_notified_as_long_as_the_child_shares(scene: Scene) -> None:
    email = await reseller(scene)
    await scene.raise_ticket("reseller", contact=email, channel=Channel.PORTAL)
    assert "reseller" in await scene.notified(), "the receipt"
    await note("agent")(scene)
    assert "reseller" in await scene.notified()
    await note("reseller")(scene)
    assert "reseller" not in await scene.notified(), "nobody is notified of the own note"
    await companies.change_company(scene.tx, OPERATOR, scene.tenant.company.id, {"shares_with_parent": False}, now=NOW)
    await note("agent")(scene)
    assert "reseller" not in await scene.notified()
    await companies.change_company(scene.tx, OPERATOR, scene.tenant.company.id, {"parent_id": None}, now=NOW)
    await note("agent")(scene)
    assert "reseller" not in await scene.notified(), "the parent is a former one"


async def test_an_address_that_a_parent_only_claims_goes_on_getting_mail(scene: Scene) -> None:
    await reseller(scene)
    contact = f"pat@{uuid4().hex[:8]}.example.org"
    code = scene.people["reseller"].company
    assert code is not None
    claimed = await accounts.add_user(scene.tx, OPERATOR, code.id, name="Pat", email=contact, phone="", now=NOW)
    await scene.tx.write("update app_user set is_confirmed = false, is_active = false where id = $1", claimed.id)
    await scene.raise_ticket("reseller", contact=contact)
    assert contact in await scene.notified()
    assert "reseller" not in await scene.notified()
