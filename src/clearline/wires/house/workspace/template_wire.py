"""House API v1: ticket templates, exactly as they travel."""

from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from clearline.catalogue.assessment import Priority
from clearline.inventory.domain import ID_MAX
from clearline.tickets.domain import DESCRIPTION_MAX, TITLE_MAX
from clearline.tickets.label_domain import TAG_MAX, TAGS_MAX
from clearline.wires.house.wire import FieldValues, Id, IssueTypeKey, Name, PageQuery
from clearline.wires.http.fields import characters

Title = Annotated[str, characters(0, TITLE_MAX)]
Description = Annotated[str, characters(0, DESCRIPTION_MAX)]
ServiceId = Annotated[str, characters(1, ID_MAX)]
Tags = Annotated[list[Annotated[str, characters(1, TAG_MAX)]], Meta(max_length=TAGS_MAX)]


class TemplateQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose templates to list."""

    company: Annotated[str, Meta(max_length=255, description="A customer's code, name or id.")] | None = None


class TemplateIn(Struct, forbid_unknown_fields=True):
    """A ticket template to add.

    The provider's people may name the ``company`` whose template it is; without, it is theirs. ``priority`` is the one
    that is asked for. ``queue`` (an id) and ``tags`` are for the provider's, ``service`` (its id) for a company's.
    """

    name: Name
    company: Annotated[str, characters(1, 255)] | None = None
    title: Title = ""
    description: Description = ""
    issue_type: IssueTypeKey | None = None
    priority: Priority | None = None
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
    service: ServiceId | UnsetType | None = UNSET
    fields: FieldValues | UnsetType | None = UNSET
    queue: UUID | UnsetType | None = UNSET
    tags: Tags | UnsetType = UNSET


class TemplateOut(Struct, frozen=True):
    """A ticket template. Only the provider's people see ``queue`` and ``tags``.

    ``company_id`` is the company whose template it is; the id of the provider if it is for its people.
    """

    id: Id
    company_id: Id
    name: str
    title: str
    description: str
    issue_type: str | None
    priority: Priority | None
    service: str | None
    fields: FieldValues
    queue: Id | UnsetType | None = UNSET
    tags: list[str] | UnsetType = UNSET
