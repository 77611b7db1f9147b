"""House API v1: what goes with a status: the sub-status, why a ticket waits, what was found and done."""

from typing import Annotated, Any
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import astuple

from clearline.catalogue.term_domain import KEY
from clearline.tickets.domain import Closure, Waiting
from clearline.tickets.progress.facts import CLOSURE_TEXT_MAX, WAITING_TEXT_MAX, StatusFacts
from clearline.tickets.third_parties.domain import CaseRef
from clearline.wires.house.tickets.cases.mapping import case_ref_out
from clearline.wires.house.tickets.cases.wire import CaseRefOut
from clearline.wires.house.wire import Moment
from clearline.wires.http.fields import characters

Key = Annotated[
    str,
    Meta(
        pattern=KEY.pattern,
        extra={"rule": "must be the key of a term: a small letter, then small letters, digits and _"},
    ),
]
WaitingText = Annotated[str, characters(0, WAITING_TEXT_MAX)]
ClosureText = Annotated[str, characters(0, CLOSURE_TEXT_MAX)]


class WaitingIn(Struct, forbid_unknown_fields=True):
    """Why a ticket waits: the key of a `waiting_reason`, and a text for the provider's people."""

    reason: Key
    text: WaitingText = ""


class OwnWaitingIn(WaitingIn, forbid_unknown_fields=True):
    """Why one ticket waits. ``case`` is the id of its case at a third party that it waits for."""

    case: UUID | None = None


class WaitingPatch(Struct, forbid_unknown_fields=True):
    """Why a pending or held ticket waits. Members that are absent do not change."""

    reason: Key | UnsetType = UNSET
    text: WaitingText | UnsetType = UNSET
    case: UUID | UnsetType | None = UNSET


class WaitingOut(Struct, frozen=True, gc=False):
    """Why a ticket waits, since when. ``text``, ``by`` and ``case`` are present for the provider's people only.

    Customers see it if the reason has a wording for them.
    """

    reason: str
    at: Moment | None
    text: str | UnsetType = UNSET
    by: str | UnsetType = UNSET
    case: CaseRefOut | UnsetType | None = UNSET


class ClosureIn(Struct, forbid_unknown_fields=True):
    """What was found and done. ``cause``, ``action`` and ``responsibility`` are keys of the lists of these kinds.

    What is absent or null stays as the ticket has it. Customers read ``resolution`` alone.
    """

    cause: Key | None = None
    action: Key | None = None
    responsibility: Key | None = None
    fault_found: bool | None = None
    root_cause: ClosureText = ""
    resolution: ClosureText = ""


class ClosurePatch(Struct, forbid_unknown_fields=True):
    """What was found and done. Members that are absent do not change; null, or an empty text, removes a value."""

    cause: Key | UnsetType | None = UNSET
    action: Key | UnsetType | None = UNSET
    responsibility: Key | UnsetType | None = UNSET
    fault_found: bool | UnsetType | None = UNSET
    root_cause: ClosureText | UnsetType = UNSET
    resolution: ClosureText | UnsetType = UNSET


class ClosureOut(Struct, frozen=True, gc=False):
    """What was found and done. For customers it has ``resolution`` alone, and is null without one."""

    resolution: str
    cause: str | UnsetType | None = UNSET
    action: str | UnsetType | None = UNSET
    responsibility: str | UnsetType | None = UNSET
    fault_found: bool | UnsetType | None = UNSET
    root_cause: str | UnsetType = UNSET


def waiting_out(waiting: Waiting | None) -> WaitingOut | None:
    """Return why a ticket waits, for the provider's people."""
    if waiting is None:
        return None
    case = None if waiting.case is None else case_ref_out(waiting.case)
    return WaitingOut(waiting.reason, waiting.at, waiting.text, waiting.by, case)


def waiting_for_customer(waiting: Waiting | None) -> WaitingOut | None:
    """Return why a ticket waits, for its customer."""
    return None if waiting is None else WaitingOut(waiting.reason, waiting.at)


def closure_out(closure: Closure | None) -> ClosureOut | None:
    """Return what was found and done, for the provider's people."""
    if closure is None:
        return None
    return ClosureOut(
        closure.resolution, closure.cause, closure.action, closure.responsibility, closure.fault_found,
        closure.root_cause,
    )  # fmt: skip


def closure_for_customer(closure: Closure | None) -> ClosureOut | None:
    """Return how a ticket was resolved, for its customer."""
    return None if closure is None else ClosureOut(closure.resolution)


def _ref(case_id: UUID | None) -> CaseRef | None:
    """Return the case with an id; the use case finds its party and number."""
    return None if case_id is None else CaseRef(case_id, "")


def facts_in(sub_status: str | None, waiting: WaitingIn | None, closure: ClosureIn | None) -> StatusFacts:
    """Return what is given with a status."""
    case = _ref(waiting.case) if isinstance(waiting, OwnWaitingIn) else None
    return StatusFacts(
        sub_status,
        None if waiting is None else Waiting(waiting.reason, waiting.text, case=case),
        None if closure is None else Closure(*astuple(closure)),
    )


def facts_out(facts: StatusFacts) -> tuple[str | None, WaitingIn | None, ClosureIn | None]:
    """Return what is given with a status, as ``facts_in`` reads it."""
    waiting, closure = facts.waiting, facts.closure
    return (
        facts.sub_status,
        None if waiting is None else WaitingIn(waiting.reason, waiting.text),
        None if closure is None else ClosureIn(*astuple(closure)),
    )


def values_in(values: dict[str, Any]) -> dict[str, Any]:
    """Take what goes with the status out of the values of a merge patch, and return it as ``change_facts`` does."""
    taken: dict[str, Any] = {name: values.pop(name) for name in ("sub_status", "waiting", "closure") if name in values}
    for name in ("waiting", "closure"):
        if (given := taken.get(name)) is not None:
            members = ((member, getattr(given, member)) for member in given.__struct_fields__)
            taken[name] = {member: value for member, value in members if value is not UNSET}
    if "case" in (waiting := taken.get("waiting") or {}):
        waiting["case"] = _ref(waiting["case"])
    return taken
