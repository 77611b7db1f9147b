"""Messages that were sent and can still be taken back."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from clearline.tickets.domain import Status
from clearline.tickets.note_domain import Visibility
from clearline.tickets.progress.facts import NO_FACTS, StatusFacts
from clearline.workspace.domain import Macro

UNDO_MAX_SECONDS = 60
"""The longest time for which a message can be taken back."""


class PendingMessage(Struct, frozen=True):
    """A message that becomes a note at ``due_at``, unless its author takes it back before.

    ``then`` is the status that the ticket has after it, with ``facts``, ``macro`` the macro whose values it gets;
    without a text there is no note. With a ``failure`` it could not be sent, and stays until somebody takes it back.
    """

    company_id: UUID
    ticket_number: int
    id: UUID
    user_id: UUID
    author: str
    text: str
    visibility: Visibility
    then: Status | None
    created_at: datetime
    due_at: datetime
    failure: str = ""
    macro: Macro | None = None
    facts: StatusFacts = NO_FACTS

    @property
    def draft_writer(self) -> str:
        """The name under which it is a draft after it was taken back."""
        return f"undone-{self.id}"

    def seconds_left(self, now: datetime) -> int:
        """Return the full seconds until it is due."""
        return max(0, round((self.due_at - now).total_seconds()))
