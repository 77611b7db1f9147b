"""The entries of the catalogue: the types of issues and services that tickets are about."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from clearline.catalogue.assessment import Assessment, Impact, Priority, Severity
from clearline.catalogue.published import IssueType, ServiceType
from clearline.language.languages import ENGLISH

NAME_MAX = 64
HELP_MAX = 255
POSITION_MAX = 9999


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

    It applies to services of ``service_types`` only; to all if that is empty. ``console_connect`` is what the Console
    Connect API shows for it.
    """

    console_connect: IssueType = IssueType.OTHERS
    severity: Severity = Severity.MINOR
    impact: Impact = Impact.DEGRADED
    priority: Priority = Priority.LOW
    service_types: tuple[str, ...] = ()

    @property
    def assessment(self) -> Assessment:
        """The assessment of a new ticket."""
        return Assessment(self.severity, self.impact, self.priority)

    def applies_to(self, service_type: str) -> bool:
        """Return whether a ticket about a service of this type can have this type of issue."""
        return not self.service_types or service_type in self.service_types


class Catalogue(Struct, frozen=True):
    """All types of issues and services, in their order, by their keys."""

    issue_types: Mapping[str, IssueEntry]
    service_types: Mapping[str, ServiceEntry]

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
        return self.issue_types[issue_type].assessment


def catalogue_of(issue_types: Sequence[IssueEntry], service_types: Sequence[ServiceEntry]) -> Catalogue:
    """Return the catalogue of these entries, which are in their order."""
    return Catalogue({entry.key: entry for entry in issue_types}, {entry.key: entry for entry in service_types})
