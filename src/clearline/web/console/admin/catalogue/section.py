"""What the sections of issue types and of service types share."""

from collections.abc import Sequence
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from clearline.catalogue import entry_usecases as entries
from clearline.catalogue.domain import POSITION_MAX, Entry
from clearline.catalogue.entry_usecases import EntryKind, place_of
from clearline.errors import InvalidInput, RuleCode, Violation
from clearline.identity import Scope
from clearline.platform.database.transactions import Tx
from clearline.web.console.admin.section import AdminSection
from clearline.web.fields import whole_number
from clearline.web.records.form import Choice, Field, Kind, Line, Values
from clearline.web.visit import Form, Visit
from clearline.web.words import gettext

E = TypeVar("E", bound=Entry)


class EntrySection(AdminSection[E]):
    """A section of types. ``kind`` says of what."""

    scope = Scope.DESK_WRITE
    kind: ClassVar[EntryKind[Any]]

    async def lines(self, visit: Visit, tx: Tx, after: list[Any] | None, limit: int) -> list[Line]:
        """Return the types in their order."""
        place = (after[0], after[1]) if after else None
        listed = await entries.list_entries(tx, visit.actor, self.kind, after=place, limit=limit)
        return [
            Line(
                str(entry.id), entry.name, [*place_of(entry)], self.note(entry),
                "" if entry.is_active else gettext("retired"),
            )
            for entry in listed
        ]  # fmt: skip

    def note(self, entry: E) -> str:
        """Return what stands below the name of a type in the list."""
        return entry.customer_name

    def shared_fields(self, record: E | None) -> list[Field]:
        """Return the fields that types of both kinds have: names, help, order."""
        key = Field(
            "key", gettext("Key"), hint=gettext("What programs and tickets have. It stays; by default the name.")
        )
        return [
            Field("name", gettext("Name"), is_required=True, hint=gettext("What your people read.")),
            *([key] if record is None else []),
            Field("customer_name", gettext("Name for customers"), hint=gettext("If empty, the name.")),
            Field("customer_name_de", gettext("Name for customers in German")),
            Field("help", gettext("Help"), hint=gettext("One line below the name, where people choose.")),
            Field("help_de", gettext("Help in German")),
            Field("is_active", gettext("Active"), Kind.CHECK, hint=gettext("Otherwise retired: only tickets keep it.")),
            Field("position", gettext("Position"), Kind.NUMBER, hint=gettext("The lowest comes first.")),
        ]

    def words_field(self, words: Sequence[str]) -> Field:
        """Return the field of the word that Console Connect has for a type."""
        return Field(
            "console_connect", gettext("Word in Console Connect"), Kind.SELECT, [Choice(word, word) for word in words],
            gettext("What programs that speak that API read. A published type has its own word."),
        )  # fmt: skip

    def values(self, record: E) -> Values:
        """Return what the fields of a type have."""
        return {
            "name": [record.name],
            "customer_name": [record.customer_name],
            "customer_name_de": [record.customer_name_de],
            "help": [record.help],
            "help_de": [record.help_de],
            "is_active": ["on"] if record.is_active else [],
            "position": [str(record.position)],
        }

    def title(self, record: E) -> str:
        """Return the name of a type."""
        return record.name

    async def get(self, visit: Visit, tx: Tx, record_id: UUID) -> E:
        """Return a type."""
        entry: E = await entries.get_entry(tx, visit.actor, self.kind, record_id)
        return entry

    async def lock(self, visit: Visit, tx: Tx, record_id: UUID) -> E:
        """Lock a type."""
        entry: E = await entries.lock_entry(tx, visit.actor, self.kind, record_id)
        return entry

    async def create(self, visit: Visit, tx: Tx) -> UUID:
        """Add a type."""
        values, key = self.typed(visit.form), visit.form.get("key").strip()
        entry = await entries.add_entry(tx, visit.actor, self.kind, values, key=key or None, now=visit.now)
        entry_id: UUID = entry.id
        return entry_id

    async def change(self, visit: Visit, tx: Tx, record: E) -> None:
        """Change a type."""
        await entries.change_entry(tx, visit.actor, self.kind, record.id, self.typed(visit.form), now=visit.now)

    async def delete(self, visit: Visit, tx: Tx, record: E) -> None:
        """Delete a type."""
        await entries.delete_entry(tx, visit.actor, self.kind, record.id, now=visit.now)

    def typed(self, form: Form) -> dict[str, Any]:
        """Return the values of a type from its form; without ``position`` when the field is empty."""
        names = ("name", "customer_name", "customer_name_de", "help", "help_de")
        values: dict[str, Any] = {name: form.get(name).strip() for name in names}
        values["is_active"] = form.has("is_active")
        if text := form.get("position").strip():
            values["position"] = whole_number(text, digits=5)
            if values["position"] is None:
                rule = f"must be a whole number from 0 to {POSITION_MAX}"
                raise InvalidInput([Violation("position", rule, RuleCode.RANGE)])
        return values
