"""What the desk refuses, as facts. No HTTP status here: each wire answers in its own dialect."""

from collections.abc import Sequence

from msgspec import Struct


class DeskError(Exception):
    """A request that the desk understood and refused. The text is safe to show to whoever asked."""

    code = "refused"


class NotFound(DeskError):
    """No such thing for this actor: it does not exist, or it is another company's."""

    code = "not_found"

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"{kind} {name} does not exist")
        self.kind, self.name = kind, name


class Unauthenticated(DeskError):
    """The credential is missing, malformed, unknown, expired or revoked; which of these is not said."""

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


class Violation(Struct, frozen=True):
    """One broken rule: the field as our domain names it (dotted), and what it should be, without a full stop."""

    field: str
    rule: str


class InvalidInput(DeskError):
    """One or more values break a rule; every one of them is named."""

    code = "invalid_input"

    def __init__(self, violations: Sequence[Violation]) -> None:
        super().__init__("; ".join(f"{v.field} {v.rule}" for v in violations))
        self.violations = tuple(violations)


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
    """The ticket has reached the end of its life and takes no more notes."""

    code = "ticket_finished"

    def __init__(self, status: str) -> None:
        super().__init__(f"a ticket that is {status} takes no more notes")
        self.status = status


class AlreadyExists(Conflict):
    """Another of the kind has this name already."""

    code = "already_exists"

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"{kind} {name} exists already")
        self.kind, self.name = kind, name


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
