"""Find the person with an address."""

from clearline.accounts import permissions, user_store
from clearline.errors import require_valid
from clearline.identity import Actor, Scope
from clearline.platform.database.transactions import Tx
from clearline.privacy.domain import Person
from clearline.text import check_email, normalized_address

_ACCOUNTS_MAX = 1000


async def find_person(tx: Tx, actor: Actor, address: str, scope: Scope) -> Person:
    """Return the person with an address, for the provider's admins with a scope who see every customer.

    Whether anything is stored about the person is found later: an address alone is a person, too.

    Raises:
        Forbidden: the actor is no admin of the provider.
    """
    permissions.require_whole_desk(actor, scope)
    permissions.require_desk_admin(actor)
    require_valid(check_email("address", address.strip()))
    known = normalized_address(address)
    return Person(known, tuple(await user_store.with_address(tx, known, limit=_ACCOUNTS_MAX)))
