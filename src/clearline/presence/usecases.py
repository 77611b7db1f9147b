"""Report who is on the page of a ticket, and read who is."""

from uuid import UUID

from clearline.clock import monotonic
from clearline.errors import Forbidden, RuleCode, Violation, require_valid
from clearline.identity import Actor
from clearline.platform.database.transactions import Tx
from clearline.presence import store as presence_store
from clearline.presence.domain import TAB_MAX, Activity, Present, Report
from clearline.presence.presence_board import PresenceBoard
from clearline.tickets import access


async def report(tx: Tx, actor: Actor, number: int, tab: str, activity: Activity) -> None:
    """Report what the person does in a tab with a ticket. ``tx`` must be a transaction; nothing is stored.

    Raises:
        NotFound: no such ticket for this actor.
        Forbidden: the actor is none of the provider's people.
        InvalidInput: the name of the tab is empty, too long, or has other characters than letters and digits.
    """
    user_id = _person(actor)
    is_valid = len(tab) <= TAB_MAX and tab.isascii() and tab.isalnum()
    rule = f"must be 1 to {TAB_MAX} letters and digits"
    require_valid([] if is_valid else [Violation("tab", rule, RuleCode.FORMAT)])
    await access.require_ticket(tx, actor, number)
    await presence_store.notify(tx, Report(number, user_id, actor.name, tab, activity))


async def others(tx: Tx, actor: Actor, board: PresenceBoard, number: int) -> list[Present]:
    """Return who else is on the page of a ticket.

    Raises:
        NotFound: no such ticket for this actor.
        Forbidden: the actor is none of the provider's people.
    """
    user_id = _person(actor)
    await access.require_ticket(tx, actor, number)
    return [person for person in board.present(number, monotonic()) if person.user_id != user_id]


def _person(actor: Actor) -> UUID:
    if actor.user is None or not actor.is_staff:
        raise Forbidden("only the provider's people see who works on a ticket")
    return actor.user.id
