"""Mail to the people of a customer's tickets: which roles get which mail, and what becomes of Cc in its mail."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from clearline.errors import NotFound
from clearline.identity import PROVIDER_ID, Scope
from clearline.notifications import preference_usecases as preferences
from clearline.notifications.preference_usecases import ContactMail
from clearline.platform.database.transactions import Tx
from clearline.web.console.admin.companies import COMPANIES
from clearline.web.console.admin.section import AdminSection
from clearline.web.records.contact_mail import contact_mail_fields, contact_mail_in, contact_mail_values
from clearline.web.records.form import Field, Line, Values
from clearline.web.visit import Page, Visit
from clearline.web.words import gettext


class ContactMailSection(AdminSection[ContactMail]):
    """The mail to the people of tickets, a form for each customer, beside the list of customers."""

    noun = "contactMail"
    path = COMPANIES.path
    scope = Scope.ACCOUNTS_WRITE
    can_create = False
    can_delete = False

    @property
    def words(self) -> Mapping[str, str]:
        """The words of the page."""
        return {
            "title": gettext("Companies"),
            "about": "",
            "done change": gettext("Saved. It counts for mail about what happens from now on."),
        }

    def pages(self) -> list[Page]:
        """Return the page of a customer and its form."""
        path = self.address("{id}")
        return [
            Page("showContactMail", "GET", path, self.show, self.scope),
            Page("changeContactMail", "POST", path, self.handle_change, self.scope),
        ]

    def address(self, record_id: UUID | str) -> str:
        """Return the address of the form of a customer."""
        return f"{self.path}/{record_id}/contact-mail"

    def record_id(self, visit: Visit) -> UUID:
        """Return the customer in the address: the provider has no tickets."""
        company_id: UUID = super().record_id(visit)
        if company_id == PROVIDER_ID:
            raise NotFound("company", str(company_id))
        return company_id

    async def lines(self, visit: Visit, tx: Tx, after: list[Any] | None, limit: int) -> list[Line]:
        """Return the customers by name."""
        return await COMPANIES.lines(visit, tx, after, limit)

    async def fields(self, visit: Visit, tx: Tx, record: ContactMail | None) -> list[Field]:  # noqa: ARG002
        """Return the fields."""
        return contact_mail_fields()

    def values(self, record: ContactMail) -> Values:
        """Return what the fields have."""
        return contact_mail_values(record)

    def title(self, record: ContactMail) -> str:
        """Return whose mail it is."""
        return gettext("Mail to contacts of %(company)s") % {"company": record.company.name}

    async def get(self, visit: Visit, tx: Tx, record_id: UUID) -> ContactMail:
        """Return the mail to the people of a customer's tickets."""
        return await preferences.get_contact_mail(tx, visit.actor, record_id)

    async def lock(self, visit: Visit, tx: Tx, record_id: UUID) -> ContactMail:
        """Lock a customer."""
        return await preferences.lock_contact_mail(tx, visit.actor, record_id)

    async def change(self, visit: Visit, tx: Tx, record: ContactMail) -> None:
        """Set what the form says."""
        mails, rules, inbound_cc = contact_mail_in(visit.form)
        await preferences.change_contact_mail(
            tx, visit.actor, record.company.id, mails=mails, rules=rules, inbound_cc=inbound_cc, now=visit.now
        )


CONTACT_MAIL_PAGES = ContactMailSection().pages()
