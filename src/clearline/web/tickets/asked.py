"""What a form of a new ticket asks for in pages: its fields, by what was typed, and the people in them."""

import re
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any
from uuid import uuid4

from msgspec import Struct
from msgspec.structs import replace

from clearline.catalogue.domain import IssueEntry
from clearline.fields.domain import Definitions, FieldAudience, RecordKind, Required
from clearline.fields.reference_usecases import Choices
from clearline.fields.usecases import definitions
from clearline.fields.value_domain import with_defaults
from clearline.platform.database.transactions import Tx
from clearline.tickets.contact import ContactRole, Person, PersonKind
from clearline.tickets.faults.domain import SiteAccess
from clearline.tickets.forms import usecases as forms
from clearline.tickets.forms.domain import (
    ALWAYS,
    CHOICES,
    MEMBERS,
    NO_ID,
    OWN,
    Form,
    FormField,
    canonical_values,
    defaults_of,
    settable,
    shown_fields,
)
from clearline.web.tickets.own_fields import OwnInput, given_in, inputs
from clearline.web.visit import Form as Typed

ASKED = "asked"
"""The field of a page that names the fields which it asked for."""
CONTACT_FIELDS = ("contact_name", "contact_email", "contact_phone")
CONTACT_ROLE = "contact_role"
"""The input of the roles of contacts: each box that is checked says the row, from 0, and the role: ``1.technical``."""
_INPUTS: Mapping[str, tuple[str, ...]] = {
    "testing_consent": ("testing_consent", "testing_hours"),
    "site_access": tuple(f"site_access_{part}" for part in SiteAccess.__struct_fields__),
    "asked.severity": ("severity",),
    "asked.priority": ("priority",),
    "contacts": (*CONTACT_FIELDS, CONTACT_ROLE),
}
"""The inputs of those fields that are not one of the same name."""
RATINGS = ("asked.severity", "asked.priority")
"""Where the default form counts, each side has these at their own place."""
_ANSWERS = {"yes": True, "no": False}
_ADDRESS = re.compile(r"[^\s,;]+")


def _(text: str) -> str:
    """Mark a text for translation; templates translate it."""
    return text


_GROUPS = (
    (
        _("How the fault shows: impact, end, paths"),
        ("observed_impact", "service_end", "path_state", "detected_by", "intermittent"),
    ),
    (_("What we may do: tests, technician, site access"), ("testing_consent", "dispatch_allowed", "site_access")),
    (_("Who else: contacts, copies by mail"), ("contacts", "cc")),
)
"""The groups of the default form, by their headings; its other fields stand before them."""


class ContactRow(Struct, frozen=True):
    """A row of the other contacts, as it was typed."""

    name: str = ""
    email: str = ""
    phone: str = ""
    roles: tuple[ContactRole, ...] = ()


class AskedFields(Struct, frozen=True):
    """The fields that a page asks for, in their order; on the ``triggers`` others depend.

    ``asks_by_type`` is whether another type of issue may ask for others. ``kept`` is what was typed into fields that
    are not shown now: it comes back with them.
    """

    names: Sequence[str]
    required: frozenset[str]
    triggers: frozenset[str]
    is_default: bool
    asks_by_type: bool
    own: Mapping[str, OwnInput]
    kept: Sequence[tuple[str, str]]

    @property
    def groups(self) -> list[tuple[str, list[str], list[str]]]:
        """The groups of the default form: the heading, the fields, and their inputs. Another form has none."""
        if not self.is_default:
            return []
        shown = [(heading, [name for name in names if name in self.names]) for heading, names in _GROUPS]
        return [(heading, names, [each for name in names for each in inputs_of(name)]) for heading, names in shown]

    @property
    def first(self) -> list[str]:
        """The fields before the groups."""
        grouped = {name for _heading, names, _inputs in self.groups for name in names}
        return [name for name in self.names if name not in grouped and not (self.is_default and name in RATINGS)]

    def adds_to(self, typed: Typed) -> bool:
        """Return whether fields are asked for that the page of what was typed did not show."""
        return typed.has(ASKED) and not {*self.names} <= {*typed.get(ASKED).split()}


def inputs_of(name: str) -> tuple[str, ...]:
    """Return the names of the inputs of a field."""
    return (name, f"{name}.shown") if name.startswith(OWN) else _INPUTS.get(name, (name,))


async def asked_fields(
    tx: Tx, typed: Typed, issues: Sequence[IssueEntry], audience: FieldAudience, choices: Choices
) -> AskedFields:
    """Return what the form of the chosen type of issue asks for; ``choices`` are what references can be."""
    known, stored = await definitions(tx), await forms.current_forms(tx)
    chosen = typed.get("issue_type")
    asks_by_type = any(stored.of(issue.key, audience) for issue in issues)
    if asks_by_type and chosen not in {issue.key for issue in issues}:
        form = Form(uuid4(), chosen, audience, tuple(FormField(name, is_required=True) for name in ALWAYS))
    else:
        form = await forms.form_of(tx, chosen, audience)
    return _asked(form, known, typed, choices, asks_by_type=asks_by_type)


def _asked(form: Form, known: Definitions, typed: Typed, choices: Choices, *, asks_by_type: bool) -> AskedFields:
    for_staff = form.audience is FieldAudience.STAFF
    own = settable(known, form.audience)
    given = given_in(known, RecordKind.TICKET, typed, {}, for_staff=for_staff)
    has = _built_in_values(typed) | {f"{OWN}{key}": value for key, value in canonical_values(own, given).items()}
    shown = shown_fields(form, has, defaults_of(own))
    hidden = {each for field in form.fields if field.name not in shown for each in inputs_of(field.name)}
    required = {
        name
        for name, field in shown.items()
        if field.is_required or (name in own and own[name].required is Required.TO_RAISE)
    }
    drawn = {each.name: each for each in _drawn(known, typed, choices, for_staff=for_staff)}
    return AskedFields(
        tuple(shown),
        frozenset(required),
        frozenset(field.when.field for field in form.fields if field.when is not None),
        form.id == NO_ID,
        asks_by_type,
        {name: replace(drawn[name], is_required=name in required) for name in shown if name in drawn},
        [pair for pair in typed.pairs if pair[0] in hidden],
    )


def _drawn(known: Definitions, typed: Typed, choices: Choices, *, for_staff: bool) -> list[OwnInput]:
    values = with_defaults(known, RecordKind.TICKET, {})
    return inputs(known, RecordKind.TICKET, values, typed, for_staff=for_staff, choices=choices)


def _built_in_values(typed: Typed) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name in MEMBERS:
        text = "".join("".join(typed.all(each)) for each in inputs_of(name) if each != CONTACT_ROLE).strip()
        if name in CHOICES:
            text = typed.get(inputs_of(name)[0])
        if text:
            values[name] = _ANSWERS.get(text) if name == "dispatch_allowed" else text
    return values


def typed_into(asked: AskedFields, typed: Typed) -> Typed:
    """Return what was typed, without the fields that are not asked for."""
    others = {each for name in MEMBERS if name not in asked.names for each in inputs_of(name)}
    return Typed([
        pair
        for pair in typed.pairs
        if pair[0] not in others and not (pair[0].startswith(OWN) and pair[0].removesuffix(".shown") not in asked.names)
    ])  # fmt: skip


def contact_rows(typed: Typed) -> list[ContactRow]:
    """Return the contacts that were typed, with an empty row for one more."""
    checked = [box.partition(".") for box in typed.all(CONTACT_ROLE)]
    columns = zip_longest(*(typed.all(name) for name in CONTACT_FIELDS), fillvalue="")
    rows = [
        ContactRow(name, email, phone, tuple(role for role in ContactRole if (str(place), ".", role.value) in checked))
        for place, (name, email, phone) in enumerate(columns)
    ]
    return [*(row for row in rows if (row.name + row.email + row.phone).strip()), ContactRow()]


def people_in(typed: Typed) -> dict[str, list[Person]]:
    """Return the contacts and the copies that were typed, by these names; those that are empty are left out."""
    contacts = [
        Person(PersonKind.CONTACT, row.email.strip(), row.name.strip(), row.phone.strip(), row.roles)
        for row in contact_rows(typed)[:-1]
    ]
    copies = [Person(PersonKind.CC, address) for address in _ADDRESS.findall(typed.get("cc"))]
    return {name: people for name, people in (("contacts", contacts), ("cc", copies)) if people}
