"""The people of a customer: who raises its tickets, in the portal, by the API, by mail and as their contact."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from clearline.accounts import usecases as accounts
from clearline.accounts.domain import account_limits
from clearline.identity import CUSTOMER_ROLES, Role, User
from clearline.platform.database.transactions import Tx
from clearline.sign_in import session_usecases as sessions
from clearline.web.records.company import CompanySection
from clearline.web.records.form import Field, Line, Values
from clearline.web.records.person import person_fields, person_in, person_values
from clearline.web.records.section import require_identity
from clearline.web.visit import Form, Visit
from clearline.web.words import gettext
from clearline.wires.http.call import Answer


class CompanyPeople(CompanySection[User]):
    """The people of one customer."""

    noun = "companyPerson"
    part = "people"
    parameter = "person"
    kind = "user"
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
        is_own = record is not None and visit.actor.user is not None and visit.actor.user.id == record.id
        about = gettext("This is your own role: without it you no longer manage the company.") if is_own else ""
        return person_fields({role: roles[role] for role in CUSTOMER_ROLES}, about)

    def values(self, record: User) -> Values:
        """Return what the fields of a person have."""
        return person_values(record)

    def defaults(self, visit: Visit) -> Values:  # noqa: ARG002
        """Return what a new person has."""
        return {"role": [Role.CUSTOMER]}

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
        """Add a person. Its address is confirmed by the provider's word or a mail domain, or else by an invitation."""
        require_identity(visit)
        return (await self.add(visit, tx)).id

    async def add(self, visit: Visit, tx: Tx) -> User:
        """Add the person of the form."""
        return await accounts.add_user(
            tx, visit.actor, self.company_id, **person_in(visit.form),
            limits=account_limits(visit.services.settings), now=visit.now,
        )  # fmt: skip

    def values_in(self, form: Form) -> dict[str, Any]:
        """Return the values of a person in a form."""
        return person_in(form)

    async def change(self, visit: Visit, tx: Tx, record: User) -> None:
        """Change a person."""
        await self.set(visit, tx, record, self.values_in(visit.form))

    async def set(self, visit: Visit, tx: Tx, record: User, values: Mapping[str, Any]) -> None:
        """Set some values of a person. What gives access needs that the admin proved lately who it is."""
        gives = any(values.get(name) and not getattr(record, name) for name in ("is_active", "is_confirmed"))
        if gives or any(values.get(name, getattr(record, name)) != getattr(record, name) for name in ("role", "email")):
            require_identity(visit)
        await accounts.change_user(
            tx, visit.actor, self.company_id, record.id, values,
            limits=account_limits(visit.services.settings), now=visit.now,
        )  # fmt: skip

    async def sign_out(self, visit: Visit) -> Answer:
        """End all sessions of the person."""
        return await self.handle_action(visit, "sign-out", self._sign_out)

    async def _sign_out(self, visit: Visit, tx: Tx, user: User) -> None:
        await sessions.revoke_sessions_of(tx, visit.actor, self.company_id, user.id, now=visit.now)


def _state(user: User) -> str:
    if not user.is_active:
        return gettext("inactive")
    return "" if user.is_confirmed else gettext("unconfirmed")
