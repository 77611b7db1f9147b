"""The people of a customer: who raises its tickets, by the API, by mail and as their contact."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from clearline.accounts import usecases as accounts
from clearline.identity import CUSTOMER_ROLES, Role, User
from clearline.platform.database.transactions import Tx
from clearline.web.console.admin.customers.section import CompanySection, company_pages
from clearline.web.console.admin.form import Field, Kind, Line, Values
from clearline.web.console.admin.person import person_fields, person_in, person_values
from clearline.web.console.admin.section import require_identity
from clearline.web.fields import known_id
from clearline.web.visit import Visit
from clearline.web.words import gettext


class CompanyPeople(CompanySection[User]):
    """The people of one customer."""

    noun = "companyPerson"
    part = "people"
    can_delete = False

    @property
    def words(self) -> Mapping[str, str]:
        """The words of the page."""
        return {
            "title": gettext("People"),
            "back": gettext("Back to the company"),
            "new": gettext("New person"),
            "about": gettext("The people of %(company)s, who may raise its tickets.") % {"company": self.company_name},
            "done create": gettext("Added."),
            "done change": gettext("Saved."),
        }

    def record_id(self, visit: Visit) -> UUID:
        """Return the id of the person in the address."""
        return known_id("user", visit.path["person"])

    async def lines(self, visit: Visit, tx: Tx, after: list[Any] | None, limit: int) -> list[Line]:
        """Return the people by e-mail address."""
        await self.load_company(visit, tx)
        people = await accounts.list_users(
            tx, visit.actor, self.company_id, after=after[0] if after else None, limit=limit
        )
        return [Line(str(user.id), user.name, [user.email], user.email, _state(user)) for user in people]

    async def fields(self, visit: Visit, tx: Tx, record: User | None) -> list[Field]:  # noqa: ARG002
        """Return the fields of a person."""
        roles = {
            Role.CUSTOMER: gettext("Customer: raises and follows the tickets of the company"),
            Role.CUSTOMER_ADMIN: gettext("Customer admin: also manages its people, keys and webhooks"),
        }
        fields = person_fields({role: roles[role] for role in CUSTOMER_ROLES})
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
            **person_values(record),
            "is_active": ["on"] if record.is_active else [],
            "is_confirmed": ["on"] if record.is_confirmed else [],
        }

    def title(self, record: User) -> str:
        """Return the name of a person."""
        return record.name

    async def get(self, visit: Visit, tx: Tx, record_id: UUID) -> User:
        """Return a person."""
        return await accounts.get_user(tx, visit.actor, self.company_id, record_id)

    async def lock(self, visit: Visit, tx: Tx, record_id: UUID) -> User:
        """Lock a person."""
        return await accounts.lock_user(tx, visit.actor, self.company_id, record_id)

    async def create(self, visit: Visit, tx: Tx) -> UUID:
        """Add a person. Its address counts as confirmed: the provider vouches for it."""
        require_identity(visit)
        user = await accounts.add_user(tx, visit.actor, self.company_id, **person_in(visit.form), now=visit.now)
        return user.id

    async def change(self, visit: Visit, tx: Tx, record: User) -> None:
        """Change a person. What gives access needs that the admin proved lately who it is."""
        form = visit.form
        values = {
            **person_in(form), "is_active": form.has("is_active"), "is_confirmed": form.has("is_confirmed"),
        }  # fmt: skip
        gives = (values["is_active"] and not record.is_active) or (values["is_confirmed"] and not record.is_confirmed)
        if gives or (values["role"], values["email"]) != (record.role, record.email):
            require_identity(visit)
        await accounts.change_user(tx, visit.actor, self.company_id, record.id, values, now=visit.now)


def _state(user: User) -> str:
    if not user.is_active:
        return gettext("inactive")
    return "" if user.is_confirmed else gettext("unconfirmed")


COMPANY_PEOPLE_PAGES = company_pages(CompanyPeople, "CompanyPeople", "person")
