"""House API v1: users."""

from functools import partial
from uuid import UUID

from clearline.accounts import usecases as accounts
from clearline.accounts.domain import account_limits
from clearline.identity import Role, Scope
from clearline.tickets import hand_over_usecases as hand_over
from clearline.wires.house.accounts import wire
from clearline.wires.house.accounts.companies import COMPANIES, COMPANY
from clearline.wires.house.accounts.mapping import user_out
from clearline.wires.house.parameters import id_in_path, uuid_of
from clearline.wires.house.records import change_record, get_record, list_records
from clearline.wires.house.wire import Page, PageQuery, set_fields
from clearline.wires.http.call import Call
from clearline.wires.http.table import Operation

USERS = COMPANIES + "/{id}/users"
USER = COMPANY | id_in_path("user_id", "The user's id.")


def user_ids(call: Call) -> tuple[UUID, UUID]:
    """Return the ids of the company and of the user in a path."""
    return uuid_of(call.path["id"], "company"), uuid_of(call.path["user_id"], "user")


async def _list(call: Call, company_id: UUID) -> Page[wire.UserOut]:
    return await list_records(call, (company_id,), accounts.list_users, str, lambda user: [user.email], user_out)


async def list_users(call: Call) -> Page[wire.UserOut]:
    """List a company's users by e-mail address."""
    return await _list(call, uuid_of(call.path["id"], "company"))


async def list_colleagues(call: Call) -> Page[wire.UserOut]:
    """List the users of the acting user's company by e-mail address."""
    _user, company = accounts.user_and_company(call.actor)
    return await _list(call, company.id)


async def create_user(call: Call) -> wire.UserOut:
    """Add a user to a company."""
    company_id = uuid_of(call.path["id"], "company")
    body = call.body(wire.UserIn)
    async with call.transaction() as tx:
        user = await accounts.add_user(
            tx,
            call.actor,
            company_id,
            name=body.name,
            email=body.email,
            phone=body.phone,
            role=None if body.role is None else Role(body.role),
            language=body.language,
            limits=account_limits(call.services.settings),
            now=call.now,
        )
    call.location = f"{COMPANIES}/{company_id}/users/{user.id}"
    return user_out(user)


async def get_user(call: Call) -> wire.UserOut:
    """Return a user."""
    return await get_record(call, user_ids(call), accounts.get_user, user_out)


async def change_user(call: Call) -> wire.UserOut:
    """Change a user."""
    ids, values = user_ids(call), set_fields(call.body(wire.UserPatch))
    if "role" in values:
        values["role"] = Role(values["role"])
    change = partial(hand_over.change_user, limits=account_limits(call.services.settings))
    return await change_record(call, ids, values, accounts.lock_user, change, user_out)


OPERATIONS = (
    Operation(
        "listColleagues", "GET", "/api/v1/users", list_colleagues,
        "List the users of your company", "Returns the users of the company of the key, by e-mail address. For the "
        "provider's people these are the provider's users, whom tickets can be assigned to.",
        Scope.ACCOUNTS_READ, Page[wire.UserOut], query=PageQuery, errors=(400,),
    ),
    Operation(
        "listUsers", "GET", USERS, list_users,
        "List the users of a company", "Returns users by e-mail address, inactive ones too. Customers see their own "
        "company's users.",
        Scope.ACCOUNTS_READ, Page[wire.UserOut], query=PageQuery, path_parameters=COMPANY, errors=(400, 404),
    ),
    Operation(
        "createUser", "POST", USERS, create_user,
        "Add a user", "E-mail addresses are unique in a company, ignoring case. The address of a user that a customer "
        "adds is unconfirmed, unless it is within a verified mail domain of the company: it gets one invitation, and "
        "nothing else until its owner follows the link or answers the mail, or the provider confirms it. A company can "
        "add 1,000 users, and cause 100 mails about addresses in a day, unless the provider sets others. The key "
        "also needs `tickets:read` and `tickets:write`, as far as the user's role has them. For the provider's admins, "
        "and for a customer's admins in their own company.",
        Scope.ACCOUNTS_WRITE, wire.UserOut, body=wire.UserIn, path_parameters=COMPANY, errors=(404, 409), status=201,
    ),
    Operation(
        "getUser", "GET", USERS + "/{user_id}", get_user,
        "Get a user", "Customers can get the users of their own company.",
        Scope.ACCOUNTS_READ, wire.UserOut, path_parameters=USER, errors=(404,),
    ),
    Operation(
        "changeUser", "PATCH", USERS + "/{user_id}", change_user,
        "Change a user",
        "Sets the values in the merge-patch. Another address is unconfirmed if a customer sets it, unless it is "
        "within a verified mail domain of the company, and the old one is notified. Users cannot be deleted, "
        "because the history names them: make a user inactive, and its keys stop working at once. The open tickets"
        " of an agent who is made inactive, or a viewer, return to their queues, or go to the agent that "
        "`hand_over_to` names. The provider's last active admin cannot be made inactive or get another role. "
        "Another address also needs `tickets:read` and `tickets:write`; activating a user, and a role with more "
        "rights, all scopes of that role. For the provider's admins, and for a customer's admins in their own "
        "company.",
        Scope.ACCOUNTS_WRITE, wire.UserOut, body=wire.UserPatch, path_parameters=USER, errors=(404, 409),
        conditional=True,
    ),
)  # fmt: skip
