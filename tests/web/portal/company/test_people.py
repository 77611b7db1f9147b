"""The people of a company in the portal."""

from urllib.parse import urlsplit

from clearline.identity import OPERATOR, Role
from clearline.notifications import preference_usecases as preferences
from tests.builders.web.companies import COMPANY, PortalCompany, secrets_in
from tests.builders.web.pages import led_to

IDA = {"name": "Ida Moss", "email": "ida@example.net", "phone": "", "role": "customer", "language": ""}


async def test_a_colleague_is_invited_once_and_shown_as_unconfirmed(company: PortalCompany) -> None:
    added = await company.send("/people", **IDA, once="once")
    again = await company.send("/people", **IDA, once="once")
    ida = await company.user(IDA["email"])
    assert not ida.is_confirmed
    assert added.headers["location"].startswith(f"{COMPANY}/people/{ida.id}?done=")
    assert again.headers["location"].startswith(f"{COMPANY}/people/{ida.id}")
    assert "unconfirmed" in (await company.admin.page(f"{COMPANY}/people")).text
    same = await company.send("/people", 409, **IDA)
    assert IDA["email"] in same.text


async def test_a_desk_without_a_mail_server_gives_the_link_to_hand_over(company: PortalCompany) -> None:
    await company.send("/people", **IDA)
    ida = await company.user(IDA["email"])
    made = await company.send(f"/people/{ida.id}/link", 200)
    [link] = secrets_in(made)
    address = urlsplit(link)
    assert (await company.admin.client.get(f"{address.path}?{address.query}")).status_code == 200


async def test_a_role_changes_and_access_ends_and_comes_back(company: PortalCompany) -> None:
    user = company.tenant.user
    path = f"/people/{user.id}"
    page = await company.admin.page(COMPANY + path)
    [version] = [field["value"] or "" for field in page.all("input") if field.get("name") == "version"]
    person = {"name": user.name, "email": user.email, "phone": user.phone, "language": ""}
    await company.send(path, **person, role="customer_admin", version=version)
    assert (await company.user(user.email)).role is Role.CUSTOMER_ADMIN
    await company.send(f"{path}/deactivate")
    assert not (await company.user(user.email)).is_active
    assert "inactive" in (await company.admin.page(f"{COMPANY}/people")).text
    await company.send(f"{path}/activate")
    assert (await company.user(user.email)).is_active


async def test_no_role_of_the_provider_can_be_given(company: PortalCompany) -> None:
    await company.send("/people", 422, **{**IDA, "role": "admin"})
    assert "agent" not in [
        option.get("value") for option in (await company.admin.page(f"{COMPANY}/people/new")).all("option")
    ]


async def test_nobody_is_offered_to_deactivate_itself(company: PortalCompany) -> None:
    page = await company.admin.page(f"{COMPANY}/people/{company.admin.user.id}")
    assert not any((form.get("action") or "").endswith("/deactivate") for form in page.all("form"))


async def test_an_admin_sets_what_a_colleague_is_notified_of(company: PortalCompany) -> None:
    user = company.tenant.user
    path = f"/people/{user.id}/notifications"
    assert COMPANY + path in (await company.admin.page(f"{COMPANY}/people/{user.id}")).links(COMPANY)
    page = await company.admin.page(COMPANY + path)
    assert f"Notifications of {user.name}" in page.text
    [version] = [field["value"] or "" for field in page.all("input") if field.get("name") == "version"]
    names = [select["name"] or "" for select in page.all("select") if (select.get("name") or "").startswith("rules.")]
    form = {**dict.fromkeys(names, "off"), "digest": "daily", "digest_at": "07:30", "time_zone": "Europe/Lisbon"}
    saved = await company.send(path, **form, version=version)
    assert led_to(saved) == f"{COMPANY}{path}?done=change"
    async with company.database.statement() as tx:
        stored = await preferences.get_preferences(tx, OPERATOR, user.company_id, user.id)
    assert stored.preferences.time_zone == "Europe/Lisbon"
    assert set(stored.preferences.rules.values()) == {"off"}


async def test_the_last_admin_stays_one_and_is_told_what_the_own_role_is(company: PortalCompany) -> None:
    admin = company.admin.user
    path = f"/people/{admin.id}"
    page = await company.admin.page(COMPANY + path)
    assert "This is your own role" in page.text
    [version] = [field["value"] or "" for field in page.all("input") if field.get("name") == "version"]
    person = {"name": admin.name, "email": admin.email, "phone": "", "language": "", "version": version}
    refused = await company.send(path, 409, **person, role="customer")
    assert "The last active admin must stay an admin" in refused.text
    assert (await company.user(admin.email)).role is Role.CUSTOMER_ADMIN
    other = await company.admin.page(f"{COMPANY}/people/{company.tenant.user.id}")
    assert "This is your own role" not in other.text
