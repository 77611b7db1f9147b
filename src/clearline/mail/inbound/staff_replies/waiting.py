"""The replies that an agent has waiting in the console when its mail about the same ticket comes in."""

from uuid import UUID

from clearline.accounts import key_store, user_store
from clearline.drafts import pending_usecases as pending
from clearline.identity import ALL_SCOPES, PROVIDER_ID
from clearline.mail.format.headers import Address
from clearline.platform.database.transactions import Tx
from clearline.tickets import store as ticket_store
from clearline.tickets.domain import Ticket
from clearline.tickets.links.follow_up_usecases import lock_final_ticket


async def lock_ticket_of(tx: Tx, sender: Address, company_id: UUID, number: int) -> Ticket | None:
    """Lock a ticket as ``lock_final_ticket`` does, after what its sender has waiting on it, and return the ticket.

    Filing the mail sends that first. Whoever sends a message locks the message before the ticket.
    """
    user = await user_store.find(tx, PROVIDER_ID, sender.address)
    actor = None if user is None else await key_store.actor_for(tx, PROVIDER_ID, user.id, ALL_SCOPES)
    if actor is not None:
        await pending.lock_waiting(tx, actor, await ticket_store.merge_target(tx, company_id, number))
    return await lock_final_ticket(tx, company_id, number)
