"""The entries of the catalogue: the types of issues and services that tickets are about."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from clearline.catalogue.assessment import Assessment, Impact, Priority, Severity
from clearline.catalogue.published import IssueType, ServiceType
from clearline.errors import RuleCode, Violation
from clearline.language.languages import ENGLISH
from clearline.text import check_text, fold

KEY_MAX = 64
NAME_MAX = 64
HELP_MAX = 255
POSITION_MAX = 9999
POSITION_STEP = 10
"""How far after the last entry a new one comes, so that there is room between them."""
_NOT_IN_KEYS = re.compile(r"[,\"\x00-\x1f\x7f]|^\s|\s$|\s\s")


CLOSURE_FACTS = ("cause", "action", "responsibility", "fault_found", "root_cause", "resolution")
"""The facts of a closure, which an issue type can require before a ticket is resolved."""


class Entry(Struct, frozen=True, kw_only=True):
    """A type of issues or services.

    ``key`` is what tickets, rules and the house API have: it never changes. ``name`` is what the provider's people
    read, and ``customer_name`` what customers do, if it is not empty; ``customer_name_de`` the German ones. ``help``
    stands below the name in forms. Tickets keep the key of an entry that is not active. Entries are shown by
    ``position``, then name.
    """

    id: UUID
    key: str
    name: str
    customer_name: str = ""
    customer_name_de: str = ""
    help: str = ""
    help_de: str = ""
    is_active: bool = True
    position: int
    created_at: datetime

    def name_for_customers(self, language: str = ENGLISH) -> str:
        """Return the name that customers read in a language."""
        return (self.customer_name_de if language == "de" else "") or self.customer_name or self.name

    def help_in(self, language: str = ENGLISH) -> str:
        """Return the help text in a language."""
        return (self.help_de if language == "de" else "") or self.help


class ServiceEntry(Entry, frozen=True, kw_only=True):
    """A type of services. ``console_connect`` is what the Console Connect API shows for it."""

    console_connect: ServiceType = ServiceType.NON_CONSOLE


class IssueEntry(Entry, frozen=True, kw_only=True):
    """A type of issues, and the assessment that a ticket of it begins with.

    It applies to services of ``service_types`` only; to all if that is empty. ``closure_required`` are the facts of the
    closure that a ticket needs before it is resolved. ``counts_as_fault`` is whether tickets of it make a service
    chronic. ``console_connect`` is what the Console
    Connect API shows for it.
    """

    console_connect: IssueType = IssueType.OTHERS
    severity: Severity = Severity.MINOR
    impact: Impact = Impact.DEGRADED
    priority: Priority = Priority.LOW
    service_types: tuple[str, ...] = ()
    closure_required: tuple[str, ...] = ()
    counts_as_fault: bool = True

    @property
    def assessment(self) -> Assessment:
        """The assessment of a new ticket."""
        return Assessment(self.severity, self.impact, self.priority)

    def applies_to(self, service_type: str) -> bool:
        """Return whether a ticket about a service of this type can have this type of issue."""
        return not self.service_types or service_type in self.service_types


UNKNOWN_ASSESSMENT = Assessment(Severity.MINOR, Impact.DEGRADED, Priority.LOW)
"""The assessment of a type of issue that was deleted."""


class Catalogue(Struct, frozen=True):
    """All types of issues and services, in their order, by their keys.

    ``issue_keys`` and ``service_keys`` have the keys by what people call the types: key and names, folded.
    """

    issue_types: Mapping[str, IssueEntry]
    service_types: Mapping[str, ServiceEntry]
    issue_keys: Mapping[str, str]
    service_keys: Mapping[str, str]

    def issue_word(self, key: str) -> IssueType:
        """Return what the Console Connect API shows for a type of issue, also for one that was deleted."""
        entry = self.issue_types.get(key)
        return IssueType.OTHERS if entry is None else entry.console_connect

    def service_word(self, key: str) -> ServiceType:
        """Return what the Console Connect API shows for a type of service, also for one that was deleted."""
        entry = self.service_types.get(key)
        return ServiceType.NON_CONSOLE if entry is None else entry.console_connect

    def assessment_of(self, issue_type: str) -> Assessment:
        """Return the assessment that a ticket of this type of issue begins with."""
        entry = self.issue_types.get(issue_type)
        return UNKNOWN_ASSESSMENT if entry is None else entry.assessment

    def issue_named(self, text: str) -> str | None:
        """Return the key of the type of issue that has this key or name, in any case; None if there is none."""
        return self.issue_keys.get(fold(text))

    def service_named(self, text: str) -> str | None:
        """Return the key of the type of service that has this key or name, in any case; None if there is none."""
        return self.service_keys.get(fold(text))

    def issues_of(self, service_type: str | None = None) -> list[IssueEntry]:
        """Return the active types of issues that apply to a type of service, or to any."""
        return [
            entry
            for entry in self.issue_types.values()
            if entry.is_active and (service_type is None or entry.applies_to(service_type))
        ]

    def services(self) -> list[ServiceEntry]:
        """Return the active types of services."""
        return [entry for entry in self.service_types.values() if entry.is_active]

    def inventory_types(self) -> list[ServiceEntry]:
        """Return the active types that services of an inventory can have."""
        return [entry for entry in self.services() if entry.key != ServiceType.NON_CONSOLE]

    def has_own_service_types(self) -> bool:
        """Return whether there are types of services besides the published ones."""
        return len(self.service_types) > len(ServiceType)


def catalogue_of(issue_types: Sequence[IssueEntry], service_types: Sequence[ServiceEntry]) -> Catalogue:
    """Return the catalogue of these entries, which are in their order."""
    return Catalogue(
        {entry.key: entry for entry in issue_types},
        {entry.key: entry for entry in service_types},
        _keys(issue_types),
        _keys(service_types),
    )


def check_entry(entry: Entry, others: Iterable[Entry], words: Collection[str]) -> list[Violation]:
    """Return the rules that an entry breaks. ``words`` are the published keys, which stay what they are."""
    texts = (("customer_name", NAME_MAX), ("customer_name_de", NAME_MAX), ("help", HELP_MAX), ("help_de", HELP_MAX))
    violations = check_text("key", entry.key, most=KEY_MAX) + check_text("name", entry.name, most=NAME_MAX)
    if not violations and _NOT_IN_KEYS.search(entry.key):
        rule = "must be without commas, quotation marks, and spaces at its ends or beside each other"
        violations.append(Violation("key", rule, RuleCode.CHARACTERS))
    for field, most in texts:
        violations += check_text(field, getattr(entry, field), least=0, most=most)
    if not 0 <= entry.position <= POSITION_MAX:
        violations.append(Violation("position", f"must be 0 to {POSITION_MAX}", RuleCode.RANGE))
    word = getattr(entry, "console_connect", entry.key)
    if entry.key in words and word != entry.key:
        rule = f"must be {entry.key}: the Console Connect API publishes it"
        violations.append(Violation("console_connect", rule, RuleCode.CHOICE))
    if not entry.is_active and not any(other.is_active for other in others):
        violations.append(Violation("is_active", "must be true: there is no other active one", RuleCode.CHOICE))
    return violations


def _keys(entries: Sequence[Entry]) -> dict[str, str]:
    """Return the keys of entries by their folded keys and names. A key counts before a name."""
    keys = {fold(entry.key): entry.key for entry in entries}
    for names in ("name", "customer_name", "customer_name_de"):
        for entry in entries:
            keys.setdefault(fold(getattr(entry, names)), entry.key)
    keys.pop("", None)
    return keys


def check_issue_type(catalogue: Catalogue, issue_type: str, service_type: str) -> list[Violation]:
    """Return why a ticket about a service of this type cannot get a type of issue."""
    choices = catalogue.issues_of(service_type)
    entry = catalogue.issue_types.get(issue_type)
    if entry in choices:
        return []
    why = ""
    if entry is not None:
        why = "is retired, and " if not entry.is_active else f"does not apply to {service_type}, and "
    return [Violation("issue_type", f"{why}must be one of {_listed(choices)}", RuleCode.CHOICE)]


def check_service_type(catalogue: Catalogue, service_type: str) -> list[Violation]:
    """Return why a new ticket cannot be about a service of this type."""
    return _check_choice(catalogue.service_types, catalogue.services(), service_type, "service.type")


def check_types(catalogue: Catalogue, issue_type: str, service_type: str) -> list[Violation]:
    """Return why a new ticket cannot have these types."""
    return check_issue_type(catalogue, issue_type, service_type) + check_service_type(catalogue, service_type)


def check_inventory_type(catalogue: Catalogue, service_type: str, *, is_kept: bool = False) -> list[Violation]:
    """Return why a service of an inventory cannot have this type. One that it keeps may be retired."""
    if is_kept and service_type in catalogue.service_types and service_type != ServiceType.NON_CONSOLE:
        return []
    return _check_choice(catalogue.service_types, catalogue.inventory_types(), service_type, "type")


def _check_choice(
    known: Mapping[str, ServiceEntry], choices: Sequence[ServiceEntry], chosen: str, field: str
) -> list[Violation]:
    entry = known.get(chosen)
    if entry in choices:
        return []
    why = "is retired, and " if entry is not None and not entry.is_active else ""
    return [Violation(field, f"{why}must be one of {_listed(choices)}", RuleCode.CHOICE)]


def check_known(keys: Iterable[str], known: Mapping[str, Entry], field: str) -> list[Violation]:
    """Return why keys cannot be conditions: one is unknown. Those of retired types are accepted."""
    if all(key in known for key in keys):
        return []
    return [Violation(field, f"must be one of {_listed(known.values())}", RuleCode.CHOICE)]


def _listed(entries: Iterable[Entry]) -> str:
    return ", ".join(entry.key for entry in entries)
