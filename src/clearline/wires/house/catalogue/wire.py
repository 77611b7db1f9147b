"""House API v1: the provider's types of issues and services, exactly as they travel."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType, field

from clearline.catalogue import domain as catalogue
from clearline.catalogue.assessment import Impact, Priority, Severity
from clearline.catalogue.published import IssueType, ServiceType
from clearline.wires.house.wire import Id, Moment, ServiceTypeKey
from clearline.wires.http.fields import characters
from clearline.wires.http.one_of import OneOf

Key = Annotated[str, characters(1, catalogue.KEY_MAX)]
TypeName = Annotated[str, characters(1, catalogue.NAME_MAX)]
CustomerName = Annotated[str, characters(0, catalogue.NAME_MAX)]
Help = Annotated[str, characters(0, catalogue.HELP_MAX)]
Place = Annotated[int, Meta(ge=0, le=catalogue.POSITION_MAX)]
AppliesTo = Annotated[list[ServiceTypeKey], Meta(max_length=100)]
ClosureFacts = Annotated[list[OneOf[str, catalogue.CLOSURE_FACTS]], Meta(max_length=len(catalogue.CLOSURE_FACTS))]
IssueWord = OneOf[str, IssueType]
ServiceWord = OneOf[str, ServiceType]


class IssueTypeIn(Struct, forbid_unknown_fields=True):
    """An issue type to create.

    ``key`` is what tickets have, by default the name; it never changes. ``customer_name`` is what customers read, and
    ``customer_name_de`` in German; if empty, the name. ``help`` stands below it in forms. ``severity``, ``impact`` and
    ``priority`` are what a ticket of it begins with. ``service_types`` are the keys of the service types that it
    applies to; empty for all. ``closure_required`` are the facts of the closure without which a ticket of it is not
    resolved. ``counts_as_fault`` is whether tickets of it make a service chronic: false for requests.
    ``console_connect`` is what the Console Connect API shows for it. Without a ``position`` it becomes the last.
    """

    name: TypeName
    key: Key | None = None
    customer_name: CustomerName = ""
    customer_name_de: CustomerName = ""
    help: Help = ""
    help_de: Help = ""
    severity: Severity = Severity.MINOR
    impact: Impact = Impact.DEGRADED
    priority: Priority = Priority.LOW
    service_types: AppliesTo = field(default_factory=list)
    closure_required: ClosureFacts = field(default_factory=list)
    counts_as_fault: bool = True
    console_connect: IssueWord = IssueType.OTHERS.value
    is_active: bool = True
    position: Place | None = None


class IssueTypePatch(Struct, forbid_unknown_fields=True):
    """What to change of an issue type (RFC 7396); its key stays. One that is not active is retired."""

    name: TypeName | UnsetType = UNSET
    customer_name: CustomerName | UnsetType = UNSET
    customer_name_de: CustomerName | UnsetType = UNSET
    help: Help | UnsetType = UNSET
    help_de: Help | UnsetType = UNSET
    severity: Severity | UnsetType = UNSET
    impact: Impact | UnsetType = UNSET
    priority: Priority | UnsetType = UNSET
    service_types: AppliesTo | UnsetType = UNSET
    closure_required: ClosureFacts | UnsetType = UNSET
    counts_as_fault: bool | UnsetType = UNSET
    console_connect: IssueWord | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET
    position: Place | UnsetType = UNSET


class IssueTypeOut(Struct, frozen=True):
    """An issue type. Tickets have its ``key``; ``name`` and ``customer_name`` are for people.

    ``service_types`` is empty if it applies to services of every type. One that is not active is retired: tickets keep
    it, and no other ticket gets it, except over the Console Connect API.
    """

    id: Id
    key: str
    name: str
    customer_name: str
    customer_name_de: str
    help: str
    help_de: str
    severity: Severity
    impact: Impact
    priority: Priority
    service_types: list[str]
    closure_required: list[str]
    counts_as_fault: bool
    console_connect: IssueWord
    is_active: bool
    position: int
    created_at: Moment


class ServiceTypeIn(Struct, forbid_unknown_fields=True):
    """A service type to create.

    ``key`` is what services and tickets have, by default the name; it never changes. ``customer_name`` is what
    customers read, and ``customer_name_de`` in German; if empty, the name. ``console_connect`` is what the Console
    Connect API shows for it. Without a ``position`` it becomes the last.
    """

    name: TypeName
    key: Key | None = None
    customer_name: CustomerName = ""
    customer_name_de: CustomerName = ""
    help: Help = ""
    help_de: Help = ""
    console_connect: ServiceWord = ServiceType.NON_CONSOLE.value
    is_active: bool = True
    position: Place | None = None


class ServiceTypePatch(Struct, forbid_unknown_fields=True):
    """What to change of a service type (RFC 7396); its key stays. One that is not active is retired."""

    name: TypeName | UnsetType = UNSET
    customer_name: CustomerName | UnsetType = UNSET
    customer_name_de: CustomerName | UnsetType = UNSET
    help: Help | UnsetType = UNSET
    help_de: Help | UnsetType = UNSET
    console_connect: ServiceWord | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET
    position: Place | UnsetType = UNSET


class ServiceTypeOut(Struct, frozen=True):
    """A service type. Services and tickets have its ``key``; ``name`` and ``customer_name`` are for people.

    One that is not active is retired: services and tickets keep it, and no other gets it, except over the Console
    Connect API.
    """

    id: Id
    key: str
    name: str
    customer_name: str
    customer_name_de: str
    help: str
    help_de: str
    console_connect: ServiceWord
    is_active: bool
    position: int
    created_at: Moment
