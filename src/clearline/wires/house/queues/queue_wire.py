"""House API v1: queues, exactly as they travel."""

from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from clearline.queues.domain import DESCRIPTION_MAX, SENDER_NAME_MAX, Assignment
from clearline.text import EMAIL_MAX
from clearline.wires.house.wire import Id, Moment, Name, Ref
from clearline.wires.http.fields import characters

Description = Annotated[str, characters(0, DESCRIPTION_MAX)]
SenderName = Annotated[str, characters(0, SENDER_NAME_MAX)]
SenderAddress = Annotated[str, characters(0, EMAIL_MAX)]


class QueueIn(Struct, forbid_unknown_fields=True):
    """A queue to create. ``team`` is a team's id; a queue that assigns automatically needs one.

    `sender_name` and `sender_address` stand in From of mail about its tickets; where one is empty, that of the desk.
    """

    name: Name
    description: Description = ""
    team: UUID | None = None
    assignment: Assignment = Assignment.MANUAL
    sender_name: SenderName = ""
    sender_address: SenderAddress = ""


class QueuePatch(Struct, forbid_unknown_fields=True):
    """What to change of a queue (RFC 7396)."""

    name: Name | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    team: UUID | UnsetType | None = UNSET
    assignment: Assignment | UnsetType = UNSET
    sender_name: SenderName | UnsetType = UNSET
    sender_address: SenderAddress | UnsetType = UNSET


class QueueOut(Struct, frozen=True):
    """A queue of tickets.

    `sender_name` and `sender_address` stand in From of mail about its tickets; where one is empty, that of the desk.
    """

    id: Id
    name: str
    description: str
    team: Ref | None
    assignment: Assignment
    sender_name: str
    sender_address: str
    created_at: Moment


class QueueSummary(QueueOut, frozen=True):
    """A queue in a list, with the number of its open tickets.

    `unassigned_tickets` are those without an assignee, `unreachable_tickets` those whose assignee gets no mail:
    inactive, a viewer, or with a suppressed address.
    """

    open_tickets: int
    unassigned_tickets: int
    unreachable_tickets: int
