"""Addresses that get no mail: after a bounce, or because an admin decided so."""

from collections.abc import Mapping
from typing import Any

from clearline.identity import Scope
from clearline.mail.outbound import usecases as outbound_mail
from clearline.mail.outbound.domain import Suppression, SuppressionReason
from clearline.platform.database.transactions import Tx
from clearline.web.console.admin.section import ADMIN, AdminSection
from clearline.web.fields import from_segment, to_segment
from clearline.web.records.form import Field, Kind, Line, Values
from clearline.web.visit import Visit
from clearline.web.words import full_time, gettext


class Suppressions(AdminSection[Suppression]):
    """The section of suppressed addresses. The id of a record is its address."""

    noun = "suppression"
    path = f"{ADMIN}/suppressions"
    scope = Scope.DESK_WRITE
    template = "console/admin/mail/suppressions.html"
    can_change = False

    @property
    def words(self) -> Mapping[str, str]:
        """The words of the page."""
        return {
            "title": gettext("Suppressed addresses"),
            "new": gettext("New address"),
            "about": gettext("These addresses get no mail: a mail to them came back, or an admin decided so."),
            "delete": gettext("End the suppression"),
            "about delete": gettext("The address gets mail again. What failed meanwhile is not sent: retry it."),
            "save new": gettext("Suppress"),
            "done create": gettext("Suppressed. Mail that waited for the address has failed."),
            "done delete": gettext("The address gets mail again."),
        }

    def address(self, record_id: str) -> str:
        """Return the address of the page of a suppressed address."""
        return f"{self.path}/{to_segment(record_id)}"

    def record_id(self, visit: Visit) -> str:
        """Return the suppressed address of the page."""
        return from_segment(self.noun, visit.path["id"])

    async def lines(self, visit: Visit, tx: Tx, after: list[Any] | None, limit: int) -> list[Line]:
        """Return the suppressed addresses in alphabetical order."""
        listed = await outbound_mail.list_suppressions(tx, visit.actor, after=after[0] if after else None, limit=limit)
        return [
            Line(
                to_segment(suppression.address), suppression.address, [suppression.address],
                f"{_reason(suppression)} · {full_time(suppression.created_at)}",
            )
            for suppression in listed
        ]  # fmt: skip

    async def fields(self, visit: Visit, tx: Tx, record: Suppression | None) -> list[Field]:  # noqa: ARG002
        """Return the fields of a new suppression."""
        if record is not None:
            return []
        return [
            Field("address", gettext("Address"), Kind.EMAIL, is_required=True),
            Field("detail", gettext("Reason"), hint=gettext("For colleagues who look it up.")),
        ]

    def values(self, record: Suppression) -> Values:  # noqa: ARG002
        """Return nothing: a suppression cannot be changed."""
        return {}

    def title(self, record: Suppression) -> str:
        """Return the address."""
        return record.address

    async def more(self, visit: Visit, tx: Tx, record: Suppression) -> dict[str, object]:  # noqa: ARG002
        """Return why the address gets no mail, in words."""
        return {"reason": _reason(record)}

    async def get(self, visit: Visit, tx: Tx, record_id: str) -> Suppression:
        """Return a suppression."""
        return await outbound_mail.get_suppression(tx, visit.actor, record_id)

    async def lock(self, visit: Visit, tx: Tx, record_id: str) -> Suppression:
        """Return a suppression that is about to be deleted."""
        return await outbound_mail.lock_suppression(tx, visit.actor, record_id)

    async def create(self, visit: Visit, tx: Tx) -> str:
        """Suppress an address."""
        address, detail = visit.form.get("address").strip(), visit.form.get("detail").strip()
        return (await outbound_mail.suppress(tx, visit.actor, address, detail, now=visit.now)).address

    async def delete(self, visit: Visit, tx: Tx, record: Suppression) -> None:
        """Send mail to the address again."""
        await outbound_mail.unsuppress(tx, visit.actor, record.address, now=visit.now)


def _reason(suppression: Suppression) -> str:
    if suppression.reason is SuppressionReason.BOUNCE:
        return gettext("A mail to it came back")
    return gettext("An admin decided so")


SUPPRESSIONS = Suppressions()
