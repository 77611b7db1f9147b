"""Own fields of tickets, services and companies."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from clearline.fields import usecases as own_fields
from clearline.fields.domain import (
    RANGED,
    WITH_OPTIONS,
    FieldAudience,
    FieldType,
    Option,
    RecordKind,
    RefersTo,
    Required,
)
from clearline.fields.domain import Field as OwnField
from clearline.identity import Scope
from clearline.platform.database.transactions import Tx
from clearline.web.console.admin.section import ADMIN, AdminSection
from clearline.web.fields import member_in, optional_member_in
from clearline.web.records.form import Choice, Field, Kind, Line, Values
from clearline.web.visit import Form, Page, Visit
from clearline.web.words import gettext

_RETIRED = "retired"


class OwnFields(AdminSection[OwnField]):
    """The section of own fields."""

    noun = "field"
    path = f"{ADMIN}/fields"
    scope = Scope.DESK_WRITE
    template = "console/admin/fields.html"
    can_delete = False

    @property
    def words(self) -> Mapping[str, str]:
        """The words of the page."""
        return {
            "title": gettext("Fields"),
            "new": gettext("New field"),
            "about": gettext("What you keep of tickets, services and companies beyond what Clearline knows."),
            "done create": gettext("Added."),
            "done change": gettext("Saved."),
            "done delete": gettext("Deleted. You can restore it for a day."),
            "done restore": gettext("Restored, with all values."),
        }

    def pages(self) -> list[Page]:
        """Return the pages and forms of the section."""
        return [
            *super().pages(),
            self.action("deleteField", "delete", self.delete),
            self.action("restoreField", "restore", self.restore),
        ]

    async def lines(self, visit: Visit, tx: Tx, after: list[Any] | None, limit: int) -> list[Line]:
        """Return the fields by record and place."""
        place = own_fields.place_of_keys(*after) if after else None
        listed = await own_fields.list_fields(tx, visit.actor, after=place, limit=limit)
        kinds = _kinds()
        return [
            Line(
                str(field.id), field.label, [*own_fields.place_of(field)],
                f"{kinds[field.record]} · {_types()[field.type]} · {field.key}", _state(field),
            )
            for field in listed
        ]  # fmt: skip

    async def fields(self, visit: Visit, tx: Tx, record: OwnField | None) -> list[Field]:  # noqa: ARG002
        """Return the fields of the form."""
        who = [
            Choice(FieldAudience.STAFF, gettext("Your people")),
            Choice(FieldAudience.CUSTOMER, gettext("Customers, too")),
        ]
        fixed = [
            Field("record", gettext("Of"), Kind.SELECT, [Choice(kind, word) for kind, word in _kinds().items()]),
            Field(
                "key", gettext("Key"), is_required=True,
                hint=gettext("Its name in the API, in files and searches, such as circuit_ref. It never changes."),
            ),
        ]  # fmt: skip
        fields = [
            Field("label", gettext("Label"), is_required=True),
            Field("label_de", gettext("Label in German")),
            Field("help", gettext("Help")),
            Field("help_de", gettext("Help in German")),
            Field(
                "type", gettext("Type"), Kind.SELECT, [Choice(kind, word) for kind, word in _types().items()],
                hint=gettext("It cannot change while there are values."),
            ),
            Field(
                "options", gettext("Options"), Kind.AREA,
                hint=gettext("Of a choice, one a line: key = label | German label | retired"),
            ),
            Field(
                "refers_to", gettext("Refers to"), Kind.SELECT,
                [
                    Choice("", gettext("Nothing")),
                    Choice(RefersTo.SERVICE, gettext("A service")),
                    Choice(RefersTo.COMPANY, gettext("A company")),
                    Choice(RefersTo.USER, gettext("A person")),
                ],
            ),
            Field(
                "required", gettext("Required"), Kind.SELECT,
                [
                    Choice(Required.NEVER, gettext("Never")),
                    Choice(Required.TO_RAISE, gettext("To raise a ticket")),
                    Choice(Required.TO_RESOLVE, gettext("To resolve a ticket")),
                ],
            ),
            Field("visible_to", gettext("Seen by"), Kind.SELECT, who),
            Field("edited_by", gettext("Set by"), Kind.SELECT, who),
            Field("default", gettext("Default"), hint=gettext("Of a new ticket without a value.")),
            Field(
                "minimum", gettext("Minimum"),
                hint=gettext("The least number or time; of a text the characters, of several options how many."),
            ),
            Field("maximum", gettext("Maximum")),
            Field("pattern", gettext("Pattern"), hint=gettext("A regular expression that all of a text must match.")),
            Field("place", gettext("Place"), Kind.NUMBER, hint=gettext("The lowest is shown first.")),
            Field("active", gettext("Takes new values"), Kind.CHECK),
        ]  # fmt: skip
        return fields if record is not None else [*fixed, *fields]

    def values(self, record: OwnField) -> Values:
        """Return what the fields of the form have."""
        return {
            "label": [record.label],
            "label_de": [record.label_de],
            "help": [record.help],
            "help_de": [record.help_de],
            "type": [record.type],
            "options": ["\n".join(_option_line(option) for option in record.options)],
            "refers_to": [record.refers_to or ""],
            "required": [record.required],
            "visible_to": [record.visible_to],
            "edited_by": [record.edited_by],
            "default": [_text(record.default)],
            "minimum": [_text(record.minimum)],
            "maximum": [_text(record.maximum)],
            "pattern": [record.pattern or ""],
            "place": [str(record.place)],
            "active": ["on"] if record.active else [],
        }

    def defaults(self, visit: Visit) -> Values:  # noqa: ARG002
        """Return what a new field has."""
        return {
            "record": [RecordKind.TICKET], "type": [FieldType.TEXT], "required": [Required.NEVER],
            "visible_to": [FieldAudience.STAFF], "edited_by": [FieldAudience.STAFF], "active": ["on"],
        }  # fmt: skip

    def title(self, record: OwnField) -> str:
        """Return the label of a field."""
        return record.label

    async def get(self, visit: Visit, tx: Tx, record_id: UUID) -> OwnField:
        """Return a field."""
        return await own_fields.get_field(tx, visit.actor, record_id)

    async def lock(self, visit: Visit, tx: Tx, record_id: UUID) -> OwnField:
        """Lock a field."""
        return await own_fields.lock_field(tx, visit.actor, record_id)

    async def more(self, visit: Visit, tx: Tx, record: OwnField) -> dict[str, object]:
        """Return how many values there are."""
        return {"count": await own_fields.count_values(tx, visit.actor, record)}

    async def create(self, visit: Visit, tx: Tx) -> UUID:
        """Add a field."""
        form = visit.form
        values = {"record": member_in(RecordKind, form, "record"), "key": form.get("key").strip(), **_values(form)}
        return (await own_fields.add_field(tx, visit.actor, values, now=visit.now)).id

    async def change(self, visit: Visit, tx: Tx, record: OwnField) -> None:
        """Change a field."""
        await own_fields.change_field(tx, visit.actor, record.id, _values(visit.form), now=visit.now)

    async def delete(self, visit: Visit, tx: Tx, record: OwnField) -> None:
        """Delete a field with as many values as the form says."""
        text = visit.form.get("confirm")
        confirmed = int(text) if text.isascii() and text.isdigit() and len(text) < _DIGITS else 0
        await own_fields.delete_field(tx, visit.actor, record.id, confirmed=confirmed, now=visit.now)

    async def restore(self, visit: Visit, tx: Tx, record: OwnField) -> None:
        """Undo the deletion of a field."""
        await own_fields.restore_field(tx, visit.actor, record.id, now=visit.now)


_DIGITS = 16


def _kinds() -> dict[str, str]:
    return {
        RecordKind.TICKET: gettext("Tickets"),
        RecordKind.SERVICE: gettext("Services"),
        RecordKind.COMPANY: gettext("Companies"),
    }


def _types() -> dict[str, str]:
    return {
        FieldType.TEXT: gettext("Text"),
        FieldType.LONG_TEXT: gettext("Long text"),
        FieldType.INTEGER: gettext("Whole number"),
        FieldType.DECIMAL: gettext("Decimal number"),
        FieldType.BOOLEAN: gettext("Yes or no"),
        FieldType.DATE: gettext("Date"),
        FieldType.DATETIME: gettext("Date and time"),
        FieldType.CHOICE: gettext("One of several options"),
        FieldType.CHOICES: gettext("Several options"),
        FieldType.URL: gettext("Web address"),
        FieldType.EMAIL: gettext("E-mail address"),
        FieldType.IP: gettext("IP address or prefix"),
        FieldType.PHONE: gettext("Phone number"),
        FieldType.REFERENCE: gettext("Reference"),
    }


def _state(field: OwnField) -> str:
    if field.deleted_at is not None:
        return gettext("deleted")
    return "" if field.active else gettext("retired")


def _option_line(option: Option) -> str:
    parts = [f"{option.key} = {option.label}", option.label_de]
    line = " | ".join(parts if option.label_de or not option.active else parts[:1])
    return line if option.active else f"{line} | {_RETIRED}"


def _options(text: str) -> tuple[Option, ...]:
    options = []
    for line in text.splitlines():
        if not line.strip():
            continue
        key, _, rest = line.partition("=")
        label, german, state, *_others = [part.strip() for part in rest.split("|")] + ["", "", ""]
        options.append(Option(key.strip(), label or key.strip(), german, active=state != _RETIRED))
    return tuple(options)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return " ".join(value) if isinstance(value, list) else "" if value is None else str(value)


def _limit(kind: FieldType, text: str) -> Any:
    """Return a limit as the type has it; a text that is none is refused by the use case."""
    if not text or (kind in RANGED and kind in {FieldType.DATE, FieldType.DATETIME}):
        return text or None
    try:
        return float(text) if "." in text else int(text)
    except ValueError:
        return text


def _default(kind: FieldType, text: str) -> Any:
    if not text:
        return None
    if kind is FieldType.CHOICES:
        return text.replace(",", " ").split()
    if kind is FieldType.BOOLEAN:
        return {"true": True, "false": False}.get(text.lower(), text)
    return _limit(kind, text) if kind in {FieldType.INTEGER, FieldType.DECIMAL} else text


def _values(form: Form) -> dict[str, Any]:
    kind = member_in(FieldType, form, "type")
    place = form.get("place").strip()
    return {
        "label": form.get("label").strip(),
        "label_de": form.get("label_de").strip(),
        "help": form.get("help").strip(),
        "help_de": form.get("help_de").strip(),
        "type": kind,
        "options": _options(form.get("options")) if kind in WITH_OPTIONS else (),
        "refers_to": optional_member_in(RefersTo, form, "refers_to") if kind is FieldType.REFERENCE else None,
        "required": member_in(Required, form, "required"),
        "visible_to": member_in(FieldAudience, form, "visible_to"),
        "edited_by": member_in(FieldAudience, form, "edited_by"),
        "default": _default(kind, form.get("default").strip()),
        "minimum": _limit(kind, form.get("minimum").strip()),
        "maximum": _limit(kind, form.get("maximum").strip()),
        "pattern": form.get("pattern").strip() or None,
        "active": form.has("active"),
        **({"place": int(place)} if place.isascii() and place.isdigit() and len(place) < 7 else {}),
    }


FIELDS = OwnFields()
