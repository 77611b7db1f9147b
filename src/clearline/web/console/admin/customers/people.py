"""The people of a customer in the console: the provider can vouch for their addresses."""

from typing import Any

from clearline.identity import User
from clearline.platform.database.transactions import Tx
from clearline.web.console.admin.customers.section import CUSTOMER_PAGES, CustomerSection
from clearline.web.records.form import Field, Kind, Values
from clearline.web.records.people import CompanyPeople
from clearline.web.visit import Form, Visit
from clearline.web.words import gettext


class CustomerPeople(CustomerSection[User], CompanyPeople):
    """The people of one customer."""

    async def fields(self, visit: Visit, tx: Tx, record: User | None) -> list[Field]:
        """Return the fields of a person, and whether it is active and its address confirmed."""
        fields = await super().fields(visit, tx, record)
        if record is not None:
            hint = gettext("An inactive person's API keys stop working at once, and mail from it is quarantined.")
            fields += [
                Field("is_active", gettext("Active"), Kind.CHECK, hint=hint),
                Field(
                    "is_confirmed", gettext("The address is the person's own"), Kind.CHECK,
                    hint=gettext("Mail from an unconfirmed address is quarantined, and it gets none."),
                ),
            ]  # fmt: skip
        return fields

    def values(self, record: User) -> Values:
        """Return what the fields of a person have."""
        return {
            **super().values(record),
            "is_active": ["on"] if record.is_active else [],
            "is_confirmed": ["on"] if record.is_confirmed else [],
        }

    def values_in(self, form: Form) -> dict[str, Any]:
        """Return the values of a person in a form."""
        return {
            **super().values_in(form), "is_active": form.has("is_active"), "is_confirmed": form.has("is_confirmed"),
        }  # fmt: skip


COMPANY_PEOPLE_PAGES = CUSTOMER_PAGES.of(CustomerPeople, "CompanyPeople", "person")
