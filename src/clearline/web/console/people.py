"""Whom tickets can be assigned to, and the queues that they can be moved to."""

from clearline.accounts import usecases as accounts
from clearline.identity import PROVIDER_ID, Actor, User
from clearline.platform.database.transactions import Tx
from clearline.queues import usecases as queues
from clearline.queues.domain import Queue
from clearline.tickets.domain import can_be_assigned

_QUEUES_MAX = 200


async def all_queues(tx: Tx, actor: Actor) -> list[Queue]:
    """Return the queues by name."""
    return [queue for queue, _is_mine in await queues.name_queues(tx, actor, limit=_QUEUES_MAX)]


async def assignable(tx: Tx, actor: Actor) -> list[User]:
    """Return the people whom a ticket can be assigned to, by name."""
    return by_name(await accounts.list_users(tx, actor, PROVIDER_ID))


def by_name(people: list[User]) -> list[User]:
    """Return those of some people whom a ticket can be assigned to, by name."""
    return sorted((user for user in people if can_be_assigned(user)), key=lambda user: user.name.casefold())
