"""The page that confirms an address."""

from uuid import UUID, uuid4

import httpx
import pytest

from clearline.accounts import usecases as accounts
from clearline.identity import OPERATOR, Role, User
from clearline.platform.database.transactions import Database
from clearline.sign_in import password_usecases as passwords
from tests.builders.people import NOW, Tenant, new_person
from tests.builders.sign_in.sessions import PASSWORD
from tests.builders.web.pages import BROWSER


async def invite(database: Database, tenant: Tenant) -> tuple[User, str]:
    """Let a customer add a user; return the user, and the path of its invitation."""
    async with database.transaction() as tx:
        admin = await new_person(tx, "Ida Moss", Role.CUSTOMER_ADMIN, company=tenant.company.code)
        email = f"{uuid4().hex[:8]}@example.com"
        user = await accounts.add_user(tx, admin, tenant.company.id, name="<Kim>", email=email, phone="", now=NOW)
        invitation: UUID = await tx.fetchval("select id from account_mail where address = $1", email)
    return user, f"/confirm/{invitation.hex}"


async def is_confirmed(database: Database, user: User) -> bool:
    async with database.transaction() as tx:
        return (await accounts.get_user(tx, OPERATOR, user.company_id, user.id)).is_confirmed


async def test_the_button_of_the_page_confirms_the_address(
    client: httpx.AsyncClient, database: Database, tenant: Tenant
) -> None:
    user, path = await invite(database, tenant)
    for method in ("GET", "HEAD"):
        page = await client.request(method, path)
        assert page.status_code == 200
        assert not await is_confirmed(database, user)
    page = await client.get(path)
    assert user.email in page.text
    assert '<form method="post">' in page.text
    assert "form-action 'self'" in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    confirmed = await client.post(path)
    assert confirmed.status_code == 303
    assert await is_confirmed(database, user)
    chosen = await client.get(confirmed.headers["location"], headers=BROWSER)
    assert (chosen.status_code, "New password" in chosen.text or "Choose a password" in chosen.text) == (200, True)
    again = await client.post(path)
    assert again.status_code == 200
    assert "is confirmed" in again.text
    assert '<a href="/sign-in/forgotten">choose a password</a>' in again.text
    assert "<form" not in again.text
    assert await is_confirmed(database, user)


async def test_who_has_a_password_is_not_led_to_choose_one(
    client: httpx.AsyncClient, database: Database, tenant: Tenant
) -> None:
    user, path = await invite(database, tenant)
    await passwords.set_password(database, OPERATOR, user.company_id, user.id, PASSWORD, now=NOW)
    answer = await client.post(path)
    assert (answer.status_code, "is confirmed" in answer.text) == (200, True)


@pytest.mark.parametrize("change", [{"is_active": False}, {"email": "elsewhere@example.com"}])
async def test_an_invitation_ends_with_its_user(
    client: httpx.AsyncClient, database: Database, fresh: Tenant, change: dict[str, object]
) -> None:
    user, path = await invite(database, fresh)
    async with database.transaction() as tx:
        await accounts.change_user(tx, OPERATOR, user.company_id, user.id, change, now=NOW)
    for method in ("GET", "POST"):
        page = await client.request(method, path)
        assert page.status_code == 404
        assert user.email not in page.text


UNKNOWN = UUID("8d5e1a52-0c1f-4a37-9b7e-3f4c6d0a2b19")


@pytest.mark.parametrize("invitation", [UNKNOWN.hex, "x", "0" * 31, "{" + UNKNOWN.hex, str(UNKNOWN)])
async def test_an_unknown_invitation_confirms_nothing(client: httpx.AsyncClient, invitation: str) -> None:
    for method in ("GET", "POST"):
        page = await client.request(method, f"/confirm/{invitation}")
        assert page.status_code == 404
        assert "not valid" in page.text
