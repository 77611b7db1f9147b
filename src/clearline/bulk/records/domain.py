"""Lines of imports of companies, people, services and files: their members, columns and rules.

A member or cell that is missing or empty leaves what an earlier line or a person set.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET, Struct, UnsetType

from clearline.bulk.domain import ImportSubject
from clearline.bulk.import_domain import External, Subject, read_struct
from clearline.errors import InvalidInput, RuleCode, Violation
from clearline.identity import CUSTOMER_ROLES, STAFF_ROLES
from clearline.inventory import import_domain as services
from clearline.inventory.import_domain import EndRow
from clearline.tickets.domain import parse_ticket_number
from clearline.tickets.note_domain import Visibility

_ROLES = (*CUSTOMER_ROLES, *STAFF_ROLES)
_YES, _NO = frozenset({"yes", "true", "1"}), frozenset({"no", "false", "0"})


class ImportedAddresses(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """The addresses for notices of the subjects that are given."""

    incidents: list[str] | UnsetType = UNSET
    maintenance: list[str] | UnsetType = UNSET
    billing: list[str] | UnsetType = UNSET


class ImportedCompany(Struct, frozen=True, omit_defaults=True):
    """A customer. Its ``code`` is its customer number: a company that has it is changed.

    ``parent`` is the name or customer code of a company that is there, or on an earlier line.
    """

    code: str
    name: str
    language: str | UnsetType | None = UNSET
    tier: str | UnsetType | None = UNSET
    time_zone: str | UnsetType | None = UNSET
    notice_addresses: ImportedAddresses | UnsetType = UNSET
    parent: str | UnsetType | None = UNSET
    shares_with_parent: bool | UnsetType = UNSET
    fields: dict[str, Any] | UnsetType | None = UNSET


class ImportedPerson(Struct, frozen=True, omit_defaults=True):
    """A person of a company, which is a name or customer code. A person of the company with the address is changed."""

    company: str
    email: str
    name: str
    phone: str | UnsetType = UNSET
    role: str | UnsetType = UNSET
    language: str | UnsetType | None = UNSET
    is_active: bool | UnsetType = UNSET


class ImportedService(Struct, frozen=True, omit_defaults=True):
    """A service of a company, which is a name or customer code. A service of the company with the id is changed."""

    company: str
    id: str
    type: str
    label: str
    state: str | UnsetType = UNSET
    rate: int | str | UnsetType | None = UNSET
    tier: str | UnsetType | None = UNSET
    is_protected: bool | UnsetType | None = UNSET
    installed_on: str | UnsetType | None = UNSET
    customer_label: str | UnsetType | None = UNSET
    carrier: str | UnsetType | None = UNSET
    carrier_circuit_id: str | UnsetType | None = UNSET
    a_end: EndRow | UnsetType | None = UNSET
    z_end: EndRow | UnsetType | None = UNSET
    fields: dict[str, Any] | UnsetType | None = UNSET


def given(line: Struct, *without: str) -> dict[str, Any]:
    """Return what a line says, without some members."""
    pairs = ((name, getattr(line, name)) for name in line.__struct_fields__)
    return {name: value for name, value in pairs if value is not UNSET and name not in without}


def _company(value: Any) -> ImportedCompany:
    return read_struct(value, ImportedCompany, _WRITTEN)


def _person(value: Any) -> ImportedPerson:
    person = read_struct(value, ImportedPerson, _WRITTEN)
    if person.role is not UNSET and person.role not in _ROLES:
        raise InvalidInput([Violation("role", "must be one of " + ", ".join(_ROLES), RuleCode.CHOICE)])
    return person


def _service(value: Any) -> ImportedService:
    service = read_struct(value, ImportedService, _WRITTEN)
    services.json_values(msgspec.to_builtins(given(service, "company")))  # refuses what is no service
    return service


def service_values(line: ImportedService) -> dict[str, Any]:
    """Return the values that a line gives a service."""
    return services.json_values(msgspec.to_builtins(given(line, "company")))


_WRITTEN = frozenset(
    {"company_id", "is_provider", "deactivated_at", "rate_text", "is_confirmed", "is_available", "parent_id"}
)
"""The members that the house API writes and an import ignores."""


def _flag(name: str, cell: str) -> Any:
    if name not in {"is_active", "is_protected", "shares_with_parent"}:
        return cell
    return True if cell.lower() in _YES else False if cell.lower() in _NO else cell  # any other is refused by its type


def _company_cell(name: str, cell: str) -> Any:
    if name == "shares_with_parent":
        return _flag(name, cell)
    return cell.split() if name in _ADDRESSES else cell


_ADDRESSES = {f"{subject}_addresses": subject for subject in ImportedAddresses.__struct_fields__}
_ENDS: Mapping[str, tuple[str, str]] = {name: (f"{name[0]}_end", name[2:]) for name in services.END_COLUMNS}


class ListedFile(Struct, frozen=True, omit_defaults=True):
    """A file of another desk: its path, and its ticket, by number or by its id in the other desk and its company."""

    path: str
    ticket: str | None = None
    company: str | None = None
    external: External | None = None
    name: str | None = None
    visibility: Visibility = Visibility.PUBLIC
    author: str = "Import"


def _file(value: Any) -> ListedFile:
    listed = read_struct(value, ListedFile, frozenset(), {"visibility": tuple(Visibility)})
    if (listed.ticket is None) == (listed.company is None or listed.external is None):
        rule = "must name its number, or company and external id, but not both"
        raise InvalidInput([Violation("ticket", rule, RuleCode.REQUIRED)])
    if listed.ticket is not None and parse_ticket_number(listed.ticket) is None:
        raise InvalidInput([Violation("ticket", "must be INC and twelve digits", RuleCode.FORMAT)])
    return listed


class ImportedFile(Struct, frozen=True, omit_defaults=True):
    """A listed file that is ready to be attached to the ticket of a number.

    Its content is stored under its id. It has none if the ticket has the file already.
    """

    ticket: int
    name: str
    media_type: str
    visibility: Visibility
    author: str
    size: int
    sha256: str
    content: UUID | None = None


SUBJECTS: dict[ImportSubject, Subject] = {
    ImportSubject.COMPANIES: Subject(
        ("code", "name", "language", "tier", "time_zone", *_ADDRESSES, "parent", "shares_with_parent"),
        _company,
        {column: ("notice_addresses", subject) for column, subject in _ADDRESSES.items()},
        _company_cell,
        _WRITTEN,
        services.OWN_FIELD,
    ),
    ImportSubject.PEOPLE: Subject(
        ("company", "email", "name", "phone", "role", "language", "is_active"), _person, {}, _flag, _WRITTEN
    ),
    ImportSubject.SERVICES: Subject(
        ("company", *services.COLUMNS), _service, _ENDS, _flag, _WRITTEN, services.OWN_FIELD
    ),
    ImportSubject.FILES: Subject(
        ("path", "ticket", "company", "external_system", "external_id", "name", "visibility", "author"),
        _file,
        {"external_system": ("external", "system"), "external_id": ("external", "id")},
        lambda _name, cell: cell,
        frozenset(),
    ),
}
