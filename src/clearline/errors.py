"""Refusals as facts. No HTTP status here: each wire has its own error table."""

from collections.abc import Sequence
from enum import StrEnum
from typing import ClassVar, TypeVar

from msgspec import Struct

T = TypeVar("T")


class DeskError(Exception):
    """A request that was understood and refused. The text is safe to show to the client."""

    code = "refused"


class NotFound(DeskError):
    """No such thing for this actor: it does not exist, or it is another company's."""

    code = "not_found"

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"{kind} {name} does not exist")
        self.kind, self.name = kind, name


class OperationalError(Exception):
    """Something that only an operator can repair: the database, the store of attachments, a setting.

    The text is for the operator; wires do not show it.
    """


def require_found(record: T | None, kind: str, name: object) -> T:
    """Return the record, or refuse when there is none for this actor.

    Args:
        record: what the store answered.
        kind: what it is, as people call it: ``queue``.
        name: how the actor named it: an id, a name, a number.

    Raises:
        NotFound: ``record`` is None.
    """
    if record is None:
        raise NotFound(kind, str(name))
    return record


class Unauthenticated(DeskError):
    """The credential is missing, malformed, unknown, expired or revoked; the error does not say which."""

    code = "unauthenticated"

    def __init__(self) -> None:
        super().__init__("a valid API key is required")


class Forbidden(DeskError):
    """The actor is known and may not do this."""

    code = "forbidden"


class ScopeMissing(Forbidden):
    """The key does not carry the scope that the operation asks for."""

    code = "scope_missing"

    def __init__(self, scope: str) -> None:
        super().__init__(f"the API key lacks the scope {scope}")
        self.scope = scope


class RuleCode(StrEnum):
    """The kind of rule that a value breaks, for programs."""

    REQUIRED = "required"
    UNKNOWN = "unknown"
    DUPLICATE = "duplicate"
    TYPE = "type"
    FORMAT = "format"
    CHOICE = "choice"
    LENGTH = "length"
    COUNT = "count"
    RANGE = "range"
    ORDER = "order"
    BLANK = "blank"
    CHARACTERS = "characters"
    REFERENCE = "reference"
    INVALID = "invalid"


class Violation(Struct, frozen=True):
    """One broken rule: the field as our domain names it (dotted), and what it should be, without a full stop."""

    field: str
    rule: str
    code: RuleCode = RuleCode.INVALID


class InvalidInput(DeskError):
    """One or more values break a rule; every one of them is named."""

    code = "invalid_input"

    def __init__(self, violations: Sequence[Violation]) -> None:
        super().__init__("; ".join(f"{v.field} {v.rule}" for v in violations))
        self.violations = tuple(violations)


def require_valid(violations: Sequence[Violation]) -> None:
    """Refuse when any rule is broken.

    Raises:
        InvalidInput: naming each of the violations.
    """
    if violations:
        raise InvalidInput(violations)


class Conflict(DeskError):
    """The request is sound, but not in the present state."""

    code = "conflict"


class IllegalTransition(Conflict):
    """The ticket cannot go from ``current`` to ``requested``."""

    code = "illegal_transition"

    def __init__(self, current: str, requested: str) -> None:
        super().__init__(f"a ticket that is {current} cannot become {requested}")
        self.current, self.requested = current, requested


class TicketFinished(Conflict):
    """The ticket is finished: it accepts no more notes, files or changes."""

    code = "ticket_finished"

    def __init__(self, status: str) -> None:
        super().__init__(f"a ticket that is {status} takes nothing more")
        self.status = status


class MergedInto(TicketFinished):
    """The ticket was merged: add the note to ``into``, the ticket at the end of its merges."""

    code = "ticket_merged"

    def __init__(self, status: str, into: str) -> None:
        super().__init__(status)
        self.args = (f"the ticket was merged into {into}: write there",)
        self.into = into


class AlreadyExists(Conflict):
    """Another of the kind has this name already."""

    code = "already_exists"

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"{kind} {name} exists already")
        self.kind, self.name = kind, name


def require_free(is_free: bool, kind: str, name: str) -> None:  # noqa: FBT001 - the answer of the store
    """Refuse when another record of the kind has the name.

    Raises:
        AlreadyExists: the name is not free.
    """
    if not is_free:
        raise AlreadyExists(kind, name)


class IdempotencyKeyBusy(Conflict):
    """The first request with this Idempotency-Key is still being worked on."""

    code = "idempotency_key_busy"

    def __init__(self) -> None:
        super().__init__("a request with this Idempotency-Key is still running; try again in a moment")


class IdempotencyKeyReused(Conflict):
    """The Idempotency-Key came before with another body."""

    code = "idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__("this Idempotency-Key was used before with a different request")


class LastAdmin(Conflict):
    """The provider, or a customer by its own doing, would have no active admin left."""

    code = "last_admin"

    def __init__(self) -> None:
        super().__init__("the last active admin must stay an admin: make another admin first")


class UserInactive(Conflict):
    """The user cannot do anything, and so no key may speak for it."""

    code = "user_inactive"

    def __init__(self, email: str) -> None:
        super().__init__(f"user {email} is not active")
        self.email = email


class CompanyInactive(Conflict):
    """The company is deactivated: nothing in it can become active."""

    code = "company_inactive"

    def __init__(self, name: str) -> None:
        super().__init__(f"company {name} is deactivated: activate it first")
        self.name = name


class LinkCycle(Conflict):
    """A ticket would become its own ancestor."""

    code = "link_cycle"

    def __init__(self, parent: str, child: str) -> None:
        super().__init__(f"ticket {child} is an ancestor of {parent} and cannot become its child")
        self.parent, self.child = parent, child


class NotMergeable(Conflict):
    """The tickets cannot be merged, or there is no merge to undo; the text says why."""

    code = "not_mergeable"


class AttachmentTooLarge(InvalidInput):
    """The file has more bytes than are allowed."""

    code = "attachment_too_large"

    def __init__(self, most: int) -> None:
        super().__init__([Violation("content", f"must have at most {most} bytes", RuleCode.LENGTH)])
        self.most = most


class MediaTypeRefused(InvalidInput):
    """Files of this media type are not accepted."""

    code = "media_type_refused"

    def __init__(self, rule: str) -> None:
        super().__init__([Violation("media_type", rule, RuleCode.CHOICE)])


class TooMany(Conflict):
    """There are as many of a kind as there may be. ``rule`` says so, with ``{most}`` for how many."""

    code = "too_many"
    rule: ClassVar[str]

    def __init__(self, most: int) -> None:
        super().__init__(self.rule.format(most=most))
        self.most = most


class InUse(Conflict):
    """It cannot be deleted while others refer to it; ``by`` says who, and what to do instead."""

    code = "in_use"

    def __init__(self, kind: str, name: str, by: str) -> None:
        super().__init__(f"{kind} {name} cannot be deleted: {by}")
        self.kind, self.name, self.by = kind, name, by


class TicketTaken(Conflict):
    """The ticket is already assigned to somebody else."""

    code = "ticket_taken"

    def __init__(self, number: str, name: str) -> None:
        super().__init__(f"ticket {number} is assigned to {name}; use force to take it over")
        self.number, self.name = number, name


class NobodyAvailable(Conflict):
    """There is no agent to assign the ticket to."""

    code = "nobody_available"

    def __init__(self, number: str, why: str) -> None:
        super().__init__(f"ticket {number} cannot be assigned: {why}")
        self.number, self.why = number, why


class NotConfirmed(Conflict):
    """Something has values that would be lost, and the request does not confirm how many."""

    code = "not_confirmed"

    def __init__(self, name: str, count: int) -> None:
        super().__init__(f"{name} has {count} values: confirm={count} deletes it with them")
        self.count = count
