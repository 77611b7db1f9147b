"""The page that sets which mail the people of a customer's tickets get."""

from typing import NamedTuple

import httpx
import pytest

from clearline.identity import OPERATOR, PROVIDER_ID, Role
from clearline.notifications import preference_usecases as preferences
from clearline.notifications.contact_rules import DEFAULT_RULES, InboundCc, Notice, RuleRole, listed
from clearline.notifications.preference_store import ContactMailSettings
from clearline.platform.database.transactions import Database
from tests.builders.people import Tenant, new_tenant
from tests.builders.web.pages import Page, Person, led_to, person

COMPANIES = "/console/admin/companies"
Form = dict[str, list[str]]


class Mail(NamedTuple):
    """The page of a customer in the browser of an admin."""

    admin: Person
    tenant: Tenant
    database: Database

    @property
    def company(self) -> str:
        return f"{COMPANIES}/{self.tenant.company.id}"

    @property
    def path(self) -> str:
        return f"{self.company}/contact-mail"

    async def stored(self) -> ContactMailSettings:
        async with self.database.statement() as tx:
            return (await preferences.get_contact_mail(tx, OPERATOR, self.tenant.company.id)).settings

    async def changed_fields(self) -> list[str]:
        """Return which fields of the company the audit says were changed."""
        async with self.database.statement() as tx:
            rows = await tx.fetch(
                "select c ->> 'field' as field from event, jsonb_array_elements(data -> 'changes') c"
                " where company_id = $1 and type = 'company.changed' order by id",
                self.tenant.company.id,
            )
        return [row["field"] for row in rows]

    async def form(self) -> Form:
        """Return what the form sends if nothing is changed."""
        page, form = await self.admin.page(self.path), Form()
        for field in page.all("input"):
            if field.get("type") != "checkbox" or "checked" in field:
                form.setdefault(field.get("name") or "", []).append(field.get("value") or "on")
        [chosen] = [option["value"] for option in page.all("option") if "selected" in option]
        return {**form, "inbound_cc": [chosen or ""]}

    async def send(self, form: Form) -> httpx.Response:
        data = {**form, "csrf": [self.admin.token_of_form()]}
        return await self.admin.client.post(self.path, headers=self.admin.headers, data=data)


@pytest.fixture
async def mail(client: httpx.AsyncClient, database: Database) -> Mail:
    return Mail(await person(client, database, Role.ADMIN), await new_tenant(database), database)


async def test_the_page_begins_with_the_defaults_and_a_form_that_changes_nothing_stores_nothing(mail: Mail) -> None:
    assert mail.path in (await mail.admin.page(mail.company)).links(COMPANIES)
    assert f"Mail to contacts of {mail.tenant.company.name}" in (await mail.admin.page(mail.path)).text
    form = await mail.form()
    assert {role: form.get(role, []) for role in RuleRole} == {
        role: listed(notices) for role, notices in DEFAULT_RULES.items()
    }
    assert (form["mails_contacts"], form["inbound_cc"]) == (["on"], ["suggest"])
    assert led_to(await mail.send(form)) == f"{mail.path}?done=change"
    assert await mail.stored() == ContactMailSettings(True, DEFAULT_RULES, InboundCc.SUGGEST)
    assert await mail.changed_fields() == []


async def test_rules_mail_and_cc_are_stored_with_an_audit(mail: Mail) -> None:
    form = await mail.form() | {"cc": ["resolved"], "site_access": ["status", "raised"], "reporter": []}
    answer = await mail.send(form | {"inbound_cc": ["add"]})
    assert "Saved." in (await mail.admin.page(answer.headers["location"])).text
    stored = await mail.stored()
    assert stored.rules == {
        **DEFAULT_RULES,
        RuleRole.CC: {Notice.RESOLVED},
        RuleRole.SITE_ACCESS: {Notice.RAISED, Notice.STATUS},
        RuleRole.REPORTER: frozenset(),
    }
    assert (stored.mails_contacts, stored.inbound_cc) == (True, InboundCc.ADD)
    changed = ["inbound_cc", "contact_rules.reporter", "contact_rules.site_access", "contact_rules.cc"]
    assert await mail.changed_fields() == changed
    form = await mail.form()
    assert (form["cc"], form["site_access"], form.get("reporter", [])) == (["resolved"], ["raised", "status"], [])


async def test_mail_is_switched_off_and_not_on_again_for_a_deactivated_company(mail: Mail) -> None:
    on = await mail.form()
    off = {name: values for name, values in on.items() if name != "mails_contacts"}
    assert (await mail.send(off)).status_code == 303
    assert not (await mail.stored()).mails_contacts
    assert "The people of its tickets get no mail." in (await mail.admin.page(mail.company)).text
    assert (await mail.admin.post(f"{mail.company}/deactivate")).status_code == 303
    refused = await mail.send(await mail.form() | {"mails_contacts": ["on"]})
    assert refused.status_code == 409
    assert "deactivated" in Page(refused.text).text
    assert not (await mail.stored()).mails_contacts


@pytest.mark.parametrize("field", ["cc", "on_duty", "inbound_cc"])
async def test_a_value_that_there_is_not_is_refused_at_its_field(mail: Mail, field: str) -> None:
    refused = await mail.send(await mail.form() | {field: ["everything"]})
    assert refused.status_code == 422
    [about] = [each for each in Page(refused.text).all("div") if each.get("id") == f"about-{field}"]
    assert about
    assert "Not saved." in Page(refused.text).text
    assert await mail.changed_fields() == []


async def test_a_form_from_before_another_change_is_refused_with_what_is_stored_now(mail: Mail) -> None:
    old = await mail.form()
    assert (await mail.send(old | {"cc": ["resolved"]})).status_code == 303
    refused = await mail.send(old | {"cc": ["status"]})
    assert refused.status_code == 409
    assert "Now stored: Resolution" in Page(refused.text).text
    assert (await mail.stored()).rules[RuleRole.CC] == {Notice.RESOLVED}


async def test_the_provider_has_no_such_page(mail: Mail) -> None:
    assert (await mail.admin.get(f"{COMPANIES}/{PROVIDER_ID}/contact-mail")).status_code == 404
