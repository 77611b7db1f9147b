"""The tiers of companies and services, and the field in which one is chosen."""

from collections.abc import Mapping
from typing import Any

from clearline.accounts.tiers import usecases as tiers
from clearline.accounts.tiers.domain import Tier
from clearline.errors import InvalidInput, RuleCode, Violation
from clearline.identity import Scope
from clearline.platform.database.transactions import Tx
from clearline.web.console.admin.section import ADMIN, AdminSection
from clearline.web.records.form import Choice, Field, Kind, Line, Values
from clearline.web.visit import Form, Visit
from clearline.web.words import gettext


async def tier_field(visit: Visit, tx: Tx, present: str | None) -> Field:
    """Return the field of a tier: those that can be set, and the present one if it is retired."""
    listed = await tiers.list_tiers(tx, visit.actor)
    choices = [Choice(tier.key, tier.label) for tier in listed if tier.is_active or tier.key == present]
    return Field("tier", gettext("Tier"), Kind.SELECT, [Choice("", gettext("none")), *choices])


class Tiers(AdminSection[Tier]):
    """The section of tiers. The id of a record is the key of the tier."""

    noun = "tier"
    path = f"{ADMIN}/tiers"
    scope = Scope.ACCOUNTS_WRITE
    can_delete = False

    @property
    def words(self) -> Mapping[str, str]:
        """The words of the page."""
        return {
            "title": gettext("Tiers"),
            "new": gettext("New tier"),
            "about": gettext(
                "How you class customers and services. A tier that is used is retired, and never deleted."
            ),
            "done create": gettext("Added."),
            "done change": gettext("Saved."),
        }

    def record_id(self, visit: Visit) -> str:
        """Return the key of the tier in the address."""
        return visit.path["id"]

    async def lines(self, visit: Visit, tx: Tx, after: list[Any] | None, limit: int) -> list[Line]:
        """Return the tiers by position."""
        position = (int(after[0]), str(after[1])) if after else None
        listed = await tiers.list_tiers(tx, visit.actor, after=position, limit=limit)
        return [
            Line(
                tier.key, tier.label, [tier.position, tier.key], tier.key, "" if tier.is_active else gettext("retired")
            )
            for tier in listed
        ]

    async def fields(self, visit: Visit, tx: Tx, record: Tier | None) -> list[Field]:  # noqa: ARG002
        """Return the fields of a tier. Its key stays."""
        key = Field("key", gettext("Key"), is_required=True, hint=gettext("Lower-case letters and digits; it stays."))
        return [
            *([key] if record is None else []),
            Field("label", gettext("Label"), is_required=True),
            Field("help", gettext("When to choose it")),
            Field("position", gettext("Place in the list"), Kind.NUMBER),
            *([] if record is None else [Field("is_active", gettext("Can be set"), Kind.CHECK)]),
        ]

    def values(self, record: Tier) -> Values:
        """Return what the fields of a tier have."""
        return {
            "label": [record.label], "help": [record.help], "position": [str(record.position)],
            "is_active": ["on"] if record.is_active else [],
        }  # fmt: skip

    def title(self, record: Tier) -> str:
        """Return the label of a tier."""
        return record.label

    async def get(self, visit: Visit, tx: Tx, record_id: str) -> Tier:
        """Return a tier."""
        return await tiers.get_tier(tx, visit.actor, record_id)

    async def lock(self, visit: Visit, tx: Tx, record_id: str) -> Tier:
        """Lock a tier."""
        return await tiers.lock_tier(tx, visit.actor, record_id)

    async def create(self, visit: Visit, tx: Tx) -> str:
        """Add a tier."""
        form = visit.form
        tier = await tiers.add_tier(
            tx, visit.actor, form.get("key").strip(), form.get("label").strip(), help_text=form.get("help").strip(),
            position=_position(form), now=visit.now,
        )  # fmt: skip
        return tier.key

    async def change(self, visit: Visit, tx: Tx, record: Tier) -> None:
        """Change or retire a tier."""
        form, position = visit.form, _position(visit.form)
        values = {
            "label": form.get("label").strip(), "help": form.get("help").strip(), "is_active": form.has("is_active"),
            "position": record.position if position is None else position,
        }  # fmt: skip
        await tiers.change_tier(tx, visit.actor, record.key, values, now=visit.now)


def _position(form: Form) -> int | None:
    text = form.get("position").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 6):
        raise InvalidInput([Violation("position", "must be a whole number", RuleCode.TYPE)])
    return int(text)


TIERS = Tiers()
