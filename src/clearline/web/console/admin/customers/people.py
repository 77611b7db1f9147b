"""The people of a customer in the console: the provider can vouch for their addresses."""

from collections.abc import Mapping
from typing import Any

from clearline.identity import User
from clearline.platform.database.transactions import Tx
from clearline.sign_in.second_factors import usecases as second_factors
from clearline.web.console.admin.customers.section import CUSTOMER_PAGES, CustomerSection
from clearline.web.records.form import Field, Kind, Values
from clearline.web.records.people import CompanyPeople
from clearline.web.records.section import require_identity
from clearline.web.records.sign_in_links import send_sign_in_link
from clearline.web.visit import Form, Visit
from clearline.web.words import gettext
from clearline.wires.http.call import Answer


class CustomerPeople(CustomerSection[User], CompanyPeople):
    """The people of one customer."""

    template = "console/admin/customers/people.html"

    @property
    def words(self) -> Mapping[str, str]:
        """The words of the page."""
        return {
            **super().words,
            "done link": gettext("The link is on its way by mail."),
            "done sign-out": gettext("All sessions have ended."),
            "done second-factor": gettext("The second factor is reset, and all sessions have ended."),
        }

    async def more(self, visit: Visit, tx: Tx, record: User) -> dict[str, object]:
        """Return whether a person has a second factor, and whether the desk sends mail."""
        has_second_factor = await second_factors.has_second_factor(
            tx, visit.actor, record.id, company_id=self.company_id
        )
        return {"has_second_factor": has_second_factor, "sends_mail": visit.services.settings.smtp is not None}

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

    async def send_link(self, visit: Visit) -> Answer:
        """Send the person a link to choose a password."""
        return await send_sign_in_link(self, visit, self.company_id)

    async def reset_second_factor(self, visit: Visit) -> Answer:
        """Remove the second factor of the person, who lost it."""
        return await self.handle_action(visit, "second-factor", self._reset_second_factor)

    async def _reset_second_factor(self, visit: Visit, tx: Tx, user: User) -> None:
        require_identity(visit)
        await second_factors.reset(tx, visit.actor, user.id, company_ref=self.company_id, now=visit.now)


COMPANY_PEOPLE_PAGES = CUSTOMER_PAGES.of(
    CustomerPeople,
    "CompanyPeople",
    {
        "link": ("sendCompanySignInLink", CustomerPeople.send_link),
        "sign-out": ("signCompanyPersonOut", CustomerPeople.sign_out),
        "second-factor": ("resetCompanySecondFactor", CustomerPeople.reset_second_factor),
    },
)
