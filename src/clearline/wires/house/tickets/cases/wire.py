"""House API v1: bodies of cases at third parties."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from clearline.accounts.domain import NAME_MAX
from clearline.text import EMAIL_MAX
from clearline.tickets.third_parties.domain import CASE_NOTES_MAX, CASE_NUMBER_MAX, PARTY_MAX, CaseKind, CaseState
from clearline.wires.house.wire import Id, Moment, Phone
from clearline.wires.http.fields import characters

Party = Annotated[str, characters(1, PARTY_MAX)]
CaseNumber = Annotated[str, characters(0, CASE_NUMBER_MAX), Meta(description="Empty until it is known.")]
CaseNotes = Annotated[str, characters(0, CASE_NOTES_MAX)]
PersonName = Annotated[str, characters(0, NAME_MAX)]
Address = Annotated[str, characters(0, EMAIL_MAX)]


class CaseContactIn(Struct, forbid_unknown_fields=True):
    """The contact at the third party; an empty text is unknown."""

    name: PersonName = ""
    phone: Phone = ""
    email: Address = ""


class CaseContactPatch(Struct, forbid_unknown_fields=True):
    """The contact at the third party. Members that are absent do not change; an empty text removes one."""

    name: PersonName | UnsetType = UNSET
    phone: Phone | UnsetType = UNSET
    email: Address | UnsetType = UNSET


class CaseContactOut(Struct, frozen=True):
    """The contact at the third party; an empty text is unknown."""

    name: str
    phone: str
    email: str


class CaseIn(Struct, forbid_unknown_fields=True):
    """A case at a third party. ``number`` is what that calls it. Without ``opened_at`` it is opened now."""

    party: Party
    number: CaseNumber = ""
    kind: CaseKind = CaseKind.CARRIER
    state: CaseState = CaseState.OPEN
    opened_at: Moment | None = None
    expected_at: Moment | None = None
    contact: CaseContactIn | None = None
    notes: CaseNotes = ""


class CasePatch(Struct, forbid_unknown_fields=True):
    """A merge patch (RFC 7396) of a case. Null removes ``expected_at``, and all of the contact."""

    party: Party | UnsetType = UNSET
    number: CaseNumber | UnsetType = UNSET
    kind: CaseKind | UnsetType = UNSET
    state: CaseState | UnsetType = UNSET
    opened_at: Moment | UnsetType = UNSET
    expected_at: Moment | UnsetType | None = UNSET
    contact: CaseContactPatch | UnsetType | None = UNSET
    notes: CaseNotes | UnsetType = UNSET


class CaseOut(Struct, frozen=True):
    """A case at a third party. ``expected_at`` is when the third party should have finished.

    ``created_by`` and ``updated_by`` are the names of who did it.
    """

    id: Id
    party: str
    number: str
    kind: CaseKind
    state: CaseState
    opened_at: Moment
    expected_at: Moment | None
    contact: CaseContactOut
    notes: str
    created_at: Moment
    created_by: str
    updated_at: Moment
    updated_by: str


class CaseRefOut(Struct, frozen=True):
    """The case that a ticket waits for. It is named here when it was removed since, too."""

    id: Id
    party: str
    number: str
