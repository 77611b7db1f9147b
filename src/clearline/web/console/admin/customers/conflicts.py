"""Conflicts about addresses: a company claims one that another company has already. An admin decides."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from clearline.accounts import usecases as accounts
from clearline.accounts.conflict_store import AddressConflict
from clearline.errors import Conflict, require_found
from clearline.identity import Scope
from clearline.platform.database.transactions import Tx
from clearline.web.console.admin.section import ADMIN, AdminSection
from clearline.web.fields import known_id
from clearline.web.records.form import Field, Line, Values
from clearline.web.records.section import require_identity
from clearline.web.visit import Page, Visit
from clearline.web.words import full_time, gettext


class Conflicts(AdminSection[AddressConflict]):
    """The section of conflicts. The id of a record is that of the company and that of its user."""

    noun = "addressConflict"
    path = f"{ADMIN}/address-conflicts"
    scope = Scope.ACCOUNTS_WRITE
    template = "console/admin/customers/conflicts.html"
    can_create = False
    can_change = False
    can_delete = False

    @property
    def words(self) -> Mapping[str, str]:
        """The words of the page."""
        return {
            "title": gettext("Address conflicts"),
            "about": gettext(
                "A company added a person whose address another company has. Ask them whose it is, and decide here."
            ),
            "done confirm": gettext("Confirmed. Mail that could be of either company is in quarantine."),
            "done refuse": gettext("Refused. The company cannot invite the address any more."),
        }

    def pages(self) -> list[Page]:
        """Return the pages of the section."""
        return [
            *super().pages(),
            self.action("confirmClaim", "confirm", _confirm, ends=True),
            self.action("refuseClaim", "refuse", _refuse, ends=True),
        ]

    def address(self, record_id: tuple[UUID, UUID]) -> str:
        """Return the address of the page of a conflict."""
        return f"{self.path}/{_segment(*record_id)}"

    def record_id(self, visit: Visit) -> tuple[UUID, UUID]:
        """Return the company and the user in the address."""
        company_id, _dot, user_id = visit.path["id"].partition(".")
        return known_id("address conflict", company_id), known_id("address conflict", user_id)

    async def lines(self, visit: Visit, tx: Tx, after: list[Any] | None, limit: int) -> list[Line]:
        """Return the conflicts by address and company."""
        position = (after[0], UUID(after[1])) if after else None
        listed = await accounts.list_conflicts(tx, visit.actor, after=position, limit=limit)
        return [
            Line(
                _segment(conflict.company.id, conflict.user.id), conflict.user.email,
                [conflict.user.email.lower(), str(conflict.company.id)],
                f"{conflict.company.name} · {full_time(conflict.claimed_at)}",
            )
            for conflict in listed
        ]  # fmt: skip

    async def fields(self, visit: Visit, tx: Tx, record: AddressConflict | None) -> list[Field]:  # noqa: ARG002
        """Return nothing: a conflict is decided."""
        return []

    def values(self, record: AddressConflict) -> Values:  # noqa: ARG002
        """Return nothing: a conflict is decided."""
        return {}

    def title(self, record: AddressConflict) -> str:
        """Return the address."""
        return record.user.email

    async def get(self, visit: Visit, tx: Tx, record_id: tuple[UUID, UUID]) -> AddressConflict:
        """Return a conflict that is not decided."""
        company_id, user_id = record_id
        user = await accounts.get_user(tx, visit.actor, company_id, user_id)
        listed = await accounts.list_conflicts(tx, visit.actor, after=_before(user.email, company_id), limit=1)
        found = next((conflict for conflict in listed if conflict.user.id == user.id), None)
        return require_found(found, "address conflict", _segment(*record_id))

    async def lock(self, visit: Visit, tx: Tx, record_id: tuple[UUID, UUID]) -> AddressConflict:
        """Lock the user of a conflict that is about to be decided.

        Raises:
            Conflict: it is decided already.
        """
        user = await accounts.lock_user(tx, visit.actor, *record_id)
        if user.is_confirmed:
            raise Conflict(f"the address {user.email} is confirmed already")
        return await self.get(visit, tx, record_id)


def _before(email: str, company_id: UUID) -> tuple[str, UUID]:
    """Return the key right before the conflict of an address and a company."""
    return email.lower(), UUID(int=company_id.int - 1)


def _segment(company_id: UUID, user_id: UUID) -> str:
    return f"{company_id}.{user_id}"


async def _confirm(visit: Visit, tx: Tx, conflict: AddressConflict) -> None:
    require_identity(visit)
    await accounts.decide_claim(
        tx, visit.actor, conflict.company.id, conflict.user.id, is_confirmed=True, now=visit.now
    )


async def _refuse(visit: Visit, tx: Tx, conflict: AddressConflict) -> None:
    await accounts.decide_claim(
        tx, visit.actor, conflict.company.id, conflict.user.id, is_confirmed=False, now=visit.now
    )


CONFLICTS = Conflicts()
