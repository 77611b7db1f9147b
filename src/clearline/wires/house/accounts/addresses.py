"""House API v1: addresses of users that nobody has proven."""

from uuid import UUID

from clearline.accounts import usecases as accounts
from clearline.accounts.conflict_store import AddressConflict
from clearline.accounts.domain import account_limits
from clearline.identity import Scope
from clearline.wires.house.accounts import wire
from clearline.wires.house.accounts.mapping import conflict_out, user_out
from clearline.wires.house.accounts.users import USER, USERS, user_ids
from clearline.wires.house.records import list_records
from clearline.wires.house.wire import Page, PageQuery
from clearline.wires.http.call import Call
from clearline.wires.http.table import Operation


def _key(address: str, company_id: str) -> tuple[str, UUID]:
    return address, UUID(company_id)


def _keys(conflict: AddressConflict) -> list[str]:
    return [conflict.user.email.lower(), str(conflict.company.id)]


async def invite_user(call: Call) -> wire.UserOut:
    """Send the invitation of a user again."""
    ids = user_ids(call)
    call.body(wire.InviteIn)
    limits = account_limits(call.services.settings)
    async with call.transaction() as tx:
        return user_out(await accounts.invite_user(tx, call.actor, *ids, limits=limits, now=call.now))


async def list_conflicts(call: Call) -> Page[wire.AddressConflictOut]:
    """List conflicts by address."""
    return await list_records(call, (), accounts.list_conflicts, _key, _keys, conflict_out)


async def decide_claim(call: Call) -> wire.UserOut:
    """Confirm or refuse the claim of an address."""
    ids = user_ids(call)
    is_confirmed = call.body(wire.ClaimDecisionIn).decision == "confirm"
    async with call.transaction() as tx:
        return user_out(await accounts.decide_claim(tx, call.actor, *ids, is_confirmed=is_confirmed, now=call.now))


OPERATIONS = (
    Operation(
        "inviteUser", "POST", USERS + "/{user_id}/invite", invite_user,
        "Send an invitation again", "Sends the invitation of an unconfirmed address once more: at most 3 times, and "
        "not within an hour after the last one. It counts as one of the mails about addresses that a company may cause "
        "in a day. The key also needs `tickets:read` and `tickets:write`, as far as the user's role has them. For the "
        "provider's admins, and for a customer's admins in their own company.",
        Scope.ACCOUNTS_WRITE, wire.UserOut, body=wire.InviteIn, path_parameters=USER, errors=(404, 409),
    ),
    Operation(
        "listAddressConflicts", "GET", "/api/v1/address-conflicts", list_conflicts,
        "List conflicts about addresses", "Returns, by address, the unconfirmed addresses of active users that other "
        "companies have: by a user with the address confirmed, active or not, or by mail of it that was released for "
        "them. No mail domain confirms such an address. For the provider's people.",
        Scope.ACCOUNTS_READ, Page[wire.AddressConflictOut], query=PageQuery, errors=(400,),
    ),
    Operation(
        "decideAddressClaim", "POST", USERS + "/{user_id}/address-claim", decide_claim,
        "Decide the claim of an address", "`confirm` confirms the unconfirmed address of the user, as setting "
        "`is_confirmed` does. `refuse` keeps it unconfirmed: the company cannot invite it again, its link no longer "
        "works, and no mail domain confirms it, until you confirm it. The companies that have the address keep it. For "
        "the provider's admins.",
        Scope.ACCOUNTS_WRITE, wire.UserOut, body=wire.ClaimDecisionIn, path_parameters=USER, errors=(404, 409),
    ),
)  # fmt: skip
