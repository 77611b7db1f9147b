"""The settings of a company in the portal: language, time zone, addresses for notices, mail to contacts."""

from typing import Any

import httpx
import pytest

from clearline.accounts.domain import CompanyDetails, NoticeAddresses
from clearline.companies import usecases as companies
from clearline.identity import OPERATOR
from clearline.notifications import preference_usecases as preferences
from clearline.notifications.contact_rules import DEFAULT_RULES, InboundCc, Notice, RuleRole
from clearline.notifications.preference_store import ContactMailSettings
from clearline.platform.database.transactions import Database
from tests.builders.web.companies import COMPANY, PortalCompany
from tests.builders.web.pages import Page, led_to, session_of

SETTINGS, CONTACT_MAIL = f"{COMPANY}/settings", f"{COMPANY}/contact-mail"
FORM = {
    "language": "de",
    "time_zone": "Europe/Lisbon",
    "incidents": "noc@example.com\r\nduty@example.org",
    "maintenance": "",
    "billing": "pay@example.com",
}


async def details(company: PortalCompany) -> CompanyDetails:
    async with company.database.statement() as tx:
        return await companies.get_company_details(tx, OPERATOR, company.tenant.company.id)


async def contact_mail(company: PortalCompany) -> ContactMailSettings:
    async with company.database.statement() as tx:
        return (await preferences.get_contact_mail(tx, OPERATOR, company.tenant.company.id)).settings


async def send(company: PortalCompany, path: str, form: dict[str, Any], version: str = "") -> httpx.Response:
    """Send a form of the present version, or of another."""
    now = version or hidden(await company.admin.page(path), "version")
    data = {"csrf": company.admin.token_of_form(), "version": now, **form}
    return await company.admin.client.post(path, headers=company.admin.headers, data=data)


def hidden(page: Page, name: str) -> str:
    return next(field["value"] or "" for field in page.all("input") if field.get("name") == name)


async def test_an_admin_sets_language_time_zone_and_notice_addresses(company: PortalCompany) -> None:
    page = await company.admin.page(COMPANY)
    assert SETTINGS in page.links(COMPANY)
    assert "Language of pages and mail As this desk" in page.text
    answer = await send(company, SETTINGS, FORM)
    assert led_to(answer) == f"{SETTINGS}?done=change"
    stored = await details(company)
    addresses = NoticeAddresses(incidents=("noc@example.com", "duty@example.org"), billing=("pay@example.com",))
    assert (stored.language, stored.time_zone, stored.notice_addresses) == ("de", "Europe/Lisbon", addresses)
    text = (await company.admin.page(COMPANY)).text
    for words in (
        "Sprache der Seiten und E-Mails Deutsch",
        "Zeitzone Europe/Lisbon",
        "Meldungen zu Störungen gehen an noc@example.com, duty@example.org",
        "Meldungen zur Abrechnung gehen an pay@example.com",
    ):
        assert words in text
    assert "Meldungen zu Wartungen" not in text
    assert (await send(company, SETTINGS, dict.fromkeys(FORM, ""))).status_code == 303
    stored = await details(company)
    assert (stored.language, stored.time_zone, stored.notice_addresses) == (None, None, NoticeAddresses())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("time_zone", "Lisbon"),
        ("incidents", "noc@example.com\nnobody"),
        ("language", "xx"),
        ("billing", "a@b.example a@b.example"),
    ],
    ids=["time_zone", "incidents", "language", "billing"],
)
async def test_what_is_wrong_is_said_at_its_field_and_what_was_typed_is_kept(
    company: PortalCompany, field: str, value: str
) -> None:
    before = await details(company)
    refused = await send(company, SETTINGS, {**FORM, field: value})
    assert refused.status_code == 422
    page = Page(refused.text)
    assert [each for each in page.all("div") if each.get("id") == f"about-{field}"]
    [link] = page.links("#field-")
    assert link == f"#field-{field}"
    assert field == "language" or value.rsplit(maxsplit=1)[-1] in refused.text
    assert await details(company) == before


async def test_a_form_from_before_another_change_shows_what_is_stored_now(company: PortalCompany) -> None:
    old = hidden(await company.admin.page(SETTINGS), "version")
    assert (await send(company, SETTINGS, {**FORM, "language": ""})).status_code == 303
    refused = await send(company, SETTINGS, {**FORM, "language": "", "time_zone": "UTC"}, old)
    assert refused.status_code == 409
    assert "Now stored: Europe/Lisbon" in Page(refused.text).text
    assert (await details(company)).time_zone == "Europe/Lisbon"


async def test_an_admin_sets_which_mail_contacts_get(company: PortalCompany) -> None:
    assert CONTACT_MAIL in (await company.admin.page(COMPANY)).links(COMPANY)
    rules = {role: sorted(notices) for role, notices in DEFAULT_RULES.items()} | {"cc": ["resolved"]}
    answer = await send(company, CONTACT_MAIL, {**rules, "mails_contacts": "on", "inbound_cc": "add"})
    assert led_to(answer) == f"{CONTACT_MAIL}?done=change"
    wanted = {**DEFAULT_RULES, RuleRole.CC: frozenset({Notice.RESOLVED})}
    assert await contact_mail(company) == ContactMailSettings(True, wanted, InboundCc.ADD)
    assert (await send(company, CONTACT_MAIL, {**rules, "inbound_cc": "add"})).status_code == 303
    assert "Mail to contacts No" in (await company.admin.page(COMPANY)).text
    refused = await send(company, CONTACT_MAIL, {**rules, "on_duty": "everything", "inbound_cc": "add"})
    assert refused.status_code == 422
    assert Page(refused.text).links("#field-") == ["#field-on_duty"]


async def test_the_pages_are_german_for_those_who_read_german(company: PortalCompany) -> None:
    assert (await send(company, SETTINGS, FORM)).status_code == 303
    page = await company.admin.page(CONTACT_MAIL)
    for words in ("E-Mails an Kontakte", "Lösung", "Zurück zum Unternehmen"):
        assert words in page.text + " ".join(link.get("aria-label") or "" for link in page.all("a"))


async def test_people_without_more_rights_see_no_settings(
    client: httpx.AsyncClient, company: PortalCompany, database: Database
) -> None:
    customer = await session_of(client, database, company.tenant.user)
    page = await customer.page(COMPANY)
    assert page.links(SETTINGS) == page.links(CONTACT_MAIL) == []
    for path in (SETTINGS, CONTACT_MAIL):
        assert (await customer.get(path)).status_code == 403
        assert (await customer.post(path, **FORM)).status_code == 403
