"""What a customer's person sets about itself in the portal."""

import httpx
import pytest

from clearline.identity import OPERATOR
from clearline.notifications import preference_usecases as preferences
from clearline.platform.database.transactions import Database
from clearline.sign_in import password_usecases as passwords
from tests.builders.people import NOW, new_tenant
from tests.builders.sign_in.sessions import PASSWORD
from tests.builders.web.pages import Page, Person, led_to, session_of

PROFILE = "/portal/me"


@pytest.fixture
async def customer(client: httpx.AsyncClient, database: Database) -> Person:
    tenant = await new_tenant(database)
    await passwords.set_password(database, OPERATOR, tenant.company.id, tenant.user.id, PASSWORD, now=NOW)
    return await session_of(client, database, tenant.user)


async def test_the_profile_says_who_is_signed_in_and_leads_nowhere_into_the_console(customer: Person) -> None:
    page = await customer.page(PROFILE)
    for text in (customer.user.name, customer.user.email):
        assert text in page.text
    assert customer.user.phone in [field.get("value") for field in page.all("input")]
    assert page.links("/console") == []
    actions = {form.get("action") for form in page.all("form")}
    assert actions >= {f"{PROFILE}/language", f"{PROFILE}/password"}
    assert not any((action or "").startswith("/console") for action in actions)
    assert {f"{PROFILE}/notifications", "/portal/second-factor"} <= set(page.links("/portal"))
    assert PROFILE in (await customer.page("/portal/tickets")).links(PROFILE)


async def test_other_sessions_are_listed_and_ended(
    client: httpx.AsyncClient, customer: Person, database: Database
) -> None:
    other = await session_of(client, database, customer.user)
    page = await customer.page(PROFILE)
    [session] = [button.get("value") for button in page.all("button") if button.get("name") == "session"]
    ended = await customer.post(f"{PROFILE}/sessions/end", session=session or "")
    assert ended.headers["location"] == PROFILE
    assert (await other.get(PROFILE)).status_code == 303
    another = await session_of(client, database, customer.user)
    await customer.post(f"{PROFILE}/sessions/end-others")
    assert (await another.get(PROFILE)).status_code == 303
    assert (await customer.get(PROFILE)).status_code == 200


async def test_the_password_changes_with_the_present_one_only(customer: Person) -> None:
    new = "a heron waits beside the lock"
    wrong = await customer.post(f"{PROFILE}/password", current="not this one", password=new)
    assert wrong.status_code == 422
    assert "This is not your password." in wrong.text
    short = await customer.post(f"{PROFILE}/password", current=PASSWORD, password="short")
    assert short.status_code == 422
    changed = await customer.post(f"{PROFILE}/password", current=PASSWORD, password=new)
    assert "Your password is changed." in changed.text


async def test_a_person_changes_its_own_name_and_phone(customer: Person, database: Database) -> None:
    path = f"{PROFILE}/person"
    saved = await customer.post(path, name="  Ada Okoro-Lindqvist ", phone="+1-555-0142")
    assert led_to(saved) == f"{PROFILE}?done=person"
    page = await customer.page(saved.headers["location"])
    assert "Saved." in page.text
    fields = {field.get("id"): field.get("value") for field in page.all("input")}
    assert (fields["name"], fields["phone"]) == ("Ada Okoro-Lindqvist", "+1-555-0142")
    async with database.statement() as tx:
        event = await tx.fetchrow("select type, data, actor_name from event order by id desc limit 1")
    assert event is not None
    assert (event["type"], event["actor_name"]) == ("user.changed", customer.user.name)
    assert "Ada Okoro-Lindqvist" in str(event["data"])
    await customer.post(path, name="Ada Okoro-Lindqvist", phone="")
    for wrong, field in (({"name": " ", "phone": "x"}, "name"), ({"name": "Ada", "phone": "1" * 65}, "phone")):
        refused = await customer.post(path, **wrong)
        assert refused.status_code == 422
        [invalid] = [each for each in Page(refused.text).all("input") if "aria-invalid" in each]
        assert (invalid["id"], invalid.get("value", "")) == (field, wrong[field] if field == "phone" else " ")


async def test_the_language_of_a_person_is_that_of_its_pages(customer: Person) -> None:
    chosen = await customer.post(f"{PROFILE}/language", language="de")
    assert chosen.headers["location"] == PROFILE
    assert '<html lang="de"' in (await customer.get(PROFILE)).text
    await customer.post(f"{PROFILE}/language", language="")
    assert '<html lang="en"' in (await customer.get(PROFILE)).text


async def test_rules_and_the_time_zone_are_stored_and_times_follow_it(customer: Person, database: Database) -> None:
    address = f"{PROFILE}/notifications"
    page = await customer.page(address)
    assert "The support team replies" in page.text
    assert "to the customer" not in page.text
    [version] = [field["value"] or "" for field in page.all("input") if field.get("name") == "version"]
    names = [select["name"] or "" for select in page.all("select") if (select.get("name") or "").startswith("rules.")]
    form = {
        **dict.fromkeys(names, "off"), "digest": "daily", "digest_at": "07:30", "time_zone": "Europe/Lisbon",
        "quiet_from": "", "quiet_to": "", "version": version,
    }  # fmt: skip
    saved = await customer.post(address, **form)
    assert led_to(saved) == f"{address}?done=change"
    stale = await customer.post(address, **form)
    assert stale.status_code == 409
    async with database.statement() as tx:
        stored = await preferences.get_preferences(tx, OPERATOR, customer.user.company_id, customer.user.id)
    assert stored.preferences.time_zone == "Europe/Lisbon"
    assert set(stored.preferences.rules.values()) == {"off"}
    assert "Times are in Europe/Lisbon." in (await customer.page("/portal/tickets")).text
    assert "company_ticket" not in (await customer.page(address)).text.split()
