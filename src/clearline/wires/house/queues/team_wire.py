"""House API v1: teams, exactly as they travel."""

from msgspec import UNSET, Struct, UnsetType

from clearline.identity import Role
from clearline.wires.house.wire import Id, Moment, Name, Ref


class TeamIn(Struct, forbid_unknown_fields=True):
    """A team to create. Its members are added one by one."""

    name: Name


class TeamPatch(Struct, forbid_unknown_fields=True):
    """What to change of a team (RFC 7396)."""

    name: Name | UnsetType = UNSET


class TeamOut(Struct, frozen=True):
    """People who work the same queues; ``queues`` are the names of the queues."""

    id: Id
    name: str
    members: list[Ref]
    queues: list[str]
    created_at: Moment


class MemberOut(Struct, frozen=True):
    """A member of a team. Only one who is active and available is assigned tickets automatically."""

    id: Id
    name: str
    email: str
    role: Role
    is_active: bool
    is_available: bool


class AvailabilityIn(Struct, forbid_unknown_fields=True):
    """Whether tickets are assigned to you automatically."""

    available: bool


class AvailabilityOut(Struct, frozen=True):
    """Whether you are assigned tickets automatically."""

    available: bool
