"""The settings of a company, for its admins: language, time zone, notices, and mail to the people of its tickets."""

from abc import ABC
from collections.abc import Mapping
from typing import Any, TypeVar
from uuid import UUID

from clearline.accounts import permissions
from clearline.accounts.domain import CompanyDetails, NoticeAddresses
from clearline.companies import usecases as companies
from clearline.language.languages import LANGUAGES
from clearline.notifications import preference_usecases as preferences
from clearline.notifications.preference_usecases import ContactMail
from clearline.platform.database.transactions import Tx
from clearline.web.portal.company.section import OWN_COMPANY, PortalSection
from clearline.web.portal.shell import COMPANY
from clearline.web.records.contact_mail import contact_mail_fields, contact_mail_in, contact_mail_values
from clearline.web.records.form import Field, Line, Values
from clearline.web.records.notices import notice_field_of, notice_fields, notice_values, notices_in
from clearline.web.records.person import language_field
from clearline.web.tickets.own_fields import OwnValue
from clearline.web.visit import Visit
from clearline.web.words import gettext

SETTINGS, CONTACT_MAIL = f"{COMPANY}/settings", f"{COMPANY}/contact-mail"
R = TypeVar("R")


class _OnePage(PortalSection[R], ABC):
    """A form about the whole company: there is no list, and no other record."""

    can_create = False
    can_delete = False

    def __init__(self, company_id: UUID) -> None:
        super().__init__(company_id)
        self.path = self.back

    def address(self, record_id: UUID) -> str:  # noqa: ARG002 - a person has one company
        """Return the address of the form."""
        return f"{COMPANY}/{self.part}"

    def record_id(self, visit: Visit) -> UUID:  # noqa: ARG002 - it is in no address
        """Return the company of the person."""
        return self.company_id

    async def lines(self, visit: Visit, tx: Tx, after: list[Any] | None, limit: int) -> list[Line]:  # noqa: ARG002
        """Return nothing: the form stands alone."""
        return []


class CompanySettings(_OnePage[CompanyDetails]):
    """The language, the time zone and the addresses for notices."""

    noun = "settings"
    part = "settings"

    @property
    def words(self) -> Mapping[str, str]:
        """The words of the page."""
        return {"title": gettext("Settings"), "up": gettext("Back to the company"), "done change": gettext("Saved.")}

    async def fields(self, visit: Visit, tx: Tx, record: CompanyDetails | None) -> list[Field]:  # noqa: ARG002
        """Return the fields."""
        return [language_field(gettext("As this desk")), *notice_fields()]

    def values(self, record: CompanyDetails) -> Values:
        """Return what the fields have."""
        return {"language": [record.language or ""], **notice_values(record)}

    def field_of(self, name: str) -> str:
        """Return the field of the form for a value that is refused."""
        return notice_field_of(name)

    def title(self, record: CompanyDetails) -> str:  # noqa: ARG002 - the page is about one company
        """Return what the form is about."""
        return gettext("Settings")

    async def get(self, visit: Visit, tx: Tx, record_id: UUID) -> CompanyDetails:
        """Return the company."""
        return await companies.get_company_details(tx, visit.actor, record_id)

    async def lock(self, visit: Visit, tx: Tx, record_id: UUID) -> CompanyDetails:
        """Lock the company."""
        return await companies.lock_to_change(tx, visit.actor, record_id)

    async def change(self, visit: Visit, tx: Tx, record: CompanyDetails) -> None:
        """Set what the form says."""
        values = {"language": visit.form.get("language") or None, **notices_in(visit.form)}
        await companies.change_company(tx, visit.actor, record.id, values, now=visit.now)


class CompanyContactMail(_OnePage[ContactMail]):
    """The mail to the people of the company's tickets."""

    noun = "contactMail"
    part = "contact-mail"

    @property
    def words(self) -> Mapping[str, str]:
        """The words of the page."""
        return {
            "title": gettext("Mail to contacts"),
            "up": gettext("Back to the company"),
            "done change": gettext("Saved. It counts for mail about what happens from now on."),
        }

    async def fields(self, visit: Visit, tx: Tx, record: ContactMail | None) -> list[Field]:  # noqa: ARG002
        """Return the fields."""
        return contact_mail_fields()

    def values(self, record: ContactMail) -> Values:
        """Return what the fields have."""
        return contact_mail_values(record)

    def title(self, record: ContactMail) -> str:  # noqa: ARG002 - the page is about one company
        """Return what the form is about."""
        return gettext("Mail to contacts")

    async def get(self, visit: Visit, tx: Tx, record_id: UUID) -> ContactMail:
        """Return the mail to the people of the company's tickets."""
        return await preferences.get_contact_mail(tx, visit.actor, record_id)

    async def lock(self, visit: Visit, tx: Tx, record_id: UUID) -> ContactMail:
        """Lock the company."""
        return await preferences.lock_contact_mail(tx, visit.actor, record_id)

    async def change(self, visit: Visit, tx: Tx, record: ContactMail) -> None:
        """Set what the form says."""
        mails, rules, inbound_cc = contact_mail_in(visit.form)
        await preferences.change_contact_mail(
            tx, visit.actor, record.company.id, mails=mails, rules=rules, inbound_cc=inbound_cc, now=visit.now
        )


async def settings_shown(visit: Visit, tx: Tx) -> list[OwnValue]:
    """Return what is set for the company of an admin, in words."""
    company = await companies.get_company_details(tx, visit.actor, permissions.own_company(visit.actor).id)
    contact_mail = await preferences.get_contact_mail(tx, visit.actor, company.id)
    labels = {field.name: field.label for field in notice_fields()}
    language = gettext("As this desk") if company.language is None else LANGUAGES[company.language]
    mails = gettext("Yes, by role") if contact_mail.settings.mails_contacts else gettext("No")
    shown = [
        OwnValue(gettext("Language of pages and mail"), language),
        OwnValue(labels["time_zone"], company.time_zone or ""),
        *(
            OwnValue(labels[subject], ", ".join(getattr(company.notice_addresses, subject)))
            for subject in NoticeAddresses.__struct_fields__
        ),
        OwnValue(gettext("Mail to contacts"), mails),
    ]
    return [value for value in shown if value.text]


SETTINGS_PAGES = (
    OWN_COMPANY.page(CompanySettings, "companySettings", "GET", SETTINGS, CompanySettings.show),
    OWN_COMPANY.page(CompanySettings, "changeCompanySettings", "POST", SETTINGS, CompanySettings.handle_change),
    OWN_COMPANY.page(CompanyContactMail, "companyContactMail", "GET", CONTACT_MAIL, CompanyContactMail.show),
    OWN_COMPANY.page(
        CompanyContactMail, "changeCompanyContactMail", "POST", CONTACT_MAIL, CompanyContactMail.handle_change
    ),
)
