"""House API v1: ticket templates, exactly as they travel."""

from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from clearline.catalogue.assessment import Priority
from clearline.inventory.domain import ID_MAX
from clearline.tickets.domain import DESCRIPTION_MAX, TITLE_MAX
from clearline.tickets.label_domain import TAG_MAX, TAGS_MAX
from clearline.wires.house.wire import FieldValues, Id, IssueTypeKey, Name, PageQuery, ServiceTypeKey
from clearline.wires.http.fields import characters

Title = Annotated[str, characters(0, TITLE_MAX)]
Description = Annotated[str, characters(0, DESCRIPTION_MAX)]
ServiceId = Annotated[str, characters(1, ID_MAX)]
Tags = Annotated[list[Annotated[str, characters(1, TAG_MAX)]], Meta(max_length=TAGS_MAX)]


class TemplateQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose templates to list."""

    company: Annotated[str, Meta(max_length=255, description="A customer's code, name or id.")] | None = None
    service_type: (
        Annotated[
            ServiceTypeKey,
            Meta(description="Those with which a ticket about a service of this type can begin: of it, or of any."),
        ]
        | None
    ) = None


class TemplateIn(Struct, forbid_unknown_fields=True):
    """A ticket template to add.

    The provider's people may name the ``company`` whose template it is; without, it is theirs. ``priority`` is the one
    that is asked for. With a ``service_type`` it is only for services of that type. ``queue`` (an id) and ``tags`` are
    for the provider's, ``service`` (its id) for a company's.
    """

    name: Name
    company: Annotated[str, characters(1, 255)] | None = None
    title: Title = ""
    description: Description = ""
    issue_type: IssueTypeKey | None = None
    priority: Priority | None = None
    service_type: ServiceTypeKey | None = None
    service: ServiceId | None = None
    fields: FieldValues = {}
    queue: UUID | None = None
    tags: Tags = []


class TemplatePatch(Struct, forbid_unknown_fields=True):
    """What to change (RFC 7396)."""

    name: Name | UnsetType = UNSET
    title: Title | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    issue_type: IssueTypeKey | UnsetType | None = UNSET
    priority: Priority | UnsetType | None = UNSET
    service_type: ServiceTypeKey | UnsetType | None = UNSET
    service: ServiceId | UnsetType | None = UNSET
    fields: FieldValues | UnsetType | None = UNSET
    queue: UUID | UnsetType | None = UNSET
    tags: Tags | UnsetType = UNSET


class TemplateOut(Struct, frozen=True):
    """A ticket template. Only the provider's people see ``queue`` and ``tags``.

    ``company_id`` is the company whose template it is; the id of the provider if it is for its people. ``retired`` has
    the names of those members, ``issue_type`` and ``service_type``, whose type is retired: the template stays, and no
    new ticket can have the type.
    """

    id: Id
    company_id: Id
    name: str
    title: str
    description: str
    issue_type: str | None
    priority: Priority | None
    service_type: str | None
    service: str | None
    fields: FieldValues
    retired: list[str]
    queue: Id | UnsetType | None = UNSET
    tags: list[str] | UnsetType = UNSET
